// Runs what one encoder recorded: commands that nothing orders run in a random order, and each access is compared with
// those that it is not ordered after.
#include <algorithm>
#include <cstring>
#include <span>

#include "host/engine.h"
#include "host/faults.h"

namespace emulator {

namespace {

std::atomic<uint64_t> commandsRun{0};

class Runner {
 public:
  Runner(EncodedPass& pass, uint64_t queue, const Knowledge& before, std::mt19937_64& random)
      : pass_(pass), queue_(queue), known_(before), random_(random) {}

  PassResult run();

 private:
  void track();
  void runGroup();
  void runCommand(const Command& command);
  void execute(const DispatchCommand& command);
  void execute(const CopyCommand& command);
  void execute(const FillCommand& command);
  void synchronize(const Command& command);
  std::vector<Hazard> hazards(const Bound& bound) const;
  void touch(Allocation& allocation, size_t offset, size_t bytes, bool written, const Moment& moment);
  void fail(const Fault& fault);

  EncodedPass& pass_;
  const uint64_t queue_;
  Knowledge known_;
  std::mt19937_64& random_;
  uint32_t segment_ = 0;
  std::vector<const Command*> group_;
  std::optional<std::string> fault_;
};

bool synchronizes(const Command& command) {
  return std::holds_alternative<BarrierCommand>(command) || std::holds_alternative<WaitFenceCommand>(command) ||
         std::holds_alternative<UpdateFenceCommand>(command);
}

/// Calls `visit(allocation, written)` for what a command is bound to.
template <typename Visit>
void visitAllocations(const Command& command, const Visit& visit) {
  if (const auto* dispatch = std::get_if<DispatchCommand>(&command)) {
    for (const Binding& binding : dispatch->pipeline->kernel->bindings()) {
      if (binding.threadgroup || binding.index >= kMaxBuffers) continue;
      const Bound& bound = dispatch->buffers[binding.index];
      if (bound.allocation) visit(*bound.allocation, binding.writable);
    }
  } else if (const auto* copy = std::get_if<CopyCommand>(&command)) {
    visit(*copy->from, false);
    visit(*copy->to, true);
  } else if (const auto* fill = std::get_if<FillCommand>(&command)) {
    visit(*fill->allocation, true);
  }
}

PassResult Runner::run() {
  const std::lock_guard lock(Memory::get().executing);
  Memory::get().applyMarks();
  track();
  for (const Command& command : pass_.commands) {
    if (synchronizes(command)) {
      runGroup();
      synchronize(command);
    } else {
      group_.push_back(&command);
      if (pass_.serial) {
        runGroup();
        synchronize(BarrierCommand{});
      }
    }
    if (fault_) break;
  }
  runGroup();
  known_.add(pass_.pass, segment_ + 1, true);
  for (const Command& command : pass_.commands) {
    visitAllocations(command, [&](Allocation& allocation, bool written) {
      if (!allocation.tracked) return;
      Allocation::Tracking& tracking = allocation.tracking[queue_];
      tracking.beforeWrite.add(known_);
      if (written) tracking.beforeRead.add(known_);
    });
  }
  return {std::move(known_), std::move(fault_)};
}

/// Metal lets an encoder wait for earlier ones of its queue that use the same tracked buffers.
void Runner::track() {
  for (const Command& command : pass_.commands) {
    visitAllocations(command, [&](Allocation& allocation, bool written) {
      if (!allocation.tracked) return;
      const Allocation::Tracking& tracking = allocation.tracking[queue_];
      known_.add(written ? tracking.beforeWrite : tracking.beforeRead);
    });
  }
}

void Runner::runGroup() {
  std::shuffle(group_.begin(), group_.end(), random_);
  for (const Command* command : group_) {
    if (fault_) break;
    runCommand(*command);
  }
  group_.clear();
}

void Runner::synchronize(const Command& command) {
  if (std::holds_alternative<BarrierCommand>(command)) {
    known_.add(pass_.pass, ++segment_);
    return;
  }
  const bool waits = std::holds_alternative<WaitFenceCommand>(command);
  FenceState& fence = waits ? *std::get<WaitFenceCommand>(command).fence : *std::get<UpdateFenceCommand>(command).fence;
  if (fence.queue == 0) fence.queue = queue_;
  if (fence.queue != queue_) {
    fail({.kind = "fence of another queue",
          .kernel = "",
          .place = pass_.pass->name(),
          .detail = "a fence orders encoders of one queue only"});
  }
  // Commands that follow are a segment of their own: what a fence says is about those before it or those after it.
  ++segment_;
  if (waits) {
    known_.add(fence.updated);
  } else {
    fence.updated = known_;
    fence.updated.add(pass_.pass, segment_);
  }
}

void Runner::runCommand(const Command& command) {
  if (const auto* dispatch = std::get_if<DispatchCommand>(&command)) execute(*dispatch);
  if (const auto* copy = std::get_if<CopyCommand>(&command)) execute(*copy);
  if (const auto* fill = std::get_if<FillCommand>(&command)) execute(*fill);
}

void Runner::fail(const Fault& fault) {
  const std::string text = report(fault);
  if (!fault_) fault_ = text;
}

void Runner::touch(Allocation& allocation, size_t offset, size_t bytes, bool written, const Moment& moment) {
  const auto conflict = allocation.history.access(offset, bytes, written, moment, known_);
  if (!conflict) return;
  const std::string end = std::to_string(conflict->offset + conflict->bytes);
  fail({.kind = "missing barrier",
        .kernel = *moment.name,
        .place = pass_.pass->name(),
        .detail = std::string(written ? "writes" : "reads") + " bytes " + std::to_string(conflict->offset) + " to " +
                  end + " of a buffer, which " + *conflict->earlier.name + " of " + conflict->earlier.pass->name() +
                  (conflict->earlierWrote ? " writes" : " reads") + ", and no barrier, fence or event stands between"});
}

/// What a kernel must not touch where it is bound.
std::vector<Hazard> Runner::hazards(const Bound& bound) const {
  std::vector<Hazard> all;
  for (const Conflict& conflict : bound.allocation->history.pending(bound.offset, bound.bytes, known_)) {
    const Moment& earlier = conflict.earlier;
    all.push_back({conflict.offset - bound.offset, conflict.bytes, conflict.earlierWrote,
                   *earlier.name + " of " + earlier.pass->name()});
  }
  return all;
}

void Runner::execute(const DispatchCommand& command) {
  const Kernel& kernel = *command.pipeline->kernel;
  const Moment moment{pass_.pass, segment_, ++commandsRun, command.pipeline->name};
  std::array<BoundBuffer, kMaxBuffers> buffers{};
  std::array<std::vector<Hazard>, kMaxBuffers> ofBuffers;
  for (size_t index = 0; index < kMaxBuffers; ++index) {
    const Bound& bound = command.buffers[index];
    if (bound.allocation) {
      ofBuffers[index] = hazards(bound);
      buffers[index] = {bound.allocation->data + bound.offset, bound.bytes, &bound.allocation->initialized,
                        bound.offset, ofBuffers[index]};
    } else if (bound.inlined) {
      buffers[index] = {bound.inlined->data(), bound.inlined->size(), nullptr, 0};
    }
  }
  const auto accessed = [&](uint32_t index, size_t offset, size_t bytes, bool written) {
    const Bound& bound = command.buffers[index];
    // The kernel itself finds what it must not touch, with the line and the thread.
    if (bound.allocation) bound.allocation->history.access(bound.offset + offset, bytes, written, moment, known_);
  };
  for (Fault& fault : kernel.run(command.grid, buffers, command.threadgroupBytes, random_(), accessed)) {
    fault.detail += ", in " + pass_.pass->name();
    fail(fault);
  }
}

void Runner::execute(const CopyCommand& command) {
  static const auto name = std::make_shared<const std::string>("copyFromBuffer");
  const Moment moment{pass_.pass, segment_, ++commandsRun, name};
  touch(*command.from, command.fromOffset, command.bytes, false, moment);
  touch(*command.to, command.toOffset, command.bytes, true, moment);
  std::memmove(command.to->data + command.toOffset, command.from->data + command.fromOffset, command.bytes);
  // What nothing wrote stays so in the copy.
  const auto& from = command.from->initialized.bits;
  for (size_t i = 0; i < command.bytes;) {
    const auto bit = [&](size_t at) { return (from[at / 64] >> (at % 64) & 1) != 0; };
    const bool written = bit(command.fromOffset + i);
    size_t end = i + 1;
    while (end < command.bytes && bit(command.fromOffset + end) == written) ++end;
    command.to->mark(command.toOffset + i, end - i, written);
    i = end;
  }
}

void Runner::execute(const FillCommand& command) {
  static const auto name = std::make_shared<const std::string>("fillBuffer");
  touch(*command.allocation, command.offset, command.bytes, true, {pass_.pass, segment_, ++commandsRun, name});
  std::memset(command.allocation->data + command.offset, command.value, command.bytes);
  command.allocation->mark(command.offset, command.bytes, true);
}

}  // namespace

PassResult runPass(EncodedPass& pass, uint64_t queue, const Knowledge& before, std::mt19937_64& random) {
  return Runner(pass, queue, before, random).run();
}

}  // namespace emulator
