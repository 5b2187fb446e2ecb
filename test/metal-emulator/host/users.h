// Which recorded commands use an object or a part of it, until the CPU has learnt that they are complete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "host/order.h"

namespace emulator {

class Users {
 public:
  struct Use {
    std::shared_ptr<const Pass> pass;
    size_t offset = 0, bytes = SIZE_MAX;
    bool written = false;
    /// The command buffer holds the object itself.
    bool retained = false;
    std::shared_ptr<const std::string> name;
  };

  void add(Use use);
  /// Whoever uses the object and does not hold it.
  std::optional<Use> unretained();
  /// Whoever uses the range; only who writes to it where `writers` is set.
  std::optional<Use> of(size_t offset, size_t bytes, bool writers);

 private:
  void prune();

  std::mutex mutex_;
  std::vector<Use> uses_;
  size_t pruneAt_ = 64;
};

}  // namespace emulator
