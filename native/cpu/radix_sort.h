// Least-significant-digit radix sort of unsigned keys, alone or with a position, on one thread or on the pool.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "cpu/scratch.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {

/// A 64-bit key and where it stood.
struct LongPair {
  uint64_t key;
  uint64_t position;
  friend bool operator<(const LongPair& a, const LongPair& b) {
    return a.key < b.key || (a.key == b.key && a.position < b.position);
  }
};

inline uint64_t bitsOf(const LongPair& pair) { return pair.key; }
template <typename T>
uint64_t bitsOf(T key) {
  return key;
}

/// Stable by bits [low, high) of each element; the rest of an element, a position, ascends in `data`.
template <typename E>
class RadixSort {
 public:
  /// `data` and `scratch` hold `count` elements each. With a pool the work is shared. Returns which of both has the result.
  static E* run(E* data, E* scratch, int64_t count, int low, int high, ThreadPool* pool) {
    if (count <= kFew) {
      std::sort(data, data + count);
      return data;
    }
    const int digit = count < kManyForWideDigits || high - low <= 16 ? 8 : 11;
    const int64_t chunks = pool && count >= kShared ? pool->threads() : 1;
    const int64_t chunk = (count + chunks - 1) / chunks;
    Scratch<uint32_t> counts(static_cast<size_t>(chunks) << digit);
    for (int shift = low; shift < high; shift += digit) {
      const Pass pass{shift, (uint64_t{1} << std::min(digit, high - shift)) - 1, int64_t{1} << digit};
      const auto forChunks = [&](auto&& body) {
        if (chunks == 1) return body(counts.data(), int64_t{0}, count);
        pool->parallelFor(chunks, 1, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; i++) {
            body(counts.data() + i * pass.buckets, std::min(i * chunk, count), std::min((i + 1) * chunk, count));
          }
        });
      };
      forChunks([&](uint32_t* buckets, int64_t begin, int64_t end) {
        std::fill_n(buckets, pass.buckets, 0);
        for (int64_t i = begin; i < end; i++) buckets[pass.bucket(data[i])]++;
      });
      if (!toStarts(counts.data(), pass.buckets, chunks, static_cast<uint32_t>(count))) continue;
      forChunks([&](uint32_t* buckets, int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) scratch[buckets[pass.bucket(data[i])]++] = data[i];
      });
      std::swap(data, scratch);
    }
    return data;
  }

 private:
  /// A comparison sort is faster for so few.
  static constexpr int64_t kFew = 192;
  static constexpr int64_t kManyForWideDigits = 1 << 14;
  static constexpr int64_t kShared = 1 << 16;

  struct Pass {
    int shift;
    uint64_t mask;
    int64_t buckets;
    uint64_t bucket(const E& element) const { return bitsOf(element) >> shift & mask; }
  };

  /// Counts to first positions, bucket by bucket and in it chunk by chunk. False when all elements are in one bucket.
  static bool toStarts(uint32_t* counts, int64_t buckets, int64_t chunks, uint32_t count) {
    uint32_t start = 0;
    for (int64_t bucket = 0; bucket < buckets; bucket++) {
      const uint32_t first = start;
      for (int64_t chunk = 0; chunk < chunks; chunk++) {
        uint32_t& entry = counts[chunk * buckets + bucket];
        start += std::exchange(entry, start);
      }
      if (start - first == count) return false;
    }
    return true;
  }
};

}  // namespace metalgrad::cpu
