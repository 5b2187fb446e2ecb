/** The vectorization example: a list of sums of slices, and vmap. */

import * as mx from 'metalgrad';
import type { Line } from '../harness';
import { evaluating, everywhere, matrix, preparing } from './data';

const data = () => [matrix([4096, 100]), matrix([100, 4096])];

export const vectorize: Line[] = [
  evaluating(
    'vectorize: naive list of 4096 slices',
    data,
    (xs, ys) => Array.from({ length: 4096 }, (_, i) => xs.index(i).add(ys.index(mx.Slice(), i))),
    { limit: 10 },
  ),
  evaluating('vectorize: vmap', data, mx.vmap((x: mx.array, y: mx.array) => x.add(y), [1, 0]) as (...data: mx.array[]) => mx.array, {
    limit: 0.5,
    targets: everywhere,
    beside: [
      { name: 'xs.add(ys.T)', prepare: preparing(data, (xs, ys) => xs.add(ys.T)), atMost: 1.1 },
      { name: 'xs.T.add(ys)', prepare: preparing(data, (xs, ys) => xs.T.add(ys)), atMost: 1.1 },
    ],
  }),
];
