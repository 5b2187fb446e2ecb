// Discrete Fourier transforms of rows, by Stockham's passes of radix 2 to 13. Up to 2048 elements a threadgroup makes
// all passes of a row in its memory; longer rows take one dispatch a pass, a thread for each of the small transforms
// that it is made of. Lengths with larger prime factors are convolutions with a chirp (L. I. Bluestein 1970).
#include <metal_stdlib>

#include "elements.h"
#include "space.h"

using namespace metal;

enum { kFourierBlock = 2048, kLargestRadix = 13 };

/// exp(2πi · numerator / length) for numerator < length < 2^29: reduced to an eighth of the circle in integers, then
/// polynomials (S. Moshier's, from Cephes).
inline float2 rootOfUnity(uint numerator, uint length) {
  const uint eighths = 8 * numerator, octant = eighths / length, rest = eighths - octant * length;
  const bool mirrored = (octant & 1) != 0;
  const float x = float(mirrored ? length - rest : rest) / float(length) * 0.785398163397448310f;
  const float z = x * x;
  const float sine = fma(fma(fma(-1.9515295891e-4f, z, 8.3321608736e-3f), z, -1.6666654611e-1f) * z, x, x);
  const float cosine = fma(fma(fma(2.443315711809948e-5f, z, -1.388731625493765e-3f), z, 4.166664568298827e-2f) * z, z,
                           fma(-0.5f, z, 1.0f));
  // In its quadrant the angle is x, or what is missing to a right angle.
  const float along = mirrored ? sine : cosine, up = mirrored ? cosine : sine;
  const uint quadrant = octant / 2;
  float2 root;
  root.x = quadrant == 0 ? along : quadrant == 1 ? -up : quadrant == 2 ? -along : up;
  root.y = quadrant == 0 ? up : quadrant == 1 ? along : quadrant == 2 ? -up : -along;
  return root;
}

/// The root for the exponent's sign: forward transforms turn clockwise.
inline float2 turn(uint numerator, uint length, uint inverse) {
  float2 root = rootOfUnity(numerator, length);
  if (inverse == 0) root.y = -root.y;
  return root;
}

/// exp(±πi · k² / length).
inline float2 chirp(long k, uint length, uint inverse) {
  return turn(uint(ulong(k) * ulong(k) % (2 * ulong(length))), 2 * length, inverse);
}

/// x · (±i): what a quarter of a turn does.
inline float2 quarter(float2 x, uint inverse) {
  float2 result;
  result.x = inverse != 0 ? -x.y : x.y;
  result.y = inverse != 0 ? x.x : -x.x;
  return result;
}

inline void transformFour(thread float2& a, thread float2& b, thread float2& c, thread float2& d, uint inverse) {
  const float2 even = a + c, evenDifference = a - c, odd = b + d, oddDifference = quarter(b - d, inverse);
  a = even + odd;
  b = evenDifference + oddDifference;
  c = even - odd;
  d = evenDifference - oddDifference;
}

/// The transform of `radix` numbers, in place.
inline void transformFew(thread float2* x, uint radix, uint inverse) {
  if (radix == 2) {
    const float2 a = x[0];
    x[0] = a + x[1];
    x[1] = a - x[1];
    return;
  }
  if (radix == 4) return transformFour(x[0], x[1], x[2], x[3], inverse);
  if (radix == 8) {
    transformFour(x[0], x[2], x[4], x[6], inverse);
    transformFour(x[1], x[3], x[5], x[7], inverse);
    float2 even[4], odd[4];
    for (uint k = 0; k < 4; k++) {
      even[k] = x[2 * k];
      odd[k] = mg::times(x[2 * k + 1], turn(k, 8, inverse));
    }
    for (uint k = 0; k < 4; k++) {
      x[k] = even[k] + odd[k];
      x[k + 4] = even[k] - odd[k];
    }
    return;
  }
  float2 result[kLargestRadix];
  for (uint k = 0; k < radix; k++) {
    float2 sum = x[0];
    for (uint j = 1; j < radix; j++) sum += mg::times(x[j], turn(j * k % radix, radix, inverse));
    result[k] = sum;
  }
  for (uint k = 0; k < radix; k++) x[k] = result[k];
}

/// Transform `t` of a pass: where its numbers come from is t + j · length / radix.
inline void turnFew(thread float2* x, uint radix, uint within, uint done, uint inverse) {
  for (uint j = 1; j < radix; j++) {
    if (within != 0) x[j] = mg::times(x[j], turn(j * within, done * radix, inverse));
  }
  transformFew(x, radix, inverse);
}

/// A whole row.
template <typename T>
[[kernel, max_total_threads_per_threadgroup(256)]] void fourier_rows(device const T* in [[buffer(0)]],
                                                                     device T* out [[buffer(1)]],
                                                                     constant mg::FourierParams& p [[buffer(2)]],
                                                                     uint group [[threadgroup_position_in_grid]],
                                                                     uint lane [[thread_index_in_threadgroup]],
                                                                     uint threads [[threads_per_threadgroup]]) {
  threadgroup float2 memory[2 * kFourierBlock];
  long at[2] = {p.in, p.out};
  mg::locate(p.rows, long(group), at);
  for (uint i = lane; i < p.length; i += threads) memory[i] = in[at[0] + i * p.inStep];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  uint done = 1, from = 0;
  for (uint pass = 0; pass < p.factors; pass++) {
    const uint radix = p.factor[pass], apart = p.length / radix, to = kFourierBlock - from;
    for (uint t = lane; t < apart; t += threads) {
      float2 x[kLargestRadix];
      for (uint j = 0; j < radix; j++) x[j] = memory[from + t + j * apart];
      const uint within = t % done;
      turnFew(x, radix, within, done, p.inverse);
      const uint first = to + (t - within) * radix + within;
      for (uint j = 0; j < radix; j++) memory[first + j * done] = x[j];
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    done *= radix;
    from = to;
  }
  for (uint i = lane; i < p.length; i += threads) out[at[1] + i * p.outStep] = memory[from + i];
}

/// One pass over all rows.
template <typename T>
[[kernel, max_total_threads_per_threadgroup(256)]] void fourier_pass(device const T* in [[buffer(0)]],
                                                                     device T* out [[buffer(1)]],
                                                                     constant mg::FourierParams& p [[buffer(2)]],
                                                                     uint group [[threadgroup_position_in_grid]],
                                                                     uint lane [[thread_index_in_threadgroup]],
                                                                     uint threads [[threads_per_threadgroup]]) {
  const uint apart = p.length / p.radix;
  const long i = long(group) * threads + lane;
  if (i >= p.rows.size * apart) return;
  const long row = i / apart;
  const uint t = uint(i - row * apart), within = t % p.done;
  long at[2] = {p.in, p.out};
  mg::locate(p.rows, row, at);
  float2 x[kLargestRadix];
  for (uint j = 0; j < p.radix; j++) x[j] = in[at[0] + long(t + j * apart) * p.inStep];
  turnFew(x, p.radix, within, p.done, p.inverse);
  const uint first = (t - within) * p.radix + within;
  for (uint j = 0; j < p.radix; j++) out[at[1] + long(first + j * p.done) * p.outStep] = x[j];
}

/// Rows times the chirp, then zeros up to the padded length.
template <typename T>
[[kernel, max_total_threads_per_threadgroup(256)]] void fourier_chirp(device const T* in [[buffer(0)]],
                                                                      device T* out [[buffer(1)]],
                                                                      constant mg::FourierParams& p [[buffer(2)]],
                                                                      uint group [[threadgroup_position_in_grid]],
                                                                      uint lane [[thread_index_in_threadgroup]],
                                                                      uint threads [[threads_per_threadgroup]]) {
  const long i = long(group) * threads + lane;
  if (i >= p.rows.size * p.length) return;
  const long row = i / p.length, k = i - row * p.length;
  long at[2] = {p.in, p.out};
  mg::locate(p.rows, row, at);
  float2 value = float2(0.0f);
  if (k < p.chirp) value = mg::times(in[at[0] + k * p.inStep], chirp(k, p.chirp, p.inverse));
  out[at[1] + k * p.outStep] = value;
}

/// What the rows are convolved with: the conjugate chirp, to both sides, scaled for the way back.
template <typename T>
[[kernel, max_total_threads_per_threadgroup(256)]] void fourier_kernel(device T* out [[buffer(0)]],
                                                                       constant mg::FourierParams& p [[buffer(1)]],
                                                                       uint group [[threadgroup_position_in_grid]],
                                                                       uint lane [[thread_index_in_threadgroup]],
                                                                       uint threads [[threads_per_threadgroup]]) {
  const long k = long(group) * threads + lane;
  if (k >= p.length) return;
  const long distance = min(k, long(p.length) - k);
  float2 value = float2(0.0f);
  if (distance < p.chirp) value = chirp(distance, p.chirp, p.inverse == 0 ? 1 : 0) / float(p.length);
  out[k] = value;
}

/// Spectra of rows times the one of the kernel.
template <typename T>
[[kernel, max_total_threads_per_threadgroup(256)]] void fourier_multiply(device T* rows [[buffer(0)]],
                                                                         device const T* spectrum [[buffer(1)]],
                                                                         constant mg::FourierParams& p [[buffer(2)]],
                                                                         uint group [[threadgroup_position_in_grid]],
                                                                         uint lane [[thread_index_in_threadgroup]],
                                                                         uint threads [[threads_per_threadgroup]]) {
  const long i = long(group) * threads + lane;
  if (i >= p.rows.size * p.length) return;
  const float2 a = rows[i], b = spectrum[i % p.length];
  rows[i] = mg::times(a, b);
}

/// The first numbers of each row times the chirp again.
template <typename T>
[[kernel, max_total_threads_per_threadgroup(256)]] void fourier_finish(device const T* in [[buffer(0)]],
                                                                       device T* out [[buffer(1)]],
                                                                       constant mg::FourierParams& p [[buffer(2)]],
                                                                       uint group [[threadgroup_position_in_grid]],
                                                                       uint lane [[thread_index_in_threadgroup]],
                                                                       uint threads [[threads_per_threadgroup]]) {
  const long i = long(group) * threads + lane;
  if (i >= p.rows.size * p.chirp) return;
  const long row = i / p.chirp, k = i - row * p.chirp;
  long at[2] = {p.in, p.out};
  mg::locate(p.rows, row, at);
  const float2 value = in[at[0] + k * p.inStep];
  out[at[1] + k * p.outStep] = mg::times(value, chirp(k, p.chirp, p.inverse));
}
