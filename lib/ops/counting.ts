/** Where and how many elements are not zero. */

import { type ArrayInput, type array, toNode, wrap } from '../array';
import { int32 } from '../dtype';
import { typeError } from '../errors';
import * as p from '../primitives';
import { fromTypedArray } from '../values/construct';
import { readMask } from './mask';
import { toBool } from './predicates';
import { finish, type ReduceOp, reduceCases, reductionArguments } from './reducing';
import { defineOp, type MethodOp, operand } from './registry';

/**
 * The number of elements that are not 0 along axes, or of all; int32.
 *
 * @example
 * mx.countNonzero(mx.array([0, 3, 4])); // array(2, dtype=int32)
 */
export const countNonzero = defineOp<ReduceOp>(
  { name: 'countNonzero', parameters: ['array', 'axis?', 'keepdims?'], cases: reduceCases({}, { differentiable: false }) },
  (array: ArrayInput, axis: unknown, keepdims: unknown): array => {
    const reduction = reductionArguments('countNonzero', array, axis, keepdims);
    return wrap(finish(p.sum(p.astype(toBool(reduction.x), int32), reduction.axes), reduction));
  },
);

/**
 * The positions of the elements that are not 0, in row-major order: a uint32 array an axis. It reads values, so it is an error inside
 * vmap and compile.
 *
 * @example
 * mx.nonzero([0, 2, 3]); // [array([1, 2], dtype=uint32)]
 */
export const nonzero = defineOp<MethodOp<[array: ArrayInput], [], object, array[]>>(
  {
    name: 'nonzero',
    parameters: ['array'],
    cases: () => [
      { args: [operand([2, 3])], differentiable: false, readsValues: true },
      { args: [operand([4], { low: -1, high: 0 })], differentiable: false, readsValues: true },
    ],
  },
  (array: ArrayInput): array[] => {
    const x = toNode(array, undefined, 'nonzero');
    const { shape } = x;
    if (shape.length === 0) throw typeError('nonzero', 'a scalar has no axis to count along');
    const mask = readMask('nonzero', toBool(x), 'the result');
    let count = 0;
    for (let at = 0; at < mask.length; at++) count += mask[at];
    const positions = shape.map(() => new Uint32Array(count));
    let next = 0;
    for (let at = 0; at < mask.length; at++) {
      if (mask[at] === 0) continue;
      let rest = at;
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        positions[axis][next] = rest % shape[axis];
        rest = Math.floor(rest / shape[axis]);
      }
      next++;
    }
    return positions.map((list) => wrap(fromTypedArray('nonzero', list)));
  },
);
