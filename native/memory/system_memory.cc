// Small blocks come from the C library, large ones straight from the kernel, aligned to huge pages.
#include "memory/system_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace metalgrad::memory {
namespace {

constexpr size_t kPage = 16384;  // a multiple of every platform's
constexpr size_t kMapped = size_t{1} << 20;
constexpr size_t kHugePage = size_t{2} << 20;

void* map(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

/// More is mapped than needed, and what lies before and after the aligned part is given back.
std::byte* mapAligned(size_t bytes, size_t alignment) {
  auto* memory = static_cast<std::byte*>(map(bytes + alignment));
  if (!memory) return nullptr;
  const size_t before = roundUp(reinterpret_cast<uintptr_t>(memory), alignment) - reinterpret_cast<uintptr_t>(memory);
  if (before > 0) munmap(memory, before);
  if (before < alignment) munmap(memory + before + bytes, alignment - before);
  return memory + before;
}

}  // namespace

size_t SystemSource::capacity(size_t bytes) const {
  if (bytes >= 8 * kHugePage) return roundUp(bytes, kHugePage);
  if (bytes >= kMapped) return roundUp(bytes, kPage);
  return roundUp(bytes, bytes >= kPage ? 1024 : kAlignment);
}

Region SystemSource::allocate(size_t capacity) {
  std::byte* data;
  if (capacity < kMapped) {
    data = static_cast<std::byte*>(std::aligned_alloc(kAlignment, capacity));
  } else if (capacity < kHugePage) {
    data = static_cast<std::byte*>(map(capacity));
  } else {
    data = mapAligned(capacity, kHugePage);
#ifdef MADV_HUGEPAGE
    if (data) madvise(data, capacity, MADV_HUGEPAGE);
#endif
  }
  return {.object = nullptr, .data = data, .bytes = capacity};
}

void SystemSource::free(const Region& region) {
  if (region.bytes < kMapped) {
    std::free(region.data);
  } else {
    munmap(region.data, region.bytes);
  }
}

size_t SystemSource::total() const { return physicalMemory(); }

size_t physicalMemory() {
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  size_t memory = pages > 0 && page > 0 ? static_cast<size_t>(pages) * static_cast<size_t>(page) : size_t{4} << 30;
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    size_t limit = 0;
    if (std::ifstream(path) >> limit && limit > 0) memory = std::min(memory, limit);
  }
  return memory;
}

#if defined(__SANITIZE_ADDRESS__)
void forbid(const std::byte* data, size_t bytes) { ASAN_POISON_MEMORY_REGION(data, bytes); }
void permit(const std::byte* data, size_t bytes) { ASAN_UNPOISON_MEMORY_REGION(data, bytes); }
#else
void forbid(const std::byte*, size_t) {}
void permit(const std::byte*, size_t) {}
#endif

}  // namespace metalgrad::memory
