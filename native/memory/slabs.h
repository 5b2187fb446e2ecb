// Small memory: ranges of slabs, one size class a slab.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "memory/source.h"

namespace metalgrad::memory {

/// Not thread safe: the allocator holds its lock.
class Slabs {
 public:
  static constexpr size_t kLargest = 4096;

  /// A range of a slab, at `offset` in the region that the source calls `object`.
  struct Piece {
    std::byte* data = nullptr;
    void* object = nullptr;
    size_t offset = 0;
  };

  explicit Slabs(Source& source) : source_(source) {}
  ~Slabs();
  Slabs(const Slabs&) = delete;
  Slabs& operator=(const Slabs&) = delete;

  /// Up to kLargest bytes; `data` is null when the source has no memory.
  Piece allocate(size_t bytes);
  void free(const Piece& piece);
  /// Bytes that the slabs hold beyond what is allocated.
  size_t spare() const { return spare_; }
  /// Gives slabs that nothing uses back to the source.
  void trim();

 private:
  struct Slab;
  static constexpr size_t kClasses = 20;

  void link(Slab* slab);
  void unlink(Slab* slab);
  void release(Slab* slab);

  Source& source_;
  /// Slabs with room, by size class; those that nothing uses stay until `trim`.
  std::array<Slab*, kClasses> open_{};
  size_t spare_ = 0;
};

}  // namespace metalgrad::memory
