/** Comparison of arrays, element by element, with messages that say where they differ. */

import type * as mx from '../../lib';

/** Every number of an array; complex ones as pairs, booleans as 0 and 1. */
export function numbersOf(x: mx.array): number[] {
  const flat: number[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const entry of value) visit(entry);
    else if (typeof value === 'object' && value !== null) {
      const { re, im } = value as { re: number; im: number };
      flat.push(re, im);
    } else flat.push(Number(value));
  };
  visit(x.tolist());
  return flat;
}

/** Fails unless `actual` and `expected` agree: |a - e| ≤ tolerance · max(1, largest |e|); NaN and infinities must match. */
export function expectClose(actual: mx.array, expected: mx.array, tolerance: number, what: string): void {
  if (String(actual.shape) !== String(expected.shape)) {
    throw new Error(`${what}: shape [${actual.shape}] where [${expected.shape}] was expected`);
  }
  if (actual.dtype !== expected.dtype) throw new Error(`${what}: dtype ${actual.dtype} where ${expected.dtype} was expected`);
  expectNumbersClose(numbersOf(actual), numbersOf(expected), tolerance, what);
}

export function expectNumbersClose(actual: readonly number[], expected: readonly number[], tolerance: number, what: string): void {
  if (actual.length !== expected.length) throw new Error(`${what}: ${actual.length} numbers where ${expected.length} were expected`);
  const scale = expected.reduce((largest, value) => (Number.isFinite(value) ? Math.max(largest, Math.abs(value)) : largest), 1);
  for (let i = 0; i < actual.length; i++) {
    const [a, e] = [actual[i], expected[i]];
    const same = Object.is(a, e) || a === e || Math.abs(a - e) <= tolerance * scale;
    if (!same)
      throw new Error(
        `${what}: element ${i} is ${a} where ${e} was expected (tolerance ${tolerance * scale})\n  actual   ${actual.slice(0, 12)}\n  expected ${expected.slice(0, 12)}`,
      );
  }
}
