// Circular functions and their inverses in float32, without float64: within 2 units of the last place, tan within 4,
// for every number up to the largest.
#ifndef METALGRAD_METAL_TRIGONOMETRY_H_
#define METALGRAD_METAL_TRIGONOMETRY_H_

#include "elementary.h"

namespace mg {
namespace elementary {

/// x = quadrant · π/2 + rest, |rest| ≤ π/4 (or a little more).
struct Angle {
  float rest;
  uint quadrant;  // modulo 4 in its last bits
};

/// Word i of 2/π = 0.A2F9836E…, in base 2^32; word 0 is what stands before the point.
inline uint twoOverPi(uint i) {
  return i == 1   ? 0xa2f9836e
         : i == 2 ? 0x4e441529
         : i == 3 ? 0xfc2757d1
         : i == 4 ? 0xf534ddc0
         : i == 5 ? 0xdb629599
         : i == 6 ? 0x3c439041
         : i == 7 ? 0xfe5163ab
                  : 0;
}

/// For finite x ≥ 64, of any size: multiplies by those bits of 2/π that matter (M. Payne, R. Hanek, "Radian reduction
/// for trigonometric functions", 1983). x = m · 2^e with an integer m; bits of 2/π that stand for multiples of 4 / m
/// are left out, the 96 that follow are taken, and the product's low 96 bits are 2 of the quadrant and 94 of the
/// fraction.
inline Angle reduceLarge(float x) {
  const uint bits = as_type<uint>(x);
  const uint64_t m = (bits & 0x007fffff) | 0x00800000;
  // e - 2 + 32: where the window begins, counted from the start of word 0.
  const uint begin = (bits >> 23) - 150 + 30;
  const uint word = begin >> 5, shift = begin & 31;
  const uint a = twoOverPi(word), b = twoOverPi(word + 1), c = twoOverPi(word + 2), d = twoOverPi(word + 3);
  const uint w0 = shift == 0 ? a : (a << shift) | (b >> (32 - shift));
  const uint w1 = shift == 0 ? b : (b << shift) | (c >> (32 - shift));
  const uint w2 = shift == 0 ? c : (c << shift) | (d >> (32 - shift));
  const uint64_t low = m * w2;
  const uint64_t middle = m * w1 + (low >> 32);
  const uint high = uint(m) * w0 + uint(middle >> 32);

  // In units of 2^-64 of a quadrant, to the nearest one.
  const uint64_t fraction = (uint64_t(high) << 34) | (uint64_t(uint(middle)) << 2) | (uint(low) >> 30);
  const bool up = (fraction >> 63) != 0;
  Angle angle;
  angle.quadrant = (high >> 30) + (up ? 1 : 0);
  uint64_t distance = up ? uint64_t(0) - fraction : fraction;
  const uint zeros = uint(distance >> 32) != 0 ? clz(uint(distance >> 32)) : 32 + clz(uint(distance));
  distance <<= zeros;
  // 48 leading bits as two floats, times π/2 as two floats.
  const float unit = bitsToFloat((127 - 24 - zeros) << 23);
  const float x0 = float(uint(distance >> 40)) * unit;
  const float x1 = float(uint(distance >> 16) & 0xffffff) * unit * 5.96046448e-8f;
  const float rest = fma(x0, 1.57079637f, fma(x0, -4.37113883e-8f, x1 * 1.57079637f));
  angle.rest = up ? -rest : rest;
  return angle;
}

/// For x ≥ 0. Up to 2^15 by subtracting multiples of π/2 in three parts (Cody and Waite).
inline Angle reduce(float x) {
  if (x >= 32768.0f) return reduceLarge(x);
  const float n = rint(x * 0.636619747f);
  Angle angle;
  angle.rest = fma(n, 1.71512451e-15f, fma(n, 4.37113883e-8f, fma(n, -1.57079637f, x)));
  angle.quadrant = uint(int(n));
  return angle;
}

/// For |x| ≤ π/4.
inline float sinOfRest(float x) {
  const float t = x * x;
  float p = -1.95076354e-4f;
  p = fma(p, t, 0.00833210535f);
  p = fma(p, t, -0.166666538f);
  return fma(x * t, p, x);
}
inline float cosOfRest(float x) {
  const float t = x * x;
  float p = 2.44294297e-5f;
  p = fma(p, t, -0.00138872943f);
  p = fma(p, t, 0.0416666456f);
  p = fma(p, t, -0.5f);
  return fma(p, t, 1.0f);
}
inline float flipSign(float y, uint condition) { return bitsToFloat(as_type<uint>(y) ^ (condition << 31)); }

inline float sin(float x) {
  if (!isFinite(x)) return notANumber();
  const Angle angle = reduce(magnitude(x));
  const float y = (angle.quadrant & 1) != 0 ? cosOfRest(angle.rest) : sinOfRest(angle.rest);
  return flipSign(y, (angle.quadrant >> 1 & 1) ^ (as_type<uint>(x) >> 31));
}
inline float cos(float x) {
  if (!isFinite(x)) return notANumber();
  const Angle angle = reduce(magnitude(x));
  const float y = (angle.quadrant & 1) != 0 ? sinOfRest(angle.rest) : cosOfRest(angle.rest);
  return flipSign(y, (angle.quadrant + 1) >> 1 & 1);
}
inline float tan(float x) {
  if (!isFinite(x)) return notANumber();
  const Angle angle = reduce(magnitude(x));
  const float s = sinOfRest(angle.rest), c = cosOfRest(angle.rest);
  const bool isOdd = (angle.quadrant & 1) != 0;
  return flipSign(isOdd ? -c / s : s / c, as_type<uint>(x) >> 31);
}

// Inverses. π/2 and π in two parts, of which the larger is added last.

/// arcsin(x) - x for 0 ≤ x ≤ 1/2, given x².
inline float arcsinTail(float x, float t) {
  float p = 0.0421581678f;
  p = fma(p, t, 0.0241848268f);
  p = fma(p, t, 0.0454691462f);
  p = fma(p, t, 0.0749530941f);
  p = fma(p, t, 0.166667521f);
  return x * t * p;
}
inline float arcsin(float x) {
  const float a = magnitude(x);
  if (a <= 0.5f) return withSign(a + arcsinTail(a, a * a), x);
  if (!(a <= 1.0f)) return notANumber();
  // π/2 - 2 · arcsin(√((1 - a) / 2))
  const float t = 0.5f - 0.5f * a;
  const float root = metal::precise::sqrt(t);
  const float tail = fma(2.0f, arcsinTail(root, t), 4.37113883e-8f);
  const float2 rest = pair::quickSum(1.57079637f, -2.0f * root);
  return withSign(rest.x + (rest.y - tail), x);
}
inline float arccos(float x) {
  const float a = magnitude(x);
  if (a <= 0.5f) return 1.57079637f - (x + (withSign(arcsinTail(a, a * a), x) + 4.37113883e-8f));
  if (!(a <= 1.0f)) return notANumber();
  // 2 · arcsin(√((1 - a) / 2)), or what it lacks to π.
  const float t = 0.5f - 0.5f * a;
  const float root = metal::precise::sqrt(t);
  const float tail = arcsinTail(root, t);
  if (x > 0.0f) return 2.0f * (root + tail);
  return 3.14159274f - 2.0f * (root + (tail + 4.37113883e-8f));
}

/// For 0 ≤ x ≤ 1.
inline float arctanOfUnit(float x) {
  const float t = x * x;
  float p = -0.00178792386f;
  p = fma(p, t, 0.0108889109f);
  p = fma(p, t, -0.0311295614f);
  p = fma(p, t, 0.0579086915f);
  p = fma(p, t, -0.0840056986f);
  p = fma(p, t, 0.109511949f);
  p = fma(p, t, -0.142640531f);
  p = fma(p, t, 0.19998531f);
  p = fma(p, t, -0.333332986f);
  return fma(x * t, p, x);
}
inline float arctan(float x) {
  const float a = magnitude(x);
  const float y = arctanOfUnit(a > 1.0f ? 1.0f / a : a);
  const float result = a > 1.0f ? 1.57079637f - (y + 4.37113883e-8f) : y;
  return x == x ? withSign(result, x) : x;
}
inline float arctan2(float y, float x) {
  if (x != x || y != y) return notANumber();
  const float a = magnitude(y), b = magnitude(x);
  const float larger = a > b ? a : b, smaller = a > b ? b : a;
  const float slope = larger == 0.0f ? 0.0f : smaller == larger ? 1.0f : smaller / larger;
  float angle = arctanOfUnit(slope);
  if (a > b) angle = 1.57079637f - (angle + 4.37113883e-8f);
  if (isNegative(x)) angle = 3.14159274f - (angle + 8.74227766e-8f);
  return withSign(angle, y);
}

}  // namespace elementary
}  // namespace mg

#endif  // METALGRAD_METAL_TRIGONOMETRY_H_
