/** Scans by their definitions, each element from all before it. */

import type { Dtype } from '../../../lib/dtype';
import { type Complex, complex, exp, less, log } from '../complex';
import { binary } from '../scalars';
import type { RoutineReference } from '.';

/** Positions along `axis` of every row, in the order of the scan. */
function rows(shape: readonly number[], axis: number, reverse: boolean): number[][] {
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const result: number[][] = [];
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const row = Array.from({ length: shape[axis] }, (_, k) => (o * shape[axis] + k) * inner + i);
      result.push(reverse ? row.reverse() : row);
    }
  }
  return result;
}

const hasNaN = (x: Complex): boolean => Number.isNaN(x.re) || Number.isNaN(x.im);

/** The position of the first extreme. */
function extremeAt(values: readonly Complex[], max: boolean): number {
  let best = 0;
  values.forEach((x, k) => {
    const better = max ? less(values[best], x) : less(x, values[best]);
    if (!hasNaN(values[best]) && (hasNaN(x) || better)) best = k;
  });
  return best;
}

function logSumExp(values: readonly Complex[]): Complex {
  const largest = Math.max(...values.map(({ re }) => re));
  if (!Number.isFinite(largest)) return complex(values.some(hasNaN) ? Number.NaN : largest);
  const terms = values.map(({ re, im }) => exp({ re: re - largest, im }));
  const sum = terms.reduce((a, b) => ({ re: a.re + b.re, im: a.im + b.im }));
  const { re, im } = log(sum);
  return { re: re + largest, im };
}

/** What an extreme of nothing is. */
function worst(max: boolean, dtype: Dtype): Complex {
  const sign = max ? -1 : 1;
  if (dtype.kind === 'complex') return { re: sign * Infinity, im: sign * Infinity };
  if (dtype.kind === 'float') return complex(sign * Infinity);
  if (dtype.kind === 'bool') return complex(max ? 0 : 1);
  const bits = 8 * dtype.size;
  if (dtype.kind === 'unsigned') return complex(max ? 0 : 2 ** bits - 1);
  return complex(max ? -(2 ** (bits - 1)) : 2 ** (bits - 1) - 1);
}

/** ints: operation (sum, prod, max, min, logaddexp, its excess over the largest real part), axis, reverse, inclusive. */
export const scan: RoutineReference = ([x], [op, axis, reverse, inclusive]) => {
  const values = [...x.elements];
  const positions = x.elements.map(() => complex(0));
  const { dtype } = x;
  for (const row of rows(x.shape, axis, reverse === 1)) {
    row.forEach((target, k) => {
      const before = row.slice(0, inclusive === 1 ? k + 1 : k);
      const given = before.map((at) => x.elements[at]);
      if (op === 0) values[target] = given.reduce((a, b) => binary('add', a, b, dtype), complex(0));
      else if (op === 1) values[target] = given.reduce((a, b) => binary('multiply', a, b, dtype), complex(1));
      else if (op === 4) values[target] = given.length === 0 ? complex(-Infinity) : logSumExp(given);
      else if (op === 5) {
        const largest = Math.max(...given.map(({ re }) => re));
        values[target] = largest === -Infinity ? complex(0) : logSumExp(given.map(({ re, im }) => ({ re: re - largest, im })));
      } else if (given.length === 0) values[target] = worst(op === 2, dtype);
      else {
        const best = extremeAt(given, op === 2);
        values[target] = given[best];
        positions[target] = complex(reverse === 1 ? row.length - 1 - best : best);
      }
    });
  }
  return [values, positions];
};

/** ints: axis, reverse; h[i] = a[i] · h[i - 1] + b[i]. */
export const recurrence: RoutineReference = ([a, b], [axis, reverse]) => {
  const result = [...b.elements];
  for (const row of rows(a.shape, axis, reverse === 1)) {
    let state = complex(0);
    for (const at of row) {
      state = binary('add', binary('multiply', a.elements[at], state, a.dtype), b.elements[at], a.dtype);
      result[at] = state;
    }
  }
  return [result];
};
