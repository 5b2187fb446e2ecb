// What scans carry: a state for each operation and element type, how two of neighbouring stretches become one, and the
// value that a state means. States travel between threads as four words.
#pragma once

#include <metal_stdlib>

#include "elementary.h"
#include "elements.h"
#include "pair.h"
#include "trigonometry.h"

namespace mg {
using namespace metal;

// ---------------------------------------------------------------------------------------------------------------------
// Words.

inline uint4 toWords(uint a, uint b, uint c, uint d) {
  uint4 words;
  words.x = a;
  words.y = b;
  words.z = c;
  words.w = d;
  return words;
}

inline uint2 bitsOf(bool x) { return uint2(x ? 1u : 0u); }
inline uint2 bitsOf(uchar x) { return uint2(uint(x)); }
inline uint2 bitsOf(char x) { return uint2(uint(x)); }
inline uint2 bitsOf(ushort x) { return uint2(uint(x)); }
inline uint2 bitsOf(short x) { return uint2(uint(x)); }
inline uint2 bitsOf(uint x) { return uint2(x); }
inline uint2 bitsOf(int x) { return uint2(uint(x)); }
inline uint2 bitsOf(ulong x) { return as_type<uint2>(x); }
inline uint2 bitsOf(long x) { return as_type<uint2>(x); }
inline uint2 bitsOf(float x) { return uint2(as_type<uint>(x)); }
inline uint2 bitsOf(float2 x) { return as_type<uint2>(x); }

template <typename T>
struct FromBits {
  static T of(uint2 bits) { return T(bits.x); }
};
template <>
struct FromBits<ulong> {
  static ulong of(uint2 bits) { return as_type<ulong>(bits); }
};
template <>
struct FromBits<long> {
  static long of(uint2 bits) { return as_type<long>(bits); }
};
template <>
struct FromBits<float> {
  static float of(uint2 bits) { return as_type<float>(bits.x); }
};
template <>
struct FromBits<float2> {
  static float2 of(uint2 bits) { return as_type<float2>(bits); }
};

// ---------------------------------------------------------------------------------------------------------------------
// Extremes.

/// What every element beats or equals.
template <typename T>
struct Worst {
  static T of(bool max) {
    const bool isSigned = T(-1) < T(1);
    const T largest = isSigned ? T((ulong(1) << (8 * sizeof(T) - 1)) - 1) : T(~ulong(0));
    return max ? (isSigned ? T(-largest - 1) : T(0)) : largest;
  }
};
template <>
struct Worst<bool> {
  static bool of(bool max) { return !max; }
};
template <>
struct Worst<float> {
  static float of(bool max) { return max ? -elementary::infinity() : elementary::infinity(); }
};
template <>
struct Worst<float2> {
  static float2 of(bool max) { return float2(Worst<float>::of(max)); }
};

/// Whether `x` displaces `best`: it is beyond it, or the first NaN.
template <bool kMax, typename T>
inline bool beats(T x, T best) {
  return (kMax ? isLess(best, x) : isLess(x, best)) || (hasNan(x) && !hasNan(best));
}

/// Every scan's operation has these members. The extreme's position is that of the first element that attains it.
template <typename T, bool kMax>
struct ScanExtreme {
  typedef T Stored;
  typedef typename Element<T>::Wide Wide;
  struct State {
    Wide value;
    uint position;
    bool some;
  };
  static State make(Wide value, uint position, bool some) {
    State state;
    state.value = value;
    state.position = position;
    state.some = some;
    return state;
  }
  static State initial() { return make(Worst<Wide>::of(kMax), 0, false); }
  static State of(Wide x, uint index) { return make(x, index, true); }
  static State combine(State a, State b) {
    const bool second = b.some && (!a.some || beats<kMax>(b.value, a.value));
    if (second) return b;
    return a;
  }
  static Wide value(State state) { return state.value; }
  static uint position(State state) { return state.position; }
  static uint4 pack(State state) {
    const uint2 bits = bitsOf(state.value);
    return toWords(bits.x, bits.y, state.position, state.some ? 1 : 0);
  }
  static State unpack(uint4 words) { return make(FromBits<Wide>::of(words.xy), words.z, words.w != 0); }
};

// ---------------------------------------------------------------------------------------------------------------------
// Sums and products of integers and bools.

template <typename T>
struct ScanSum {
  typedef T Stored;
  typedef typename Element<T>::Wide State;
  static State initial() { return State(0); }
  static State of(State x, uint) { return x; }
  static State combine(State a, State b) { return plus(a, b); }
  static State value(State state) { return state; }
  static uint position(State) { return 0; }
  static uint4 pack(State state) {
    const uint2 bits = bitsOf(state);
    return toWords(bits.x, bits.y, 0, 0);
  }
  static State unpack(uint4 words) { return FromBits<State>::of(words.xy); }
};

template <typename T>
struct ScanProduct {
  typedef T Stored;
  typedef typename Element<T>::Wide State;
  static State initial() { return State(1); }
  static State of(State x, uint) { return x; }
  static State combine(State a, State b) { return times(a, b); }
  static State value(State state) { return state; }
  static uint position(State) { return 0; }
  static uint4 pack(State state) {
    const uint2 bits = bitsOf(state);
    return toWords(bits.x, bits.y, 0, 0);
  }
  static State unpack(uint4 words) { return FromBits<State>::of(words.xy); }
};

// ---------------------------------------------------------------------------------------------------------------------
// Sums of floats, with about 48 bits: sums of 10^8 ones need more than float32.

/// a + b, each with its rest.
inline float2 addPairs(float2 a, float2 b) {
  const float sum = a.x + b.x;
  if (!elementary::isFinite(sum)) return float2{sum, 0.0f};
  return pair::add(a, b);
}

template <typename T>
struct ScanFloatSum {
  typedef T Stored;
  typedef float2 State;
  static State initial() { return float2(0.0f); }
  static State of(float x, uint) { return float2{x, 0.0f}; }
  static State combine(State a, State b) { return addPairs(a, b); }
  static float value(State state) { return state.x; }
  static uint position(State) { return 0; }
  static uint4 pack(State state) { return toWords(as_type<uint>(state.x), as_type<uint>(state.y), 0, 0); }
  static State unpack(uint4 words) { return as_type<float2>(words.xy); }
};

struct ScanComplexSum {
  typedef float2 Stored;
  typedef float4 State;  // the real part with its rest, the imaginary one
  static State initial() { return float4(0.0f); }
  static State of(float2 x, uint) {
    State state = float4(0.0f);
    state.x = x.x;
    state.z = x.y;
    return state;
  }
  static State combine(State a, State b) {
    State sum;
    sum.xy = addPairs(a.xy, b.xy);
    sum.zw = addPairs(a.zw, b.zw);
    return sum;
  }
  static float2 value(State state) { return state.xz; }
  static uint position(State) { return 0; }
  static uint4 pack(State state) { return as_type<uint4>(state); }
  static State unpack(uint4 words) { return as_type<float4>(words); }
};

// ---------------------------------------------------------------------------------------------------------------------
// Products of floats. A stretch's product may overflow where the row's does not: the exponent is kept apart.

/// The exponent that brings |x| into [1/2, 1); 0 for zeros, infinities and NaN.
inline int exponentOf(float x) {
  const int exponent = int(as_type<uint>(x) >> 23 & 255);
  return exponent == 0 || exponent == 255 ? 0 : exponent - 126;
}

/// 2^n for -126 ≤ n ≤ 127.
inline float powerOfTwo(int n) { return as_type<float>(uint(n + 127) << 23); }

/// x · 2^n.
inline float scaleBy(float x, int n) {
  const int bounded = n < -300 ? -300 : n > 300 ? 300 : n;
  const int third = bounded / 3;
  return x * powerOfTwo(third) * powerOfTwo(third) * powerOfTwo(bounded - 2 * third);
}

struct ProductState {
  float2 mantissa;  // a number with its rest, or a complex number
  int exponent;
};

inline ProductState productState(float2 mantissa, int exponent) {
  ProductState state;
  state.mantissa = mantissa;
  state.exponent = exponent;
  return state;
}

inline uint4 packProduct(ProductState state) {
  return toWords(as_type<uint>(state.mantissa.x), as_type<uint>(state.mantissa.y), uint(state.exponent), 0);
}

inline ProductState unpackProduct(uint4 words) { return productState(as_type<float2>(words.xy), int(words.z)); }

template <typename T>
struct ScanFloatProduct {
  typedef T Stored;
  typedef ProductState State;
  static State initial() { return productState(float2{0.5f, 0.0f}, 1); }
  static State of(float x, uint) {
    const int exponent = exponentOf(x);
    return productState(float2{scaleBy(x, -exponent), 0.0f}, exponent);
  }
  static State combine(State a, State b) {
    const float product = a.mantissa.x * b.mantissa.x;
    const int exponent = exponentOf(product);
    if (product == 0.0f || !elementary::isFinite(product)) return productState(float2{product, 0.0f}, 0);
    const float2 exact = pair::multiply(a.mantissa, b.mantissa);
    return productState(exact * powerOfTwo(-exponent), a.exponent + b.exponent + exponent);
  }
  static float value(State state) { return scaleBy(state.mantissa.x, state.exponent); }
  static uint position(State) { return 0; }
  static uint4 pack(State state) { return packProduct(state); }
  static State unpack(uint4 words) { return unpackProduct(words); }
};

struct ScanComplexProduct {
  typedef float2 Stored;
  typedef ProductState State;
  static State scaled(float2 x, int exponent) {
    const float larger = max(elementary::magnitude(x.x), elementary::magnitude(x.y));
    const int more = hasNan(x) ? 0 : exponentOf(larger);
    return productState(float2{scaleBy(x.x, -more), scaleBy(x.y, -more)}, exponent + more);
  }
  static State initial() { return productState(float2{0.5f, 0.0f}, 1); }
  static State of(float2 x, uint) { return scaled(x, 0); }
  static State combine(State a, State b) { return scaled(times(a.mantissa, b.mantissa), a.exponent + b.exponent); }
  static float2 value(State state) {
    return float2{scaleBy(state.mantissa.x, state.exponent), scaleBy(state.mantissa.y, state.exponent)};
  }
  static uint position(State) { return 0; }
  static uint4 pack(State state) { return packProduct(state); }
  static State unpack(uint4 words) { return unpackProduct(words); }
};

// ---------------------------------------------------------------------------------------------------------------------
// log Σ exp as largest + log(sum), the sum relative to the largest so far; kExcess gives log(sum) alone.

template <typename T, bool kExcess>
struct ScanLogSumExp {
  typedef T Stored;
  typedef float2 State;  // the largest, the sum
  static State initial() { return float2{-elementary::infinity(), 0.0f}; }
  static State of(float x, uint) {
    if (x == -elementary::infinity()) return initial();
    return float2{x, 1.0f};
  }
  static State combine(State a, State b) {
    if (b.y == 0.0f) return a;
    if (a.y == 0.0f) return b;
    if (a.x == b.x) return float2{a.x, a.y + b.y};
    if (a.x > b.x) return float2{a.x, fma(b.y, elementary::exp(b.x - a.x), a.y)};
    return float2{b.x, fma(a.y, elementary::exp(a.x - b.x), b.y)};
  }
  static float value(State state) {
    const float base = kExcess ? 0.0f : state.x;
    return state.y == 0.0f ? base : base + elementary::log(state.y);
  }
  static uint position(State) { return 0; }
  static uint4 pack(State state) { return toWords(as_type<uint>(state.x), as_type<uint>(state.y), 0, 0); }
  static State unpack(uint4 words) { return as_type<float2>(words.xy); }
};

template <bool kExcess>
struct ScanLogSumExp<float2, kExcess> {
  typedef float2 Stored;
  typedef float4 State;  // the largest real part, the sum's real and imaginary parts, whether there is any
  static State make(float largest, float2 sum, float some) {
    State state;
    state.x = largest;
    state.yz = sum;
    state.w = some;
    return state;
  }
  static State initial() { return make(-elementary::infinity(), float2(0.0f), 0.0f); }
  static State of(float2 x, uint) {
    if (x.x == -elementary::infinity()) return initial();
    return make(x.x, float2{elementary::cos(x.y), elementary::sin(x.y)}, 1.0f);
  }
  static State combine(State a, State b) {
    if (b.w == 0.0f) return a;
    if (a.w == 0.0f) return b;
    if (a.x == b.x) return make(a.x, a.yz + b.yz, 1.0f);
    if (a.x > b.x) return make(a.x, a.yz + b.yz * elementary::exp(b.x - a.x), 1.0f);
    return make(b.x, a.yz * elementary::exp(a.x - b.x) + b.yz, 1.0f);
  }
  static float2 value(State state) {
    const float base = kExcess ? 0.0f : state.x;
    if (state.w == 0.0f) return float2{base, 0.0f};
    // Of the sum's absolute value, without overflow.
    const float larger = max(elementary::magnitude(state.y), elementary::magnitude(state.z));
    if (larger == 0.0f) return float2{-elementary::infinity(), elementary::arctan2(state.z, state.y)};
    const float re = state.y / larger, im = state.z / larger;
    return float2{base + (elementary::log(larger) + 0.5f * elementary::log(fma(re, re, im * im))),
                  elementary::arctan2(state.z, state.y)};
  }
  static uint position(State) { return 0; }
  static uint4 pack(State state) { return as_type<uint4>(state); }
  static State unpack(uint4 words) { return as_type<float4>(words); }
};

// ---------------------------------------------------------------------------------------------------------------------
// h = a · h + b, one row on one thread.

template <typename Wide>
struct RecurrenceState {
  float2 sum;  // with its rest
  void clear() { sum = float2(0.0f); }
  void step(float a, float b) {
    const float next = fma(a, sum.x, b);
    sum = elementary::isFinite(next) ? pair::add(pair::multiply(sum, a), b) : float2{next, 0.0f};
  }
  float value() { return sum.x; }
};

template <>
struct RecurrenceState<float2> {
  float2 sum;
  void clear() { sum = float2(0.0f); }
  void step(float2 a, float2 b) { sum = times(a, sum) + b; }
  float2 value() { return sum; }
};

}  // namespace mg
