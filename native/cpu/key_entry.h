// What is sorted: a key alone, or a key above its position as one number: then every entry of a row is different, and
// equal keys are in the order of their positions.
#pragma once

#include <cstdint>
#include <type_traits>

#include "cpu/key_sort.h"

namespace metalgrad::cpu {

template <typename Codec>
struct KeyAlone {
  using Key = typename Codec::Key;
  using Type = Key;
  static Key key(Key entry) { return entry; }
};

template <typename Codec>
struct KeyEntry {
  using Key = typename Codec::Key;
  static constexpr bool kLong = sizeof(Key) == 8;
  using Type = std::conditional_t<kLong, WideKey, uint64_t>;

  static Type of(Key key, int64_t position) {
    if constexpr (kLong) {
      Type entry;
      entry.hi = key;
      entry.lo = static_cast<uint64_t>(position);
      return entry;
    } else {
      return static_cast<uint64_t>(key) << 32 | static_cast<uint64_t>(position);
    }
  }
  static Key key(const Type& entry) {
    if constexpr (kLong) {
      return entry.hi;
    } else {
      return static_cast<Key>(entry >> 32);
    }
  }
  static uint32_t position(const Type& entry) {
    if constexpr (kLong) {
      return static_cast<uint32_t>(entry.lo);
    } else {
      return static_cast<uint32_t>(entry);
    }
  }
  static bool less(const Type& a, const Type& b) {
    if constexpr (kLong) {
      return lessKey(a, b);
    } else {
      return a < b;
    }
  }
};

}  // namespace metalgrad::cpu
