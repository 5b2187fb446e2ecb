// Buffers are made here.
#include "cpu/buffer.h"

#include <new>

namespace metalgrad::cpu {

BufferRef Buffer::allocate(std::shared_ptr<Allocator> allocator, size_t bytes) {
  const Block block = allocator->allocate(bytes);
  if (!block.data) return {};
  auto* buffer = new (std::nothrow) Buffer(allocator, block);
  if (!buffer) allocator->free(block);
  return BufferRef(buffer);
}

}  // namespace metalgrad::cpu
