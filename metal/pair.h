// Numbers of about 48 bits as sums of two float32: x the number rounded, y the rest (Dekker, "A floating-point
// technique for extending the available precision", 1971).
#ifndef METALGRAD_METAL_PAIR_H_
#define METALGRAD_METAL_PAIR_H_

#include "types.h"

namespace mg {

/// A float2 as complex64 is one, but never passed for one: only functions in this namespace take pairs.
namespace pair {

inline float2 of(float x, float y) {
  float2 a;
  a.x = x;
  a.y = y;
  return a;
}
/// a + b exactly (Knuth).
inline float2 sum(float a, float b) {
  const float s = a + b;
  const float part = s - a;
  return of(s, (a - (s - part)) + (b - part));
}
/// a + b exactly, for |a| ≥ |b| or a = 0.
inline float2 quickSum(float a, float b) {
  const float s = a + b;
  return of(s, b - (s - a));
}
/// a · b exactly.
inline float2 product(float a, float b) {
  const float p = a * b;
  return of(p, fma(a, b, -p));
}

inline float2 add(float2 a, float b) {
  const float2 s = sum(a.x, b);
  return quickSum(s.x, s.y + a.y);
}
inline float2 add(float2 a, float2 b) {
  const float2 s = sum(a.x, b.x);
  return quickSum(s.x, s.y + (a.y + b.y));
}
inline float2 multiply(float2 a, float b) {
  const float2 p = product(a.x, b);
  return quickSum(p.x, fma(a.y, b, p.y));
}
inline float2 multiply(float2 a, float2 b) {
  const float2 p = product(a.x, b.x);
  return quickSum(p.x, fma(a.x, b.y, fma(a.y, b.x, p.y)));
}
/// a / b.
inline float2 divide(float2 a, float2 b) {
  const float q = a.x / b.x;
  const float rest = fma(-q, b.y, fma(-q, b.x, a.x) + a.y);
  return quickSum(q, rest / b.x);
}
/// √a for a > 0.
inline float2 sqrt(float2 a) {
  const float root = metal::precise::sqrt(a.x);
  return quickSum(root, (fma(-root, root, a.x) + a.y) / (2.0f * root));
}

}  // namespace pair
}  // namespace mg

#endif  // METALGRAD_METAL_PAIR_H_
