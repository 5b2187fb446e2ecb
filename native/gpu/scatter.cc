// The scatter step: offsets of the slices, then one of three ways. Few slices go one after another; sums of 32-bit
// integers are atomic; all others are sorted by where they go, so that each place sees its updates in order.
#include <array>
#include <memory>
#include <string>

#include "gpu/index_positions.h"
#include "gpu/operands.h"
#include "gpu/sort_entries.h"

namespace metalgrad::gpu {
namespace {

/// So many slices go one after another.
constexpr int64_t kFewSlices = 8;

enum class Way : uint8_t { inOrder, atomic, sorted };

class PreparedScatter final : public PreparedStep {
 public:
  Operand target, updates;
  Way way = Way::inOrder;
  IndexPositions positions;
  mg::ScatterParams params{};
  /// Sorted are the elements of slices, not the slices.
  bool elements = false;
  std::shared_ptr<const Pipeline> apply, makeEntries;
  EntrySort sort;

  Outcome encode(const Run& run) const override {
    const int64_t total = params.count * params.slice.size;
    if (total == 0) return {};
    mg::ScatterParams bytes = params;
    bytes.target = run.offset(target);
    bytes.updates = run.offset(updates);
    const size_t size = static_cast<size_t>(params.count) * sizeof(int64_t);
    const Range offsets = run.submission.scratch(size);
    if (!offsets.object) return outOfScratch(size);
    positions.encode(run, offsets);
    Range third = offsets;
    if (way == Way::sorted) {
      const size_t entryBytes = static_cast<size_t>(params.entries) * sizeof(uint64_t);
      const Range entries = run.submission.scratch(entryBytes), other = run.submission.scratch(entryBytes);
      if (!entries.object || !other.object) return outOfScratch(2 * entryBytes);
      const std::array made{reading(offsets), writing(entries)};
      run.submission.dispatch(*makeEntries, made, bytes, groupsFor(params.entries), {kThreads, 1, 1});
      third = sort.sort(run, entries, other, params.entries);
    }
    const std::array bindings{writing(run, target), reading(run, updates), reading(third)};
    const int64_t threads = way == Way::inOrder ? params.slice.size : total;
    run.submission.dispatch(*apply, bindings, bytes, groupsFor(threads), {kThreads, 1, 1});
    return {};
  }
};

std::string_view operation(ScatterMode mode) {
  switch (mode) {
    case ScatterMode::set:
      return "mg::Set";
    case ScatterMode::add:
      return "mg::Add";
    case ScatterMode::multiply:
      return "mg::Multiply";
    case ScatterMode::maximum:
      return "mg::Maximum";
    case ScatterMode::minimum:
      return "mg::Minimum";
  }
  return {};
}

std::string_view typeFor(ScatterMode mode, Dtype dtype) {
  if (mode == ScatterMode::set) return bitsType(itemSize(dtype));
  const bool ordered = mode == ScatterMode::maximum || mode == ScatterMode::minimum;
  return ordered ? elementType(dtype) : wrappingType(dtype);
}

}  // namespace

Prepared prepare(const ScatterStep& step, Pipelines& pipelines, Outcome& outcome) {
  if (step.target.dtype == Dtype::float64 && step.mode != ScatterMode::set) return nullptr;
  auto prepared = std::make_unique<PreparedScatter>();
  const size_t rank = step.indexShape.size();
  const Space<1> index = spaceOf(step.indexShape, std::span(step.updates.strides).first(rank));
  Space<2> slice;
  for (size_t i = 0; i < step.sliceShape.size(); i++) {
    slice.append(step.sliceShape[i], {step.target.strides[i], step.updates.strides[rank + i]});
  }
  const auto shaderIndex = shaderSpace(index);
  const auto shaderSlice = shaderSpace(slice);
  if (!shaderIndex || !shaderSlice) return nullptr;
  bool windows = false;
  for (const uint32_t axis : step.axes) windows |= step.sliceShape[axis] > 1;
  if (!prepared->positions.prepare(step.indices, step.axes, step.indexShape, step.targetShape, step.sliceShape,
                                   step.target, pipelines, outcome)) {
    return nullptr;
  }
  const int64_t count = prepared->positions.count();
  const double total = static_cast<double>(count) * static_cast<double>(shaderSlice->size);
  if (total > static_cast<double>(kMostElements)) return nullptr;
  mg::ScatterParams& params = prepared->params;
  prepared->target = step.target;
  prepared->updates = step.updates;
  params.count = count;
  params.index = *shaderIndex;
  params.slice = *shaderSlice;
  params.low = prepared->positions.low();
  int64_t reach = prepared->positions.high() - params.low;
  const auto instance = [&](std::string_view kernel, const std::string& types) {
    return pipelines.instance("scatter.metal", kernel, types, {}, outcome);
  };
  const std::string_view type = typeFor(step.mode, step.target.dtype), op = operation(step.mode);
  const bool inOrder = count == 1 || (!windows && (count <= kFewSlices || step.indices.empty()));
  const bool word = step.target.dtype == Dtype::int32 || step.target.dtype == Dtype::uint32;
  if (inOrder) {
    prepared->apply = instance("scatter_in_order", arguments({type, op}));
  } else if (word && step.mode == ScatterMode::add) {
    prepared->way = Way::atomic;
    prepared->apply = instance("scatter_add_atomic", "uint");
  } else {
    prepared->way = Way::sorted;
    prepared->elements = windows;
    params.entries = windows ? count * shaderSlice->size : count;
    if (windows) {
      for (int axis = 0; axis < slice.rank; axis++) {
        const int64_t along =
            (slice.shape[static_cast<size_t>(axis)] - 1) * slice.strides[static_cast<size_t>(axis)][0];
        if (along < 0) params.low += along;
        reach += along < 0 ? -along : along;
      }
    }
    // Both halves of an entry have 32 bits.
    if (params.entries > kLongestSort || reach >= int64_t{1} << 32) return nullptr;
    prepared->makeEntries = instance("scatter_entries", std::string(flag(windows)));
    if (!prepared->makeEntries || !prepared->sort.prepare("ulong", pipelines, outcome)) return nullptr;
    prepared->apply =
        instance("scatter_sorted", arguments({type, op, flag(windows), flag(step.mode == ScatterMode::set)}));
  }
  if (!prepared->apply) return nullptr;
  return prepared;
}

}  // namespace metalgrad::gpu
