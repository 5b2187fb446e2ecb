import * as mx from '../../lib';
import { widest } from '../support/default';

describe('filled arrays', () => {
  test('zeros, ones, full', () => {
    expect(mx.zeros([2]).tolist()).toEqual([0, 0]);
    expect(mx.ones(2, mx.int8).dtype).toBe(mx.int8);
    expect(mx.full([2], 3).dtype).toBe(mx.float32);
    expect(mx.full([2], true).dtype).toBe(mx.bool);
    expect(mx.full([2], 3, mx.int32).tolist()).toEqual([3, 3]);
    expect(mx.full([2, 2], [1, 2]).tolist()).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(mx.full([], mx.array(4, mx.int8)).dtype).toBe(mx.int8);
    expect(mx.full([1], { re: 1, im: 2 }).tolist()).toEqual([{ re: 1, im: 2 }]);
    expect(mx.zeros([0, 3]).size).toBe(0);
    expect(() => mx.full([2], [1, 2, 3])).toThrow('[full] shape');
  });
  test('like another', () => {
    const x = mx.array([[1, 2]], mx.int16);
    expect(mx.zerosLike(x).dtype).toBe(mx.int16);
    expect(mx.onesLike(x).tolist()).toEqual([[1, 1]]);
    expect(mx.fullLike(x, 7).tolist()).toEqual([[7, 7]]);
    expect(mx.fullLike(x, 7).dtype).toBe(mx.int16);
    expect(mx.fullLike(x, 0.5, mx.float32).tolist()).toEqual([[0.5, 0.5]]);
  });
  test('absurd shapes are errors, never crashes', () => {
    expect(() => mx.zeros([-1])).toThrow(new RangeError('[zeros] negative size in shape [-1]'));
    expect(() => mx.zeros([2 ** 31, 2 ** 31])).toThrow(new RangeError('[zeros] shape [2147483648, 2147483648] is too large'));
    expect(() => mx.zeros([1.5])).toThrow(TypeError);
    expect(() => mx.zeros(['2'] as unknown as number[])).toThrow(TypeError);
    expect(() => mx.zeros(undefined as unknown as number[])).toThrow('[zeros] a shape is a list of integers, not undefined');
    expect(() => mx.zeros(new Array(33).fill(1))).toThrow('[zeros] rank 33 is more than 32');
    expect(() => mx.zeros([2], 'float32' as unknown as mx.Dtype)).toThrow('[zeros] dtype must be a Dtype, not "float32"');
  });
});

describe('arange and linspace', () => {
  test('arange', () => {
    expect(mx.arange(3).tolist()).toEqual([0, 1, 2]);
    expect(mx.arange(3).dtype).toBe(mx.float32);
    expect(mx.arange(1, 3).tolist()).toEqual([1, 2]);
    expect(mx.arange(1, 6, 2).tolist()).toEqual([1, 3, 5]);
    expect(mx.arange(3, 0, -1).tolist()).toEqual([3, 2, 1]);
    expect(mx.arange(0, 1, 0.25).tolist()).toEqual([0, 0.25, 0.5, 0.75]);
    expect(mx.arange(3, mx.int32).dtype).toBe(mx.int32);
    expect(mx.arange(1, 3, mx.int8).tolist()).toEqual([1, 2]);
    expect(mx.arange(0, 4, 2, mx.uint8).tolist()).toEqual([0, 2]);
    expect(mx.arange(0, { stop: 3, dtype: mx.int64 }).tolist()).toEqual([0, 1, 2]);
    expect(mx.arange(3, 1).tolist()).toEqual([]);
    expect(mx.arange(0).shape).toEqual([0]);
    expect(mx.arange(0, 2, 0.5, mx.int32).tolist()).toEqual([0, 0, 1, 1]);
    expect(mx.arange(2, mx.complex64).tolist()).toEqual([
      { re: 0, im: 0 },
      { re: 1, im: 0 },
    ]);
  });
  test('arange errors', () => {
    expect(() => mx.arange(0, 1, 0)).toThrow(new RangeError('[arange] step must not be 0'));
    expect(() => mx.arange(Number.NaN)).toThrow(RangeError);
    expect(() => mx.arange(Number.POSITIVE_INFINITY)).toThrow('[arange] from 0 to Infinity by 1 is no finite number of elements');
    expect(() => mx.arange(3, mx.bool)).toThrow('[arange] dtype must be a number, not bool');
    expect(() => mx.arange(1e300)).toThrow(RangeError);
    expect(() => mx.arange('3' as unknown as number)).toThrow(TypeError);
    expect(() => (mx.arange as unknown as () => void)()).toThrow('[arange] takes 1 to 4 arguments, not 0');
  });
  test('linspace', () => {
    expect(mx.linspace(0, 1, 5).tolist()).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(mx.linspace(0, 1).shape).toEqual([50]);
    expect(mx.linspace(2, 3, 1).tolist()).toEqual([2]);
    expect(mx.linspace(2, 3, 0).tolist()).toEqual([]);
    expect(mx.linspace(0, 10, { num: 3, dtype: mx.int32 }).tolist()).toEqual([0, 5, 10]);
    const ends = mx.linspace(0.1, 0.7, 11).tolist() as number[];
    expect([ends[0], ends[10]]).toEqual([Math.fround(0.1), Math.fround(0.7)]);
    expect(() => mx.linspace(0, 1, -1)).toThrow('[linspace] num must be at least 0, not -1');
  });
});

describe('matrices', () => {
  test('eye, identity, tri', () => {
    expect(mx.eye(2).tolist()).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(mx.eye(2, 3, 1).tolist()).toEqual([
      [0, 1, 0],
      [0, 0, 1],
    ]);
    expect(mx.eye(2, { k: -1, dtype: mx.int32 }).tolist()).toEqual([
      [0, 0],
      [1, 0],
    ]);
    expect(mx.identity(2, mx.bool).tolist()).toEqual([
      [true, false],
      [false, true],
    ]);
    expect(mx.tri(2, 3).tolist()).toEqual([
      [1, 0, 0],
      [1, 1, 0],
    ]);
    expect(mx.tri(3, 3, -1).sum().item()).toBe(3);
    expect(mx.eye(0).shape).toEqual([0, 0]);
    expect(() => mx.eye(-1)).toThrow('[eye] n must be at least 0, not -1');
  });
  test('tril and triu', () => {
    const x = mx.arange(1, 10).reshape(3, 3);
    expect(mx.tril(x).tolist()).toEqual([
      [1, 0, 0],
      [4, 5, 0],
      [7, 8, 9],
    ]);
    expect(mx.triu(x, 1).tolist()).toEqual([
      [0, 2, 3],
      [0, 0, 6],
      [0, 0, 0],
    ]);
    expect(mx.tril(mx.full([2, 2], Number.NaN)).tolist()).toEqual([
      [Number.NaN, 0],
      [Number.NaN, Number.NaN],
    ]);
    expect(mx.tril(mx.ones([2, 2, 2])).shape).toEqual([2, 2, 2]);
    expect(() => mx.tril([1])).toThrow('[tril] needs at least 2 axes, not shape [1]');
  });
  test('diag, diagonal, trace', () => {
    const x = mx.arange(12).reshape(3, 4);
    expect(mx.diagonal(x).tolist()).toEqual([0, 5, 10]);
    expect(mx.diagonal(x, 1).tolist()).toEqual([1, 6, 11]);
    expect(mx.diagonal(x, -1).tolist()).toEqual([4, 9]);
    expect(mx.diagonal(x, 9).tolist()).toEqual([]);
    expect(x.T.diagonal(-1).tolist()).toEqual([1, 6, 11]);
    expect(mx.diagonal(mx.arange(8).reshape(2, 2, 2), 0, 1, 2).tolist()).toEqual([
      [0, 3],
      [4, 7],
    ]);
    expect(mx.diagonal(mx.arange(8).reshape(2, 2, 2)).tolist()).toEqual([
      [0, 6],
      [1, 7],
    ]);
    expect(mx.diag([1, 2]).tolist()).toEqual([
      [1, 0],
      [0, 2],
    ]);
    expect(mx.diag([1, 2], 1).tolist()).toEqual([
      [0, 1, 0],
      [0, 0, 2],
      [0, 0, 0],
    ]);
    expect(mx.diag([1, 2], -1).tolist()).toEqual([
      [0, 0, 0],
      [1, 0, 0],
      [0, 2, 0],
    ]);
    expect(mx.diag(x).tolist()).toEqual([0, 5, 10]);
    expect(mx.diag(mx.zeros([0])).shape).toEqual([0, 0]);
    expect(mx.trace(x).item()).toBe(15);
    expect(mx.trace(mx.ones([2, 2], mx.int8)).dtype).toBe(mx.int32);
    expect(mx.trace(x, { offset: 1, dtype: widest }).dtype).toBe(widest);
    expect(() => mx.diag(mx.zeros([1, 1, 1]))).toThrow('[diag] needs a vector or a matrix, not shape [1, 1, 1]');
    expect(() => mx.diagonal(x, 0, 1, 1)).toThrow('[diagonal] axis1 and axis2 are both 1');
  });
  test('meshgrid', () => {
    const [x, y] = mx.meshgrid([1, 2, 3], [4, 5]);
    expect(x.tolist()).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
    expect(y.tolist()).toEqual([
      [4, 4, 4],
      [5, 5, 5],
    ]);
    expect(mx.meshgrid([1, 2, 3], [4, 5], { indexing: 'ij' })[0].shape).toEqual([3, 2]);
    expect(mx.meshgrid([1, 2, 3], [4, 5], { sparse: true }).map((g) => g.shape)).toEqual([
      [1, 3],
      [2, 1],
    ]);
    expect(mx.meshgrid()).toEqual([]);
    expect(() => mx.meshgrid([1], { indexing: 'yx' as 'ij' })).toThrow('[meshgrid] indexing must be');
  });
});

describe('dtypes', () => {
  test('finfo and iinfo', () => {
    expect(mx.finfo(mx.float32)).toMatchObject({ bits: 32, max: 3.4028234663852886e38, eps: 2 ** -23, smallestNormal: 2 ** -126 });
    expect(mx.finfo(mx.float16)).toMatchObject({ bits: 16, max: 65504, min: -65504, eps: 2 ** -10 });
    expect(mx.finfo(mx.float64).max).toBe(Number.MAX_VALUE);
    expect(mx.finfo(mx.complex64).dtype).toBe(mx.float32);
    expect(mx.iinfo(mx.int8)).toMatchObject({ min: -128, max: 127, bits: 8 });
    expect(mx.iinfo(mx.uint64).max).toBe(18446744073709551615n);
    expect(() => mx.finfo(mx.int8)).toThrow('[finfo] int8 is not floating or complex');
    expect(() => mx.iinfo(mx.bool)).toThrow('[iinfo] bool is not an integer dtype');
  });
  test('issubdtype, canCast, resultType', () => {
    expect(mx.issubdtype(mx.int8, mx.signedinteger)).toBe(true);
    expect(mx.issubdtype(mx.uint8, mx.integer)).toBe(true);
    expect(mx.issubdtype(mx.bool, mx.number)).toBe(false);
    expect(mx.issubdtype(mx.bool, mx.generic)).toBe(true);
    expect(mx.issubdtype(mx.complex64, mx.inexact)).toBe(true);
    expect(mx.issubdtype(mx.floating, mx.inexact)).toBe(true);
    expect(mx.issubdtype(mx.inexact, mx.floating)).toBe(false);
    expect(mx.issubdtype(mx.float32, mx.float32)).toBe(true);
    expect(mx.issubdtype(mx.float32, mx.float64)).toBe(false);
    expect(mx.canCast(mx.int8, mx.int16)).toBe(true);
    expect(mx.canCast(mx.int16, mx.int8)).toBe(false);
    expect(mx.resultType(mx.zeros([1], mx.int8), 0.5)).toBe(mx.float32);
    expect(mx.resultType(mx.bool, 1)).toBe(mx.int32);
    expect(mx.resultType(1, true)).toBe(mx.float32);
    expect(mx.bool_).toBe(mx.bool);
    expect(mx.float32.size).toBe(4);
  });
  test('constants', () => {
    expect([mx.inf, mx.NINF, mx.nan, mx.e, mx.pi, mx.newaxis, mx.PZERO]).toEqual([
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
      Math.E,
      Math.PI,
      null,
      0,
    ]);
    expect(Object.is(mx.NZERO, -0)).toBe(true);
    expect(mx.eulerGamma).toBeCloseTo(0.5772156649, 9);
  });
});
