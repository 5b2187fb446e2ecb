// Small memory: ranges of slabs, one size class a slab.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace metalgrad::cpu {

/// Not thread safe: the allocator holds its lock.
class Slabs {
 public:
  static constexpr size_t kLargest = 4096;

  Slabs() = default;
  ~Slabs();
  Slabs(const Slabs&) = delete;
  Slabs& operator=(const Slabs&) = delete;

  /// Up to kLargest bytes; null when the system has no memory.
  std::byte* allocate(size_t bytes);
  void free(std::byte* data);
  /// Bytes that the slabs hold beyond what is allocated.
  size_t spare() const { return spare_; }
  /// Gives slabs that nothing uses back to the system.
  void trim();

 private:
  struct Slab;
  static constexpr size_t kClasses = 20;

  void link(Slab* slab);
  void unlink(Slab* slab);
  void release(Slab* slab);

  /// Slabs with room, by size class; those that nothing uses stay until `trim`.
  std::array<Slab*, kClasses> open_{};
  size_t spare_ = 0;
};

}  // namespace metalgrad::cpu
