// How generated text names dtypes and operations.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "program/opcodes.h"

namespace metalgrad::gpu {

/// The type that instructions compute with. (float64 has none.)
constexpr std::string_view valueType(Dtype dtype) {
  constexpr std::array<std::string_view, 14> names = {
      "bool", "uint8_t", "uint16_t", "uint",   "uint64_t", "int8_t", "int16_t",
      "int",  "int64_t", "half",     "bfloat", "float",    "",       "mg::complex64",
  };
  return names[static_cast<size_t>(dtype)];
}

/// The type that lies in memory.
constexpr std::string_view memoryType(Dtype dtype) { return dtype == Dtype::bool_ ? "uint8_t" : valueType(dtype); }

/// Four of them, for dtypes of at most 4 bytes.
constexpr std::string_view quadType(Dtype dtype) {
  constexpr std::array<std::string_view, 12> names = {
      "uchar4", "uchar4", "ushort4", "uint4", "", "char4", "short4", "int4", "", "half4", "bfloat4", "float4",
  };
  return names[static_cast<size_t>(dtype)];
}

/// What reads a value from `element`, an expression of the memory type (or of a vector's element).
inline std::string loaded(Dtype dtype, const std::string& element) {
  if (dtype == Dtype::bool_) return element + " != 0";
  return element;
}

/// Pieces one after the other; numbers as digits.
class Text {
 public:
  template <typename... Pieces>
  Text& add(const Pieces&... pieces) {
    (put(pieces), ...);
    return *this;
  }
  std::string take() { return std::move(text_); }

 private:
  void put(std::string_view piece) { text_ += piece; }
  void put(const char* piece) { text_ += piece; }
  void put(const std::string& piece) { text_ += piece; }
  void put(char piece) { text_ += piece; }
  template <typename Number>
    requires std::is_integral_v<Number>
  void put(Number number) {
    text_ += std::to_string(number);
  }

  std::string text_;
};

}  // namespace metalgrad::gpu
