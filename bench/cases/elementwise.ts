/** Elementwise work on more elements than the caches hold. */

import * as mx from 'metalgrad';
import type { Line } from '../harness';
import { evaluating, everywhere, many, vector } from './data';

const root = Math.sqrt(2 / Math.PI);
export const gelu = (x: mx.array) =>
  x.multiply(0.5).multiply(mx.tanh(x.add(x.multiply(x).multiply(x).multiply(0.044715)).multiply(root)).add(1));

export const elementwise: Line[] = [
  evaluating('elementwise: gelu (tanh) of 16M', () => [vector()], gelu, { targets: { numpy: 8, torch: 4, ...everywhere } }),
  evaluating(
    'elementwise: exp of 16M',
    () => [vector()],
    (x) => mx.exp(x),
    { targets: { numpy: 4, ...everywhere }, moves: 8 * many },
  ),
  evaluating(
    'elementwise: x + x of 16M',
    () => [vector()],
    (x) => x.add(x),
    { targets: { numpy: 1.7, ...everywhere }, moves: 8 * many },
  ),
  evaluating(
    'elementwise: 100-op multiply-add chain on 1M',
    () => [vector(1e6)],
    (x) => {
      let y = x;
      for (let i = 0; i < 50; i++) y = y.multiply(1.0001).add(0.0001);
      return y;
    },
    { targets: { numpy: 18, ...everywhere } },
  ),
  evaluating(
    'elementwise: Adam-like update of 16M',
    () => [vector(), vector(), vector(many, 0.1, 1)],
    (w, m, v) => w.subtract(m.divide(mx.sqrt(v).add(1e-8)).multiply(1e-3)),
    { targets: everywhere, moves: 16 * many },
  ),
];
