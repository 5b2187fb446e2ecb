// The sort step. A row that one threadgroup holds is one dispatch; longer rows become sorted tiles of entries, whose
// runs are merged pair by pair, and the entries become values or positions.
#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <string>
#include <utility>

#include "gpu/sort_entries.h"
#include "gpu/sort_keys.h"

namespace metalgrad::gpu {

std::string_view sortKey(Dtype dtype) {
  switch (dtype) {
    case Dtype::bool_:
    case Dtype::uint8:
      return "mg::IntegerKey<uchar>";
    case Dtype::uint16:
      return "mg::IntegerKey<ushort>";
    case Dtype::uint32:
      return "mg::IntegerKey<uint>";
    case Dtype::uint64:
      return "mg::UlongKey";
    case Dtype::int8:
      return "mg::IntegerKey<char>";
    case Dtype::int16:
      return "mg::IntegerKey<short>";
    case Dtype::int32:
      return "mg::IntegerKey<int>";
    case Dtype::int64:
      return "mg::LongKey";
    case Dtype::float16:
      return "mg::HalfKey";
    case Dtype::bfloat16:
      return "mg::BfloatKey";
    case Dtype::float32:
      return "mg::FloatKey";
    case Dtype::complex64:
      return "mg::ComplexKey";
    case Dtype::float64:
      break;
  }
  return {};
}

bool EntrySort::prepare(std::string_view entry, Pipelines& pipelines, Outcome& outcome) {
  tiles_ = pipelines.instance("sort.metal", "sort_entries", entry, {}, outcome);
  if (tiles_) merge_ = pipelines.instance("sort.metal", "sort_merge", entry, {}, outcome);
  return tiles_ && merge_;
}

Range EntrySort::sort(const Run& run, const Range& entries, const Range& other, int64_t length) const {
  mg::SortParams params{};
  params.length = static_cast<uint32_t>(length);
  const std::array bindings{reading(entries), writing(other)};
  run.submission.dispatch(*tiles_, bindings, params, groupsFor(length, kSortTile), {kSortTile / kSortEach, 1, 1});
  return merge(run, other, entries, length, 1);
}

Range EntrySort::merge(const Run& run, const Range& entries, const Range& other, int64_t length, int64_t rows) const {
  Range from = entries, to = other;
  mg::SortParams params{};
  params.length = static_cast<uint32_t>(length);
  params.tiles = groupsFor(length, kSortTile).x;
  const Size groups{static_cast<uint32_t>(params.tiles * rows), 1, 1};
  for (int64_t sorted = kSortTile; sorted < length; sorted *= 2) {
    params.run = static_cast<uint32_t>(sorted);
    const std::array bindings{reading(from), writing(to)};
    run.submission.dispatch(*merge_, bindings, params, groups, {kSortTile / kSortEach, 1, 1});
    std::swap(from, to);
  }
  return from;
}

namespace {

class PreparedSort final : public PreparedStep {
 public:
  Operand in, out;
  mg::SortParams params{};
  size_t entrySize = 0;
  bool indices = false;
  std::shared_ptr<const Pipeline> first, finish;
  EntrySort entries;

  Outcome encode(const Run& run) const override {
    const int64_t length = params.length, rows = params.rows.size;
    if (length == 0 || rows == 0) return {};
    mg::SortParams bytes = params;
    bytes.in = run.offset(in);
    bytes.out = run.offset(out);
    // Values or positions are written; the other's place has what is not touched.
    const Binding none = reading(run, in), result = writing(run, out);
    const Binding values = indices ? none : result, positions = indices ? result : none;
    if (!finish) {
      const auto threads =
          static_cast<uint32_t>(std::bit_ceil(static_cast<uint64_t>((length + kSortEach - 1) / kSortEach)));
      const std::array bindings{reading(run, in), values, positions};
      run.submission.dispatch(*first, bindings, bytes, {static_cast<uint32_t>(rows), 1, 1},
                              {std::max(threads, uint32_t{32}), 1, 1});
      return {};
    }
    bytes.tiles = groupsFor(length, kSortTile).x;
    const size_t size = static_cast<size_t>(length * rows) * entrySize;
    const Range made = run.submission.scratch(size), other = run.submission.scratch(size);
    if (!made.object || !other.object) return outOfScratch(2 * size);
    const std::array tiles{reading(run, in), writing(made)};
    run.submission.dispatch(*first, tiles, bytes, {static_cast<uint32_t>(bytes.tiles * rows), 1, 1},
                            {kSortTile / kSortEach, 1, 1});
    const Range sorted = entries.merge(run, made, other, length, rows);
    const std::array bindings{reading(run, in), values, positions, reading(sorted)};
    run.submission.dispatch(*finish, bindings, bytes, groupsFor(length * rows), {kThreads, 1, 1});
    return {};
  }
};

}  // namespace

Prepared prepare(const SortStep& step, Pipelines& pipelines, Outcome& outcome) {
  if (step.in.dtype == Dtype::float64) return nullptr;
  auto prepared = std::make_unique<PreparedSort>();
  const size_t axes = step.rows.size();
  Space<2> rows;
  for (size_t i = 0; i < axes; i++) rows.append(step.rows[i], {step.in.strides[i], step.out.strides[i]});
  const auto space = shaderSpace(rows);
  const double tiles = static_cast<double>(rows.size()) * static_cast<double>(step.length / kSortTile + 1);
  if (!space || step.length > kLongestSort || tiles > static_cast<double>(kLongestSort)) return nullptr;
  prepared->in = step.in;
  prepared->out = step.out;
  prepared->params.inStride = step.in.strides[axes];
  prepared->params.outStride = step.out.strides[axes];
  prepared->params.length = static_cast<uint32_t>(step.length);
  prepared->params.rows = *space;
  const bool wide = itemSize(step.in.dtype) == 8;
  const std::string_view key = sortKey(step.in.dtype), entry = wide ? "ulong2" : "ulong";
  prepared->entrySize = wide ? 16 : 8;
  prepared->indices = step.indices;
  const auto instance = [&](std::string_view kernel, const std::string& types) {
    return pipelines.instance("sort.metal", kernel, types, {}, outcome);
  };
  if (step.length <= kSortTile) {
    prepared->first = instance("sort_rows", arguments({key, entry, flag(step.indices)}));
    if (!prepared->first) return nullptr;
    return prepared;
  }
  prepared->first = instance("sort_tiles", arguments({key, entry}));
  if (!prepared->first || !prepared->entries.prepare(entry, pipelines, outcome)) return nullptr;
  prepared->finish =
      instance("sort_finish", "typename " + std::string(key) + "::Stored, " + arguments({entry, flag(step.indices)}));
  if (!prepared->finish) return nullptr;
  return prepared;
}

}  // namespace metalgrad::gpu
