// Partial sorts: what sorting would put at some places, without sorting. Elements that are equal count in the order in
// which they stand, as for sorts, so there is one result, whatever the number of threads.
//
//   partition  ints: kth; x [rows…, n] → the element that sorting puts at kth there, before it the smaller ones and
//              behind it the others, both in the order in which they stood; and the positions they came from (uint32)
//   topk       ints: k; x [rows…, n] → the last k elements of the sorted row [rows…, k]; and their positions (uint32)
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "cpu/clones.h"
#include "cpu/iteration.h"
#include "cpu/key_entry.h"
#include "cpu/routines/registry.h"
#include "cpu/scratch.h"
#include "cpu/sort_keys.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {
namespace {

/// Elements that one chunk of rows has.
constexpr int64_t kGrain = 1 << 14;
/// Threads share a row of at least so many elements.
constexpr int64_t kLongRow = 1 << 17;
/// Elements that are looked at together: most such blocks hold none of the largest.
constexpr int64_t kBlock = 64;
/// Of rows up to so many times k, the largest are collected by their least one instead of one after the other.
constexpr int64_t kManyOf = 16;

enum { kIn, kValues, kPositions, kArrays };

/// A row in memory.
template <typename Codec>
struct Row {
  const typename Codec::Element* data;
  int64_t stride, length;
  typename Codec::Key key(int64_t i) const { return Codec::order(data[i * stride]); }
};

/// Whether any of kBlock neighbouring elements may be among the largest.
template <typename Codec>
METALGRAD_CLONES bool anyFrom(const typename Codec::Element* x, typename Codec::Key least) {
  bool any = false;
  for (int64_t i = 0; i < kBlock; i++) any |= Codec::order(x[i]) >= least;
  return any;
}

/// The largest entries of what it was given, in room for `capacity` > k of them.
template <typename Codec>
class Largest {
 public:
  using Entry = KeyEntry<Codec>;
  using Type = typename Entry::Type;

  Largest(Type* room, int64_t capacity, int64_t k) : room_(room), capacity_(capacity), k_(k) {}

  /// Elements come in the order of their positions, so of equals the later one counts.
  void add(const Row<Codec>& row, int64_t begin, int64_t end) {
    int64_t i = begin;
    for (; i + kBlock <= end && row.stride == 1; i += kBlock) {
      if (full_ && !anyFrom<Codec>(row.data + i, least_)) continue;
      for (int64_t j = i; j < i + kBlock; j++) add(row.key(j), j);
    }
    for (; i < end; i++) add(row.key(i), i);
  }
  void add(typename Codec::Key key, int64_t position) {
    if (full_ && key < least_) return;
    if (count_ == capacity_) cut();
    room_[count_++] = Entry::of(key, position);
  }
  void add(const Type& entry) { add(Entry::key(entry), Entry::position(entry)); }

  /// Leaves no more than k, and gives how many.
  int64_t cut() {
    if (count_ <= k_) return count_;
    std::nth_element(room_, room_ + k_ - 1, room_ + count_,
                     [](const Type& a, const Type& b) { return Entry::less(b, a); });
    count_ = k_;
    full_ = true;
    least_ = Entry::key(room_[k_ - 1]);
    return k_;
  }

 private:
  Type* room_;
  int64_t capacity_, k_, count_ = 0;
  bool full_ = false;
  typename Codec::Key least_{};
};

/// The entry of a row that sorting puts at `rank`: found among those that share the first digits of its key.
template <typename Codec>
typename KeyEntry<Codec>::Type entryAt(const Row<Codec>& row, int64_t rank) {
  using Entry = KeyEntry<Codec>;
  constexpr int kBits = 8 * sizeof(typename Codec::Key), kDigits = std::min(kBits, 12);
  const auto digits = [](typename Codec::Key key) { return static_cast<size_t>(key >> (kBits - kDigits)); };
  std::array<int64_t, size_t{1} << kDigits> counts{};
  for (int64_t i = 0; i < row.length; i++) counts[digits(row.key(i))]++;
  size_t wanted = 0;
  int64_t before = 0;
  while (wanted + 1 < counts.size() && before + counts[wanted] <= rank) before += counts[wanted++];
  const auto count = static_cast<size_t>(counts[wanted]);
  Scratch<typename Entry::Type> found(count);
  size_t next = 0;
  for (int64_t i = 0; i < row.length && next < count; i++) {
    const auto key = row.key(i);
    if (digits(key) == wanted) found[next++] = Entry::of(key, i);
  }
  // Memory that changes while it is read may hold fewer.
  if (next == 0) return Entry::of(row.key(0), 0);
  const auto place = std::min(next - 1, static_cast<size_t>(rank - before));
  std::nth_element(found.data(), found.data() + place, found.data() + next, Entry::less);
  return found[place];
}

/// Where the results of a row go; either may be left out.
template <typename Codec>
struct Results {
  typename Codec::Element* values;
  uint32_t* positions;
  void put(const Row<Codec>& row, int64_t at, int64_t position) const {
    if (values) values[at] = row.data[position * row.stride];
    if (positions) positions[at] = static_cast<uint32_t>(position);
  }
};

template <typename Codec>
void partitionRow(const Row<Codec>& row, int64_t kth, const Results<Codec>& results) {
  using Entry = KeyEntry<Codec>;
  const auto pivot = entryAt(row, kth);
  const int64_t middle = Entry::position(pivot);
  int64_t low = 0, high = kth + 1;
  for (int64_t i = 0; i < row.length; i++) {
    if (i == middle) continue;
    const bool smaller = Entry::less(Entry::of(row.key(i), i), pivot);
    // Both stay inside, even where memory changes while it is read. Whether a key is smaller cannot be foreseen, so
    // nothing branches on it.
    const bool left = (low < kth) & (smaller | (high == row.length));
    results.put(row, left ? low : high, i);
    low += left;
    high += !left;
  }
  results.put(row, kth, middle);
}

template <typename Codec>
void topkRow(const Row<Codec>& row, int64_t k, const Results<Codec>& results, ThreadPool* pool) {
  using Entry = KeyEntry<Codec>;
  using Type = typename Entry::Type;
  const auto n = row.length;
  // Room for as many again before the smaller half is dropped.
  const int64_t capacity = std::min(n, 2 * k + 1024);
  const auto write = [&](Type* entries, int64_t count) {
    sortKeys(entries, count);
    for (int64_t i = 0; i < count; i++) results.put(row, i, Entry::position(entries[i]));
  };
  if (n <= kManyOf * k) {
    const Type least = entryAt(row, n - k);
    Scratch<Type> entries(static_cast<size_t>(k));
    int64_t count = 0;
    for (int64_t i = 0; i < n && count < k; i++) {
      const Type entry = Entry::of(row.key(i), i);
      entries[static_cast<size_t>(count)] = entry;
      count += !Entry::less(entry, least);
    }
    return write(entries.data(), count);
  }
  const int64_t parts = pool ? std::min<int64_t>(pool->threads(), n / kLongRow + 1) : 1;
  Scratch<Type> rooms(static_cast<size_t>(parts * capacity));
  std::vector<int64_t> counts(static_cast<size_t>(parts));
  const auto collect = [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; part++) {
      Largest<Codec> largest(rooms.data() + part * capacity, capacity, k);
      largest.add(row, n * part / parts, n * (part + 1) / parts);
      counts[static_cast<size_t>(part)] = largest.cut();
    }
  };
  if (parts == 1) {
    collect(0, 1);
    return write(rooms.data(), counts[0]);
  }
  pool->parallelFor(parts, 1, collect);
  Scratch<Type> room(static_cast<size_t>(parts * k));
  Largest<Codec> largest(room.data(), parts * k, k);
  for (int64_t part = 0; part < parts; part++) {
    for (int64_t i = 0; i < counts[static_cast<size_t>(part)]; i++)
      largest.add(rooms[static_cast<size_t>(part * capacity + i)]);
  }
  write(room.data(), largest.cut());
}

/// Calls body(row, results, pool) for each row, with a pool where threads share it.
template <typename Codec, typename Body>
void eachRow(const RoutineStep& step, const Run& run, const Body& body) {
  using Element = typename Codec::Element;
  const Array& in = step.inputs[0];
  const size_t last = in.shape.size() - 1;
  const int64_t length = in.shape[last], stride = in.operand.strides[last];
  const auto along = [&](size_t output, size_t axis) {
    return step.outputs[output].absent() ? 0 : step.outputs[output].operand.strides[axis];
  };
  Space<kArrays> rows;
  for (size_t axis = 0; axis < last; axis++) {
    rows.append(in.shape[axis], {in.operand.strides[axis], along(0, axis), along(1, axis)});
  }
  const auto* from = reinterpret_cast<const Element*>(run.at(in.operand));
  const auto address = [&](size_t output) {
    return step.outputs[output].absent() ? nullptr : run.at(step.outputs[output].operand);
  };
  auto* values = reinterpret_cast<Element*>(address(0));
  auto* positions = reinterpret_cast<uint32_t*>(address(1));
  const int64_t count = rows.size();
  const bool shared = length >= kLongRow && count < 2 * run.pool.threads();
  const auto some = [&](int64_t begin, int64_t end) {
    Odometer<kArrays> at(rows, begin);
    for (int64_t i = begin; i < end; i++, at.next()) {
      const Row<Codec> row{from + at.offsets[kIn], stride, length};
      const Results<Codec> results{values ? values + at.offsets[kValues] : nullptr,
                                   positions ? positions + at.offsets[kPositions] : nullptr};
      body(row, results, shared ? &run.pool : nullptr);
    }
  };
  if (shared) return some(0, count);
  run.pool.parallelFor(count, std::max<int64_t>(1, kGrain / length), some);
}

std::string checkRows(const RoutineStep& step, bool whole) {
  if (step.ints.size() != 1 || !step.args.empty() || step.inputs.size() != 1 || step.outputs.size() != 2)
    return "wrong numbers of integers, arguments or arrays";
  const Array& in = step.inputs[0];
  if (in.shape.empty()) return "there are no rows";
  const int64_t length = in.shape.back(), place = step.ints[0];
  if (length >= int64_t{1} << 32) return "a position does not fit uint32";
  if (place < 0 || place > length || (whole && place == length)) return "no such place";
  std::vector<int64_t> shape = in.shape;
  if (!whole) shape.back() = place;
  if (step.outputs[0].shape != shape || step.outputs[1].shape != shape) return "shapes do not fit";
  if (step.outputs[0].operand.dtype != in.operand.dtype) return "values are of one dtype";
  if (step.outputs[1].operand.dtype != Dtype::uint32) return "positions are uint32";
  return {};
}
std::string checkPartition(const RoutineStep& step) { return checkRows(step, true); }
std::string checkTopk(const RoutineStep& step) { return checkRows(step, false); }

void runPartition(const RoutineStep& step, const Run& run) {
  withKeys(step.inputs[0].operand.dtype, [&]<typename Codec>() {
    eachRow<Codec>(step, run, [&](const Row<Codec>& row, const Results<Codec>& results, ThreadPool*) {
      partitionRow(row, step.ints[0], results);
    });
  });
}

void runTopk(const RoutineStep& step, const Run& run) {
  withKeys(step.inputs[0].operand.dtype, [&]<typename Codec>() {
    eachRow<Codec>(step, run, [&](const Row<Codec>& row, const Results<Codec>& results, ThreadPool* pool) {
      topkRow(row, step.ints[0], results, pool);
    });
  });
}

constexpr uint32_t kBoth = 0b11;
const RoutineRegistration partitions(Routine::partition,
                                     {.check = checkPartition, .run = runPartition, .optionalOutputs = kBoth});
const RoutineRegistration largest(Routine::topk, {.check = checkTopk, .run = runTopk, .optionalOutputs = kBoth});

}  // namespace
}  // namespace metalgrad::cpu
