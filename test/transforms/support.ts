/** Comparisons that the tests of the transforms share. */

import * as mx from '../../lib';

/** A tree with its arrays as nested lists. */
export function plain(tree: unknown): unknown {
  if (tree instanceof mx.array) return (tree as mx.array).tolist();
  if (Array.isArray(tree)) return tree.map(plain);
  if (typeof tree === 'object' && tree !== null && Object.getPrototypeOf(tree) === Object.prototype) {
    return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, plain(value)]));
  }
  return tree;
}

/** Compares numbers in trees to a relative and absolute precision. */
export function expectClose(actual: unknown, expected: unknown, tolerance = 1e-5): void {
  compare(plain(actual), plain(expected), tolerance, '');
}

function compare(actual: unknown, expected: unknown, tolerance: number, path: string): void {
  if (typeof expected === 'number' && typeof actual === 'number') {
    if (Object.is(actual, expected)) return;
    if (Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected))) return;
    throw new Error(`at ${path || 'the top'}: ${actual} is not ${expected}`);
  }
  if (Array.isArray(expected) && Array.isArray(actual)) {
    expect(actual.length).toBe(expected.length);
    for (const [i, entry] of expected.entries()) compare(actual[i], entry, tolerance, `${path}[${i}]`);
    return;
  }
  if (typeof expected === 'object' && expected !== null && typeof actual === 'object' && actual !== null) {
    expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
    for (const [key, entry] of Object.entries(expected))
      compare((actual as Record<string, unknown>)[key], entry, tolerance, `${path}.${key}`);
    return;
  }
  expect(actual).toEqual(expected);
}

/** The error that a call throws. */
export function errorOf(body: () => unknown): Error & { code?: string } {
  try {
    body();
  } catch (error) {
    return error as Error & { code?: string };
  }
  throw new Error('nothing was thrown');
}
