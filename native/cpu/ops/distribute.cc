// Keys that fill the lanes of vectors are compressed, bucket by bucket: counters in registers are several times as fast
// as some in memory.
#include "cpu/ops/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/ops/distribute.cc"
// Compiles what follows once for each target, so it stays first.
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// clang-format on

#include <type_traits>

#include "cpu/ops/distribute.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace metalgrad::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <class Key>
bool isLess(const Key& a, const Key& b) {
  if constexpr (std::is_class_v<Key>)
    return lessKey(a, b);
  else
    return a < b;
}

template <class Key>
int bucketOf(const Key& key, const Key* splitters, int buckets) {
  int bucket = 0;
  for (int i = 0; i + 1 < buckets; i++) bucket += !isLess(key, splitters[i]);
  return bucket;
}

/// One key at a time.
template <class Key>
struct Plain {
  static void count(const Key* keys, int64_t size, const Key* splitters, int buckets, int64_t* counts) {
    for (int64_t i = 0; i < size; i++) counts[bucketOf(keys[i], splitters, buckets)]++;
  }
  static void move(const Key* keys, int64_t size, const Key* splitters, int buckets, int64_t* next, Key* to) {
    for (int64_t i = 0; i < size; i++) to[next[bucketOf(keys[i], splitters, buckets)]++] = keys[i];
  }
};

template <class Key>
struct Vectors {
  static constexpr hn::ScalableTag<Key> kTag{};

  static int64_t whole(int64_t size) { return size - size % static_cast<int64_t>(hn::Lanes(kTag)); }

  static void count(const Key* keys, int64_t size, const Key* splitters, int buckets, int64_t* counts) {
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(kTag)), end = whole(size);
    int64_t before = 0;
    for (int b = 0; b + 1 < buckets; b++) {
      const auto splitter = hn::Set(kTag, splitters[b]);
      auto less = hn::Zero(kTag);
      for (int64_t i = 0; i < end; i += lanes) {
        less = hn::Sub(less, hn::VecFromMask(kTag, hn::Lt(hn::LoadU(kTag, keys + i), splitter)));
      }
      const int64_t total = static_cast<int64_t>(hn::GetLane(hn::SumOfLanes(kTag, less)));
      counts[b] += total - before;
      before = total;
    }
    counts[buckets - 1] += end - before;
    Plain<Key>::count(keys + end, size - end, splitters, buckets, counts);
  }

  static void move(const Key* keys, int64_t size, const Key* splitters, int buckets, int64_t* next, Key* to) {
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(kTag)), end = whole(size);
    for (int b = 0; b < buckets; b++) {
      const auto first = hn::Set(kTag, b > 0 ? splitters[b - 1] : Key{0});
      const auto last = hn::Set(kTag, b + 1 < buckets ? splitters[b] : Key{0});
      const bool open = b + 1 == buckets;
      Key* place = to + next[b];
      for (int64_t i = 0; i < end; i += lanes) {
        const auto key = hn::LoadU(kTag, keys + i);
        const auto before = hn::Lt(key, first);
        place +=
            hn::CompressBlendedStore(key, open ? hn::Not(before) : hn::AndNot(before, hn::Lt(key, last)), kTag, place);
      }
      next[b] = place - to;
    }
    Plain<Key>::move(keys + end, size - end, splitters, buckets, next, to);
  }
};

template <class F, class Key>
constexpr DistributeFns<Key> kFns{&F::count, &F::move};

}  // namespace

const DistributeFns<uint8_t>* ofBytes() { return &kFns<Plain<uint8_t>, uint8_t>; }
const DistributeFns<uint16_t>* ofShorts() { return &kFns<Plain<uint16_t>, uint16_t>; }
const DistributeFns<uint32_t>* ofWords() { return &kFns<Vectors<uint32_t>, uint32_t>; }
const DistributeFns<uint64_t>* ofLongs() { return &kFns<Vectors<uint64_t>, uint64_t>; }
const DistributeFns<WideKey>* ofWide() { return &kFns<Plain<WideKey>, WideKey>; }

}  // namespace metalgrad::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalgrad::cpu {

template <>
const DistributeFns<uint8_t>& distributeFns<uint8_t>() {
  return *METALGRAD_CHOOSE(ofBytes)();
}
template <>
const DistributeFns<uint16_t>& distributeFns<uint16_t>() {
  return *METALGRAD_CHOOSE(ofShorts)();
}
template <>
const DistributeFns<uint32_t>& distributeFns<uint32_t>() {
  return *METALGRAD_CHOOSE(ofWords)();
}
template <>
const DistributeFns<uint64_t>& distributeFns<uint64_t>() {
  return *METALGRAD_CHOOSE(ofLongs)();
}
template <>
const DistributeFns<WideKey>& distributeFns<WideKey>() {
  return *METALGRAD_CHOOSE(ofWide)();
}

}  // namespace metalgrad::cpu
#endif
