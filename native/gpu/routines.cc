// Which routines have GPU kernels.
#include "gpu/routines/routines.h"

#include "cpu/routines/registry.h"

namespace metalgrad::gpu {

Prepared prepare(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome) {
  // Checks itself, since the CPU does not know it.
  if (step.routine == Routine::custom) return prepareCustom(step, pipelines, outcome);
  if (auto error = cpu::check(step); !error.empty()) {
    outcome = {Status::invalidProgram, "invalid program: " + error};
    return nullptr;
  }
  switch (step.routine) {
    case Routine::scan:
      return prepareScan(step, pipelines, outcome);
    case Routine::recurrence:
      return prepareRecurrence(step, pipelines, outcome);
    case Routine::searchsorted:
      return prepareSearch(step, pipelines, outcome);
    case Routine::convolution:
      return prepareConvolution(step, pipelines, outcome);
    case Routine::attention:
      return prepareAttention(step, pipelines, outcome);
    case Routine::hadamard:
      return prepareHadamard(step, pipelines, outcome);
    case Routine::fft:
      return prepareFourier(step, pipelines, outcome);
    case Routine::bitcast:
      return prepareBitcast(step, pipelines, outcome);
    case Routine::softmax:
      return prepareSoftmax(step, pipelines, outcome);
    case Routine::logsumexp:
      return prepareLogSumExp(step, pipelines, outcome);
    case Routine::quantizedMatmul:
      return prepareQuantized(step, pipelines, outcome);
    case Routine::norm:
      return prepareNorm(step, pipelines, outcome);
    case Routine::rope:
      return prepareRope(step, pipelines, outcome);
    default:
      return nullptr;
  }
}

}  // namespace metalgrad::gpu
