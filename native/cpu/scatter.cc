// The scatter step. Its result is that of one loop in row-major order whatever the number of threads: each thread owns
// part of the target and applies to it, in order, all the updates that fall there.
#include <algorithm>
#include <array>
#include <cstring>

#include "cpu/executor.h"
#include "cpu/iteration.h"
#include "cpu/positions.h"
#include "cpu/scatter_ops.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {
namespace {

constexpr int64_t kBlock = 256;
/// Fewer updates than this run on the caller alone.
constexpr int64_t kSmall = 1 << 14;
/// Updates that one chunk of a large slice applies.
constexpr int64_t kGrain = 1 << 15;
/// Threads split the slices where each gets runs of at least this many elements.
constexpr int64_t kLongRun = 256;
/// Every thread reads all indices to find its own: more threads than this do not pay.
constexpr int kMostOwners = 16;

enum { kTarget, kUpdates };

struct Scatter {
  Positions positions;
  Space<1> updatesIndex;  // of updates over the index shape
  Space<2> slice;
  std::byte* target;
  const std::byte* updates;
};

/// One of several owners of the target, told apart by the offset where a slice starts.
struct Owner {
  int64_t number = 0, owners = 1;

  bool owns(int64_t offset) const {
    // Neighbouring offsets, on the same cache lines, have the same owner.
    const uint64_t hash = static_cast<uint64_t>(offset >> 7) * 0x9e3779b97f4a7c15u >> 32;
    return static_cast<int64_t>(hash * static_cast<uint64_t>(owners) >> 32) == number;
  }
};

template <ScatterMode mode, typename T>
void apply(T* target, int64_t targetStride, const T* updates, int64_t updatesStride, int64_t count) {
  if (targetStride == 1 && updatesStride == 1) {
    if constexpr (mode == ScatterMode::set) {
      std::memmove(target, updates, static_cast<size_t>(count) * sizeof(T));
    } else {
      for (int64_t i = 0; i < count; i++) target[i] = combine<mode>(target[i], updates[i]);
    }
    return;
  }
  for (int64_t i = 0; i < count; i++) {
    T& element = target[i * targetStride];
    element = combine<mode>(element, updates[i * updatesStride]);
  }
}

/// Elements [from, to) of the slices at all indices, in order, as far as `owner` owns them.
template <ScatterMode mode, typename T>
void scatterPart(const Scatter& scatter, int64_t from, int64_t to, const Owner& owner) {
  T* target = reinterpret_cast<T*>(scatter.target);
  const T* updates = reinterpret_cast<const T*>(scatter.updates);
  const Space<2>& slice = scatter.slice;
  Space<2> outer = slice;
  int64_t length = 1;
  std::array<int64_t, 2> stride{0, 0};
  if (slice.rank > 0) {
    length = slice.shape[slice.rank - 1];
    stride = slice.strides[slice.rank - 1];
    outer.dropLast();
  }
  const Odometer<2> firstLine(outer, from / length);
  std::array<int64_t, kBlock> targetOffsets, updatesOffsets, owned;
  for (int64_t begin = 0; begin < scatter.positions.count(); begin += kBlock) {
    const int64_t count = std::min(kBlock, scatter.positions.count() - begin);
    const auto block = [&](std::array<int64_t, kBlock>& offsets) {
      return std::span(offsets).first(static_cast<size_t>(count));
    };
    scatter.positions.read(begin, block(targetOffsets));
    readOffsets(scatter.updatesIndex, begin, block(updatesOffsets));
    const bool shared = owner.owners > 1;
    int64_t mine = count;
    if (shared) {
      scatter.positions.readDisjoint(begin, block(owned));
      // No branch: whose an update is cannot be predicted.
      mine = 0;
      for (int64_t i = 0; i < count; i++) {
        const bool owns = owner.owns(owned[i]);
        targetOffsets[mine] = targetOffsets[i];
        updatesOffsets[mine] = updatesOffsets[i];
        mine += owns;
      }
    }
    if (length == 1) {
      for (int64_t i = 0; i < mine; i++) {
        T& element = target[targetOffsets[i]];
        element = combine<mode>(element, updates[updatesOffsets[i]]);
      }
      continue;
    }
    for (int64_t i = 0; i < mine; i++) {
      T* to0 = target + targetOffsets[i];
      const T* from0 = updates + updatesOffsets[i];
      Odometer<2> line = firstLine;
      for (int64_t at = from, start = from % length; at < to; start = 0, line.next()) {
        const int64_t run = std::min(length - start, to - at);
        apply<mode>(to0 + line.offsets[kTarget] + start * stride[kTarget], stride[kTarget],
                    from0 + line.offsets[kUpdates] + start * stride[kUpdates], stride[kUpdates], run);
        at += run;
      }
    }
  }
}

template <ScatterMode mode, typename T>
void scatterAll(const Scatter& scatter, ThreadPool& pool) {
  const int64_t sliceSize = scatter.slice.size(), indices = scatter.positions.count();
  const int threads = pool.threads();
  const Positions& positions = scatter.positions;
  // Elements of one slice never meet; those of different slices at the same place of the slice do, unless the slices
  // are windows that overlap.
  const bool splitSlices = indices == 1 || !positions.windows();
  if (threads == 1 || sliceSize * indices < kSmall) {
    scatterPart<mode, T>(scatter, 0, sliceSize, Owner{});
  } else if (splitSlices && sliceSize >= threads * kLongRun) {
    const int64_t even = (sliceSize + threads - 1) / threads;
    const int64_t grain = std::max(std::min(even, kGrain), kLongRun);
    pool.parallelFor(sliceSize, grain,
                     [&](int64_t begin, int64_t end) { scatterPart<mode, T>(scatter, begin, end, Owner{}); });
  } else if (positions.disjoint()) {
    const int64_t owners = std::min(threads, kMostOwners);
    pool.parallelFor(owners, 1, [&](int64_t begin, int64_t end) {
      for (int64_t number = begin; number < end; number++) {
        scatterPart<mode, T>(scatter, 0, sliceSize, Owner{number, owners});
      }
    });
  } else {
    scatterPart<mode, T>(scatter, 0, sliceSize, Owner{});
  }
}

template <typename T>
void runTyped(ScatterMode mode, const Scatter& scatter, ThreadPool& pool) {
  switch (mode) {
    case ScatterMode::set:
      return scatterAll<ScatterMode::set, T>(scatter, pool);
    case ScatterMode::add:
      return scatterAll<ScatterMode::add, T>(scatter, pool);
    case ScatterMode::multiply:
      return scatterAll<ScatterMode::multiply, T>(scatter, pool);
    case ScatterMode::maximum:
      return scatterAll<ScatterMode::maximum, T>(scatter, pool);
    case ScatterMode::minimum:
      return scatterAll<ScatterMode::minimum, T>(scatter, pool);
  }
}

}  // namespace

void run(const ScatterStep& step, const Run& run) {
  const size_t rank = step.indexShape.size();
  Space<1> updatesIndex;
  for (size_t i = 0; i < rank; i++) updatesIndex.append(step.indexShape[i], {step.updates.strides[i]});
  Space<2> slice;
  for (size_t i = 0; i < step.sliceShape.size(); i++) {
    slice.append(step.sliceShape[i], {step.target.strides[i], step.updates.strides[rank + i]});
  }
  if (updatesIndex.size() == 0 || slice.size() == 0) return;
  const Scatter scatter{
      Positions(run, step.indices, step.axes, step.indexShape, step.targetShape, step.sliceShape, step.target),
      updatesIndex, slice, run.at(step.target), run.at(step.updates)};
  const auto typed = [&]<typename T>() { runTyped<T>(step.mode, scatter, run.pool); };
  switch (step.target.dtype) {
    case Dtype::bool_:
      return typed.operator()<Bool>();
    case Dtype::uint8:
      return typed.operator()<uint8_t>();
    case Dtype::uint16:
      return typed.operator()<uint16_t>();
    case Dtype::uint32:
      return typed.operator()<uint32_t>();
    case Dtype::uint64:
      return typed.operator()<uint64_t>();
    case Dtype::int8:
      return typed.operator()<int8_t>();
    case Dtype::int16:
      return typed.operator()<int16_t>();
    case Dtype::int32:
      return typed.operator()<int32_t>();
    case Dtype::int64:
      return typed.operator()<int64_t>();
    case Dtype::float16:
      return typed.operator()<Float16>();
    case Dtype::bfloat16:
      return typed.operator()<Bfloat16>();
    case Dtype::float32:
      return typed.operator()<float>();
    case Dtype::float64:
      return typed.operator()<double>();
    case Dtype::complex64:
      return typed.operator()<std::complex<float>>();
  }
}

}  // namespace metalgrad::cpu
