// The functions behind routine steps: each family's file registers its own.
#pragma once

#include <string>

#include "cpu/executor.h"

namespace metalgrad::cpu {

struct RoutineFunctions {
  /// Checks integers, counts, shapes and dtypes when a program is loaded. Returns what is wrong, or an empty text: only
  /// then does `run` ever see the step. Extents were checked before; outputs are contiguous. Elements that `run` reads
  /// may be anything, and may change while it runs, since a damaged program can overlap its temporaries.
  std::string (*check)(const RoutineStep& step);
  /// Called only if some output has elements.
  void (*run)(const RoutineStep& step, const Run& run);
  /// Bit k is set if output k may be absent.
  uint32_t optionalOutputs = 0;
};

/// A global of this type in a family's file makes its functions known.
class RoutineRegistration {
 public:
  RoutineRegistration(Routine routine, RoutineFunctions functions);
};

/// True if the elements lie in row-major order without gaps.
bool isContiguous(const Array& array);

/// What is wrong with a step, or an empty text.
std::string check(const RoutineStep& step);

}  // namespace metalgrad::cpu
