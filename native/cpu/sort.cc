// The sort step: each row becomes unsigned keys (sort_keys.h), alone for values, with their
// positions below for positions, which makes every entry different and the sort stable.
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "cpu/bucket_sort.h"
#include "cpu/executor.h"
#include "cpu/iteration.h"
#include "cpu/key_entry.h"
#include "cpu/key_sort.h"
#include "cpu/scratch.h"
#include "cpu/sort_keys.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {
namespace {

/// Elements that one chunk of rows sorts.
constexpr int64_t kGrain = 1 << 13;
/// The shortest row that threads share.
constexpr int64_t kLongRow = 1 << 16;
/// Positions are uint32.
constexpr int64_t kLongestRow = int64_t{1} << 32;

enum { kIn, kOut };

/// A row in memory.
template <typename T>
struct Row {
  T* data;
  int64_t stride, length;
  T& operator[](int64_t i) const { return data[i * stride]; }

  /// Calls visit(i, element) for begin ≤ i < end.
  template <typename F>
  void each(int64_t begin, int64_t end, F&& visit) const {
    if (stride == 1) {
      for (int64_t i = begin; i < end; i++) visit(i, data[i]);
    } else {
      for (int64_t i = begin; i < end; i++) visit(i, data[i * stride]);
    }
  }
};

/// The keys that make(begin, size, keys) makes, sorted; done(begin, end) is called for each range once it is.
template <typename Key, typename Make, typename Done>
void sortMade(int64_t length, Key* sorted, ThreadPool* pool, Make&& make, Done&& done) {
  if (pool) return sortInBuckets(length, sorted, *pool, make, done);
  make(0, length, sorted);
  sortKeys(sorted, length);
  done(0, length);
}

/// Zeros of both signs are equal, so they stay in the order in which they came.
template <typename Codec>
void restoreZeros(const Row<const typename Codec::Element>& in, const typename Codec::Key* sorted,
                  const Row<typename Codec::Element>& out) {
  const auto [first, end] = std::pair(std::lower_bound(sorted, sorted + in.length, Codec::kNegativeZero),
                                      std::upper_bound(sorted, sorted + in.length, Codec::kPositiveZero));
  if (end - first < 2 || *first == *(end - 1)) return;
  int64_t zero = first - sorted;
  for (int64_t i = 0; zero < end - sorted; i++) {
    if (Codec::isZero(in[i])) out[zero++] = in[i];
  }
}

template <typename Codec>
void sortValues(const Row<const typename Codec::Element>& in, const Row<typename Codec::Element>& out,
                ThreadPool* pool) {
  using Key = typename Codec::Key;
  Scratch<Key> sorted(static_cast<size_t>(in.length));
  const auto make = [in](int64_t begin, int64_t size, Key* keys) {
    in.each(begin, begin + size, [=](int64_t i, auto element) { keys[i - begin] = Codec::encode(element); });
  };
  const Key* keys = sorted.data();
  sortMade(in.length, sorted.data(), pool, make, [keys, out](int64_t begin, int64_t end) {
    out.each(begin, end, [=](int64_t i, auto& element) { element = Codec::decode(keys[i]); });
  });
  if constexpr (Codec::kSignedZero) restoreZeros<Codec>(in, sorted.data(), out);
}

/// Calls write(i, position of the i-th smallest) for every i.
template <typename Codec, typename Write>
void sortPositions(const Row<const typename Codec::Element>& in, ThreadPool* pool, Write&& write) {
  using Entry = KeyEntry<Codec>;
  using Type = typename Entry::Type;
  Scratch<Type> sorted(static_cast<size_t>(in.length));
  const auto make = [in](int64_t begin, int64_t size, Type* entries) {
    in.each(begin, begin + size,
            [=](int64_t i, auto element) { entries[i - begin] = Entry::of(Codec::order(element), i); });
  };
  sortMade(in.length, sorted.data(), pool, make, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) write(i, Entry::position(sorted[i]));
  });
}

template <typename Codec>
void sortRow(const std::byte* from, int64_t fromStride, std::byte* to, int64_t toStride, int64_t length, bool indices,
             ThreadPool* pool) {
  using Element = typename Codec::Element;
  const Row<const Element> in{reinterpret_cast<const Element*>(from), fromStride, length};
  if (indices) {
    const Row<uint32_t> out{reinterpret_cast<uint32_t*>(to), toStride, length};
    sortPositions<Codec>(in, pool, [&](int64_t i, uint32_t position) { out[i] = position; });
    return;
  }
  const Row<Element> out{reinterpret_cast<Element*>(to), toStride, length};
  if constexpr (std::is_same_v<Codec, ComplexKey>) {
    sortPositions<Codec>(in, pool, [&](int64_t i, uint32_t position) { out[i] = in[position]; });
  } else {
    sortValues<Codec>(in, out, pool);
  }
}

template <typename Codec>
void sortRows(const SortStep& step, const Run& run) {
  const size_t axes = step.rows.size();
  Space<2> rows;
  for (size_t i = 0; i < axes; i++) rows.append(step.rows[i], {step.in.strides[i], step.out.strides[i]});
  const int64_t count = rows.size(), length = step.length;
  const std::byte* in = run.at(step.in);
  std::byte* out = run.at(step.out);
  const auto inSize = static_cast<int64_t>(itemSize(step.in.dtype)),
             outSize = static_cast<int64_t>(itemSize(step.out.dtype));
  // Few long rows are each shared by all threads; otherwise every thread takes rows.
  const bool shareRows = length > kLongRow && count < 2 * run.pool.threads();
  const auto sortRange = [&](int64_t begin, int64_t end) {
    Odometer<2> row(rows, begin);
    for (int64_t i = begin; i < end; i++, row.next()) {
      sortRow<Codec>(in + row.offsets[kIn] * inSize, step.in.strides[axes], out + row.offsets[kOut] * outSize,
                     step.out.strides[axes], length, step.indices, shareRows ? &run.pool : nullptr);
    }
  };
  if (shareRows) return sortRange(0, count);
  run.pool.parallelFor(count, std::max<int64_t>(1, kGrain / length), sortRange);
}

}  // namespace

void run(const SortStep& step, const Run& run) {
  if (step.length == 0) return;
  if (step.length > kLongestRow) throw std::length_error("a row has more than 2^32 elements");
  withKeys(step.in.dtype, [&]<typename Codec>() { sortRows<Codec>(step, run); });
}

}  // namespace metalgrad::cpu
