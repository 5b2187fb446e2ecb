// A program that was validated and made ready for the CPU: loaded once, run often, by several threads at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "cpu/buffer.h"
#include "cpu/kernel.h"
#include "program/status.h"
#include "program/validate.h"

namespace metalgrad::cpu {

/// What the scheduler must not exceed in one kernel.
constexpr size_t kMaxOperands = 64;
constexpr size_t kMaxInstructions = 256;

class Executable {
 public:
  /// Decodes, validates and prepares; null with what is wrong in `outcome`.
  static std::shared_ptr<const Executable> load(std::span<const int32_t> words, Outcome& outcome);

  size_t inputs() const { return program_.inputs; }
  size_t outputs() const { return program_.outputBytes.size(); }
  size_t args() const { return program_.args; }

  /// Checks what a run brings, and allocates its outputs.
  Outcome begin(std::span<const BufferRef> inputs, std::span<const uint64_t> args,
                const std::shared_ptr<Allocator>& allocator, std::vector<BufferRef>& outputs) const;
  /// Runs the steps; `begin` must have accepted these inputs and arguments. Ends early once `cancelled` is set.
  Outcome run(std::span<const BufferRef> inputs, std::span<const uint64_t> args, std::span<const BufferRef> outputs,
              Allocator& allocator, const std::atomic<bool>* cancelled) const;

 private:
  using Prepared = std::variant<std::unique_ptr<const Kernel>, const MatmulStep*, const GatherStep*, const ScatterStep*,
                                const RandomBitsStep*, const SortStep*, const RoutineStep*>;

  Outcome prepareSteps();

  Program program_;
  Requirements requirements_;
  std::vector<Prepared> steps_;
};

}  // namespace metalgrad::cpu
