// Binary search in sorted rows, in the order in which sorts put values.
//
//   searchsorted  ints: right (0 or 1); sorted [rows…, n], values [rows…, m] → positions [rows…, m] (uint32)
#include <algorithm>
#include <cstdint>
#include <string>

#include "cpu/iteration.h"
#include "cpu/routines/registry.h"
#include "cpu/sort_keys.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {
namespace {

/// Values that one chunk looks up.
constexpr int64_t kGrain = 1 << 11;

enum { kSorted, kValues, kOut, kArrays };

std::string check(const RoutineStep& step) {
  if (step.ints.size() != 1 || !step.args.empty() || step.inputs.size() != 2 || step.outputs.size() != 1) {
    return "wrong numbers of integers or arrays";
  }
  if (step.ints[0] != 0 && step.ints[0] != 1) return "no such side";
  const auto& sorted = step.inputs[0];
  const auto& values = step.inputs[1];
  const auto& out = step.outputs[0];
  if (sorted.shape.empty() || sorted.shape.size() != values.shape.size() || out.shape != values.shape ||
      !std::equal(sorted.shape.begin(), sorted.shape.end() - 1, values.shape.begin())) {
    return "arrays differ in shape";
  }
  if (sorted.operand.dtype != values.operand.dtype) return "arrays differ in dtype";
  if (out.operand.dtype != Dtype::uint32) return "positions are uint32";
  if (sorted.shape.back() >= int64_t{1} << 32) return "a position does not fit uint32";
  return {};
}

/// How many of the row's elements come before `key`, equal ones too if `right`.
template <typename Codec>
uint32_t find(const typename Codec::Element* row, int64_t length, int64_t stride, typename Codec::Key key, bool right) {
  int64_t begin = 0, count = length;
  while (count > 0) {
    const int64_t half = count / 2;
    const auto middle = Codec::order(row[(begin + half) * stride]);
    if (middle < key || (right && middle == key)) {
      begin += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return static_cast<uint32_t>(begin);
}

template <typename Codec>
void search(const RoutineStep& step, const Run& run) {
  using Element = typename Codec::Element;
  const auto& sorted = step.inputs[0].operand;
  const auto& values = step.inputs[1].operand;
  const auto& out = step.outputs[0].operand;
  const auto& shape = step.outputs[0].shape;
  const size_t last = shape.size() - 1;
  Space<kArrays> space;
  for (size_t axis = 0; axis < last; axis++) {
    space.append(shape[axis], {sorted.strides[axis], values.strides[axis], out.strides[axis]});
  }
  space.append(shape[last], {0, values.strides[last], out.strides[last]});
  const int64_t length = step.inputs[0].shape[last], stride = sorted.strides[last];
  const bool right = step.ints[0] == 1;
  const auto* rows = reinterpret_cast<const Element*>(run.at(sorted));
  const auto* wanted = reinterpret_cast<const Element*>(run.at(values));
  auto* positions = reinterpret_cast<uint32_t*>(run.at(out));
  run.pool.parallelFor(space.size(), kGrain, [&](int64_t begin, int64_t end) {
    Odometer<kArrays> at(space, begin);
    for (int64_t i = begin; i < end; i++, at.next()) {
      const auto key = Codec::order(wanted[at.offsets[kValues]]);
      positions[at.offsets[kOut]] = find<Codec>(rows + at.offsets[kSorted], length, stride, key, right);
    }
  });
}

void runSearch(const RoutineStep& step, const Run& run) {
  withKeys(step.inputs[0].operand.dtype, [&]<typename Codec>() { search<Codec>(step, run); });
}

const RoutineRegistration searches(Routine::searchsorted, {.check = check, .run = runSearch});

}  // namespace
}  // namespace metalgrad::cpu
