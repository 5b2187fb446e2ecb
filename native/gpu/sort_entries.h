// Merge sorts on the GPU: rows of a step, and entries (keys with positions) that another step has made.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "gpu/operands.h"

namespace metalgrad::gpu {

/// Entries that one threadgroup sorts, and that each of its threads does.
constexpr int64_t kSortTile = 1024, kSortEach = 4;
/// Positions are numbers of 32 bits, and runs are counted in as many.
constexpr int64_t kLongestSort = (int64_t{1} << 31) - 1;

/// Pipelines that sort entries of one type: "ulong" (a key of 32 bits above the position) or "ulong2".
class EntrySort {
 public:
  bool prepare(std::string_view entry, Pipelines& pipelines, Outcome& outcome);

  /// Sorts `length` entries. They end in `entries` or in `other`, which has as many bytes: the result says where.
  Range sort(const Run& run, const Range& entries, const Range& other, int64_t length) const;
  /// The same for each of `rows` rows whose tiles are sorted already.
  Range merge(const Run& run, const Range& entries, const Range& other, int64_t length, int64_t rows) const;

 private:
  std::shared_ptr<const Pipeline> tiles_, merge_;
};

}  // namespace metalgrad::gpu
