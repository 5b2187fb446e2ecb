// What the operations of scalars.h are for complex64. The CPU device computes these in float64; here sums of products
// carry the digits that cancellation would take, and operands are scaled where squares would overflow or vanish.
#ifndef METALGRAD_METAL_COMPLEX_H_
#define METALGRAD_METAL_COMPLEX_H_

#include "elementary.h"
#include "scalars.h"

namespace mg {

inline float real(complex64 z) { return z.x; }
inline float imag(complex64 z) { return z.y; }
inline complex64 conjugate(complex64 z) { return complexOf(z.x, -z.y); }

// Order: by the real, then the imaginary part.

template <>
inline bool equal<complex64>(complex64 a, complex64 b) {
  return a.x == b.x && a.y == b.y;
}
template <>
inline bool notEqual<complex64>(complex64 a, complex64 b) {
  return a.x != b.x || a.y != b.y;
}
template <>
inline bool less<complex64>(complex64 a, complex64 b) {
  return a.x < b.x || (a.x == b.x && a.y < b.y);
}
template <>
inline bool lessEqual<complex64>(complex64 a, complex64 b) {
  return a.x < b.x || (a.x == b.x && a.y <= b.y);
}
template <>
inline bool greater<complex64>(complex64 a, complex64 b) {
  return less(b, a);
}
template <>
inline bool greaterEqual<complex64>(complex64 a, complex64 b) {
  return lessEqual(b, a);
}
template <>
inline complex64 maximum<complex64>(complex64 a, complex64 b) {
  return isNaN(a) || (less(b, a) && !isNaN(b)) ? a : b;
}
template <>
inline complex64 minimum<complex64>(complex64 a, complex64 b) {
  return isNaN(a) || (less(a, b) && !isNaN(b)) ? a : b;
}

// Arithmetic.

template <>
inline complex64 add<complex64>(complex64 a, complex64 b) {
  return a + b;
}
template <>
inline complex64 subtract<complex64>(complex64 a, complex64 b) {
  return a - b;
}
template <>
inline complex64 negative<complex64>(complex64 a) {
  return complexOf(-a.x, -a.y);
}

namespace elementary {

/// a · b - c · d, with an error of 1.5 units at most (Kahan), also where only the products overflow.
inline float differenceOfProducts(float a, float b, float c, float d) {
  const float product = c * d;
  const float result = fma(a, b, -product) + fma(-c, d, product);
  if (isFinite(result)) return result;
  if (!isFinite(a) || !isFinite(b) || !isFinite(c) || !isFinite(d)) return a * b - c * d;
  const float down = 2.71050543e-20f, up = 3.68934881e19f;  // 2^-65, 2^65
  const float scaled = (c * down) * (d * down);
  return (fma(a * down, b * down, -scaled) + fma(-c * down, d * down, scaled)) * up * up;
}

/// The exponent of the larger part, at least -126.
inline int exponentOf(complex64 z) {
  const uint x = as_type<uint>(z.x) & 0x7f800000, y = as_type<uint>(z.y) & 0x7f800000;
  const int exponent = int((x > y ? x : y) >> 23) - 127;
  return exponent < -126 ? -126 : exponent;
}
inline complex64 scaled(complex64 z, int n) { return complexOf(scale(z.x, n), scale(z.y, n)); }
/// |z|² as a pair, where squares neither overflow nor vanish.
inline float2 squaredLength(complex64 z) { return pair::add(pair::product(z.x, z.x), pair::product(z.y, z.y)); }
inline bool isFinite(complex64 z) { return isFinite(z.x) && isFinite(z.y); }
inline bool isInfinite(complex64 z) { return isInfinite(z.x) || isInfinite(z.y); }

/// ±1 where x is infinite, else ±0.
inline float infiniteUnit(float x) { return withSign(isInfinite(x) ? 1.0f : 0.0f, x); }

/// Quotients of zeros and infinities by C's Annex G.
inline complex64 divideSpecial(complex64 a, complex64 b) {
  if (b.x == 0.0f && b.y == 0.0f) {
    const float unlimited = withSign(infinity(), b.x);
    return complexOf(unlimited * a.x, unlimited * a.y);
  }
  if (isInfinite(a) && isFinite(b)) {
    const complex64 plain = complexOf(a.x * b.x + a.y * b.y, a.y * b.x - a.x * b.y);
    if (plain.x == plain.x || plain.y == plain.y) return plain;
    const float x = infiniteUnit(a.x), y = infiniteUnit(a.y);
    return complexOf(infinity() * (x * b.x + y * b.y), infinity() * (y * b.x - x * b.y));
  }
  if (isInfinite(b) && isFinite(a)) {
    const float x = infiniteUnit(b.x), y = infiniteUnit(b.y);
    return complexOf(0.0f * (a.x * x + a.y * y), 0.0f * (a.y * x - a.x * y));
  }
  return complexOf(notANumber(), notANumber());
}
inline complex64 divide(complex64 a, complex64 b) {
  if (!isFinite(a) || !isFinite(b)) return divideSpecial(a, b);
  const int n = exponentOf(a), m = exponentOf(b);
  const complex64 u = scaled(a, -n), v = scaled(b, -m);
  const float2 length = squaredLength(v);
  if (length.x == 0.0f) return divideSpecial(a, complexOf(withSign(0.0f, b.x), 0.0f));
  const float2 re = pair::add(pair::product(u.x, v.x), pair::product(u.y, v.y));
  const float2 im = pair::add(pair::product(u.y, v.x), pair::product(-u.x, v.y));
  return scaled(complexOf(pair::divide(re, length).x, pair::divide(im, length).x), n - m);
}

inline float abs(complex64 z) {
  if (isInfinite(z)) return infinity();
  const int n = exponentOf(z);
  const float2 length = squaredLength(scaled(z, -n));
  return length.x == 0.0f ? 0.0f : z.x != z.x || z.y != z.y ? notANumber() : scale(pair::sqrt(length).x, n);
}

}  // namespace elementary

template <>
inline complex64 multiply<complex64>(complex64 a, complex64 b) {
  return complexOf(elementary::differenceOfProducts(a.x, b.x, a.y, b.y),
                   elementary::differenceOfProducts(a.x, b.y, -a.y, b.x));
}
template <>
inline complex64 multiplyAdd<complex64>(complex64 a, complex64 b, complex64 c) {
  const float2 re = pair::add(pair::add(pair::product(a.x, b.x), pair::product(-a.y, b.y)), c.x);
  const float2 im = pair::add(pair::add(pair::product(a.x, b.y), pair::product(a.y, b.x)), c.y);
  const complex64 sum = complexOf(re.x, im.x);
  return elementary::isFinite(sum) ? sum : multiply(a, b) + c;
}
template <>
inline complex64 divide<complex64>(complex64 a, complex64 b) {
  return elementary::divide(a, b);
}
template <>
inline complex64 reciprocal<complex64>(complex64 z) {
  return elementary::divide(complexOf(1.0f, 0.0f), z);
}
template <>
inline float abs<complex64>(complex64 z) {
  return elementary::abs(z);
}
/// z / |z|, and 0 for 0.
template <>
inline complex64 sign<complex64>(complex64 z) {
  if (z.x == 0.0f && z.y == 0.0f) return complexOf(0.0f, 0.0f);
  const complex64 u = elementary::isFinite(z) ? elementary::scaled(z, -elementary::exponentOf(z)) : z;
  const float length = elementary::abs(u);
  return length == 0.0f ? complexOf(0.0f, 0.0f) : complexOf(u.x / length, u.y / length);
}
template <>
inline complex64 arange<complex64>(int64_t position, float2 start, float2 step) {
  const float high = float(position);
  const float low = float(position - int64_t(high));
  return complexOf(fma(step.x, high, fma(step.x, low, start.x)), fma(step.y, high, fma(step.y, low, start.y)));
}

}  // namespace mg

#include "complex_elementary.h"

#endif  // METALGRAD_METAL_COMPLEX_H_
