// What the runs of every device have in common.
#include "program/executable.h"

#include "program/decode.h"
#include "program/guarded.h"

namespace metalgrad {
Outcome readProgram(std::span<const int32_t> words, ValidProgram& valid) {
  return guarded([&]() -> Outcome {
    std::string error = decode(words, valid.program);
    if (error.empty()) error = validate(valid.program, valid.requirements);
    if (!error.empty()) return {Status::invalidProgram, "invalid program: " + error};
    return {};
  });
}

Outcome cancelledRun() { return {Status::deviceFailure, "the run was cancelled"}; }

Outcome Executable::check(std::span<const memory::BufferRef> inputs, std::span<const uint64_t> args) const {
  return guarded([&]() -> Outcome {
    std::vector<int64_t> slotBytes;
    slotBytes.reserve(inputs.size() + program_.outputBytes.size() + program_.temporaries.size());
    for (const auto& input : inputs) slotBytes.push_back(static_cast<int64_t>(input->bytes()));
    slotBytes.insert(slotBytes.end(), program_.outputBytes.begin(), program_.outputBytes.end());
    for (const auto& temporary : program_.temporaries) slotBytes.push_back(temporary.byteLength);
    if (auto error = validateRun(requirements_, slotBytes, args); !error.empty())
      return {Status::outOfBounds, std::move(error)};
    return {};
  });
}

Outcome Executable::allocate(const std::shared_ptr<memory::Allocator>& allocator,
                             std::span<memory::BufferRef> outputs) const {
  return guarded([&]() -> Outcome {
    for (size_t i = 0; i < outputs.size(); i++) {
      const auto bytes = static_cast<size_t>(program_.outputBytes[i]);
      if (!outputs[i]) outputs[i] = memory::Buffer::allocate(allocator, bytes);
      if (!outputs[i]) return noMemory(bytes, *allocator);
    }
    return {};
  });
}

Flight Executable::start(std::span<const memory::BufferRef> inputs, std::span<const uint64_t> args,
                         std::span<memory::BufferRef> outputs, const std::shared_ptr<memory::Allocator>& allocator,
                         const Order& order) const {
  Flight flight;
  Outcome failure = guarded([&]() -> Outcome {
    auto memory = std::make_unique<RunMemory>(program_, memoryPlan_, outputs, allocator);
    std::unique_ptr<Pending> pending;
    Outcome outcome = guarded([&]() -> Outcome {
      if (Outcome possible = memory->check(); !possible.ok()) return possible;
      Outcome started = runSteps(
          {.inputs = inputs, .memory = *memory, .args = args, .allocator = *allocator, .order = order}, pending);
      // Programs without steps have outputs, too: empty ones.
      return started.ok() ? allocate(allocator, outputs) : std::move(started);
    });
    flight = Flight(std::move(memory), std::move(pending), std::move(outcome));
    return {};
  });
  return failure.ok() ? std::move(flight) : Flight(std::move(failure));
}

Outcome Executable::run(std::span<const memory::BufferRef> inputs, std::span<const uint64_t> args,
                        std::span<memory::BufferRef> outputs,
                        const std::shared_ptr<memory::Allocator>& allocator) const {
  static const std::atomic<bool> never{false};
  return start(inputs, args, outputs, allocator, {.cancelled = never, .inputsWritten = [] { return Outcome(); }})
      .wait();
}

}  // namespace metalgrad
