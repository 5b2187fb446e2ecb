// Layer and RMS norms of contiguous rows. A SIMD group holds a row of up to 1024 elements in its registers, eight rows
// a threadgroup; a longer row has a threadgroup, which goes over it for the mean, for the variance and for the result.
// Sums are carried as two floats.
#include <metal_stdlib>

#include "accumulators.h"
#include "elements.h"
#include "params.h"

using namespace metal;

namespace mg {

/// What a row's elements become: (x - mean) · factor · weight + bias. The mean is a pair, so that differences from it
/// lose nothing however large it is.
struct RowNorm {
  float2 mean;
  float factor;
};

/// A sum over a row divided by the number of its elements.
inline float2 meanOf(float2 sum, long length) {
  const float2 total = normalized(sum);
  const float n = float(length), first = total.x / n;
  return pair::of(first, (fma(-first, n, total.x) + total.y) / n);
}

inline float centered(float x, float2 mean) { return (x - mean.x) - mean.y; }

inline float factorOf(float2 squares, long length, float eps) {
  return 1.0f / precise::sqrt(meanOf(squares, length).x + eps);
}

/// Element i of a row as it is stored.
template <typename T>
inline T normalizedElement(float x, RowNorm norm, device const T* weight, device const T* bias, constant NormParams& p,
                           long i) {
  float y = centered(x, norm.mean) * norm.factor;
  if (p.weighted != 0) y = y * Element<T>::load(weight[p.weight + i]);
  if (p.biased != 0) y = y + Element<T>::load(bias[p.bias + i]);
  return Element<T>::store(y);
}

inline void keepStatistics(RowNorm norm, device float* factors, device float* means, constant NormParams& p, long row) {
  if (p.keepsFactors != 0) factors[p.factors + row] = norm.factor;
  if (p.keepsMeans != 0) means[p.means + row] = norm.mean.x;
}

}  // namespace mg

/// kEach elements a lane.
template <typename T, int kEach>
[[kernel, max_total_threads_per_threadgroup(256)]] void norm_short(
    device const T* in [[buffer(0)]], device const T* weight [[buffer(1)]], device const T* bias [[buffer(2)]],
    device T* out [[buffer(3)]], device float* factors [[buffer(4)]], device float* means [[buffer(5)]],
    constant mg::NormParams& p [[buffer(6)]], uint group [[threadgroup_position_in_grid]],
    uint simdgroup [[simdgroup_index_in_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  using Sum = mg::SumOf<float>;
  const long row = long(group) * 8 + simdgroup;
  // A whole SIMD group.
  if (row >= p.rows) return;
  device const T* from = in + p.in + row * p.length;
  float values[kEach];
  float2 sum = Sum::identity();
  for (int k = 0; k < kEach; k++) {
    const long i = k * 32 + long(lane);
    values[k] = i < p.length ? mg::Element<T>::load(from[i]) : 0.0f;
    sum = Sum::take(sum, values[k], 0);
  }
  mg::RowNorm norm;
  norm.mean = p.centered != 0 ? mg::meanOf(mg::combineLanes<Sum>(sum), p.length) : mg::pair::of(0.0f, 0.0f);
  float2 squares = Sum::identity();
  for (int k = 0; k < kEach; k++) {
    if (k * 32 + long(lane) >= p.length) continue;
    const float x = mg::centered(values[k], norm.mean);
    squares = Sum::take(squares, x * x, 0);
  }
  norm.factor = mg::factorOf(mg::combineLanes<Sum>(squares), p.length, p.eps);
  device T* to = out + p.out + row * p.length;
  for (int k = 0; k < kEach; k++) {
    const long i = k * 32 + long(lane);
    if (i < p.length) to[i] = mg::normalizedElement(values[k], norm, weight, bias, p, i);
  }
  if (lane == 0) mg::keepStatistics(norm, factors, means, p, row);
}

template <typename T>
[[kernel, max_total_threads_per_threadgroup(256)]] void norm_long(
    device const T* in [[buffer(0)]], device const T* weight [[buffer(1)]], device const T* bias [[buffer(2)]],
    device T* out [[buffer(3)]], device float* factors [[buffer(4)]], device float* means [[buffer(5)]],
    constant mg::NormParams& p [[buffer(6)]], uint group [[threadgroup_position_in_grid]],
    uint tid [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint lane [[thread_index_in_simdgroup]]) {
  using Sum = mg::SumOf<float>;
  // Two words a SIMD group, of the sum and of the squares.
  threadgroup uint sums[16];
  threadgroup uint squareSums[16];
  const long row = long(group);
  device const T* from = in + p.in + row * p.length;
  mg::RowNorm norm;
  norm.mean = mg::pair::of(0.0f, 0.0f);
  if (p.centered != 0) {
    float2 own = Sum::identity();
    for (long i = tid; i < p.length; i += 256) own = Sum::take(own, mg::Element<T>::load(from[i]), 0);
    own = mg::combineLanes<Sum>(own);
    if (lane == 0) mg::saveState<Sum>(&sums[2 * simdgroup], 1, own);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    float2 sum = Sum::identity();
    for (uint i = 0; i < 8; i++) sum = Sum::combine(sum, mg::savedState<Sum>(&sums[2 * i], 1));
    norm.mean = mg::meanOf(sum, p.length);
  }
  float2 own = Sum::identity();
  for (long i = tid; i < p.length; i += 256) {
    const float x = mg::centered(mg::Element<T>::load(from[i]), norm.mean);
    own = Sum::take(own, x * x, 0);
  }
  own = mg::combineLanes<Sum>(own);
  if (lane == 0) mg::saveState<Sum>(&squareSums[2 * simdgroup], 1, own);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  float2 squares = Sum::identity();
  for (uint i = 0; i < 8; i++) squares = Sum::combine(squares, mg::savedState<Sum>(&squareSums[2 * i], 1));
  norm.factor = mg::factorOf(squares, p.length, p.eps);
  device T* to = out + p.out + row * p.length;
  for (long i = tid; i < p.length; i += 256) {
    to[i] = mg::normalizedElement(mg::Element<T>::load(from[i]), norm, weight, bias, p, i);
  }
  if (tid == 0) mg::keepStatistics(norm, factors, means, p, row);
}
