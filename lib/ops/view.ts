/** Arrays read as another dtype, bit by bit. */

import { type ArrayInput, type array, toNode, wrap } from '../array';
import { type Dtype, float32, int32, uint8 } from '../dtype';
import { typeError } from '../errors';
import * as p from '../primitives';
import { dtypeArgument } from './arguments';
import { defineOp, type MethodOp, operand } from './registry';

/**
 * The bits of the array as numbers of another dtype. Where elements differ in size the last axis grows or shrinks: four uint8 are one float32. A byte
 * that is not 0 is true. There is no derivative: with respect to a floating result it is an error.
 *
 * @throws RangeError when the last axis holds no whole number of elements.
 * @example
 * mx.view(mx.array([1, -2]), mx.uint32); // array([1065353216, 3221225472], dtype=uint32)
 */
export const view = defineOp<MethodOp<[array: ArrayInput, dtype: Dtype], [], object, array>>(
  {
    name: 'view',
    parameters: ['array', 'dtype'],
    cases: () => [
      { args: [operand([2, 3], { dtype: float32 }), int32], differentiable: false },
      { args: [operand([2, 4], { dtype: uint8, low: 0, high: 60 }), float32], differentiable: false },
      { args: [operand([3], { dtype: int32, low: 0, high: 99 }), uint8], differentiable: false },
      { args: [operand([], { dtype: float32 }), int32], differentiable: false },
      { args: [operand([2, 0], { dtype: float32 }), uint8], differentiable: false },
    ],
  },
  (array: ArrayInput, dtype: unknown): array => {
    const target = dtypeArgument('view', dtype);
    if (target === undefined) throw typeError('view', 'dtype is missing');
    return wrap(p.bitcast(toNode(array, undefined, 'view'), target));
  },
);
