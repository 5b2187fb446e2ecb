// Softmax and the logarithm of a sum of exponentials of contiguous rows. A SIMD group holds a row of up to 1024
// elements in its registers, eight rows a threadgroup; a longer row has a threadgroup, which goes over it once for the
// largest element and the sum relative to it, and for softmax once more.
#include <metal_stdlib>

#include "elementary.h"
#include "elements.h"
#include "params.h"

using namespace metal;

namespace mg {

/// log Σ exp, from the largest element and the sum relative to it.
inline float logarithm(float largest, float sum, bool nan) {
  if (nan) return elementary::notANumber();
  return elementary::isFinite(largest) ? largest + elementary::log(sum) : largest;
}

}  // namespace mg

/// kEach elements a lane; kLogarithm gives one number a row.
template <typename T, int kEach, bool kLogarithm>
[[kernel, max_total_threads_per_threadgroup(256)]] void softmax_short(device const T* in [[buffer(0)]],
                                                                      device T* out [[buffer(1)]],
                                                                      constant mg::SoftmaxParams& p [[buffer(2)]],
                                                                      uint group [[threadgroup_position_in_grid]],
                                                                      uint simdgroup [[simdgroup_index_in_threadgroup]],
                                                                      uint lane [[thread_index_in_simdgroup]]) {
  const long row = long(group) * 8 + simdgroup;
  // A whole SIMD group.
  if (row >= p.rows) return;
  device const T* from = in + p.in + row * p.length;
  float values[kEach];
  float largest = -mg::elementary::infinity(), nan = 0.0f;
  for (int k = 0; k < kEach; k++) {
    const long i = k * 32 + long(lane);
    values[k] = i < p.length ? mg::Element<T>::load(from[i]) : -mg::elementary::infinity();
    if (values[k] != values[k]) {
      nan = 1.0f;
    } else {
      largest = max(largest, values[k]);
    }
  }
  largest = simd_max(largest);
  float sum = 0.0f;
  for (int k = 0; k < kEach; k++) {
    if (k * 32 + long(lane) >= p.length) continue;
    values[k] = mg::elementary::exp(values[k] - largest);
    sum += values[k];
  }
  sum = simd_sum(sum);
  if (kLogarithm) {
    const bool anyNan = simd_max(nan) != 0.0f;
    if (lane == 0) out[p.out + row] = mg::Element<T>::store(mg::logarithm(largest, sum, anyNan));
    return;
  }
  const float factor = 1.0f / sum;
  for (int k = 0; k < kEach; k++) {
    const long i = k * 32 + long(lane);
    if (i < p.length) out[p.out + row * p.length + i] = mg::Element<T>::store(values[k] * factor);
  }
}

template <typename T, bool kLogarithm>
[[kernel, max_total_threads_per_threadgroup(256)]] void softmax_long(
    device const T* in [[buffer(0)]], device T* out [[buffer(1)]], constant mg::SoftmaxParams& p [[buffer(2)]],
    uint group [[threadgroup_position_in_grid]], uint tid [[thread_index_in_threadgroup]],
    uint simdgroup [[simdgroup_index_in_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float largestOf[8];
  threadgroup float sumOf[8];
  threadgroup float nanOf[8];
  const long row = long(group);
  device const T* from = in + p.in + row * p.length;
  float own = -mg::elementary::infinity(), ownSum = 0.0f, ownNan = 0.0f;
  for (long i = tid; i < p.length; i += 256) {
    const float x = mg::Element<T>::load(from[i]);
    if (x > own) {
      ownSum = fma(ownSum, mg::elementary::exp(own - x), 1.0f);
      own = x;
    } else if (x != x) {
      ownNan = 1.0f;
    } else if (x != -mg::elementary::infinity()) {
      ownSum += mg::elementary::exp(x - own);
    }
  }
  float largest = simd_max(own);
  // Nothing above -infinity was seen, or it is the largest itself: its sum counts as it is.
  float sum = simd_sum(own == largest ? ownSum : ownSum * mg::elementary::exp(own - largest));
  float nan = simd_max(ownNan);
  if (lane == 0) {
    largestOf[simdgroup] = largest;
    sumOf[simdgroup] = sum;
    nanOf[simdgroup] = nan;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  largest = largestOf[0];
  for (uint i = 1; i < 8; i++) largest = max(largest, largestOf[i]);
  sum = 0.0f;
  nan = 0.0f;
  for (uint i = 0; i < 8; i++) {
    sum += largestOf[i] == largest ? sumOf[i] : sumOf[i] * mg::elementary::exp(largestOf[i] - largest);
    nan = max(nan, nanOf[i]);
  }
  if (kLogarithm) {
    if (tid == 0) out[p.out + row] = mg::Element<T>::store(mg::logarithm(largest, sum, nan != 0.0f));
    return;
  }
  // As the differences of infinities would make it.
  const bool bad = nan != 0.0f || !mg::elementary::isFinite(largest);
  const float factor = bad ? mg::elementary::notANumber() : 1.0f / sum;
  device T* to = out + p.out + row * p.length;
  for (long i = tid; i < p.length; i += 256) {
    to[i] = mg::Element<T>::store(mg::elementary::exp(mg::Element<T>::load(from[i]) - largest) * factor);
  }
}
