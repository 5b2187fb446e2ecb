/** Softmax and logsumexp by their definitions. */

import { type Complex, complex } from '../complex';
import type { RoutineReference } from '.';

function rowsOf(elements: readonly Complex[], length: number): number[][] {
  const rows: number[][] = [];
  for (let at = 0; at < elements.length; at += length) rows.push(elements.slice(at, at + length).map(({ re }) => re));
  return rows;
}

export const softmax: RoutineReference = ([x]) => {
  const rows = rowsOf(x.elements, x.shape[x.shape.length - 1]);
  const result = rows.flatMap((row) => {
    const largest = row.some(Number.isNaN) ? Number.NaN : Math.max(...row);
    const exponentials = row.map((value) => Math.exp(value - largest));
    const sum = exponentials.reduce((a, b) => a + b, 0);
    return exponentials.map((value) => complex(value / sum));
  });
  return [result];
};

export const logsumexp: RoutineReference = ([x]) => {
  const rows = rowsOf(x.elements, x.shape[x.shape.length - 1]);
  const result = rows.map((row) => {
    const largest = row.some(Number.isNaN) ? Number.NaN : Math.max(...row);
    if (!Number.isFinite(largest)) return complex(largest);
    return complex(largest + Math.log(row.reduce((sum, value) => sum + Math.exp(value - largest), 0)));
  });
  return [result];
};
