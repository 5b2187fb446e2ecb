/** Layer and RMS norms by their definitions. */

import { type Complex, complex } from '../complex';
import type { RoutineReference } from '.';

const mean = (row: readonly number[]): number => row.reduce((a, b) => a + b, 0) / row.length;

/** ints: centered, weight, bias; args: eps. Gives the rows, their factors and their means. */
export const norm: RoutineReference = ([x, ...vectors], [centered, weighted, biased], [eps]) => {
  const n = x.shape[x.shape.length - 1];
  const weight = weighted === 1 ? vectors[0].elements.map(({ re }) => re) : null;
  const bias = biased === 1 ? vectors[vectors.length - 1].elements.map(({ re }) => re) : null;
  const [rows, factors, means]: Complex[][] = [[], [], []];
  for (let at = 0; at < x.elements.length; at += n) {
    const row = x.elements.slice(at, at + n).map(({ re }) => re);
    const m = centered === 1 ? mean(row) : 0;
    const r = 1 / Math.sqrt(mean(row.map((value) => (value - m) ** 2)) + eps.re);
    rows.push(...row.map((value, i) => complex((value - m) * r * (weight?.[i] ?? 1) + (bias?.[i] ?? 0))));
    factors.push(complex(r));
    means.push(complex(m));
  }
  return centered === 1 ? [rows, factors, means] : [rows, factors];
};
