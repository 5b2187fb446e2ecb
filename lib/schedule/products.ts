/** How the operands of a matrix product lie: strides over batch axes, rows and columns, with as few batch axes as they allow. */

import type { Shape } from '../graph/node';

export interface ProductAxes {
  /** Of the batch. */
  readonly sizes: readonly number[];
  readonly m: number;
  /** For each operand: batch axes, then row, then column. */
  readonly strides: readonly (readonly number[])[];
}

/** `operands` are the strides of a and b over their whole shapes, then those of whatever is walked like the result of `shape`. */
export function productAxes(shape: Shape, operands: readonly (readonly number[])[]): ProductAxes {
  const rank = shape.length;
  let m = shape[rank - 2];
  const sizes: number[] = [];
  const batch: number[][] = operands.map(() => []);
  for (let axis = 0; axis < rank - 2; axis++) {
    const size = shape[axis];
    if (size === 1) continue;
    const last = sizes.length - 1;
    if (last >= 0 && batch.every((list, k) => list[last] === operands[k][axis] * size)) {
      sizes[last] *= size;
      batch.forEach((list, k) => {
        list[last] = operands[k][axis];
      });
    } else {
      sizes.push(size);
      batch.forEach((list, k) => {
        list.push(operands[k][axis]);
      });
    }
  }
  // Batches that share b and whose rows follow one another everywhere else are more rows of one product.
  const last = sizes.length - 1;
  if (last >= 0 && batch.every((list, k) => list[last] === (k === 1 ? 0 : m * operands[k][rank - 2]))) {
    m *= sizes[last];
    sizes.pop();
    for (const list of batch) list.pop();
  }
  return { sizes, m, strides: batch.map((list, k) => [...list, operands[k][rank - 2], operands[k][rank - 1]]) };
}
