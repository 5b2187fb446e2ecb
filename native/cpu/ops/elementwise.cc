// Finds the tile function of an instruction.
#include "cpu/ops/families.h"

namespace metalgrad::cpu {

TileFn elementwise(ElementwiseOp op, Dtype dtype, unsigned scalars) {
  if (TileFn fn = selectFn(op, dtype, scalars)) return fn;
  if (TileFn fn = compareFn(op, dtype, scalars)) return fn;
  switch (dtype) {
    case Dtype::float32:
      if (TileFn fn = elementary32(op, scalars)) return fn;
      return floatFn(op, dtype, scalars);
    case Dtype::float64:
      if (TileFn fn = elementary64(op, scalars)) return fn;
      return floatFn(op, dtype, scalars);
    case Dtype::complex64:
      return complexFn(op, scalars);
    default:
      return integerFn(op, dtype, scalars);
  }
}

}  // namespace metalgrad::cpu
