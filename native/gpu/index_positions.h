// Where the slices of a gather or scatter lie, from their index operands.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gpu/operands.h"

namespace metalgrad::gpu {

/// Makes the offsets of an array's slices: one long for each element of the index shape.
class IndexPositions {
 public:
  /// False where shaders cannot walk the operands, or with the failure in `outcome`.
  bool prepare(const std::vector<Operand>& indices, const std::vector<uint32_t>& axes,
               const std::vector<int64_t>& indexShape, const std::vector<int64_t>& arrayShape,
               const std::vector<int64_t>& sliceShape, const Operand& array, Pipelines& pipelines, Outcome& outcome);

  /// Writes the offsets, relative to the array's own, into `offsets`: `count()` longs.
  void encode(const Run& run, const Range& offsets) const;

  int64_t count() const { return count_; }
  /// The least and the largest offset that clamped indices give.
  int64_t low() const { return low_; }
  int64_t high() const { return high_; }

 private:
  struct Reader {
    Operand operand;
    mg::IndexPositionsParams params;
    std::shared_ptr<const Pipeline> pipeline;
  };
  int64_t count_ = 1, low_ = 0, high_ = 0;
  std::vector<Reader> readers_;
};

}  // namespace metalgrad::gpu
