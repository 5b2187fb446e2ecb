// Fields and bindings of generated kernels, from layouts and runs.
#include "gpu/kernel_bytes.h"

#include <algorithm>

namespace metalgrad::gpu {

void writeLayout(std::span<std::byte> constants, const KernelFields& fields, const Layout& layout, bool wide) {
  FieldWriter writer(constants, wide);
  writer.word(fields.keptRank, static_cast<int64_t>(layout.kept.size()));
  writer.word(fields.reducedRank, static_cast<int64_t>(layout.reduced.size()));
  const size_t uses = layout.uses.size();
  const auto results = std::ranges::count(layout.uses, Role::result, &Use::role);
  const auto axes = [&](const std::vector<Axis>& list, size_t sizes, size_t strides, size_t columns) {
    for (size_t axis = 0; axis < list.size(); axis++) {
      writer.index(sizes, axis, list[axis].size);
      for (size_t k = 0; k < columns; k++) writer.index(strides, axis * columns + k, list[axis].strides[k]);
    }
  };
  axes(layout.kept, fields.keptSizes, fields.keptStrides, uses);
  axes(layout.reduced, fields.reducedSizes, fields.reducedStrides, uses - static_cast<size_t>(results));
  for (size_t k = 0; k < uses; k++) {
    if (layout.uses[k].role != Role::position) writer.index(fields.base, k, -layout.uses[k].low);
  }
}

void writeOrigins(std::span<std::byte> constants, const KernelFields& fields, const Layout& layout, const Run& run) {
  for (size_t k = 0; k < layout.uses.size(); k++) {
    if (fields.origins[k] == kNoField) continue;
    writeInteger(constants, fields.origins[k], 8, run.offset(*layout.uses[k].operand));
  }
}

void writeNumber(std::span<std::byte> constants, const KernelFields::Scalar& scalar, uint64_t argument) {
  (scalar.precise ? writePrecise : writeScalar)(constants, scalar.offset, scalar.dtype, argument);
}

Binding bindingOf(const Use& use, const Run& run) {
  const Range& slot = run.slots[use.operand->slot];
  const size_t item = itemSize(use.operand->dtype);
  const size_t offset = static_cast<size_t>(run.offset(*use.operand) + use.low) * item;
  return {{slot.object, slot.offset + offset, static_cast<size_t>(use.high - use.low + 1) * item},
          use.role != Role::load};
}

}  // namespace metalgrad::gpu
