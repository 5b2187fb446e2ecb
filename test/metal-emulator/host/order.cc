#include "host/order.h"

#include <algorithm>
#include <utility>

namespace emulator {

namespace {

std::atomic<uint64_t> passes{0};

}  // namespace

Pass::Pass(std::string name) : id(++passes), name_(std::move(name)) {}

std::string Pass::name() const {
  const std::lock_guard lock(mutex_);
  return name_;
}

void Pass::rename(std::string name) {
  const std::lock_guard lock(mutex_);
  name_ = std::move(name);
}

bool Knowledge::knownByEpoch(const Pass& pass) const {
  const Epoch observed = pass.observed.load();
  return observed != 0 && observed <= epoch_;
}

void Knowledge::add(const std::shared_ptr<Pass>& pass, uint32_t segments, bool whole) {
  Prefix& prefix = passes_.try_emplace(pass->id, Prefix{pass, 0, false}).first->second;
  prefix.segments = std::max(prefix.segments, segments);
  prefix.whole = prefix.whole || whole;
}

void Knowledge::add(const Knowledge& other) {
  epoch_ = std::max(epoch_, other.epoch_);
  for (const auto& [id, prefix] : other.passes_) add(prefix.pass, prefix.segments, prefix.whole);
  std::erase_if(passes_, [&](const auto& entry) { return knownByEpoch(*entry.second.pass); });
}

bool Knowledge::covers(const Moment& moment) const {
  if (knownByEpoch(*moment.pass)) return true;
  const auto found = passes_.find(moment.pass->id);
  return found != passes_.end() && found->second.segments > moment.segment;
}

}  // namespace emulator
