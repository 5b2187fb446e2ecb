/** Every instruction on every dtype, on special and random values, against JavaScript. */

import { bfloat16, complex64, type Dtype, dtypes, float16, float32, float64 } from '../../lib/dtype';
import { type ElementwiseOp, elementwiseOps } from '../../lib/schedule/opcodes';
import { contiguous, type KernelSpec, type ProgramSpec } from './encode';
import { runOnce } from './harness';
import { arrayOf, type Complex, evaluate, listOf, random, read, type Scalar, toDtype } from './kernel_reference';

// Inside jest's contexts a global is slow to look up, which tells where every element takes several.
const { BigInt, Math, Number } = globalThis;

const count = 450;

function samples(dtype: Dtype, seed: number): Scalar[] {
  const next = random(seed);
  const values: Scalar[] = [];
  if (dtype.kind === 'bool') return Array.from({ length: count }, () => Number(next() < 0.5));
  if (dtype.kind === 'complex') {
    return Array.from({ length: count }, () => ({ re: Math.fround(next() * 8 - 4), im: Math.fround(next() * 8 - 4) }));
  }
  if (dtype.kind === 'float') {
    const special = [0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 2, Infinity, -Infinity, Number.NaN, 1e-40, -1e-40, 65504, 3e38, -3e38];
    values.push(...special.map((x) => toDtype(x, dtype)));
    while (values.length < count) {
      const wide = next() < 0.2;
      values.push(toDtype(wide ? (next() - 0.5) * 2 ** Math.floor(next() * 40 - 20) : next() * 8 - 4, dtype));
    }
  } else {
    const bits = 8 * dtype.size;
    for (const x of [0n, 1n, -1n, 2n, 3n, 7n, -7n, 2n ** BigInt(bits - 1), 2n ** BigInt(bits - 1) - 1n, 2n ** BigInt(bits) - 1n]) {
      values.push(toDtype(x, dtype));
    }
    while (values.length < count) {
      const small = next() < 0.5;
      values.push(toDtype(small ? BigInt(Math.floor(next() * 40) - 20) : BigInt(Math.floor(next() * 2 ** 53)) * 2053n, dtype));
    }
  }
  // Every special value meets every other: rotated by a different amount for each seed.
  return values.slice((seed * 7) % 23).concat(values.slice(0, (seed * 7) % 23));
}

function operandsOf(op: ElementwiseOp): number {
  if (op === 'select' || op === 'multiplyAdd') return 3;
  return elementwiseOps.indexOf(op) >= elementwiseOps.indexOf('add') ? 2 : 1;
}

const comparisons = ['equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual'];

function resultOf(op: ElementwiseOp, dtype: Dtype): Dtype {
  if (comparisons.includes(op)) return dtypes[0];
  if (dtype === complex64 && ['abs', 'real', 'imag'].includes(op)) return float32;
  return dtype;
}

/** Which dtypes an instruction is defined for, as programs are validated. */
function takes(op: ElementwiseOp, dtype: Dtype): boolean {
  const at = elementwiseOps.indexOf(op);
  const between = (a: ElementwiseOp, b: ElementwiseOp) => at >= elementwiseOps.indexOf(a) && at <= elementwiseOps.indexOf(b);
  if (between('exp', 'rsqrt') || op === 'reciprocal' || between('sin', 'sigmoid') || op === 'arctan2' || op === 'logaddexp')
    return dtype.inexact;
  if (between('floor', 'trunc')) return dtype.kind !== 'complex';
  if (op === 'invert' || between('and', 'xor')) return !dtype.inexact;
  if (op === 'leftShift' || op === 'rightShift') return dtype.kind === 'unsigned' || dtype.kind === 'signed';
  return true;
}

/** Errors that elementary functions and what is made of several roundings may have, in units of the last place. */
function tolerance(op: ElementwiseOp, dtype: Dtype): number {
  const at = elementwiseOps.indexOf(op);
  const elementary =
    (at >= elementwiseOps.indexOf('exp') && at <= elementwiseOps.indexOf('log1p')) ||
    op === 'rsqrt' ||
    (at >= elementwiseOps.indexOf('sin') && at <= elementwiseOps.indexOf('sigmoid')) ||
    ['power', 'arctan2', 'logaddexp'].includes(op);
  // The reference's own error functions are no better than that in float64.
  if (dtype === float64) return op === 'erf' || op === 'erfinv' ? 16 : elementary ? 8 : op === 'multiplyAdd' ? Infinity : 0;
  if (dtype.kind === 'complex') return 2;
  // A floored quotient beyond 2^24 is a rounded one.
  if (dtype === float32) return elementary ? 4 : op === 'floorDivide' ? 1 : 0;
  return elementary ? 1 : 0;
}

const digits: Record<string, number> = { float16: 11, bfloat16: 8, float32: 24, float64: 53, complex64: 24 };
const leastExponents: Record<string, number> = { float16: -14, bfloat16: -126, float32: -126, float64: -1022, complex64: -126 };

function unit(x: number, dtype: Dtype): number {
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(x) || 1e-320)), leastExponents[dtype.name]);
  return 2 ** (exponent - digits[dtype.name] + 1);
}

function near(got: number, wanted: number, dtype: Dtype, ulps: number, scale = Math.abs(wanted)): boolean {
  if (Object.is(got, wanted) || (got === 0 && wanted === 0)) return true;
  if (!Number.isFinite(got) || !Number.isFinite(wanted)) {
    // Both sides of the border of overflow are near.
    return Math.abs(got) === Infinity && Math.abs(wanted) >= 2 ** 127 && ulps > 0;
  }
  return Math.abs(got - wanted) <= ulps * unit(scale, dtype);
}

/** Where terms cancel, the error is one of the terms'. */
function scaleOf(op: ElementwiseOp, wanted: number, args: readonly Scalar[]): number {
  return op === 'logaddexp'
    ? Math.max(...args.map((x) => (Number.isFinite(x) ? Math.abs(x as number) : 0)), Math.abs(wanted))
    : Math.abs(wanted);
}

function check(op: ElementwiseOp, dtype: Dtype, to: Dtype, got: Scalar, args: readonly Scalar[]): string | undefined {
  const raw = evaluate(op, dtype, to, args);
  if (raw === undefined) return undefined;
  const wanted = toDtype(raw, to);
  const ulps = tolerance(op, dtype);
  const ok =
    typeof got === 'object' && typeof wanted === 'object'
      ? near(got.re, wanted.re, to, ulps, Math.hypot(wanted.re, wanted.im)) &&
        near(got.im, wanted.im, to, ulps, Math.hypot(wanted.re, wanted.im))
      : typeof got === 'number' && typeof wanted === 'number' && to.inexact
        ? near(got, wanted, to, ulps, scaleOf(op, wanted, args))
        : got === wanted;
  const text = (x: Scalar) => (typeof x === 'object' ? `${x.re}+${x.im}i` : Object.is(x, -0) ? '-0' : String(x));
  return ok ? undefined : `${op} ${dtype}(${args.map(text).join(', ')}) gave ${text(got)}, not ${text(wanted)}`;
}

/** One instruction on operands that are arrays or, where `scalars` says so, arguments. */
function program(op: ElementwiseOp, inputs: readonly Dtype[], dtype: Dtype, to: Dtype, scalars: readonly boolean[]): ProgramSpec {
  const loads = inputs.flatMap((d, i) => (scalars[i] ? [] : [contiguous(i, d, [count])]));
  const splats = inputs.flatMap((d, i) => (scalars[i] ? [{ op: 'splat' as const, dtype: d, a: i }] : []));
  let [load, splat] = [0, loads.length];
  const [a, b, c] = inputs.map((_, i) => (scalars[i] ? splat++ : load++));
  const value = loads.length + splats.length;
  const step: KernelSpec = {
    kind: 'kernel',
    outer: [count],
    loads,
    code: [...splats, { op, dtype, to, a, ...(b === undefined ? {} : { b }), ...(c === undefined ? {} : { c }) }],
    stores: [{ value, operand: contiguous(inputs.length, to, [count]) }],
  };
  return { inputs: inputs.length, outputs: [count * to.size], args: inputs.length, steps: [step] };
}

function argument(x: Scalar, dtype: Dtype): number | bigint | [number, number] {
  if (typeof x === 'object') return [x.re, x.im];
  return dtype.inexact ? Number(x) : BigInt(x);
}

const reference = elementwiseOps.filter((op) => !['splat', 'arange', 'cast'].includes(op));

for (const dtype of dtypes) {
  test(`instructions on ${dtype}`, () => {
    const failures: string[] = [];
    for (const op of reference) {
      if (!takes(op, dtype)) continue;
      const inputs = Array.from({ length: operandsOf(op) }, (_, i) => (op === 'select' && i === 0 ? dtypes[0] : dtype));
      const to = resultOf(op, dtype);
      const values = inputs.map((d, i) => samples(d, i + 1));
      const probe = evaluate(
        op,
        dtype,
        to,
        values.map((v) => v[0]),
      );
      if (probe === undefined) continue;
      for (let mask = 0; mask < (inputs.length > 1 ? 2 ** inputs.length : 1); mask++) {
        const scalars = inputs.map((_, i) => Boolean((mask >> i) & 1));
        const chosen = mask * 5 + 3;
        const arrays = inputs.map((d, i) => arrayOf(values[i], d));
        const args = inputs.map((d, i) => argument(values[i][chosen], d));
        const [bytes] = runOnce(program(op, inputs, dtype, to, scalars), arrays, args);
        const results = listOf(bytes, to);
        for (let i = 0; i < count; i++) {
          const operands = inputs.map((_, k) => values[k][scalars[k] ? chosen : i]);
          const failure = check(op, dtype, to, results[i], operands);
          if (failure) failures.push(failure);
        }
      }
    }
    expect(failures.slice(0, 20)).toEqual([]);
  });
}

for (const from of dtypes) {
  test(`casts from ${from}`, () => {
    const failures: string[] = [];
    const values = samples(from, 3);
    if (from.kind === 'float') {
      for (const x of [
        1e10,
        -1e10,
        3e9,
        2 ** 63,
        2 ** 64,
        -(2 ** 63),
        1e30,
        300.7,
        -1.9,
        255.5,
        65520,
        65519,
        2049,
        2051,
        1 + 2 ** -11,
        1 + 2 ** -11 + 2 ** -40,
      ]) {
        values[values.length - 1 - (values.length % 31)] = toDtype(x, from);
        values.push(toDtype(x, from));
      }
      values.splice(count / 2, values.length - count);
    }
    const array = arrayOf(values, from);
    for (const to of dtypes) {
      const [bytes] = runOnce(program('cast', [from], from, to, [false]), [array], [0]);
      values.forEach((value, i) => {
        const failure = check('cast', from, to, read(bytes, to, i), [value]);
        if (failure) failures.push(`${failure} to ${to}`);
      });
    }
    expect(failures.slice(0, 20)).toEqual([]);
  });
}

test('complex functions agree with their identities', () => {
  const z = samples(complex64, 5) as Complex[];
  const apply = (code: ElementwiseOp[]) => {
    const step: KernelSpec = {
      kind: 'kernel',
      outer: [count],
      loads: [contiguous(0, complex64, [count])],
      code: code.map((op, i) => ({ op, dtype: complex64, a: i })),
      stores: [{ value: code.length, operand: contiguous(1, complex64, [count]) }],
    };
    return listOf(runOnce({ inputs: 1, outputs: [8 * count], steps: [step] }, [arrayOf(z, complex64)])[0], complex64) as Complex[];
  };
  const pairs: ElementwiseOp[][] = [
    ['arcsin', 'sin'],
    ['arccos', 'cos'],
    ['arctan', 'tan'],
    ['arcsinh', 'sinh'],
    ['arccosh', 'cosh'],
    ['arctanh', 'tanh'],
    ['log', 'exp'],
    ['log1p', 'expm1'],
    ['sqrt', 'square'],
    ['reciprocal', 'reciprocal'],
    ['sqrt', 'reciprocal', 'square', 'reciprocal'],
    ['rsqrt', 'square', 'reciprocal'],
  ];
  for (const pair of pairs) {
    apply(pair).forEach((w, i) => {
      const scale = Math.hypot(z[i].re, z[i].im);
      expect(Math.hypot(w.re - z[i].re, w.im - z[i].im) / scale).toBeLessThan(2e-5);
    });
  }
});

test('arange computes in float64 and wraps in integers', () => {
  for (const dtype of dtypes.slice(1)) {
    const step: KernelSpec = {
      kind: 'kernel',
      outer: [30, 50],
      loads: [{ slot: -1, dtype: dtypes[8], strides: [1, 30], offset: 7 }],
      code: [{ op: 'arange', dtype, a: 0, b: 0, c: 1 }],
      stores: [{ value: 1, operand: contiguous(0, dtype, [30, 50]) }],
    };
    const [start, step_] =
      dtype.kind === 'complex'
        ? ([
            [0.5, 1],
            [0.25, -1],
          ] as [number, number][])
        : dtype.inexact
          ? [0.1, 0.3]
          : [5n, -3n];
    const [bytes] = runOnce({ inputs: 0, outputs: [1500 * dtype.size], args: 2, steps: [step] }, [], [start, step_] as never);
    const wanted = Array.from({ length: 1500 }, (_, i) => {
      const position = 7 + Math.floor(i / 50) + 30 * (i % 50);
      if (dtype.kind === 'complex') return toDtype({ re: 0.5 + 0.25 * position, im: 1 - position }, dtype);
      return toDtype(dtype.inexact ? 0.1 + 0.3 * position : 5n - 3n * BigInt(position), dtype);
    });
    expect(listOf(bytes, dtype)).toEqual(wanted);
  }
});

test('16-bit floats round after every instruction, fused or not', () => {
  for (const dtype of [float16, bfloat16]) {
    const x = samples(dtype, 9);
    const step: KernelSpec = {
      kind: 'kernel',
      outer: [count],
      loads: [contiguous(0, dtype, [count])],
      code: [
        { op: 'multiply', dtype, a: 0, b: 0 },
        { op: 'add', dtype, a: 1, b: 0 },
        { op: 'multiply', dtype, a: 2, b: 1 },
      ],
      stores: [1, 2, 3].map((value, i) => ({ value, operand: contiguous(1 + i, dtype, [count]) })),
    };
    const outputs = runOnce({ inputs: 1, outputs: [2 * count, 2 * count, 2 * count], steps: [step] }, [arrayOf(x, dtype)]);
    const [p, s, q] = outputs.map((bytes) => listOf(bytes, dtype) as number[]);
    const numbers = x as number[];
    expect(p).toEqual(numbers.map((value) => toDtype(value * value, dtype)));
    expect(s).toEqual(numbers.map((value, i) => toDtype(p[i] + value, dtype)));
    expect(q).toEqual(p.map((value, i) => toDtype(s[i] * value, dtype)));
  }
});
