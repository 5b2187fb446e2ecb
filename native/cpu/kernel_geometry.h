// How a kernel's iteration space is cut into blocks, and how its operands lie in them.
#pragma once

#include <cstdint>
#include <vector>

#include "cpu/ops/tile.h"
#include "program/program.h"

namespace metalgrad::cpu {

/// An operand of a kernel as its blocks see it. Strides count bytes, or positions for an index load.
struct Access {
  enum class Form : uint8_t {
    straight,  // the block's elements are neighbours in memory: used in place
    single,    // one element for the whole block: used in place
    strided,   // moved to or from a register
  };
  uint32_t slot = 0;
  uint32_t offsetArg = kNoArg;
  int64_t offset = 0;  // in elements
  int64_t itemSize = 1;
  Form form = Form::straight;
  /// One element for the whole iteration space.
  bool uniform = false;
  /// The block itself, outermost first. The count of dims[0] is that of one row of the block if `scales`.
  std::vector<Dim> dims = {};
  bool scales = true;
  /// First and last element relative to the first in order, in bytes, over the whole space.
  int64_t low = 0, high = 0;
};

/// What an operand is for.
enum class Role : uint8_t { load, store, result };

struct Geometry {
  /// Block counts. The first `unitAxes` axes can be walked in any order; the others, which are reduced, go in order.
  std::vector<int64_t> grid;
  uint32_t unitAxes = 0;
  int64_t units = 1, reducedBlocks = 1;
  /// Bytes (or positions) from block to block: for each grid axis one number an access.
  std::vector<int64_t> steps;
  std::vector<Access> accesses;

  /// The grid axis that counts chunks of `rows` indices of an axis with `splitSize`.
  uint32_t splitAxis = 0;
  int64_t rows = 1, splitSize = 1;
  int64_t rowElements = 1;
  /// What the rows are a part of, and for one row the extents of the block: outer × reduced × inner.
  enum class Split : uint8_t { outer, reduced, inner };
  Split split = Split::outer;
  int64_t outer = 1, reduced = 1, inner = 1;

  /// Nothing to reduce: only identities are written.
  bool emptyReduction = false;
  /// Nothing at all.
  bool empty = false;

  int64_t capacity() const { return rows * rowElements; }
  /// Results of a block, at most.
  int64_t results() const { return (split == Split::reduced ? 1 : rows) * outer * inner; }
};

/// One operand for cutGeometry. Strides are those of the step: over all axes, or for results over the kept ones.
struct Use {
  Role role;
  const Operand* operand;
};

/// Cuts the step's space into blocks of at most about `target` elements.
Geometry cutGeometry(const KernelStep& step, const std::vector<Use>& uses, int64_t target);

}  // namespace metalgrad::cpu
