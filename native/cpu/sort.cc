// The sort step: each row becomes unsigned keys (sort_keys.h), alone for values, with their
// positions below for positions, which makes every entry different and the sort stable.
#include <algorithm>
#include <optional>
#include <ranges>
#include <stdexcept>

#include "cpu/bucket_sort.h"
#include "cpu/digit_sort.h"
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
/// Of longer rows the caches hold parts only, and threads may share them.
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

/// The entries that make(begin, size, entries) makes, sorted; done(begin, end, sorted) is called for each range once it
/// is, with its first entry at `sorted`. `place`, where done may write the same range, has room for entries or is null.
template <typename Entry, typename Make, typename Done>
void sortMade(int64_t length, typename Entry::Type* place, ThreadPool* pool, Make&& make, const Done& done) {
  using Type = typename Entry::Type;
  const auto size = static_cast<size_t>(length);
  Scratch<Type> made(size);
  Type* entries = made.data();
  if (vectorsSortFaster<Entry>(length) && length <= kLongRow) {
    make(0, length, entries);
    sortKeys(entries, length);
    return done(0, length, entries);
  }
  std::optional<Scratch<Type>> scratch;
  Type* room = place ? place : scratch.emplace(size).data();
  if (length <= kLongRow) {
    make(0, length, entries);
    return done(0, length, sortInCache<Entry>(entries, room, length, rangeOf<Entry>(entries, length)));
  }
  const auto some = [&](int64_t begin, int64_t end) { make(begin, end - begin, entries + begin); };
  if (pool)
    pool->parallelFor(length, kGrain, some);
  else
    some(0, length);
  sortInBuckets<Entry>(0, length, entries, room, pool, done);
}

/// Zeros of both signs are equal, so they stay in the order in which they came.
template <typename Codec>
void restoreZeros(const Row<const typename Codec::Element>& in, const Row<typename Codec::Element>& out) {
  const auto places = std::views::iota(int64_t{0}, in.length);
  const auto firstFrom = [&](typename Codec::Key key) {
    return std::ranges::lower_bound(places, key, {}, [&](int64_t i) { return Codec::encode(out[i]); }) - places.begin();
  };
  int64_t zero = firstFrom(Codec::kNegativeZero);
  const int64_t positive = firstFrom(Codec::kPositiveZero), end = firstFrom(Codec::kPositiveZero + 1);
  if (zero == positive || positive == end) return;
  for (int64_t i = 0; i < in.length && zero < end; i++) {
    if (Codec::isZero(in[i])) out[zero++] = in[i];
  }
}

template <typename Codec>
void sortValues(const Row<const typename Codec::Element>& in, const Row<typename Codec::Element>& out,
                ThreadPool* pool) {
  using Key = typename Codec::Key;
  const auto make = [in](int64_t begin, int64_t size, Key* keys) {
    in.each(begin, begin + size, [=](int64_t i, auto element) { keys[i - begin] = Codec::encode(element); });
  };
  // Elements and their keys have the same bits, up to signs.
  auto* place = out.stride == 1 ? reinterpret_cast<Key*>(out.data) : nullptr;
  sortMade<KeyAlone<Codec>>(in.length, place, pool, make, [out](int64_t begin, int64_t end, const Key* sorted) {
    out.each(begin, end, [=](int64_t i, auto& element) { element = Codec::decode(sorted[i - begin]); });
  });
  if constexpr (Codec::kSignedZero) restoreZeros<Codec>(in, out);
}

/// Calls write(i, position of the i-th smallest) for every i.
template <typename Codec, typename Write>
void sortPositions(const Row<const typename Codec::Element>& in, ThreadPool* pool, Write&& write) {
  using Entry = KeyEntry<Codec>;
  using Type = typename Entry::Type;
  const auto make = [in](int64_t begin, int64_t size, Type* entries) {
    in.each(begin, begin + size,
            [=](int64_t i, auto element) { entries[i - begin] = Entry::of(Codec::order(element), i); });
  };
  sortMade<Entry>(in.length, nullptr, pool, make, [&](int64_t begin, int64_t end, const Type* sorted) {
    for (int64_t i = begin; i < end; i++) write(i, Entry::position(sorted[i - begin]));
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
