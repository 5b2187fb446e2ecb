// Every elementwise operation of programs on single elements, one function template an operation, with the CPU device's
// semantics. 16-bit floats are computed in float32 and rounded once.
// complex.h adds complex64.
#ifndef METALGRAD_METAL_SCALARS_H_
#define METALGRAD_METAL_SCALARS_H_

#include "cast.h"
#include "elementary.h"
#include "types.h"

namespace mg {

// Arithmetic. Integers wrap.

template <typename T>
inline T add(T a, T b) {
  using W = typename Wide<T>::type;
  return T(W(a) + W(b));
}
template <typename T>
inline T subtract(T a, T b) {
  using W = typename Wide<T>::type;
  return T(W(a) - W(b));
}
template <typename T>
inline T multiply(T a, T b) {
  using W = typename Wide<T>::type;
  return T(W(a) * W(b));
}

inline uint fusedMultiplyAdd(uint a, uint b, uint c) { return a * b + c; }
inline uint64_t fusedMultiplyAdd(uint64_t a, uint64_t b, uint64_t c) { return a * b + c; }
inline float fusedMultiplyAdd(float a, float b, float c) { return fma(a, b, c); }
/// a · b + c, rounded once.
template <typename T>
inline T multiplyAdd(T a, T b, T c) {
  using W = typename Wide<T>::type;
  return T(fusedMultiplyAdd(W(a), W(b), W(c)));
}

template <typename T>
inline T negative(T a) {
  using W = typename Wide<T>::type;
  return T(W(0) - W(a));
}
template <>
inline float negative<float>(float a) {
  return -a;
}
template <>
inline half negative<half>(half a) {
  return as_type<half>(ushort(as_type<ushort>(a) ^ 0x8000));
}
template <>
inline bfloat negative<bfloat>(bfloat a) {
  return as_type<bfloat>(ushort(as_type<ushort>(a) ^ 0x8000));
}

template <typename T>
inline typename Real<T>::type abs(T a) {
  return a < T(0) ? negative(a) : a;
}
template <>
inline float abs<float>(float a) {
  return as_type<float>(as_type<uint>(a) & 0x7fffffff);
}
template <>
inline half abs<half>(half a) {
  return as_type<half>(ushort(as_type<ushort>(a) & 0x7fff));
}
template <>
inline bfloat abs<bfloat>(bfloat a) {
  return as_type<bfloat>(ushort(as_type<ushort>(a) & 0x7fff));
}

/// -1, 0 or 1; NaN of NaN.
template <typename T>
inline T sign(T a) {
  const auto x = widen(a);
  return x > 0 ? T(1) : x < 0 ? T(-1) : x == 0 ? T(0) : a;
}
template <typename T>
inline T square(T a) {
  return multiply(a, a);
}
template <typename T>
inline T reciprocal(T a) {
  return T(1.0f / float(a));
}

// Division. Integers give 0 for a divisor of 0.

/// Integers: the quotient rounded to zero.
template <typename T>
inline T divide(T a, T b) {
  if (b == T(0)) return T(0);
  if (T(~T(0)) < T(0) && b == T(~T(0))) return negative(a);
  return T(a / b);
}
template <>
inline float divide<float>(float a, float b) {
  return a / b;
}
template <>
inline half divide<half>(half a, half b) {
  return half(float(a) / float(b));
}
template <>
inline bfloat divide<bfloat>(bfloat a, bfloat b) {
  return bfloat(float(a) / float(b));
}

/// Integers: the quotient rounded to minus infinity.
template <typename T>
inline T floorDivide(T a, T b) {
  const T quotient = divide(a, b);
  const T rest = subtract(a, multiply(quotient, b));
  const bool down = b != T(0) && rest != T(0) && (rest < T(0)) != (b < T(0));
  return down ? subtract(quotient, T(1)) : quotient;
}
template <>
inline float floorDivide<float>(float a, float b) {
  return elementary::floorDivide(a, b);
}
template <>
inline half floorDivide<half>(half a, half b) {
  return half(elementary::floorDivide(float(a), float(b)));
}
template <>
inline bfloat floorDivide<bfloat>(bfloat a, bfloat b) {
  return bfloat(elementary::floorDivide(float(a), float(b)));
}

/// What floorDivide leaves: has the divisor's sign.
template <typename T>
inline T remainder(T a, T b) {
  if (b == T(0)) return T(0);
  const T rest = subtract(a, multiply(divide(a, b), b));
  return rest != T(0) && (rest < T(0)) != (b < T(0)) ? add(rest, b) : rest;
}
template <>
inline float remainder<float>(float a, float b) {
  return elementary::remainder(a, b);
}
template <>
inline half remainder<half>(half a, half b) {
  return half(elementary::remainder(float(a), float(b)));
}
template <>
inline bfloat remainder<bfloat>(bfloat a, bfloat b) {
  return bfloat(elementary::remainder(float(a), float(b)));
}

/// Integers: wraps; a negative exponent gives 0 but for the bases 1 and -1.
template <typename T>
inline T power(T base, T exponent) {
  if (exponent < T(0)) {
    if (base == T(1)) return base;
    if (base == T(~T(0))) return (exponent & T(1)) != T(0) ? base : T(1);
    return T(0);
  }
  using W = typename Wide<T>::type;
  W result = 1, factor = W(base);
  for (T e = exponent; e != T(0); e = T(e >> 1)) {
    if ((e & T(1)) != T(0)) result *= factor;
    factor *= factor;
  }
  return T(result);
}
template <>
inline float power<float>(float a, float b) {
  return elementary::power(a, b);
}
template <>
inline half power<half>(half a, half b) {
  return half(elementary::power(float(a), float(b)));
}
template <>
inline bfloat power<bfloat>(bfloat a, bfloat b) {
  return bfloat(elementary::power(float(a), float(b)));
}

// Order. NaN is in no order with anything, and the result of maximum and minimum.

template <typename T>
inline bool equal(T a, T b) {
  return widen(a) == widen(b);
}
template <typename T>
inline bool notEqual(T a, T b) {
  return widen(a) != widen(b);
}
template <typename T>
inline bool less(T a, T b) {
  return widen(a) < widen(b);
}
template <typename T>
inline bool lessEqual(T a, T b) {
  return widen(a) <= widen(b);
}
template <typename T>
inline bool greater(T a, T b) {
  return widen(b) < widen(a);
}
template <typename T>
inline bool greaterEqual(T a, T b) {
  return widen(b) <= widen(a);
}
template <typename T>
inline T maximum(T a, T b) {
  const auto x = widen(a);
  return x > widen(b) || x != x ? a : b;
}
template <typename T>
inline T minimum(T a, T b) {
  const auto x = widen(a);
  return x < widen(b) || x != x ? a : b;
}
template <typename T>
inline T select(bool condition, T a, T b) {
  return condition ? a : b;
}

// Bits. Those that leave in a shift are lost; a negative distance counts as a large one.

template <typename T>
inline T invert(T a) {
  return T(~a);
}
template <typename T>
inline T and_(T a, T b) {
  return T(a & b);
}
template <typename T>
inline T or_(T a, T b) {
  return T(a | b);
}
template <typename T>
inline T xor_(T a, T b) {
  return T(a ^ b);
}
template <typename T>
inline T leftShift(T a, T b) {
  using W = typename Wide<T>::type;
  const T bits = T(sizeof(T) * 8);
  return b >= T(0) && b < bits ? T(W(a) << uint(b)) : T(0);
}
template <typename T>
inline T rightShift(T a, T b) {
  const T bits = T(sizeof(T) * 8);
  if (b >= T(0) && b < bits) return T(a >> uint(b));
  return a < T(0) ? T(~T(0)) : T(0);
}

// bool: add is or, multiply is and, subtract is exclusive or; the order is false, true.

template <>
inline bool add<bool>(bool a, bool b) {
  return a || b;
}
template <>
inline bool subtract<bool>(bool a, bool b) {
  return a != b;
}
template <>
inline bool multiply<bool>(bool a, bool b) {
  return a && b;
}
template <>
inline bool multiplyAdd<bool>(bool a, bool b, bool c) {
  return (a && b) || c;
}
template <>
inline bool negative<bool>(bool a) {
  return a;
}
template <>
inline bool abs<bool>(bool a) {
  return a;
}
template <>
inline bool sign<bool>(bool a) {
  return a;
}
template <>
inline bool divide<bool>(bool a, bool b) {
  return a && b;
}
template <>
inline bool floorDivide<bool>(bool a, bool b) {
  return a && b;
}
template <>
inline bool remainder<bool>(bool, bool) {
  return false;
}
template <>
inline bool power<bool>(bool a, bool b) {
  return a || !b;
}
template <>
inline bool invert<bool>(bool a) {
  return !a;
}
template <>
inline bool leftShift<bool>(bool a, bool b) {
  return a && !b;
}
template <>
inline bool rightShift<bool>(bool a, bool b) {
  return a && !b;
}

// Rounding to integers. Integers, and bool, are their own.

inline float roundDown(float x) { return metal::floor(x); }
template <typename T>
inline T roundDown(T x) {
  return x;
}
inline float roundUp(float x) { return metal::ceil(x); }
template <typename T>
inline T roundUp(T x) {
  return x;
}
inline float roundToEven(float x) { return metal::rint(x); }
template <typename T>
inline T roundToEven(T x) {
  return x;
}
inline float roundToZero(float x) { return metal::trunc(x); }
template <typename T>
inline T roundToZero(T x) {
  return x;
}
template <typename T>
inline T floor(T x) {
  return T(roundDown(widen(x)));
}
template <typename T>
inline T ceil(T x) {
  return T(roundUp(widen(x)));
}
/// Ties to even.
template <typename T>
inline T round(T x) {
  return T(roundToEven(widen(x)));
}
template <typename T>
inline T trunc(T x) {
  return T(roundToZero(widen(x)));
}

// Elementary functions of floats.

template <typename T>
inline T exp(T x) {
  return T(elementary::exp(float(x)));
}
template <typename T>
inline T expm1(T x) {
  return T(elementary::expm1(float(x)));
}
template <typename T>
inline T log(T x) {
  return T(elementary::log(float(x)));
}
template <typename T>
inline T log2(T x) {
  return T(elementary::log2(float(x)));
}
template <typename T>
inline T log10(T x) {
  return T(elementary::log10(float(x)));
}
template <typename T>
inline T log1p(T x) {
  return T(elementary::log1p(float(x)));
}
template <typename T>
inline T sqrt(T x) {
  return T(metal::precise::sqrt(float(x)));
}
template <typename T>
inline T rsqrt(T x) {
  return T(1.0f / metal::precise::sqrt(float(x)));
}
template <typename T>
inline T sin(T x) {
  return T(elementary::sin(float(x)));
}
template <typename T>
inline T cos(T x) {
  return T(elementary::cos(float(x)));
}
template <typename T>
inline T tan(T x) {
  return T(elementary::tan(float(x)));
}
template <typename T>
inline T sinh(T x) {
  return T(elementary::sinh(float(x)));
}
template <typename T>
inline T cosh(T x) {
  return T(elementary::cosh(float(x)));
}
template <typename T>
inline T tanh(T x) {
  return T(elementary::tanh(float(x)));
}
template <typename T>
inline T arcsin(T x) {
  return T(elementary::arcsin(float(x)));
}
template <typename T>
inline T arccos(T x) {
  return T(elementary::arccos(float(x)));
}
template <typename T>
inline T arctan(T x) {
  return T(elementary::arctan(float(x)));
}
template <typename T>
inline T arcsinh(T x) {
  return T(elementary::arcsinh(float(x)));
}
template <typename T>
inline T arccosh(T x) {
  return T(elementary::arccosh(float(x)));
}
template <typename T>
inline T arctanh(T x) {
  return T(elementary::arctanh(float(x)));
}
template <typename T>
inline T erf(T x) {
  return T(elementary::erf(float(x)));
}
template <typename T>
inline T erfinv(T x) {
  return T(elementary::erfinv(float(x)));
}
template <typename T>
inline T sigmoid(T x) {
  return T(elementary::sigmoid(float(x)));
}
template <typename T>
inline T arctan2(T y, T x) {
  return T(elementary::arctan2(float(y), float(x)));
}
template <typename T>
inline T logaddexp(T a, T b) {
  return T(elementary::logaddexp(float(a), float(b)));
}

// Numbers along an axis: start + step · position. What the host gives for start and step is a wrapping 64-bit integer
// for integers; for floats the number as a sum of two float32, the larger first; for complex64 the number itself.

template <typename T>
struct ArangeArgument {
  using type = int64_t;
};
template <>
struct ArangeArgument<half> {
  using type = float2;
};
template <>
struct ArangeArgument<bfloat> {
  using type = float2;
};
template <>
struct ArangeArgument<float> {
  using type = float2;
};
template <>
struct ArangeArgument<complex64> {
  using type = float2;
};
template <typename T>
inline T arange(int64_t position, typename ArangeArgument<T>::type start, typename ArangeArgument<T>::type step) {
  return T(uint64_t(start) + uint64_t(step) * uint64_t(position));
}
template <>
inline float arange<float>(int64_t position, float2 start, float2 step) {
  return elementary::arange(position, start, step).x;
}
template <>
inline half arange<half>(int64_t position, float2 start, float2 step) {
  const float2 sum = elementary::arange(position, start, step);
  return half(roundToOdd(sum.x, sum.y));
}
template <>
inline bfloat arange<bfloat>(int64_t position, float2 start, float2 step) {
  const float2 sum = elementary::arange(position, start, step);
  return bfloat(roundToOdd(sum.x, sum.y));
}

}  // namespace mg

#endif  // METALGRAD_METAL_SCALARS_H_
