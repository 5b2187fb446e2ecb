// The order of elements is free where nothing is reduced: [rows…, columns] is walked as [strips, rows, columns of a
// strip].
#include "cpu/kernel_strips.h"

#include <cstdlib>
#include <utility>

namespace metalgrad::cpu {
namespace {

/// Columns of a strip: what is not transposed is read in runs of so many. Long rows have lines for wide strips.
constexpr int64_t kStrip = 64, kWideStrip = 512, kLeastColumns = 2 * kStrip, kLeastRows = 8;
/// Smaller operands stay in the second-level cache however they are walked. The first-level one holds the lines that a
/// row touches unless it is long.
constexpr int64_t kLeastElements = 1 << 19, kLongRow = 1024, kLeastWithLongRows = 1 << 17;

template <typename F>
void eachOperand(KernelStep& step, F&& fn) {
  for (Operand& load : step.loads) fn(load);
  for (Store& store : step.stores) fn(store.operand);
}

/// Drops axes of size 1 and joins neighbours that every operand crosses in one stride.
KernelStep joined(const KernelStep& step) {
  KernelStep result = step;
  result.shape.clear();
  eachOperand(result, [](Operand& operand) { operand.strides.clear(); });
  for (size_t axis = 0; axis < step.shape.size(); axis++) {
    const int64_t size = step.shape[axis];
    if (size == 1) continue;
    bool straight = !result.shape.empty();
    const auto check = [&](const Operand& from, const Operand& to) {
      if (straight) straight = to.strides.back() == size * from.strides[axis];
    };
    for (size_t i = 0; i < step.loads.size(); i++) check(step.loads[i], result.loads[i]);
    for (size_t i = 0; i < step.stores.size(); i++) check(step.stores[i].operand, result.stores[i].operand);
    const auto extend = [&](const Operand& from, Operand& to) {
      if (straight)
        to.strides.back() = from.strides[axis];
      else
        to.strides.push_back(from.strides[axis]);
    };
    for (size_t i = 0; i < step.loads.size(); i++) extend(step.loads[i], result.loads[i]);
    for (size_t i = 0; i < step.stores.size(); i++) extend(step.stores[i].operand, result.stores[i].operand);
    if (straight)
      result.shape.back() *= size;
    else
      result.shape.push_back(size);
  }
  result.outer = static_cast<uint32_t>(result.shape.size());
  return result;
}

/// The axis along which an operand that is strided along the last one has neighbours; -1 if there is none.
int transposedAxis(const KernelStep& step) {
  const size_t last = step.shape.size() - 1;
  int found = -1;
  const auto look = [&](const Operand& operand) {
    if (operand.slot == kIndexSlot || std::abs(operand.strides[last]) < 16) return;
    for (size_t axis = 0; axis < last; axis++) {
      const bool near = std::abs(operand.strides[axis]) == 1 && step.shape[axis] >= kLeastRows;
      if (near && found < 0) found = static_cast<int>(axis);
    }
  };
  for (const Operand& load : step.loads) look(load);
  for (const Store& store : step.stores) look(store.operand);
  return found;
}

}  // namespace

std::optional<Strips> cutStrips(const KernelStep& step) {
  if (!step.reductions.empty() || step.shape.size() < 2) return {};
  const KernelStep plain = joined(step);
  if (plain.shape.size() < 2 || plain.shape.back() < kLeastColumns) return {};
  int64_t elements = 1;
  for (const int64_t size : plain.shape) elements *= size;
  const bool isLong = plain.shape.back() >= kLongRow;
  if (elements < (isLong ? kLeastWithLongRows : kLeastElements)) return {};
  const int found = transposedAxis(plain);
  if (found < 0) return {};

  const size_t rows = static_cast<size_t>(found), last = plain.shape.size() - 1;
  const int64_t width = isLong ? kWideStrip : kStrip;
  const int64_t strips = plain.shape[last] / width, left = plain.shape[last] % width;
  Strips result{plain, plain, left > 0};
  // The axis of rows moves beside the columns of a strip.
  const auto moved = [&](std::vector<int64_t>& list, int64_t strip, int64_t column) {
    const int64_t row = list[rows];
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(rows));
    list.pop_back();
    list.insert(list.end(), {strip, row, column});
  };
  moved(result.whole.shape, strips, width);
  result.whole.outer++;
  eachOperand(result.whole, [&](Operand& operand) {
    const int64_t stride = operand.strides.back();
    moved(operand.strides, width * stride, stride);
  });
  result.rest.shape.back() = left;
  eachOperand(result.rest, [&](Operand& operand) { operand.offset += strips * width * operand.strides.back(); });
  return result;
}

}  // namespace metalgrad::cpu
