/** Errors of the elementary functions, in units of the last place, over all exponents. */

import { type Dtype, float32, float64 } from '../../lib/dtype';
import type { ElementwiseOp } from '../../lib/schedule/opcodes';
import { between, errorInUlps, everywhere, intervals, limits } from '../support/elementary';
import { erf, erfinv } from '../support/special';
import { contiguous, type KernelSpec } from './encode';
import { runOnce } from './harness';
import { evaluate } from './kernel_reference';

// Inside jest's contexts a global is slow to look up, which tells where every element takes several.
const { Math, Number } = globalThis;

function apply(
  op: ElementwiseOp,
  dtype: Dtype,
  inputs: (Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>)[],
): Float32Array | Float64Array {
  const n = inputs[0].length;
  const step: KernelSpec = {
    kind: 'kernel',
    outer: [n],
    loads: inputs.map((_, i) => contiguous(i, dtype, [n])),
    code: [{ op, dtype, a: 0, ...(inputs.length > 1 ? { b: 1 } : {}) }],
    stores: [{ value: inputs.length, operand: contiguous(inputs.length, dtype, [n]) }],
  };
  const [bytes] = runOnce({ inputs: inputs.length, outputs: [n * dtype.size], steps: [step] }, inputs);
  return dtype === float32 ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer);
}

for (const [op, limit] of Object.entries(limits) as [ElementwiseOp, number][]) {
  test(`${op} of float32 within ${limit} ulp`, () => {
    let [worst, where] = [0, 0];
    for (const x of [everywhere(40, 12345), ...intervals.map(([a, b]) => between(a, b, 5000))]) {
      const y = apply(op, float32, [x]);
      for (let i = 0; i < x.length; i++) {
        const e = errorInUlps(y[i], evaluate(op, float32, float32, [x[i]]) as number);
        if (e > worst) [worst, where] = [e, x[i]];
      }
    }
    expect({ worst: worst <= limit + 0.01 ? 'fine' : worst, where: worst <= limit + 0.01 ? 'anywhere' : where }).toEqual({
      worst: 'fine',
      where: 'anywhere',
    });
  });
}

test('power of float32 within 4 ulp', () => {
  const x: number[] = [];
  const y: number[] = [];
  const specials = [0, -0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, Infinity, -Infinity, Number.NaN, 1e-40, 3e38, -3e38, 2.5, -2.5];
  for (const a of specials) {
    for (const b of specials) {
      x.push(a);
      y.push(b);
    }
  }
  for (let i = 0; i < 40000; i++) {
    const base = 2 ** ((((i * 7919) % 2520) - 1260) / 10) * (1 + ((i * 31) % 97) / 97);
    x.push(base);
    y.push(((((i * 104729) % 2001) - 1000) / 1000) * Math.min(130 / Math.abs(Math.log2(base)), 50));
  }
  const [a, b] = [Float32Array.from(x), Float32Array.from(y)];
  const z = apply('power', float32, [a, b]);
  const bad: number[][] = [];
  for (let i = 0; i < a.length; i++) {
    if (!(errorInUlps(z[i], evaluate('power', float32, float32, [a[i], b[i]]) as number) <= 4)) bad.push([a[i], b[i], z[i]]);
  }
  expect(bad.slice(0, 10)).toEqual([]);
});

test('arctan2 and logaddexp of float32 within 2 ulp', () => {
  const specials = [0, -0, 1, -1, 1e-40, -1e-40, 3e38, -3e38, Infinity, -Infinity, Number.NaN];
  const x: number[] = [];
  const y: number[] = [];
  for (const a of specials) {
    for (const b of specials) {
      x.push(a);
      y.push(b);
    }
  }
  for (let i = 0; i < 30000; i++) {
    x.push((i % 2 ? 1 : -1) * 2 ** (((i * 37) % 600) / 10 - 30));
    y.push((i % 3 ? 1 : -1) * 2 ** (((i * 101) % 600) / 10 - 30));
  }
  const [a, b] = [Float32Array.from(x), Float32Array.from(y)];
  for (const op of ['arctan2', 'logaddexp'] as const) {
    const z = apply(op, float32, [a, b]);
    const bad: number[][] = [];
    for (let i = 0; i < a.length; i++) {
      if (!(errorInUlps(z[i], evaluate(op, float32, float32, [a[i], b[i]]) as number) <= 2)) bad.push([a[i], b[i], z[i]]);
    }
    expect([op, bad.slice(0, 10)]).toEqual([op, []]);
  }
});

test('float64 over its range', () => {
  const x: number[] = [0, -0, Infinity, -Infinity, Number.NaN, 5e-324, 1.7e308, -1.7e308, 1e-300, 709.5, -745, 710.4, -710.4, 1, -1];
  for (let e = -1000; e < 1000; e += 7) for (const s of [1, -1]) x.push(s * 1.234567 * 2 ** e, s * 1.9876 * 2 ** e);
  for (let i = 0; i < 4000; i++) x.push(i / 200 - 10, i / 4000);
  const data = Float64Array.from(x);
  const names = (Object.keys(limits) as ElementwiseOp[]).filter((op) => op !== 'erf' && op !== 'erfinv');
  for (const op of names) {
    const y = apply(op, float64, [data]);
    const bad: number[][] = [];
    for (let i = 0; i < data.length; i++) {
      const wanted = evaluate(op, float64, float64, [data[i]]) as number;
      const close =
        Object.is(y[i], wanted) ||
        y[i] === wanted ||
        Math.abs(y[i] - wanted) <= 4 * 2 ** (Math.max(Math.floor(Math.log2(Math.abs(wanted))), -1022) - 52);
      if (!close) bad.push([data[i], y[i], wanted]);
    }
    expect([op, bad.slice(0, 10)]).toEqual([op, []]);
  }
  const errors = apply('erf', float64, [data]);
  const inverses = apply('erfinv', float64, [data]);
  for (let i = 0; i < data.length; i++) {
    for (const [got, wanted] of [
      [errors[i], erf(data[i])],
      [inverses[i], erfinv(data[i])],
    ]) {
      if (!(Object.is(got, wanted) || Math.abs(got - wanted) <= 4e-15 * Math.abs(wanted) + 5e-324))
        throw new Error(`${data[i]}: ${got}, not ${wanted}`);
    }
  }
});
