// Every dtype as an unsigned integer whose order is the order of sorted values: NaN last, −0 equal to +0.
#pragma once

#include <bit>
#include <complex>
#include <cstdint>
#include <type_traits>

#include "program/opcodes.h"

namespace metalgrad::cpu {

/// A number of `Bits` (an unsigned type) in the format of a float with sign, exponent and mantissa; kInfinity is +∞.
template <typename Bits, Bits kInfinity>
struct FloatKey {
  using Element = Bits;
  using Key = Bits;
  static constexpr bool kSignedZero = true;
  static constexpr int kSignAt = 8 * sizeof(Bits) - 1;
  static constexpr Bits kSign = Bits(1) << kSignAt;
  static constexpr Bits kNegativeZero = static_cast<Bits>(~kSign), kPositiveZero = kSign;

  static bool isZero(Bits bits) { return (bits & static_cast<Bits>(~kSign)) == 0; }

  /// −0 comes just before +0.
  static Key encode(Bits bits) {
    // All bits change below zero, else the sign alone.
    const Bits negative = static_cast<Bits>(0 - (bits >> kSignAt));
    const Key key = static_cast<Key>(bits ^ (negative | kSign));
    const bool nan = static_cast<Bits>(bits & static_cast<Bits>(~kSign)) > kInfinity;
    return nan ? static_cast<Key>(kSign | (kInfinity + (kInfinity & (~kInfinity + 1)) / 2)) : key;
  }
  static Bits decode(Key key) {
    const Key negative = static_cast<Key>((key >> kSignAt) - 1);
    return static_cast<Bits>(key ^ (negative | kSign));
  }

  /// Equal for both zeros.
  static Key order(Bits bits) { return isZero(bits) ? kPositiveZero : encode(bits); }
};

using HalfKey = FloatKey<uint16_t, 0x7c00>;
using BfloatKey = FloatKey<uint16_t, 0x7f80>;
using FloatKey32 = FloatKey<uint32_t, 0x7f800000>;
using FloatKey64 = FloatKey<uint64_t, 0x7ff0000000000000>;

template <typename T>
struct IntegerKey {
  using Element = T;
  using Key = std::make_unsigned_t<T>;
  static constexpr bool kSignedZero = false;
  static constexpr Key kFlip = std::is_signed_v<T> ? Key(1) << (8 * sizeof(T) - 1) : 0;

  static Key encode(T value) { return static_cast<Key>(static_cast<Key>(value) ^ kFlip); }
  static T decode(Key key) { return static_cast<T>(static_cast<Key>(key ^ kFlip)); }
  static Key order(T value) { return encode(value); }
};

/// Lexicographic; numbers with a NaN come last, in NumPy's order: in the imaginary part, in the real part, in both.
/// Has no decoding, as the signs of zeros are lost: complex numbers are sorted through their positions.
struct ComplexKey {
  using Element = std::complex<float>;
  using Key = uint64_t;

  static Key order(Element value) {
    // Keys of real parts end below 0xff800001.
    constexpr uint64_t kNanImaginary = 0xffc00000, kNanReal = 0xffc00001, kNanBoth = 0xffc00002;
    const uint64_t real = FloatKey32::order(std::bit_cast<uint32_t>(value.real()));
    const uint64_t imaginary = FloatKey32::order(std::bit_cast<uint32_t>(value.imag()));
    const bool nanReal = value.real() != value.real(), nanImaginary = value.imag() != value.imag();
    if (nanReal && nanImaginary) return kNanBoth << 32;
    if (nanReal) return kNanReal << 32 | imaginary;
    if (nanImaginary) return kNanImaginary << 32 | real;
    return real << 32 | imaginary;
  }
};

/// Calls body.template operator()<Codec>() with the keys of a dtype.
template <typename Body>
void withKeys(Dtype dtype, Body&& body) {
  switch (dtype) {
    case Dtype::bool_:
    case Dtype::uint8:
      return body.template operator()<IntegerKey<uint8_t>>();
    case Dtype::uint16:
      return body.template operator()<IntegerKey<uint16_t>>();
    case Dtype::uint32:
      return body.template operator()<IntegerKey<uint32_t>>();
    case Dtype::uint64:
      return body.template operator()<IntegerKey<uint64_t>>();
    case Dtype::int8:
      return body.template operator()<IntegerKey<int8_t>>();
    case Dtype::int16:
      return body.template operator()<IntegerKey<int16_t>>();
    case Dtype::int32:
      return body.template operator()<IntegerKey<int32_t>>();
    case Dtype::int64:
      return body.template operator()<IntegerKey<int64_t>>();
    case Dtype::float16:
      return body.template operator()<HalfKey>();
    case Dtype::bfloat16:
      return body.template operator()<BfloatKey>();
    case Dtype::float32:
      return body.template operator()<FloatKey32>();
    case Dtype::float64:
      return body.template operator()<FloatKey64>();
    case Dtype::complex64:
      return body.template operator()<ComplexKey>();
  }
}

}  // namespace metalgrad::cpu
