#include "host/users.h"

#include <algorithm>
#include <utility>

namespace emulator {

namespace {

bool over(const Users::Use& use) { return use.pass->observed.load() != 0; }

bool same(const Users::Use& a, const Users::Use& b) {
  return a.pass == b.pass && a.offset == b.offset && a.bytes == b.bytes && a.written == b.written;
}

}  // namespace

void Users::prune() { std::erase_if(uses_, over); }

void Users::add(Use use) {
  const std::lock_guard lock(mutex_);
  // A loop over one array binds it again and again.
  const size_t looked = std::min<size_t>(uses_.size(), 8);
  if (std::any_of(uses_.end() - static_cast<ptrdiff_t>(looked), uses_.end(),
                  [&](const Use& other) { return same(use, other); })) {
    return;
  }
  if (uses_.size() >= pruneAt_) {
    prune();
    pruneAt_ = std::max<size_t>(64, uses_.size() * 2);
  }
  uses_.push_back(std::move(use));
}

std::optional<Users::Use> Users::unretained() {
  const std::lock_guard lock(mutex_);
  prune();
  const auto found = std::find_if(uses_.begin(), uses_.end(), [](const Use& use) { return !use.retained; });
  return found == uses_.end() ? std::nullopt : std::optional(*found);
}

std::optional<Users::Use> Users::of(size_t offset, size_t bytes, bool writers) {
  const std::lock_guard lock(mutex_);
  prune();
  const auto found = std::find_if(uses_.begin(), uses_.end(), [&](const Use& use) {
    const bool apart = use.offset >= offset + bytes || (use.bytes != SIZE_MAX && use.offset + use.bytes <= offset);
    return !apart && (use.written || !writers);
  });
  return found == uses_.end() ? std::nullopt : std::optional(*found);
}

}  // namespace emulator
