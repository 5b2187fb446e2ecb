// Small groups take texts that loop over axes, so that few kernels are compiled; large ones take texts made for them.
#include "gpu/kernel_form.h"

#include <algorithm>
#include <bit>

namespace metalgrad::gpu {
namespace {

using Kind = KernelForm::Kind;

constexpr uint32_t kThreads = 256, kSimd = 32;
/// Elements from which on a kernel gets a text of its own.
constexpr int64_t kLarge = 8192;
constexpr size_t kUnrolled = 3;
/// Threadgroups that keep a device busy, and elements of a thread that are worth a second pass.
constexpr int64_t kBusyGroups = 512, kLeastShare = 32;
constexpr size_t kThreadgroupMemory = 32768;

constexpr int64_t divideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr uint32_t roomFor(size_t axes) { return static_cast<uint32_t>((axes + 3) / 4 * 4); }

/// Vectors hold at most 16 bytes.
bool isVector(const Use& use) { return use.role != Role::position && itemSize(use.operand->dtype) <= 4; }

bool fitsQuads(const Layout& layout) {
  for (size_t k = 0; k < layout.uses.size(); k++) {
    const Use& use = layout.uses[k];
    if (use.role == Role::position) continue;
    const int64_t inner = layout.kept[0].strides[k];
    if (inner != 1 && (inner != 0 || use.role == Role::store)) return false;
    if (inner == 0 || !isVector(use)) continue;
    if (use.operand->offsetArg != kNoArg || (use.operand->offset + use.low) % 4 != 0) return false;
    for (size_t axis = 1; axis < layout.kept.size(); axis++) {
      if (layout.kept[axis].strides[k] % 4 != 0) return false;
    }
  }
  return layout.kept[0].size >= 4;
}

Kind elementKind(const Layout& layout) {
  const bool special = !layout.wide && layout.keptSize >= kLarge && layout.kept.size() <= kUnrolled;
  return special && fitsQuads(layout) ? Kind::quads : Kind::elements;
}

Kind reductionKind(const Layout& layout, size_t accumulatorBytes) {
  const int64_t results = layout.keptSize, length = layout.reducedSize;
  if (length <= 16 || (length <= 64 && results * length <= kLarge)) return Kind::serial;
  if (layout.columns) {
    if (length <= 128 && results >= 2 * kLarge) return Kind::serial;
    return accumulatorBytes * kThreads <= kThreadgroupMemory ? Kind::columns : Kind::lanes;
  }
  const bool many = results >= 2048 && length <= 8192;
  if (length <= 1024 || many || accumulatorBytes * kSimd > kThreadgroupMemory) return Kind::lanes;
  return Kind::group;
}

/// Parts of each result, so that there are enough threadgroups.
int64_t splitsOf(int64_t groups, int64_t length, int64_t lanes) {
  return std::clamp(length / (lanes * kLeastShare), int64_t{1}, std::max<int64_t>(1, kBusyGroups / groups));
}

uint32_t powerOfTwo(int64_t count, uint32_t most) {
  return count >= most ? most : std::bit_ceil(static_cast<uint32_t>(count));
}

/// A grid of up to three axes, `sizes` threads each.
KernelGrid boxOf(int64_t x, int64_t y, int64_t z, uint32_t threads) {
  KernelGrid grid;
  grid.threads.x = powerOfTwo(x, threads);
  grid.threads.y = powerOfTwo(y, threads / grid.threads.x);
  grid.threads.z = powerOfTwo(z, threads / (grid.threads.x * grid.threads.y));
  grid.groups = {static_cast<uint32_t>(divideUp(x, grid.threads.x)), static_cast<uint32_t>(divideUp(y, grid.threads.y)),
                 static_cast<uint32_t>(divideUp(z, grid.threads.z))};
  return grid;
}

KernelGrid lineOf(int64_t count, uint32_t threads) {
  KernelGrid grid;
  grid.threads.x = static_cast<uint32_t>(std::min<int64_t>(threads, divideUp(count, kSimd) * kSimd));
  grid.groups = foldedGroups(count, grid.threads.x);
  grid.pitch = int64_t{grid.groups.x} * grid.threads.x;
  return grid;
}

struct Tile {
  uint32_t width, lanes;
  int64_t groups, splits;
};

Tile tileOf(Kind kind, const Layout& layout, uint32_t threads) {
  Tile tile{.width = 1, .lanes = threads, .groups = layout.keptSize, .splits = 1};
  if (kind == Kind::columns) {
    tile.width = powerOfTwo(layout.keptSize, kSimd);
    tile.lanes = threads / tile.width;
    tile.groups = divideUp(layout.keptSize, tile.width);
  }
  tile.splits = splitsOf(tile.groups, layout.reducedSize, tile.lanes);
  return tile;
}

}  // namespace

Size foldedGroups(int64_t count, uint32_t threads) {
  constexpr int64_t kMost = 1 << 22;
  const int64_t groups = divideUp(count, threads), x = std::min(groups, kMost);
  return {static_cast<uint32_t>(x), static_cast<uint32_t>(divideUp(groups, x)), 1};
}

KernelForm chooseForm(const KernelStep& step, const Layout& layout, size_t accumulatorBytes) {
  KernelForm form;
  form.wide = layout.wide;
  form.keptRoom = roomFor(layout.kept.size());
  if (step.reductions.empty()) {
    form.kind = elementKind(layout);
    if (!layout.wide && layout.keptSize >= kLarge && layout.kept.size() <= kUnrolled) {
      form.keptAxes = form.keptRoom = static_cast<uint32_t>(layout.kept.size());
    }
    if (form.kind == Kind::quads) {
      for (const int64_t stride : layout.kept[0].strides) form.repeated.push_back(stride == 0);
    }
    return form;
  }
  form.kind = reductionKind(layout, accumulatorBytes);
  form.reducedRoom = roomFor(layout.reduced.size());
  if (layout.keptSize * layout.reducedSize >= kLarge && layout.reduced.size() <= kUnrolled) {
    form.reducedAxes = form.reducedRoom = static_cast<uint32_t>(layout.reduced.size());
  }
  if (form.kind >= Kind::group) form.partial = tileOf(form.kind, layout, kThreads).splits > 1;
  return form;
}

KernelForm epilogueForm(const Layout& layout) {
  return {.kind = Kind::epilogue, .keptRoom = roomFor(layout.kept.size()), .wide = layout.wide, .repeated = {}};
}

KernelForm combiningForm(const KernelForm& partial) {
  return {.kind = Kind::combine, .keptRoom = partial.keptRoom, .wide = partial.wide, .repeated = {}};
}

KernelGrid chooseGrid(const KernelForm& form, const Layout& layout, uint32_t maxThreads) {
  const auto size = [&](size_t axis) { return axis < layout.kept.size() ? layout.kept[axis].size : 1; };
  const uint32_t threads = std::bit_floor(std::min(maxThreads, kThreads));
  KernelGrid grid;
  switch (form.kind) {
    case Kind::elements:
      return form.keptAxes > 0 ? boxOf(size(0), size(1), size(2), threads) : lineOf(layout.keptSize, threads);
    case Kind::quads:
      return boxOf(divideUp(size(0), 4), size(1), size(2), threads);
    case Kind::epilogue:  // the grid is the product's
      return grid;
    case Kind::serial:
      grid = lineOf(layout.keptSize, threads);
      break;
    case Kind::lanes:
    case Kind::combine:
      grid = lineOf(layout.keptSize * kSimd, threads);
      grid.lanes = kSimd;
      break;
    case Kind::group:
    case Kind::columns: {
      const Tile tile = tileOf(form.kind, layout, threads);
      grid.threads.x = threads;
      grid.splits = form.partial ? tile.splits : 1;
      grid.groups = {static_cast<uint32_t>(tile.groups), static_cast<uint32_t>(grid.splits), 1};
      grid.lanes = tile.lanes;
      grid.width = tile.width;
      grid.chunk = divideUp(layout.reducedSize, grid.splits);
      return grid;
    }
  }
  grid.chunk = layout.reducedSize;
  return grid;
}

}  // namespace metalgrad::gpu
