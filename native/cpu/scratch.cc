// A thread keeps the few last blocks: fresh pages from the system cost more than the work on them.
#include "cpu/scratch.h"

#include <array>
#include <utility>

namespace metalgrad::cpu {
namespace {

constexpr std::align_val_t kAlignment{64};
/// Of one block, and of all that a thread keeps.
constexpr size_t kLargestKept = size_t{16} << 20, kMostKept = size_t{24} << 20;

}  // namespace

struct ScratchBytes::Kept {
  std::array<Block, 4> blocks;

  static Kept& ofThisThread() {
    thread_local Kept kept;
    return kept;
  }
};

void ScratchBytes::Free::operator()(void* memory) const { ::operator delete(memory, kAlignment); }

ScratchBytes::ScratchBytes(size_t bytes) {
  if (bytes <= kLargestKept) {
    Block* best = nullptr;
    for (Block& block : Kept::ofThisThread().blocks) {
      if (block.bytes >= bytes && (!best || block.bytes < best->bytes)) best = &block;
    }
    if (best && best->memory) {
      block_ = std::exchange(*best, Block{});
      return;
    }
  }
  block_.memory.reset(::operator new(bytes, kAlignment));
  block_.bytes = bytes;
}

ScratchBytes::~ScratchBytes() {
  if (block_.bytes > kLargestKept) return;
  Block* smallest = nullptr;
  size_t kept = 0;
  for (Block& block : Kept::ofThisThread().blocks) {
    kept += block.bytes;
    if (!smallest || block.bytes < smallest->bytes) smallest = &block;
  }
  const bool fits = kept - smallest->bytes + block_.bytes <= kMostKept;
  if (fits && block_.bytes > smallest->bytes) std::swap(*smallest, block_);
}

}  // namespace metalgrad::cpu
