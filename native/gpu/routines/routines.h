// Routines that have GPU kernels: each family's file gives its prepared steps, or null as gpu/steps.h says.
#pragma once

#include "gpu/steps.h"

namespace metalgrad::gpu {

Prepared prepareAttention(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome);
Prepared prepareBitcast(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome);
Prepared prepareConvolution(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome);
/// Never null with an outcome that is ok: the CPU has no such routine.
Prepared prepareCustom(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome);
Prepared prepareFourier(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome);
Prepared prepareHadamard(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome);
Prepared prepareLogSumExp(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome);
Prepared prepareNorm(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome);
Prepared prepareQuantized(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome);
Prepared prepareRecurrence(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome);
Prepared prepareRope(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome);
Prepared prepareScan(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome);
Prepared prepareSearch(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome);
Prepared prepareSoftmax(const RoutineStep& step, Pipelines& pipelines, Outcome& outcome);

}  // namespace metalgrad::gpu
