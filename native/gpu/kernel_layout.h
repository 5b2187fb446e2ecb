// How the loop of a fused group runs over its operands: as few axes as their strides allow.
#pragma once

#include <cstdint>
#include <vector>

#include "program/program.h"

namespace metalgrad::gpu {

/// What an operand is for. A position is no memory but the element's own number, nor is the number of a product that
/// an epilogue is computed from.
enum class Role : uint8_t { load, position, product, store, result };

struct Use {
  Role role;
  const Operand* operand;
  /// Of the first and the last element in memory, relative to that of index 0, in elements.
  int64_t low = 0, high = 0;
};

struct Axis {
  int64_t size;
  /// One a use, in elements; 0 for results along reduced axes.
  std::vector<int64_t> strides;
};

struct Layout {
  /// Loads, then stores, then results, each in the step's order.
  std::vector<Use> uses;
  /// Innermost first; at least one each, of size 1 where there is none.
  std::vector<Axis> kept, reduced;
  int64_t keptSize = 1, reducedSize = 1;
  /// Results lie beside one another: what is reduced is stepped over.
  bool columns = false;
  /// Some index does not fit 32 bits.
  bool wide = false;
};

/// The step must not be empty, except that it may reduce over nothing.
Layout layoutOf(const KernelStep& step);

/// That of an epilogue: columns, rows, then the axes of the batch, all of them as they are.
Layout epilogueLayout(const KernelStep& step);

}  // namespace metalgrad::gpu
