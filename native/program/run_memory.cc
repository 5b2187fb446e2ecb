// Allocates and frees, step by step.
#include "program/run_memory.h"

#include <algorithm>
#include <string>

namespace metalgrad {

Outcome noMemory(size_t bytes, const memory::Allocator& allocator) {
  const memory::MemoryUse use = allocator.use();
  return {Status::outOfMemory, std::to_string(bytes) + " bytes could not be allocated: " + std::to_string(use.active) +
                                   " of at most " + std::to_string(use.limit) + " are in use"};
}

RunMemory::~RunMemory() {
  for (const auto& block : arena_) {
    if (block.data) allocator_->free(block);
  }
}

Outcome RunMemory::check() const {
  const memory::MemoryUse use = allocator_->use();
  const size_t room = use.limit - std::min(use.active, use.limit);
  size_t live = 0;
  auto end = plan_.ends.begin();
  const auto bytesOf = [this](uint32_t home) { return static_cast<size_t>(plan_.homes[home].byteLength); };
  for (const auto& [step, home] : plan_.begins) {
    for (; end != plan_.ends.end() && end->step < step; ++end) live -= bytesOf(end->home);
    if (home < outputs_.size() && outputs_[home]) continue;
    const size_t bytes = bytesOf(home);
    if (bytes > room - live) return noMemory(live + bytes, *allocator_);
    live += bytes;
  }
  return {};
}

Outcome RunMemory::allocate(uint32_t home, memory::Block& block) {
  const auto bytes = static_cast<size_t>(plan_.homes[home].byteLength);
  if (home < outputs_.size()) {
    if (!outputs_[home]) outputs_[home] = memory::Buffer::allocate(allocator_, bytes);
    if (outputs_[home]) block = outputs_[home]->block();
  } else {
    block = arena_[home - outputs_.size()] = allocator_->allocate(bytes);
  }
  return block.data ? Outcome() : noMemory(bytes, *allocator_);
}

void RunMemory::after(size_t step) {
  for (; ended_ < plan_.ends.size() && plan_.ends[ended_].step <= step; ended_++) {
    memory::Block& block = arena_[plan_.ends[ended_].home - outputs_.size()];
    allocator_->free(block);
    block = {};
  }
}

memory::Block RunMemory::part(const memory::Block& home, uint32_t temporary, int64_t homeOffset) const {
  const auto& [output, offset, bytes] = program_.temporaries[temporary];
  memory::Block part = home;
  part.data += offset - homeOffset;
  part.offset += static_cast<size_t>(offset - homeOffset);
  part.bytes = static_cast<size_t>(bytes);
  return part;
}

}  // namespace metalgrad
