// Exponentials, logarithms and what is made of them in float32, without float64: within 2 units of the last place,
// power, erf and erfinv within 4. Subnormal numbers may count as 0. The polynomials are those of
// scripts/fit-polynomials.mjs.
#ifndef METALGRAD_METAL_ELEMENTARY_H_
#define METALGRAD_METAL_ELEMENTARY_H_

#include "pair.h"
#include "types.h"

namespace mg {
namespace elementary {

constant constexpr float kLeastNormal = 1.17549435e-38f;

inline float bitsToFloat(uint bits) { return as_type<float>(bits); }
inline float infinity() { return bitsToFloat(0x7f800000); }
inline float notANumber() { return bitsToFloat(0x7fc00000); }
inline float magnitude(float x) { return bitsToFloat(as_type<uint>(x) & 0x7fffffff); }
inline bool isInfinite(float x) { return (as_type<uint>(x) & 0x7fffffff) == 0x7f800000; }
inline bool isFinite(float x) { return (as_type<uint>(x) & 0x7f800000) != 0x7f800000; }
inline bool isNegative(float x) { return as_type<uint>(x) >> 31 != 0; }
/// y, which has no sign of its own, with the sign of x.
inline float withSign(float y, float x) { return bitsToFloat(as_type<uint>(y) | (as_type<uint>(x) & 0x80000000)); }

/// y · 2^n for -252 ≤ n ≤ 254, rounded once.
inline float scale(float y, int n) {
  const int half_ = n >> 1;
  return y * bitsToFloat(uint(half_ + 127) << 23) * bitsToFloat(uint(n - half_ + 127) << 23);
}

// Exponentials: exp(x) = 2^n · exp(r), |r| ≤ ln 2 / 2, ln 2 in two parts (Cody and Waite, "Software Manual for the
// Elementary Functions", 1980).

/// x - n · ln 2; the product with the first part, 355/512, is exact.
inline float withoutLogTwo(float x, float n) { return fma(n, 2.12194440e-4f, fma(n, -0.693359375f, x)); }

/// exp(r) - 1 - r for |r| ≤ 0.3475.
inline float expTail(float r) {
  float p = 0.00138220203f;
  p = fma(p, r, 0.00836885069f);
  p = fma(p, r, 0.0416682549f);
  p = fma(p, r, 0.166665196f);
  p = fma(p, r, 0.49999994f);
  return p * r * r;
}

/// exp(x + rest) · 2^e, for a rest below ulp(x) and -65 ≤ e ≤ 2.
inline float expScaled(float x, float rest, int e) {
  // Beyond these bounds the result is 0 or infinity all the same.
  const float bounded = x < -106.0f ? -106.0f : x > 150.0f ? 150.0f : x;
  const float n = rint(bounded * 1.44269502f);
  const float r = withoutLogTwo(bounded, n) + rest;
  const float result = scale(1.0f + (r + expTail(r)), int(n) + e);
  return x == x ? result : x;
}

inline float exp(float x) { return expScaled(x, 0.0f, 0); }

inline float expm1(float x) {
  const float bounded = x < -20.0f ? -20.0f : x > 91.0f ? 91.0f : x;
  const float n = rint(bounded * 1.44269502f);
  const float r = withoutLogTwo(bounded, n);
  const int e = int(n);
  // 2^n · (1 - 2^-n + expm1(r)); the first two terms are one number, exact where it matters.
  const float shift = 1.0f - bitsToFloat(uint(127 - (e > 100 ? 100 : e)) << 23);
  const float far = scale((shift + r) + expTail(r), e);
  const float near = withSign(magnitude(r + expTail(r)), x);
  return x != x ? x : e == 0 ? near : far;
}

// Logarithms: x = 2^k · (1 + f) with 1 + f from √½ to √2.

struct Split {
  float k, f;
};
/// For normal positive x.
inline Split split(float x) {
  const uint bits = as_type<uint>(x) - 0x3f3504f3;
  Split parts;
  parts.k = float(int(bits) >> 23);
  parts.f = bitsToFloat((bits & 0x007fffff) + 0x3f3504f3) - 1.0f;
  return parts;
}

/// log(1 + f) - f for √½ ≤ 1 + f ≤ √2.
inline float logTail(float f) {
  float p = 0.0674948469f;
  p = fma(p, f, -0.116701581f);
  p = fma(p, f, 0.118834756f);
  p = fma(p, f, -0.124062106f);
  p = fma(p, f, 0.142203629f);
  p = fma(p, f, -0.166679904f);
  p = fma(p, f, 0.200020716f);
  p = fma(p, f, -0.250000089f);
  p = fma(p, f, 0.333333135f);
  return f * f * fma(f, p, -0.5f);
}

/// k · ln 2 + log(1 + f) + rest.
inline float logOfParts(float k, float f, float rest) {
  return fma(k, 0.693359375f, f + (fma(k, -2.12194440e-4f, rest) + logTail(f)));
}
/// log(2^e · (x + rest)) for a normal positive x and a rest below ulp(x).
inline float logScaled(float x, float rest, float e) {
  const Split parts = split(x);
  return logOfParts(parts.k + e, parts.f, rest / x);
}
/// What the logarithms give for all but normal positive numbers.
inline bool isLogSpecial(float x) { return !(x >= kLeastNormal && x < infinity()); }
inline float logSpecial(float x) { return x <= -kLeastNormal ? notANumber() : x < kLeastNormal ? -infinity() : x; }

inline float log(float x) {
  if (isLogSpecial(x)) return logSpecial(x);
  const Split parts = split(x);
  return logOfParts(parts.k, parts.f, 0.0f);
}
inline float log2(float x) {
  if (isLogSpecial(x)) return logSpecial(x);
  const Split parts = split(x);
  const float rest = fma(parts.f, 1.92596303e-8f, logTail(parts.f) * 1.44269502f);
  return parts.k + fma(parts.f, 1.44269502f, rest);
}
inline float log10(float x) {
  if (isLogSpecial(x)) return logSpecial(x);
  const Split parts = split(x);
  // log10(2) in two parts; the product with the first, 77/256, is exact.
  const float rest = fma(logTail(parts.f), 0.434294492f, fma(parts.f, -1.010305e-8f, parts.k * 2.48745664e-4f));
  return fma(parts.k, 0.30078125f, fma(parts.f, 0.434294492f, rest));
}

/// log(1 + x + rest) for x > -1 and a rest below ulp(x).
inline float log1pOfPair(float x, float rest) {
  if (x > -0.29289f && x < 0.41421f) return x + (logTail(x) + rest / (1.0f + x));
  const float2 u = pair::sum(1.0f, x);
  return logScaled(u.x, u.y + rest, 0.0f);
}
inline float log1p(float x) {
  if (magnitude(x) < 1e-8f || x == infinity()) return x;
  if (!(x > -1.0f)) return x == -1.0f ? -infinity() : notANumber();
  return log1pOfPair(x, 0.0f);
}

// Hyperbolic functions and the logistic one.

inline float sinh(float x) {
  const float a = magnitude(x);
  if (a < 1.0f) {
    const float t = a * a;
    float p = 2.78221319e-6f;
    p = fma(p, t, 1.98428956e-4f);
    p = fma(p, t, 0.00833331048f);
    p = fma(p, t, 0.166666672f);
    return withSign(fma(a * t, p, a), x);
  }
  const float half_ = expScaled(a, 0.0f, -1);
  const float y = half_ - 0.25f / half_;
  return x == x ? withSign(y, x) : x;
}
inline float cosh(float x) {
  const float half_ = expScaled(magnitude(x), 0.0f, -1);
  return half_ + 0.25f / half_;
}
inline float tanh(float x) {
  const float a = magnitude(x);
  if (a < 0.625f) {
    const float t = a * a;
    float p = -0.00558761135f;
    p = fma(p, t, 0.0205353498f);
    p = fma(p, t, -0.0537084304f);
    p = fma(p, t, 0.13331075f);
    p = fma(p, t, -0.333332688f);
    return withSign(fma(a * t, p, a), x);
  }
  const float y = 1.0f - 2.0f / (exp(2.0f * a) + 1.0f);
  return x == x ? withSign(y, x) : x;
}
/// From e = exp(-|x|), so that nothing overflows and small results keep their digits: e / (1 + e) or 1 / (1 + e). What
/// rounding takes from e, from 1 + e and from the quotient is given back.
inline float sigmoid(float x) {
  const float y = -magnitude(x);
  const float n = rint((y < -106.0f ? -106.0f : y) * 1.44269502f);
  const float r = withoutLogTwo(y < -106.0f ? -106.0f : y, n);
  const float2 parts = pair::quickSum(1.0f, r + expTail(r));
  const float e = scale(parts.x, int(n));
  const float2 denominator = pair::quickSum(1.0f, e);
  const float2 numerator = x < 0.0f ? pair::of(e, scale(parts.y, int(n))) : pair::of(1.0f, 0.0f);
  const float inverse = 1.0f / denominator.x;
  const float q = numerator.x * inverse;
  const float rest = fma(-q, denominator.x, numerator.x) + fma(-q, denominator.y, numerator.y);
  return x == x ? fma(rest, inverse, q) : x;
}

// Their inverses. Beyond 1e6 the 1 in x² ± 1 is nothing.

inline float arcsinh(float x) {
  const float a = magnitude(x);
  if (a < 0.5f) {
    const float t = a * a;
    float p = -0.0132283997f;
    p = fma(p, t, 0.0281634964f);
    p = fma(p, t, -0.0443833172f);
    p = fma(p, t, 0.0749864206f);
    p = fma(p, t, -0.166666433f);
    return withSign(fma(a * t, p, a), x);
  }
  if (!isFinite(x)) return x;
  if (a > 1e6f) return withSign(logScaled(a, 0.0f, 1.0f), x);
  const float2 root = pair::sqrt(pair::add(pair::product(a, a), 1.0f));
  const float2 u = pair::add(root, a);
  return withSign(logScaled(u.x, u.y, 0.0f), x);
}
inline float arccosh(float x) {
  if (!(x > 1.0f)) return x == 1.0f ? 0.0f : notANumber();
  if (x == infinity()) return x;
  if (x > 1e6f) return logScaled(x, 0.0f, 1.0f);
  if (x >= 2.0f) {
    const float2 u = pair::add(pair::sqrt(pair::add(pair::product(x, x), -1.0f)), x);
    return logScaled(u.x, u.y, 0.0f);
  }
  // log1p(t + √(t · (t + 2))), t = x - 1.
  const float t = x - 1.0f;
  const float2 u = pair::add(pair::sqrt(pair::multiply(pair::sum(x, 1.0f), t)), t);
  return log1pOfPair(u.x, u.y);
}
inline float arctanh(float x) {
  const float a = magnitude(x);
  if (a <= 0.5f) {
    const float t = a * a;
    float p = 0.176378474f;
    p = fma(p, t, 0.0516043678f);
    p = fma(p, t, 0.118163861f);
    p = fma(p, t, 0.142237857f);
    p = fma(p, t, 0.20002453f);
    p = fma(p, t, 0.333333015f);
    return withSign(fma(a * t, p, a), x);
  }
  if (!(a < 1.0f)) return a == 1.0f ? withSign(infinity(), x) : notANumber();
  const float2 u = pair::divide(pair::sum(1.0f, a), pair::of(1.0f - a, 0.0f));
  return withSign(0.5f * logScaled(u.x, u.y, 0.0f), x);
}

// The error function and its inverse.

inline float erf(float x) {
  const float a = magnitude(x);
  if (a < 0.921875f) {
    const float t = a * a;
    float p = 7.99664922e-5f;
    p = fma(p, t, -8.04976968e-4f);
    p = fma(p, t, 0.00519240508f);
    p = fma(p, t, -0.0268557314f);
    p = fma(p, t, 0.112836257f);
    p = fma(p, t, -0.376126289f);
    p = fma(p, t, 0.128379166f);
    return withSign(fma(a, p, a), x);
  }
  // 1 - erfc, which is nothing beyond 4.
  const float b = a < 4.0f ? a : 4.0f;
  float p = 2.22345079e-6f;
  p = fma(p, b, -3.55561024e-5f);
  p = fma(p, b, 2.25701267e-4f);
  p = fma(p, b, -5.41818794e-4f);
  p = fma(p, b, -0.00174430816f);
  p = fma(p, b, 0.021186443f);
  p = fma(p, b, -0.10412164f);
  p = fma(p, b, -0.636114836f);
  p = fma(p, b, -1.12846172f);
  return x == x ? withSign(1.0f - exp(p * b), x) : x;
}

/// In terms of w = -log(1 - x²) (M. Giles, "Approximating the erfinv function", 2010).
inline float erfinv(float x) {
  const float a = magnitude(x);
  if (!(a < 1.0f)) return a == 1.0f ? withSign(infinity(), x) : notANumber();
  const float w = -log((1.0f - a) * (1.0f + a));
  float p;
  if (w < 5.0f) {
    const float t = w - 2.5f;
    p = -1.86012694e-9f;
    p = fma(p, t, -8.14614332e-9f);
    p = fma(p, t, 5.44973879e-8f);
    p = fma(p, t, 4.59239317e-7f);
    p = fma(p, t, -3.64729749e-6f);
    p = fma(p, t, -4.94248161e-6f);
    p = fma(p, t, 2.18790825e-4f);
    p = fma(p, t, -0.00125275482f);
    p = fma(p, t, -0.00417776592f);
    p = fma(p, t, 0.24664028f);
    p = fma(p, t, 1.50140941f);
  } else {
    const float t = metal::precise::sqrt(w) - 3.0f;
    p = -4.07014377e-5f;
    p = fma(p, t, 1.61109157e-4f);
    p = fma(p, t, -2.48347962e-4f);
    p = fma(p, t, -1.23235295e-4f);
    p = fma(p, t, 0.00145074585f);
    p = fma(p, t, -0.00356476894f);
    p = fma(p, t, 0.00569573883f);
    p = fma(p, t, -0.00764319953f);
    p = fma(p, t, 0.00944438484f);
    p = fma(p, t, 1.00167525f);
    p = fma(p, t, 2.83297682f);
  }
  return p * x;
}

// Functions that need more digits on the way than float32 has.

/// log(x + rest) as a pair, to about 2^-36 of it, for normal positive x and a rest below ulp(x): from
/// log((1 + s) / (1 - s)) = 2s · (1 + s² · (1/3 + …)).
inline float2 logPair(float x, float rest) {
  const Split parts = split(x);
  const float2 f = pair::quickSum(parts.f, (parts.f + 1.0f) * (rest / x));
  const float2 s = pair::divide(f, pair::add(f, 2.0f));
  const float2 z = pair::multiply(s, s);
  float p = 0.097784929f;
  p = fma(p, z.x, 0.110898599f);
  p = fma(p, z.x, 0.142859861f);
  p = fma(p, z.x, 0.199999988f);
  const float2 third = pair::of(0.333333343f, -9.93410776e-9f);
  const float2 tail = pair::multiply(pair::multiply(s, z), pair::add(third, p * z.x));
  const float2 sum = pair::add(s, tail);
  // ln 2 in two parts; the product with the first is exact.
  const float2 whole = pair::quickSum(parts.k * 0.693145752f, parts.k * 1.42860682e-6f);
  return pair::add(whole, pair::of(2.0f * sum.x, 2.0f * sum.y));
}

inline float power(float base, float exponent) {
  if (exponent == 2.0f) return base * base;
  if (exponent == 0.0f || base == 1.0f) return 1.0f;
  if (base != base || exponent != exponent) return notANumber();
  const float a = magnitude(base);
  const bool whole = metal::trunc(exponent) == exponent;
  const float half_ = 0.5f * exponent;
  const bool isOdd = whole && magnitude(exponent) < 16777216.0f && metal::trunc(half_) != half_;
  float result;
  if (isInfinite(exponent)) {
    result = a == 1.0f ? 1.0f : (a > 1.0f) == (exponent > 0.0f) ? infinity() : 0.0f;
  } else if (a < kLeastNormal || isInfinite(base)) {
    result = (a < 1.0f) == (exponent > 0.0f) ? 0.0f : infinity();
  } else if (base < 0.0f && !whole) {
    return notANumber();
  } else {
    const float2 l = logPair(a, 0.0f);
    const float2 y = pair::product(l.x, exponent);
    // A product that overflows has no rest.
    result = expScaled(y.x, magnitude(y.x) < 110.0f ? fma(l.y, exponent, y.y) : 0.0f, 0);
  }
  return isOdd && isNegative(base) ? -result : result;
}

/// exp(x) as a pair, to about 2^-40 of it, for -30 ≤ x ≤ 0: the 16th power of exp(x / 16).
inline float2 expPair(float2 x) {
  const float n = rint(x.x * 1.44269502f);
  // ln 2 in three parts, the first two short.
  float2 r = pair::add(pair::of(fma(n, -0.693145752f, x.x), x.y), pair::product(n, -1.42860682e-6f));
  r = pair::of(r.x * 0.0625f, r.y * 0.0625f);
  const float2 square = pair::multiply(r, r);
  const float tail = square.x * r.x * fma(r.x, fma(r.x, 0.00833333377f, 0.0416666679f), 0.166666672f);
  float2 e = pair::add(r, pair::of(0.5f * square.x, fma(0.5f, square.y, tail)));
  // (1 + e)² - 1 = 2e + e².
  for (int i = 0; i < 4; i++) e = pair::add(pair::of(2.0f * e.x, 2.0f * e.y), pair::multiply(e, e));
  e = pair::add(e, 1.0f);
  const float factor = bitsToFloat(uint(int(n) + 127) << 23);
  return pair::of(e.x * factor, e.y * factor);
}

/// log(exp(a) + exp(b)) = a + log1p(exp(b - a)) for a ≥ b. The sum may cancel, so its terms have more digits.
inline float logaddexp(float a, float b) {
  const float larger = a > b ? a : b, smaller = a > b ? b : a;
  if (a != a || b != b) return notANumber();
  if (isInfinite(larger)) return larger;
  if (larger - smaller > 30.0f) return larger + exp(smaller - larger);
  const float2 u = pair::add(expPair(pair::sum(smaller, -larger)), 1.0f);
  const float2 result = pair::add(logPair(u.x, u.y), larger);
  return result.x;
}

// Division with floor, as Python has it.

/// The rest of a / b rounded to zero, exact; has the sign of a.
inline float truncatedRemainder(float a, float b) {
  const float x = magnitude(a), y = magnitude(b);
  if (!isFinite(a) || b != b || y < kLeastNormal) return notANumber();
  if (x < y || isInfinite(b)) return a;
  const float q = metal::trunc(x / y);
  float rest;
  if (q < 4194304.0f) {
    rest = fma(-q, y, x);
    if (rest < 0.0f) rest += y;
  } else {
    // Long division of the 24-bit significands, 8 bits at a time.
    const uint xBits = as_type<uint>(x), yBits = as_type<uint>(y);
    const uint divisor = (yBits & 0x007fffff) | 0x00800000;
    uint r = ((xBits & 0x007fffff) | 0x00800000) % divisor;
    for (int n = int(xBits >> 23) - int(yBits >> 23); n > 0; n -= 8) {
      r = (r << (n < 8 ? n : 8)) % divisor;
    }
    rest = float(r) * 1.1920929e-7f * bitsToFloat(yBits & 0x7f800000);
  }
  return withSign(rest, a);
}
/// Lifts operands so far that rests of small divisors are no subnormal numbers, which would count as 0.
inline bool needsLift(float a, float b) { return magnitude(b) < 1e-18f && magnitude(a) < 1e18f; }
constant constexpr float kLift = 1.84467441e19f, kLower = 5.42101086e-20f;  // 2^64, 2^-64

/// Has the divisor's sign, also where it is zero.
inline float remainder(float a, float b) {
  const bool lift = needsLift(a, b);
  const float x = lift ? a * kLift : a, y = lift ? b * kLift : b;
  const float rest = truncatedRemainder(x, y);
  if (rest == 0.0f) return withSign(0.0f, b);
  const float result = (rest < 0.0f) != (y < 0.0f) ? rest + y : rest;
  return lift ? result * kLower : result;
}
/// The quotient that goes with remainder: exact where a rounded a / b is not. After NumPy's npy_divmod.
inline float floorDivide(float a, float b) {
  if (b == 0.0f) return a / b;
  const bool lift = needsLift(a, b);
  const float x = lift ? a * kLift : a, y = lift ? b * kLift : b;
  const float rest = truncatedRemainder(x, y);
  float quotient = (x - rest) / y;
  if (rest != 0.0f && (rest < 0.0f) != (y < 0.0f)) quotient -= 1.0f;
  if (quotient == 0.0f) return withSign(0.0f, x / y);
  const float down = metal::floor(quotient);
  return quotient - down > 0.5f ? down + 1.0f : down;
}

/// start + step · position as a pair.
inline float2 arange(int64_t position, float2 start, float2 step) {
  const float high = float(position);
  const float low = float(position - int64_t(high));
  const float2 product = pair::product(step.x, high);
  const float2 sum = pair::sum(product.x, start.x);
  if (!isFinite(sum.x)) return pair::of(sum.x, 0.0f);
  const float rest = fma(step.x, low, fma(step.y, high, product.y)) + start.y;
  return pair::quickSum(sum.x, sum.y + rest);
}

}  // namespace elementary
}  // namespace mg

#include "trigonometry.h"

#endif  // METALGRAD_METAL_ELEMENTARY_H_
