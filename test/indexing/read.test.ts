import * as fc from 'fast-check';

import { array } from '../../lib/array';
import { bool, float32, int8, int32, int64, uint8 } from '../../lib/dtype';
import * as mx from '../../lib/ops';
import { argumentsFor, nested, pieces, shapes } from './draw';
import { attempt, positionsAt, sizeOf } from './reference';

const { Slice } = mx;

/** An array whose elements are their own flat positions. */
function counting(shape: readonly number[]): array {
  return array(Array.from({ length: sizeOf(shape) }, (_, i) => i)).reshape([...shape]);
}

describe('index', () => {
  const x = (): array => counting([2, 3, 4]);

  test('with numbers leaves axes out', () => {
    expect(x().index(1).tolist()).toEqual(counting([2, 3, 4]).tolist()[1 as never]);
    expect(x().index(-1, 0, 2).item()).toBe(14);
    expect(x().index('...', 3).tolist()).toEqual([
      [3, 7, 11],
      [15, 19, 23],
    ]);
  });

  test('with slices takes ranges as Python does', () => {
    expect(counting([5]).index(Slice(1, 3)).tolist()).toEqual([1, 2]);
    expect(
      counting([5])
        .index(Slice(null, null, -1))
        .tolist(),
    ).toEqual([4, 3, 2, 1, 0]);
    expect(counting([5]).index(new Slice(-2)).tolist()).toEqual([3, 4]);
    expect(counting([5]).index(Slice(10, 20)).shape).toEqual([0]);
    expect(
      counting([5])
        .index(Slice(4, 0, -2))
        .tolist(),
    ).toEqual([4, 2]);
    expect(() => Slice(0, 1, 0)).toThrow('[Slice] step must not be 0');
    expect(() => Slice(0.5)).toThrow('[Slice] start must be an integer or null, not 0.5');
  });

  test('with null adds axes', () => {
    expect(x().index(null).shape).toEqual([1, 2, 3, 4]);
    expect(x().index(0, null, '...', null).shape).toEqual([1, 3, 4, 1]);
  });

  test('with index arrays gathers; their axes stay in place side by side and come first when separated', () => {
    expect(x().index(Slice(), [0, 2]).shape).toEqual([2, 2, 4]);
    expect(
      x()
        .index(Slice(), [[0, 2]], [[1], [3]])
        .tolist(),
    ).toEqual(nested({ shape: [2, 2, 2], data: [1, 9, 3, 11, 13, 21, 15, 23] }));
    expect(x().index([0, 1, 1], Slice(), [0, 1, 2]).shape).toEqual([3, 3]);
    expect(x().index([0, 1, 1], Slice(), [0, 1, 2]).tolist()).toEqual([
      [0, 4, 8],
      [13, 17, 21],
      [14, 18, 22],
    ]);
    expect(x().index(0, Slice(), [0, 1]).shape).toEqual([2, 3]);
    expect(x().index(Int32Array.of(1, 0)).shape).toEqual([2, 3, 4]);
    expect(x().index(array(1, int32)).shape).toEqual([3, 4]);
    expect(x().index([]).shape).toEqual([0, 3, 4]);
  });

  test('counts negative positions from the end, and clamps those outside', () => {
    expect(counting([4]).index([-1, -4, 9, -9]).tolist()).toEqual([3, 0, 3, 0]);
    expect(
      counting([200])
        .index(array([-1, -128], int8))
        .tolist(),
    ).toEqual([199, 72]);
    expect(
      counting([4])
        .index(array([250, 2], uint8))
        .tolist(),
    ).toEqual([3, 2]);
    expect(
      counting([4])
        .index(array([-1, 2], int64))
        .tolist(),
    ).toEqual([3, 2]);
  });

  test('with boolean arrays keeps the true elements', () => {
    const y = counting([2, 3]);
    expect(y.index(y.greater(2)).tolist()).toEqual([3, 4, 5]);
    expect(y.index(array([false, true])).tolist()).toEqual([[3, 4, 5]]);
    expect(y.index(Slice(), [true, false, true]).tolist()).toEqual([
      [0, 2],
      [3, 5],
    ]);
    expect(y.index(1, array([true, false, true])).tolist()).toEqual([3, 5]);
    expect(y.index(true).shape).toEqual([1, 2, 3]);
    expect(y.index(false).shape).toEqual([0, 2, 3]);
    expect(y.index(array(true)).shape).toEqual([1, 2, 3]);
  });

  test.each([
    [[10], '[index] index 10 is out of range for axis 0 of size 2'],
    [[0, -4], '[index] index -4 is out of range for axis 1 of size 3'],
    [[0, 0, 0, 0], '[index] too many indices: 4 for an array of 3 dimensions'],
    [['...', '...'], "[index] an index can have only one ellipsis ('...')"],
    [[1.5], '[index] an index must be an integer, not 1.5'],
    [[[0.5]], '[index] a list used as an index holds integers or booleans, not 0.5'],
    [[[0, true]], '[index] a list used as an index holds integers or booleans, not both'],
    [[[[0, 1], [0]]], '[index] a list used as an index must not be ragged'],
    [[[true]], '[index] mask of shape [1] does not match axis 0 of an array of shape [2, 3, 4]'],
    [
      [
        [0, 1],
        [0, 1, 2],
      ],
      '[index] shapes [2] and [3] do not broadcast',
    ],
    [['a'], `[index] an index is a number, boolean, null, '...', Slice, array or list of integers, not "a"`],
  ] as [unknown[], string][])('%j is an error', (index, message) => {
    expect(() => x().index(...(index as mx.Index[]))).toThrow(message);
  });

  test('refuses floating index arrays', () => {
    expect(() => x().index(array([0, 1], float32))).toThrow('[index] an index array must hold integers or booleans, not float32');
  });

  test('refuses to index an axis without elements', () => {
    expect(() => mx.zeros([0, 2]).index([0])).toThrow('[index] axis 0 of size 0 has no element to index');
    expect(mx.zeros([0, 2]).index([]).shape).toEqual([0, 2]);
  });

  test('agrees with NumPy on random expressions', () => {
    fc.assert(
      fc.property(
        shapes.chain((shape) => fc.tuple(fc.constant(shape), pieces(shape, true))),
        fc.boolean(),
        ([shape, list], asArrays) => {
          const expected = attempt(() => positionsAt(shape, list));
          if (expected === null) {
            expect(() => counting(shape).index(...argumentsFor(list, asArrays))).toThrow('do not broadcast');
            return;
          }
          const got = counting(shape).index(...argumentsFor(list, asArrays));
          expect(got.shape).toEqual(expected.shape);
          expect(got.tolist()).toEqual(nested(expected));
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe('take', () => {
  const x = (): array => counting([2, 3]);

  test('takes slices along an axis, or elements of the flattened array', () => {
    expect(mx.take(x(), [2, 0], 1).tolist()).toEqual([
      [2, 0],
      [5, 3],
    ]);
    expect(
      x()
        .take([[1, 0]], 0)
        .tolist(),
    ).toEqual([
      [
        [3, 4, 5],
        [0, 1, 2],
      ],
    ]);
    expect(mx.take(x(), [5, -1]).tolist()).toEqual([5, 5]);
    expect(mx.take(x(), 1, -1).tolist()).toEqual([1, 4]);
    expect(mx.take(x(), array([1], uint8), { axis: 1 }).tolist()).toEqual([[1], [4]]);
  });

  test('refuses indices that are no integers', () => {
    expect(() => mx.take(x(), array([0.5]))).toThrow('[take] indices must be integers, not float32');
    expect(() => mx.take(x(), [0.5])).toThrow('[take] a list used as an index holds integers or booleans, not 0.5');
    expect(() => mx.take(x(), [true])).toThrow('[take] indices must be integers, not booleans');
    expect(() => mx.take(x())).toThrow('[take] indices are missing');
    expect(() => mx.take(x(), [0], 2)).toThrow('[take] axis 2 is out of range for an array with 2 dimensions');
  });
});

describe('takeAlongAxis', () => {
  test('picks one element for each position, broadcasting the other axes', () => {
    const x = array([
      [3, 1, 2],
      [9, 7, 8],
    ]);
    expect(
      mx
        .takeAlongAxis(
          x,
          [
            [1, 2, 0],
            [1, 2, 0],
          ],
          -1,
        )
        .tolist(),
    ).toEqual([
      [1, 2, 3],
      [7, 8, 9],
    ]);
    expect(mx.takeAlongAxis(x, [[1, -2, 5]], 0).tolist()).toEqual([[9, 1, 8]]);
    expect(mx.takeAlongAxis(x, [[2]], 1).tolist()).toEqual([[2], [8]]);
    expect(mx.takeAlongAxis(x, [4, 0]).tolist()).toEqual([7, 3]);
    expect(() => mx.takeAlongAxis(x, [0], 1)).toThrow('[takeAlongAxis] indices of shape [1] must have as many dimensions');
  });
});

describe('slice', () => {
  test('starts where numbers or an array say, clamped so that the slice lies inside', () => {
    const x = counting([4, 5]);
    expect(mx.slice(x, [1, 2], [0, 1], [2, 2]).tolist()).toEqual([
      [7, 8],
      [12, 13],
    ]);
    expect(mx.slice(x, array([9], int32), [1], [1, 2]).tolist()).toEqual([[3, 4]]);
    expect(mx.slice(x, array([-2], int32), [1], [1, 2]).tolist()).toEqual([[3, 4]]);
    expect(mx.slice(x, array([2, 1], int32), [1, 0], [1, 3]).tolist()).toEqual([[7, 8, 9]]);
    expect(mx.slice(x, [99], [0], [1, 1]).tolist()).toEqual([[15]]);
    expect(() => mx.slice(x, [0], [0], [5, 1])).toThrow('[slice] a slice of shape [5, 1] does not lie in an array of shape [4, 5]');
    expect(() => mx.slice(x, [0, 1], [0], [1, 1])).toThrow('[slice] startIndices names 2 positions for 1 axes');
    expect(() => mx.slice(x, [0, 0], [0, -2], [1, 1])).toThrow('[slice] axes [0, 0] names an axis twice');
  });
});

test('bool stays bool through a gather', () => {
  expect(array([true, false]).index([1, 0]).dtype).toBe(bool);
});
