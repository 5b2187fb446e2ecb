// Offsets of slices from several index operands, one dispatch each: what one operand's clamped index adds to the
// offset. A thread of a threadgroup does one slice.
#include <metal_stdlib>

#include "space.h"

using namespace metal;

template <typename Index, bool kFirst>
[[kernel, max_total_threads_per_threadgroup(256)]] void index_positions(
    device const Index* indices [[buffer(0)]], device long* offsets [[buffer(1)]],
    constant mg::IndexPositionsParams& p [[buffer(2)]], uint group [[threadgroup_position_in_grid]],
    uint lane [[thread_index_in_threadgroup]], uint threads [[threads_per_threadgroup]]) {
  const long i = long(group) * threads + lane;
  if (i >= p.space.size) return;
  long at[1] = {p.indices};
  mg::locate(p.space, i, at);
  const long offset = mg::clampIndex(indices[at[0]], p.last) * p.stride;
  if (kFirst) {
    offsets[i] = offset;
  } else {
    offsets[i] += offset;
  }
}
