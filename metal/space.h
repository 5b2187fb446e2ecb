// Positions in an iteration space as the arrays' offsets there.
#pragma once

#include <metal_stdlib>

#include "params.h"

namespace mg {

/// Adds the offsets of element `position` (row-major) to `offsets`. I is int or long.
template <typename I, int N>
inline void locate(constant Space<N>& space, I position, thread I (&offsets)[N]) {
  for (int axis = space.rank - 1; axis > 0; axis--) {
    const I size = I(space.shape[axis]);
    const I index = position % size;
    position /= size;
    for (int i = 0; i < N; i++) offsets[i] += index * I(space.strides[i][axis]);
  }
  if (space.rank > 0) {
    for (int i = 0; i < N; i++) offsets[i] += position * I(space.strides[i][0]);
  }
}

/// An index of any integer type as a long that compares like it.
template <typename T>
inline long toLong(T index) {
  return long(index);
}

template <>
inline long toLong<ulong>(ulong index) {
  return index > ulong(0x7fffffffffffffff) ? 0x7fffffffffffffff : long(index);
}

/// The position that an index means: clamped to 0 … last.
template <typename T>
inline long clampIndex(T index, long last) {
  const long position = toLong(index);
  return position < 0 ? 0 : (position > last ? last : position);
}

}  // namespace mg
