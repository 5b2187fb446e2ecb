/** Norms by their definitions, and the cross product. */

import * as mx from '../../lib';
import { expectNear, precisions, randomMatrix } from './matrices';

const { linalg } = mx;

describe.each(precisions)('in %s', (_name, dtype, epsilon) => {
  const numbers = (x: mx.array): number[] => mx.abs(x).astype(mx.float64).flatten().tolist() as number[];
  const close = (x: mx.array, expected: number): void => {
    expect(Math.abs((x.item() as number) - expected)).toBeLessThanOrEqual(100 * epsilon * (1 + expected));
  };

  test('of vectors', () => {
    const x = randomMatrix([7], dtype);
    const sizes = numbers(x);
    close(linalg.norm(x), Math.hypot(...sizes));
    close(linalg.norm(x, Infinity), Math.max(...sizes));
    close(linalg.norm(x, -Infinity), Math.min(...sizes));
    close(linalg.norm(x, 0), 7);
    for (const p of [1, 2, 3, -1, 0.5, -2]) close(linalg.norm(x, p), sizes.reduce((sum, v) => sum + v ** p, 0) ** (1 / p));
  });

  test('of matrices', () => {
    const x = randomMatrix([4, 3], dtype);
    const rows = Array.from({ length: 4 }, (_, i) => numbers(x.index(i)));
    const total = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);
    const rowSums = rows.map(total);
    const columnSums = [0, 1, 2].map((j) => total(rows.map((row) => row[j])));
    close(linalg.norm(x), Math.hypot(...rows.flat()));
    close(linalg.norm(x, 'fro'), Math.hypot(...rows.flat()));
    close(linalg.norm(x, 1), Math.max(...columnSums));
    close(linalg.norm(x, -1), Math.min(...columnSums));
    close(linalg.norm(x, Infinity), Math.max(...rowSums));
    close(linalg.norm(x, -Infinity), Math.min(...rowSums));
    const s = linalg.svd(x, false).tolist() as number[];
    close(linalg.norm(x, 'nuc'), total(s));
    close(linalg.norm(x, 2), s[0]);
    close(linalg.norm(x, -2), s[2]);
    close(linalg.norm(x.T, 1), Math.max(...rowSums));
  });

  test('over some axes', () => {
    const x = randomMatrix([2, 3, 4], dtype);
    expect(linalg.norm(x, null, 1, true).shape).toEqual([2, 1, 4]);
    expect(linalg.norm(x, { axis: [0, 2] }).shape).toEqual([3]);
    expectNear(linalg.norm(x, 1, [2, 0]), linalg.norm(mx.transpose(x, 1, 2, 0), 1, [1, 2]), 0);
    expectNear(linalg.norm(x, Infinity, [-1, 0]), linalg.norm(x, 1, [0, -1]), 0);
  });
});

test('orders that suit no such array', () => {
  expect(() => linalg.norm(mx.ones([2, 2]), 3)).toThrow('[linalg.norm] matrices have the orders');
  expect(() => linalg.norm(mx.ones([2]), 'fro')).toThrow('[linalg.norm] ord "fro" suits no norm over 1 axis of shape [2]');
  expect(() => linalg.norm(mx.ones([2, 2, 2]), 1)).toThrow('suits no norm over 3 axes');
  expect(() => linalg.norm(mx.ones([2]), 'max' as never)).toThrow('[linalg.norm] ord must be');
});

test('cross products', () => {
  expect(linalg.cross([1, 2, 3], [4, 5, 6]).tolist()).toEqual([-3, 6, -3]);
  expect(linalg.cross([1, 2], [4, 5]).item()).toBe(-3);
  expect(linalg.cross([1, 2], [4, 5, 6]).tolist()).toEqual([12, -6, -3]);
  expect(
    linalg
      .cross(
        [
          [1, 4],
          [2, 5],
          [3, 6],
        ],
        [
          [4, 1],
          [5, 2],
          [6, 3],
        ],
        0,
      )
      .tolist(),
  ).toEqual([
    [-3, 3],
    [6, -6],
    [-3, 3],
  ]);
  expect(() => linalg.cross([1, 2, 3, 4], [1, 2, 3, 4])).toThrow('[linalg.cross] axis 0 has 4 components');
});
