// The gather step: slices copied from clamped positions, whole runs of bytes where both sides are contiguous.
#include <algorithm>
#include <array>
#include <cstring>

#include "cpu/executor.h"
#include "cpu/iteration.h"
#include "cpu/positions.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {
namespace {

constexpr int64_t kBlock = 256;
/// Elements copied by one chunk.
constexpr int64_t kGrain = 1 << 15;
/// Contiguous runs of fewer bytes are copied element by element.
constexpr int64_t kShortRun = 16;
/// Below this many indices a strided slice is walked along itself instead of index by index.
constexpr int64_t kFewIndices = 32;

enum { kSource, kOut };

struct Gather {
  Positions positions;
  Space<1> outIndex;  // of out over the index shape
  Space<2> slice;
  const std::byte* source;
  std::byte* out;
  ThreadPool& pool;
};

/// Offsets of source and out for a block of indices.
struct Block {
  std::array<int64_t, kBlock> source, out;
  int64_t begin = 0, count = 0;

  void read(const Gather& gather, int64_t from) {
    begin = from;
    count = std::min(kBlock, gather.positions.count() - from);
    gather.positions.read(begin, std::span(source).first(static_cast<size_t>(count)));
    readOffsets(gather.outIndex, begin, std::span(out).first(static_cast<size_t>(count)));
  }
};

/// A block of indices for each element of the slice in turn: neighbouring indices or slice elements share cache lines,
/// whichever way source and out are laid out.
template <typename T>
void gatherElements(const Gather& gather) {
  const T* source = reinterpret_cast<const T*>(gather.source);
  T* out = reinterpret_cast<T*>(gather.out);
  const int64_t sliceSize = gather.slice.size(), indices = gather.positions.count();
  const int64_t part = std::min(sliceSize, kGrain / kBlock);
  const int64_t parts = (sliceSize + part - 1) / part, blocks = (indices + kBlock - 1) / kBlock;
  const int64_t grain = std::max<int64_t>(1, kGrain / (kBlock * part));
  gather.pool.parallelFor(blocks * parts, grain, [&](int64_t begin, int64_t end) {
    Block block;
    for (int64_t task = begin; task < end; task++) {
      const int64_t first = task / parts * kBlock, from = task % parts * part;
      if (block.count == 0 || block.begin != first) block.read(gather, first);
      Odometer<2> element(gather.slice, from);
      for (int64_t s = from; s < std::min(from + part, sliceSize); s++, element.next()) {
        const T* read = source + element.offsets[kSource];
        T* write = out + element.offsets[kOut];
        for (int64_t i = 0; i < block.count; i++) write[block.out[i]] = read[block.source[i]];
      }
    }
  });
}

/// Slice by slice along its innermost axis, which is cut where it is long.
template <typename T>
void gatherRuns(const Gather& gather) {
  const T* source = reinterpret_cast<const T*>(gather.source);
  T* out = reinterpret_cast<T*>(gather.out);
  Space<2> outer = gather.slice;
  int64_t length = 1;
  std::array<int64_t, 2> stride{1, 1};
  if (outer.rank > 0) {
    length = outer.shape[outer.rank - 1];
    stride = outer.strides[outer.rank - 1];
    outer.dropLast();
  }
  const int64_t piece = std::min(length, kGrain), pieces = (length + piece - 1) / piece;
  const int64_t lines = outer.size(), perIndex = lines * pieces;
  const int64_t grain = std::max<int64_t>(1, kGrain / piece);
  gather.pool.parallelFor(gather.positions.count() * perIndex, grain, [&](int64_t begin, int64_t end) {
    Block block;
    Odometer<2> line(outer, begin % perIndex / pieces);
    for (int64_t task = begin; task < end; task++) {
      const int64_t index = task / perIndex, from = task % pieces * piece;
      if (index >= block.begin + block.count || block.count == 0) block.read(gather, index);
      const T* read = source + block.source[index - block.begin] + line.offsets[kSource] + from * stride[kSource];
      T* write = out + block.out[index - block.begin] + line.offsets[kOut] + from * stride[kOut];
      const int64_t count = std::min(piece, length - from);
      if (stride[kSource] == 1 && stride[kOut] == 1) {
        std::memcpy(write, read, static_cast<size_t>(count) * sizeof(T));
      } else {
        for (int64_t i = 0; i < count; i++) write[i * stride[kOut]] = read[i * stride[kSource]];
      }
      if (task % pieces == pieces - 1) line.next();
    }
  });
}

template <typename T>
void runTyped(const Gather& gather) {
  const Space<2>& slice = gather.slice;
  if (slice.rank > 0) {
    const auto& stride = slice.strides[slice.rank - 1];
    const bool contiguous = stride[kSource] == 1 && stride[kOut] == 1 &&
                            slice.shape[slice.rank - 1] * static_cast<int64_t>(sizeof(T)) >= kShortRun;
    if (contiguous || gather.positions.count() < kFewIndices) return gatherRuns<T>(gather);
  }
  gatherElements<T>(gather);
}

}  // namespace

void run(const GatherStep& step, const Run& run) {
  const size_t rank = step.indexShape.size();
  Space<1> outIndex;
  for (size_t i = 0; i < rank; i++) outIndex.append(step.indexShape[i], {step.out.strides[i]});
  Space<2> slice;
  for (size_t i = 0; i < step.sliceShape.size(); i++) {
    slice.append(step.sliceShape[i], {step.source.strides[i], step.out.strides[rank + i]});
  }
  if (outIndex.size() == 0 || slice.size() == 0) return;
  const Gather gather{
      Positions(run, step.indices, step.axes, step.indexShape, step.sourceShape, step.sliceShape, step.source),
      outIndex,
      slice,
      run.at(step.source),
      run.at(step.out),
      run.pool};
  switch (itemSize(step.out.dtype)) {
    case 1:
      return runTyped<uint8_t>(gather);
    case 2:
      return runTyped<uint16_t>(gather);
    case 4:
      return runTyped<uint32_t>(gather);
    default:
      return runTyped<uint64_t>(gather);
  }
}

}  // namespace metalgrad::cpu
