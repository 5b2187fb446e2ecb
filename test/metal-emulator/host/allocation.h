// Memory of buffers: page-aligned, with what of it was ever written and who uses it.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host/history.h"
#include "host/users.h"
#include "shader/shader.h"

namespace emulator {

/// Apple's GPUs have pages of 16 KiB.
constexpr size_t kPage = 16384;

class Allocation {
 public:
  Allocation(std::byte* data, size_t length, bool tracked);
  ~Allocation();
  Allocation(const Allocation&) = delete;
  Allocation& operator=(const Allocation&) = delete;

  std::byte* const data;
  const size_t length;
  /// Metal orders encoders that use it, by itself.
  const bool tracked;
  Users users;

  // The rest is used while `Memory::executing` is held.
  Initialized initialized;
  History history;
  /// Of a tracked buffer and by queue: what has to run before the next read, and before the next write.
  struct Tracking {
    Knowledge beforeRead, beforeWrite;
  };
  std::map<uint64_t, Tracking> tracking;

  void mark(size_t offset, size_t bytes, bool written);
};

/// All the device's memory.
class Memory {
 public:
  static Memory& get();

  /// Null when the device has none left.
  std::shared_ptr<Allocation> allocate(size_t length, bool tracked);
  /// Of all buffers, in whole pages.
  size_t allocated();

  /// What the hooks of metalgrad_emulator.h say.
  void written(const void* data, size_t bytes);
  void read(const void* data, size_t bytes);
  void forgotten(const void* data, size_t bytes);

  /// Held while a command runs.
  std::mutex executing;
  /// What the CPU wrote and forgot since; with `executing` held.
  void applyMarks();

 private:
  friend class Allocation;
  struct Mark {
    std::shared_ptr<Allocation> allocation;
    size_t offset, bytes;
    bool written;
  };
  struct Place {
    std::shared_ptr<Allocation> allocation;
    size_t offset = 0, bytes = 0;
  };

  Place find(const void* data, size_t bytes);
  void mark(Mark mark);
  void released(const Allocation& allocation);

  std::mutex mutex_;
  std::map<const std::byte*, std::weak_ptr<Allocation>> allocations_;
  size_t allocated_ = 0;
  std::mutex marksMutex_;
  std::vector<Mark> marks_;
};

}  // namespace emulator
