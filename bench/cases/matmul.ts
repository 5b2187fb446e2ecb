/** Matrix products. `blas` is NumPy on the same release of OpenBLAS as ours. */

import * as mx from 'metalgrad';
import type { Line } from '../harness';
import { evaluating, everywhere, matrix } from './data';

const product = (a: mx.array, b: mx.array) => a.matmul(b);
const targets = { blas: 0.97, ...everywhere };

export const matmul: Line[] = [
  evaluating('matmul: 1024', () => [matrix([1024, 1024]), matrix([1024, 1024])], product, { targets }),
  evaluating('matmul: 2048', () => [matrix([2048, 2048]), matrix([2048, 2048])], product, { targets }),
  evaluating('matmul: batched 64 of 128', () => [matrix([64, 128, 128]), matrix([64, 128, 128])], product, { targets }),
  evaluating('matmul: [1, 4096] by [4096, 4096]', () => [matrix([1, 4096]), matrix([4096, 4096])], product, { targets }),
  evaluating(
    'matmul: 1024 with bias and relu',
    () => [matrix([1024, 1024]), matrix([1024, 1024]), matrix([1024])],
    (x, w, b) => mx.maximum(x.matmul(w).add(b), 0),
    { targets: { blas: 1.1, ...everywhere } },
  ),
];
