import * as mx from '../../lib';
import { ArrayHandle } from '../../lib/array';
import { ops } from '../../lib/ops/registry';
import { subjectOf } from '../matrix/subject';

const x = mx.array([
  [1, 2],
  [3, 4],
]);

describe('optional arguments', () => {
  test('come by position, by name, or mixed', () => {
    const expected = [[3], [7]];
    expect(mx.sum(x, 1, true).tolist()).toEqual(expected);
    expect(mx.sum(x, { axis: 1, keepdims: true }).tolist()).toEqual(expected);
    expect(mx.sum(x, 1, { keepdims: true }).tolist()).toEqual(expected);
    expect(x.sum({ keepdims: true, axis: 1 }).tolist()).toEqual(expected);
    expect(mx.sum(x, {}).item()).toBe(10);
    expect(mx.sum(x, undefined, true).shape).toEqual([1, 1]);
    expect(mx.sum(x, { axis: undefined }).item()).toBe(10);
    expect(mx.softmax(x, Object.assign(Object.create(null), { axis: 0 })).shape).toEqual([2, 2]);
  });

  test('by position and by name at once is an error', () => {
    expect(() => mx.sum(x, 1, { axis: 0 } as object)).toThrow(new TypeError('[sum] axis is given by position and by name'));
  });

  test('an object with other keys is no options', () => {
    expect(() => mx.sum(x, { axis: 0, keepDims: true } as object)).toThrow(TypeError);
    expect(mx.add(x, { re: 1, im: 0 }).dtype).toBe(mx.complex64);
    expect(mx.full([2], { re: 1, im: 0 }).dtype).toBe(mx.complex64);
  });
});

describe('streams and devices', () => {
  test('may stand last wherever the optional arguments stop', () => {
    const s = mx.newStream(mx.cpu);
    expect(mx.sum(x, 0, mx.cpu).shape).toEqual([2]);
    expect(mx.sum(x, s).item()).toBe(10);
    expect(mx.sum(x, { axis: 0, stream: s }).shape).toEqual([2]);
    expect(mx.add(x, 1, mx.cpu).shape).toEqual([2, 2]);
    expect(x.add(1, s).shape).toEqual([2, 2]);
    expect(x.exp(mx.cpu).shape).toEqual([2, 2]);
    expect(mx.zeros([2], mx.cpu).dtype).toBe(mx.float32);
    expect(mx.arange(3, mx.cpu).shape).toEqual([3]);
    expect(x.reshape(4, 1, s).shape).toEqual([4, 1]);
    expect(x.transpose(1, 0, { stream: s }).shape).toEqual([2, 2]);
    expect(mx.meshgrid([1], [2], s)).toHaveLength(2);
  });

  const withoutGpu = mx.metal.isAvailable() ? test.skip : test;
  withoutGpu('a GPU is asked for in vain', () => {
    const missing = expect.objectContaining({ code: 'METALGRAD_DEVICE' });
    expect(() => mx.add(x, 1, mx.gpu)).toThrow(missing);
    expect(() => mx.add(x, 1, mx.gpu)).toThrow('[add] no GPU device is present');
    expect(() => mx.sum(x, { stream: mx.gpu })).toThrow(missing);
    expect(() => mx.setDefaultDevice(mx.gpu)).toThrow('[setDefaultDevice] no GPU device is present');
    expect(() => mx.defaultStream(mx.gpu)).toThrow(missing);
    expect(() => mx.newStream(mx.gpu)).toThrow(missing);
    expect(() => mx.metal.deviceInfo()).toThrow(missing);
  });

  test('what is no stream is refused', () => {
    expect(() => mx.sum(x, { stream: 3 as unknown as mx.Device })).toThrow('[sum] a stream must be a Stream or a Device');
  });

  test('the default stream follows a scope', () => {
    const s = mx.newStream(mx.cpu);
    const former = mx.defaultStream(mx.cpu);
    const device = mx.defaultDevice();
    {
      using _scope = mx.stream(s);
      expect(mx.defaultStream(mx.cpu)).toBe(s);
      expect(mx.toStream()).toBe(s);
    }
    expect(mx.defaultStream(mx.cpu)).toBe(former);
    expect(mx.toStream(mx.cpu)).toBe(former);
    expect(mx.defaultDevice()).toBe(device);
    mx.synchronize();
    mx.synchronize(s);
  });
});

describe('counts of arguments', () => {
  test('too few and too many are errors that say how many', () => {
    const call = mx as unknown as Record<string, (...args: unknown[]) => unknown>;
    expect(() => call.add(x)).toThrow(new TypeError('[add] takes 2 arguments, not 1'));
    expect(() => call.add(x, 1, 2)).toThrow(new TypeError('[add] takes 2 arguments, not 3; the last is 2'));
    expect(() => call.sin()).toThrow(new TypeError('[sin] takes 1 argument, not 0'));
    expect(() => call.sum(x, 0, true, 1)).toThrow(new TypeError('[sum] takes 1 to 3 arguments, not 4; the last is 1'));
    expect(() => call.sum()).toThrow(new TypeError('[sum] takes 1 to 3 arguments, not 0'));
    expect(() => [x].map(mx.sin as unknown as (y: mx.array, i: number) => mx.array)).toThrow(TypeError);
    expect(call.sin(x, undefined)).toBeInstanceOf(mx.array);
    expect(() => call.reshape()).toThrow(new TypeError('[reshape] takes at least 1 argument, not 0'));
  });
});

describe('the registry', () => {
  const prototype = ArrayHandle.prototype as unknown as Record<string, unknown>;

  test('every operation is public, and a method where it says so', () => {
    const library = mx as unknown as Record<string, unknown>;
    const random = mx.random as unknown as Record<string, unknown>;
    for (const [name, op] of ops()) {
      if (name.startsWith('random.')) expect([name, random[name.slice(7)]]).toEqual([name, op.call]);
      if (name.includes('.')) continue;
      expect([name, library[name]]).toEqual([name, op.call]);
      if (op.method !== false) expect([name, typeof prototype[name]]).toEqual([name, 'function']);
      expect((op.call as unknown as { name: string }).name).toBe(name);
    }
  });

  test('methods are not enumerable and keep their names', () => {
    expect(Object.keys(prototype)).toEqual([]);
    expect((prototype.add as { name: string }).name).toBe('add');
    expect(prototype.conj).toBe(prototype.conjugate);
  });

  test('every operation on arrays has cases, which run', () => {
    for (const [name, op] of ops()) {
      for (const [index, oneCase] of (op.cases?.() ?? []).entries()) {
        const subject = subjectOf(op, index, oneCase);
        const results = subject.call(subject.data(index + 1, mx.float32));
        expect([name, results.every((result) => result instanceof mx.array)]).toEqual([name, true]);
        mx.eval(results);
      }
    }
  });
});

describe('the namespace', () => {
  test('core, the names by themselves, and the default export are one', () => {
    expect(mx.core.add).toBe(mx.add);
    expect(mx.default.add).toBe(mx.add);
    expect(mx.core.array).toBe(mx.array);
    expect(typeof mx.eval).toBe('function');
    expect(typeof mx.random.uniform).toBe('function');
  });
});
