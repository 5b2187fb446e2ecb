import * as mx from '../../lib';
import { computable } from '../support/default';

const library: Record<string, unknown> = mx.core;

const { bool, uint8, uint16, uint32, uint64, int8, int16, int32, int64, float16, bfloat16, float32, float64, complex64 } = mx;

describe('values', () => {
  const a = [7, -7, 7, -7, 0.5];
  const b = [2, 2, -2, -2, 0.25];
  const cases: [string, (x: number, y: number) => number][] = [
    ['add', (x, y) => x + y],
    ['subtract', (x, y) => x - y],
    ['multiply', (x, y) => x * y],
    ['divide', (x, y) => x / y],
    ['floorDivide', (x, y) => Math.floor(x / y)],
    ['remainder', (x, y) => x - y * Math.floor(x / y)],
    ['maximum', Math.max],
    ['minimum', Math.min],
    ['arctan2', Math.atan2],
    ['logaddexp', (x, y) => Math.log(Math.exp(x) + Math.exp(y))],
  ];
  test.each(cases)('%s', (name, reference) => {
    const f = library[name] as (x: mx.ArrayInput, y: mx.ArrayInput) => mx.array;
    const result = f(a, b).tolist() as number[];
    for (const [i, value] of result.entries()) expect(value).toBeCloseTo(reference(a[i], b[i]), 5);
    expect(mx.array(a)[name as 'add'](mx.array(b)).tolist()).toEqual(result);
  });

  test('power', () => {
    expect(mx.power([2, 3, 4], 2).tolist()).toEqual([4, 9, 16]);
    expect(mx.array([2, 3], int32).power(3).tolist()).toEqual([8, 27]);
    expect((mx.power(2, [0.5, -1]).tolist() as number[])[1]).toBe(0.5);
  });

  test('divmod gives quotient and remainder', () => {
    const [q, r] = mx.divmod(mx.array([7, -7], int32), 3);
    expect(q.tolist()).toEqual([2, -3]);
    expect(r.tolist()).toEqual([1, 2]);
  });

  test('integer division and remainder by zero give 0', () => {
    expect(mx.floorDivide(mx.array([7], int32), 0).item()).toBe(0);
    expect(mx.remainder(mx.array([7], int32), 0).item()).toBe(0);
  });

  test('integers wrap around', () => {
    expect(mx.add(mx.array([250], uint8), mx.array([10], uint8)).item()).toBe(4);
    expect(mx.array([127], int8).add(1).item()).toBe(-128);
  });

  test('maximum and minimum pass NaN on', () => {
    expect(mx.maximum([Number.NaN, 1], [1, Number.NaN]).tolist()).toEqual([Number.NaN, Number.NaN]);
    expect(mx.minimum(Number.NaN, [1]).tolist()).toEqual([Number.NaN]);
  });

  test('bits', () => {
    const x = mx.array([12, 10], uint8);
    expect(mx.bitwiseAnd(x, 6).tolist()).toEqual([4, 2]);
    expect(mx.bitwiseOr(x, 1).tolist()).toEqual([13, 11]);
    expect(mx.bitwiseXor(x, 15).tolist()).toEqual([3, 5]);
    expect(mx.bitwiseInvert(x).tolist()).toEqual([243, 245]);
    expect(mx.leftShift(x, 1).tolist()).toEqual([24, 20]);
    expect(mx.rightShift(x, 2).tolist()).toEqual([3, 2]);
    expect(mx.bitwiseAnd([true, false], true).tolist()).toEqual([true, false]);
    expect(() => mx.bitwiseAnd([1.5], 1)).toThrow('[bitwiseAnd] the operand must be integer or bool, not float32');
    expect(() => mx.leftShift([1.5], 1)).toThrow(TypeError);
  });
});

describe('broadcasting', () => {
  test('sizes of 1 and missing axes repeat', () => {
    const column = mx.array([[1], [2]]);
    expect(column.add([10, 20, 30]).tolist()).toEqual([
      [11, 21, 31],
      [12, 22, 32],
    ]);
    expect(mx.add(1, 2).shape).toEqual([]);
    expect(mx.zeros([2, 0]).add(mx.zeros([1, 1])).shape).toEqual([2, 0]);
    expect(mx.zeros([0]).add(mx.zeros([1])).shape).toEqual([0]);
  });

  test('other shapes are an error with both', () => {
    expect(() => mx.zeros([2, 3]).add(mx.zeros([4]))).toThrow(new RangeError('[add] shapes [2, 3] and [4] do not broadcast'));
    expect(() => mx.less(mx.zeros([2]), mx.zeros([0]))).toThrow(new RangeError('[less] shapes [2] and [0] do not broadcast'));
  });

  test('arrays with 32 axes', () => {
    const shape = new Array(32).fill(1);
    expect(mx.ones(shape).add(mx.ones([2])).shape).toEqual([...shape.slice(1), 2]);
  });
});

describe('promotion', () => {
  const rows: [mx.Dtype, mx.Dtype, mx.Dtype][] = [
    [bool, bool, bool],
    [bool, uint8, uint8],
    [bool, float16, float16],
    [uint8, int8, int16],
    [uint16, int16, int32],
    [uint32, int32, int64],
    [uint64, int64, float32],
    [uint8, int32, int32],
    [uint32, int8, int64],
    [uint8, uint32, uint32],
    [int8, int64, int64],
    [int64, float16, float16],
    [uint64, bfloat16, bfloat16],
    [float16, bfloat16, float32],
    [float16, float32, float32],
    [bfloat16, float32, float32],
    [float32, float64, float64],
    [int32, complex64, complex64],
    [float64, complex64, complex64],
  ];
  test.each(computable(rows))('%s with %s gives %s', (a, b, expected) => {
    const x = mx.ones([2], a);
    const y = mx.ones([2], b);
    expect(mx.add(x, y).dtype).toBe(expected);
    expect(mx.add(y, x).dtype).toBe(expected);
    expect(mx.resultType(a, b)).toBe(expected);
    expect(mx.resultType(y, a)).toBe(expected);
    expect(mx.where(true, x, y).dtype).toBe(expected);
    expect(mx.concatenate([x, y]).dtype).toBe(expected);
    expect(mx.equal(x, y).dtype).toBe(bool);
  });

  test('numbers take the dtype of the array', () => {
    for (const dtype of computable([uint8, int16, int64, float16, bfloat16, float32, float64, complex64])) {
      expect(mx.ones([2], dtype).add(1).dtype).toBe(dtype);
      expect(mx.multiply(2, mx.ones([2], dtype)).dtype).toBe(dtype);
      expect(mx.ones([2], dtype).add(true).dtype).toBe(dtype);
    }
    expect(mx.ones([2], float16).add(0.1).dtype).toBe(float16);
  });

  test('a fractional number with integers gives float32', () => {
    expect(mx.array([1, 2], int32).add(0.5).tolist()).toEqual([1.5, 2.5]);
    expect(mx.array([1, 2], int32).add(0.5).dtype).toBe(float32);
    expect(mx.array([1], uint8).multiply(Number.NaN).dtype).toBe(float32);
    expect(mx.array([1], int8).maximum(Number.POSITIVE_INFINITY).dtype).toBe(float32);
  });

  test('with bool, an integer gives int32, a fraction float32, a boolean bool', () => {
    const x = mx.array([true, false]);
    expect(x.add(1).dtype).toBe(int32);
    expect(x.add(1).tolist()).toEqual([2, 1]);
    expect(x.add(0.5).dtype).toBe(float32);
    expect(x.add(true).dtype).toBe(bool);
    expect(x.add(1n).dtype).toBe(int64);
  });

  test('bigints keep the dtype of integers', () => {
    expect(mx.array([1], int8).add(1n).dtype).toBe(int8);
    expect(
      mx
        .array([1n])
        .add(2n ** 62n)
        .tolist(),
    ).toEqual([2n ** 62n + 1n]);
  });

  test('complex values make complex arrays', () => {
    expect(mx.ones([1]).multiply({ re: 0, im: 1 }).tolist()).toEqual([{ re: 0, im: 1 }]);
    expect(mx.array([2], int32).add(mx.Complex(1, 1)).tolist()).toEqual([{ re: 3, im: 1 }]);
  });

  test('lists and typed arrays are arrays of their own dtype', () => {
    expect(mx.array([1], int32).add([1]).dtype).toBe(float32);
    expect(mx.array([1], int32).add(new Int16Array([1])).dtype).toBe(int32);
    expect(mx.add(new Int16Array([1]), 1).dtype).toBe(int16);
  });

  test('division of integers gives float32, floorDivide keeps integers', () => {
    expect(mx.array([7], int32).divide(2).tolist()).toEqual([3.5]);
    expect(mx.array([7], int32).divide(mx.array([2], int32)).dtype).toBe(float32);
    expect(mx.array([7], int32).floorDivide(2).dtype).toBe(int32);
    expect(mx.array([true]).divide(true).dtype).toBe(float32);
    expect(mx.arctan2(mx.array([1], int32), mx.array([1], int32)).dtype).toBe(float32);
    expect(mx.array([true]).floorDivide(true).dtype).toBe(int32);
    expect(mx.leftShift([true], [true]).dtype).toBe(uint8);
  });
});
