// The threads of a grid, one at a time: threadgroups in random order, their SIMD groups and lanes in random order too,
// switched where they wait for one another.
#include <algorithm>
#include <bit>
#include <numeric>

#include "run.h"

namespace emulator {
namespace {

using boost::context::detail::fcontext_t;
using boost::context::detail::jump_fcontext;
using boost::context::detail::transfer_t;

std::string triple(uint32_t x, uint32_t y, uint32_t z) {
  return "(" + std::to_string(x) + ", " + std::to_string(y) + ", " + std::to_string(z) + ")";
}

}  // namespace

Run::Run(Workshop& workshop, const Image& image, const EmulatorKernel& kernel, const Grid& grid, uint64_t seed)
    : workshop_(workshop),
      image_(image),
      kernel_(kernel),
      grid_(grid),
      random_(seed * 0x9e3779b97f4a7c15 + 0x1234567),
      threads_(grid.threads[0] * grid.threads[1] * grid.threads[2]),
      groups_(grid.groups[0] * grid.groups[1] * grid.groups[2]),
      simdgroupCount_((threads_ + kLanes - 1) / kLanes) {
  // Old times mean "never": they begin anew before they run out.
  if (workshop_.time > (1u << 30)) {
    std::fill(workshop_.cells.begin(), workshop_.cells.end(), Cell{});
    workshop_.time = 0;
  }
  runStart_ = groupStart_ = time_ = workshop_.time + 1;
  for (int axis = 0; axis < 3; axis++) {
    shared_.groupsPerGrid[axis] = grid.groups[axis];
    shared_.threadsPerGroup[axis] = grid.threads[axis];
    shared_.threadsPerGrid[axis] = grid.groups[axis] * grid.threads[axis];
  }
  shared_.simdgroups = simdgroupCount_;
}

uint32_t Run::random() {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return static_cast<uint32_t>(random_ >> 32);
}

void Run::execute() {
  // All threadgroups, in an order without a pattern: steps of a number that has no factor in common with theirs.
  uint32_t step = groups_ > 2 ? random() % groups_ | 1 : 1, at = groups_ > 1 ? random() % groups_ : 0;
  while (std::gcd(step, groups_) != 1) step += 2;
  for (uint32_t i = 0; i < groups_ && !ended_; i++) {
    runGroup(at);
    at = static_cast<uint32_t>((uint64_t{at} + step) % groups_);
  }
  workshop_.time = time_;
  if (ended_) workshop_.fibers.resetAll(&Run::fiberBody);
}

void Run::runGroup(uint32_t group) {
  group_ = group;
  groupStart_ = ++time_;
  time_++;  // what atomics write counts as written at the group's start, before every plain access
  fence_[kOfDevice] = fence_[kOfThreadgroup] = groupStart_;
  shared_.groupInGrid[0] = group % grid_.groups[0];
  shared_.groupInGrid[1] = group / grid_.groups[0] % grid_.groups[1];
  shared_.groupInGrid[2] = group / grid_.groups[0] / grid_.groups[1];
  for (uint32_t s = 0; s < simdgroupCount_; s++) {
    const uint32_t lanes = std::min(kLanes, threads_ - s * kLanes);
    simdgroups_[s] = {lanes == kLanes ? UINT32_MAX : (1u << lanes) - 1, 0, 0, 0, 0, {groupStart_, groupStart_}};
    runnable_[s] = s;
  }
  runnableCount_ = simdgroupCount_;
  inSimdgroup_ = UINT32_MAX;
  const Next first = choose();
  next_ = first.thread;
  Fiber* fiber = workshop_.fibers.take(&Run::fiberBody);
  enter(fiber, &main_);
  current_ = nullptr;
}

/// Switches to a fiber; what runs now is continued from `saved`.
void Run::enter(Fiber* fiber, fcontext_t* saved) {
  current_ = fiber;
  stackLow_ = fiber->stackLow();
  const transfer_t back = jump_fcontext(fiber->context, saved);
  *static_cast<fcontext_t*>(back.data) = back.fctx;
}

void Run::become(Fiber* fiber, uint32_t thread) {
  current_ = fiber;
  stackLow_ = fiber->stackLow();
  me_ = group_ * threads_ + thread;
  mySimdgroup_ = thread / kLanes;
}

void Run::place(Fiber* fiber, uint32_t thread) const {
  EmulatorThread& place = fiber->place;
  place = shared_;
  place.indexInGroup = thread;
  place.threadInGroup[0] = thread % grid_.threads[0];
  place.threadInGroup[1] = thread / grid_.threads[0] % grid_.threads[1];
  place.threadInGroup[2] = thread / grid_.threads[0] / grid_.threads[1];
  for (int axis = 0; axis < 3; axis++) {
    place.threadInGrid[axis] = place.groupInGrid[axis] * grid_.threads[axis] + place.threadInGroup[axis];
  }
  place.simdgroup = thread / kLanes;
  place.lane = thread % kLanes;
  place.lanes = std::min(kLanes, threads_ - place.simdgroup * kLanes);
}

/// Runs threads from their start, until there is none to start; then the fiber is idle.
void Run::fiberBody(transfer_t from) {
  *static_cast<fcontext_t*>(from.data) = from.fctx;
  for (;;) {
    Run& run = *currentRun();
    Fiber* const fiber = run.current_;
    const uint32_t thread = run.next_;
    run.become(fiber, thread);
    run.place(fiber, thread);
    run.kernel_.run(fiber->place, run.buffers_, run.threadgroupBuffers_);
    Run& after = *currentRun();
    after.simdgroups_[thread / kLanes].done |= 1u << (thread % kLanes);
    const Next next = after.choose();
    if (next.fiber == nullptr && next.thread != kNone) {
      after.next_ = next.thread;
      continue;
    }
    after.workshop_.fibers.give(fiber);
    if (next.fiber != nullptr) {
      after.become(next.fiber, next.thread);
      const transfer_t back = jump_fcontext(next.fiber->context, &fiber->context);
      *static_cast<fcontext_t*>(back.data) = back.fctx;
    } else {
      const transfer_t back = jump_fcontext(after.main_, &fiber->context);
      *static_cast<fcontext_t*>(back.data) = back.fctx;
    }
  }
}

/// A lane of that SIMD group, of those that can run.
Run::Next Run::take(uint32_t s, uint32_t lanes) {
  const uint32_t turn = random() % kLanes;
  const uint32_t lane =
      (static_cast<uint32_t>(std::countr_zero(std::rotr(lanes, static_cast<int>(turn)))) + turn) % kLanes;
  const uint32_t bit = 1u << lane, thread = s * kLanes + lane;
  inSimdgroup_ = s;
  if ((simdgroups_[s].ready & bit) != 0) {
    simdgroups_[s].ready &= ~bit;
    return {waits_[thread].fiber, thread};
  }
  simdgroups_[s].unstarted &= ~bit;
  return {nullptr, thread};
}

/// Who runs next. Stays in a SIMD group until all its lanes wait.
Run::Next Run::choose() {
  for (;;) {
    if (inSimdgroup_ != UINT32_MAX) {
      Simdgroup& simdgroup = simdgroups_[inSimdgroup_];
      if (const uint32_t lanes = simdgroup.unstarted | simdgroup.ready; lanes != 0) return take(inSimdgroup_, lanes);
      if (simdgroup.atOperation != 0) {
        if (!resolve(inSimdgroup_)) return {nullptr, kNone};
        continue;
      }
    }
    if (runnableCount_ > 0) {
      const uint32_t pick = random() % runnableCount_;
      inSimdgroup_ = runnable_[pick];
      runnable_[pick] = runnable_[--runnableCount_];
      continue;
    }
    inSimdgroup_ = UINT32_MAX;
    if (!release()) return {nullptr, kNone};
  }
}

/// All lanes of a SIMD group wait, and one of them at an operation: computes it.
bool Run::resolve(uint32_t s) {
  Simdgroup& simdgroup = simdgroups_[s];
  const uint32_t present = simdgroup.atOperation;
  const uint32_t first = s * kLanes + static_cast<uint32_t>(std::countr_zero(present));
  const auto diverged = [&](uint32_t lanes, const char* what) {
    const uint32_t other = s * kLanes + static_cast<uint32_t>(std::countr_zero(lanes));
    found("divergent SIMD-group operation",
          nameOf(group_ * threads_ + first) + " waits for its SIMD group, and " + nameOf(group_ * threads_ + other) +
              what,
          waits_[first].from);
    ended_ = true;
    return false;
  };
  if (simdgroup.atBarrier != 0) return diverged(simdgroup.atBarrier, " waits at a barrier");
  uint32_t elsewhere = 0;
  for (uint32_t lane = 0; lane < kLanes; lane++) {
    if ((present >> lane & 1) == 0) continue;
    const Wait& wait = waits_[s * kLanes + lane];
    if (wait.operation != waits_[first].operation || wait.from != waits_[first].from) elsewhere |= 1u << lane;
  }
  if (elsewhere != 0) return diverged(elsewhere, " is at another operation");
  if (waits_[first].exact && present != UINT32_MAX) {
    if (simdgroup.done != 0) return diverged(simdgroup.done, " has ended");
    found("divergent SIMD-group operation",
          nameOf(group_ * threads_ + first) + " is in a SIMD group of " + std::to_string(std::popcount(present)) +
              " threads, where matrices need 32",
          waits_[first].from);
    ended_ = true;
    return false;
  }
  simdgroup.atOperation = 0;
  simdgroup.ready = present;
  if (waits_[first].operation == nullptr) {
    time_++;
    const unsigned fences = waits_[first].fences;
    if ((fences & kEmulatorFenceDevice) != 0) simdgroup.fence[kOfDevice] = time_;
    if ((fences & kEmulatorFenceThreadgroup) != 0) simdgroup.fence[kOfThreadgroup] = time_;
    return true;
  }
  EmulatorLane* lanes[kLanes];
  for (uint32_t lane = 0; lane < kLanes; lane++) {
    lanes[lane] = (present >> lane & 1) != 0 ? waits_[s * kLanes + lane].lane : nullptr;
  }
  if (const unsigned wrong = waits_[first].operation(lanes); wrong != 0) {
    found("divergent SIMD-group operation",
          nameOf(group_ * threads_ + s * kLanes + wrong - 1) + " reads the value of a lane that takes no part",
          waits_[first].from);
  }
  return true;
}

/// No thread can run: all have ended, or all wait at one barrier.
bool Run::release() {
  uint32_t first = kNone, ended = kNone, elsewhere = kNone;
  for (uint32_t s = 0; s < simdgroupCount_; s++) {
    const Simdgroup& simdgroup = simdgroups_[s];
    if (simdgroup.done != 0) ended = s * kLanes + static_cast<uint32_t>(std::countr_zero(simdgroup.done));
    for (uint32_t lanes = simdgroup.atBarrier; lanes != 0; lanes &= lanes - 1) {
      const uint32_t thread = s * kLanes + static_cast<uint32_t>(std::countr_zero(lanes));
      if (first == kNone) first = thread;
      if (waits_[thread].from != waits_[first].from) elsewhere = thread;
    }
  }
  if (first == kNone) return false;
  if (ended != kNone || elsewhere != kNone) {
    const uint32_t other = elsewhere != kNone ? elsewhere : ended;
    found("divergent barrier",
          nameOf(group_ * threads_ + first) + " waits at a barrier, and " + nameOf(group_ * threads_ + other) +
              (elsewhere != kNone ? " waits at another one" : " has ended"),
          waits_[first].from);
    ended_ = true;
    return false;
  }
  time_++;
  const unsigned fences = waits_[first].fences;
  if ((fences & kEmulatorFenceDevice) != 0) fence_[kOfDevice] = time_;
  if ((fences & kEmulatorFenceThreadgroup) != 0) fence_[kOfThreadgroup] = time_;
  for (uint32_t s = 0; s < simdgroupCount_; s++) {
    simdgroups_[s].ready = simdgroups_[s].atBarrier;
    simdgroups_[s].atBarrier = 0;
    runnable_[s] = s;
  }
  runnableCount_ = simdgroupCount_;
  return true;
}

/// The running thread waits; others run meanwhile.
void Run::wait(const Wait& wait) {
  const uint32_t thread = me_ - group_ * threads_;
  Fiber* const fiber = current_;
  waits_[thread] = wait;
  waits_[thread].fiber = fiber;
  const uint32_t bit = 1u << (thread % kLanes);
  Simdgroup& simdgroup = simdgroups_[thread / kLanes];
  (wait.lane == nullptr ? simdgroup.atBarrier : simdgroup.atOperation) |= bit;
  const Next next = choose();
  if (next.fiber == fiber) {
    become(fiber, next.thread);
    return;
  }
  if (next.fiber != nullptr) {
    become(next.fiber, next.thread);
    const transfer_t back = jump_fcontext(next.fiber->context, &fiber->context);
    *static_cast<fcontext_t*>(back.data) = back.fctx;
  } else if (next.thread != kNone) {
    next_ = next.thread;
    Fiber* const fresh = workshop_.fibers.take(&Run::fiberBody);
    enter(fresh, &fiber->context);
  } else {
    abandon();
  }
  // Whoever came back here has said that this fiber runs.
}

void Run::barrier(unsigned fences, const void* from) { wait({nullptr, nullptr, nullptr, from, fences, false}); }

void Run::simdgroupOperation(EmulatorSimdOperation* operation, EmulatorLane* lane, bool exact, unsigned fences,
                             const void* from) {
  static EmulatorLane barrierLane{};
  wait({nullptr, operation, lane == nullptr ? &barrierLane : lane, from, fences, exact});
}

void Run::abandon() {
  ended_ = true;
  fcontext_t never;
  jump_fcontext(main_, &never);
  __builtin_unreachable();
}

std::string Run::nameOf(uint32_t thread) const {
  const uint32_t group = thread / threads_, local = thread % threads_;
  const auto* n = grid_.threads;
  const auto* m = grid_.groups;
  return "thread " + triple(local % n[0], local / n[0] % n[1], local / n[0] / n[1]) + " of threadgroup " +
         triple(group % m[0], group / m[0] % m[1], group / m[0] / m[1]);
}

}  // namespace emulator
