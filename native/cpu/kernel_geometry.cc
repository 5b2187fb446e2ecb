// Axes that every operand crosses in one stride become one; then blocks are cut from the innermost axes.
#include "cpu/kernel_geometry.h"

#include <algorithm>

namespace metalgrad::cpu {
namespace {

using Split = Geometry::Split;

struct Axis {
  int64_t size;
  Split part;
  std::vector<int64_t> strides;  // one a use, in bytes
};

Split partOf(const KernelStep& step, uint32_t axis) {
  return axis < step.outer ? Split::outer : axis < step.outer + step.reduced ? Split::reduced : Split::inner;
}

int64_t itemBytes(const Use& use) {
  return use.operand->slot == kIndexSlot ? 1 : static_cast<int64_t>(itemSize(use.operand->dtype));
}

int64_t strideOf(const KernelStep& step, const Use& use, uint32_t axis) {
  if (use.role != Role::result) return use.operand->strides[axis] * itemBytes(use);
  if (partOf(step, axis) == Split::reduced) return 0;
  return use.operand->strides[axis < step.outer ? axis : axis - step.reduced] * itemBytes(use);
}

/// Axes that matter, merged where all uses and the reductions allow it. At least one.
std::vector<Axis> usedAxes(const KernelStep& step, const std::vector<Use>& uses, bool emptyReduction) {
  std::vector<Axis> axes;
  for (uint32_t i = 0; i < step.shape.size(); i++) {
    Axis axis{step.shape[i], partOf(step, i), {}};
    if (axis.size == 1 || (emptyReduction && axis.part == Split::reduced)) continue;
    for (const Use& use : uses) axis.strides.push_back(strideOf(step, use, i));
    if (!axes.empty() && axes.back().part == axis.part) {
      Axis& last = axes.back();
      bool straight = true;
      for (size_t k = 0; k < uses.size(); k++) straight &= last.strides[k] == axis.size * axis.strides[k];
      if (straight) {
        last.size *= axis.size;
        last.strides = std::move(axis.strides);
        continue;
      }
    }
    axes.push_back(std::move(axis));
  }
  if (axes.empty()) {
    Axis axis{1, Split::outer, {}};
    for (const Use& use : uses) axis.strides.push_back(use.role == Role::load ? 0 : itemBytes(use));
    axes.push_back(std::move(axis));
  }
  return axes;
}

/// The block's dims for one use: axes from `split` on, the first counting one row.
void cutDims(Access& access, const std::vector<Axis>& axes, size_t split, size_t use, Role role, int64_t rows) {
  access.scales = role != Role::result || axes[split].part != Split::reduced;
  if (access.scales) access.dims.push_back({1, axes[split].strides[use]});
  for (size_t i = split + 1; i < axes.size(); i++) {
    if (role == Role::result && axes[i].part == Split::reduced) continue;
    const Dim dim{axes[i].size, axes[i].strides[use]};
    if (!access.dims.empty() && access.dims.back().stride == dim.count * dim.stride) {
      access.dims.back() = {access.dims.back().count * dim.count, dim.stride};
    } else {
      access.dims.push_back(dim);
    }
  }
  // A result that is one element for the block.
  if (access.dims.empty()) access.dims.push_back({1, access.itemSize});
  const bool one = access.dims.size() == 1 && access.dims[0].count * (access.scales ? rows : 1) == 1;
  if (one && role != Role::load) access.dims[0].stride = access.itemSize;
  if (access.dims.size() > 1 || (access.dims[0].stride != 0 && access.dims[0].stride != access.itemSize)) {
    access.form = Access::Form::strided;
  } else {
    access.form = access.dims[0].stride == 0 ? Access::Form::single : Access::Form::straight;
  }
}

int64_t product(const std::vector<Axis>& axes, size_t from, Split part) {
  int64_t result = 1;
  for (size_t i = from; i < axes.size(); i++) {
    if (axes[i].part == part) result *= axes[i].size;
  }
  return result;
}

/// Rows of so many elements, and so many for each instruction, are blocks of their own if that spares moving them.
constexpr int64_t kLeastOwnRow = 64, kOwnRowForInstruction = 24;

/// Whether every operand lies without gaps in rows that are long enough, but not from one row to the next: it is used
/// in place then if each row is a block, and moved otherwise.
bool ownRows(const KernelStep& step, const std::vector<Axis>& axes, const std::vector<Use>& uses) {
  const Axis& row = axes.back();
  // Without reductions, axes are two because at least one operand lies with gaps between them.
  if (!step.reductions.empty() || axes.size() < 2) return false;
  if (row.size < std::max(kLeastOwnRow, kOwnRowForInstruction * static_cast<int64_t>(step.code.size()))) return false;
  for (size_t k = 0; k < uses.size(); k++) {
    if (row.strides[k] != itemBytes(uses[k]) && row.strides[k] != 0) return false;
  }
  return true;
}

constexpr int64_t divideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

Geometry cutGeometry(const KernelStep& step, const std::vector<Use>& uses, int64_t target) {
  Geometry geometry;
  for (uint32_t i = 0; i < step.shape.size(); i++) {
    if (step.shape[i] != 0) continue;
    if (partOf(step, i) == Split::reduced)
      geometry.emptyReduction = true;
    else
      geometry.empty = true;
  }
  if (geometry.empty) return geometry;
  const std::vector<Axis> axes = usedAxes(step, uses, geometry.emptyReduction);

  // The axis to split: the outermost of which two indices still fit.
  size_t split = axes.size() - 1;
  const bool own = ownRows(step, axes, uses);
  while (!own && split > 0 && geometry.rowElements * axes[split].size * 2 <= target) {
    geometry.rowElements *= axes[split--].size;
  }
  geometry.splitSize = axes[split].size;
  geometry.split = axes[split].part;
  int64_t rows = std::clamp(target / geometry.rowElements, int64_t{1}, geometry.splitSize);
  rows = divideUp(geometry.splitSize, divideUp(geometry.splitSize, rows));
  if (geometry.rowElements == 1 && rows < geometry.splitSize) rows = divideUp(rows, 64) * 64;
  geometry.rows = std::min(rows, geometry.splitSize);
  geometry.outer = product(axes, split + 1, Split::outer);
  geometry.reduced = product(axes, split + 1, Split::reduced);
  geometry.inner = product(axes, split + 1, Split::inner);

  std::vector<size_t> order;
  for (size_t i = 0; i <= split; i++) {
    if (axes[i].part != Split::reduced) order.push_back(i);
  }
  geometry.unitAxes = static_cast<uint32_t>(order.size());
  for (size_t i = 0; i <= split; i++) {
    if (axes[i].part == Split::reduced) order.push_back(i);
  }
  for (size_t position = 0; position < order.size(); position++) {
    const Axis& axis = axes[order[position]];
    const bool isSplit = order[position] == split;
    const int64_t count = isSplit ? divideUp(axis.size, geometry.rows) : axis.size;
    if (isSplit) geometry.splitAxis = static_cast<uint32_t>(position);
    geometry.grid.push_back(count);
    (position < geometry.unitAxes ? geometry.units : geometry.reducedBlocks) *= count;
    for (const int64_t stride : axis.strides) geometry.steps.push_back(isSplit ? stride * geometry.rows : stride);
  }

  for (size_t k = 0; k < uses.size(); k++) {
    const Operand& operand = *uses[k].operand;
    Access access{.slot = operand.slot, .offsetArg = operand.offsetArg, .offset = operand.offset};
    access.itemSize = itemBytes(uses[k]);
    access.uniform = uses[k].role == Role::load;
    for (const Axis& axis : axes) {
      const int64_t reach = (axis.size - 1) * axis.strides[k];
      (reach < 0 ? access.low : access.high) += reach;
      access.uniform &= axis.strides[k] == 0;
    }
    cutDims(access, axes, split, k, uses[k].role, geometry.rows);
    geometry.accesses.push_back(std::move(access));
  }
  return geometry;
}

}  // namespace metalgrad::cpu
