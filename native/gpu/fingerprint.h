// 128 bits that stand for a text or a file: equal ones are taken for the same.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace metalgrad::gpu {

/// 32 hexadecimal digits. Two sums over the bytes that have nothing in common, each mixed at the end; against
/// accidents, not against attacks.
inline std::string fingerprint(std::string_view bytes) {
  uint64_t first = 0xcbf29ce484222325, second = 0x9e3779b97f4a7c15;
  for (const char byte : bytes) {
    first = (first ^ static_cast<uint8_t>(byte)) * 0x100000001b3;
    second = std::rotl(second, 23) * 0xbf58476d1ce4e5b9 + static_cast<uint8_t>(byte);
  }
  std::string text;
  for (uint64_t sum : {first, second ^ bytes.size()}) {
    sum = (sum ^ (sum >> 30)) * 0xbf58476d1ce4e5b9;
    sum = (sum ^ (sum >> 27)) * 0x94d049bb133111eb;
    sum ^= sum >> 31;
    for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[sum >> shift & 15];
  }
  return text;
}

}  // namespace metalgrad::gpu
