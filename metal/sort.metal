// Stable merge sorts of rows. First a threadgroup sorts a tile of up to 1024 entries (a key and the position that it
// comes from) in its memory, four entries a thread; then, where a row has several tiles, each pass merges pairs of
// sorted runs, a threadgroup giving 1024 entries of the result. No two entries are equal, so the order is one.
#include <metal_stdlib>

#include "sort_keys.h"
#include "space.h"

using namespace metal;

namespace mg {

enum { kEach = 4, kTile = 1024 };

/// How many of the first `taken` entries of two merged runs come from the first. P is a pointer.
template <typename P>
inline uint fromFirst(P a, uint aCount, P b, uint bCount, uint taken) {
  uint low = taken > bCount ? taken - bCount : 0, high = taken < aCount ? taken : aCount;
  while (low < high) {
    const uint middle = low + (high - low) / 2;
    if (isBefore(b[taken - middle - 1], a[middle])) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

/// `count` entries of the merged runs, from the `taken`-th on.
template <typename E>
inline void mergeFew(threadgroup const E* a, uint aCount, threadgroup const E* b, uint bCount, uint taken, uint count,
                     thread E* out) {
  uint i = fromFirst(a, aCount, b, bCount, taken), j = taken - i;
  for (uint k = 0; k < count; k++) {
    const bool second = i >= aCount || (j < bCount && isBefore(b[j], a[i]));
    out[k] = second ? b[j] : a[i];
    if (second) {
      j++;
    } else {
      i++;
    }
  }
}

template <typename E>
inline void exchange(thread E& a, thread E& b) {
  if (!isBefore(b, a)) return;
  const E larger = a;
  a = b;
  b = larger;
}

/// Sorts four entries of each thread of the threadgroup together; they end in `tile`, in order. `threads` is a power
/// of 2.
template <typename E>
inline void sortTile(threadgroup E* tile, thread E* few, uint lane, uint threads) {
  exchange(few[0], few[1]);
  exchange(few[2], few[3]);
  exchange(few[0], few[2]);
  exchange(few[1], few[3]);
  exchange(few[1], few[2]);
  const uint at = lane * kEach;
  for (uint k = 0; k < kEach; k++) tile[at + k] = few[k];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint run = kEach; run < threads * kEach; run *= 2) {
    const uint first = at & ~(2 * run - 1);
    mergeFew<E>(tile + first, run, tile + first + run, run, at - first, kEach, few);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint k = 0; k < kEach; k++) tile[at + k] = few[k];
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
}

}  // namespace mg

/// Tiles of rows: keys are made and sorted. With kWhole a row is one tile, and its values or (kPositions) positions are
/// written; otherwise entries are.
template <typename Codec, typename E, bool kPositions>
[[kernel, max_total_threads_per_threadgroup(256)]] void sort_rows(device const typename Codec::Stored* in [[buffer(0)]],
                                                                  device typename Codec::Stored* values [[buffer(1)]],
                                                                  device uint* positions [[buffer(2)]],
                                                                  constant mg::SortParams& p [[buffer(3)]],
                                                                  uint group [[threadgroup_position_in_grid]],
                                                                  uint lane [[thread_index_in_threadgroup]],
                                                                  uint threads [[threads_per_threadgroup]]) {
  threadgroup E tile[mg::kTile];
  long at[2] = {p.in, p.out};
  mg::locate(p.rows, long(group), at);
  E few[mg::kEach];
  for (uint k = 0; k < mg::kEach; k++) {
    const uint i = lane * mg::kEach + k;
    few[k] = mg::lastEntry<E>();
    if (i < p.length) mg::setEntry(few[k], Codec::of(in[at[0] + long(i) * p.inStride]), i);
  }
  mg::sortTile<E>(tile, few, lane, threads);
  for (uint i = lane; i < p.length; i += threads) {
    const uint position = mg::positionOf(tile[i]);
    const long to = at[1] + long(i) * p.outStride;
    if (kPositions) {
      positions[to] = position;
    } else {
      values[to] = in[at[0] + long(position) * p.inStride];
    }
  }
}

/// A tile of a long row: entries are made and sorted.
template <typename Codec, typename E>
[[kernel, max_total_threads_per_threadgroup(256)]] void sort_tiles(
    device const typename Codec::Stored* in [[buffer(0)]], device E* entries [[buffer(1)]],
    constant mg::SortParams& p [[buffer(2)]], uint group [[threadgroup_position_in_grid]],
    uint lane [[thread_index_in_threadgroup]], uint threads [[threads_per_threadgroup]]) {
  threadgroup E tile[mg::kTile];
  const uint row = group / p.tiles, first = (group - row * p.tiles) * mg::kTile;
  long at[2] = {p.in, 0};
  mg::locate(p.rows, long(row), at);
  E few[mg::kEach];
  for (uint k = 0; k < mg::kEach; k++) {
    const uint i = first + lane * mg::kEach + k;
    few[k] = mg::lastEntry<E>();
    if (i < p.length) mg::setEntry(few[k], Codec::of(in[at[0] + long(i) * p.inStride]), i);
  }
  mg::sortTile<E>(tile, few, lane, threads);
  device E* out = entries + long(row) * p.length + first;
  const uint count = min(p.length - first, uint(mg::kTile));
  for (uint i = lane; i < count; i += threads) out[i] = tile[i];
}

/// The same of entries that are there.
template <typename E>
[[kernel, max_total_threads_per_threadgroup(256)]] void sort_entries(device const E* entries [[buffer(0)]],
                                                                     device E* sorted [[buffer(1)]],
                                                                     constant mg::SortParams& p [[buffer(2)]],
                                                                     uint group [[threadgroup_position_in_grid]],
                                                                     uint lane [[thread_index_in_threadgroup]],
                                                                     uint threads [[threads_per_threadgroup]]) {
  threadgroup E tile[mg::kTile];
  const uint first = group * mg::kTile, count = min(p.length - first, uint(mg::kTile));
  E few[mg::kEach];
  for (uint k = 0; k < mg::kEach; k++) {
    const uint i = lane * mg::kEach + k;
    few[k] = mg::lastEntry<E>();
    if (i < count) few[k] = entries[first + i];
  }
  mg::sortTile<E>(tile, few, lane, threads);
  for (uint i = lane; i < count; i += threads) sorted[first + i] = tile[i];
}

/// A tile of the result of merging each two neighbouring runs of a row.
template <typename E>
[[kernel, max_total_threads_per_threadgroup(256)]] void sort_merge(device const E* entries [[buffer(0)]],
                                                                   device E* merged [[buffer(1)]],
                                                                   constant mg::SortParams& p [[buffer(2)]],
                                                                   uint group [[threadgroup_position_in_grid]],
                                                                   uint lane [[thread_index_in_threadgroup]],
                                                                   uint threads [[threads_per_threadgroup]]) {
  threadgroup E tile[mg::kTile];
  threadgroup uint split[2];
  const uint row = group / p.tiles, first = (group - row * p.tiles) * mg::kTile;
  const uint pair = uint(first / (2ul * p.run) * (2ul * p.run));
  const uint aCount = min(p.run, p.length - pair), bCount = min(p.run, p.length - pair - aCount);
  device const E* a = entries + long(row) * p.length + pair;
  device const E* b = a + aCount;
  const uint begin = first - pair, end = min(begin + mg::kTile, aCount + bCount);
  if (lane < 2) split[lane] = mg::fromFirst(a, aCount, b, bCount, lane == 0 ? begin : end);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const uint aBegin = split[0], aTaken = split[1] - aBegin, bBegin = begin - aBegin, bTaken = end - begin - aTaken;
  for (uint i = lane; i < aTaken; i += threads) tile[i] = a[aBegin + i];
  for (uint i = lane; i < bTaken; i += threads) tile[aTaken + i] = b[bBegin + i];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const uint taken = lane * mg::kEach, total = aTaken + bTaken;
  if (taken >= total) return;
  const uint count = min(uint(mg::kEach), total - taken);
  E few[mg::kEach];
  threadgroup const E* tileA = tile;
  mg::mergeFew<E>(tileA, aTaken, tileA + aTaken, bTaken, taken, count, few);
  device E* out = merged + long(row) * p.length + first + taken;
  for (uint k = 0; k < count; k++) out[k] = few[k];
}

/// Sorted entries as values or positions, a thread for each.
template <typename Stored, typename E, bool kPositions>
[[kernel, max_total_threads_per_threadgroup(256)]] void sort_finish(
    device const Stored* in [[buffer(0)]], device Stored* values [[buffer(1)]], device uint* positions [[buffer(2)]],
    device const E* entries [[buffer(3)]], constant mg::SortParams& p [[buffer(4)]],
    uint group [[threadgroup_position_in_grid]], uint lane [[thread_index_in_threadgroup]],
    uint threads [[threads_per_threadgroup]]) {
  const long i = long(group) * threads + lane;
  if (i >= p.rows.size * p.length) return;
  const long row = i / p.length;
  long at[2] = {p.in, p.out};
  mg::locate(p.rows, row, at);
  const uint position = mg::positionOf(entries[i]);
  const long to = at[1] + (i - row * p.length) * p.outStride;
  if (kPositions) {
    positions[to] = position;
  } else {
    values[to] = in[at[0] + long(position) * p.inStride];
  }
}
