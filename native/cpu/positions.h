// Where the slices of a gather or scatter lie: index operands clamped and turned into offsets, a block at a time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cpu/executor.h"
#include "cpu/iteration.h"

namespace metalgrad::cpu {

/// One index operand: what it adds to the offset of a slice.
struct IndexReader {
  Space<1> space;
  const std::byte* data;
  Dtype dtype;
  int64_t last;    // the largest position at which the slice lies inside
  int64_t stride;  // of the indexed axis

  /// offsets[i] += clamp(index[begin + i]) · stride
  void add(int64_t begin, std::span<int64_t> offsets) const;
};

/// The offsets of `array`'s slices at `axes`, one for each element of the index shape.
class Positions {
 public:
  Positions(const Run& run, const std::vector<Operand>& indices, const std::vector<uint32_t>& axes,
            const std::vector<int64_t>& indexShape, const std::vector<int64_t>& arrayShape,
            const std::vector<int64_t>& sliceShape, const Operand& array);

  int64_t count() const { return count_; }

  /// The offsets of elements [begin, begin + offsets.size()).
  void read(int64_t begin, std::span<int64_t> offsets) const;
  /// The same from those axes alone along which slices have one element: slices with different values never overlap.
  void readDisjoint(int64_t begin, std::span<int64_t> offsets) const;

  /// Slices may overlap without being equal: an indexed axis has slices of more than one element.
  bool windows() const { return windows_; }
  /// Some indexed axis has slices of one element.
  bool disjoint() const { return disjoint_; }

 private:
  int64_t count_ = 1;
  bool windows_ = false, disjoint_ = false;
  struct Reader : IndexReader {
    bool window;
  };
  std::vector<Reader> readers_;
};

/// The offsets of elements [begin, begin + offsets.size()) of a space.
void readOffsets(const Space<1>& space, int64_t begin, std::span<int64_t> offsets);

}  // namespace metalgrad::cpu
