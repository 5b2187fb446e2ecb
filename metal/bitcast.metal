// The bytes of an array as another dtype's. A thread of a threadgroup copies what the smaller of both elements has.
#include <metal_stdlib>

#include "params.h"

using namespace metal;

/// With kTruth a byte that is not 0 is true.
template <typename T, bool kTruth>
[[kernel, max_total_threads_per_threadgroup(256)]] void bitcast(device const T* in [[buffer(0)]],
                                                                device T* out [[buffer(1)]],
                                                                constant mg::BitcastParams& p [[buffer(2)]],
                                                                uint group [[threadgroup_position_in_grid]],
                                                                uint lane [[thread_index_in_threadgroup]],
                                                                uint threads [[threads_per_threadgroup]]) {
  const long i = long(group) * threads + lane;
  if (i >= p.size) return;
  const T bits = in[p.in + i];
  out[p.out + i] = kTruth ? T(bits != 0) : bits;
}
