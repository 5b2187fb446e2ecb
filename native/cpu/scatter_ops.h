// What scatter does to one element: target op= update, for each mode and dtype.
#pragma once

#include <complex>
#include <cstdint>
#include <type_traits>

#include "cpu/half.h"
#include "program/opcodes.h"

namespace metalgrad::cpu {

// Elements that are no C++ arithmetic type. All are read from and written to memory as they are.
struct Float16 {
  using Wide = float;
  uint16_t bits;
  Wide wide() const { return halfToFloat(bits); }
  static Float16 from(Wide value) { return {floatToHalf(value)}; }
};

struct Bfloat16 {
  using Wide = float;
  uint16_t bits;
  Wide wide() const { return bfloatToFloat(bits); }
  static Bfloat16 from(Wide value) { return {floatToBfloat(value)}; }
};

/// Adds by or, multiplies by and.
struct Bool {
  using Wide = bool;
  uint8_t bits;
  Wide wide() const { return bits != 0; }
  static Bool from(Wide value) { return {value}; }
};

template <typename T>
concept Packed = requires { typename T::Wide; };

template <typename T>
bool isNan(T value) {
  return value != value;
}

/// Lexicographic, for complex numbers; NumPy's order.
template <typename T>
bool less(T a, T b) {
  if constexpr (std::is_same_v<T, std::complex<float>>) {
    return a.real() < b.real() || (a.real() == b.real() && a.imag() < b.imag());
  } else {
    return a < b;
  }
}

template <ScatterMode mode, typename T>
T combine(T target, T update) {
  using enum ScatterMode;
  if constexpr (mode == set) {
    return update;
  } else if constexpr (Packed<T>) {
    return T::from(combine<mode>(target.wide(), update.wide()));
  } else if constexpr (mode == maximum) {
    return isNan(target) || !(less(target, update) || isNan(update)) ? target : update;
  } else if constexpr (mode == minimum) {
    return isNan(target) || !(less(update, target) || isNan(update)) ? target : update;
  } else if constexpr (std::is_same_v<T, bool>) {
    return mode == add ? target || update : target && update;
  } else if constexpr (std::is_integral_v<T>) {
    // Wraps: unsigned 64-bit arithmetic has the same low bits.
    const auto a = static_cast<uint64_t>(target), b = static_cast<uint64_t>(update);
    return static_cast<T>(mode == add ? a + b : a * b);
  } else if constexpr (mode == add) {
    return target + update;
  } else if constexpr (std::is_same_v<T, std::complex<float>>) {
    return {target.real() * update.real() - target.imag() * update.imag(),
            target.real() * update.imag() + target.imag() * update.real()};
  } else {
    return target * update;
  }
}

}  // namespace metalgrad::cpu
