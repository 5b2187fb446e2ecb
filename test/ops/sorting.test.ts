/** Sorts, medians, searches and positions as a user calls them. */

import * as mx from '../../lib';
import { bound, onGpu, widest } from '../support/default';

const x = mx.array([
  [3, 1, 2],
  [0, 5, 4],
]);
const gradient = (f: (x: mx.array) => mx.array, at: number[]): unknown => (mx.grad(f)(mx.array(at)) as mx.array).tolist();

describe('sort', () => {
  test('along any axis, or flattened', () => {
    expect(mx.sort(x).tolist()).toEqual([
      [1, 2, 3],
      [0, 4, 5],
    ]);
    expect(mx.sort(x, 0).tolist()).toEqual([
      [0, 1, 2],
      [3, 5, 4],
    ]);
    expect(mx.sort(x, null).tolist()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(mx.argsort(x, { axis: 0 }).tolist()).toEqual([
      [1, 0, 0],
      [0, 1, 1],
    ]);
    expect(mx.argsort(x, null).dtype).toBe(mx.uint32);
  });

  test('NaN comes last and nothing is sorted to nothing', () => {
    expect(mx.sort([Number.NaN, 1, -Infinity]).tolist()).toEqual([-Infinity, 1, Number.NaN]);
    expect(mx.sort(mx.zeros([0, 3]), 0).shape).toEqual([0, 3]);
  });

  test('the derivative follows each value', () => {
    expect(
      gradient(
        (a) =>
          mx
            .sort(a)
            .multiply(mx.array([1, 2, 3]))
            .sum(),
        [5, 3, 4],
      ),
    ).toEqual([3, 1, 2]);
    expect(gradient((a) => mx.takeAlongAxis(a, mx.argsort(a), 0).index(0), [5, 3, 4])).toEqual([0, 1, 0]);
  });

  test('errors', () => {
    expect(() => mx.sort(1)).toThrow('[sort] a scalar has no axis to sort along');
    expect(() => mx.sort(x, 2)).toThrow('[sort] axis 2 is out of range');
  });
});

describe('partition', () => {
  test('puts one value right', () => {
    const values = [5, 2, 9, 1, 7];
    for (const kth of [0, 2, -1]) {
      const list = mx.partition(values, kth).tolist() as number[];
      const at = kth < 0 ? kth + 5 : kth;
      expect(list[at]).toBe([...values].sort((a, b) => a - b)[at]);
      expect(list.slice(0, at).every((v) => v <= list[at])).toBe(true);
      expect(mx.take(values, mx.argpartition(values, kth)).index(at).item()).toBe(list[at]);
    }
    expect(() => mx.partition(values, 5)).toThrow('[partition] kth 5 is out of range');
  });

  test('topk gives the largest', () => {
    expect(mx.topk([5, 2, 9, 1], 2).tolist()).toEqual([5, 9]);
    expect(mx.topk(x, 1, 0).tolist()).toEqual([[3, 5, 4]]);
    expect(mx.topk(x, 2, null).tolist()).toEqual([4, 5]);
    expect(mx.topk(x, 0).shape).toEqual([2, 0]);
    expect(() => mx.topk(x, 4)).toThrow('[topk] k 4 is out of range');
    expect(gradient((a) => mx.topk(a, 2).sum(), [5, 3, 4])).toEqual([1, 0, 1]);
  });
});

describe('partial sorts agree with whole ones', () => {
  const draws: [string, (n: number) => mx.array][] = [
    ['normal float32', (n) => mx.random.normal([3, n], mx.float32, 0, 1, mx.random.key(1))],
    [
      'NaN and infinities',
      (n) =>
        mx.where(
          mx.random.bernoulli(0.2, [3, n], mx.random.key(2)),
          mx.array(Number.NaN),
          mx.divide(1, mx.random.randint(-3, 3, [3, n], mx.int32, mx.random.key(3))),
        ),
    ],
    ['few values', (n) => mx.random.randint(-2, 2, [3, n], mx.int8, mx.random.key(4))],
    ['all equal', (n) => mx.zeros([3, n], mx.uint32)],
    ['in order', (n) => mx.broadcastTo(mx.arange(n).astype(mx.int64), [3, n])],
    ['in reverse', (n) => mx.broadcastTo(mx.arange(n, 0, -1).astype(mx.float16), [3, n])],
    ['complex', (n) => mx.random.normal([3, n], mx.complex64, 0, 1, mx.random.key(5))],
    ['columns', (n) => mx.random.normal([n, 3], mx.bfloat16, 0, 1, mx.random.key(6)).T],
  ];
  const whole = (a: mx.array): mx.array => (a.dtype === mx.bfloat16 || a.dtype === mx.float16 ? a.astype(mx.float32) : a);
  const same = (a: mx.array, b: mx.array): void => {
    expect(mx.arrayEqual(whole(a), whole(b), true).item()).toBe(true);
  };

  test.each(draws)('%s', (_name, draw) => {
    for (const n of [1, 2, 63, 500, 3000]) {
      const a = draw(n);
      const sorted = mx.sort(a);
      for (const kth of new Set([0, n >> 1, n - 1])) {
        const values = mx.partition(a, kth);
        same(values.index('...', kth), sorted.index('...', kth));
        same(mx.sort(values.index('...', mx.Slice(0, kth))), sorted.index('...', mx.Slice(0, kth)));
        same(mx.sort(values.index('...', mx.Slice(kth))), sorted.index('...', mx.Slice(kth)));
        const places = mx.argpartition(a, kth);
        same(mx.takeAlongAxis(a, places, -1), values);
        for (const side of [places.index('...', mx.Slice(0, kth)), places.index('...', mx.Slice(kth + 1))]) same(mx.sort(side), side);
      }
      for (const k of new Set([1, Math.min(n, 10), n])) same(mx.topk(a, k), sorted.index('...', mx.Slice(n - k)));
    }
  });

  test.each(draws)('a long row that threads share: %s', (_name, draw) => {
    // Threads are the CPU's: on the GPU, which sorts, nothing is different for long rows.
    const a = draw(onGpu ? 6_000 : 150_000).index(1);
    for (const k of onGpu ? [1, 5000] : [1, 10, 5000, 50_000]) same(mx.topk(a, k), mx.sort(a).index(mx.Slice(-k)));
  });

  test('of equals the last ones count as the largest, for the gradient too', () => {
    expect(
      gradient(
        (a) =>
          mx
            .topk(a, 2)
            .multiply(mx.array([1, 10]))
            .sum(),
        [7, 0, 7, 7],
      ),
    ).toEqual([0, 0, 1, 10]);
    const weights = mx.array([1, 10, 100, 1000]);
    expect(gradient((a) => mx.partition(a, 1).multiply(weights).sum(), [2, 2, 2, 2])).toEqual([1, 10, 100, 1000]);
  });
});

describe('median', () => {
  test('of odd and even numbers of values', () => {
    expect(mx.median(x).item()).toBe(2.5);
    expect(mx.median(x, 1).tolist()).toEqual([2, 4]);
    expect(mx.median(x, [0, 1], true).tolist()).toEqual([[2.5]]);
    expect(mx.median(mx.array([1, 2, 4, 8], mx.int32)).item()).toBe(3);
  });

  test('NaN, infinities and nothing', () => {
    expect(mx.median([1, Number.NaN, 2]).item()).toBeNaN();
    expect(mx.median([Infinity, Infinity, 1, Infinity]).item()).toBe(Infinity);
    expect(mx.median(mx.zeros([0])).item()).toBeNaN();
  });

  test('the derivative is that of the middle', () => {
    expect(gradient((a) => mx.median(a), [4, 1, 3, 2])).toEqual([0, 0, 0.5, 0.5]);
  });
});

describe('searchsorted', () => {
  test('finds both sides', () => {
    const sorted = [1, 2, 2, 5];
    expect(mx.searchsorted(sorted, [0, 2, 3, 9]).tolist()).toEqual([0, 1, 3, 4]);
    expect(mx.searchsorted(sorted, [0, 2, 3, 9], { side: 'right' }).tolist()).toEqual([0, 3, 3, 4]);
    expect(mx.searchsorted(sorted, 2).shape).toEqual([]);
    expect(mx.searchsorted([], [1]).tolist()).toEqual([0]);
    expect(mx.searchsorted([1, Number.NaN], Number.NaN, 'left').item()).toBe(1);
  });

  test('in rows, and mapped over either side', () => {
    const rows = mx.array([
      [1, 2, 3],
      [10, 20, 30],
    ]);
    expect(
      mx
        .searchsorted(rows, [
          [2, 9],
          [2, 25],
        ])
        .tolist(),
    ).toEqual([
      [1, 3],
      [0, 2],
    ]);
    const values = mx.array([2, 15]);
    const each = mx.vmap((a: mx.array) => mx.searchsorted(a, values))(rows) as mx.array;
    expect(each.tolist()).toEqual([
      [1, 3],
      [0, 1],
    ]);
  });

  test('errors', () => {
    expect(() => mx.searchsorted([1], [1], 'middle' as never)).toThrow('[searchsorted] side must be "left" or "right"');
    expect(() => mx.searchsorted(x, [1])).toThrow('[searchsorted] shapes [2, 3] and [1] differ before the last axis');
  });
});

describe('counting', () => {
  test('countNonzero', () => {
    const a = mx.array([
      [0, 1, 2],
      [0, 0, 3],
    ]);
    expect(mx.countNonzero(a).item()).toBe(3);
    expect(mx.countNonzero(a, 0).tolist()).toEqual([0, 1, 2]);
    expect(mx.countNonzero(a, 1, true).tolist()).toEqual([[2], [1]]);
  });

  test('nonzero gives positions an axis', () => {
    const [rows, columns] = mx.nonzero(
      mx.array([
        [0, 1, 2],
        [0, 0, 3],
      ]),
    );
    expect(rows.tolist()).toEqual([0, 0, 1]);
    expect(columns.tolist()).toEqual([1, 2, 2]);
    expect(mx.nonzero(mx.zeros([3]))[0].shape).toEqual([0]);
    expect(() => mx.nonzero(1)).toThrow('[nonzero] a scalar');
    expect(() => mx.vmap((a: mx.array) => mx.nonzero(a)[0])(mx.ones([2, 3]))).toThrow(
      '[nonzero] the size of the result depends on the values',
    );
  });
});

describe('hadamardTransform', () => {
  test('keeps lengths, and is its own inverse for powers of two', () => {
    const a = mx.array(Float64Array.from({ length: 16 }, (_, k) => Math.sin(k))).astype(widest);
    const y = mx.hadamardTransform(a);
    const [before, after] = [a, y].map((x) => x.square().sum().item() as number);
    expect(Math.abs(after - before)).toBeLessThan(bound(1e-12));
    expect(mx.allclose(mx.hadamardTransform(y), a, bound(1e-12)).item()).toBe(true);
  });

  test.each([12, 20, 28, 48])('of size %i is orthogonal', (size) => {
    const matrix = mx.hadamardTransform(mx.eye(size, size, 0, widest), 1);
    expect(mx.abs(matrix).equal(1).all().item()).toBe(true);
    expect(mx.arrayEqual(mx.matmul(matrix, matrix.T), mx.eye(size, size, 0, widest).multiply(size)).item()).toBe(true);
  });

  test('errors', () => {
    expect(() => mx.hadamardTransform(mx.zeros([6]))).toThrow('[hadamardTransform] the last axis has size m · 2^k');
    expect(() => mx.hadamardTransform(1)).toThrow('[hadamardTransform] a scalar');
  });
});
