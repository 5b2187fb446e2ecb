// Walking several arrays through one iteration space, as few and as long straight runs as their strides allow.
#pragma once

#include <array>
#include <cstdint>

#include "program/program.h"

namespace metalgrad::cpu {

/// An iteration space that N arrays share. Axes of size 1 vanish, and neighbouring axes that every array crosses
/// with one stride become one.
template <int N>
struct Space {
  using Strides = std::array<int64_t, N>;

  int rank = 0;
  std::array<int64_t, 2 * kMaxRank> shape;
  std::array<Strides, 2 * kMaxRank> strides;

  /// Adds an axis inside those added so far.
  void append(int64_t size, const Strides& stride) {
    if (size == 1) return;
    if (rank > 0) {
      bool straight = true;
      for (int i = 0; i < N; i++) straight &= strides[rank - 1][i] == size * stride[i];
      if (straight) {
        shape[rank - 1] *= size;
        strides[rank - 1] = stride;
        return;
      }
    }
    shape[rank] = size;
    strides[rank] = stride;
    rank++;
  }

  /// Takes the innermost axis away.
  void dropLast() { rank--; }

  int64_t size() const {
    int64_t size = 1;
    for (int axis = 0; axis < rank; axis++) size *= shape[axis];
    return size;
  }
};

/// A position in a space and the arrays' offsets there.
template <int N>
class Odometer {
 public:
  Odometer(const Space<N>& space, int64_t position) : space_(space) {
    offsets.fill(0);
    for (int axis = space.rank - 1; axis >= 0; axis--) {
      index_[axis] = position % space.shape[axis];
      position /= space.shape[axis];
      for (int i = 0; i < N; i++) offsets[i] += index_[axis] * space.strides[axis][i];
    }
  }

  /// To the next position in row-major order.
  void next() {
    for (int axis = space_.rank - 1; axis >= 0; axis--) {
      if (++index_[axis] < space_.shape[axis]) {
        for (int i = 0; i < N; i++) offsets[i] += space_.strides[axis][i];
        return;
      }
      index_[axis] = 0;
      for (int i = 0; i < N; i++) offsets[i] -= (space_.shape[axis] - 1) * space_.strides[axis][i];
    }
  }

  std::array<int64_t, N> offsets;

 private:
  const Space<N>& space_;
  std::array<int64_t, 2 * kMaxRank> index_;
};

}  // namespace metalgrad::cpu
