// The bytes of an array as numbers of another dtype.
//
//   bitcast   no integers; x, row-major → the same bytes in another dtype; a byte that is not 0 is true
#include <algorithm>
#include <cstring>
#include <string>

#include "cpu/routines/registry.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {
namespace {

constexpr int64_t kGrain = 1 << 18;

/// Elements times their size, or -1 if that is no number of bytes.
int64_t bytesOf(const Array& array) {
  auto bytes = static_cast<int64_t>(itemSize(array.operand.dtype));
  for (const int64_t size : array.shape) {
    if (__builtin_mul_overflow(bytes, size, &bytes)) return -1;
  }
  return bytes;
}

std::string checkBitcast(const RoutineStep& step) {
  if (step.inputs.size() != 1 || step.outputs.size() != 1 || !step.ints.empty() || !step.args.empty()) {
    return "wrong numbers of integers or arrays";
  }
  const int64_t bytes = bytesOf(step.inputs[0]);
  if (bytes < 0 || bytes != bytesOf(step.outputs[0])) return "arrays differ in bytes";
  if (!isContiguous(step.inputs[0])) return "the bytes do not lie together";
  return {};
}

void runBitcast(const RoutineStep& step, const Run& run) {
  const std::byte* from = run.at(step.inputs[0].operand);
  std::byte* to = run.at(step.outputs[0].operand);
  const bool truth = step.outputs[0].operand.dtype == Dtype::bool_;
  run.pool.parallelFor(bytesOf(step.outputs[0]), kGrain, [&](int64_t begin, int64_t end) {
    if (truth) {
      std::transform(from + begin, from + end, to + begin, [](std::byte x) { return std::byte{x != std::byte{0}}; });
    } else {
      std::memcpy(to + begin, from + begin, static_cast<size_t>(end - begin));
    }
  });
}

const RoutineRegistration bitcasts(Routine::bitcast, {.check = checkBitcast, .run = runBitcast});

}  // namespace
}  // namespace metalgrad::cpu
