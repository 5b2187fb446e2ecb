// Rows in memory as the floats or doubles that routines compute with: 16-bit floats are converted on their way in and
// out, and large results go past the caches.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/ops/tile.h"
#include "cpu/stream.h"
#include "program/program.h"

namespace metalgrad::cpu {

/// The number of rows along the last axis.
inline int64_t rowsOf(const Array& in) {
  int64_t rows = 1;
  for (size_t axis = 0; axis + 1 < in.shape.size(); axis++) rows *= in.shape[axis];
  return rows;
}

template <typename T>
class RowFormat {
 public:
  /// Of elements of dtype `stored`, where results have `bytes` bytes altogether.
  RowFormat(Dtype stored, int64_t bytes)
      : itemSize_(static_cast<int64_t>(itemSize(stored))),
        half_(itemSize_ == 2),
        streamed_(bytes >= kLeastStreamed),
        widen_(half_ ? widenHalf(stored) : nullptr),
        round_(half_ ? roundTo(stored) : nullptr),
        narrow_(half_ ? narrowHalf(stored) : nullptr) {}

  int64_t itemSizeStored() const { return itemSize_; }

  /// `n` elements as numbers, which lie in `room` if they do not lie in memory as they are.
  const T* read(const std::byte* from, T* room, int64_t n) const {
    if (!half_) return reinterpret_cast<const T*>(from);
    widen_(room, from, nullptr, nullptr, n);
    return room;
  }

  /// Where to compute what `write` puts at `to`: there, if that can be, or in `room`.
  T* place(std::byte* to, T* room) const { return half_ || streamed_ ? room : reinterpret_cast<T*>(to); }

  /// Puts `n` numbers, computed where `place` said, at `to`; `next` is where as many are that will be read soon, if
  /// known.
  void write(std::byte* to, T* values, int64_t n, const std::byte* next = nullptr) const {
    if (half_) {
      round_(values, values, nullptr, nullptr, n);
      narrow_(to, values, nullptr, nullptr, n);
    } else if (streamed_) {
      const Ahead ahead[] = {{next, next ? n * itemSize_ : 0}};
      streamCopy(to, values, n * itemSize_, ahead);
    }
  }

 private:
  int64_t itemSize_;
  bool half_, streamed_;
  TileFn widen_, round_, narrow_;
};

}  // namespace metalgrad::cpu
