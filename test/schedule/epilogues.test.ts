/** Elementwise consumers of matrix products: which are computed in the product's step, and that they give what they gave alone. */

import * as mx from '../../lib';
import { bfloat16, bool, type Dtype, float16, float32 } from '../../lib/dtype';
import type { Node } from '../../lib/graph/node';
import * as p from '../../lib/primitives';
import { placeholder } from '../../lib/primitives/control';
import { explainSteps, scheduleOf } from '../../lib/schedule/explain';

const limit = { maxOperands: 32, maxInstructions: 256, minEpilogue: 64, maxBlockBytes: Infinity };
const limits = [limit, limit];
const trace = { transform: 'test', active: true };
const input = (shape: number[], dtype: Dtype = float32): Node => placeholder(shape, dtype, trace);
const steps = (...nodes: Node[]): string[] => explainSteps(nodes, limits);
const kinds = (...nodes: Node[]): string[] => steps(...nodes).map((step) => step.split(' ')[0]);
const along = (row: Node, shape: number[]): Node => p.broadcastTo(row, shape);
const relu = (x: Node): Node => p.maximum(x, p.full(0, x.shape, x.dtype));

describe('what reads a product is computed with it', () => {
  const product = (): Node => p.matmul(input([32, 16]), input([16, 24]));
  const shape = [32, 24];

  test('a bias and an activation', () => {
    const [step, ...rest] = steps(relu(p.add(product(), along(input([24]), shape))));
    expect(rest).toEqual([]);
    expect(step).toMatch(/^matmul .* → epilogue \[32, 24\]/);
    expect(step).toContain('maximum');
    expect(step.split('store')).toHaveLength(2);
  });

  test('scaling, something of the same shape, masks, casts and several results', () => {
    const x = p.add(p.multiply(product(), p.full(0.5, shape, float32)), input(shape));
    expect(kinds(x)).toEqual(['matmul']);
    expect(kinds(p.where(input(shape, bool), product(), p.full(0, shape, float32)))).toEqual(['matmul']);
    expect(kinds(p.astype(product(), float16))).toEqual(['matmul']);
    const z = product();
    expect(kinds(p.exp(z), p.sin(p.exp(z)))).toEqual(['matmul']);
  });

  test('16-bit floats that go on as float32', () => {
    const z = p.matmul(input([32, 16], bfloat16), input([16, 24], bfloat16));
    expect(kinds(p.exp(p.astype(z, float32)))).toEqual(['matmul']);
  });

  test('the rows of a batch', () => {
    const x = p.reshape(p.matmul(p.reshape(input([4, 8, 16]), [32, 16]), input([16, 24])), [4, 8, 24]);
    expect(kinds(p.add(x, along(input([24]), [4, 8, 24])))).toEqual(['matmul']);
    const heads = p.reshape(product(), [4, 8, 6, 4]);
    expect(kinds(p.add(heads, along(input([6, 4]), [4, 8, 6, 4])))).toEqual(['matmul']);
  });

  test('batches of large products', () => {
    const z = p.matmul(input([3, 16, 16]), input([3, 16, 16]));
    expect(kinds(p.add(z, along(input([16]), [3, 16, 16])))).toEqual(['matmul']);
  });

  test('a product that others read is stored as well', () => {
    const z = product();
    const [step, ...rest] = steps(p.exp(z), z);
    expect(rest).toEqual([]);
    expect(step.split('store')).toHaveLength(3);
    const w = product();
    expect(kinds(p.exp(w), p.sum(w, [0]))).toEqual(['matmul', 'kernel']);
  });

  test('one group of two products takes one of them', () => {
    expect(kinds(p.add(product(), product()))).toEqual(['matmul', 'matmul']);
  });
});

describe('what reads a product is a kernel of its own', () => {
  const product = (): Node => p.matmul(input([32, 16]), input([16, 24]));

  test('where another step lies between', () => {
    const z = product();
    expect(kinds(p.subtract(z, along(p.max(z, [0]), [32, 24])))).toEqual(['matmul', 'kernel', 'kernel']);
    const w = product();
    const onward = p.matmul(p.matmul(w, input([24, 8])), input([8, 24]));
    expect(kinds(p.add(w, onward))).toEqual(['matmul', 'matmul', 'matmul']);
  });

  test('where it reduces, or reads the product in another order', () => {
    expect(kinds(p.sum(p.square(product()), [1]))).toEqual(['matmul', 'kernel']);
    expect(kinds(p.exp(p.transpose(product(), [1, 0])))).toEqual(['matmul', 'kernel']);
  });

  test('where a batch would fall into pieces', () => {
    const z = p.matmul(input([8, 16, 16]), p.broadcastTo(input([16, 16]), [8, 16, 16]));
    expect(kinds(p.add(z, along(input([16, 16]), [8, 16, 16])))).toEqual(['matmul', 'kernel']);
  });

  test('where products of a batch are small', () => {
    const z = p.matmul(input([500, 4, 4]), input([500, 4, 4]));
    expect(kinds(p.exp(z))).toEqual(['matmul', 'kernel']);
  });

  test('where it gives more than what dies with the product', () => {
    const x = p.sort(input([32, 16]));
    const z = p.matmul(x, input([16, 24]));
    expect(kinds(p.exp(z), p.sin(p.exp(z)))).toEqual(['sort', 'matmul', 'kernel']);
  });
});

test('results do not take the place of what the product reads', () => {
  const x = p.sort(input([64, 64]));
  const { steps: three, memory } = scheduleOf([p.sort(p.add(p.matmul(x, input([64, 64])), x))], limits);
  expect(three).toHaveLength(3);
  for (const buffer of memory.temporaries) expect(buffer.replaces).toBeNull();
});

test('the memory of a chain of dense layers is two activations', () => {
  let x = input([64, 64]);
  for (let i = 0; i < 8; i++) x = relu(p.add(p.matmul(x, input([64, 64])), along(input([64]), [64, 64])));
  const { steps: chain, memory } = scheduleOf([x], limits);
  expect(chain).toHaveLength(8);
  expect(memory.arenaBytes).toBeLessThanOrEqual(2 * 64 * 64 * 4);
});

describe('values are those of separate steps', () => {
  const integers = (shape: number[], seed: number, dtype: Dtype): mx.array =>
    mx.floor(mx.random.uniform(-3, 4, shape, { key: mx.random.key(seed) })).astype(dtype);

  /** What `f` gives of a product that is evaluated first, and of one that is not. */
  function compare(f: (z: mx.array) => mx.array[], x: mx.array, w: mx.array): void {
    const z = x.matmul(w);
    mx.eval(z);
    const apart = f(z);
    mx.eval(apart);
    const together = f(x.matmul(w));
    mx.eval(together);
    apart.forEach((expected, i) => {
      expect(together[i].dtype).toBe(expected.dtype);
      expect(together[i].toString()).toBe(expected.toString());
      expect(mx.arrayEqual(together[i], expected).item()).toBe(true);
    });
  }

  test.each([float32, float16, bfloat16])('%s', (dtype) => {
    for (const [m, k, n] of [
      [1, 40, 70],
      [70, 40, 1],
      [33, 65, 17],
      [300, 20, 130],
      // Few rows and columns of large matrices, some of partial sums.
      [1, 600, 1100],
      [3, 1500, 400],
      [1100, 600, 2],
    ]) {
      const [x, w] = [integers([m, k], m, dtype), integers([k, n], n, dtype)];
      const [bias, other] = [integers([n], 3, dtype), integers([m, n], 4, dtype)];
      mx.eval(x, w, bias, other);
      compare((z) => [mx.maximum(z.add(bias), 0)], x, w);
      compare((z) => [z.add(other).multiply(0.5), mx.greater(z, other)], x, w);
      compare((z) => [z.astype(float32).add(1), z], x, w);
      compare((z) => [mx.where(mx.less(other, 0), z, -1)], x, w);
      compare((z) => [z.add(mx.multiply(other, 2)), mx.tanh(z)], x, w);
      // A causal mask is made of positions.
      const positions = mx.lessEqual(mx.expandDims(mx.arange(n), 0), mx.expandDims(mx.arange(m), 1));
      compare((z) => [mx.where(positions, z, -9)], x, w);
      compare((z) => [mx.concatenate([z.add(bias), other], 1)], x, w);
      compare((z) => [mx.concatenate([other, z.add(bias)], 0)], x, w);
    }
  });

  test('of transposed operands, and of batches', () => {
    const [x, w, bias] = [integers([60, 48], 1, float32), integers([72, 60], 2, float32), integers([72], 3, float32)];
    mx.eval(x, w, bias);
    compare((z) => [mx.maximum(z.add(bias), 0)], x.T, w.T);
    const [batch, other] = [integers([3, 70, 65], 4, float32), integers([3, 65, 66], 5, float32)];
    const short = integers([66], 6, float32);
    mx.eval(batch, other, short);
    compare((z) => [z.add(short), mx.abs(z)], batch, other);
  });

  test('that replace what they add, in memory', () => {
    const [x, w] = [integers([200, 200], 1, float32), integers([200, 200], 2, float32)];
    mx.eval(x, w);
    const residual = mx.sort(x);
    const sum = mx.sort(x.matmul(w).add(residual)).add(0);
    const expected = x.matmul(w);
    mx.eval(expected);
    expect(mx.arrayEqual(sum, mx.sort(expected.add(mx.sort(x)))).item()).toBe(true);
  });

  test('gradients of a dense layer', () => {
    const [x, w, bias] = [integers([20, 12], 1, float32), integers([12, 30], 2, float32), integers([30], 3, float32)];
    const loss = (v: mx.array, c: mx.array): mx.array => mx.sum(mx.square(mx.maximum(x.matmul(v).add(c), 0)));
    const [dw, db] = mx.grad(loss, [0, 1])(w, bias);
    const z = x.matmul(w);
    mx.eval(z);
    const cotangent = mx.multiply(mx.maximum(z.add(bias), 0), 2);
    mx.eval(cotangent);
    expect(mx.arrayEqual(dw, x.T.matmul(cotangent)).item()).toBe(true);
    expect(mx.arrayEqual(db, mx.sum(cotangent, 0)).item()).toBe(true);
  });
});
