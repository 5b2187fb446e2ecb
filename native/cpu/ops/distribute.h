// Distributes keys among buckets: bucket b takes the keys that are less than the splitter b and not less than the one
// before.
#pragma once

#include <cstdint>

#include "cpu/key_sort.h"

namespace metalgrad::cpu {

template <typename Key>
struct DistributeFns {
  /// Adds the keys of each bucket to its count.
  void (*count)(const Key* keys, int64_t size, const Key* splitters, int buckets, int64_t* counts);
  /// Moves each key to where the next one of its bucket goes.
  void (*move)(const Key* keys, int64_t size, const Key* splitters, int buckets, int64_t* next, Key* to);
};

/// For each type of keys that is sorted.
template <typename Key>
const DistributeFns<Key>& distributeFns();
template <>
const DistributeFns<uint8_t>& distributeFns<uint8_t>();
template <>
const DistributeFns<uint16_t>& distributeFns<uint16_t>();
template <>
const DistributeFns<uint32_t>& distributeFns<uint32_t>();
template <>
const DistributeFns<uint64_t>& distributeFns<uint64_t>();
template <>
const DistributeFns<WideKey>& distributeFns<WideKey>();

}  // namespace metalgrad::cpu
