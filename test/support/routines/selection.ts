/** Partial sorts, from whole ones. */

import { type Complex, complex, less } from '../complex';
import type { RoutineReference } from '.';

/** NaN comes last, and of equals the one that stands before. */
function ranked(row: readonly Complex[]): number[] {
  const nan = ({ re, im }: Complex): number => (Number.isNaN(re) ? 2 : 0) + (Number.isNaN(im) ? 1 : 0);
  const order = (a: Complex, b: Complex): number => nan(a) - nan(b) || (less(a, b) ? -1 : less(b, a) ? 1 : 0);
  return row.map((_, i) => i).sort((i, j) => order(row[i], row[j]) || i - j);
}

/** The elements of each row at the positions that `pick` gives, and the positions. */
function picked(elements: readonly Complex[], length: number, pick: (ranks: readonly number[]) => readonly number[]): Complex[][] {
  const [values, positions]: Complex[][] = [[], []];
  for (let at = 0; at < elements.length; at += length) {
    const row = elements.slice(at, at + length);
    for (const i of pick(ranked(row))) {
      values.push(row[i]);
      positions.push(complex(i));
    }
  }
  return [values, positions];
}

/** ints: kth. What sorting puts before it keeps its order, and so does what it puts behind. */
export const partition: RoutineReference = ([x], [kth]) =>
  picked(x.elements, x.shape[x.shape.length - 1], (ranks) => {
    const inOrder = (part: readonly number[]): number[] => [...part].sort((a, b) => a - b);
    return [...inOrder(ranks.slice(0, kth)), ranks[kth], ...inOrder(ranks.slice(kth + 1))];
  });

/** ints: k. The last ones of the sorted row. */
export const topk: RoutineReference = ([x], [k]) =>
  picked(x.elements, x.shape[x.shape.length - 1], (ranks) => ranks.slice(ranks.length - k));
