// Buffers are made here.
#include "memory/buffer.h"

#include <new>

namespace metalgrad::memory {

BufferRef Buffer::allocate(std::shared_ptr<Allocator> allocator, size_t bytes) {
  const Block block = allocator->allocate(bytes);
  if (!block.data) return {};
  auto* buffer = new (std::nothrow) Buffer(allocator, block);
  if (!buffer) allocator->free(block);
  return BufferRef(buffer);
}

}  // namespace metalgrad::memory
