import { inspect } from 'node:util';

import * as mx from '../../lib';
import { endTrace, shapeObserver, wrap } from '../../lib/array';

describe('properties', () => {
  const x = mx.arange(6, mx.int16).reshape(2, 3);
  test('say what the array is', () => {
    expect(x.shape).toEqual([2, 3]);
    expect(x.ndim).toBe(2);
    expect(x.size).toBe(6);
    expect(x.length).toBe(2);
    expect(x.dtype).toBe(mx.int16);
    expect(x.itemsize).toBe(2);
    expect(x.nbytes).toBe(12);
    expect(x.T.shape).toEqual([3, 2]);
    expect(mx.zeros([2, 3, 4]).T.shape).toEqual([4, 3, 2]);
  });

  test('an array without axes has no length', () => {
    expect(() => mx.array(1).length).toThrow(new TypeError('[length] an array with 0 dimensions has no length'));
  });

  test('changing the list that shape gives changes nothing', () => {
    const shape = [2, 2];
    const y = mx.zeros(shape);
    shape[0] = 7;
    y.shape[1] = 9;
    (y.shape as number[]).push(3);
    expect(y.shape).toEqual([2, 2]);
    expect(y.tolist()).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  test('reads of the shape by user code are observable', () => {
    const seen: unknown[] = [];
    shapeObserver.onRead = (node) => seen.push(node.id);
    try {
      const y = x.add(x).sum(0);
      expect(seen).toEqual([]);
      void [y.shape, y.size, y.length, y.ndim];
      expect(seen).toHaveLength(4);
    } finally {
      shapeObserver.onRead = null;
    }
  });
});

describe('values', () => {
  test('item needs exactly one element', () => {
    expect(mx.array([[4]]).item()).toBe(4);
    expect(() => mx.array([1, 2]).item()).toThrow(new RangeError('[item] only an array of size 1 has one item, not shape [2]'));
    expect(() => mx.array([]).item()).toThrow(RangeError);
    expect(mx.array(2n ** 53n).item()).toBe(2n ** 53n);
    expect(mx.array(2n ** 53n - 1n).item()).toBe(2 ** 53 - 1);
  });

  test('tolist nests, also of views', () => {
    const x = mx.arange(6).reshape(2, 3);
    expect(x.T.tolist()).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
    ]);
    expect(mx.array(3).tolist()).toBe(3);
    expect(mx.zeros([2, 0, 3]).tolist()).toEqual([[], []]);
    expect(mx.broadcastTo(7, [2, 2]).tolist()).toEqual([
      [7, 7],
      [7, 7],
    ]);
  });

  test('toTypedArray is row-major, in the carrier of the dtype', () => {
    expect(mx.arange(4).reshape(2, 2).T.toTypedArray()).toEqual(new Float32Array([0, 2, 1, 3]));
    expect(mx.array([true, false]).toTypedArray()).toEqual(new Uint8Array([1, 0]));
    expect(mx.array([1.5], mx.float16).toTypedArray()).toEqual(new Uint16Array([0x3e00]));
    expect(mx.array([1n]).toTypedArray()).toEqual(new BigInt64Array([1n]));
    expect(mx.array({ re: 1, im: 2 }).toTypedArray()).toEqual(new Float32Array([1, 2]));
    expect(mx.array([0.1], mx.float64).toTypedArray()).toEqual(new Float64Array([0.1]));
    expect(mx.array([]).toTypedArray()).toEqual(new Float32Array([]));
  });

  test('iteration gives the rows', () => {
    expect([...mx.arange(6).reshape(3, 2)].map((row) => row.tolist())).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
    expect([...mx.array([1, 2])].map((x) => x.item())).toEqual([1, 2]);
    expect(() => [...mx.array(1)]).toThrow(TypeError);
  });

  test('JSON gives nested lists', () => {
    expect(JSON.stringify({ w: mx.array([[1, 2]]), ok: mx.array(true) })).toBe('{"w":[[1,2]],"ok":true}');
  });

  test('a number where JavaScript needs one', () => {
    expect(Number(mx.array([2.5]))).toBe(2.5);
    expect((mx.array(2) as unknown as number) * 3).toBe(6);
    expect((mx.array(1) as unknown as number) < (mx.array(2) as unknown as number)).toBe(true);
    expect(() => Number(mx.array([1, 2]))).toThrow('[Symbol.toPrimitive] an array of shape [2] and dtype float32 is not a number');
    expect(`${'x = '}${mx.array([1, 2])}`).toBe('x = array([1, 2], dtype=float32)');
    expect('x = ' + mx.array([1, 2])).toBe('x = array([1, 2], dtype=float32)');
  });

  test('astype converts', () => {
    expect(mx.array([1.9, -1.9]).astype(mx.int32).tolist()).toEqual([1, -1]);
    expect(mx.array([0, 0.5]).astype(mx.bool).tolist()).toEqual([false, true]);
    expect(mx.array([257]).astype(mx.int32).astype(mx.uint8).tolist()).toEqual([1]);
    expect(() => mx.array(1).astype('int32' as unknown as mx.Dtype)).toThrow('[astype] dtype must be a Dtype');
  });
});

describe('dispose', () => {
  test('use afterwards is an error with a code', () => {
    const x = mx.array([1, 2]);
    x.dispose();
    for (const use of [
      () => x.shape,
      () => x.tolist(),
      () => x.add(1),
      () => mx.add(1, x),
      () => x.item(),
      () => String(x),
      () => mx.sum(x),
      () => x.T,
    ]) {
      expect(use).toThrow(expect.objectContaining({ code: 'METALGRAD_DISPOSED' }));
    }
    expect(() => x.add(1)).toThrow('[add] the array was disposed');
    expect(inspect(x)).toBe('array(<disposed>)');
    x.dispose();
  });

  test('results that are not computed yet keep what they need', () => {
    const x = mx.array([1, 2]);
    const y = x.add(1);
    x[Symbol.dispose]();
    expect(y.tolist()).toEqual([2, 3]);
  });

  test('the same values under another handle stay', () => {
    const x = mx.array([1, 2]);
    const y = x.astype(mx.float32);
    const z = x.T;
    x.dispose();
    expect(y.tolist()).toEqual([1, 2]);
    expect(z.tolist()).toEqual([1, 2]);
  });
});

test('a forged handle is an error, never a crash', () => {
  const forged = Object.create(mx.array.prototype) as mx.array;
  expect(() => forged.add(1)).toThrow('[add] the array was disposed');
  expect(() => mx.add(forged, forged)).toThrow('[add] the array was disposed');
  expect(() => mx.sin(forged)).toThrow('[sin] the array was disposed');
  expect(() => forged.shape).toThrow('[shape] the array was disposed');
  expect(() => mx.sum(forged)).toThrow('[sum] the array was disposed');
});

test('a handle whose trace has ended says so', () => {
  const x = wrap((mx.array(1) as unknown as { _node: Parameters<typeof wrap>[0] })._node);
  endTrace(x);
  expect(() => x.add(1)).toThrow(expect.objectContaining({ code: 'METALGRAD_TRACE_ENDED' }));
});
