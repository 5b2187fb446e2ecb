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

  /// Checks what a run brings, and allocates its outputs.
  Outcome begin(std::span<const memory::BufferRef> inputs, std::span<const uint64_t> args,
                const std::shared_ptr<memory::Allocator>& allocator, std::vector<memory::BufferRef>& outputs) const;
  /// Runs the steps; `begin` must have accepted these inputs and arguments. Ends early once `cancelled` is set.
  Outcome run(std::span<const memory::BufferRef> inputs, std::span<const uint64_t> args,
              std::span<const memory::BufferRef> outputs, memory::Allocator& allocator,
              const std::atomic<bool>* cancelled) const;

 protected:
  /// One run: its slots are inputs, outputs and ranges of the arena or of outputs.
  struct RunState {
    std::span<const memory::BufferRef> inputs, outputs;
    memory::Block arena;
    std::span<const uint64_t> args;
    memory::Allocator& allocator;
    const std::atomic<bool>* cancelled;

    bool isCancelled() const { return cancelled && cancelled->load(std::memory_order_relaxed); }
  };

  explicit Executable(ValidProgram&& valid)
      : program_(std::move(valid.program)), requirements_(std::move(valid.requirements)) {}

  virtual Outcome runSteps(const RunState& run) const = 0;

  /// What `make` gives for the memory of each slot.
  template <typename Make>
  auto slots(const RunState& run, Make make) const {
    std::vector<decltype(make(run.arena))> slots;
    slots.reserve(run.inputs.size() + run.outputs.size() + program_.temporaries.size());
    for (const auto& input : run.inputs) slots.push_back(make(input->block()));
    for (const auto& output : run.outputs) slots.push_back(make(output->block()));
    for (const auto& [output, offset, bytes] : program_.temporaries) {
      memory::Block part = output == kArena ? run.arena : run.outputs[output]->block();
      part.data += offset;
      part.offset += static_cast<size_t>(offset);
      part.bytes = static_cast<size_t>(bytes);
      slots.push_back(make(part));
    }
    return slots;
  }

  const Program& program() const { return program_; }

 private:
  Program program_;
  Requirements requirements_;
};

/// How a cancelled run ends.
Outcome cancelledRun();

}  // namespace metalgrad
