// Memory for arrays and arenas: pooled, counted, and limited.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <tuple>

#include "memory/slabs.h"
#include "memory/source.h"

namespace metalgrad::memory {

/// 64-byte aligned memory. `bytes` is what was asked for, `capacity` what it takes; it lies at `offset` in the region
/// that the source calls `object`.
struct Block {
  std::byte* data = nullptr;
  size_t bytes = 0;
  size_t capacity = 0;
  void* object = nullptr;
  size_t offset = 0;
};

struct MemoryUse {
  size_t active, peak, cached, limit, cacheLimit;
};

/// The memory of one instance of the library. Thread safe. Freed blocks are kept for the next that fits with little
/// waste.
class Allocator {
 public:
  /// Limits follow the memory that the source has.
  explicit Allocator(std::shared_ptr<Source> source);
  ~Allocator();
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  /// Uninitialized memory; `data` is null when the limit or the system refuses. 0 bytes give an address that holds
  /// nothing.
  Block allocate(size_t bytes);
  void free(const Block& block);

  /// No block can be larger.
  size_t largestBlock() const { return source_->largest(); }

  MemoryUse use() const;
  void resetPeak();
  void clearCache();
  /// Each returns the former limit.
  size_t setLimit(size_t bytes);
  size_t setCacheLimit(size_t bytes);

 private:
  /// Smallest capacity that fits first, among equals the one freed last, whose memory may still be in the CPU's cache.
  struct Cached {
    size_t capacity;
    uint64_t age;  // counts down
    std::byte* data;
    void* object;
    bool operator<(const Cached& other) const { return std::tie(capacity, age) < std::tie(other.capacity, other.age); }
  };

  bool takeCached(Block& block);
  bool takeFresh(Block& block);
  void giveBack(const Cached& cached);
  /// Gives memory back to the source, oldest first, until the cache has at most `bytes`.
  void shrinkCache(size_t bytes);

  const std::shared_ptr<Source> source_;
  mutable std::mutex mutex_;
  Slabs slabs_{*source_};
  std::set<Cached> cache_;
  std::map<uint64_t, Cached, std::greater<>> byAge_;
  uint64_t nextAge_ = UINT64_MAX;
  size_t active_ = 0, peak_ = 0, cached_ = 0, limit_, cacheLimit_;
};

}  // namespace metalgrad::memory
