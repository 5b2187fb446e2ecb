// One dispatch while it runs, on one thread of the operating system: its memory, its clock, its threads, what was
// found.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "fiber.h"
#include "module.h"
#include "shader.h"
#include "shadow.h"
#include "stdlib/emulator_abi.h"

namespace emulator {

inline constexpr unsigned kLanes = 32;
inline constexpr unsigned kMaxThreads = 1024;
inline constexpr unsigned kMaxVariables = 32;
inline constexpr size_t kMaxThreadgroupBytes = 32768;
/// Threadgroup memory is a row of windows, one for each variable, then one for each index of threadgroup buffers.
inline constexpr unsigned kWindowShift = 20;
inline constexpr unsigned kWindows = kMaxVariables + 31;

enum FenceOf { kOfDevice, kOfThreadgroup };

/// 32 threads: for each lane one bit in one of the sets.
struct Simdgroup {
  uint32_t unstarted, ready, atOperation, atBarrier, done;
  uint32_t fence[2];  // when the last barrier of this group was, for each kind of memory
};

/// Why a thread waits.
struct Wait {
  Fiber* fiber;
  EmulatorSimdOperation* operation;  // null at a barrier
  EmulatorLane* lane;
  const void* from;  // the call's address
  unsigned fences;
  bool exact;
};

struct Finding {
  std::string kind, detail;
  uintptr_t from;
};

/// What outlives a run on a thread of the operating system: stacks, threadgroup memory, cells, the clock.
struct Workshop {
  Workshop();
  ~Workshop();
  FiberPool fibers;
  std::byte* threadgroup;
  std::vector<Cell> cells;
  uint32_t time = 0;
};

class Run {
 public:
  Run(Workshop& workshop, const Image& image, const EmulatorKernel& kernel, const Grid& grid, uint64_t seed);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void bind(std::span<const BoundBuffer> buffers, size_t threadgroupBytes);
  void execute();
  /// Ranges that were touched, and memory that was copied in is copied out.
  void finish(const std::function<void(uint32_t, size_t, size_t, bool)>& accessed);
  std::vector<Fault> faults() const;

  // Called by shaders, through hooks.cc.
  template <bool write>
  void access(uintptr_t address, size_t bytes, const void* from);
  void barrier(unsigned fences, const void* from);
  void simdgroupOperation(EmulatorSimdOperation* operation, EmulatorLane* lane, bool exact, unsigned fences,
                          const void* from);
  void* variable(unsigned number, size_t bytes, size_t elementBytes, const void* from);
  void atomicAccess(uintptr_t address, bool reads, bool writes, const void* from);

  void found(const char* kind, std::string detail, const void* from);
  /// The run is over: leaves the fiber for good.
  [[noreturn]] void abandon();
  bool inShader() const { return current_ != nullptr; }
  const Image& image() const { return image_; }
  uintptr_t stackLow() const { return stackLow_; }
  std::string nameOf(uint32_t thread) const;
  uint32_t thread() const { return me_; }

  static void fiberBody(boost::context::detail::transfer_t from);

 private:
  struct Next {
    Fiber* fiber;     // parked, to be continued; null: a thread is to be started
    uint32_t thread;  // in the threadgroup; kNone: the threadgroup has ended
  };
  static constexpr uint32_t kNone = UINT32_MAX;

  // schedule.cc
  void runGroup(uint32_t group);
  Next choose();
  Next take(uint32_t simdgroup, uint32_t lanes);
  bool resolve(uint32_t simdgroup);
  bool release();
  void wait(const Wait& wait);
  void enter(Fiber* fiber, boost::context::detail::fcontext_t* saved);
  void become(Fiber* fiber, uint32_t thread);
  void place(Fiber* fiber, uint32_t thread) const;
  uint32_t random();

  // memory.cc
  void shadowsOf(std::span<const Region*> regions);
  Cell* cellsOf(size_t count);
  void regrain(Shadow& shadow, unsigned shift);
  template <bool write>
  void check(Region& region, uintptr_t address, size_t bytes, const void* from);
  template <bool write>
  void race(Region& region, uintptr_t at, size_t bytes, const void* from);
  template <bool write>
  void mixed(Region& region, uintptr_t at, size_t bytes, const void* from);
  void hazard(const Region& region, size_t offset, size_t bytes, bool written, const void* from);
  template <bool write>
  [[noreturn]] void outside(uintptr_t address, size_t bytes, const void* from);
  bool ordered(uint32_t other, uint32_t time, FenceOf memory) const;
  uint32_t startOf(const Region& region) const { return isThreadgroup(region) ? groupStart_ : runStart_; }
  bool mayRun(uint32_t readers, uint32_t time, uint32_t start, FenceOf memory) const;
  void join(uint32_t& readers, uint32_t& time, uint32_t start, FenceOf memory) const;
  std::string describe(const Region& region, size_t offset, size_t bytes) const;
  bool isThreadgroup(const Region& region) const { return &region >= windows_ && &region < windows_ + kWindows; }

  Workshop& workshop_;
  const Image& image_;
  const EmulatorKernel& kernel_;
  const Grid grid_;
  uint64_t random_;
  uint32_t threads_, groups_, simdgroupCount_;

  // Where the shader is now.
  uintptr_t stackLow_ = 0;
  Fiber* current_ = nullptr;
  uint32_t me_ = 0;  // thread of the grid
  uint32_t mySimdgroup_ = 0;
  uint32_t time_ = 0, runStart_ = 0, groupStart_ = 0, fence_[2] = {0, 0};
  uint32_t group_ = 0;
  boost::context::detail::fcontext_t main_ = nullptr;
  EmulatorThread shared_{};  // what all threads of the threadgroup have in common

  Simdgroup simdgroups_[kMaxThreads / kLanes];
  uint32_t runnable_[kMaxThreads / kLanes], runnableCount_ = 0;
  uint32_t inSimdgroup_ = 0;  // that runs now
  Wait waits_[kMaxThreads];
  uint32_t next_ = kNone;  // thread that a fiber is to start
  bool ended_ = false;     // by a finding

  Region device_[kViews];
  Region windows_[kWindows];
  size_t threadgroupBytes_ = 0;
  void* buffers_[31];
  void* threadgroupBuffers_[31];
  std::deque<Shadow> shadows_;
  std::vector<std::unique_ptr<uint64_t, void (*)(void*)>> bits_;
  std::vector<std::unique_ptr<Cell, void (*)(void*)>> moreCells_;
  size_t cellsTaken_ = 0;
  struct Copied {
    std::byte* from;
    std::byte* to;
    size_t bytes;
    bool back;
  };
  std::vector<Copied> copied_;
  std::vector<Finding> findings_;
};

/// The run of this thread of the operating system, while there is one.
Run* currentRun();

}  // namespace emulator
