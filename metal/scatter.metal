// Updates applied to slices of a target with the result of one loop in row-major order. Where updates may meet, slices
// (or, where slices may overlap without being equal, their elements) are sorted by where they go, then by their number;
// a thread applies all updates of one place in order. A threadgroup does neighbouring elements of the target.
#include <metal_stdlib>

#include "elements.h"
#include "space.h"

using namespace metal;

namespace mg {

struct Set {
  template <typename T>
  static T apply(T, T update) {
    return update;
  }
};

struct Add {
  template <typename T>
  static T apply(T target, T update) {
    return plus(target, update);
  }
};

struct Multiply {
  template <typename T>
  static T apply(T target, T update) {
    return times(target, update);
  }
};

struct Maximum {
  template <typename T>
  static T apply(T target, T update) {
    return hasNan(target) || !(isLess(target, update) || hasNan(update)) ? target : update;
  }
};

struct Minimum {
  template <typename T>
  static T apply(T target, T update) {
    return hasNan(target) || !(isLess(update, target) || hasNan(update)) ? target : update;
  }
};

}  // namespace mg

/// All slices in order, for each element of the slice one thread: few slices, or slices that are all at one place.
template <typename T, typename Op>
[[kernel, max_total_threads_per_threadgroup(256)]] void scatter_in_order(
    device T* target [[buffer(0)]], device const T* updates [[buffer(1)]], device const long* offsets [[buffer(2)]],
    constant mg::ScatterParams& p [[buffer(3)]], uint group [[threadgroup_position_in_grid]],
    uint lane [[thread_index_in_threadgroup]], uint threads [[threads_per_threadgroup]]) {
  typedef mg::Element<T> Element;
  const long s = long(group) * threads + lane;
  if (s >= p.slice.size) return;
  long element[2] = {p.target, p.updates};
  mg::locate(p.slice, s, element);
  for (long i = 0; i < p.count; i++) {
    long from[1] = {element[1]};
    mg::locate(p.index, i, from);
    device T& to = target[element[0] + offsets[i]];
    to = Element::store(Op::apply(Element::load(to), Element::load(updates[from[0]])));
  }
}

/// Sums of 32-bit integers do not depend on their order: a thread for each update.
template <typename T>
[[kernel, max_total_threads_per_threadgroup(256)]] void scatter_add_atomic(device atomic_uint* target [[buffer(0)]],
                                                                           device const T* updates [[buffer(1)]],
                                                                           device const long* offsets [[buffer(2)]],
                                                                           constant mg::ScatterParams& p [[buffer(3)]],
                                                                           uint group [[threadgroup_position_in_grid]],
                                                                           uint lane [[thread_index_in_threadgroup]],
                                                                           uint threads [[threads_per_threadgroup]]) {
  const long position = long(group) * threads + lane;
  if (position >= p.count * p.slice.size) return;
  const long i = position / p.slice.size;
  long element[2] = {p.target, p.updates}, from[1] = {0};
  mg::locate(p.slice, position - i * p.slice.size, element);
  mg::locate(p.index, i, from);
  atomic_fetch_add_explicit(&target[element[0] + offsets[i]], updates[element[1] + from[0]], memory_order_relaxed);
}

/// What is sorted: where an update goes, above its number. With kElements each element of each slice is an update.
template <bool kElements>
[[kernel, max_total_threads_per_threadgroup(256)]] void scatter_entries(device const long* offsets [[buffer(0)]],
                                                                        device ulong* entries [[buffer(1)]],
                                                                        constant mg::ScatterParams& p [[buffer(2)]],
                                                                        uint group [[threadgroup_position_in_grid]],
                                                                        uint lane [[thread_index_in_threadgroup]],
                                                                        uint threads [[threads_per_threadgroup]]) {
  const long position = long(group) * threads + lane;
  if (position >= p.entries) return;
  long at = offsets[kElements ? position / p.slice.size : position] - p.low;
  if (kElements) {
    long element[2] = {0, 0};
    mg::locate(p.slice, position % p.slice.size, element);
    at += element[0];
  }
  entries[position] = ulong(at) << 32 | ulong(position);
}

/// The first thread of those whose entries go to one place applies them all, in order; where the last update is set,
/// the last thread.
template <typename T, typename Op, bool kElements, bool kLastOnly>
[[kernel, max_total_threads_per_threadgroup(256)]] void scatter_sorted(
    device T* target [[buffer(0)]], device const T* updates [[buffer(1)]], device const ulong* entries [[buffer(2)]],
    constant mg::ScatterParams& p [[buffer(3)]], uint group [[threadgroup_position_in_grid]],
    uint lane [[thread_index_in_threadgroup]], uint threads [[threads_per_threadgroup]]) {
  typedef mg::Element<T> Element;
  const long position = long(group) * threads + lane;
  const long sliceSize = kElements ? 1 : p.slice.size;
  if (position >= p.entries * sliceSize) return;
  const long first = position / sliceSize;
  const ulong entry = entries[first];
  const uint place = uint(entry >> 32);
  long element[2] = {0, 0};
  if (!kElements) mg::locate(p.slice, position - first * sliceSize, element);
  device T* to = target + p.target + p.low + long(place) + element[0];
  long end = first + 1;
  if (kLastOnly) {
    if (end < p.entries && uint(entries[end] >> 32) == place) return;
  } else {
    if (first > 0 && uint(entries[first - 1] >> 32) == place) return;
    while (end < p.entries && uint(entries[end] >> 32) == place) end++;
  }
  typename Element::Wide value = Element::load(*to);
  for (long k = first; k < end; k++) {
    const long number = long(entries[k] & 0xffffffff);
    long update[2] = {0, 0}, from[1] = {p.updates + element[1]};
    if (kElements) mg::locate(p.slice, number % p.slice.size, update);
    mg::locate(p.index, kElements ? number / p.slice.size : number, from);
    // Rounded at every update, as memory would.
    value = Element::load(Element::store(Op::apply(value, Element::load(updates[from[0] + update[1]]))));
  }
  *to = Element::store(value);
}
