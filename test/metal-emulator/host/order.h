// What is known to have happened before what: the order that barriers, fences, events and the waiting CPU make, and no
// other. A pass (what one encoder recorded) is cut into segments by its barriers; commands of one segment are
// unordered.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace emulator {

/// When the CPU learnt that work was complete: a count of such moments in the process. 0 is never.
using Epoch = uint64_t;

class Pass {
 public:
  explicit Pass(std::string name);
  const uint64_t id;
  /// For texts: what its labels say.
  std::string name() const;
  void rename(std::string name);
  /// When the CPU learnt that all of it has run (or that it never will).
  std::atomic<Epoch> observed{0};

 private:
  mutable std::mutex mutex_;
  std::string name_;
};

/// One command of a pass.
struct Moment {
  std::shared_ptr<const Pass> pass;
  uint32_t segment = 0;
  /// Unique in the process.
  uint64_t command = 0;
  /// For texts: the kernel's name, or what a blit does.
  std::shared_ptr<const std::string> name;
};

/// What has surely run when something begins.
class Knowledge {
 public:
  Knowledge() = default;
  /// All that the CPU knew at an epoch.
  explicit Knowledge(Epoch epoch) : epoch_(epoch) {}

  /// The first `segments` segments of a pass have run; they are all that it has if it is `whole`.
  void add(const std::shared_ptr<Pass>& pass, uint32_t segments, bool whole = false);
  void add(const Knowledge& other);
  bool covers(const Moment& moment) const;
  Epoch epoch() const { return epoch_; }

  struct Prefix {
    std::shared_ptr<Pass> pass;
    uint32_t segments;
    bool whole;
  };
  const std::map<uint64_t, Prefix>& passes() const { return passes_; }

 private:
  bool knownByEpoch(const Pass& pass) const;

  Epoch epoch_ = 0;
  std::map<uint64_t, Prefix> passes_;
};

}  // namespace emulator
