// Tells the emulator what a step that runs on the CPU reads and writes; nothing in any other build.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "memory/observed.h"
#include "program/operands.h"

namespace metalgrad::cpu {

#ifdef METALGRAD_EMULATOR

class StepAccess {
 public:
  StepAccess(std::span<std::byte* const> slots, std::span<const uint64_t> args) : slots_(slots), args_(args) {}

  void before(const Step& step) const {
    forEachOperand(step, [this](const Operand& operand, const std::vector<int64_t>& shape, bool written) {
      if (!written) visitRows(operand, shape, memory::cpuReads);
    });
  }

  void after(const Step& step) const {
    forEachOperand(step, [this](const Operand& operand, const std::vector<int64_t>& shape, bool written) {
      if (written) visitRows(operand, shape, memory::cpuWrote);
    });
  }

 private:
  /// The ranges of neighbouring elements, as long as the innermost axes make them.
  void visitRows(const Operand& operand, const std::vector<int64_t>& shape, void (*visit)(const void*, size_t)) const {
    int64_t row = 1;
    size_t outer = shape.size();
    while (outer > 0 && (shape[outer - 1] == 1 || operand.strides[outer - 1] == row)) row *= shape[--outer];
    for (const int64_t size : shape) {
      if (size == 0) return;
    }
    int64_t first = operand.offset;
    if (operand.offsetArg != kNoArg) first += static_cast<int64_t>(args_[operand.offsetArg]);
    const auto item = static_cast<int64_t>(itemSize(operand.dtype));
    std::vector<int64_t> index(outer, 0);
    for (;;) {
      int64_t element = first;
      for (size_t axis = 0; axis < outer; axis++) element += index[axis] * operand.strides[axis];
      visit(slots_[operand.slot] + element * item, static_cast<size_t>(row * item));
      size_t axis = outer;
      while (axis > 0 && (operand.strides[axis - 1] == 0 || ++index[axis - 1] == shape[axis - 1])) index[--axis] = 0;
      if (axis == 0) return;
    }
  }

  std::span<std::byte* const> slots_;
  std::span<const uint64_t> args_;
};

#else

class StepAccess {
 public:
  StepAccess(std::span<std::byte* const>, std::span<const uint64_t>) {}
  void before(const Step&) const {}
  void after(const Step&) const {}
};

#endif

}  // namespace metalgrad::cpu
