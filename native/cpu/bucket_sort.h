// Sorts the keys of a long row on all threads: they are distributed among buckets between sampled keys, then each
// bucket is sorted by one thread, whose cache holds it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "cpu/key_sort.h"
#include "cpu/ops/distribute.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {

constexpr int kMostBuckets = 32;
/// Buckets for each thread, so that all of them finish at about the same time.
constexpr int kBucketsEach = 2;
/// Keys that are distributed at once: they lie in the first cache.
constexpr int64_t kDistributed = 1024;

template <typename Key>
using Splitters = std::array<Key, kMostBuckets>;

/// Every so manieth of a sorted sample. The sample is the same each time.
template <typename Key, typename Make>
Splitters<Key> sampleSplitters(int64_t count, int buckets, Make&& make) {
  constexpr int kSamples = 32;  // a bucket
  std::array<Key, kMostBuckets * kSamples> sample;
  const int64_t size = int64_t{buckets} * kSamples;
  uint64_t random = 0x9e3779b97f4a7c15;
  for (int64_t i = 0; i < size; i++) {
    random = random * 6364136223846793005 + 1442695040888963407;
    const auto position = static_cast<int64_t>((random >> 33) % static_cast<uint64_t>(count));
    make(position, 1, &sample[i]);
  }
  sortKeys(sample.data(), size);
  Splitters<Key> splitters{};
  for (int i = 1; i < buckets; i++) splitters[i - 1] = sample[i * kSamples];
  return splitters;
}

/// Writes the keys 0 ≤ i < count to `sorted`, ascending. make(begin, size, keys) makes some of them, twice each.
/// done(begin, end) is called for each range once it is sorted, by the thread that sorted it. Keys that compare equal
/// are identical: neither the buckets nor the number of threads can be seen in the result.
template <typename Key, typename Make, typename Done>
void sortInBuckets(int64_t count, Key* sorted, ThreadPool& pool, Make&& make, Done&& done) {
  const int buckets = std::min(kBucketsEach * pool.threads(), kMostBuckets);
  const Splitters<Key> splitters = sampleSplitters<Key>(count, buckets, make);
  const Key* between = splitters.data();
  const DistributeFns<Key>& fns = distributeFns<Key>();
  const int64_t parts = 2 * pool.threads(), length = (count + parts - 1) / parts;
  /// Calls work(keys, size) for all keys of a part.
  const auto each = [&](int64_t part, auto&& work) {
    std::array<Key, kDistributed> keys;
    const int64_t end = std::min(count, (part + 1) * length);
    for (int64_t begin = part * length; begin < end; begin += kDistributed) {
      const int64_t size = std::min(kDistributed, end - begin);
      make(begin, size, keys.data());
      work(keys.data(), size);
    }
  };
  /// For each part how many of its keys a bucket gets, then where the next of them goes.
  std::vector<std::array<int64_t, kMostBuckets>> places(static_cast<size_t>(parts));
  pool.parallelFor(parts, 1, [&](int64_t part, int64_t) {
    std::array<int64_t, kMostBuckets> counts{};
    each(part, [&](const Key* keys, int64_t size) { fns.count(keys, size, between, buckets, counts.data()); });
    places[part] = counts;
  });
  std::array<int64_t, kMostBuckets + 1> begins{};
  int64_t place = 0;
  for (int bucket = 0; bucket < buckets; bucket++) {
    begins[bucket] = place;
    for (auto& part : places) {
      const int64_t size = part[bucket];
      part[bucket] = place;
      place += size;
    }
  }
  begins[buckets] = count;
  pool.parallelFor(parts, 1, [&](int64_t part, int64_t) {
    auto next = places[part];
    each(part, [&](const Key* keys, int64_t size) { fns.move(keys, size, between, buckets, next.data(), sorted); });
  });
  pool.parallelFor(buckets, 1, [&](int64_t bucket, int64_t) {
    sortKeys(sorted + begins[bucket], begins[bucket + 1] - begins[bucket]);
    done(begins[bucket], begins[bucket + 1]);
  });
}

}  // namespace metalgrad::cpu
