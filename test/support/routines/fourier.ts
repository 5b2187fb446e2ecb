/** The discrete Fourier transform by its definition. ints: axis, inverse. */

import { add, type Complex, complex, multiply } from '../complex';
import type { RoutineReference } from '.';

/** exp(±2πi k / n), the angle reduced first. */
function root(k: number, n: number, sign: number): Complex {
  const angle = (sign * 2 * Math.PI * (k % n)) / n;
  return complex(Math.cos(angle), Math.sin(angle));
}

export function transformOf(x: readonly Complex[], inverse: boolean): Complex[] {
  const n = x.length;
  return x.map((_, k) => x.reduce((sum, value, j) => add(sum, multiply(value, root(j * k, n, inverse ? 1 : -1))), complex(0)));
}

export const fft: RoutineReference = ([x], [axis, inverse]) => {
  const n = x.shape[axis];
  const inner = x.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const result = [...x.elements];
  for (let start = 0; start < result.length; start += n * inner) {
    for (let i = 0; i < inner; i++) {
      const positions = Array.from({ length: n }, (_, k) => start + k * inner + i);
      transformOf(
        positions.map((at) => x.elements[at]),
        inverse === 1,
      ).forEach((value, k) => {
        result[positions[k]] = value;
      });
    }
  }
  return [result];
};
