/** Masks whose values are only known when they are evaluated. */

import { int32 } from '../dtype';
import { codedError } from '../errors';
import type { Node } from '../graph/node';
import { astype } from '../primitives/cast';
import { reshape } from '../primitives/movement';
import { cumulative } from '../primitives/scan';
import { toTypedArray } from '../runtime/read';
import { sizeOf } from '../shape';

/** The values of a mask, row-major: evaluates it. An error where values do not exist: inside vmap and compile. */
export function readMask(where: string, mask: Node, result = 'a result indexed by a boolean array'): Uint8Array {
  try {
    return toTypedArray(mask, where) as Uint8Array;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'METALGRAD_TRACER') throw error;
    const text =
      `the size of ${result} depends on the values of the array, which do not exist inside vmap and compile; ` +
      'use where(mask, x, y), or index outside';
    throw Object.assign(codedError(where, 'METALGRAD_TRACER', text), { cause: error });
  }
}

/** The running count of true elements, row-major and each included, in the mask's shape. */
export function runningCount(mask: Node): Node {
  const flat = reshape(astype(mask, int32), [sizeOf(mask.shape)]);
  return reshape(cumulative('sum', flat, 0), mask.shape);
}
