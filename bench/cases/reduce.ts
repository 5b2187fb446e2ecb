/** Reductions, and sorting. */

import * as mx from 'metalgrad';
import type { Line } from '../harness';
import { evaluating, everywhere, many, matrix, vector } from './data';

const square = () => [matrix([4096, 4096])];
const bytes = 4 * many;

export const reduce: Line[] = [
  evaluating('reduce: sum over axis 0 of [4096, 4096]', square, (x) => x.sum(0), { targets: { numpy: 1.6, ...everywhere }, moves: bytes }),
  evaluating('reduce: sum over axis 1 of [4096, 4096]', square, (x) => x.sum(1), { targets: { numpy: 1.6, ...everywhere }, moves: bytes }),
  evaluating('reduce: sum of [4096, 4096]', square, (x) => x.sum(), { targets: everywhere, moves: bytes }),
  evaluating(
    'reduce: mean(square(w * x - y)) of 16M',
    () => [vector(), vector(), vector()],
    (w, x, y) => mx.mean(mx.square(w.multiply(x).subtract(y))),
    { targets: { numpy: 6, ...everywhere }, moves: 3 * bytes },
  ),
  evaluating('reduce: softmax of [4096, 4096]', square, (x) => mx.softmax(x, -1), { targets: { numpy: 5, ...everywhere } }),
  evaluating('reduce: logsumexp of [4096, 4096]', square, (x) => mx.logsumexp(x, -1), { targets: everywhere }),
  evaluating('reduce: max over axis 0 of [4096, 4096]', square, (x) => x.max(0), { targets: everywhere }),
  evaluating('reduce: argmax over axis 0 of [4096, 4096]', square, (x) => x.argmax(0), { targets: { numpy: 25, ...everywhere } }),
  evaluating('reduce: argmax over axis 1 of [4096, 4096]', square, (x) => x.argmax(1), { targets: { numpy: 1.5, ...everywhere } }),
  evaluating(
    'reduce: sort of 1M',
    () => [vector(1 << 20)],
    (x) => mx.sort(x),
    { targets: { numpy: 1, ...everywhere } },
  ),
  evaluating(
    'reduce: argsort of 1M',
    () => [vector(1 << 20)],
    (x) => mx.argsort(x),
    { targets: { numpy: 2, ...everywhere } },
  ),
];
