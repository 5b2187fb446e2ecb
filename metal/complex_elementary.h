// Elementary functions of complex64, made of the real ones; where a formula is not the definition its source is named.
// (Kahan: "Branch cuts for complex elementary functions, or much ado about nothing's sign bit", 1987.)
#ifndef METALGRAD_METAL_COMPLEX_ELEMENTARY_H_
#define METALGRAD_METAL_COMPLEX_ELEMENTARY_H_

#include "complex.h"

namespace mg {
namespace elementary {

// Multiplication by i and -i.
inline complex64 timesI(complex64 z) { return complexOf(-z.y, z.x); }
inline complex64 timesMinusI(complex64 z) { return complexOf(z.y, -z.x); }

/// A product in which 0 prevails over infinity and NaN.
inline float timesZero(float a, float b) {
  if (a == 0.0f || b == 0.0f) return bitsToFloat((as_type<uint>(a) ^ as_type<uint>(b)) & 0x80000000);
  return a * b;
}

/// exp(x) as factor · value, so that large ones do not overflow before they are multiplied.
struct Scaled {
  float value, factor;
};
inline Scaled expOf(float x) {
  Scaled result;
  const bool large = x > 80.0f;
  result.value = expScaled(x, 0.0f, large ? -64 : 0);
  result.factor = large ? 1.84467441e19f : 1.0f;
  return result;
}

/// Where the angle of something infinite is not known.
inline bool isUnknownInfinity(complex64 z) { return isInfinite(z.x) && !isFinite(z.y); }
inline complex64 exp(complex64 z) {
  if (z.y == 0.0f) return complexOf(exp(z.x), z.y);
  if (isUnknownInfinity(z)) return z.x < 0.0f ? complexOf(0.0f, 0.0f) : complexOf(infinity(), notANumber());
  const Scaled e = expOf(z.x);
  return complexOf(timesZero(e.value, cos(z.y)) * e.factor, timesZero(e.value, sin(z.y)) * e.factor);
}
/// exp(z) - 1 = expm1(x) · cos y - 2 sin²(y / 2) + i · exp(x) · sin y
inline complex64 expm1(complex64 z) {
  if (z.x > 20.0f || !isFinite(z)) return exp(z) - complexOf(1.0f, 0.0f);
  const float s = sin(0.5f * z.y);
  return complexOf(differenceOfProducts(expm1(z.x), cos(z.y), 2.0f * s, s), exp(z.x) * sin(z.y));
}

/// log|z| as a pair, for finite z but 0.
inline float2 logOfLengthPair(complex64 z) {
  // Near 1 the digits are in |z|² - 1, so that nothing is scaled there.
  const int exponent = exponentOf(z), n = exponent == -1 ? 0 : exponent;
  const float2 length = squaredLength(scaled(z, -n));
  const float twice = 2.0f * float(n);
  const float2 whole = pair::quickSum(twice * 0.693145752f, twice * 1.42860682e-6f);
  const float2 sum = pair::add(whole, logPair(length.x, length.y));
  return pair::of(0.5f * sum.x, 0.5f * sum.y);
}
inline float logOfLength(complex64 z) {
  if (isInfinite(z)) return infinity();
  if (z.x != z.x || z.y != z.y) return notANumber();
  const bool isZero = magnitude(z.x) < kLeastNormal && magnitude(z.y) < kLeastNormal;
  return isZero ? -infinity() : logOfLengthPair(z).x;
}
inline complex64 log(complex64 z) { return complexOf(logOfLength(z), arctan2(z.y, z.x)); }
/// log(1 + z): |1 + z|² - 1 = 2x + x² + y²
inline complex64 log1p(complex64 z) {
  const complex64 shifted = complexOf(1.0f + z.x, z.y);
  if (!(z.x > -0.5f && z.x < 1e6f && magnitude(z.y) < 1e6f)) return log(shifted);
  const float2 rest = pair::add(squaredLength(z), 2.0f * z.x);
  return complexOf(0.5f * log1pOfPair(rest.x, rest.y), arctan2(z.y, shifted.x));
}

/// Kahan's CSQRT: the root of the part without cancellation, the other part by division.
inline complex64 sqrt(complex64 z) {
  if (isInfinite(z.y)) return complexOf(infinity(), z.y);
  if (isInfinite(z.x)) {
    const float other = z.y == z.y ? 0.0f : notANumber();
    return z.x > 0.0f ? complexOf(z.x, withSign(other, z.y)) : complexOf(other, withSign(infinity(), z.y));
  }
  if (z.x != z.x || z.y != z.y) return complexOf(notANumber(), notANumber());
  const int n = exponentOf(z) & ~1;
  const complex64 u = scaled(z, -n);
  const float2 length = squaredLength(u);
  if (length.x == 0.0f) return complexOf(0.0f, z.y);
  const float2 sum = pair::add(pair::sqrt(length), magnitude(u.x));
  const float root = metal::precise::sqrt(0.5f * sum.x);
  const float large = scale(root, n / 2), small = scale(magnitude(u.y) / (2.0f * root), n / 2);
  return z.x < 0.0f ? complexOf(small, withSign(large, z.y)) : complexOf(large, withSign(small, z.y));
}

/// cosh x and sinh x as factor · value.
struct Hyperbolic {
  float cosine, sine, factor;
};
inline Hyperbolic hyperbolic(float x) {
  Hyperbolic result;
  const bool large = magnitude(x) > 80.0f;
  // e^|x| / 2, of which the other exponential is no part.
  const float half_ = large ? expScaled(magnitude(x), 0.0f, -65) : 0.0f;
  result.cosine = large ? half_ : cosh(x);
  result.sine = large ? withSign(half_, x) : sinh(x);
  result.factor = large ? 1.84467441e19f : 1.0f;
  return result;
}
inline complex64 sinh(complex64 z) {
  if (isUnknownInfinity(z)) return complexOf(infinity(), notANumber());
  const Hyperbolic h = hyperbolic(z.x);
  return complexOf(timesZero(h.sine, cos(z.y)) * h.factor, timesZero(h.cosine, sin(z.y)) * h.factor);
}
inline complex64 cosh(complex64 z) {
  if (isUnknownInfinity(z)) return complexOf(infinity(), notANumber());
  const Hyperbolic h = hyperbolic(z.x);
  return complexOf(timesZero(h.cosine, cos(z.y)) * h.factor, timesZero(h.sine, sin(z.y)) * h.factor);
}
/// Kahan's CTANH.
inline complex64 tanh(complex64 z) {
  if (z.x == 0.0f) return complexOf(z.x, tan(z.y));
  if (z.y == 0.0f) return complexOf(tanh(z.x), z.y);
  const float a = magnitude(z.x);
  if (a > 10.0f) {
    const float rest = isFinite(z.y) ? 4.0f * sin(z.y) * cos(z.y) * exp(-2.0f * a) : isInfinite(z.x) ? 0.0f : z.y - z.y;
    return complexOf(withSign(1.0f, z.x), rest);
  }
  const float t = tan(z.y), s = sinh(z.x);
  const float beta = fma(t, t, 1.0f), rho = metal::precise::sqrt(fma(s, s, 1.0f));
  const float denominator = fma(beta, s * s, 1.0f);
  return complexOf(beta * rho * s / denominator, t / denominator);
}

/// Whether the 1 in 1 ± z² is nothing: then the functions below are logarithms of 2z, but for the quadrant.
inline bool isLarge(complex64 z) { return magnitude(z.x) > 1e9f || magnitude(z.y) > 1e9f; }
inline float logOfTwice(complex64 z) { return logOfLength(z) + 0.693147182f; }

/// From √(1 - z) and √(1 + z), whose imaginary parts have opposite signs, so that the sums do not cancel (Kahan's
/// CASIN, CACOS and CACOSH).
inline complex64 arcsin(complex64 z) {
  if (isLarge(z)) return complexOf(arctan2(z.x, magnitude(z.y)), withSign(logOfTwice(z), z.y));
  const complex64 a = sqrt(complexOf(1.0f - z.x, -z.y)), b = sqrt(complexOf(1.0f + z.x, z.y));
  return complexOf(arctan2(z.x, fma(a.x, b.x, -a.y * b.y)), withSign(magnitude(arcsinh(a.x * b.y - a.y * b.x)), z.y));
}
inline complex64 arccos(complex64 z) {
  if (isLarge(z)) return complexOf(arctan2(magnitude(z.y), z.x), flipSign(withSign(logOfTwice(z), z.y), 1));
  const complex64 a = sqrt(complexOf(1.0f - z.x, -z.y)), b = sqrt(complexOf(1.0f + z.x, z.y));
  return complexOf(2.0f * arctan2(a.x, b.x), arcsinh(b.x * a.y - b.y * a.x));
}
inline complex64 arccosh(complex64 z) {
  if (isLarge(z)) return complexOf(logOfTwice(z), arctan2(z.y, z.x));
  const complex64 a = sqrt(complexOf(z.x - 1.0f, z.y)), b = sqrt(complexOf(z.x + 1.0f, z.y));
  return complexOf(arcsinh(a.x * b.x + a.y * b.y), 2.0f * arctan2(a.y, b.x));
}
inline complex64 arcsinh(complex64 z) { return timesMinusI(arcsin(timesI(z))); }
/// ¼ log(1 + 4x / ((1 - x)² + y²)) + ½ i · arctan2(2y, (1 - x) · (1 + x) - y²), for x ≥ 0.
inline complex64 arctanh(complex64 z) {
  const float x = magnitude(z.x), y = z.y;
  if (isLarge(z)) {
    const float re = isFinite(z) ? divide(complexOf(1.0f, 0.0f), z).x : isInfinite(z) ? 0.0f : notANumber();
    return complexOf(withSign(magnitude(re), z.x), y == y ? withSign(1.57079637f, y) : y);
  }
  const complex64 left = complexOf(1.0f - x, y);
  const float length = fma(left.x, left.x, y * y);
  const float re = length > 1e-20f ? 0.25f * log1p(4.0f * x / length) : 0.5f * (0.693147182f - logOfLength(left));
  const float im = 0.5f * arctan2(2.0f * y, differenceOfProducts(left.x, 1.0f + x, y, y));
  return complexOf(withSign(magnitude(re), z.x), im);
}
inline complex64 arctan(complex64 z) { return timesMinusI(arctanh(timesI(z))); }

inline complex64 sigmoid(complex64 z) {
  const bool left = z.x < 0.0f;
  const complex64 e = exp(left ? z : complexOf(-z.x, -z.y));
  return divide(left ? e : complexOf(1.0f, 0.0f), complexOf(1.0f + e.x, e.y));
}

/// base^n for 1 ≤ n ≤ 64 by products of pairs; the base is scaled, so that none overflows.
inline complex64 wholePower(complex64 base, int n) {
  const int exponent = exponentOf(base);
  const complex64 unit = scaled(base, -exponent);
  float2 x = pair::of(unit.x, 0.0f), y = pair::of(unit.y, 0.0f);
  float2 re = pair::of(1.0f, 0.0f), im = pair::of(0.0f, 0.0f);
  for (int e = n; e > 0; e >>= 1) {
    if ((e & 1) != 0) {
      const float2 old = re;
      re = pair::add(pair::multiply(old, x), pair::multiply(pair::of(-im.x, -im.y), y));
      im = pair::add(pair::multiply(old, y), pair::multiply(im, x));
    }
    const float2 old = x;
    x = pair::add(pair::multiply(old, old), pair::multiply(pair::of(-y.x, -y.y), y));
    y = pair::multiply(pair::of(2.0f * old.x, 2.0f * old.y), y);
  }
  const int total = exponent * n;
  return scaled(complexOf(re.x, im.x), total > 250 ? 250 : total < -250 ? -250 : total);
}
/// 0 to a power is 0 or 1 where that has a sense, and small integral powers are products.
inline complex64 power(complex64 base, complex64 exponent) {
  if (exponent.x == 0.0f && exponent.y == 0.0f) return complexOf(1.0f, 0.0f);
  if (base.x == 0.0f && base.y == 0.0f) {
    return exponent.x > 0.0f ? complexOf(0.0f, 0.0f) : complexOf(notANumber(), notANumber());
  }
  const float n = magnitude(exponent.x);
  if (exponent.y == 0.0f && n <= 64.0f && n == metal::trunc(n) && isFinite(base)) {
    if (exponent.x > 0.0f) return wholePower(base, int(n));
    return wholePower(divide(complexOf(1.0f, 0.0f), base), int(n));
  }
  // exp(exponent · log(base)); what the parts of that product lack are small angles and factors.
  if (!isFinite(base) || !isFinite(exponent)) {
    return exp(mg::multiply(exponent, log(base)));
  }
  const float2 length = logOfLengthPair(base);
  const float angle = arctan2(base.y, base.x);
  const float2 re = pair::add(pair::multiply(length, exponent.x), pair::product(-exponent.y, angle));
  const float2 im = pair::add(pair::multiply(length, exponent.y), pair::product(exponent.x, angle));
  const complex64 result = exp(complexOf(re.x, im.x));
  return isFinite(re) && isFinite(im) && isFinite(result) ? mg::multiply(result, complexOf(1.0f + re.y, im.y)) : result;
}

/// larger + log1p(exp(smaller - larger)), where the angles of the exponential are not subtracted but turned.
inline complex64 logaddexp(complex64 a, complex64 b) {
  if (a.x == b.x && a.y == b.y) return complexOf(a.x + 0.693147182f, a.y);
  const complex64 larger = a.x > b.x ? a : b, smaller = a.x > b.x ? b : a;
  const float2 distance = pair::sum(smaller.x, -larger.x);
  const float length = expScaled(distance.x, isFinite(distance.y) ? distance.y : 0.0f, 0);
  const complex64 turn =
      mg::multiply(complexOf(cos(smaller.y), sin(smaller.y)), complexOf(cos(larger.y), -sin(larger.y)));
  return larger + log1p(complexOf(timesZero(length, turn.x), timesZero(length, turn.y)));
}

}  // namespace elementary

template <>
inline complex64 exp<complex64>(complex64 z) {
  return elementary::exp(z);
}
template <>
inline complex64 expm1<complex64>(complex64 z) {
  return elementary::expm1(z);
}
template <>
inline complex64 log<complex64>(complex64 z) {
  return elementary::log(z);
}
template <>
inline complex64 log2<complex64>(complex64 z) {
  return elementary::log(z) * 1.44269502f;
}
template <>
inline complex64 log10<complex64>(complex64 z) {
  return elementary::log(z) * 0.434294492f;
}
template <>
inline complex64 log1p<complex64>(complex64 z) {
  return elementary::log1p(z);
}
template <>
inline complex64 sqrt<complex64>(complex64 z) {
  return elementary::sqrt(z);
}
template <>
inline complex64 rsqrt<complex64>(complex64 z) {
  return elementary::divide(complexOf(1.0f, 0.0f), elementary::sqrt(z));
}
template <>
inline complex64 sin<complex64>(complex64 z) {
  return elementary::timesMinusI(elementary::sinh(elementary::timesI(z)));
}
template <>
inline complex64 cos<complex64>(complex64 z) {
  return elementary::cosh(elementary::timesI(z));
}
template <>
inline complex64 tan<complex64>(complex64 z) {
  return elementary::timesMinusI(elementary::tanh(elementary::timesI(z)));
}
template <>
inline complex64 sinh<complex64>(complex64 z) {
  return elementary::sinh(z);
}
template <>
inline complex64 cosh<complex64>(complex64 z) {
  return elementary::cosh(z);
}
template <>
inline complex64 tanh<complex64>(complex64 z) {
  return elementary::tanh(z);
}
template <>
inline complex64 arcsin<complex64>(complex64 z) {
  return elementary::arcsin(z);
}
template <>
inline complex64 arccos<complex64>(complex64 z) {
  return elementary::arccos(z);
}
template <>
inline complex64 arctan<complex64>(complex64 z) {
  return elementary::arctan(z);
}
template <>
inline complex64 arcsinh<complex64>(complex64 z) {
  return elementary::arcsinh(z);
}
template <>
inline complex64 arccosh<complex64>(complex64 z) {
  return elementary::arccosh(z);
}
template <>
inline complex64 arctanh<complex64>(complex64 z) {
  return elementary::arctanh(z);
}
template <>
inline complex64 sigmoid<complex64>(complex64 z) {
  return elementary::sigmoid(z);
}
template <>
inline complex64 power<complex64>(complex64 a, complex64 b) {
  return elementary::power(a, b);
}
template <>
inline complex64 logaddexp<complex64>(complex64 a, complex64 b) {
  return elementary::logaddexp(a, b);
}

}  // namespace mg

#endif  // METALGRAD_METAL_COMPLEX_ELEMENTARY_H_
