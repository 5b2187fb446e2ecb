// Scans along an axis. A threadgroup scans a row, or a chunk of a long one, in tiles of 1024 elements: each thread
// takes four in order, SIMD groups combine their threads' states by shuffles, and what came before is carried on. Of
// long rows the states of all chunks come first, then a threadgroup a row makes what comes before each. Where the
// scanned axis is not the innermost one a thread scans a row alone, neighbouring threads neighbouring rows.
#include <metal_stdlib>

#include "elements.h"
#include "scan_operations.h"
#include "space.h"

using namespace metal;

namespace mg {

enum { kScanThreads = 256, kScanEach = 4 };

/// Every state of a threadgroup's threads before this one's, in order, with `carry` before them all; `carry` becomes
/// the state after all. All 256 threads call it.
template <typename Op>
inline typename Op::State scanThreads(typename Op::State own, thread typename Op::State& carry, threadgroup uint4* sums,
                                      uint simdgroup, uint lane) {
  typename Op::State inclusive = own;
  for (ushort delta = 1; delta < 32; delta *= 2) {
    const uint4 words = simd_shuffle_up(Op::pack(inclusive), delta);
    if (lane >= delta) inclusive = Op::combine(Op::unpack(words), inclusive);
  }
  const uint4 before = simd_shuffle_up(Op::pack(inclusive), ushort(1));
  if (lane == 31) sums[simdgroup] = Op::pack(inclusive);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  typename Op::State exclusive = carry;
  for (uint i = 0; i < kScanThreads / 32; i++) {
    if (i == simdgroup) exclusive = carry;
    carry = Op::combine(carry, Op::unpack(sums[i]));
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (lane == 0) return exclusive;
  return Op::combine(exclusive, Op::unpack(before));
}

}  // namespace mg

/// The state of each chunk of each row.
template <typename Op>
[[kernel, max_total_threads_per_threadgroup(256)]] void scan_chunks(device const typename Op::Stored* in [[buffer(0)]],
                                                                    device uint4* states [[buffer(1)]],
                                                                    constant mg::ScanParams& p [[buffer(2)]],
                                                                    uint group [[threadgroup_position_in_grid]],
                                                                    uint tid [[thread_index_in_threadgroup]],
                                                                    uint simdgroup [[simdgroup_index_in_threadgroup]],
                                                                    uint lane [[thread_index_in_simdgroup]]) {
  typedef typename Op::State State;
  threadgroup uint4 sums[mg::kScanThreads / 32];
  const long row = group / p.chunks, chunk = group % p.chunks;
  long at[4] = {p.in, 0, 0, 0};
  mg::locate(p.rows, row, at);
  const long begin = chunk * p.chunkLength, end = min(p.length, begin + p.chunkLength);
  State carry = Op::initial();
  for (long tile = begin; tile < end; tile += mg::kScanThreads * mg::kScanEach) {
    const long first = tile + long(tid) * mg::kScanEach;
    State own = Op::initial();
    for (long i = first; i < min(end, first + mg::kScanEach); i++) {
      const uint index = uint(p.reverse != 0 ? p.length - 1 - i : i);
      own = Op::combine(own, Op::of(mg::Element<typename Op::Stored>::load(in[at[0] + i * p.inStep]), index));
    }
    mg::scanThreads<Op>(own, carry, sums, simdgroup, lane);
  }
  if (tid == 0) states[group] = Op::pack(carry);
}

/// The states of a row's chunks become those before them.
template <typename Op>
[[kernel, max_total_threads_per_threadgroup(256)]] void scan_states(device uint4* states [[buffer(0)]],
                                                                    constant mg::ScanParams& p [[buffer(1)]],
                                                                    uint group [[threadgroup_position_in_grid]],
                                                                    uint tid [[thread_index_in_threadgroup]],
                                                                    uint simdgroup [[simdgroup_index_in_threadgroup]],
                                                                    uint lane [[thread_index_in_simdgroup]]) {
  typedef typename Op::State State;
  threadgroup uint4 sums[mg::kScanThreads / 32];
  device uint4* row = states + long(group) * p.chunks;
  State carry = Op::initial();
  for (long tile = 0; tile < p.chunks; tile += mg::kScanThreads) {
    const long chunk = tile + tid;
    State own = Op::initial();
    if (chunk < p.chunks) own = Op::unpack(row[chunk]);
    const State before = mg::scanThreads<Op>(own, carry, sums, simdgroup, lane);
    if (chunk < p.chunks) row[chunk] = Op::pack(before);
  }
}

/// A chunk of a row: all of it where there is one chunk.
template <typename Op, bool kPositions>
[[kernel, max_total_threads_per_threadgroup(256)]] void scan_rows(
    device const typename Op::Stored* in [[buffer(0)]], device const uint4* states [[buffer(1)]],
    device typename Op::Stored* out [[buffer(2)]], device uint* positions [[buffer(3)]],
    constant mg::ScanParams& p [[buffer(4)]], uint group [[threadgroup_position_in_grid]],
    uint tid [[thread_index_in_threadgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
    uint lane [[thread_index_in_simdgroup]]) {
  typedef typename Op::State State;
  typedef mg::Element<typename Op::Stored> Element;
  threadgroup uint4 sums[mg::kScanThreads / 32];
  const long row = group / p.chunks, chunk = group % p.chunks;
  long at[4] = {p.in, 0, p.out, p.positions};
  mg::locate(p.rows, row, at);
  const long begin = chunk * p.chunkLength, end = min(p.length, begin + p.chunkLength);
  State carry = Op::initial();
  if (p.chunks > 1) carry = Op::unpack(states[group]);
  for (long tile = begin; tile < end; tile += mg::kScanThreads * mg::kScanEach) {
    const long first = tile + long(tid) * mg::kScanEach;
    State few[mg::kScanEach];
    State own = Op::initial();
    for (int k = 0; k < mg::kScanEach; k++) {
      const long i = first + k;
      few[k] = Op::initial();
      if (i >= end) continue;
      const uint index = uint(p.reverse != 0 ? p.length - 1 - i : i);
      few[k] = Op::of(Element::load(in[at[0] + i * p.inStep]), index);
      own = Op::combine(own, few[k]);
    }
    State state = mg::scanThreads<Op>(own, carry, sums, simdgroup, lane);
    for (int k = 0; k < mg::kScanEach; k++) {
      const long i = first + k;
      if (i >= end) continue;
      const State after = Op::combine(state, few[k]);
      const State given = p.inclusive != 0 ? after : state;
      out[at[2] + i * p.outStep] = Element::store(Op::value(given));
      if (kPositions) positions[at[3] + i * p.positionsStep] = Op::position(given);
      state = after;
    }
  }
}

/// A thread a row.
template <typename Op, bool kPositions>
[[kernel, max_total_threads_per_threadgroup(256)]] void scan_columns(device const typename Op::Stored* in [[buffer(0)]],
                                                                     device typename Op::Stored* out [[buffer(1)]],
                                                                     device uint* positions [[buffer(2)]],
                                                                     constant mg::ScanParams& p [[buffer(3)]],
                                                                     uint group [[threadgroup_position_in_grid]],
                                                                     uint lane [[thread_index_in_threadgroup]],
                                                                     uint threads [[threads_per_threadgroup]]) {
  typedef typename Op::State State;
  typedef mg::Element<typename Op::Stored> Element;
  const long row = long(group) * threads + lane;
  if (row >= p.rows.size) return;
  long at[4] = {p.in, 0, p.out, p.positions};
  mg::locate(p.rows, row, at);
  State state = Op::initial();
  for (long i = 0; i < p.length; i++) {
    const uint index = uint(p.reverse != 0 ? p.length - 1 - i : i);
    const State after = Op::combine(state, Op::of(Element::load(in[at[0] + i * p.inStep]), index));
    const State given = p.inclusive != 0 ? after : state;
    out[at[2] + i * p.outStep] = Element::store(Op::value(given));
    if (kPositions) positions[at[3] + i * p.positionsStep] = Op::position(given);
    state = after;
  }
}

/// h[i] = a[i] · h[i - 1] + b[i], a thread a row: a product of several a may overflow where the row does not.
template <typename T>
[[kernel, max_total_threads_per_threadgroup(256)]] void recurrence(
    device const T* a [[buffer(0)]], device const T* b [[buffer(1)]], device T* out [[buffer(2)]],
    constant mg::ScanParams& p [[buffer(3)]], uint group [[threadgroup_position_in_grid]],
    uint lane [[thread_index_in_threadgroup]], uint threads [[threads_per_threadgroup]]) {
  typedef mg::Element<T> Element;
  const long row = long(group) * threads + lane;
  if (row >= p.rows.size) return;
  long at[4] = {p.in, p.second, p.out, 0};
  mg::locate(p.rows, row, at);
  mg::RecurrenceState<typename Element::Wide> state;
  state.clear();
  for (long i = 0; i < p.length; i++) {
    state.step(Element::load(a[at[0] + i * p.inStep]), Element::load(b[at[1] + i * p.secondStep]));
    out[at[2] + i * p.outStep] = Element::store(state.value());
  }
}
