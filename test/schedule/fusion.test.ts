import { float16, float32, int32, uint32 } from '../../lib/dtype';
import type { Node } from '../../lib/graph/node';
import * as p from '../../lib/primitives';
import { placeholder } from '../../lib/primitives/control';
import { explainSteps } from '../../lib/schedule/explain';
import { widest } from '../support/default';

const limit = { maxOperands: 32, maxInstructions: 256, minEpilogue: 1, maxBlockBytes: Infinity };
const limits = [limit, limit];
const trace = { transform: 'test', active: true };
const input = (shape: number[], dtype = float32): Node => placeholder(shape, dtype, trace);
const steps = (...nodes: Node[]): string[] => explainSteps(nodes, limits);
const kinds = (...nodes: Node[]): string[] => steps(...nodes).map((step) => step.split(' ')[0]);
const count = (text: string, part: string): number => text.split(part).length - 1;

describe('fusion', () => {
  test('mean(square(w * x - y)) is one kernel without intermediates', () => {
    const [w, x, y] = [input([64, 32]), input([64, 32]), input([64, 32])];
    const total = p.sum(p.square(p.subtract(p.multiply(w, x), y)), [0, 1]);
    const [kernel, ...rest] = steps(p.divide(total, p.full(2048, [], float32)));
    expect(rest).toHaveLength(1);
    expect(kernel).toContain('kernel [Σ2048]');
    expect(count(kernel, 'store')).toBe(0);
    expect(count(kernel, 'load')).toBe(3);
  });

  test('a chain of operations is one kernel', () => {
    let x = input([10]);
    for (let i = 0; i < 20; i++) x = p.exp(p.add(x, p.full(i, [10], float32)));
    expect(kinds(x)).toEqual(['kernel']);
  });

  test('several outputs of one group are one kernel', () => {
    const x = input([10]);
    const y = p.exp(x);
    expect(kinds(y, p.sin(y), p.cos(x))).toEqual(['kernel']);
  });

  test('sums over the same axes of values of one group share a kernel', () => {
    const x = input([64, 32]);
    expect(kinds(p.sum(x, [1]), p.sum(p.square(x), [1]))).toEqual(['kernel']);
    expect(kinds(p.sum(x, [1]), p.sum(p.square(x), [0]))).toEqual(['kernel', 'kernel']);
  });

  test('a product that one addition reads becomes a multiplyAdd', () => {
    const [a, b, c] = [input([8]), input([8]), input([8])];
    expect(steps(p.add(p.multiply(a, b), c))[0]).toMatch(/multiplyAdd v0 v1 v2/);
    const product = p.multiply(a, b);
    expect(steps(p.add(product, c), product)[0]).not.toContain('multiplyAdd');
    const integers = [input([8], int32), input([8], int32)];
    expect(steps(p.add(p.multiply(integers[0], integers[1]), integers[0]))[0]).not.toContain('multiplyAdd');
  });

  test('views are strides of what reads them', () => {
    const x = input([4, 6]);
    const y = input([6]);
    const sum = p.add(p.transpose(x, [1, 0]), p.broadcastTo(p.reshape(y, [6, 1]), [6, 4]));
    const [kernel] = steps(sum);
    expect(kinds(sum)).toEqual(['kernel']);
    expect(kernel).toContain('input0:float32[0; 1, 6]');
    expect(kernel).toContain('input1:float32[0; 1, 0]');
  });

  test('a view of an input takes no step', () => {
    expect(steps(p.transpose(input([4, 6]), [1, 0]))).toEqual([]);
  });

  test('casts and constants are computed where they are read', () => {
    const x = input([16], float16);
    const wide = p.astype(x, float32);
    const a = p.exp(wide);
    const b = p.sum(p.multiply(p.broadcastTo(p.sum(a, [0]), [16]), wide), [0]);
    const [first, second] = steps(b);
    expect(first).toContain('cast');
    expect(second).toContain('cast');
    expect(second).toContain('float16');
  });

  test('what only arrays that exist make up is computed where it is needed, however late', () => {
    const [m, a, b] = [input([8, 8]), input([8, 8]), input([8, 8])];
    const g = p.matmul(a, b);
    const next = p.add(p.multiply(m, p.full(0.9, [8, 8], float32)), p.multiply(g, p.full(0.1, [8, 8], float32)));
    expect(kinds(next)).toEqual(['matmul']);
  });

  test('an update of several arrays is one step', () => {
    const shape = [8, 8];
    const c = (value: number): Node => p.full(value, shape, float32);
    const [w, m, v, a, b] = [input(shape), input(shape), input(shape), input(shape), input(shape)];
    const g = p.matmul(a, b);
    const m1 = p.add(p.multiply(m, c(0.9)), p.multiply(g, c(0.1)));
    const v1 = p.add(p.multiply(v, c(0.99)), p.multiply(p.square(g), c(0.01)));
    const w1 = p.subtract(w, p.divide(p.multiply(m1, c(0.001)), p.add(p.sqrt(v1), c(1e-8))));
    const text = steps(w1, m1, v1);
    expect(text).toHaveLength(1);
    expect(count(text[0], 'store')).toBe(3);
    expect(count(text[0], '= load')).toBe(3);
    expect(count(text[0], '= product')).toBe(1);
  });

  test('reductions along rows and along columns keep the contiguous axis inside', () => {
    const x = input([64, 32]);
    expect(steps(p.sum(x, [1]))[0]).toContain('kernel [64, Σ32]');
    expect(steps(p.sum(x, [0]))[0]).toContain('kernel [Σ64, 32]');
    expect(steps(p.sum(p.transpose(x, [1, 0]), [0]))[0]).toContain('kernel [64, Σ32]');
  });

  test('producers write their part of a concatenation', () => {
    const [a, b] = [input([4, 3]), input([4, 5])];
    const text = steps(p.concatenate([p.exp(a), p.sin(b)], 1));
    expect(text).toHaveLength(2);
    expect(text[0]).toContain('exp');
    expect(text[0]).toContain('[0; 8, 1]');
    expect(text[1]).toContain('[3; 8, 1]');
  });

  test('a scatter into a value that nobody else needs works in place', () => {
    const [x, y, u, i] = [input([8, 8]), input([8, 8]), input([2, 1, 8]), input([2], uint32)];
    expect(kinds(p.scatter(p.matmul(x, y), u, [i], [0], 'add'))).toEqual(['matmul', 'scatter']);
    expect(kinds(p.scatter(x, u, [i], [0], 'add'))).toEqual(['kernel', 'scatter']);
    const product = p.matmul(x, y);
    const [made, ...rest] = steps(p.scatter(product, u, [i], [0], 'add'), p.exp(product));
    expect(rest).toHaveLength(1);
    expect(count(made, 'store')).toBe(2);
  });

  test('matrix products read transposed and sliced operands as they lie', () => {
    const [a, b] = [input([8, 16]), input([16, 16])];
    const product = p.matmul(p.transpose(p.slice(b, [0, 2], [16, 8]), [1, 0]), p.transpose(a, [1, 0]));
    expect(kinds(product)).toEqual(['matmul']);
  });

  test('long chains are cut into equal pieces', () => {
    let x = input([10], widest);
    for (let i = 0; i < 1000; i++) x = p.sin(x);
    const sizes = steps(x).map((step) => count(step, '= sin'));
    expect(sizes.reduce((sum, size) => sum + size)).toBe(1000);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(256);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(4);
  });

  test('what is cut is cut where few values cross, whatever the outputs are and in which order', () => {
    const constant = (value: number): Node => p.full(value, [64], float32);
    let x = input([64]);
    const values = [x];
    for (let i = 0; i < 100; i++) {
      x = p.add(p.multiply(x, constant(0.5)), constant(1));
      values.push(x);
    }
    const sums = values.map((value) => p.sum(p.square(value), [0]));
    for (const text of [steps(x, ...sums), steps(...sums, x)]) {
      expect(text.length).toBeLessThanOrEqual(5);
      for (const step of text) expect(count(step, 'store')).toBeLessThanOrEqual(2);
    }
  });

  test('operands are cut to the limit', () => {
    let x = input([10]);
    for (let i = 0; i < 200; i++) x = p.add(x, input([10]));
    for (const step of steps(x)) expect(count(step, 'load') + count(step, 'store')).toBeLessThanOrEqual(32);
  });

  test('a mask of one byte is kept rather than its operands', () => {
    const [a, b, c] = [input([8, 8]), input([8, 8]), input([8, 8])];
    const x = p.matmul(a, b);
    const mask = p.greater(x, p.zeros([8, 8], float32));
    const h = p.maximum(x, p.zeros([8, 8], float32));
    const back = p.where(mask, p.matmul(h, c), p.zeros([8, 8], float32));
    const text = steps(back);
    expect(text.map((step) => step.split(' ')[0])).toEqual(['matmul', 'matmul']);
    expect(text[0]).toMatch(/store v2 → t\d+:bool/);
  });

  test('what is computed again for its transpose waits for its cotangent', () => {
    const [x, a] = [input([8, 8]), input([8, 8])];
    const forward = p.sin(p.exp(x));
    const cotangent = p.matmul(forward, a);
    const again = p.exp(p.depends(x, [cotangent]));
    const text = steps(p.multiply(cotangent, again));
    expect(text.map((step) => step.split(' ')[0])).toEqual(['kernel', 'matmul']);
    expect(text[1]).toContain('exp');
  });
});
