/** Overhead: long chains on few elements, where the arithmetic costs nothing. */

import * as mx from 'metalgrad';
import type { Line } from '../harness';

const links = 10_000;
const walk = (x: mx.array) => {
  let y = x;
  for (let i = 0; i < links / 2; i++) y = y.multiply(1.0001).add(0.0001);
  return y;
};
let salt = 0;
export const chain: Line[] = [
  {
    name: 'chain: 10,000 ops on one element, eager',
    operations: links,
    limit: 500,
    prepare: () => {
      const x = mx.array([1]);
      return () => mx.eval(walk(x));
    },
  },
  {
    name: 'chain: 10,000 ops on one element, compiled',
    operations: links,
    limit: 20,
    prepare: () => {
      const x = mx.array([1]);
      const compiled = mx.compile(walk);
      return () => mx.eval(compiled(x));
    },
  },
  {
    name: 'chain: a structure never seen, 1,000 ops',
    operations: 1000,
    limit: 10_000,
    prepare: () => () => {
      let y = mx.ones([++salt + 8]);
      for (let i = 0; i < 1000; i++) y = i % 3 === 0 ? mx.sin(y) : i % 3 === 1 ? y.multiply(0.5) : y.add(1);
      mx.eval(y);
    },
  },
];
