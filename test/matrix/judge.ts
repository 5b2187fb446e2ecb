/**
 * Decides what a law is checked against. On the CPU it is checked as it stands, in float64. A GPU has no float64, and rounding would drown
 * most laws; since the CPU was checked by them, it is the CPU's results, of the same computations in float32, that the GPU's are compared with.
 */

import * as mx from '../../lib';
import { onGpu } from '../support/default';
import { expectNumbersClose, numbersOf } from './compare';
import type { Arrays } from './subject';

/** Takes what a law computed. */
export interface Judge {
  /** Each of `actual` is what is expected: its shape, its dtype unless `anyDtype`, and its numbers. */
  all(actual: Arrays, expected: Arrays, tolerance: number, what: string, anyDtype?: boolean): void;
}

/** Compares as the law says. */
const strict: Judge = {
  all(actual, expected, tolerance, what, anyDtype = false) {
    expectCount(actual.length, expected.length, what);
    actual.forEach((a, i) => {
      const [label, e] = [`${what}, result ${i}`, expected[i]];
      if (String(a.shape) !== String(e.shape)) throw new Error(`${label}: shape [${a.shape}] where [${e.shape}] was expected`);
      if (!anyDtype && a.dtype !== e.dtype) throw new Error(`${label}: dtype ${a.dtype} where ${e.dtype} was expected`);
      expectNumbersClose(numbersOf(a), numbersOf(e), tolerance, label);
    });
  },
};

/** One result as a device gave it. */
interface Found {
  readonly what: string;
  readonly kind: string;
  readonly numbers: number[];
  readonly tolerance: number;
}

/** What `law` computes with `device` as the default one. What it would have been compared with is not evaluated. */
function found(device: mx.Device, law: (judge: Judge) => void): Found[] {
  const results: Found[] = [];
  using _scope = mx.stream(device);
  law({
    all(actual, _expected, tolerance, what) {
      actual.forEach((a, i) => {
        results.push({ what: `${what}, result ${i}`, kind: `${a.dtype}[${a.shape}]`, numbers: numbersOf(a), tolerance });
      });
    },
  });
  return results;
}

function expectCount(actual: number, expected: number, what: string): void {
  if (actual !== expected) throw new Error(`${what}: ${actual} results where ${expected} were expected`);
}

/** Checks one law. */
export function judge(law: (judge: Judge) => void): void {
  if (!onGpu) {
    law(strict);
    return;
  }
  const expected = found(mx.cpu, law);
  const actual = found(mx.gpu, law);
  expectCount(actual.length, expected.length, 'the law');
  actual.forEach(({ what, kind, numbers, tolerance }, i) => {
    if (kind !== expected[i].kind) throw new Error(`${what}: ${kind} where the CPU gives ${expected[i].kind}`);
    expectNumbersClose(numbers, expected[i].numbers, tolerance, `${what}, on the GPU`);
  });
}
