// What encoders record and the device runs. It holds memory and kernels by itself, so that objects which the host lets
// go too early are a fault and no crash.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "host/allocation.h"
#include "host/order.h"
#include "host/users.h"
#include "shader/shader.h"

namespace emulator {

constexpr size_t kMaxBuffers = 31;
constexpr size_t kMaxInlineBytes = 4096;
constexpr size_t kMaxThreadgroupMemory = 32768;
constexpr size_t kMaxThreads = 1024;
constexpr size_t kSimdWidth = 32;

/// A kernel that is ready to be dispatched.
struct PipelineState {
  std::shared_ptr<const Library> library;
  std::unique_ptr<const Kernel> kernel;
  /// The kernel's name, and the label where there is one.
  std::shared_ptr<const std::string> name;
  size_t maxThreads = 0;
  bool wholeSimdGroups = false;
  Users users;
};

struct FenceState {
  Users users;
  // While a command buffer is committed or a pass runs; see Engine.
  uint64_t queue = 0;
  Knowledge updated;
};

struct EventState {
  Users users;
  // Guarded by Engine::mutex.
  uint64_t value = 0;
  std::map<uint64_t, Knowledge> signals;
};

/// What is bound at a buffer index: part of an allocation, or bytes of its own.
struct Bound {
  std::shared_ptr<Allocation> allocation;
  size_t offset = 0, bytes = 0;
  std::shared_ptr<std::vector<std::byte>> inlined;
  explicit operator bool() const { return allocation || inlined; }
};

struct DispatchCommand {
  std::shared_ptr<const PipelineState> pipeline;
  Grid grid;
  std::array<Bound, kMaxBuffers> buffers;
  size_t threadgroupBytes;
};
struct CopyCommand {
  std::shared_ptr<Allocation> from, to;
  size_t fromOffset, toOffset, bytes;
};
struct FillCommand {
  std::shared_ptr<Allocation> allocation;
  size_t offset, bytes;
  uint8_t value;
};
struct BarrierCommand {};
struct WaitFenceCommand {
  std::shared_ptr<FenceState> fence;
};
struct UpdateFenceCommand {
  std::shared_ptr<FenceState> fence;
};
using Command =
    std::variant<DispatchCommand, CopyCommand, FillCommand, BarrierCommand, WaitFenceCommand, UpdateFenceCommand>;

struct EncodedPass {
  std::shared_ptr<Pass> pass;
  /// Each command sees what the one before it wrote; else nothing orders those between two barriers.
  bool serial;
  std::vector<Command> commands;
};
struct SignalEvent {
  std::shared_ptr<EventState> event;
  uint64_t value;
};
struct WaitEvent {
  std::shared_ptr<EventState> event;
  uint64_t value;
};
using Item = std::variant<std::shared_ptr<EncodedPass>, SignalEvent, WaitEvent>;

enum class Status { recorded, enqueued, committed, scheduled, completed, failed };

/// A command buffer's device side.
struct Submission {
  explicit Submission(uint64_t queueNumber, std::string name);
  const uint64_t queue;
  /// In errors, and as who uses events.
  const std::shared_ptr<Pass> self;
  std::vector<Item> items;
  /// Those of the items, and `self`.
  std::vector<std::shared_ptr<Pass>> passes;
  /// An encoder has not ended.
  bool encoding = false;

  // Guarded by Engine::mutex.
  Status status = Status::recorded;
  size_t next = 0;  // of items
  /// The first failure: an MTLCommandBufferError and what happened.
  std::optional<std::pair<unsigned, std::string>> error;
  double start = 0, end = 0;
  std::optional<std::chrono::steady_clock::time_point> waitingSince;
  /// Called once each, on the thread for handlers.
  std::function<void()> scheduled, completed;

  // The device's thread.
  Knowledge known;  // before the next item
  Knowledge done;   // by the items so far
};

}  // namespace emulator
