// Keys that compare equal are identical: neither their order nor the number of threads can be seen in the result.
#include "cpu/key_sort.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace metalgrad::cpu {
namespace {

/// A comparison sort is faster for so few.
constexpr int64_t kFew = 32;
/// The shortest run worth sorting on a thread of its own, and the elements merged by one chunk.
constexpr int64_t kShortestRun = 1 << 15;
constexpr int64_t kMergeGrain = 1 << 15;

template <typename T>
bool less(const T& a, const T& b) {
  return a < b;
}

template <>
bool less(const WideKey& a, const WideKey& b) {
  return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo);
}

template <typename T>
void sortRun(T* data, int64_t count) {
  if (count <= kFew) return std::sort(data, data + count, less<T>);
  const thread_local hwy::Sorter sorter;
  sorter(data, static_cast<size_t>(count), hwy::SortAscending());
}

/// How many of the first `taken` elements of the merged runs come from `a`.
template <typename T>
int64_t fromFirst(const T* a, int64_t aCount, const T* b, int64_t bCount, int64_t taken) {
  int64_t low = std::max<int64_t>(0, taken - bCount), high = std::min(taken, aCount);
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (less(b[taken - middle - 1], a[middle])) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

template <typename T>
void merge(const T* a, const T* aEnd, const T* b, const T* bEnd, T* out) {
  while (a < aEnd && b < bEnd) {
    const bool second = less(*b, *a);
    *out++ = second ? *b : *a;
    b += second;
    a += !second;
  }
  out = std::copy(a, aEnd, out);
  std::copy(b, bEnd, out);
}

/// Merges each two neighbouring runs of `length` elements of `data` into `out`.
template <typename T>
void mergeRuns(const T* data, T* out, int64_t count, int64_t length, ThreadPool& pool) {
  pool.parallelFor(count, kMergeGrain, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t pair = begin / (2 * length) * (2 * length);
      const T* a = data + pair;
      const int64_t aCount = std::min(length, count - pair);
      const T* b = a + aCount;
      const int64_t bCount = std::min(length, count - pair - aCount);
      const int64_t from = begin - pair, to = std::min(end - pair, aCount + bCount);
      const int64_t aFrom = fromFirst(a, aCount, b, bCount, from), aTo = fromFirst(a, aCount, b, bCount, to);
      merge(a + aFrom, a + aTo, b + (from - aFrom), b + (to - aTo), out + begin);
      begin = pair + to;
    }
  });
}

template <typename T>
T* sortShared(T* data, T* other, int64_t count, ThreadPool* pool) {
  const int64_t most = pool ? std::min<int64_t>(pool->threads(), count / kShortestRun) : 1;
  const int64_t runs = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(std::max<int64_t>(most, 1))));
  if (runs == 1) {
    sortRun(data, count);
    return data;
  }
  int64_t length = (count + runs - 1) / runs;
  pool->parallelFor(runs, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) sortRun(data + i * length, std::min(length, count - i * length));
  });
  for (; length < count; length *= 2) {
    mergeRuns(data, other, count, length, *pool);
    std::swap(data, other);
  }
  return data;
}

}  // namespace

uint8_t* sortKeys(uint8_t* data, uint8_t*, int64_t count, ThreadPool*) {
  if (count <= kFew) {
    std::sort(data, data + count);
    return data;
  }
  std::array<int64_t, 256> counts{};
  for (int64_t i = 0; i < count; i++) counts[data[i]]++;
  uint8_t* to = data;
  for (int key = 0; key < 256; key++) {
    std::memset(to, key, static_cast<size_t>(counts[key]));
    to += counts[key];
  }
  return data;
}

uint16_t* sortKeys(uint16_t* data, uint16_t* other, int64_t count, ThreadPool* pool) {
  return sortShared(data, other, count, pool);
}

uint32_t* sortKeys(uint32_t* data, uint32_t* other, int64_t count, ThreadPool* pool) {
  return sortShared(data, other, count, pool);
}

uint64_t* sortKeys(uint64_t* data, uint64_t* other, int64_t count, ThreadPool* pool) {
  return sortShared(data, other, count, pool);
}

WideKey* sortKeys(WideKey* data, WideKey* other, int64_t count, ThreadPool* pool) {
  return sortShared(data, other, count, pool);
}

}  // namespace metalgrad::cpu
