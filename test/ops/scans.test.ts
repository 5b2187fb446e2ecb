/** Cumulative functions against loops, for every dtype, way and layout. */

import * as mx from '../../lib';
import { bound, widest } from '../support/default';

type Cumulative = typeof mx.cumsum;
type Step = (a: number, b: number) => number;

const functions: readonly [string, Cumulative, Step, number][] = [
  ['cumsum', mx.cumsum, (a, b) => a + b, 0],
  ['cumprod', mx.cumprod, (a, b) => a * b, 1],
  ['cummax', mx.cummax, Math.max, -Infinity],
  ['cummin', mx.cummin, Math.min, Infinity],
  ['logcumsumexp', mx.logcumsumexp, (a, b) => Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b))), -Infinity],
];

function reference(values: readonly number[], step: Step, identity: number, reverse: boolean, inclusive: boolean): number[] {
  const order = reverse ? [...values].reverse() : values;
  let state = identity;
  const result = order.map((x) => {
    const before = state;
    state = before === -Infinity && step !== Math.max ? x : step(before, x);
    return inclusive ? state : before;
  });
  return reverse ? result.reverse() : result;
}

const numbers = (a: mx.array): number[] => Array.from(a.toTypedArray() as ArrayLike<number | bigint>, Number);

function expectClose(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((x, i) => {
    if (!Object.is(x, expected[i]) && !(Math.abs(x - expected[i]) <= tolerance * (1 + Math.abs(expected[i])))) {
      throw new Error(`element ${i} is ${x}, not ${expected[i]}`);
    }
  });
}

const ways = [
  [false, true],
  [true, true],
  [false, false],
  [true, false],
] as const;

describe.each(functions)('%s', (_name, f, step, identity) => {
  test.each(ways)('reverse %s, inclusive %s', (reverse, inclusive) => {
    const values = [2, -1, 3, 0.5, -2, 4];
    expectClose(numbers(f(values, 0, reverse, inclusive)), reference(values, step, identity, reverse, inclusive), 1e-6);
  });

  test('along every axis, also of a transposed array with negative strides', () => {
    const values = Array.from({ length: 24 }, (_, k) => ((k * 7) % 24) / 8 - 1.4);
    const x = mx.array(new Float64Array(values)).reshape(2, 3, 4).astype(widest);
    const y = mx.flip(x, 1).transpose(2, 0, 1);
    for (const source of [x, y]) {
      for (const axis of [0, 1, -1]) {
        const moved = mx.moveaxis(f(source, axis), axis, -1);
        const rows = mx.moveaxis(source, axis, -1);
        const length = rows.shape[2];
        const all = numbers(mx.contiguous(rows));
        const expected: number[] = [];
        for (let at = 0; at < all.length; at += length)
          expected.push(...reference(all.slice(at, at + length), step, identity, false, true));
        expectClose(numbers(mx.contiguous(moved)), expected, bound(1e-12));
      }
    }
  });

  test('a long row, shared by all threads, is what a loop gives', () => {
    const size = 200_003;
    const values = Float64Array.from({ length: size }, (_, k) => (f === mx.cumprod ? 1 + 1e-6 * Math.sin(k) : Math.sin(k * k)));
    for (const [reverse, inclusive] of ways) {
      const actual = numbers(f(mx.array(values).astype(widest), 0, reverse, inclusive));
      expectClose(actual, reference([...values], step, identity, reverse, inclusive), bound(1e-9, 1e-3));
    }
  });

  test('without an axis the array is flattened', () => {
    expect(
      f([
        [1, 2],
        [3, 4],
      ]).shape,
    ).toEqual([4]);
    expect(f(3).shape).toEqual([1]);
    expect(f(mx.zeros([0])).shape).toEqual([0]);
  });

  test('is a method', () => {
    const x = mx.array([
      [1, 2],
      [3, 4],
    ]);
    const name = f.name as 'cumsum';
    expect(numbers(x[name](0))).toEqual(numbers(f(x, 0)));
    expect(numbers(x[name]({ axis: 1, reverse: true }))).toEqual(numbers(f(x, 1, true)));
  });
});

const integers = [mx.uint8, mx.uint16, mx.uint32, mx.uint64, mx.int8, mx.int16, mx.int32, mx.int64];

test.each(integers.map((dtype) => [dtype.name, dtype] as const))('%s', (_name, dtype) => {
  const x = mx.array([3, 1, 4, 1, 5], dtype);
  for (const [f, expected] of [
    [mx.cumsum, [3, 4, 8, 9, 14]],
    [mx.cumprod, [3, 3, 12, 12, 60]],
    [mx.cummax, [3, 3, 4, 4, 5]],
    [mx.cummin, [3, 1, 1, 1, 1]],
  ] as const) {
    expect(f(x, 0).dtype).toBe(dtype);
    expect(numbers(f(x, 0))).toEqual(expected);
  }
});

test.each([mx.float16, mx.bfloat16])('%s keeps its dtype and adds in more', (dtype) => {
  const sums = mx.cumsum(mx.ones([1000], dtype));
  expect(sums.dtype).toBe(dtype);
  expect(mx.sum(mx.ones([1000], dtype)).item()).toBe(1000);
  expect(sums.index(255).item()).toBe(256);
});

test('integers wrap', () => {
  expect(numbers(mx.cumsum(mx.array([100, 100], mx.int8)))).toEqual([100, -56]);
  expect(mx.cumprod(mx.array([2n ** 62n, 4n], mx.int64)).tolist()).toEqual([2n ** 62n, 0]);
});

test('bool: counted in int32, or ordered as bool', () => {
  const x = mx.array([false, true, true]);
  expect(mx.cumsum(x).dtype).toBe(mx.int32);
  expect(mx.cumsum(x).tolist()).toEqual([0, 1, 2]);
  expect(mx.cumprod(x).tolist()).toEqual([0, 0, 0]);
  expect(mx.cummax(x).tolist()).toEqual([false, true, true]);
  expect(mx.cummin(x).dtype).toBe(mx.bool);
});

test('complex numbers', () => {
  const i = { re: 0, im: 1 };
  expect(String(mx.cumprod(mx.array([i, i, i])))).toBe('array([0+1j, -1+0j, -0-1j], dtype=complex64)');
  expect(String(mx.cumsum(mx.array([i, i])))).toBe('array([0+1j, 0+2j], dtype=complex64)');
});

test('a sum of ones goes on beyond 2^24', () => {
  const size = 2 ** 24 + 3;
  const sums = mx.cumsum(mx.ones([size]));
  expect(sums.index(size - 1).item()).toBe(2 ** 24 + 4);
});

test('NaN goes on from where it is; infinities are numbers', () => {
  const x = mx.array([1, Number.NaN, 3]);
  expect(mx.cummax(x).tolist()).toEqual([1, Number.NaN, Number.NaN]);
  expect(mx.cummin(x).tolist()).toEqual([1, Number.NaN, Number.NaN]);
  expect(mx.logcumsumexp([-Infinity, 0, Infinity]).tolist()).toEqual([-Infinity, 0, Infinity]);
  expect(numbers(mx.logcumsumexp([-1e4, -1e4]))[1]).toBeCloseTo(-1e4 + Math.LN2, 2);
});

describe('derivatives', () => {
  const gradient = (f: (x: mx.array) => mx.array, x: number[]): number[] => numbers(mx.grad(f)(mx.array(x)) as mx.array);

  test('of products are exact with one zero and with two', () => {
    const f = (x: mx.array) => mx.cumprod(x).sum();
    expect(gradient(f, [2, 0, 3])).toEqual([1, 2 + 6, 0]);
    expect(gradient(f, [0, 0, 3])).toEqual([1, 0, 0]);
    const second = (x: mx.array) => (mx.grad((y: mx.array) => mx.cumprod(y).sum())(x) as mx.array).index(0);
    // d/dx0 = 1 + x1 + x1 x2
    expect(gradient(second, [0, 0, 0])).toEqual([0, 1, 0]);
    expect(gradient(second, [5, 0, 3])).toEqual([0, 4, 0]);
  });

  test('of extremes go to the first of equals in the order of the scan', () => {
    expect(gradient((x) => mx.cummax(x).sum(), [1, 1, 0])).toEqual([3, 0, 0]);
    expect(gradient((x) => mx.cummax(x, 0, true).sum(), [1, 1, 0])).toEqual([0, 2, 1]);
    expect(gradient((x) => mx.cummin(x).sum(), [1, 2, 1])).toEqual([3, 0, 0]);
    expect(gradient((x) => mx.cummin(x).sum(), [-0, 0])).toEqual([2, 0]);
  });

  test('of exclusive scans', () => {
    expect(gradient((x) => mx.cummax(x, 0, false, false).index(mx.Slice(1)).sum(), [1, 3, 2])).toEqual([1, 1, 0]);
    expect(gradient((x) => mx.cumprod(x, 0, false, false).sum(), [2, 3, 4])).toEqual([1 + 3, 2, 0]);
  });

  test('of log-sums after nothing are finite', () => {
    expect(gradient((x) => mx.logcumsumexp(x).index(2), [-Infinity, 0, 0])).toEqual([0, 0.5, 0.5]);
    expect(gradient((x) => mx.logcumsumexp(x).index(1), [1000, 1000])).toEqual([0.5, 0.5]);
  });
});

test('errors name the function', () => {
  expect(() => mx.cumsum([1], 1)).toThrow('[cumsum] axis 1 is out of range');
  expect(() => mx.cummax([1], 'x' as never)).toThrow('[cummax] axis must be an integer');
  expect(() => mx.cumprod([1], 0, 1 as never)).toThrow('[cumprod] reverse must be a boolean');
});
