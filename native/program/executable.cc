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

Outcome Executable::run(std::span<const memory::BufferRef> inputs, std::span<const uint64_t> args,
                        std::span<memory::BufferRef> outputs, const std::shared_ptr<memory::Allocator>& allocator,
                        const std::atomic<bool>* cancelled) const {
  return guarded([&]() -> Outcome {
    RunMemory memory(program_, memoryPlan_, outputs, allocator);
    Outcome outcome =
        runSteps({.inputs = inputs, .memory = memory, .args = args, .allocator = *allocator, .cancelled = cancelled});
    // Programs without steps have outputs, too: empty ones.
    return outcome.ok() ? allocate(allocator, outputs) : std::move(outcome);
  });
}

}  // namespace metalgrad
