// Rotary positions: a thread turns one pair of a row, or copies one of the elements that stay. Angles are computed as
// pairs of floats, so that they are as exact at large positions as at small ones.
#include <metal_stdlib>

#include "elements.h"
#include "space.h"
#include "trigonometry.h"

using namespace metal;

namespace mg {

inline float2 pairOf(constant PairParam& a) { return pair::of(a.x, a.y); }

/// base^(-2i / dims) = exp(i · growth).
inline float2 speedOf(long i, constant PairParam& growth) {
  if (i == 0) return pair::of(1.0f, 0.0f);
  const float2 x = pair::multiply(pairOf(growth), float(i));
  if (x.x != x.x) return pair::of(x.x, 0.0f);
  if (fabs(x.x) > 85.0f) return pair::of(x.x > 0.0f ? elementary::infinity() : 0.0f, 0.0f);
  return elementary::expPair(x);
}

/// Cosine and sine of a + b for a small b.
inline float2 directionOf(float2 angle) {
  const float c = elementary::cos(angle.x), s = elementary::sin(angle.x);
  const float b = angle.y, curve = 0.5f * b * b;
  return pair::of(c - fma(b, s, curve * c), s + fma(b, c, -curve * s));
}

}  // namespace mg

template <typename T>
[[kernel, max_total_threads_per_threadgroup(256)]] void rope(
    device const T* x [[buffer(0)]], device const float* offsets [[buffer(1)]], device const float* freqs [[buffer(2)]],
    device T* out [[buffer(3)]], constant mg::RopeParams& p [[buffer(4)]], uint group [[threadgroup_position_in_grid]],
    uint lane [[thread_index_in_threadgroup]], uint threads [[threads_per_threadgroup]]) {
  const long place = long(group) * threads + lane;
  const long each = p.width - p.half_;
  const long row = place / each, i = place % each;
  if (row >= p.rows.size) return;
  long at[4] = {p.x, p.offsets, p.freqs, p.out};
  mg::locate(p.rows, row, at);
  device const T* from = x + at[0];
  device T* to = out + at[3];
  if (i >= p.half_) {
    const long k = i + p.half_;
    to[k] = from[k * p.columnStep];
    return;
  }
  const float2 first = p.hasOffsets != 0 ? mg::pair::of(offsets[at[1]], 0.0f) : mg::pairOf(p.offset);
  const float2 position = mg::pair::multiply(mg::pair::add(first, float(row % p.length)), mg::pairOf(p.scale));
  const float2 speed =
      p.hasFreqs != 0 ? mg::pair::divide(mg::pair::of(1.0f, 0.0f), mg::pair::of(freqs[at[2] + i * p.freqStep], 0.0f))
                      : mg::speedOf(i, p.growth);
  const float2 direction = mg::directionOf(mg::pair::multiply(position, speed));
  const long left = p.traditional != 0 ? 2 * i : i, right = p.traditional != 0 ? 2 * i + 1 : i + p.half_;
  const float a = mg::Element<T>::load(from[left * p.columnStep]), b = mg::Element<T>::load(from[right * p.columnStep]);
  to[left] = mg::Element<T>::store(a * direction.x - b * direction.y);
  to[right] = mg::Element<T>::store(a * direction.y + b * direction.x);
}
