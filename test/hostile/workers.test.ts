/** The public functions in worker threads, beside a busy event loop, and in two instances of the library. */

import { Worker } from 'node:worker_threads';

import type * as Library from '../../lib';
import * as mx from '../../lib';
import { onGpu } from '../support/default';
import { library, loader } from './child';

const prelude = `
  const { parentPort } = require('node:worker_threads');
  require(${JSON.stringify(loader)});
  const mx = require(${JSON.stringify(library)});
  const loss = (w, x) => mx.mean(mx.square(mx.tanh(x.matmul(w)).subtract(1)));
`;

/** The emulated GPU takes milliseconds for what a processor does in microseconds. */
const [width, steps, product] = onGpu ? [8, 5, 16] : [64, 50, 256];

function start(body: string): { worker: Worker; next: () => Promise<unknown> } {
  const worker = new Worker(prelude + body, { eval: true });
  const next = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  return { worker, next };
}

const training = `
  let w = mx.random.normal([${width}, ${width}], { key: mx.random.key(1) }).multiply(0.1);
  const x = mx.random.normal([${width}, ${width}], { key: mx.random.key(2) });
  for (let i = 0; i < ${steps}; i++) {
    w = w.subtract(mx.grad(loss)(w, x).multiply(0.5));
    mx.eval(w);
  }
`;

test('several workers train at once and find the same', async () => {
  const workers = Array.from({ length: 3 }, () => start(`${training} parentPort.postMessage(loss(w, x).item());`));
  const results = await Promise.all(workers.map(({ next }) => next()));
  await Promise.all(workers.map(({ worker }) => worker.terminate()));
  expect(Number.isFinite(results[0])).toBe(true);
  expect(new Set(results).size).toBe(1);
}, 60_000);

test.each([
  ['eval', 'parentPort.postMessage(0); for (;;) mx.eval(big.matmul(big));'],
  ['asyncEval', 'const again = () => mx.asyncEval(big.matmul(big)).then(again); again(); again(); parentPort.postMessage(0);'],
  ['a gradient', 'parentPort.postMessage(0); for (;;) mx.grad((w) => { const v = loss(w, big); mx.eval(v); return v; })(big).item;'],
])(
  'a worker is terminated in the middle of %s',
  async (_, body) => {
    for (const delay of [0, 5, 25]) {
      const { worker, next } = start(`const big = mx.ones([${product}, ${product}]); ${body}`);
      await next();
      await new Promise((resolve) => setTimeout(resolve, delay));
      await worker.terminate();
    }
    expect(mx.ones([3]).sum().item()).toBe(3);
  },
  60_000,
);

test('timers fire while asyncEval computes', async () => {
  const size = onGpu ? 64 : 1200;
  const x = mx.random.normal([size, size], { key: mx.random.key(0) });
  await mx.asyncEval(x);
  const computed = (): mx.array => {
    let power = x;
    for (let i = 0; i < 8; i++) power = power.matmul(x).multiply(0.6 / Math.sqrt(size));
    return power.sum();
  };
  // Plans are made by whoever asks, and on a GPU their shaders compiled: here the computation alone is looked at.
  await mx.asyncEval(computed());
  const sum = computed();
  const gaps: number[] = [];
  let last = performance.now();
  const timer = setInterval(() => {
    gaps.push(performance.now() - last);
    last = performance.now();
  }, 2);
  const begin = performance.now();
  await mx.asyncEval(sum);
  const took = performance.now() - begin;
  clearInterval(timer);
  expect(Number.isFinite(sum.item())).toBe(true);
  // Many ticks, and none of them waits for the whole computation.
  expect(gaps.length).toBeGreaterThan(5);
  expect(Math.max(...gaps)).toBeLessThan(took / 2);
}, 60_000);

test('two instances of the library in one process do not disturb one another', () => {
  const load = (): typeof Library => {
    let instance: typeof Library | undefined;
    jest.isolateModules(() => {
      instance = require('../../lib');
    });
    return instance as typeof Library;
  };
  const [one, two] = [load(), load()];
  expect(one.array).not.toBe(two.array);
  one.random.seed(1);
  two.random.seed(1);
  const [a, b] = [one.random.uniform(0, 1, [4]), two.random.uniform(0, 1, [4])];
  expect(a.tolist()).toEqual(b.tolist());
  const before = two.getWrappersCount();
  const held = [one.ones([10]).add(1), one.ones([10]).add(2)];
  one.eval(held);
  expect(two.getWrappersCount()).toBe(before);
  one.dispose(held);
  // The other's arrays are foreign objects, and told so.
  expect(() => two.add(a as unknown as number, 1)).toThrow(/^\[add\] /);
  const former = one.setMemoryLimit(2 ** 20);
  expect(two.setMemoryLimit(former)).not.toBe(2 ** 20);
  one.setMemoryLimit(former);
  expect(
    one
      .grad((x: Library.array) => one.sum(x))(one.ones([2]))
      .tolist(),
  ).toEqual([1, 1]);
  expect(
    two
      .vmap((x: Library.array) => x.add(1))(two.ones([2]))
      .tolist(),
  ).toEqual([2, 2]);
});

test('a module registry that is thrown away leaves nothing behind', () => {
  const live = mx.getWrappersCount();
  for (let i = 0; i < 5; i++) {
    jest.isolateModules(() => {
      const own = require('../../lib') as typeof Library;
      expect(own.ones([100]).add(i).sum().item()).toBe(100 * (1 + i));
    });
  }
  expect(mx.getWrappersCount()).toBeLessThanOrEqual(live);
});
