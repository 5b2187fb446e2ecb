// The element types of arrays in shaders, and the types that arithmetic on them is done in.
#ifndef METALGRAD_METAL_TYPES_H_
#define METALGRAD_METAL_TYPES_H_

#include <metal_stdlib>

namespace mg {
using namespace metal;

/// A complex number: x is the real part, y the imaginary one. A vector type, so that it is loaded, stored and shuffled
/// like one; products and quotients are mg::multiply and mg::divide, never * and /.
using complex64 = float2;
inline complex64 complexOf(float re, float im) {
  complex64 z;
  z.x = re;
  z.y = im;
  return z;
}

/// What an element is computed in. Small integers are unsigned words, whose low bits wrap as the element's do.
template <typename T>
struct Wide {
  using type = uint;
};
template <>
struct Wide<int64_t> {
  using type = uint64_t;
};
template <>
struct Wide<uint64_t> {
  using type = uint64_t;
};
template <>
struct Wide<half> {
  using type = float;
};
template <>
struct Wide<bfloat> {
  using type = float;
};
template <>
struct Wide<float> {
  using type = float;
};
/// Nothing is done for both parts alike: complex.h has the arithmetic.
template <>
struct Wide<complex64>;

/// The type of real and imaginary parts, and of absolute values.
template <typename T>
struct Real {
  using type = T;
};
template <>
struct Real<complex64> {
  using type = float;
};

// The same value in the least type that has 32 bits.
inline uint widen(bool x) { return x ? 1u : 0u; }
inline uint widen(uint8_t x) { return x; }
inline uint widen(uint16_t x) { return x; }
inline uint widen(uint x) { return x; }
inline uint64_t widen(uint64_t x) { return x; }
inline int widen(int8_t x) { return x; }
inline int widen(int16_t x) { return x; }
inline int widen(int x) { return x; }
inline int64_t widen(int64_t x) { return x; }
inline float widen(half x) { return float(x); }
inline float widen(bfloat x) { return float(x); }
inline float widen(float x) { return x; }
inline complex64 widen(complex64 x) { return x; }

template <typename T>
inline bool isNaN(T x) {
  return widen(x) != widen(x);
}
template <>
inline bool isNaN<complex64>(complex64 z) {
  return z.x != z.x || z.y != z.y;
}

}  // namespace mg

#endif  // METALGRAD_METAL_TYPES_H_
