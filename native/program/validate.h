// What must hold before a decoded program may touch memory.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "program/program.h"

namespace metalgrad {

/// An operand that an argument moves at each run: elements low … high of its slot, moved by the argument.
struct Shifted {
  uint32_t slot, arg;
  int64_t low, high;
  int64_t itemSize;
};

/// What only a run can check.
struct Requirements {
  /// Bytes that each input must have at least.
  std::vector<int64_t> inputBytes;
  std::vector<Shifted> shifted;
};

/// Checks every count, slot, value, dtype, axis and extent of a decoded program, and that nothing is read before it is
/// written. Returns what is wrong, or an empty text; then `requirements` are complete.
std::string validate(const Program& program, Requirements& requirements);

/// The same for one run: `slotBytes` has every slot's size. Returns what is wrong, or an empty text.
std::string validateRun(const Requirements& requirements, std::span<const int64_t> slotBytes,
                        std::span<const uint64_t> args);

/// True for a step whose outputs have no elements. Such a step is not run, and its strides mean nothing.
bool writesNothing(const Step& step);

}  // namespace metalgrad
