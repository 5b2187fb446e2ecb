/** A part of one axis, with the others whole. */

import type { Node } from '../graph/node';
import * as p from '../primitives';

/** `size` positions of an axis from `start` on. */
export function piece(x: Node, axis: number, start: number, size: number): Node {
  const starts = new Array<number>(x.shape.length).fill(0);
  starts[axis] = start;
  const sizes = x.shape.slice();
  sizes[axis] = size;
  return p.slice(x, starts, sizes);
}
