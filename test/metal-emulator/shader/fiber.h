// A stack on which threads of a threadgroup run, one at a time; while one waits for others, its fiber is parked.
#pragma once

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "stdlib/emulator_abi.h"

namespace emulator {

inline constexpr size_t kStackBytes = 128 * 1024;

class Fiber {
 public:
  using Body = void (*)(boost::context::detail::transfer_t);

  Fiber();
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Forgets what ran there; it starts at `body` when it is entered next.
  void reset(Body body);
  /// Below it is a page that nobody may touch.
  uintptr_t stackLow() const { return stackLow_; }

  boost::context::detail::fcontext_t context = nullptr;
  EmulatorThread place;

 private:
  uintptr_t stackLow_ = 0;
};

/// The fibers of an operating system's thread.
class FiberPool {
 public:
  Fiber* take(Fiber::Body body);
  void give(Fiber* fiber) { idle_.push_back(fiber); }
  /// After a run that ended in the midst of its threads.
  void resetAll(Fiber::Body body);

 private:
  std::vector<std::unique_ptr<Fiber>> all_;
  std::vector<Fiber*> idle_;
};

}  // namespace emulator
