// A slab is a region that begins with a header, where a range's offset leads back to, with a bitmap of free ranges.
#include "memory/slabs.h"

#include <bit>
#include <new>

namespace metalgrad::memory {
namespace {

constexpr size_t kSlabBytes = size_t{1} << 16;
/// An empty slab is kept for later while all of them have no more room than this.
constexpr size_t kKeptSpare = size_t{4} << 20;

/// At most a quarter of a range is wasted.
constexpr std::array<uint16_t, 20> kClassBytes = {64,  128,  192,  256,  320,  384,  448,  512,  640,  768,
                                                  896, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096};

size_t classOf(size_t bytes) {
  size_t index = 0;
  while (kClassBytes[index] < bytes) index++;
  return index;
}

}  // namespace

struct Slabs::Slab {
  std::array<uint64_t, kSlabBytes / 64 / 64> free{};
  Slab* previous = nullptr;
  Slab* next = nullptr;
  Region region;
  uint32_t sizeClass, ranges, used = 0;

  static size_t headerBytes() { return roundUp(sizeof(Slab), kAlignment); }

  Slab(const Region& region, size_t sizeClass) : region(region), sizeClass(static_cast<uint32_t>(sizeClass)) {
    ranges = static_cast<uint32_t>((kSlabBytes - headerBytes()) / kClassBytes[sizeClass]);
    for (size_t i = 0; i < ranges; i++) free[i / 64] |= uint64_t{1} << i % 64;
  }

  size_t rangeBytes() const { return kClassBytes[sizeClass]; }
  size_t offset(size_t index) const { return headerBytes() + index * rangeBytes(); }

  size_t take() {
    size_t word = 0;
    while (free[word] == 0) word++;
    const size_t index = word * 64 + static_cast<size_t>(std::countr_zero(free[word]));
    free[word] &= free[word] - 1;
    used++;
    return index;
  }
};

Slabs::~Slabs() { trim(); }

Slabs::Piece Slabs::allocate(size_t bytes) {
  const size_t sizeClass = classOf(bytes);
  Slab* slab = open_[sizeClass];
  if (!slab) {
    const Region region = source_.allocate(source_.capacity(kSlabBytes));
    if (!region.data) return {};
    slab = new (region.data) Slab(region, sizeClass);
    spare_ += slab->ranges * slab->rangeBytes();
    link(slab);
  }
  const size_t offset = slab->offset(slab->take());
  if (slab->used == slab->ranges) unlink(slab);
  spare_ -= slab->rangeBytes();
  return {.data = slab->region.data + offset, .object = slab->region.object, .offset = offset};
}

void Slabs::free(const Piece& piece) {
  auto* slab = reinterpret_cast<Slab*>(piece.data - piece.offset);
  const size_t index = (piece.offset - Slab::headerBytes()) / slab->rangeBytes();
  spare_ += slab->rangeBytes();
  if (slab->used == slab->ranges) link(slab);
  slab->free[index / 64] |= uint64_t{1} << index % 64;
  slab->used--;
  if (slab->used == 0 && spare_ > kKeptSpare) release(slab);
}

void Slabs::trim() {
  for (Slab* slab : open_) {
    while (slab) {
      Slab* next = slab->next;
      if (slab->used == 0) release(slab);
      slab = next;
    }
  }
}

void Slabs::link(Slab* slab) {
  Slab*& head = open_[slab->sizeClass];
  slab->previous = nullptr;
  slab->next = head;
  if (head) head->previous = slab;
  head = slab;
}

void Slabs::unlink(Slab* slab) {
  if (slab->previous) slab->previous->next = slab->next;
  if (slab->next) slab->next->previous = slab->previous;
  if (open_[slab->sizeClass] == slab) open_[slab->sizeClass] = slab->next;
}

void Slabs::release(Slab* slab) {
  unlink(slab);
  spare_ -= slab->ranges * slab->rangeBytes();
  const Region region = slab->region;
  source_.free(region);
}

}  // namespace metalgrad::memory
