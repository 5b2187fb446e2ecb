/** The Hadamard transform. */

import { type ArrayInput, type array, toNode, wrap } from '../array';
import * as p from '../primitives';
import { atLeastFloat, numberArgument } from './arguments';
import { defineOp, type MethodOp, operand } from './registry';

/**
 * The Hadamard transform of the last axis, whose size is m · 2^k with m of 1, 12, 20 or 28: the matrix of order m times Sylvester's of
 * order 2^k, times `scale`, which is 1 / √size unless told; with that the transform keeps lengths. Integers give float32.
 *
 * @throws RangeError for another size.
 * @example
 * mx.hadamardTransform([1, 2, 3, 4], 1); // array([10, -2, -4, 0], dtype=float32)
 */
export const hadamardTransform = defineOp<MethodOp<[array: ArrayInput], [scale?: number | null], { scale: number | null }, array>>(
  {
    name: 'hadamardTransform',
    parameters: ['array', 'scale?'],
    cases: () => [
      { args: [operand([8])] },
      { args: [operand([2, 4]), 0.5] },
      { args: [operand([2, 12])] },
      { args: [operand([40])] },
      { args: [operand([1, 28])] },
      { args: [operand([3, 1])] },
    ],
  },
  (array: ArrayInput, scale: unknown): array => {
    const x = toNode(array, undefined, 'hadamardTransform');
    const size = x.shape.at(-1) ?? 1;
    const factor = numberArgument('hadamardTransform', 'scale', scale, size === 0 ? 1 : 1 / Math.sqrt(size));
    return wrap(p.hadamardTransform(p.astype(x, atLeastFloat(x.dtype)), factor));
  },
);
