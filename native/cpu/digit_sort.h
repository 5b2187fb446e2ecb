// Sorts keys that the caches hold by their digits, the lowest first: each pass moves all keys, in the order in which
// they stand, to where those with their value of a digit go.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <utility>

#include "cpu/key_sort.h"

namespace metalgrad::cpu {

/// The most bits of a digit. Clearing and summing 2^11 counts costs as much as moving some thousand keys, so few keys
/// have shorter digits.
constexpr int kLongDigit = 11, kShortDigit = 8;
constexpr int64_t kManyKeys = 2048;

/// Keys lie between `least` and `least` + 2^bits − 1.
template <typename Key>
struct KeyRange {
  Key least;
  int bits;
};

template <typename Key>
int bitsOf(Key key) {
  return static_cast<int>(std::bit_width(key));
}

/// Of no keys, the largest number and 0.
template <typename Entry>
std::pair<typename Entry::Key, typename Entry::Key> leastAndMost(const typename Entry::Type* entries, int64_t count) {
  using Key = typename Entry::Key;
  Key least = std::numeric_limits<Key>::max(), most = 0;
  for (int64_t i = 0; i < count; i++) {
    const Key key = Entry::key(entries[i]);
    least = std::min(least, key);
    most = std::max(most, key);
  }
  return {least, most};
}

template <typename Entry>
KeyRange<typename Entry::Key> rangeOf(const typename Entry::Type* entries, int64_t count) {
  const auto [least, most] = leastAndMost<Entry>(entries, count);
  return {least, bitsOf(static_cast<typename Entry::Key>(most - least))};
}

/// Gives the one of `from` and `to` that holds the result.
template <typename Entry, int kDigits>
typename Entry::Type* sortByDigits(typename Entry::Type* from, typename Entry::Type* to, int64_t count,
                                   KeyRange<typename Entry::Key> range) {
  const int width = (range.bits + kDigits - 1) / kDigits;
  const size_t values = size_t{1} << width;
  const auto digits = [=](const typename Entry::Type& entry) {
    return static_cast<uint64_t>(static_cast<typename Entry::Key>(Entry::key(entry) - range.least));
  };
  /// How many keys have a value of a digit, then where the next of them goes; digit after digit, without gaps.
  std::array<uint32_t, kDigits << kLongDigit> places;
  std::fill_n(places.data(), kDigits * values, 0);
  for (int64_t i = 0; i < count; i++) {
    uint64_t rest = digits(from[i]);
    for (int digit = 0; digit < kDigits; digit++, rest >>= width) places[digit * values + (rest & (values - 1))]++;
  }
  for (int digit = 0; digit < kDigits; digit++) {
    uint32_t* next = places.data() + digit * values;
    const int shift = digit * width;
    // A digit that all keys share.
    if (next[digits(from[0]) >> shift & (values - 1)] == count) continue;
    uint32_t place = 0;
    for (size_t value = 0; value < values; value++) place += std::exchange(next[value], place);
    for (int64_t i = 0; i < count; i++) to[next[digits(from[i]) >> shift & (values - 1)]++] = from[i];
    std::swap(from, to);
  }
  return from;
}

/// Whether sortKeys sorts so few keys faster than their digits.
template <typename Entry>
bool vectorsSortFaster(int64_t count) {
  constexpr size_t kBytes = sizeof(typename Entry::Type);
  constexpr int64_t kMostLongKeys = 2048;
  // Bytes are counted.
  if (kBytes == 1) return true;
  return count <= (kBytes <= 4 ? mostShortKeysForVectors() : kMostLongKeys);
}

/// Sorts fewer than 2^32 entries, of which equal keys stand in order, and gives the one of `entries` and `room` that
/// holds the result.
template <typename Entry>
typename Entry::Type* sortInCache(typename Entry::Type* entries, typename Entry::Type* room, int64_t count,
                                  KeyRange<typename Entry::Key> range) {
  if (range.bits == 0) return entries;
  if (!vectorsSortFaster<Entry>(count)) {
    const int width = count < kManyKeys ? kShortDigit : kLongDigit;
    switch ((range.bits + width - 1) / width) {
      case 1:
        return sortByDigits<Entry, 1>(entries, room, count, range);
      case 2:
        return sortByDigits<Entry, 2>(entries, room, count, range);
      case 3:
        return sortByDigits<Entry, 3>(entries, room, count, range);
      case 4:
        return sortByDigits<Entry, 4>(entries, room, count, range);
    }
  }
  sortKeys(entries, count);
  return entries;
}

}  // namespace metalgrad::cpu
