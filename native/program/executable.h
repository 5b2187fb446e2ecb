// A program that was validated and made ready for its devices: loaded once, run often, by several threads at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "memory/buffer.h"
#include "program/memory_plan.h"
#include "program/run_memory.h"
#include "program/status.h"
#include "program/validate.h"

namespace metalgrad {

/// A decoded program with what its runs must bring.
struct ValidProgram {
  Program program;
  Requirements requirements;
};

/// Decodes and validates.
Outcome readProgram(std::span<const int32_t> words, ValidProgram& valid);

class Executable {
 public:
  virtual ~Executable() = default;
  Executable(const Executable&) = delete;
  Executable& operator=(const Executable&) = delete;

  size_t inputs() const { return program_.inputs; }
  size_t outputs() const { return program_.outputBytes.size(); }
  size_t args() const { return program_.args; }

  /// Checks what a run brings.
  Outcome check(std::span<const memory::BufferRef> inputs, std::span<const uint64_t> args) const;
  /// Allocates outputs that must be there before the run.
  Outcome allocate(const std::shared_ptr<memory::Allocator>& allocator, std::span<memory::BufferRef> outputs) const;
  /// Runs the steps, and allocates each output that is not there when its first step comes; `check` must have accepted
  /// these inputs and arguments. Ends early once `cancelled` is set.
  Outcome run(std::span<const memory::BufferRef> inputs, std::span<const uint64_t> args,
              std::span<memory::BufferRef> outputs, const std::shared_ptr<memory::Allocator>& allocator,
              const std::atomic<bool>* cancelled) const;

 protected:
  struct RunState {
    std::span<const memory::BufferRef> inputs;
    RunMemory& memory;
    std::span<const uint64_t> args;
    memory::Allocator& allocator;
    const std::atomic<bool>* cancelled;

    bool isCancelled() const { return cancelled && cancelled->load(std::memory_order_relaxed); }
  };

  explicit Executable(ValidProgram&& valid)
      : program_(std::move(valid.program)),
        requirements_(std::move(valid.requirements)),
        memoryPlan_(planMemory(program_)) {}

  virtual Outcome runSteps(const RunState& run) const = 0;

  /// A table of what `make` gives for the memory of each slot: of inputs now, the others have none yet.
  template <typename Make>
  auto slots(const RunState& run, Make make) const {
    std::vector<decltype(make(memory::Block()))> slots(run.inputs.size() + program_.outputBytes.size() +
                                                       program_.temporaries.size());
    for (size_t i = 0; i < run.inputs.size(); i++) slots[i] = make(run.inputs[i]->block());
    return slots;
  }

  const Program& program() const { return program_; }

 private:
  Program program_;
  Requirements requirements_;
  MemoryPlan memoryPlan_;
};

/// How a cancelled run ends.
Outcome cancelledRun();

}  // namespace metalgrad
