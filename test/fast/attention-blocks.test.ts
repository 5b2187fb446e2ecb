/** Derivatives of long attention, which go by blocks of queries: the same as by the formula, in memory linear in the length. */

import * as mx from '../../lib';
import { nodeOf, wrap } from '../../lib/array';
import { tangentByBlocks } from '../../lib/primitives/attention';
import { useCpu } from '../support/default';
import { expectClose } from '../transforms/support';

useCpu();

type array = mx.array;
const draw = (shape: number[], seed: number, dtype = mx.float64): array =>
  mx.random.normal(shape, mx.float32, 0, 1, mx.random.key(seed)).astype(dtype);

/** By definition. */
function plainAttention(q: array, k: array, v: array, mask: array | null, causal: boolean): array {
  const sharing = q.shape[1] / k.shape[1];
  const [keys, values] = [mx.repeat(k, sharing, 1), mx.repeat(v, sharing, 1)];
  let scores = q.matmul(mx.swapaxes(keys, 2, 3)).multiply(0.5);
  if (mask !== null) scores = mask.dtype === mx.bool ? mx.where(mask, scores, -1e30) : scores.add(mask);
  if (causal) scores = mx.where(mx.tri(q.shape[2], k.shape[2], k.shape[2] - q.shape[2]).astype(mx.bool), scores, -1e30);
  // A softmax of its own, so that this test needs no routine.
  const exponentials = mx.exp(scores.subtract(scores.max(-1, true)));
  return exponentials.divide(exponentials.sum(-1, true)).matmul(values);
}

describe.each([
  ['plain', [1, 1], false],
  ['causal', null, true],
  ['with a mask of rows', [7, 9], true],
] as const)('%s', (_name, maskShape, causal) => {
  const q = draw([2, 4, 7, 3], 1);
  const k = draw([2, 2, 9, 3], 2);
  const v = draw([2, 2, 9, 5], 3);
  const mask = maskShape === null ? null : draw([1, 4, ...maskShape], 4);
  const operands = mask === null ? [q, k, v] : [q, k, v, mask];
  const tangents = operands.map((x, i) => draw(x.shape, 10 + i));
  const attrs = { scale: 0.5, causal };

  /** The tangent by blocks of `rows` queries, as a function of operands and tangents. */
  const byBlocks =
    (rows: number) =>
    (x: readonly array[], t: readonly array[]): array => {
      const nodes = [...x, ...t].map((entry) => nodeOf(entry));
      const n = x.length;
      const [a, b, c, m = null] = nodes.slice(0, n);
      const [ta, tb, tc, tm = null] = nodes.slice(n);
      return wrap(tangentByBlocks({ q: a, k: b, v: c, mask: m, tq: ta, tk: tb, tv: tc, tm }, attrs, rows) ?? nodes[0]);
    };
  const reference = (x: readonly array[], t: readonly array[]): array =>
    mx.jvp((...y: array[]) => plainAttention(y[0], y[1], y[2], y[3] ?? null, causal), [...x] as array[], [...t] as array[])[1][0] as array;

  test.each([2, 3, 7])('by blocks of %d queries', (rows) => {
    expectClose(byBlocks(rows)(operands, tangents), reference(operands, tangents), 1e-9);
  });

  test('its transpose and its own derivatives', () => {
    const loss = (f: typeof reference) => (t: readonly array[]) =>
      f(operands, t)
        .multiply(draw([2, 4, 7, 5], 20))
        .sum();
    expectClose(mx.grad(loss(byBlocks(3)))(tangents), mx.grad(loss(reference))(tangents), 1e-9);
    const second = (f: typeof reference) => (x: readonly array[]) => f(x, tangents).square().sum();
    expectClose(mx.grad(second(byBlocks(3)))([...operands]), mx.grad(second(reference))([...operands]), 1e-8);
  });
});

test('long attention takes this way by itself, and gives the gradient of the formula', () => {
  const [q, k, v] = [1, 2, 3].map((seed) => draw([1, 2, 1100, 4], seed, mx.float32));
  const fast = (q: array, k: array, v: array) => mx.fast.scaledDotProductAttention(q, k, v, 0.5, 'causal').square().sum();
  const plain = (q: array, k: array, v: array) => plainAttention(q, k, v, null, true).square().sum();
  expectClose(mx.grad(fast, [0, 1, 2])(q, k, v), mx.grad(plain, [0, 1, 2])(q, k, v), 1e-3);
});

test('the gradient at length 8,192 holds a block of scores, not all of them', () => {
  const [q, k, v] = [1, 2, 3].map((seed) => draw([1, 1, 8192, 16], seed, mx.float32));
  mx.eval(q, k, v);
  const g = mx.grad((q: array, k: array, v: array) => mx.fast.scaledDotProductAttention(q, k, v, 0.25).square().sum(), [0, 1, 2])(q, k, v);
  mx.clearCache();
  const before = mx.getActiveMemory();
  mx.resetPeakMemory();
  mx.eval(g);
  // All scores would take 256 MB.
  expect((mx.getPeakMemory() - before) / 2 ** 20).toBeLessThan(40);
});
