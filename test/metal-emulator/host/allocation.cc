#include "host/allocation.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "host/faults.h"
#include "host/settings.h"

namespace emulator {

namespace {

size_t inPages(size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

void complain(const char* kind, const char* what, const Users::Use& use, size_t offset, size_t bytes) {
  report({.kind = kind,
          .kernel = *use.name,
          .place = "",
          .detail = std::string(what) + " bytes " + std::to_string(offset) + " to " + std::to_string(offset + bytes) +
                    " of a buffer, which " + (use.written ? "is written" : "is used") + " by " + use.pass->name() +
                    ", and nothing waited for that"});
}

}  // namespace

Allocation::Allocation(std::byte* bytes, size_t count, bool isTracked)
    : data(bytes), length(count), tracked(isTracked), initialized{std::vector<uint64_t>((count + 63) / 64)} {}

Allocation::~Allocation() {
  Memory::get().released(*this);
  freeBuffer(data, inPages(length));
}

void Allocation::mark(size_t offset, size_t bytes, bool written) {
  for (size_t at = offset, end = offset + bytes; at < end;) {
    const size_t bit = at % 64, count = std::min(end - at, 64 - bit);
    const uint64_t mask = (count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1) << bit;
    uint64_t& word = initialized.bits[at / 64];
    word = written ? word | mask : word & ~mask;
    at += count;
  }
}

Memory& Memory::get() {
  // Command buffers hold memory until the process ends.
  static Memory* const everlasting = new Memory;
  return *everlasting;
}

std::shared_ptr<Allocation> Memory::allocate(size_t length, bool tracked) {
  const size_t pages = inPages(length);
  {
    const std::lock_guard lock(mutex_);
    if (pages < length || pages > settings().memory - std::min(allocated_, settings().memory)) return nullptr;
    if (allocations_.size() >= settings().buffers) return nullptr;
    allocated_ += pages;
  }
  std::byte* const data = allocateBuffer(pages);
  if (data == nullptr) {
    const std::lock_guard lock(mutex_);
    allocated_ -= pages;
    return nullptr;
  }
  auto allocation = std::make_shared<Allocation>(data, length, tracked);
  const std::lock_guard lock(mutex_);
  allocations_.emplace(data, allocation);
  return allocation;
}

void Memory::released(const Allocation& allocation) {
  const std::lock_guard lock(mutex_);
  allocations_.erase(allocation.data);
  allocated_ -= inPages(allocation.length);
}

size_t Memory::allocated() {
  const std::lock_guard lock(mutex_);
  return allocated_;
}

Memory::Place Memory::find(const void* pointer, size_t bytes) {
  const std::byte* const data = static_cast<const std::byte*>(pointer);
  std::shared_ptr<Allocation> allocation;  // outlives the lock, which its end takes
  const std::lock_guard lock(mutex_);
  const auto next = allocations_.upper_bound(data);
  if (bytes == 0 || next == allocations_.begin()) return {};
  allocation = std::prev(next)->second.lock();
  if (!allocation) return {};
  const size_t offset = static_cast<size_t>(data - allocation->data);
  if (offset >= allocation->length) return {};
  return {allocation, offset, std::min(bytes, allocation->length - offset)};
}

void Memory::written(const void* data, size_t bytes) {
  const Place place = find(data, bytes);
  if (!place.allocation) return;
  if (const auto use = place.allocation->users.of(place.offset, place.bytes, false)) {
    complain("CPU write while in use", "the CPU writes", *use, place.offset, place.bytes);
  }
  mark({place.allocation, place.offset, place.bytes, true});
}

void Memory::read(const void* data, size_t bytes) {
  const Place place = find(data, bytes);
  if (!place.allocation) return;
  if (const auto use = place.allocation->users.of(place.offset, place.bytes, true)) {
    complain("CPU read while in use", "the CPU reads", *use, place.offset, place.bytes);
  }
}

void Memory::forgotten(const void* data, size_t bytes) {
  const Place place = find(data, bytes);
  if (!place.allocation) return;
  if (const auto use = place.allocation->users.of(place.offset, place.bytes, false)) {
    complain("memory given back while in use", "given back:", *use, place.offset, place.bytes);
  }
  mark({place.allocation, place.offset, place.bytes, false});
}

void Memory::mark(Mark mark) {
  {
    const std::lock_guard lock(marksMutex_);
    marks_.push_back(std::move(mark));
  }
  // While a command runs, the marks wait for the next one: it is the first that they can concern.
  const std::unique_lock lock(executing, std::try_to_lock);
  if (lock) applyMarks();
}

void Memory::applyMarks() {
  std::vector<Mark> marks;
  {
    const std::lock_guard lock(marksMutex_);
    marks.swap(marks_);
  }
  for (const Mark& mark : marks) {
    mark.allocation->mark(mark.offset, mark.bytes, mark.written);
    mark.allocation->history.forget(mark.offset, mark.bytes);
  }
}

}  // namespace emulator
