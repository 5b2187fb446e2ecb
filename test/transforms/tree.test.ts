import * as mx from '../../lib';
import { arrayPath, arraysOf, isPlainObject, mapArrays, mapLeaves } from '../../lib/tree';

describe('trees', () => {
  const a = mx.array([1]);
  const b = mx.array([2]);
  const instance = new Map([['a', a]]);
  const tree = { x: [a, { y: b, z: 'text' }], n: 3, none: null, instance };

  test('arrays are found in order, in lists and plain objects only', () => {
    const same = (found: mx.array[], expected: mx.array[]) =>
      found.length === expected.length && found.every((leaf, i) => leaf === expected[i]);
    expect(same(arraysOf(tree), [a, b])).toBe(true);
    expect(same(arraysOf(a), [a])).toBe(true);
    expect(same(arraysOf(Object.assign(Object.create(null), { a })), [a])).toBe(true);
  });

  test('mapping copies containers and keeps other leaves', () => {
    const copy = mapArrays(tree, (_, i) => i) as typeof tree;
    expect({ ...copy, instance: null }).toEqual({ x: [0, { y: 1, z: 'text' }], n: 3, none: null, instance: null });
    expect(copy.x).not.toBe(tree.x);
    expect(copy.instance).toBe(instance);
    expect(mapLeaves(5, (leaf) => [leaf])).toEqual([5]);
  });

  test('paths are written as code', () => {
    expect(arrayPath(tree, 0)).toBe('.x[0]');
    expect(arrayPath(tree, 1)).toBe('.x[1].y');
    expect(arrayPath({ 'a b': [a] }, 0)).toBe('["a b"][0]');
    expect(arrayPath(a, 0)).toBe('');
  });

  test('a key named __proto__ is a key like others', () => {
    const hostile = JSON.parse('{"__proto__": {"polluted": 1}}') as object;
    const copy = mapLeaves(hostile, (leaf) => leaf) as object;
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect(Object.keys(copy)).toEqual(['__proto__']);
    expect(isPlainObject(copy)).toBe(true);
  });
});
