#include "heap.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <iterator>
#include <map>
#include <mutex>

#include "shader.h"

namespace emulator {

// Of no thread until the heap is made, and never changed after that.
uintptr_t viewBase = 0;

namespace {

constexpr size_t kPage = 16384;
/// What lies a little before the first buffer belongs to its view, too.
constexpr size_t kMargin = size_t{1} << 24;

class Heap {
 public:
  Heap() {
    file_ = memfd_create("metal-emulator", MFD_CLOEXEC);
    if (file_ < 0 || ftruncate(file_, kHeapBytes) != 0) return;
    constexpr size_t distance = size_t{1} << kViewShift;
    void* reserved =
        mmap(nullptr, (kViews + 1) * distance, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED) return;
    viewBase = (reinterpret_cast<uintptr_t>(reserved) + distance - 1) & ~(distance - 1);
    for (unsigned i = 0; i < kViews; i++) {
      void* at = reinterpret_cast<void*>(viewAddress(i, 0));
      if (mmap(at, kHeapBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, file_, 0) != at) return;
    }
    void* host = mmap(nullptr, kHeapBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file_, 0);
    if (host == MAP_FAILED) return;
    host_ = static_cast<std::byte*>(host);
    free_[kMargin] = kHeapBytes - kMargin;
  }

  std::byte* allocate(size_t bytes) {
    if (host_ == nullptr || bytes > kHeapBytes) return nullptr;
    const size_t need = roundUp(bytes);
    const std::lock_guard lock(mutex_);
    for (auto it = free_.begin(); it != free_.end(); ++it) {
      if (it->second < need) continue;
      const size_t offset = it->first, left = it->second - need;
      free_.erase(it);
      if (left > 0) free_[offset + need] = left;
      return host_ + offset;
    }
    return nullptr;
  }

  void free(std::byte* data, size_t bytes) {
    const size_t offset = static_cast<size_t>(data - host_), length = roundUp(bytes);
    // Gives the pages back; when they are used again they are zeros.
    fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
              static_cast<off_t>(length));
    const std::lock_guard lock(mutex_);
    auto it = free_.emplace(offset, length).first;
    if (auto next = std::next(it); next != free_.end() && it->first + it->second == next->first) {
      it->second += next->second;
      free_.erase(next);
    }
    if (it == free_.begin()) return;
    if (auto previous = std::prev(it); previous->first + previous->second == it->first) {
      previous->second += it->second;
      free_.erase(it);
    }
  }

  bool offsetOf(const std::byte* data, size_t* offset) const {
    if (host_ == nullptr || data < host_ || data >= host_ + kHeapBytes) return false;
    *offset = static_cast<size_t>(data - host_);
    return true;
  }

 private:
  static size_t roundUp(size_t bytes) { return (bytes == 0 ? 1 : bytes) + kPage - 1 & ~(kPage - 1); }

  int file_ = -1;
  std::byte* host_ = nullptr;
  std::mutex mutex_;
  std::map<size_t, size_t> free_;  // offset to length
};

Heap& heap() {
  // Never destroyed: threads may still run shaders when the process ends.
  static Heap* const instance = new Heap;
  return *instance;
}

}  // namespace

std::byte* allocateBuffer(size_t bytes) { return heap().allocate(bytes); }
void freeBuffer(std::byte* data, size_t bytes) { heap().free(data, bytes); }
bool heapOffset(const std::byte* data, size_t* offset) { return heap().offsetOf(data, offset); }

}  // namespace emulator
