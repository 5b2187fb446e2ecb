// Binary search in sorted rows, in the order in which sorts put values. A thread of a threadgroup looks up one value.
#include <metal_stdlib>

#include "sort_keys.h"
#include "space.h"

using namespace metal;

template <typename Codec>
[[kernel, max_total_threads_per_threadgroup(256)]] void searchsorted(
    device const typename Codec::Stored* sorted [[buffer(0)]],
    device const typename Codec::Stored* values [[buffer(1)]], device uint* out [[buffer(2)]],
    constant mg::SearchParams& p [[buffer(3)]], uint group [[threadgroup_position_in_grid]],
    uint lane [[thread_index_in_threadgroup]], uint threads [[threads_per_threadgroup]]) {
  const long i = long(group) * threads + lane;
  if (i >= p.space.size) return;
  long at[3] = {p.sorted, p.values, p.out};
  mg::locate(p.space, i, at);
  const typename Codec::Key key = Codec::of(values[at[1]]);
  long begin = 0, count = p.length;
  while (count > 0) {
    const long half_ = count / 2;
    const typename Codec::Key middle = Codec::of(sorted[at[0] + (begin + half_) * p.stride]);
    if (middle < key || (p.right != 0 && middle == key)) {
      begin += half_ + 1;
      count -= half_ + 1;
    } else {
      count = half_;
    }
  }
  out[at[2]] = uint(begin);
}
