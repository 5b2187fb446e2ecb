/** Products with a quantized matrix, beside those with the same numbers in float32. */

import * as mx from 'metalgrad';
import type { Line } from '../harness';
import { matrix, preparing } from './data';

const side = 4096;

function line(rows: number, atMost: number): Line {
  const data = () => {
    const parts = mx.quantize(matrix([side, side]), 64, 4);
    mx.eval(parts);
    return [matrix([rows, side]), ...parts];
  };
  return {
    name: `quantized: [${rows}, ${side}] by [${side}, ${side}] of 4 bits`,
    prepare: preparing(data, (x, w, scales, biases) => mx.quantizedMatmul(x, w, scales, biases, true, 64, 4)),
    beside: [
      {
        name: 'float32',
        prepare: preparing(
          () => [matrix([rows, side]), matrix([side, side])],
          (x, w) => x.matmul(w.T),
        ),
        atMost,
      },
    ],
  };
}

/** One row reads an eighth of the bytes; many rows decode each number once. */
export const quantized: Line[] = [line(1, 0.5), line(128, 1.2)];
