// A program that was validated and made ready for its devices: loaded once, run often, by several threads at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "memory/buffer.h"
#include "program/flight.h"
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
  /// How runs one after the other depend on each other.
  struct Order {
    /// Ends the run early once it is set.
    const std::atomic<bool>& cancelled;
    /// Waits until the inputs are written. The device runs what it is given in order and needs no such wait; a step
    /// that the CPU runs does.
    std::function<Outcome()> inputsWritten;
  };
  /// Gives the steps to their device, and allocates each output that is not there when its first step comes; `check`
  /// must have accepted these inputs and arguments. The inputs may still be written by runs that were started before.
  /// `outputs` and `allocator` must live as long as the flight does.
  Flight start(std::span<const memory::BufferRef> inputs, std::span<const uint64_t> args,
               std::span<memory::BufferRef> outputs, const std::shared_ptr<memory::Allocator>& allocator,
               const Order& order) const;
  /// The same, and waits for the end. Nothing may be writing the inputs.
  Outcome run(std::span<const memory::BufferRef> inputs, std::span<const uint64_t> args,
              std::span<memory::BufferRef> outputs, const std::shared_ptr<memory::Allocator>& allocator) const;

 protected:
  struct RunState {
    std::span<const memory::BufferRef> inputs;
    RunMemory& memory;
    std::span<const uint64_t> args;
    memory::Allocator& allocator;
    const Order& order;

    bool isCancelled() const { return order.cancelled.load(std::memory_order_relaxed); }
  };

  explicit Executable(ValidProgram&& valid)
      : program_(std::move(valid.program)),
        requirements_(std::move(valid.requirements)),
        memoryPlan_(planMemory(program_)) {}

  /// Leaves in `pending` what has not ended when this returns.
  virtual Outcome runSteps(const RunState& run, std::unique_ptr<Pending>& pending) const = 0;

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
