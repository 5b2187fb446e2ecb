// Elements as they lie in memory, the type in which they are computed with, and the arithmetic that kernels over any
// dtype need. Integers are given as unsigned types where only the low bits matter: they wrap.
#pragma once

#include <metal_stdlib>

#include "types.h"

namespace mg {

/// A bool in memory; whatever is not 0 is true.
enum class BoolElement : uchar { no, yes };

template <typename T>
struct Element {
  typedef T Wide;
  static T load(T x) { return x; }
  static T store(T x) { return x; }
};

template <>
struct Element<half> {
  typedef float Wide;
  static float load(half x) { return float(x); }
  static half store(float x) { return half(x); }
};

template <>
struct Element<bfloat> {
  typedef float Wide;
  static float load(bfloat x) { return float(x); }
  static bfloat store(float x) { return bfloat(x); }
};

template <>
struct Element<BoolElement> {
  typedef bool Wide;
  static bool load(BoolElement x) { return x != BoolElement::no; }
  static BoolElement store(bool x) { return x ? BoolElement::yes : BoolElement::no; }
};

template <typename T>
inline T plus(T a, T b) {
  return T(a + b);
}

template <>
inline bool plus<bool>(bool a, bool b) {
  return a || b;
}

template <typename T>
inline T times(T a, T b) {
  return T(a * b);
}

template <>
inline bool times<bool>(bool a, bool b) {
  return a && b;
}

/// As int the product could overflow.
template <>
inline ushort times<ushort>(ushort a, ushort b) {
  return ushort(uint(a) * uint(b));
}

/// Complex.
template <>
inline float2 times<float2>(float2 a, float2 b) {
  float2 product;
  product.x = a.x * b.x - a.y * b.y;
  product.y = a.x * b.y + a.y * b.x;
  return product;
}

template <typename T>
inline bool hasNan(T) {
  return false;
}

template <>
inline bool hasNan<float>(float x) {
  return x != x;
}

template <>
inline bool hasNan<float2>(float2 x) {
  return x.x != x.x || x.y != x.y;
}

template <typename T>
inline bool isLess(T a, T b) {
  return a < b;
}

/// Complex numbers are ordered by their real, then their imaginary parts.
template <>
inline bool isLess<float2>(float2 a, float2 b) {
  return a.x < b.x || (a.x == b.x && a.y < b.y);
}

}  // namespace mg
