// What fused reductions carry from element to element, from thread to thread and from pass to pass: an accumulator a
// reduction and dtype. States travel as 32-bit words, because neither structs nor 64-bit numbers can be shuffled.
#ifndef METALGRAD_METAL_ACCUMULATORS_H_
#define METALGRAD_METAL_ACCUMULATORS_H_

#include "complex.h"
#include "pair.h"
#include "scalars.h"
#include "types.h"

namespace mg {

// States as words.

template <typename S>
struct Words {
  enum { kCount = 1 };
  static void pack(S state, thread uint* words) { words[0] = uint(state); }
  static S unpack(thread const uint* words) { return S(words[0]); }
};
template <>
struct Words<float> {
  enum { kCount = 1 };
  static void pack(float state, thread uint* words) { words[0] = as_type<uint>(state); }
  static float unpack(thread const uint* words) { return as_type<float>(words[0]); }
};
template <>
struct Words<half> {
  enum { kCount = 1 };
  static void pack(half state, thread uint* words) { words[0] = as_type<ushort>(state); }
  static half unpack(thread const uint* words) { return as_type<half>(ushort(words[0])); }
};
template <>
struct Words<bfloat> {
  enum { kCount = 1 };
  static void pack(bfloat state, thread uint* words) { words[0] = as_type<ushort>(state); }
  static bfloat unpack(thread const uint* words) { return as_type<bfloat>(ushort(words[0])); }
};
template <>
struct Words<uint64_t> {
  enum { kCount = 2 };
  static void pack(uint64_t state, thread uint* words) {
    words[0] = uint(state);
    words[1] = uint(state >> 32);
  }
  static uint64_t unpack(thread const uint* words) { return uint64_t(words[0]) | uint64_t(words[1]) << 32; }
};
template <>
struct Words<int64_t> {
  enum { kCount = 2 };
  static void pack(int64_t state, thread uint* words) { Words<uint64_t>::pack(uint64_t(state), words); }
  static int64_t unpack(thread const uint* words) { return int64_t(Words<uint64_t>::unpack(words)); }
};
template <>
struct Words<float2> {
  enum { kCount = 2 };
  static void pack(float2 state, thread uint* words) {
    words[0] = as_type<uint>(state.x);
    words[1] = as_type<uint>(state.y);
  }
  static float2 unpack(thread const uint* words) {
    float2 state;
    state.x = as_type<float>(words[0]);
    state.y = as_type<float>(words[1]);
    return state;
  }
};
template <>
struct Words<float4> {
  enum { kCount = 4 };
  static void pack(float4 state, thread uint* words) {
    Words<float2>::pack(state.xy, words);
    Words<float2>::pack(state.zw, words + 2);
  }
  static float4 unpack(thread const uint* words) {
    float4 state;
    state.xy = Words<float2>::unpack(words);
    state.zw = Words<float2>::unpack(words + 2);
    return state;
  }
};

// Sums and products.

/// Sums of floats are carried as two floats, x + y: together about 48 bits.
inline float2 addFloat(float2 sum, float value) {
  float2 result = pair::sum(sum.x, value);
  result.y += sum.y;
  return result;
}
inline float2 addSums(float2 a, float2 b) {
  float2 result = pair::sum(a.x, b.x);
  result.y += a.y + b.y;
  return result;
}
/// With y less than half a unit of x. What became infinite has no rest.
inline float2 normalized(float2 sum) {
  float2 result = pair::sum(sum.x, sum.y);
  if (!(fabs(sum.x) <= 3.402823466e38f && fabs(result.x) <= 3.402823466e38f)) {
    result.x = fabs(sum.x) <= 3.402823466e38f ? result.x : sum.x;
    result.y = 0.0f;
  }
  return result;
}

/// Integers, which wrap, and bool, where any is true.
template <typename T>
struct SumOf {
  using Value = T;
  using State = T;
  static State identity() { return T(0); }
  static State take(State sum, T value, uint) { return add(sum, value); }
  static State combine(State a, State b) { return add(a, b); }
  static T result(State sum) { return sum; }
};
template <>
struct SumOf<float> {
  using Value = float;
  using State = float2;
  static State identity() { return float2(0.0f); }
  static State take(State sum, float value, uint) { return addFloat(sum, value); }
  static State combine(State a, State b) { return addSums(a, b); }
  static float result(State sum) { return normalized(sum).x; }
};
template <>
struct SumOf<half> {
  using Value = half;
  using State = float2;
  static State identity() { return float2(0.0f); }
  static State take(State sum, half value, uint) { return addFloat(sum, float(value)); }
  static State combine(State a, State b) { return addSums(a, b); }
  static half result(State sum) {
    const float2 exact = normalized(sum);
    return half(roundToOdd(exact.x, exact.y));
  }
};
template <>
struct SumOf<bfloat> {
  using Value = bfloat;
  using State = float2;
  static State identity() { return float2(0.0f); }
  static State take(State sum, bfloat value, uint) { return addFloat(sum, float(value)); }
  static State combine(State a, State b) { return addSums(a, b); }
  static bfloat result(State sum) {
    const float2 exact = normalized(sum);
    return bfloat(roundToOdd(exact.x, exact.y));
  }
};
/// xy the real part, zw the imaginary one.
template <>
struct SumOf<complex64> {
  using Value = complex64;
  using State = float4;
  static State identity() { return float4(0.0f); }
  static State take(State sum, complex64 value, uint) {
    State result;
    result.xy = addFloat(sum.xy, value.x);
    result.zw = addFloat(sum.zw, value.y);
    return result;
  }
  static State combine(State a, State b) {
    State result;
    result.xy = addSums(a.xy, b.xy);
    result.zw = addSums(a.zw, b.zw);
    return result;
  }
  static complex64 result(State sum) {
    complex64 result;
    result.x = normalized(sum.xy).x;
    result.y = normalized(sum.zw).x;
    return result;
  }
};

/// What products of T are carried in: float32 for floats of 16 bits.
template <typename T>
struct Carried {
  using type = T;
};
template <>
struct Carried<half> {
  using type = float;
};
template <>
struct Carried<bfloat> {
  using type = float;
};

template <typename T>
struct ProdOf {
  using Value = T;
  using State = typename Carried<T>::type;
  static State identity() { return State(1); }
  static State take(State product, T value, uint) { return multiply(product, State(value)); }
  static State combine(State a, State b) { return multiply(a, b); }
  static T result(State product) { return T(product); }
};
template <>
struct ProdOf<complex64> {
  using Value = complex64;
  using State = complex64;
  static State identity() {
    State one = complex64(0.0f);
    one.x = 1.0f;
    return one;
  }
  static State take(State product, complex64 value, uint) { return multiply(product, value); }
  static State combine(State a, State b) { return multiply(a, b); }
  static complex64 result(State product) { return product; }
};

// Extremes: a NaN is beyond every number.

struct Above {
  template <typename T>
  static bool holds(T a, T b) {
    return greater(a, b) || (isNaN(a) && !isNaN(b));
  }
};
struct Below {
  template <typename T>
  static bool holds(T a, T b) {
    return less(a, b) || (isNaN(a) && !isNaN(b));
  }
};

/// No value of T is before `Least<Above, T>`, none after `Least<Below, T>`, but NaN.
template <typename Order, typename T>
struct Least {
  static T value() {
    const bool isSigned = T(~T(0)) < T(0);
    const T lowest = isSigned ? T(T(1) << (8 * sizeof(T) - 1)) : T(0);
    return Order::holds(T(1), T(0)) ? lowest : T(~lowest);
  }
};
template <typename Order>
struct Least<Order, bool> {
  static bool value() { return !Order::holds(true, false); }
};
template <typename Order>
struct Least<Order, float> {
  static float value() { return Order::holds(1.0f, 0.0f) ? -INFINITY : INFINITY; }
};
template <typename Order>
struct Least<Order, half> {
  static half value() { return half(Least<Order, float>::value()); }
};
template <typename Order>
struct Least<Order, bfloat> {
  static bfloat value() { return bfloat(Least<Order, float>::value()); }
};
template <typename Order>
struct Least<Order, complex64> {
  static complex64 value() { return complex64(Least<Order, float>::value()); }
};

template <typename Order, typename T>
struct ExtremeOf {
  using Value = T;
  using State = T;
  static State identity() { return Least<Order, T>::value(); }
  static State take(State best, T value, uint) { return Order::holds(best, value) || isNaN(best) ? best : value; }
  static State combine(State a, State b) { return take(a, b, 0); }
  static T result(State best) { return best; }
};
template <typename T>
using MaxOf = ExtremeOf<Above, T>;
template <typename T>
using MinOf = ExtremeOf<Below, T>;

/// An element and its place among those that are reduced.
template <typename T>
struct Placed {
  T value;
  uint position;
};
template <typename T>
struct Words<Placed<T>> {
  enum { kCount = Words<T>::kCount + 1 };
  static void pack(Placed<T> state, thread uint* words) {
    words[0] = state.position;
    Words<T>::pack(state.value, words + 1);
  }
  static Placed<T> unpack(thread const uint* words) {
    Placed<T> state;
    state.position = words[0];
    state.value = Words<T>::unpack(words + 1);
    return state;
  }
};

/// The first position of the extreme. A thread takes its elements in the order of their positions.
template <typename Order, typename T>
struct PositionOf {
  using Value = T;
  using State = Placed<T>;
  /// The position of no element.
  static uint unset() { return ~0u; }
  static State identity() {
    State state;
    state.value = T(0);
    state.position = unset();
    return state;
  }
  static State take(State best, T value, uint position) {
    if (best.position != unset() && !Order::holds(value, best.value)) return best;
    State state;
    state.value = value;
    state.position = position;
    return state;
  }
  static State combine(State a, State b) {
    if (a.position == unset()) return b;
    if (b.position == unset() || Order::holds(a.value, b.value)) return a;
    return Order::holds(b.value, a.value) || b.position < a.position ? b : a;
  }
  static uint result(State best) { return best.position == unset() ? 0 : best.position; }
};
template <typename T>
using ArgmaxOf = PositionOf<Above, T>;
template <typename T>
using ArgminOf = PositionOf<Below, T>;

// Between threads. A is an accumulator.

/// The states of all 32 lanes together, in every lane.
template <typename A>
inline typename A::State combineLanes(typename A::State state) {
  using Packed = Words<typename A::State>;
  for (ushort distance = 16; distance > 0; distance /= 2) {
    uint words[Packed::kCount];
    Packed::pack(state, words);
    for (uint i = 0; i < uint(Packed::kCount); i++) words[i] = simd_shuffle_xor(words[i], distance);
    state = A::combine(state, Packed::unpack(words));
  }
  return state;
}

/// Writes word i at `to[i * stride]`. `P` is a pointer to uint in any address space.
template <typename A, typename P>
inline void saveState(P to, uint stride, typename A::State state) {
  using Packed = Words<typename A::State>;
  uint words[Packed::kCount];
  Packed::pack(state, words);
  for (uint i = 0; i < uint(Packed::kCount); i++) to[i * stride] = words[i];
}
template <typename A, typename P>
inline typename A::State savedState(P from, uint stride) {
  using Packed = Words<typename A::State>;
  uint words[Packed::kCount];
  for (uint i = 0; i < uint(Packed::kCount); i++) words[i] = from[i * stride];
  return Packed::unpack(words);
}

}  // namespace mg

#endif  // METALGRAD_METAL_ACCUMULATORS_H_
