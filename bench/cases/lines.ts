/** Every line of the benchmarks, our side of it. A line's name is what the peers know the same work by. */

import * as mx from 'metalgrad';
import type { Line } from '../harness';
import { perExample, training } from './training';

const M = 16 * 1024 * 1024;

function vector(n = M, low = -3, high = 3): mx.array {
  const x = mx.random.uniform(low, high, [n]);
  mx.eval(x);
  return x;
}

function matrix(...shape: number[]): mx.array {
  const x = mx.random.normal(shape);
  mx.eval(x);
  return x;
}

/** A line that evaluates `f` of data made once. */
function evaluating(
  name: string,
  data: () => mx.array[],
  f: (...data: mx.array[]) => unknown,
  goals: Pick<Line, 'targets' | 'limit'> = {},
): Line {
  return {
    name,
    prepare: () => {
      const made = data();
      return () => mx.eval(f(...made));
    },
    ...goals,
  };
}

const square = () => [matrix(4096, 4096)];
const everywhere = { jax: 3, tfjs: 3 };

const vectorize: Line[] = [
  evaluating(
    'vectorize: naive list of 4096 slices',
    () => [matrix(4096, 100), matrix(100, 4096)],
    (xs, ys) => Array.from({ length: 4096 }, (_, i) => xs.index(i).add(ys.index(mx.Slice(), i))),
    { limit: 10 },
  ),
  evaluating(
    'vectorize: vmap',
    () => [matrix(4096, 100), matrix(100, 4096)],
    mx.vmap((x: mx.array, y: mx.array) => x.add(y), [1, 0]) as (...data: mx.array[]) => mx.array,
    { limit: 0.5, targets: everywhere },
  ),
  evaluating(
    'vectorize: xs.add(ys.T)',
    () => [matrix(4096, 100), matrix(100, 4096)],
    (xs, ys) => xs.add(ys.T),
  ),
];

const built = 100_000;
const graph: Line[] = [
  {
    name: 'graph: building x.add(y), ns an op',
    operations: built,
    limit: 200,
    prepare: () => {
      const x = mx.ones([8]);
      const y = mx.ones([8]);
      return () => {
        let z = x;
        for (let i = 0; i < built; i++) z = z.add(y);
      };
    },
  },
  {
    name: 'graph: building mixed operations, ns an op',
    operations: built,
    limit: 500,
    prepare: () => {
      const x = mx.ones([4, 8]);
      const y = mx.ones([8]);
      return () => {
        let z = x;
        for (let i = 0; i < built / 4; i++) z = mx.tanh(z.multiply(0.5).add(y)).subtract(x);
      };
    },
  },
];

const links = 10_000;
const walk = (x: mx.array) => {
  let y = x;
  for (let i = 0; i < links / 2; i++) y = y.multiply(1.0001).add(0.0001);
  return y;
};
let salt = 0;
const chain: Line[] = [
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

const root = Math.sqrt(2 / Math.PI);
const gelu = (x: mx.array) => x.multiply(0.5).multiply(mx.tanh(x.add(x.multiply(x).multiply(x).multiply(0.044715)).multiply(root)).add(1));
const elementwise: Line[] = [
  evaluating('elementwise: gelu (tanh) of 16M', () => [vector()], gelu, { targets: { numpy: 8, torch: 4, ...everywhere } }),
  evaluating(
    'elementwise: exp of 16M',
    () => [vector()],
    (x) => mx.exp(x),
    { targets: { numpy: 4, ...everywhere } },
  ),
  evaluating(
    'elementwise: x + x of 16M',
    () => [vector()],
    (x) => x.add(x),
    { targets: { numpy: 1.7, ...everywhere } },
  ),
  evaluating(
    'elementwise: copy of 16M',
    () => [vector()],
    (x) => x.negative(),
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
    () => [vector(), vector(), vector(M, 0.1, 1)],
    (w, m, v) => w.subtract(m.divide(mx.sqrt(v).add(1e-8)).multiply(1e-3)),
    { targets: everywhere },
  ),
];

const reduce: Line[] = [
  evaluating('reduce: sum over axis 0 of [4096, 4096]', square, (x) => x.sum(0), { targets: { numpy: 1.6, ...everywhere } }),
  evaluating('reduce: sum over axis 1 of [4096, 4096]', square, (x) => x.sum(1), { targets: { numpy: 1.6, ...everywhere } }),
  evaluating('reduce: sum of [4096, 4096]', square, (x) => x.sum(), { targets: everywhere }),
  evaluating(
    'reduce: mean(square(w * x - y)) of 16M',
    () => [vector(), vector(), vector()],
    (w, x, y) => mx.mean(mx.square(w.multiply(x).subtract(y))),
    {
      targets: { numpy: 6, ...everywhere },
    },
  ),
  evaluating('reduce: softmax of [4096, 4096]', square, (x) => mx.softmax(x, -1), { targets: { numpy: 5, ...everywhere } }),
  evaluating('reduce: logsumexp of [4096, 4096]', square, (x) => mx.logsumexp(x, -1), { targets: everywhere }),
  evaluating('reduce: argmax over axis 0 of [4096, 4096]', square, (x) => x.argmax(0), { targets: { numpy: 25, ...everywhere } }),
  evaluating('reduce: argmax over axis 1 of [4096, 4096]', square, (x) => x.argmax(1), { targets: { numpy: 1.5, ...everywhere } }),
];

const product = (a: mx.array, b: mx.array) => a.matmul(b);
const matmul: Line[] = [
  evaluating('matmul: 1024', () => [matrix(1024, 1024), matrix(1024, 1024)], product, { targets: { numpy: 0.97, ...everywhere } }),
  evaluating('matmul: 2048', () => [matrix(2048, 2048), matrix(2048, 2048)], product, { targets: { numpy: 0.97, ...everywhere } }),
  evaluating('matmul: batched 64 of 128', () => [matrix(64, 128, 128), matrix(64, 128, 128)], product, {
    targets: { numpy: 0.97, ...everywhere },
  }),
  evaluating('matmul: [1, 4096] by [4096, 4096]', () => [matrix(1, 4096), matrix(4096, 4096)], product, {
    targets: { numpy: 0.97, ...everywhere },
  }),
  evaluating(
    'matmul: 1024 with bias and relu',
    () => [matrix(1024, 1024), matrix(1024, 1024), matrix(1024)],
    (x, w, b) => mx.maximum(x.matmul(w).add(b), 0),
    { targets: { numpy: 1.1 } },
  ),
];

const hessian: Line[] = [
  {
    name: 'hessian: jacfwd(jacrev(f)) of 256 variables',
    prepare: () => {
      const w = matrix(256, 256);
      const x = matrix(256);
      const f = (x: mx.array) => mx.sum(mx.tanh(w.matmul(x)).multiply(x));
      const h = mx.jacfwd(mx.jacrev(f));
      return () => mx.eval(h(x));
    },
  },
];

/** Groups by the name that `npm run bench -- name` takes. */
export const groups: Readonly<Record<string, readonly Line[]>> = {
  vectorize,
  graph,
  chain,
  elementwise,
  reduce,
  matmul,
  training,
  perExample,
  hessian,
};
