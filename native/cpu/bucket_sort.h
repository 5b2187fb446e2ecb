// Sorts the keys of a long row on all threads: they are distributed among buckets by their first bits, then each bucket
// is sorted by one thread, whose cache holds it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>

#include "cpu/digit_sort.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {

/// Parts of a row for each thread, so that all of them finish at about the same time; each has fewer than 2^32 keys.
constexpr int64_t kPartsEach = 4;
/// The first bits of keys, counted from where the keys of a row differ.
constexpr int kPrefixBits = 12;
constexpr size_t kPrefixes = size_t{1} << kPrefixBits;
/// Neighbouring prefixes share a bucket as long as it has no more keys than a 127th of the row: two buckets together
/// have more, so there are at most 255, and the lines that keys are written to stay in the first cache.
constexpr int64_t kBucketsAtLeast = 127;
constexpr size_t kMostBuckets = 256;
/// Smaller buckets are not worth their setup.
constexpr int64_t kSmallBucket = 4096;
/// A larger bucket, which has a single prefix, is distributed once more: the second cache should hold it.
constexpr int64_t kLargeBucket = 1 << 16;

/// Calls work(begin, end, part) for each part of a range, on all threads if there is a pool.
template <typename Part, typename Work>
void eachPart(std::vector<Part>& parts, int64_t begin, int64_t end, ThreadPool* pool, Work&& work) {
  const auto count = static_cast<int64_t>(parts.size()), length = (end - begin + count - 1) / count;
  const auto some = [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; i++) {
      work(std::min(end, begin + i * length), std::min(end, begin + (i + 1) * length), parts[static_cast<size_t>(i)]);
    }
  };
  if (pool) return pool->parallelFor(count, 1, some);
  some(0, count);
}

/// What the threads find out about a part, and where it puts its keys.
template <typename Key>
struct BucketPart {
  Key least, most;
  std::array<uint32_t, kPrefixes> counts;
  /// Where the next key of a bucket goes.
  std::array<int64_t, kMostBuckets> next;
};

template <typename Key>
struct Bucket {
  int64_t begin, end;
  KeyRange<Key> range;
};

template <typename Key>
struct Buckets {
  std::vector<Bucket<Key>> all;
  /// Which of them a prefix belongs to.
  std::array<uint8_t, kPrefixes> of;
};

/// The buckets of a row from `begin` on, for parts whose keys are counted; `size` is the most keys that prefixes share.
template <typename Key>
Buckets<Key> chooseBuckets(std::vector<BucketPart<Key>>& parts, int64_t begin, int64_t size, Key least, int shift) {
  Buckets<Key> buckets;
  auto& all = buckets.all;
  int64_t place = begin;
  for (size_t prefix = 0, first = 0; prefix < kPrefixes; prefix++) {
    const int64_t count =
        std::accumulate(parts.begin(), parts.end(), int64_t{0},
                        [=](int64_t sum, const BucketPart<Key>& part) { return sum + part.counts[prefix]; });
    if (count == 0) continue;
    if (all.empty() || place + count - all.back().begin > size) {
      for (auto& part : parts) part.next[all.size()] = 0;
      all.push_back({place, place, {static_cast<Key>(least + (static_cast<Key>(prefix) << shift)), 0}});
      first = prefix;
    }
    all.back().end = place += count;
    all.back().range.bits = shift + bitsOf(prefix - first);
    buckets.of[prefix] = static_cast<uint8_t>(all.size() - 1);
    for (auto& part : parts) part.next[all.size() - 1] += part.counts[prefix];
  }
  for (size_t i = 0; i < all.size(); i++) {
    int64_t next = all[i].begin;
    for (auto& part : parts) next += std::exchange(part.next[i], next);
  }
  return buckets;
}

/// Sorts the entries begin ≤ i < end in `from`, of which equal keys stand in order, with room for them in `to`.
/// done(begin, end, sorted) is called for each range once it is sorted, by the thread that sorted it; its entries start
/// at `sorted`. Neither the buckets nor the number of threads can be seen in the result.
template <typename Entry, typename Done>
void sortInBuckets(int64_t begin, int64_t end, typename Entry::Type* from, typename Entry::Type* to, ThreadPool* pool,
                   const Done& done) {
  using Key = typename Entry::Key;
  using Part = BucketPart<Key>;
  std::vector<Part> parts(static_cast<size_t>(kPartsEach * (pool ? pool->threads() : 1)));
  eachPart(parts, begin, end, pool, [from](int64_t first, int64_t last, Part& part) {
    std::tie(part.least, part.most) = leastAndMost<Entry>(from + first, last - first);
  });
  Key least = parts[0].least, most = parts[0].most;
  for (const Part& part : parts) {
    least = std::min(least, part.least);
    most = std::max(most, part.most);
  }
  const int shift = std::max(0, bitsOf<Key>(most - least) - kPrefixBits);
  const auto prefix = [=](const typename Entry::Type& entry) {
    return static_cast<size_t>(static_cast<Key>(Entry::key(entry) - least) >> shift);
  };
  eachPart(parts, begin, end, pool, [=](int64_t first, int64_t last, Part& part) {
    part.counts.fill(0);
    for (int64_t i = first; i < last; i++) part.counts[prefix(from[i])]++;
  });
  const int64_t size = std::max(kSmallBucket, (end - begin + kBucketsAtLeast - 1) / kBucketsAtLeast);
  const Buckets<Key> buckets = chooseBuckets(parts, begin, size, least, shift);
  eachPart(parts, begin, end, pool, [&](int64_t first, int64_t last, Part& part) {
    auto next = part.next;
    for (int64_t i = first; i < last; i++) to[next[buckets.of[prefix(from[i])]]++] = from[i];
  });

  const auto isLarge = [size](const Bucket<Key>& bucket) {
    return bucket.end - bucket.begin > std::max(2 * size, kLargeBucket) && bucket.range.bits > 0;
  };
  const auto finish = [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; i++) {
      const Bucket<Key>& bucket = buckets.all[static_cast<size_t>(i)];
      if (isLarge(bucket)) continue;
      const int64_t at = bucket.begin, count = bucket.end - at;
      done(at, bucket.end, sortInCache<Entry>(to + at, from + at, count, bucket.range));
    }
  };
  const auto count = static_cast<int64_t>(buckets.all.size());
  if (pool)
    pool->parallelFor(count, 1, finish);
  else
    finish(0, count);
  for (const Bucket<Key>& bucket : buckets.all) {
    if (isLarge(bucket)) sortInBuckets<Entry>(bucket.begin, bucket.end, to, from, pool, done);
  }
}

}  // namespace metalgrad::cpu
