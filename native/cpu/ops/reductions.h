// The two families of reductions that reduceFns() looks through.
#pragma once

#include "cpu/ops/tile.h"

namespace metalgrad::cpu {

/// sum, prod, max, min.
ReduceFns arithmeticReduction(ReduceOp op, Dtype dtype);
/// argmax, argmin.
ReduceFns positionReduction(ReduceOp op, Dtype dtype);

}  // namespace metalgrad::cpu
