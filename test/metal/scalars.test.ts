/** The shaders' scalar operations on every dtype against the CPU device, bit for bit but where functions are elementary. */

import { complex64, type Dtype, dtypes, float32, float64, int64, uint32 } from '../../lib/dtype';
import { type ElementwiseOp, elementwiseOps } from '../../lib/schedule/opcodes';
import { contiguous, type KernelSpec } from '../native/encode';
import { runOnce } from '../native/harness';
import { arrayOf, type Complex, listOf, type Scalar, toDtype } from '../native/kernel_reference';
import { generator } from '../support/samples';
import { threefry } from '../support/special';
import { callShader } from './scalars';

// Inside jest's contexts a global is slow to look up, which tells where every element takes several.
const { BigInt, Math, Number } = globalThis;

// The emulator, and with it the driver's metal_stdlib, exists on Linux.
const onLinux = process.platform === 'linux' ? describe : describe.skip;

const shaderDtypes = dtypes.filter((dtype) => dtype !== float64);
const bool = dtypes[0];
const comparisons = ['equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual'];
const position = (op: ElementwiseOp): number => elementwiseOps.indexOf(op);
const between = (op: ElementwiseOp, a: ElementwiseOp, b: ElementwiseOp): boolean =>
  position(op) >= position(a) && position(op) <= position(b);

function isElementary(op: ElementwiseOp, dtype: Dtype): boolean {
  if (op === 'sqrt' && dtype.kind !== 'complex') return false;
  return between(op, 'exp', 'rsqrt') || between(op, 'sin', 'sigmoid') || ['power', 'arctan2', 'logaddexp'].includes(op);
}

/** Which dtypes an instruction is defined for, as programs are validated. */
function takes(op: ElementwiseOp, dtype: Dtype): boolean {
  const complex = dtype.kind === 'complex';
  if (['erf', 'erfinv', 'arctan2', 'floorDivide', 'remainder'].includes(op) && complex) return false;
  if (between(op, 'exp', 'rsqrt') || op === 'reciprocal' || between(op, 'sin', 'sigmoid')) return dtype.inexact;
  if (op === 'arctan2' || op === 'logaddexp') return dtype.inexact;
  if (between(op, 'floor', 'trunc')) return !complex;
  if (op === 'invert' || between(op, 'and', 'xor')) return !dtype.inexact;
  if (op === 'leftShift' || op === 'rightShift') return dtype.kind === 'unsigned' || dtype.kind === 'signed';
  return between(op, 'real', 'conjugate') ? complex : true;
}

function resultOf(op: ElementwiseOp, dtype: Dtype): Dtype {
  if (comparisons.includes(op)) return bool;
  return dtype === complex64 && ['abs', 'real', 'imag'].includes(op) ? float32 : dtype;
}

const floats = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  2,
  -2,
  3,
  7,
  255.5,
  65504,
  3.1e31,
  3e38,
  -3e38,
  1e-30,
  Infinity,
  -Infinity,
  Number.NaN,
];

/** Numbers of the dtype: all pairs of special ones meet where `seed` differs; floats are normal, or 0. */
function samples(dtype: Dtype, seed: number, count: number): Scalar[] {
  const next = generator(seed);
  const rotated = <T>(special: readonly T[], i: number): T => special[(seed % 2 ? i : Math.floor(i / special.length)) % special.length];
  const signed = (): number => 2 * next() - 1;
  const float = (): number => {
    const kind = next();
    if (kind < 0.2) return Math.round(signed() * 20);
    return kind < 0.6 ? signed() * 8 : signed() * 2 ** Math.floor(signed() * (dtype.name === 'float16' ? 13 : 60));
  };
  if (dtype.kind === 'bool') return Array.from({ length: count }, () => Number(next() < 0.5));
  if (dtype.kind === 'complex') return Array.from({ length: count }, () => ({ re: Math.fround(float()), im: Math.fround(float()) }));
  if (dtype.kind === 'float') {
    return Array.from({ length: count }, (_, i) => toDtype(i < floats.length ** 2 ? rotated(floats, i) : float(), dtype));
  }
  const top = 2n ** BigInt(8 * dtype.size);
  const special = [0n, 1n, 2n, 3n, 7n, 8n, 31n, 64n, top - 1n, top - 2n, top - 7n, top / 2n, top / 2n - 1n, top / 2n + 1n];
  return Array.from({ length: count }, (_, i) => {
    if (i < special.length ** 2) return toDtype(rotated(special, i), dtype);
    const bits = Math.floor(next() * (8 * dtype.size + 1));
    return toDtype((BigInt(Math.floor(next() * 2 ** 53)) * 2053n) >> BigInt(64 - bits), dtype);
  });
}

function onCpu(
  op: ElementwiseOp,
  dtype: Dtype,
  to: Dtype,
  operands: readonly Uint8Array<ArrayBuffer>[],
  count: number,
): Uint8Array<ArrayBuffer> {
  const inputs = operands.map((_, i) => (op === 'select' && i === 0 ? bool : dtype));
  const [a, b, c] = inputs.map((_, i) => i);
  const step: KernelSpec = {
    kind: 'kernel',
    outer: [count],
    loads: inputs.map((d, i) => contiguous(i, d, [count])),
    code: [{ op, dtype, to, a, ...(b === undefined ? {} : { b }), ...(c === undefined ? {} : { c }) }],
    stores: [{ value: inputs.length, operand: contiguous(inputs.length, to, [count]) }],
  };
  return runOnce({ inputs: inputs.length, outputs: [count * to.size], steps: [step] }, operands)[0];
}

const digits: Record<string, number> = { float16: 11, bfloat16: 8, float32: 24, complex64: 24 };
const leastNormal: Record<string, number> = { float16: 2 ** -14, bfloat16: 2 ** -126, float32: 2 ** -126, complex64: 2 ** -126 };

/** Whether a number is the other one within `ulps` units of the last place at `scale`; subnormal ones may be 0. */
function near(got: number, wanted: number, dtype: Dtype, ulps: number, scale = Math.abs(wanted)): boolean {
  if (got === wanted) return Object.is(got, wanted) || got !== 0 || ulps > 0;
  if (Number.isNaN(wanted)) return Number.isNaN(got);
  const least = leastNormal[dtype.name];
  if (Math.abs(wanted) < least && got === 0) return true;
  if (!Number.isFinite(got) || !Number.isFinite(wanted)) {
    // Both sides of the border of overflow are near.
    return ulps > 0 && got * wanted > 0 && Math.min(Math.abs(got), Math.abs(wanted)) >= (dtype.name === 'float16' ? 65000 : 3.3e38);
  }
  return Math.abs(got - wanted) <= ulps * 2 ** (Math.floor(Math.log2(Math.max(scale, least))) - digits[dtype.name] + 1);
}

/** Complex powers and summands of larger size ask for more digits than an angle has. */
function limited(op: ElementwiseOp, values: readonly Scalar[][]): Scalar[][] {
  const small = (x: number): number => Math.fround(x % 8);
  const smaller = (list: readonly Scalar[]) => list.map((z) => (typeof z === 'object' ? { re: small(z.re), im: small(z.im) } : z));
  return values.map((list) => (op === 'logaddexp' || op === 'power' ? smaller(list) : [...list]));
}

function tolerance(op: ElementwiseOp, dtype: Dtype): number {
  if (dtype.kind === 'complex') {
    if (['power', 'tan', 'tanh'].includes(op)) return 64;
    return isElementary(op, dtype) ? 12 : ['multiply', 'square', 'divide', 'reciprocal', 'sign', 'multiplyAdd', 'abs'].includes(op) ? 2 : 0;
  }
  if (!isElementary(op, dtype)) return 0;
  // Both devices' own errors of up to 2, or 4, units; rounding to 16 bits shows nearly none of that.
  return dtype === float32 ? (['power', 'tan', 'erf', 'erfinv'].includes(op) ? 6 : 3) : 1;
}

/** Compares what a shader and the CPU gave; at most ten differences. */
function differences(name: string, to: Dtype, got: Uint8Array, wanted: Uint8Array, ulps: number, args: readonly Scalar[][]): string[] {
  if (Buffer.compare(got, wanted) === 0) return [];
  const [results, expected] = [listOf(got as Uint8Array<ArrayBuffer>, to), listOf(wanted as Uint8Array<ArrayBuffer>, to)];
  const text = (x: Scalar): string => (typeof x === 'object' ? `${x.re}+${x.im}i` : Object.is(x, -0) ? '-0' : String(x));
  const bad: string[] = [];
  expected.forEach((w, i) => {
    const g = results[i];
    let same = g === w;
    if (typeof g === 'object' && typeof w === 'object') {
      // Where summands cancel, the error is one of theirs.
      const sizes = name.startsWith('logaddexp') ? args.map((list) => Math.hypot((list[i] as Complex).re, (list[i] as Complex).im)) : [];
      const scale = Math.max(Math.hypot(w.re, w.im), ...sizes);
      same = near(g.re, w.re, to, ulps, scale) && near(g.im, w.im, to, ulps, scale);
    } else if (typeof g === 'number' && typeof w === 'number' && to.inexact) {
      same = near(g, w, to, ulps);
    }
    if (!same && bad.length < 10) bad.push(`${name}(${args.map((list) => text(list[i])).join(', ')}) = ${text(g)}, not ${text(w)}`);
  });
  return bad;
}

onLinux('operations in shaders', () => {
  const count = 1500;
  const operations = elementwiseOps.filter((op) => !['splat', 'arange', 'cast'].includes(op));
  for (const dtype of shaderDtypes) {
    test(`${dtype} as on the CPU`, () => {
      const bad: string[] = [];
      for (const op of operations) {
        if (!takes(op, dtype)) continue;
        const operands = op === 'select' || op === 'multiplyAdd' ? 3 : position(op) >= position('add') ? 2 : 1;
        const drawn = Array.from({ length: operands }, (_, i) => samples(dtype, i + 1, count));
        const values = dtype.kind === 'complex' ? limited(op, drawn) : drawn;
        const arrays = values.map((list) => arrayOf(list, dtype));
        const to = resultOf(op, dtype);
        const got = callShader(op, dtype, to, arrays, count);
        const conditions = op === 'select' ? [onCpu('cast', dtype, bool, [arrays[0]], count), ...arrays.slice(1)] : arrays;
        const wanted = onCpu(op, dtype, to, conditions, count);
        bad.push(...differences(`${op} ${dtype}`, to, got, wanted, tolerance(op, dtype), values));
      }
      expect(bad).toEqual([]);
    });
  }

  for (const from of shaderDtypes) {
    test(`casts from ${from} as on the CPU`, () => {
      const values = samples(from, 3, count);
      if (from.kind === 'float') {
        const large = [1e10, 3e9, 2 ** 31, 2 ** 63, 2 ** 64, 1.5 * 2 ** 63, 1e30, 300.7, 1.9, 65520, 65519, 2049, 2051, 1 + 2 ** -11];
        for (const [i, x] of large.flatMap((y) => [y, -y]).entries()) values[count - 1 - i] = toDtype(x, from);
      }
      const array = arrayOf(values, from);
      const bad = shaderDtypes.flatMap((to) =>
        differences(`cast ${from} to ${to}`, to, callShader('cast', from, to, [array], count), onCpu('cast', from, to, [array], count), 0, [
          values,
        ]),
      );
      expect(bad).toEqual([]);
    });
  }

  test('complex functions where squares overflow, vanish or cancel', () => {
    const parts = [0, 1e-30, 1e-12, 1e-4, 0.3, 0.99999994, 1, 1.0000001, 1.7, Math.PI, 1e3, 1e15, 1e25, 3e38];
    const near: Complex[] = parts.flatMap((re) =>
      parts.flatMap((im) => [1, -1].flatMap((s) => [1, -1].map((t) => ({ re: Math.fround(s * re), im: Math.fround(t * im) })))),
    );
    const array = arrayOf(near, complex64);
    const bad: string[] = [];
    const unary: ElementwiseOp[] = ['log', 'log1p', 'sqrt', 'rsqrt', 'reciprocal', 'square', 'abs', 'sign', 'arcsin', 'arccos', 'arctan'];
    for (const op of [...unary, 'arcsinh', 'arccosh', 'arctanh', 'exp', 'sin', 'cosh', 'tanh'] as ElementwiseOp[]) {
      const to = resultOf(op, complex64);
      const [got, wanted] = [callShader(op, complex64, to, [array], near.length), onCpu(op, complex64, to, [array], near.length)];
      bad.push(...differences(op, to, got, wanted, op === 'tanh' ? 64 : 12, [near]));
    }
    expect(bad).toEqual([]);
  });

  test('complex functions on their branch cuts, with the signs of zeros, and at infinities', () => {
    const parts = [0, -0, 1, -1, 0.5, -0.5, 2.5, -2.5, Infinity, -Infinity];
    const z = parts.flatMap((re) => parts.map((im) => ({ re, im })));
    const array = arrayOf(z, complex64);
    const circular = elementwiseOps.slice(position('sin'), position('arctanh') + 1);
    const bad: string[] = [];
    for (const op of ['exp', 'log', 'log1p', 'sqrt', ...circular] as const) {
      const got = listOf(callShader(op, complex64, complex64, [array], z.length), complex64) as Complex[];
      const wanted = listOf(onCpu(op, complex64, complex64, [array], z.length), complex64) as Complex[];
      z.forEach(({ re, im }, i) => {
        // Two infinities leave the sign of a third open; where one is, so is the sign of 0 beside NaN.
        if (!Number.isFinite(re) && !Number.isFinite(im)) return;
        const signed = Number.isFinite(re) && Number.isFinite(im);
        const same = (x: number, y: number) => (x === 0 && y === 0 && signed ? Object.is(x, y) : near(x, y, float32, 12));
        if (!same(got[i].re, wanted[i].re) || !same(got[i].im, wanted[i].im))
          bad.push(`${op}(${re}, ${im}) = (${got[i].re}, ${got[i].im}), not (${wanted[i].re}, ${wanted[i].im})`);
      });
    }
    expect(bad).toEqual([]);
  });

  test('quotients and products of complex zeros and infinities', () => {
    const parts = [0, -0, 1, -2.5, Infinity, -Infinity, Number.NaN];
    const z = parts.flatMap((re) => parts.map((im) => ({ re, im })));
    const [a, b] = [z.flatMap((x) => z.map(() => x)), z.flatMap(() => z)];
    const arrays = [a, b].map((list) => arrayOf(list, complex64));
    for (const op of ['add', 'subtract', 'multiply', 'divide', 'maximum', 'minimum'] as const) {
      const [got, wanted] = [callShader(op, complex64, complex64, arrays, a.length), onCpu(op, complex64, complex64, arrays, a.length)];
      expect(differences(op, complex64, got, wanted, 1, [a, b])).toEqual([]);
    }
  });

  test('arange rounds once and wraps in integers', () => {
    const bad: string[] = [];
    const positions = [0, 1, 2, 3, 10, 1000, 2 ** 24 + 1, 2 ** 31 + 7, 2 ** 40 + 3].map(BigInt);
    for (const dtype of shaderDtypes.slice(1)) {
      const isComplex = dtype === complex64;
      const [start, step] = dtype.inexact ? [0.1, 1 / 3] : [250, 7];
      const words = (x: number): number[] => (isComplex ? [Math.fround(x), 1] : [Math.fround(x), Math.fround(x - Math.fround(x))]);
      const pair = dtype.inexact ? Float32Array.from([...words(start), ...words(step)]) : BigInt64Array.from([BigInt(start), BigInt(step)]);
      const operands = [new Uint8Array(pair.buffer), new Uint8Array(BigInt64Array.from(positions).buffer)];
      const got = callShader('arange', dtype, dtype, operands, positions.length);
      const kernel: KernelSpec = {
        kind: 'kernel',
        outer: [positions.length],
        loads: [contiguous(0, int64, [positions.length])],
        code: [{ op: 'arange', dtype, a: 0, b: 0, c: 1 }],
        stores: [{ value: 1, operand: contiguous(1, dtype, [positions.length]) }],
      };
      const args = [start, step].map((x) => (isComplex ? ([x, 1] as [number, number]) : dtype.inexact ? x : BigInt(x)));
      const program = { inputs: 1, outputs: [positions.length * dtype.size], args: 2, steps: [kernel] };
      const [wanted] = runOnce(program, [BigInt64Array.from(positions)], args);
      bad.push(...differences(`arange ${dtype}`, dtype, got, wanted, 0, [positions]));
    }
    expect(bad).toEqual([]);
  });

  test('threefry gives the words of its definition', () => {
    const next = generator(3);
    const word = (): number => Math.floor(next() * 2 ** 32);
    const pairs = Array.from({ length: 100 }, () => [word(), word()] as [number, number]);
    const counters = Array.from({ length: 100 }, () => [word(), word()] as [number, number]);
    const bytes = [pairs, counters].map((list) => new Uint8Array(Uint32Array.from(list.flat()).buffer));
    const got = new Uint32Array(callShader('threefry', uint32, uint32, bytes, 100).buffer);
    expect([...got]).toEqual(pairs.flatMap((key, i) => threefry(key, counters[i])));
  });
});
