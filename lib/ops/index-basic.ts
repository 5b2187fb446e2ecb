/** Indices that are numbers and ranges, one an axis: what loops over rows, columns and minibatches do. */

import type { Node } from '../graph/node';
import { reshape, slice } from '../primitives/movement';
import { positionsOf, Slice } from './slice-range';

/** Steps of 1, by rank: slices share them. */
const ones: (readonly number[])[] = [];

function onesOf(rank: number): readonly number[] {
  ones[rank] ??= new Array<number>(rank).fill(1);
  return ones[rank];
}

/** `x[parts]`; null for an index with anything else in it, or with a mistake, which the general way tells. */
export function readBasic(x: Node, parts: readonly unknown[]): Node | null {
  const { shape } = x;
  const rank = shape.length;
  if (parts.length > rank) return null;
  const starts: number[] = [];
  const sizes: number[] = [];
  const kept: number[] = [];
  let steps: number[] | null = null;
  let whole = true;
  for (let axis = 0; axis < rank; axis++) {
    const part = axis < parts.length ? parts[axis] : undefined;
    const length = shape[axis];
    if (typeof part === 'number') {
      const position = part < 0 ? part + length : part;
      if (!Number.isInteger(part) || position < 0 || position >= length) return null;
      starts.push(position);
      sizes.push(1);
      if (length !== 1) whole = false;
      continue;
    }
    if (axis >= parts.length) {
      starts.push(0);
      sizes.push(length);
      kept.push(length);
      continue;
    }
    if (!(part instanceof Slice)) return null;
    const { start, size, step } = positionsOf(part, length);
    starts.push(start);
    sizes.push(size);
    kept.push(size);
    if (size !== length || step !== 1) whole = false;
    if (step !== 1) {
      steps ??= new Array<number>(rank).fill(1);
      steps[axis] = step;
    }
  }
  const part = whole ? x : slice(x, starts, sizes, steps ?? onesOf(rank));
  return kept.length === rank ? part : reshape(part, kept);
}
