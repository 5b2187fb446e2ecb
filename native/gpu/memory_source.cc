// Regions are whole pages of the device, except small ones.
#include "gpu/memory_source.h"

#include <algorithm>

#include "memory/system_memory.h"

namespace metalgrad::gpu {
namespace {

constexpr size_t kPage = 16384;

}  // namespace

size_t MemorySource::capacity(size_t bytes) const { return memory::roundUp(bytes, bytes >= kPage ? kPage : 1024); }

size_t MemorySource::largest() const { return runtime_->limits().maxBufferBytes / kPage * kPage; }

memory::Region MemorySource::allocate(size_t capacity) {
  if (capacity > largest()) return {};
  const Memory memory = runtime_->allocate(capacity);
  return {.object = memory.object, .data = memory.data, .bytes = memory.bytes};
}

void MemorySource::free(const memory::Region& region) {
  runtime_->free({.object = region.object, .data = region.data, .bytes = region.bytes});
}

size_t MemorySource::total() const {
  const size_t recommended = runtime_->limits().workingSetBytes;
  return recommended > 0 ? std::min(recommended, memory::physicalMemory()) : memory::physicalMemory();
}

}  // namespace metalgrad::gpu
