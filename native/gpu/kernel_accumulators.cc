// The table of accumulators.
#include "gpu/kernel_accumulators.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <string_view>

#include "gpu/kernel_types.h"

namespace metalgrad::gpu {
namespace {

constexpr bool isFloat(Dtype dtype) {
  return dtype == Dtype::float16 || dtype == Dtype::bfloat16 || dtype == Dtype::float32;
}

uint32_t wordsOf(ReduceOp op, Dtype dtype) {
  if (op == ReduceOp::sum && isFloat(dtype)) return 2;
  if (op == ReduceOp::sum && dtype == Dtype::complex64) return 4;
  const uint32_t value = itemSize(dtype) == 8 ? 2 : 1;
  return op == ReduceOp::argmax || op == ReduceOp::argmin ? value + 1 : value;
}

constexpr uint64_t pairOf(float real, float imaginary) {
  return std::bit_cast<uint32_t>(real) | uint64_t{std::bit_cast<uint32_t>(imaginary)} << 32;
}

/// The greatest or the least number of an integer dtype.
uint64_t boundOf(Dtype dtype, bool greatest) {
  if (dtype == Dtype::bool_) return greatest ? 1 : 0;
  const bool isSigned = dtype >= Dtype::int8;
  const uint64_t ones = ~uint64_t{0} >> (64 - 8 * itemSize(dtype));
  const uint64_t top = isSigned ? ones >> 1 : ones;
  return greatest ? top : isSigned ? ~top : 0;
}

}  // namespace

std::vector<Accumulator> accumulatorsOf(const KernelStep& step) {
  constexpr std::array<std::string_view, 6> names = {"SumOf", "ProdOf", "MaxOf", "MinOf", "ArgmaxOf", "ArgminOf"};
  std::vector<Accumulator> result;
  for (const Reduction& reduction : step.reductions) {
    const Dtype dtype = dtypeOf(step, reduction.value);
    Text type;
    type.add("mg::", names[static_cast<size_t>(reduction.op)], "<", valueType(dtype), ">");
    result.push_back({type.take(), wordsOf(reduction.op, dtype)});
  }
  return result;
}

uint32_t wordsOf(const std::vector<Accumulator>& accumulators) {
  uint32_t words = 0;
  for (const Accumulator& accumulator : accumulators) words += accumulator.words;
  return words;
}

bool computesWith(const KernelStep& step, Dtype dtype) {
  return std::ranges::any_of(step.loads, [&](const Operand& load) { return load.dtype == dtype; }) ||
         std::ranges::any_of(step.code, [&](const Instruction& instruction) {
           return instruction.dtype == dtype || instruction.to == dtype;
         });
}

Dtype dtypeOf(const KernelStep& step, uint32_t value) {
  const size_t loads = step.loads.size();
  if (value >= loads) return step.code[value - loads].to;
  return step.loads[value].slot == kIndexSlot ? Dtype::int64 : step.loads[value].dtype;
}

uint64_t identityOf(ReduceOp op, Dtype dtype) {
  if (op == ReduceOp::argmax || op == ReduceOp::argmin) return 0;
  const bool inexact = dtype >= Dtype::float16;
  if (op == ReduceOp::sum || op == ReduceOp::prod) {
    const uint64_t number = op == ReduceOp::prod ? 1 : 0;
    if (dtype == Dtype::complex64) return pairOf(static_cast<float>(number), 0);
    return inexact ? std::bit_cast<uint64_t>(static_cast<double>(number)) : number;
  }
  const bool greatest = op == ReduceOp::min;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float infinity = greatest ? kInfinity : -kInfinity;
  if (dtype == Dtype::complex64) return pairOf(infinity, infinity);
  return inexact ? std::bit_cast<uint64_t>(static_cast<double>(infinity)) : boundOf(dtype, greatest);
}

}  // namespace metalgrad::gpu
