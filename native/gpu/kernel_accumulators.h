// Which accumulator of metal/accumulators.h a reduction takes, and how much memory its state needs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "program/program.h"

namespace metalgrad::gpu {

struct Accumulator {
  /// As MSL writes it: mg::SumOf<float>.
  std::string type;
  /// 32-bit words of a state.
  uint32_t words;
};

/// One a reduction of the step.
std::vector<Accumulator> accumulatorsOf(const KernelStep& step);
/// Words of all of them.
uint32_t wordsOf(const std::vector<Accumulator>& accumulators);

bool computesWith(const KernelStep& step, Dtype dtype);
/// The dtype of a value of the step.
Dtype dtypeOf(const KernelStep& step, uint32_t value);
/// What a reduction over nothing gives, as 8-byte arguments are written: a double, an int64, or two floats.
uint64_t identityOf(ReduceOp op, Dtype dtype);

}  // namespace metalgrad::gpu
