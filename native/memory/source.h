// Where an allocator's memory comes from: the operating system, or a GPU that shares its memory with the host.
#pragma once

#include <cstddef>

namespace metalgrad::memory {

constexpr size_t kAlignment = 64;

constexpr size_t roundUp(size_t bytes, size_t multiple) { return (bytes + multiple - 1) / multiple * multiple; }

/// One allocation of a source. `object` is the source's own name for it (an MTLBuffer), null for the system's.
struct Region {
  void* object = nullptr;
  std::byte* data = nullptr;
  size_t bytes = 0;
};

/// Thread safe.
class Source {
 public:
  virtual ~Source() = default;
  /// What a region of at least `bytes` takes.
  virtual size_t capacity(size_t bytes) const = 0;
  /// Aligned memory of a capacity that `capacity` gave; `data` is null when there is none.
  virtual Region allocate(size_t capacity) = 0;
  virtual void free(const Region& region) = 0;
  /// No region can be larger: a multiple of the alignment.
  virtual size_t largest() const = 0;
  /// All the memory that there is for arrays.
  virtual size_t total() const = 0;
};

}  // namespace metalgrad::memory
