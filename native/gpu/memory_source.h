// Arrays in memory that a GPU shares with the host.
#pragma once

#include <memory>

#include "gpu/runtime.h"
#include "memory/allocator.h"

namespace metalgrad::gpu {

class MemorySource final : public memory::Source {
 public:
  explicit MemorySource(std::shared_ptr<Runtime> runtime) : runtime_(std::move(runtime)) {}
  size_t capacity(size_t bytes) const override;
  memory::Region allocate(size_t capacity) override;
  void free(const memory::Region& region) override;
  size_t largest() const override;
  size_t total() const override;

 private:
  const std::shared_ptr<Runtime> runtime_;
};

/// Where a block of that memory lies for the device.
inline Range rangeOf(const memory::Block& block) {
  return {.object = block.object, .offset = block.offset, .bytes = block.bytes};
}

}  // namespace metalgrad::gpu
