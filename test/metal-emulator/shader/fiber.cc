#include "fiber.h"

#include <sys/mman.h>

#include <new>

namespace emulator {
namespace {
constexpr size_t kGuardBytes = 16384;
}

Fiber::Fiber() {
  void* memory =
      mmap(nullptr, kGuardBytes + kStackBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  stackLow_ = reinterpret_cast<uintptr_t>(memory) + kGuardBytes;
  mprotect(reinterpret_cast<void*>(stackLow_), kStackBytes, PROT_READ | PROT_WRITE);
}

Fiber::~Fiber() { munmap(reinterpret_cast<void*>(stackLow_ - kGuardBytes), kGuardBytes + kStackBytes); }

void Fiber::reset(Body body) {
  context = boost::context::detail::make_fcontext(reinterpret_cast<void*>(stackLow_ + kStackBytes), kStackBytes, body);
}

Fiber* FiberPool::take(Fiber::Body body) {
  if (idle_.empty()) {
    all_.push_back(std::make_unique<Fiber>());
    all_.back()->reset(body);
    return all_.back().get();
  }
  Fiber* fiber = idle_.back();
  idle_.pop_back();
  return fiber;
}

void FiberPool::resetAll(Fiber::Body body) {
  idle_.clear();
  for (const auto& fiber : all_) {
    fiber->reset(body);
    idle_.push_back(fiber.get());
  }
}

}  // namespace emulator
