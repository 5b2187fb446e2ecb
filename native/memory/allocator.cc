// Small blocks from slabs, large ones best-fit from the cache, then from the source.
#include "memory/allocator.h"

#include <algorithm>
#include <new>
#include <utility>

#include "memory/observed.h"
#include "memory/system_memory.h"

namespace metalgrad::memory {
namespace {

/// Where arrays without elements begin.
alignas(kAlignment) std::byte nothing[kAlignment];

size_t accepted(size_t bytes) { return bytes + bytes / 8; }

/// Under the address sanitizer small blocks are of the C library too, with guards around them.
bool isSmall(size_t bytes) { return !kGuarded && bytes <= Slabs::kLargest; }

}  // namespace

Allocator::Allocator(std::shared_ptr<Source> source) : source_(std::move(source)) {
  const size_t memory = source_->total();
  limit_ = memory / 10 * 9;
  cacheLimit_ = memory / 2;
}

Allocator::~Allocator() { clearCache(); }

Block Allocator::allocate(size_t bytes) {
  if (bytes == 0) return {.data = nothing};
  std::lock_guard lock(mutex_);
  if (bytes > limit_ || active_ > limit_ - bytes) return {};
  Block block{.data = nullptr, .bytes = bytes, .capacity = bytes, .object = nullptr, .offset = 0};
  if (isSmall(bytes)) {
    const Slabs::Piece piece = slabs_.allocate(bytes);
    if (!piece.data) return {};
    block.data = piece.data;
    block.object = piece.object;
    block.offset = piece.offset;
  } else if (!takeCached(block)) {
    block.capacity = source_->capacity(bytes);
    const size_t room = limit_ - active_;
    if (cached_ > room - bytes) shrinkCache(room - bytes);
    if (!takeFresh(block)) {
      shrinkCache(0);
      if (!takeFresh(block)) return {};
    }
  }
  forbid(block.data + bytes, block.capacity - bytes);
  forgotten(block.data, bytes);
  active_ += bytes;
  peak_ = std::max(peak_, active_);
  return block;
}

void Allocator::free(const Block& block) {
  if (block.bytes == 0) return;
  std::lock_guard lock(mutex_);
  active_ -= block.bytes;
  forgotten(block.data, block.bytes);
  if (isSmall(block.bytes)) {
    slabs_.free({.data = block.data, .object = block.object, .offset = block.offset});
    return;
  }
  forbid(block.data, block.capacity);
  const Cached cached{.capacity = block.capacity, .age = nextAge_--, .data = block.data, .object = block.object};
  try {
    byAge_.emplace(cached.age, cached);
    cache_.insert(cached);
  } catch (const std::bad_alloc&) {
    byAge_.erase(cached.age);
    giveBack(cached);
    return;
  }
  cached_ += block.capacity;
  if (cached_ > cacheLimit_) shrinkCache(cacheLimit_);
}

bool Allocator::takeCached(Block& block) {
  const auto found = cache_.lower_bound({.capacity = block.bytes, .age = 0, .data = nullptr, .object = nullptr});
  const size_t most = std::max(accepted(block.bytes), source_->capacity(block.bytes));
  if (found == cache_.end() || found->capacity > most) return false;
  block.data = found->data;
  block.object = found->object;
  block.capacity = found->capacity;
  byAge_.erase(found->age);
  cache_.erase(found);
  cached_ -= block.capacity;
  permit(block.data, block.capacity);
  return true;
}

bool Allocator::takeFresh(Block& block) {
  const Region region = source_->allocate(block.capacity);
  block.data = region.data;
  block.object = region.object;
  return region.data != nullptr;
}

void Allocator::giveBack(const Cached& cached) {
  permit(cached.data, cached.capacity);
  source_->free({.object = cached.object, .data = cached.data, .bytes = cached.capacity});
}

void Allocator::shrinkCache(size_t bytes) {
  while (cached_ > bytes) {
    const auto oldest = byAge_.begin();
    const Cached cached = oldest->second;
    byAge_.erase(oldest);
    cache_.erase(cached);
    cached_ -= cached.capacity;
    giveBack(cached);
  }
}

MemoryUse Allocator::use() const {
  std::lock_guard lock(mutex_);
  return {
      .active = active_, .peak = peak_, .cached = cached_ + slabs_.spare(), .limit = limit_, .cacheLimit = cacheLimit_};
}

void Allocator::resetPeak() {
  std::lock_guard lock(mutex_);
  peak_ = active_;
}

void Allocator::clearCache() {
  std::lock_guard lock(mutex_);
  shrinkCache(0);
  slabs_.trim();
}

size_t Allocator::setLimit(size_t bytes) {
  std::lock_guard lock(mutex_);
  return std::exchange(limit_, bytes);
}

size_t Allocator::setCacheLimit(size_t bytes) {
  std::lock_guard lock(mutex_);
  const size_t former = std::exchange(cacheLimit_, bytes);
  if (cached_ > bytes) shrinkCache(bytes);
  return former;
}

}  // namespace metalgrad::memory
