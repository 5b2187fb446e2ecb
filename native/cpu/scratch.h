// Memory that a step needs while it runs, kept by each thread for its next step when it is small.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace metalgrad::cpu {

/// Uninitialized memory, aligned to cache lines. Throws std::bad_alloc.
class ScratchBytes {
 public:
  explicit ScratchBytes(size_t bytes);
  ~ScratchBytes();
  ScratchBytes(const ScratchBytes&) = delete;
  ScratchBytes& operator=(const ScratchBytes&) = delete;

 protected:
  struct Free {
    void operator()(void* memory) const;
  };
  struct Block {
    std::unique_ptr<void, Free> memory;
    size_t bytes = 0;
  };
  /// Blocks that this thread's earlier scratches left behind.
  struct Kept;

  Block block_;
};

/// Room for `count` elements of a trivial type.
template <typename T>
class Scratch : ScratchBytes {
 public:
  explicit Scratch(size_t count) : ScratchBytes(count * sizeof(T)) {}
  T* data() { return static_cast<T*>(block_.memory.get()); }
  T& operator[](size_t i) { return data()[i]; }
};

}  // namespace metalgrad::cpu
