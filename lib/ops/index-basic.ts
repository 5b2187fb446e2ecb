/** Indices that are numbers and ranges, one an axis: what loops over rows, columns and minibatches do. */

import type { Node } from '../graph/node';
import { slice } from '../primitives/movement';
import { positionsOf, Slice } from './slice-range';

/** `x[parts]`; null for an index with anything else in it, or with a mistake, which the general way tells. */
export function readBasic(x: Node, parts: readonly unknown[]): Node | null {
  const { shape } = x;
  const rank = shape.length;
  if (parts.length > rank) return null;
  let numbers = 0;
  for (let i = 0; i < parts.length; i++) if (typeof parts[i] === 'number') numbers++;
  // Of their final lengths at once: a list that grows by pushing takes room for 17 elements.
  const starts = new Array<number>(rank);
  const sizes = new Array<number>(rank);
  const kept = numbers === 0 ? sizes : new Array<number>(rank - numbers);
  let steps: number[] | undefined;
  for (let axis = 0, next = 0; axis < rank; axis++) {
    const length = shape[axis];
    if (axis >= parts.length) {
      starts[axis] = 0;
      sizes[axis] = length;
      kept[next++] = length;
      continue;
    }
    const part = parts[axis];
    if (typeof part === 'number') {
      const position = part < 0 ? part + length : part;
      if (!Number.isInteger(part) || position < 0 || position >= length) return null;
      starts[axis] = position;
      sizes[axis] = 1;
      continue;
    }
    if (!(part instanceof Slice)) return null;
    const { start, size, step } = positionsOf(part, length);
    starts[axis] = start;
    sizes[axis] = size;
    kept[next++] = size;
    if (step !== 1) {
      steps ??= new Array<number>(rank).fill(1);
      steps[axis] = step;
    }
  }
  return slice(x, starts, sizes, steps, kept);
}
