// How the GPU device runs one step of a program: prepared once when the program is loaded, encoded at each run.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "gpu/pipelines.h"
#include "gpu/runtime.h"
#include "gpu/submission.h"
#include "program/program.h"

namespace metalgrad::gpu {

/// What one run of a program gives its steps. Every operand was checked to lie inside its slot before the first step.
struct Run {
  /// The memory of each slot.
  std::span<const Range> slots;
  /// 8-byte arguments: double for floating dtypes, int64 for integers and bool, two floats for complex64.
  std::span<const uint64_t> args;
  /// Records dispatches, and puts barriers where one depends on another.
  Submission& submission;

  /// The operand's offset in elements: its own, and its argument's.
  int64_t offset(const Operand& operand) const;
};

/// A step that is ready to be encoded. Immutable: several runs may encode it at once.
class PreparedStep {
 public:
  virtual ~PreparedStep() = default;
  virtual Outcome encode(const Run& run) const = 0;
};

using Prepared = std::unique_ptr<const PreparedStep>;

// Each gives the prepared step, or null with the failure in `outcome`. Null with an outcome that is ok says that the
// GPU has no kernel for this step: the CPU runs it on the same memory.
Prepared prepare(const KernelStep& step, Pipelines& pipelines, Outcome& outcome);
Prepared prepare(const MatmulStep& step, Pipelines& pipelines, Outcome& outcome);
Prepared prepare(const GatherStep& step, Pipelines& pipelines, Outcome& outcome);
Prepared prepare(const ScatterStep& step, Pipelines& pipelines, Outcome& outcome);
Prepared prepare(const RandomBitsStep& step, Pipelines& pipelines, Outcome& outcome);
Prepared prepare(const SortStep& step, Pipelines& pipelines, Outcome& outcome);
Prepared prepare(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome);

}  // namespace metalgrad::gpu
