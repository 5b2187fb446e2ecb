// When a run of a program needs which memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "program/program.h"

namespace metalgrad {

/// An output, or a part of the arena that no temporary reaches out of.
struct Home {
  /// Where it begins in the arena; 0 for an output.
  int64_t offset;
  int64_t byteLength;
  /// The temporaries that lie in it.
  std::vector<uint32_t> temporaries;
};

/// A step before which a home must be there, or after which it is not needed.
struct Moment {
  size_t step;
  uint32_t home;
};

struct MemoryPlan {
  /// Outputs, then parts of the arena.
  std::vector<Home> homes;
  /// In the order of the steps. Outputs that no step touches have no elements, and begin with the first.
  std::vector<Moment> begins;
  /// The same for the arena; outputs stay.
  std::vector<Moment> ends;
};

/// `program` must be valid.
MemoryPlan planMemory(const Program& program);

}  // namespace metalgrad
