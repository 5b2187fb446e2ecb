// float16 and bfloat16: conversion to float32 and back, one number or an array at a time.
#pragma once

#include <bit>
#include <cstdint>

#include "program/opcodes.h"

namespace metalgrad::cpu {

/// Exact.
inline float halfToFloat(uint16_t half) {
  const uint32_t magnitude = static_cast<uint32_t>(half & 0x7fff) << 13;
  // Read as float32 the exponent is 112 too small; the product also normalizes subnormals.
  uint32_t bits = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112f);
  if (magnitude >= 0x7c00u << 13) bits = magnitude | 0x7f800000;
  return std::bit_cast<float>(bits | static_cast<uint32_t>(half & 0x8000) << 16);
}

/// Rounds to nearest, ties to even; too large gives infinity.
inline uint16_t floatToHalf(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t magnitude = bits & 0x7fffffff;
  // The sum with 0.5 leaves multiples of 2^-24, the smallest subnormal, in the low bits.
  const uint32_t subnormal = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3f000000;
  const uint32_t normal = (magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
  uint32_t half = magnitude < 113u << 23 ? subnormal : normal;
  if (magnitude >= 143u << 23) half = 0x7c00;
  if (magnitude > 0x7f800000) half = 0x7e00;
  return static_cast<uint16_t>(half | (bits >> 16 & 0x8000));
}

/// Exact.
inline float bfloatToFloat(uint16_t bfloat) { return std::bit_cast<float>(static_cast<uint32_t>(bfloat) << 16); }

/// Rounds to nearest, ties to even.
inline uint16_t floatToBfloat(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  const uint32_t nan = (bits >> 16) | 0x40;
  return static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? nan : rounded);
}

/// Converts `count` neighbouring numbers of dtype float16 or bfloat16.
void widen(Dtype dtype, const uint16_t* from, float* to, int64_t count);
void narrow(Dtype dtype, const float* from, uint16_t* to, int64_t count);

}  // namespace metalgrad::cpu
