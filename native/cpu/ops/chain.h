// Chains: runs of float32 instructions that each take the one before's result, which never leaves the vector registers.
#pragma once

#include <cstdint>

#include "program/opcodes.h"

namespace metalgrad::cpu {

/// What a step does to the running value x. V: the operand is a tile, S: it is single.
enum class ChainCode : uint8_t {
  none,
  negative,
  abs,
  square,
  twice,
  sqrt,
  rsqrt,
  reciprocal,
  exp,
  tanh,
  sigmoid,
  floor,
  ceil,
  round,
  trunc,
  roundHalf,  // to float16, kept as float32
  roundBfloat,
  addV,
  addS,
  subtractV,  // x - b
  subtractS,
  subtractFromV,  // b - x
  subtractFromS,
  multiplyV,
  multiplyS,
  divideV,  // x / b
  divideS,
  divideIntoV,  // b / x
  divideIntoS,
  maximumV,  // maximum(x, b)
  maximumS,
  maximumOfV,  // maximum(b, x)
  maximumOfS,
  minimumV,
  minimumS,
  minimumOfV,
  minimumOfS,
  multiplyAddVV,  // x · b + c
  multiplyAddVS,
  multiplyAddSV,
  multiplyAddSS,
  addProductVV,  // b · c + x
  addProductVS,
};

struct ChainStep {
  ChainCode code = ChainCode::none;
  const float* b = nullptr;
  const float* c = nullptr;
  /// Where x is kept after the step, for others to read; null if nobody does.
  float* keep = nullptr;
};

/// x = from; each step changes x; then `to` = x. Operands are aligned with `from`, element by element.
void runChain(const ChainStep* steps, int count, const float* from, float* to, int64_t n);

/// The code of a float32 instruction that takes x as the operands in `running` (a bit each) and `single` ones;
/// `swapped` tells that its two other operands change places.
ChainCode chainCode(ElementwiseOp op, unsigned running, unsigned single, bool& swapped);

}  // namespace metalgrad::cpu
