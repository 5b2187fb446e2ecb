/** Arithmetic on strided regions, shared by slices and what is assembled from regions. */

import type { Node } from '../graph/node';
import { flip } from './movement';

/** The length of `size` elements with `interior` more between each two. */
export function spread(size: number, interior: number): number {
  return size === 0 ? 0 : size + (size - 1) * interior;
}

/** The same region with positive steps: axes with negative ones are flipped. */
export function forward(x: Node, starts: readonly number[], steps: readonly number[]): { x: Node; starts: number[]; steps: number[] } {
  const backwards = steps.flatMap((step, axis) => (step < 0 ? [axis] : []));
  return {
    x: flip(x, backwards),
    starts: starts.map((start, axis) => (steps[axis] < 0 && x.shape[axis] > 0 ? start + (x.shape[axis] - 1) * steps[axis] : start)),
    steps: steps.map(Math.abs),
  };
}
