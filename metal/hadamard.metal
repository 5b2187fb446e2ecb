// Hadamard transforms of rows of length m · 2^k. A threadgroup transforms a block of up to 2048 elements in its memory;
// where a row has several blocks, passes over all rows add and subtract what lies further apart, up to 16 elements a
// thread, and the last kernel mixes the m chunks by the signs of a matrix of order m.
#include <metal_stdlib>

#include "elements.h"
#include "space.h"

using namespace metal;

enum { kHadamardBlock = 2048, kLargestOrder = 28 };

/// Sums and differences of numbers `1`, `2`, … apart of a thread's own.
template <typename Wide>
inline void butterflies(thread Wide* few, uint count) {
  for (uint half_ = 1; half_ < count; half_ *= 2) {
    for (uint i = 0; i < count; i++) {
      if ((i & half_) != 0) continue;
      const Wide a = few[i], b = few[i + half_];
      few[i] = a + b;
      few[i + half_] = a - b;
    }
  }
}

/// A block. With kWhole it is a row, and goes to its end; otherwise to `work`.
template <typename T, bool kWhole>
[[kernel, max_total_threads_per_threadgroup(256)]] void hadamard_block(
    device const T* in [[buffer(0)]], device typename mg::Element<T>::Wide* work [[buffer(1)]],
    device T* out [[buffer(2)]], constant mg::HadamardParams& p [[buffer(3)]],
    uint group [[threadgroup_position_in_grid]], uint lane [[thread_index_in_threadgroup]],
    uint threads [[threads_per_threadgroup]]) {
  typedef mg::Element<T> Element;
  typedef typename Element::Wide Wide;
  threadgroup Wide block[kHadamardBlock];
  const uint size = uint(p.block), perRow = uint(p.length / p.block);
  const long row = group / perRow, first = long(group % perRow) * size;
  long at[1] = {p.in};
  mg::locate(p.rows, row, at);
  for (uint i = lane; i < size; i += threads) block[i] = Element::load(in[at[0] + (first + i) * p.inStride]);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint half_ = 1; half_ < size; half_ *= 2) {
    for (uint i = lane; i < size / 2; i += threads) {
      const uint low = (i / half_) * 2 * half_ + i % half_;
      const Wide a = block[low], b = block[low + half_];
      block[low] = a + b;
      block[low + half_] = a - b;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  const long to = row * p.length + first;
  for (uint i = lane; i < size; i += threads) {
    const Wide value = block[i];
    if (kWhole) {
      out[p.out + to + i] = Element::store(value * p.scale);
    } else {
      work[to + i] = value;
    }
  }
}

/// kCount numbers `half_` apart, in place.
template <typename Wide, uint kCount>
[[kernel, max_total_threads_per_threadgroup(256)]] void hadamard_pass(device Wide* work [[buffer(0)]],
                                                                      constant mg::HadamardParams& p [[buffer(1)]],
                                                                      uint group [[threadgroup_position_in_grid]],
                                                                      uint lane [[thread_index_in_threadgroup]],
                                                                      uint threads [[threads_per_threadgroup]]) {
  const long i = long(group) * threads + lane;
  if (i >= p.rows.size * p.length / kCount) return;
  // Chunks are multiples of what a thread spans.
  device Wide* first = work + (i / p.half_) * (long(kCount) * p.half_) + i % p.half_;
  Wide few[kCount];
  for (uint k = 0; k < kCount; k++) few[k] = first[k * p.half_];
  butterflies(few, kCount);
  for (uint k = 0; k < kCount; k++) first[k * p.half_] = few[k];
}

/// The chunks of a row mixed and scaled, a thread for one element of each.
template <typename T>
[[kernel, max_total_threads_per_threadgroup(256)]] void hadamard_mix(
    device const typename mg::Element<T>::Wide* work [[buffer(0)]], device T* out [[buffer(1)]],
    constant mg::HadamardParams& p [[buffer(2)]], uint group [[threadgroup_position_in_grid]],
    uint lane [[thread_index_in_threadgroup]], uint threads [[threads_per_threadgroup]]) {
  typedef mg::Element<T> Element;
  typedef typename Element::Wide Wide;
  const long i = long(group) * threads + lane;
  if (i >= p.rows.size * p.chunk) return;
  const long row = i / p.chunk, first = row * p.length + i - row * p.chunk;
  if (p.order == 1) {
    out[p.out + first] = Element::store(work[first] * p.scale);
    return;
  }
  Wide column[kLargestOrder];
  for (int j = 0; j < p.order; j++) column[j] = work[first + j * p.chunk];
  for (int k = 0; k < p.order; k++) {
    Wide sum = Wide(0);
    for (int j = 0; j < p.order; j++) sum = (p.signs[k] >> j & 1) != 0 ? sum - column[j] : sum + column[j];
    out[p.out + first + k * p.chunk] = Element::store(sum * p.scale);
  }
}
