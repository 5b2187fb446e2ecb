import * as fc from 'fast-check';

import { array } from '../../lib/array';
import { float32, int32, uint8 } from '../../lib/dtype';
import * as mx from '../../lib/ops';
import { argumentsFor, nested, pieces, shapes } from './draw';
import { attempt, broadcastAt, indicesOf, type Piece, positionsAt, sizeOf, type Table } from './reference';

const { Slice } = mx;

function counting(shape: readonly number[]): array {
  return array(Array.from({ length: sizeOf(shape) }, (_, i) => i)).reshape([...shape]);
}

/** What writing does to the elements, one after the other in row-major order of the region. */
function written(shape: readonly number[], list: readonly Piece[], value: Table, combine: (old: number, value: number) => number): Table {
  const region = positionsAt(shape, list);
  const data = Array.from({ length: sizeOf(shape) }, (_, i) => i);
  indicesOf(region.shape).forEach((index, i) => {
    data[region.data[i]] = combine(data[region.data[i]], broadcastAt(value, index));
  });
  return { shape, data };
}

/** An array, an index for it, and a value that broadcasts to the region. */
const writes = shapes
  .chain((shape) => fc.tuple(fc.constant(shape), pieces(shape, true)))
  .chain(([shape, list]) => {
    const region = attempt(() => positionsAt(shape, list))?.shape ?? [];
    const ones = fc.array(fc.boolean(), { minLength: region.length, maxLength: region.length });
    return fc.tuple(ones, fc.nat({ max: region.length })).chain(([kept, dropped]) => {
      const own = region.map((size, axis) => (kept[axis] ? size : 1)).slice(dropped);
      const size = sizeOf(own);
      return fc
        .array(fc.integer({ min: 1, max: 4 }), { minLength: size, maxLength: size })
        .map((data) => ({ shape, list, value: { shape: own, data } as Table }));
    });
  });

const arrayOf = (value: Table): array => array(value.data as number[]).reshape([...value.shape]);

describe('indexPut_', () => {
  test('changes this handle only', () => {
    const x = mx.zeros([2, 2]);
    const y = x.add(1);
    const same = x;
    expect(x.indexPut_(0, 5)).toBe(x);
    expect(x.tolist()).toEqual([
      [5, 5],
      [0, 0],
    ]);
    expect(same).toBe(x);
    expect(y.tolist()).toEqual([
      [1, 1],
      [1, 1],
    ]);
  });

  test('takes one part, or a list of parts; a list among them gathers', () => {
    const at = (index: mx.Index | mx.Index[]): unknown => mx.zeros([2, 3]).indexPut_(index, 1).tolist();
    expect(at([0, 1])).toEqual([
      [0, 1, 0],
      [0, 0, 0],
    ]);
    expect(at([[0, 1]])).toEqual([
      [1, 1, 1],
      [1, 1, 1],
    ]);
    expect(at([0, Slice(1)])).toEqual([
      [0, 1, 1],
      [0, 0, 0],
    ]);
    expect(at(array([1], int32))).toEqual([
      [0, 0, 0],
      [1, 1, 1],
    ]);
    expect(at(Slice(null, null, -1))).toEqual([
      [1, 1, 1],
      [1, 1, 1],
    ]);
    expect(at('...')).toEqual(at([]));
  });

  test('casts the value to the dtype of the array', () => {
    const x = array([1, 2, 3], int32);
    x.indexPut_(1, 7.9);
    expect(x.dtype).toBe(int32);
    expect(x.tolist()).toEqual([1, 7, 3]);
    x.indexPut_(Slice(0, 2), array([-1.5, 260]));
    expect(x.tolist()).toEqual([-1, 260, 3]);
    const y = array([1, 2], float32);
    y.indexPut_(0, array(9, uint8));
    expect(y.tolist()).toEqual([9, 2]);
  });

  test('writes where a mask is true', () => {
    const x = counting([2, 3]);
    x.indexPut_(x.greater(3), -1);
    expect(x.tolist()).toEqual([
      [0, 1, 2],
      [3, -1, -1],
    ]);
    x.indexPut_(x.less(0), [10, 20]);
    expect(x.tolist()).toEqual([
      [0, 1, 2],
      [3, 10, 20],
    ]);
    x.indexPut_([0, array([true, false, true])], array([7, 8]));
    expect(x.tolist()).toEqual([
      [7, 1, 8],
      [3, 10, 20],
    ]);
    x.indexPut_(array([false, true]), array([[1, 2, 3]]));
    expect(x.tolist()).toEqual([
      [7, 1, 8],
      [1, 2, 3],
    ]);
    x.indexPut_(array(false), 99);
    x.indexPut_(false, 99);
    expect(x.index(0).tolist()).toEqual([7, 1, 8]);
    x.indexPut_(true, 0);
    expect(x.sum().item()).toBe(0);
  });

  test('of the last of repeated positions stays', () => {
    expect(
      mx
        .zeros([3])
        .indexPut_([[1, 1, 1]], [5, 6, 7])
        .tolist(),
    ).toEqual([0, 7, 0]);
  });

  test.each([
    [[[0, 1]], [1, 2, 3, 4], '[indexPut_] a value of shape [4] does not broadcast to the indexed region of shape [2, 3]'],
    [0, [[1], [2]], '[indexPut_] a value of shape [2, 1] does not broadcast to the indexed region of shape [3]'],
    [5, 1, '[indexPut_] index 5 is out of range for axis 0 of size 2'],
    [0, undefined, '[indexPut_] value is missing'],
  ] as [mx.Index, number[], string][])('%j with %j is an error', (index, value, message) => {
    expect(() => counting([2, 3]).indexPut_(index, value)).toThrow(message);
  });

  test('says which region a mask names when the value does not fit', () => {
    const x = counting([2, 3]);
    expect(() => x.indexPut_(array([true, false]), array([1, 2]))).toThrow(
      '[indexPut_] a value of shape [2] does not broadcast to the indexed region of shape [true elements, 3]',
    );
  });

  test('agrees with NumPy on random expressions', () => {
    fc.assert(
      fc.property(writes, fc.boolean(), ({ shape, list, value }, asArrays) => {
        const expected = attempt(() => written(shape, list, value, (_, v) => v));
        fc.pre(expected !== null);
        const x = counting(shape);
        x.indexPut_(argumentsFor(list, asArrays), arrayOf(value));
        expect(x.shape).toEqual(shape);
        expect(x.tolist()).toEqual(nested(expected as Table));
      }),
      { numRuns: 400 },
    );
  });
});

describe('at', () => {
  test('gives a new array, and repeated positions accumulate', () => {
    const x = mx.ones([3]);
    expect(x.at([0, 0, 2]).add(1).tolist()).toEqual([3, 1, 2]);
    expect(x.at([0, 0, 2]).subtract([1, 2, 3]).tolist()).toEqual([-2, 1, -2]);
    expect(x.at([0, 0, 2]).multiply(3).tolist()).toEqual([9, 1, 3]);
    expect(x.at([0, 0, 2]).divide(2).tolist()).toEqual([0.25, 1, 0.5]);
    expect(x.at([0, 0, 2]).maximum([5, 2, -1]).tolist()).toEqual([5, 1, 1]);
    expect(x.at([0, 0, 2]).minimum([5, -2, 0]).tolist()).toEqual([-2, 1, 0]);
    expect(x.tolist()).toEqual([1, 1, 1]);
  });

  test('names what the array was when it was called', () => {
    const x = mx.zeros([2]);
    const part = x.at(0);
    x.indexPut_(1, 9);
    expect(part.add(1).tolist()).toEqual([1, 0]);
  });

  test('divides integers as floorDivide does', () => {
    expect(array([7, -7, 7], int32).at([0, 1]).divide(2).tolist()).toEqual([3, -4, 7]);
    expect(array([7, -7, 7], int32).at(Slice(0, 2)).divide(2).tolist()).toEqual([3, -4, 7]);
  });

  test('says which method was given a wrong value', () => {
    expect(() => mx.zeros([3]).at(0).add([1, 2])).toThrow(
      '[at.add] a value of shape [2] does not broadcast to the indexed region of shape []',
    );
    expect(() => mx.zeros([3]).at(3).multiply(2)).toThrow('[at.multiply] index 3 is out of range for axis 0 of size 3');
  });

  const modes = {
    add: (a: number, b: number) => a + b,
    subtract: (a: number, b: number) => a - b,
    multiply: (a: number, b: number) => a * b,
    maximum: Math.max,
    minimum: Math.min,
  };

  test.each(Object.keys(modes) as (keyof typeof modes)[])('%s agrees with a loop on random expressions', (mode) => {
    fc.assert(
      fc.property(writes, fc.boolean(), ({ shape, list, value }, asArrays) => {
        const expected = attempt(() => written(shape, list, value, modes[mode]));
        fc.pre(expected !== null);
        const got = counting(shape)
          .at(...argumentsFor(list, asArrays))
          [mode](arrayOf(value));
        expect(got.tolist()).toEqual(nested(expected as Table));
      }),
      { numRuns: 100 },
    );
  });
});

describe('putAlongAxis', () => {
  test('replaces one element for each position', () => {
    const x = counting([2, 3]);
    expect(mx.putAlongAxis(x, [[2], [0]], [[7], [8]], 1).tolist()).toEqual([
      [0, 1, 7],
      [8, 4, 5],
    ]);
    expect(mx.putAlongAxis(x, [[1, 0, 1]], 9, 0).tolist()).toEqual([
      [0, 9, 2],
      [9, 4, 9],
    ]);
    expect(mx.putAlongAxis(x, [4, -6], [1, 2]).tolist()).toEqual([
      [2, 1, 2],
      [3, 1, 5],
    ]);
    expect(() => mx.putAlongAxis(x, [[0]], [1, 2], 1)).toThrow('[putAlongAxis] values of shape [2] do not broadcast to [2, 1]');
  });
});

describe('sliceUpdate', () => {
  test('writes over the slice of the update’s shape', () => {
    const x = mx.zeros([2, 4]);
    expect(mx.sliceUpdate(x, mx.ones([1, 2]), [1, 9], [0, 1]).tolist()).toEqual([
      [0, 0, 0, 0],
      [0, 0, 1, 1],
    ]);
    expect(mx.sliceUpdate(x, mx.ones([2, 1]), array([-3], int32), [1]).tolist()).toEqual([
      [0, 1, 0, 0],
      [0, 1, 0, 0],
    ]);
    expect(() => mx.sliceUpdate(x, mx.ones([3, 1]), [0], [0])).toThrow(
      '[sliceUpdate] an update of shape [3, 1] does not lie in an array of shape [2, 4]',
    );
  });
});
