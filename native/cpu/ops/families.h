// The families of tile functions that elementwise() looks through.
#pragma once

#include "cpu/ops/tile.h"

namespace metalgrad::cpu {

/// Arithmetic of bool and integers.
TileFn integerFn(ElementwiseOp op, Dtype dtype, unsigned scalars);
/// Comparisons of every dtype, which give bool.
TileFn compareFn(ElementwiseOp op, Dtype dtype, unsigned scalars);
/// select, for every dtype.
TileFn selectFn(ElementwiseOp op, Dtype dtype, unsigned scalars);
/// Arithmetic of float32 and float64.
TileFn floatFn(ElementwiseOp op, Dtype dtype, unsigned scalars);
/// Elementary functions.
TileFn elementary32(ElementwiseOp op, unsigned scalars);
TileFn elementary64(ElementwiseOp op, unsigned scalars);
/// Everything for complex64 but comparisons and select.
TileFn complexFn(ElementwiseOp op, unsigned scalars);

}  // namespace metalgrad::cpu
