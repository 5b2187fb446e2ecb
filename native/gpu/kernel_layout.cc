// Drops axes of size 1, orders those of elementwise groups as the first store lies in memory, and joins neighbours that
// every operand crosses in one stride.
#include "gpu/kernel_layout.h"

#include <algorithm>
#include <cstdlib>

namespace metalgrad::gpu {
namespace {

/// Indices below this leave room for the threads beyond the end of a grid.
constexpr int64_t kNarrow = (int64_t{1} << 31) - (1 << 16);

std::vector<Use> usesOf(const KernelStep& step) {
  std::vector<Use> uses;
  for (const Operand& load : step.loads) {
    const bool product = load.slot == kProductSlot;
    uses.push_back({product ? Role::product : load.slot == kIndexSlot ? Role::position : Role::load, &load});
  }
  for (const Store& store : step.stores) uses.push_back({Role::store, &store.operand});
  for (const Reduction& reduction : step.reductions) uses.push_back({Role::result, &reduction.operand});
  return uses;
}

int64_t strideOf(const KernelStep& step, const Use& use, uint32_t axis) {
  if (use.role != Role::result || axis < step.outer) return use.operand->strides[axis];
  return axis < step.outer + step.reduced ? 0 : use.operand->strides[axis - step.reduced];
}

/// Axes begin to end of the step, outermost first.
std::vector<Axis> axesOf(const KernelStep& step, const std::vector<Use>& uses, uint32_t begin, uint32_t end) {
  std::vector<Axis> axes;
  for (uint32_t i = begin; i < end; i++) {
    if (step.shape[i] == 1) continue;
    Axis& axis = axes.emplace_back(Axis{step.shape[i], {}});
    for (const Use& use : uses) axis.strides.push_back(strideOf(step, use, i));
  }
  return axes;
}

/// Joins neighbours and turns the list around.
std::vector<Axis> joined(const std::vector<Axis>& axes, size_t uses) {
  std::vector<Axis> result;
  for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
    bool straight = !result.empty();
    for (size_t k = 0; straight && k < uses; k++)
      straight = axis->strides[k] == result.back().size * result.back().strides[k];
    if (straight)
      result.back().size *= axis->size;
    else
      result.push_back(*axis);
  }
  if (result.empty()) result.push_back({1, std::vector<int64_t>(uses, 0)});
  return result;
}

int64_t product(const std::vector<Axis>& axes) {
  int64_t size = 1;
  for (const Axis& axis : axes) size *= axis.size;
  return size;
}

/// Sizes and extents, once the axes are there.
void measure(Layout& layout) {
  layout.keptSize = product(layout.kept);
  layout.reducedSize = product(layout.reduced);
  layout.wide = layout.keptSize > kNarrow || layout.reducedSize > kNarrow;
  for (size_t k = 0; k < layout.uses.size(); k++) {
    Use& use = layout.uses[k];
    for (const auto* axes : {&layout.kept, &layout.reduced}) {
      for (const Axis& axis : *axes) {
        const int64_t reach = (axis.size - 1) * axis.strides[k];
        (reach < 0 ? use.low : use.high) += reach;
      }
    }
    layout.wide |= use.high > kNarrow || use.low < -kNarrow || use.high - use.low > kNarrow;
  }
}

}  // namespace

Layout layoutOf(const KernelStep& step) {
  Layout layout;
  layout.uses = usesOf(step);
  const size_t count = layout.uses.size();
  const uint32_t rank = static_cast<uint32_t>(step.shape.size());
  std::vector<Axis> kept = axesOf(step, layout.uses, 0, step.outer);
  const std::vector<Axis> inner = axesOf(step, layout.uses, step.outer + step.reduced, rank);
  layout.columns = !inner.empty();
  kept.insert(kept.end(), inner.begin(), inner.end());
  if (step.reductions.empty()) {
    const size_t store = step.loads.size();
    std::ranges::stable_sort(kept, std::greater{}, [&](const Axis& axis) { return std::abs(axis.strides[store]); });
  }
  layout.kept = joined(kept, count);
  layout.reduced = joined(axesOf(step, layout.uses, step.outer, step.outer + step.reduced), count);
  measure(layout);
  return layout;
}

Layout epilogueLayout(const KernelStep& step) {
  Layout layout;
  layout.uses = usesOf(step);
  for (uint32_t i = step.outer; i-- > 0;) {
    Axis& axis = layout.kept.emplace_back(Axis{step.shape[i], {}});
    for (const Use& use : layout.uses) axis.strides.push_back(strideOf(step, use, i));
  }
  measure(layout);
  return layout;
}

}  // namespace metalgrad::gpu
