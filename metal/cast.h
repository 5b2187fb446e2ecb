// Conversions between dtypes. Floats become integers by truncation, wrapping as an int64 does (beyond int64 they
// saturate, NaN gives 0); everything but zero is true; complex numbers lose their imaginary part.
#ifndef METALGRAD_METAL_CAST_H_
#define METALGRAD_METAL_CAST_H_

#include "types.h"

namespace mg {

/// Truncates; |x| < 2^31 is the common case, and all that 32-bit hardware converts by itself.
template <typename To>
inline To truncateTo(float x) {
  if (fabs(x) < 2147483648.0f) return To(int(x));
  if (x != x) return To(0);
  if (x >= 9223372036854775808.0f) return To(int64_t(0x7fffffffffffffff));
  if (x <= -9223372036854775808.0f) return To(int64_t(uint64_t(1) << 63));
  return To(int64_t(x));
}
template <>
inline uint64_t truncateTo<uint64_t>(float x) {
  if (x >= 18446744073709551616.0f) return ~uint64_t(0);
  if (x >= 9223372036854775808.0f) return uint64_t(x - 9223372036854775808.0f) + (uint64_t(1) << 63);
  if (x != x) return 0;
  if (x <= -9223372036854775808.0f) return uint64_t(1) << 63;
  return uint64_t(int64_t(x));
}

/// hi + lo, |lo| ≤ ulp(hi) / 2, cut to the float32 nearer to zero with the last bit set if anything was cut ("round to
/// odd"): rounding that to 16 bits rounds once.
inline float roundToOdd(float hi, float lo) {
  if (lo == 0.0f) return hi;
  uint bits = as_type<uint>(hi);
  if ((lo < 0.0f) != (hi < 0.0f)) bits -= 1;
  return as_type<float>(bits | 1);
}
/// Keeps the 24 leading bits, the last of them set if any bit was lost.
inline float roundToOdd(uint x) {
  const uint zeros = clz(x);
  if (zeros >= 8) return float(x);
  const uint lost = 8 - zeros;
  const uint kept = (x >> lost) | uint((x & ((1u << lost) - 1)) != 0);
  return float(kept << lost);
}
/// The same from 32 leading bits and whether any bit follows.
inline float roundToOdd(uint64_t x) {
  const uint high = uint(x >> 32);
  if (high == 0) return roundToOdd(uint(x));
  const uint lost = 32 - clz(high);
  const uint kept = uint(x >> lost) | uint((x & ((uint64_t(1) << lost) - 1)) != 0);
  return roundToOdd(kept) * as_type<float>((127 + lost) << 23);
}
inline float roundToOdd(int x) { return x < 0 ? -roundToOdd(0u - uint(x)) : roundToOdd(uint(x)); }
inline float roundToOdd(int64_t x) { return x < 0 ? -roundToOdd(uint64_t(0) - uint64_t(x)) : roundToOdd(uint64_t(x)); }

/// To an integer.
template <typename To>
struct Cast {
  static To of(int x) { return To(x); }
  static To of(uint x) { return To(x); }
  static To of(int64_t x) { return To(x); }
  static To of(uint64_t x) { return To(x); }
  static To of(float x) { return truncateTo<To>(x); }
  static To of(complex64 z) { return truncateTo<To>(z.x); }
};
template <>
struct Cast<bool> {
  static bool of(int x) { return x != 0; }
  static bool of(uint x) { return x != 0; }
  static bool of(int64_t x) { return x != 0; }
  static bool of(uint64_t x) { return x != 0; }
  // By its bits, so that subnormals are true on hardware that flushes them.
  static bool of(float x) { return (as_type<uint>(x) & 0x7fffffff) != 0; }
  static bool of(complex64 z) { return of(z.x) || of(z.y); }
};
template <>
struct Cast<float> {
  static float of(int x) { return float(x); }
  static float of(uint x) { return float(x); }
  static float of(int64_t x) { return float(x); }
  static float of(uint64_t x) { return float(x); }
  static float of(float x) { return x; }
  static float of(complex64 z) { return z.x; }
};
/// Integers that float32 does not hold exactly are beyond the largest half.
template <>
struct Cast<half> {
  template <typename From>
  static half of(From x) {
    return half(float(x));
  }
  static half of(complex64 z) { return half(z.x); }
};
/// Rounded once, also from integers with more digits than float32 has.
template <>
struct Cast<bfloat> {
  template <typename From>
  static bfloat of(From x) {
    return bfloat(roundToOdd(x));
  }
  static bfloat of(float x) { return bfloat(x); }
  static bfloat of(complex64 z) { return bfloat(z.x); }
};
template <>
struct Cast<complex64> {
  template <typename From>
  static complex64 of(From x) {
    return complexOf(float(x), 0.0f);
  }
  static complex64 of(complex64 z) { return z; }
};

template <typename To, typename From>
inline To cast(From x) {
  return Cast<To>::of(widen(x));
}

}  // namespace mg

#endif  // METALGRAD_METAL_CAST_H_
