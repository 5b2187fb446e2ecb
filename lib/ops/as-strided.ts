/** Arrays read with strides of one's own. */

import { type ArrayInput, type array, toNode, wrap } from '../array';
import { int32, int64 } from '../dtype';
import { rangeError, showShape } from '../errors';
import type { Node } from '../graph/node';
import * as p from '../primitives';
import { checkShape, contiguousStrides, sizeOf } from '../shape';
import { integerArgument, integersArgument, shapeArgument } from './arguments';
import { defineOp, type MethodOp, operand } from './registry';

/** Options of `asStrided`. */
export interface AsStridedOptions {
  /** The shape of the result; that of the array unless told. */
  shape: readonly number[] | null;
  /** Elements from one index to the next, an axis each; row-major unless told. */
  strides: readonly number[] | null;
  /** The element that the result begins with. */
  offset: number;
}

/**
 * Element [i, j, …] is element offset + i · strides[0] + j · strides[1] + … of the flattened array. Strides may be 0 or negative, and elements may
 * occur several times: then their gradients are added.
 *
 * @throws RangeError when an element would lie outside the array.
 * @example
 * mx.asStrided([1, 2, 3, 4], [3, 2], [1, 1]); // array([[1, 2],\n       [2, 3],\n       [3, 4]], dtype=float32)
 */
export const asStrided = defineOp<
  MethodOp<
    [array: ArrayInput],
    [shape?: readonly number[] | null, strides?: readonly number[] | null, offset?: number],
    AsStridedOptions,
    array
  >
>(
  {
    name: 'asStrided',
    parameters: ['array', 'shape?', 'strides?', 'offset?'],
    cases: () => [
      { args: [operand([2, 3])] },
      { args: [operand([6]), [3, 2], [1, 2], 1] },
      { args: [operand([2, 3]), [2, 2, 2], [0, -2, 1], 3] },
      { args: [operand([4]), [], [], 2] },
      { args: [operand([4]), [0, 2], [1, 1]] },
    ],
  },
  (array: ArrayInput, shape: unknown, strides: unknown, offset: unknown): array => {
    const x = toNode(array, undefined, 'asStrided');
    const size = sizeOf(x.shape);
    const result = shape === undefined || shape === null ? x.shape : shapeArgument('asStrided', shape, x.dtype.size);
    const steps = strides === undefined || strides === null ? contiguousStrides(result) : integersArgument('asStrided', 'strides', strides);
    const first = integerArgument('asStrided', 'offset', offset, 0);
    if (steps.length !== result.length) {
      throw rangeError('asStrided', `shape ${showShape(result)} needs ${result.length} strides, not ${steps.length}`);
    }
    if (sizeOf(result) === 0) return wrap(p.zeros(result, x.dtype));
    const ends = steps.map((step, axis) => step * (result[axis] - 1));
    const low = ends.reduce((total, end) => total + Math.min(end, 0), first);
    const high = ends.reduce((total, end) => total + Math.max(end, 0), first);
    if (low < 0 || high >= size) {
      throw rangeError('asStrided', `elements ${low} to ${high} do not lie in an array of ${size} elements`);
    }
    checkShape('asStrided', result, x.dtype.size);
    return wrap(strided(x, size, result, steps, first));
  },
);

function strided(x: Node, size: number, shape: readonly number[], strides: readonly number[], first: number): Node {
  const dtype = size > 0x7fffffff ? int64 : int32;
  let positions = p.full(first, shape, dtype);
  for (const [axis, step] of strides.entries()) {
    if (step !== 0 && shape[axis] > 1) positions = p.add(positions, p.arange(0, step, shape, axis, dtype));
  }
  return p.reshape(p.gather(p.reshape(x, [size]), [positions], [0], [1]), shape);
}
