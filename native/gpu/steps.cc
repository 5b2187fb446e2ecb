// What the steps have in common, and the kinds of steps that the GPU leaves to the CPU.
#include "gpu/steps.h"

namespace metalgrad::gpu {

int64_t Run::offset(const Operand& operand) const {
  int64_t offset = operand.offset;
  if (operand.offsetArg != kNoArg) offset += static_cast<int64_t>(args[operand.offsetArg]);
  return offset;
}

[[gnu::weak]] Prepared prepare(const KernelStep&, Pipelines&, Outcome&) { return nullptr; }
[[gnu::weak]] Prepared prepare(const MatmulStep&, Pipelines&, Outcome&) { return nullptr; }
[[gnu::weak]] Prepared prepare(const GatherStep&, Pipelines&, Outcome&) { return nullptr; }
[[gnu::weak]] Prepared prepare(const ScatterStep&, Pipelines&, Outcome&) { return nullptr; }
[[gnu::weak]] Prepared prepare(const RandomBitsStep&, Pipelines&, Outcome&) { return nullptr; }
[[gnu::weak]] Prepared prepare(const SortStep&, Pipelines&, Outcome&) { return nullptr; }
[[gnu::weak]] Prepared prepare(const RoutineStep&, Pipelines&, Outcome&) { return nullptr; }

}  // namespace metalgrad::gpu
