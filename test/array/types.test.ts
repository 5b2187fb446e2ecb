import type * as names from '../../lib';
import mx, { type array as ArrayByName, array, type core } from '../../lib';

/** Compiled by the type checker; the tests only run it. */
describe('types', () => {
  test('array is a type under every name of the library', () => {
    const a: mx.array = array([[1, 2]]);
    const b: core.array = a;
    const c: names.array = b;
    const d: ArrayByName = c;
    expect(d).toBe(a);
  });

  test('methods know their arguments and results', () => {
    const x = mx.array([[1, 2]]);
    const sum: mx.array = x.sum({ axis: 0, keepdims: true }).sum(true).add(1).reshape(1, -1).T;
    const parts: mx.array[] = x.split(2, 1);
    const [q, r]: [mx.array, mx.array] = x.divmod(2);
    expect([sum.ndim, parts.length, q.ndim, r.ndim]).toEqual([2, 2, 2, 2]);
    // @ts-expect-error an unknown option
    expect(() => x.sum({ axes: 0 })).toThrow(TypeError);
    // @ts-expect-error no string is an axis
    expect(() => x.sum('0')).toThrow(TypeError);
    // @ts-expect-error sin takes nothing but a stream
    expect(() => x.sin(1)).toThrow(TypeError);
    // @ts-expect-error there is no such method
    expect(x.sum2).toBeUndefined();
    // @ts-expect-error stack is no method
    expect(x.stack).toBeUndefined();
  });
});
