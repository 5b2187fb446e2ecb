/** Positions in sorted rows, counted one by one. */

import { type Complex, complex, less } from '../complex';
import type { RoutineReference } from '.';

/** NaN comes last. */
function before(a: Complex, b: Complex): boolean {
  const [nanA, nanB] = [a, b].map((x) => Number.isNaN(x.re) || Number.isNaN(x.im));
  return nanA || nanB ? !nanA && nanB : less(a, b);
}

/** ints: right. */
export const searchsorted: RoutineReference = ([sorted, values], [right]) => {
  const n = sorted.shape[sorted.shape.length - 1];
  const m = values.shape[values.shape.length - 1];
  const positions = values.elements.map((x, k) => {
    const row = sorted.elements.slice(Math.floor(k / m) * n, (Math.floor(k / m) + 1) * n);
    return complex(row.filter((y) => (right === 1 ? !before(x, y) : before(y, x))).length);
  });
  return [positions];
};
