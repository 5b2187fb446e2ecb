// Small blocks from slabs, large ones best-fit from the cache, then from the system.
#include "cpu/allocator.h"

#include <algorithm>
#include <new>
#include <utility>

#include "cpu/system_memory.h"

namespace metalgrad::cpu {
namespace {

/// Where arrays without elements begin.
alignas(kAlignment) std::byte nothing[kAlignment];

size_t accepted(size_t bytes) { return bytes + bytes / 8; }

/// Under the address sanitizer small blocks are of the C library too, with guards around them.
bool isSmall(size_t bytes) { return !kGuarded && bytes <= Slabs::kLargest; }

}  // namespace

Allocator::Allocator() {
  const size_t memory = physicalMemory();
  limit_ = memory / 10 * 9;
  cacheLimit_ = memory / 2;
}

Allocator::~Allocator() { clearCache(); }

Block Allocator::allocate(size_t bytes) {
  if (bytes == 0) return {.data = nothing, .bytes = 0, .capacity = 0};
  std::lock_guard lock(mutex_);
  if (bytes > limit_ || active_ > limit_ - bytes) return {};
  Block block{.data = nullptr, .bytes = bytes, .capacity = bytes};
  if (isSmall(bytes)) {
    block.data = slabs_.allocate(bytes);
  } else {
    block.data = takeCached(bytes, block.capacity);
    if (!block.data) {
      block.capacity = systemCapacity(bytes);
      const size_t room = limit_ - active_;
      if (cached_ > room - bytes) shrinkCache(room - bytes);
      block.data = systemAllocate(block.capacity);
      if (!block.data) {
        shrinkCache(0);
        block.data = systemAllocate(block.capacity);
      }
    }
  }
  if (!block.data) return {};
  forbid(block.data + bytes, block.capacity - bytes);
  active_ += bytes;
  peak_ = std::max(peak_, active_);
  return block;
}

void Allocator::free(const Block& block) {
  if (block.bytes == 0) return;
  std::lock_guard lock(mutex_);
  active_ -= block.bytes;
  if (isSmall(block.bytes)) {
    slabs_.free(block.data);
    return;
  }
  forbid(block.data, block.capacity);
  const Cached cached{.capacity = block.capacity, .age = nextAge_--, .data = block.data};
  try {
    byAge_.emplace(cached.age, cached);
    cache_.insert(cached);
  } catch (const std::bad_alloc&) {
    byAge_.erase(cached.age);
    permit(block.data, block.capacity);
    systemFree(block.data, block.capacity);
    return;
  }
  cached_ += block.capacity;
  if (cached_ > cacheLimit_) shrinkCache(cacheLimit_);
}

std::byte* Allocator::takeCached(size_t bytes, size_t& capacity) {
  const auto found = cache_.lower_bound({.capacity = bytes, .age = 0, .data = nullptr});
  if (found == cache_.end() || found->capacity > std::max(accepted(bytes), systemCapacity(bytes))) return nullptr;
  std::byte* data = found->data;
  capacity = found->capacity;
  byAge_.erase(found->age);
  cache_.erase(found);
  cached_ -= capacity;
  permit(data, capacity);
  return data;
}

void Allocator::shrinkCache(size_t bytes) {
  while (cached_ > bytes) {
    const auto oldest = byAge_.begin();
    const Cached cached = oldest->second;
    byAge_.erase(oldest);
    cache_.erase(cached);
    cached_ -= cached.capacity;
    permit(cached.data, cached.capacity);
    systemFree(cached.data, cached.capacity);
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

}  // namespace metalgrad::cpu
