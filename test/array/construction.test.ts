import * as mx from '../../lib';

describe('array from numbers and lists', () => {
  test('numbers are float32, booleans bool, bigints int64, { re, im } complex64', () => {
    expect(mx.array(1.5).dtype).toBe(mx.float32);
    expect(mx.array(true).dtype).toBe(mx.bool);
    expect(mx.array(5n).dtype).toBe(mx.int64);
    expect(mx.array({ re: 1, im: -2 }).dtype).toBe(mx.complex64);
    expect(mx.array(mx.Complex(1, 2)).item()).toEqual({ re: 1, im: 2 });
    expect(mx.array(1.5).shape).toEqual([]);
    expect(mx.array(1.5).item()).toBe(1.5);
    expect(mx.array(true).item()).toBe(true);
    expect(mx.array(5n).item()).toBe(5);
  });

  test('it is callable with and without new, and instanceof tests it', () => {
    const constructed = new mx.array([1, 2]);
    const called = mx.array([1, 2]);
    expect(constructed instanceof mx.array).toBe(true);
    expect(called instanceof mx.array).toBe(true);
    expect(constructed.constructor).toBe(mx.array);
    expect([] instanceof (mx.array as unknown as new () => object)).toBe(false);
    expect(constructed.tolist()).toEqual(called.tolist());
  });

  test('nested lists give one axis a level', () => {
    const x = mx.array([
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ]);
    expect(x.shape).toEqual([1, 2, 3]);
    expect(x.tolist()).toEqual([
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ]);
    expect(mx.array([[true], [false]]).dtype).toBe(mx.bool);
    expect(mx.array([1n, 2n]).dtype).toBe(mx.int64);
    expect(mx.array([{ re: 1, im: 2 }, 3]).tolist()).toEqual([
      { re: 1, im: 2 },
      { re: 3, im: 0 },
    ]);
  });

  test('empty lists have size 0 and are float32', () => {
    expect(mx.array([]).shape).toEqual([0]);
    expect(mx.array([]).dtype).toBe(mx.float32);
    expect(mx.array([[], []]).shape).toEqual([2, 0]);
    expect(mx.array([[], []]).tolist()).toEqual([[], []]);
  });

  test('a dtype may be named, by position or by name', () => {
    expect(mx.array([1.7, -1.7, 300], mx.int32).tolist()).toEqual([1, -1, 300]);
    expect(mx.array([1, 2], { dtype: mx.int8 }).dtype).toBe(mx.int8);
    expect(mx.array([0, 2, Number.NaN], mx.bool).tolist()).toEqual([false, true, true]);
    expect(mx.array([300, -1], mx.uint8).tolist()).toEqual([44, 255]);
    expect(mx.array([2 ** 53, -1], mx.int64).tolist()).toEqual([9007199254740992n, -1]);
    expect(mx.array([2n ** 64n - 1n], mx.uint64).item()).toBe(18446744073709551615n);
    expect(mx.array([1, 2], mx.complex64).tolist()).toEqual([
      { re: 1, im: 0 },
      { re: 2, im: 0 },
    ]);
    expect(mx.array(3, mx.uint16).dtype).toBe(mx.uint16);
  });

  test('float16 and bfloat16 round to nearest, ties to even', () => {
    const half = (...values: number[]) => mx.array(values, mx.float16).tolist();
    expect(half(1, 65504, 65519, 65520, -0.1)).toEqual([1, 65504, 65504, Number.POSITIVE_INFINITY, -0.0999755859375]);
    expect(half(2 ** -24, 2 ** -25, 3 * 2 ** -25, 2 ** -14)).toEqual([2 ** -24, 0, 2 ** -23, 2 ** -14]);
    expect(half(1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -11 + 2 ** -30)).toEqual([1, 1 + 2 ** -9, 1 + 2 ** -10]);
    const brain = (...values: number[]) => mx.array(values, mx.bfloat16).tolist();
    expect(brain(1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -40)).toEqual([1, 1, 1 + 2 ** -6, 1 + 2 ** -7]);
    expect(brain(3.4e38, Number.NEGATIVE_INFINITY, Number.NaN)).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]);
  });

  test('a nesting of 32 levels is accepted, of 33 refused', () => {
    const nested = (depth: number): mx.ArrayInput => (depth === 0 ? 1 : [nested(depth - 1)]);
    expect(mx.array(nested(32)).ndim).toBe(32);
    expect(() => mx.array(nested(33))).toThrow('[array] lists are nested more than 32 deep');
    const endless: unknown[] = [];
    endless.push(endless);
    expect(() => mx.array(endless as mx.ArrayInput)).toThrow(RangeError);
  });
});

describe('ragged and mixed lists', () => {
  const bad = (value: unknown) => () => mx.array(value as mx.ArrayInput);
  test('the error names the position', () => {
    expect(
      bad([
        [1, 2, 3],
        [1, 2],
      ]),
    ).toThrow(new RangeError('[array] ragged list: [1] has length 2 where [0] has 3'));
    expect(
      bad([
        [[1], [2]],
        [[1], [2, 3]],
      ]),
    ).toThrow(new RangeError('[array] ragged list: [1][1] has length 2 where [0][0] has 1'));
    expect(bad([1, [2]])).toThrow(new RangeError('[array] ragged list: [1] is a list where [0] is a number'));
    expect(bad([[1], 2])).toThrow(new RangeError('[array] ragged list: [1] is a number where [0] is a list'));
    expect(bad([1, true])).toThrow(new TypeError('[array] mixed list: [1] is a boolean where [0] is a number'));
    expect(
      bad([
        [1, 2],
        [3, 4n],
      ]),
    ).toThrow(new TypeError('[array] mixed list: [1][1] is a bigint where [0][0] is a number'));
    expect(bad([1, null])).toThrow(new TypeError('[array] [1] is null, not a number, boolean, complex number or array'));
    expect(bad([[1, 'a']])).toThrow(new TypeError('[array] [0][1] is a string, not a number, boolean, complex number or array'));
    expect(bad([[], 1])).toThrow(new RangeError('[array] ragged list: [1] is a number where [0] is a list'));
  });

  test('what is no array at all is a TypeError', () => {
    expect(bad(null)).toThrow(new TypeError('[array] null cannot become an array'));
    expect(bad('abc')).toThrow(new TypeError('[array] string cannot become an array'));
    expect(bad({ a: 1 })).toThrow(TypeError);
    expect(bad(() => 1)).toThrow(TypeError);
    expect(() => (mx.array as unknown as () => unknown)()).toThrow('[array] takes a value');
    expect(() => mx.array([1], 'float32' as unknown as mx.Dtype)).toThrow(TypeError);
  });
});

describe('array from typed arrays', () => {
  test('each keeps its own dtype', () => {
    const cases: [mx.ArrayInput, mx.Dtype][] = [
      [new Int8Array([-1, 2]), mx.int8],
      [new Uint8Array([1, 2]), mx.uint8],
      [new Uint8ClampedArray([1, 2]), mx.uint8],
      [new Int16Array([-1, 2]), mx.int16],
      [new Uint16Array([1, 2]), mx.uint16],
      [new Int32Array([-1, 2]), mx.int32],
      [new Uint32Array([1, 2]), mx.uint32],
      [new Float32Array([0.5, 2]), mx.float32],
      [new Float64Array([0.1, 2]), mx.float64],
      [new BigInt64Array([-1n, 2n]), mx.int64],
      [new BigUint64Array([1n, 2n]), mx.uint64],
      [Buffer.from([1, 2]), mx.uint8],
    ];
    for (const [values, dtype] of cases) {
      const x = mx.array(values);
      expect(x.dtype).toBe(dtype);
      expect(x.tolist()).toEqual(Array.from(values as Float32Array, Number));
    }
    expect(mx.array(new Float64Array([0.1])).item()).toBe(0.1);
  });

  test('the values are copied', () => {
    const source = new Float32Array([1, 2, 3]);
    const x = mx.array(source);
    source[0] = 99;
    expect(x.tolist()).toEqual([1, 2, 3]);
  });

  test('a window on a buffer takes only its part, and a dtype converts', () => {
    const buffer = new Float32Array([1, 2, 3, 4]).buffer;
    expect(mx.array(new Float32Array(buffer, 4, 2)).tolist()).toEqual([2, 3]);
    expect(mx.array(new Float32Array([1.9, -1.9]), mx.int32).tolist()).toEqual([1, -1]);
    expect(mx.array(new Float32Array(0)).shape).toEqual([0]);
  });

  test('detached memory is an error with a code', () => {
    const view = new Float32Array([1, 2]);
    structuredClone(view.buffer, { transfer: [view.buffer] });
    expect(() => mx.array(view)).toThrow(
      expect.objectContaining({ code: 'METALGRAD_DETACHED', message: '[array] the memory of the Float32Array is detached' }),
    );
  });

  test('a DataView is refused', () => {
    expect(() => mx.array(new DataView(new ArrayBuffer(4)) as unknown as mx.ArrayInput)).toThrow(
      '[array] a DataView cannot become an array',
    );
  });
});

describe('arrays inside lists', () => {
  test('are stacked; numbers among them take their dtype', () => {
    const a = mx.array([1, 2], mx.int32);
    expect(mx.array([a, a]).tolist()).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(mx.array([a, a]).dtype).toBe(mx.int32);
    const scalar = mx.array(2, mx.int32);
    expect(mx.array([scalar, 3]).dtype).toBe(mx.int32);
    expect(mx.array([3, scalar]).tolist()).toEqual([3, 2]);
    expect(mx.array([scalar, 0.5]).tolist()).toEqual([2, 0.5]);
    expect(
      mx.array([
        [scalar, scalar],
        [scalar, scalar],
      ]).shape,
    ).toEqual([2, 2]);
    expect(mx.array([new Float32Array([1, 2]), new Float32Array([3, 4])]).shape).toEqual([2, 2]);
    expect(mx.array([a, mx.array([0.5, 1])]).dtype).toBe(mx.float32);
  });

  test('of different shapes are an error', () => {
    expect(() => mx.array([mx.array([1, 2]), mx.array([1])])).toThrow(
      '[array] ragged list: array 1 in it has shape [1] where another has [2]',
    );
  });

  test('an array of an array is the same values', () => {
    const x = mx.array([1, 2]);
    const y = mx.array(x);
    expect(y).not.toBe(x);
    x.dispose();
    expect(y.tolist()).toEqual([1, 2]);
    expect(mx.array(y, mx.int8).dtype).toBe(mx.int8);
  });
});
