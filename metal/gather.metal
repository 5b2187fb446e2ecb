// Slices copied from clamped positions. A thread of a threadgroup copies one element; neighbouring threads copy
// neighbouring elements of the slice, then of the next index. Elements are bits of their size: what they mean is not
// looked at.
#include <metal_stdlib>

#include "space.h"

using namespace metal;

/// Where slices lie: all at the source's start, at clamped indices, or at offsets.
enum { kAtStart, kAtIndices, kAtOffsets };

/// I is int or long.
template <typename T, typename Index, typename I, int kWhere>
[[kernel, max_total_threads_per_threadgroup(256)]] void gather(
    device const T* source [[buffer(0)]], device const Index* indices [[buffer(1)]], device T* out [[buffer(2)]],
    constant mg::GatherParams& p [[buffer(3)]], uint group [[threadgroup_position_in_grid]],
    uint lane [[thread_index_in_threadgroup]], uint threads [[threads_per_threadgroup]]) {
  const long position = long(group) * threads + lane;
  const I sliceSize = I(p.slice.size);
  if (position >= p.index.size * p.slice.size) return;
  const I i = I(position) / sliceSize;
  I at[2] = {0, 0}, element[2] = {0, 0};
  mg::locate(p.index, i, at);
  mg::locate(p.slice, I(position) - i * sliceSize, element);
  long from = p.source + element[0];
  if (kWhere == kAtIndices) from += mg::clampIndex(indices[p.indices + at[0]], p.last) * p.stride;
  if (kWhere == kAtOffsets) from += long(indices[at[0]]);
  out[p.out + at[1] + element[1]] = source[from];
}
