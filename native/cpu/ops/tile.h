// Functions over tiles: what the instructions of a kernel are made of. Inside a kernel, float16 and bfloat16 values are
// float32 numbers that were rounded to the narrower format, so only memory ever holds 16-bit floats.
#pragma once

#include <cstddef>
#include <cstdint>

#include "program/opcodes.h"

namespace metalgrad::cpu {

/// Computes n elements. An operand points at n elements or, where the function was chosen so, at a single one. `out`
/// may be one of the operands if their elements have the same size.
using TileFn = void (*)(void* out, const void* a, const void* b, const void* c, int64_t n);

/// Which operands are single elements.
constexpr unsigned kScalarA = 1, kScalarB = 2, kScalarC = 4;

/// The function of an instruction on a dtype other than float16 and bfloat16. Null where the operation does not exist
/// for the dtype, or has no version for these scalars. For arange, a is the position (int64), b and c are 8-byte
/// arguments, always scalars.
TileFn elementwise(ElementwiseOp op, Dtype dtype, unsigned scalars);

/// Conversion between dtypes other than float16 and bfloat16.
TileFn castTile(Dtype from, Dtype to);
/// Conversion to float32, rounded to odd, so that rounding again to a 16-bit float rounds once.
TileFn castToOdd(Dtype from);
/// float32 rounded to what float16 or bfloat16 can hold.
TileFn roundTo(Dtype half);
/// 16-bit float memory to float32, and back (values must be rounded already, or be rounded to odd).
TileFn widenHalf(Dtype half);
TileFn narrowHalf(Dtype half);
/// n copies of the element at a, by element size.
TileFn fillTile(size_t itemSize);
/// A plain copy of a, by element size.
TileFn copyTile(size_t itemSize);

/// One axis of a block of memory, outermost first. Strides count bytes.
struct Dim {
  int64_t count, stride;
};
/// Collects a strided block into a tile, or spreads a tile over one. 1 to 32 dims.
using MoveFn = void (*)(void* to, const void* from, const Dim* dims, int rank);
MoveFn gatherBlock(size_t itemSize);
MoveFn scatterBlock(size_t itemSize);
/// Writes base + Σ index · stride of each element of a block.
void positionsOfBlock(int64_t* to, int64_t base, const Dim* dims, int rank);

/// A reduction: accumulators are kept for `count` results, in an area laid out for `capacity` of them (a multiple of
/// 16).
struct ReduceFns {
  void (*init)(void* acc, int64_t capacity, int64_t count);
  /// Reduces the k axis of a tile [m, k, c] into accumulators [m, c]; `first` is the reduced position of k = 0.
  void (*accumulate)(void* acc, int64_t capacity, const void* tile, int64_t m, int64_t k, int64_t c, int64_t first);
  /// Adds what a later part of the reduced axes gave.
  void (*combine)(void* acc, const void* later, int64_t capacity, int64_t count);
  /// Writes results in the format of memory.
  void (*finish)(void* out, const void* acc, int64_t capacity, int64_t count);
  /// Bytes for one accumulator.
  size_t bytes = 0;
};
/// `init` is null where the reduction does not exist for the dtype.
ReduceFns reduceFns(ReduceOp op, Dtype dtype);

}  // namespace metalgrad::cpu
