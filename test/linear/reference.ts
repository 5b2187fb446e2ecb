/** Tables of numbers, and einsum in one loop over all labels. */

import { broadcastAt, type Table } from '../indexing/reference';

export { nested } from '../indexing/draw';
export { broadcast, indicesOf, sizeOf, type Table } from '../indexing/reference';

import { indicesOf } from '../indexing/reference';

/** The element of a table that is repeated along its axes of size 1. */
export function tableAt(x: Table, index: readonly number[]): number {
  const own = index.slice(index.length - x.shape.length);
  return broadcastAt(x, own);
}

/** Einsum as it is defined: for every assignment of the labels, the product of the operands' elements, added up. */
export function einsumReference(inputs: readonly string[], output: string, operands: readonly Table[]): Table {
  const sizes = new Map<string, number>();
  inputs.forEach((labels, i) => {
    [...labels].forEach((label, axis) => {
      sizes.set(label, Math.max(operands[i].shape[axis], sizes.get(label) ?? 0));
      if (operands[i].shape[axis] === 0) sizes.set(label, 0);
    });
  });
  const size = (label: string): number => sizes.get(label) as number;
  const summed = [...sizes.keys()].filter((label) => !output.includes(label));
  const data = indicesOf([...output].map(size)).map((outer) => {
    let total = 0;
    for (const inner of indicesOf(summed.map(size))) {
      const at = new Map<string, number>();
      for (const [i, label] of [...output].entries()) at.set(label, outer[i]);
      for (const [i, label] of summed.entries()) at.set(label, inner[i]);
      total += operands.reduce(
        (product, x, i) =>
          product *
          broadcastAt(
            x,
            [...inputs[i]].map((label) => at.get(label) as number),
          ),
        1,
      );
    }
    return total;
  });
  return { shape: [...output].map(size), data };
}
