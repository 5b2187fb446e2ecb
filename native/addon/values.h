// What JavaScript passes, read without trusting it.
#pragma once

#include <napi.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>

#include "addon/instance.h"

namespace metalgrad::addon {

template <typename T>
constexpr napi_typedarray_type kArrayType = napi_uint8_array;
template <>
inline constexpr napi_typedarray_type kArrayType<int32_t> = napi_int32_array;
template <>
inline constexpr napi_typedarray_type kArrayType<double> = napi_float64_array;

/// The elements of a typed array of T, or nothing with the failure noted. Valid until JavaScript runs again.
template <typename T>
std::optional<std::span<T>> elements(Instance& instance, const Napi::Value& value) {
  napi_typedarray_type type;
  size_t length;
  void* data;
  napi_value buffer;
  if (napi_get_typedarray_info(value.Env(), value, &type, &length, &data, &buffer, nullptr) != napi_ok ||
      type != kArrayType<T>) {
    instance.fail(Status::outOfBounds, "an argument is no typed array of the right kind");
    return std::nullopt;
  }
  bool detached = false;
  if (length == 0 && napi_is_detached_arraybuffer(value.Env(), buffer, &detached) == napi_ok && detached) {
    instance.fail(Status::detached, "the memory of a typed array is detached");
    return std::nullopt;
  }
  return std::span<T>(static_cast<T*>(data), length);
}

/// A handle as JavaScript gives it; 0, which no object has, for anything else.
inline int32_t handle(const Napi::Value& value) {
  if (!value.IsNumber()) return 0;
  const double number = value.As<Napi::Number>().DoubleValue();
  return number > 0 && number <= INT32_MAX && number == std::floor(number) ? static_cast<int32_t>(number) : 0;
}

/// A number of bytes; nothing for what is no such number. Absurd ones are as large as can be.
inline std::optional<size_t> byteCount(const Napi::Value& value) {
  if (!value.IsNumber()) return std::nullopt;
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= 0)) return std::nullopt;
  return number < 0x1p62 ? static_cast<size_t>(number) : size_t{1} << 62;
}

}  // namespace metalgrad::addon
