/** Every instruction on the GPU gives what it gives on the CPU, for every dtype and layout. */

import { bfloat16, bool, complex64, type Dtype, dtypes, float16, float32, float64, int64 } from '../../lib/dtype';
import { type ElementwiseOp, elementwiseOps } from '../../lib/schedule/opcodes';
import { contiguous, type InstructionSpec, type KernelSpec } from './encode';
import { elements, expectAlike, onBoth, onGpu } from './gpu_compare';
import { product } from './kernel_cases';
import { arrayOf, listOf, random, type Scalar, toDtype } from './kernel_reference';

// Inside jest's contexts a global is slow to look up, which tells where every element takes several.
const { BigInt, Math, Number } = globalThis;

jest.setTimeout(180_000);

const count = 300;
const computed = dtypes.filter((dtype) => dtype !== float64);

/** Numbers of every kind but subnormal ones, which a GPU may take for zeros. */
function samples(dtype: Dtype, seed: number): Scalar[] {
  const next = random(seed);
  const values: Scalar[] = [];
  if (dtype.kind === 'bool') return Array.from({ length: count }, () => Number(next() < 0.5));
  if (dtype.kind === 'complex')
    return Array.from({ length: count }, () => ({ re: Math.fround(next() * 8 - 4), im: Math.fround(next() * 8 - 4) }));
  if (dtype.kind === 'float') {
    for (const x of [0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 2, Infinity, -Infinity, Number.NaN, 65504, 3e38, -3e38])
      values.push(toDtype(x, dtype));
    while (values.length < count)
      values.push(toDtype(next() < 0.2 ? (next() - 0.5) * 2 ** Math.floor(next() * 20 - 8) : next() * 8 - 4, dtype));
  } else {
    const bits = BigInt(8 * dtype.size);
    for (const x of [0n, 1n, -1n, 2n, 3n, 7n, -7n, 2n ** (bits - 1n), 2n ** (bits - 1n) - 1n, 2n ** bits - 1n])
      values.push(toDtype(x, dtype));
    while (values.length < count)
      values.push(toDtype(next() < 0.5 ? BigInt(Math.floor(next() * 40) - 20) : BigInt(Math.floor(next() * 2 ** 53)) * 2053n, dtype));
  }
  const turn = (seed * 7) % 23;
  return values.slice(turn).concat(values.slice(0, turn));
}

const at = (op: ElementwiseOp) => elementwiseOps.indexOf(op);
const between = (op: ElementwiseOp, a: ElementwiseOp, b: ElementwiseOp) => at(op) >= at(a) && at(op) <= at(b);
const operandsOf = (op: ElementwiseOp) => (op === 'select' || op === 'multiplyAdd' ? 3 : at(op) >= at('add') ? 2 : 1);

function resultOf(op: ElementwiseOp, dtype: Dtype): Dtype {
  if (between(op, 'equal', 'greaterEqual')) return bool;
  return dtype === complex64 && ['abs', 'real', 'imag'].includes(op) ? float32 : dtype;
}

/** Which dtypes an instruction is defined for, as programs are validated. */
function takes(op: ElementwiseOp, dtype: Dtype): boolean {
  if (dtype.kind === 'complex' && ['erf', 'erfinv', 'floorDivide', 'remainder', 'arctan2'].includes(op)) return false;
  if (between(op, 'exp', 'rsqrt') || op === 'reciprocal' || between(op, 'sin', 'sigmoid') || op === 'arctan2' || op === 'logaddexp')
    return dtype.inexact;
  if (between(op, 'floor', 'trunc')) return dtype.kind !== 'complex';
  if (op === 'invert' || between(op, 'and', 'xor')) return !dtype.inexact;
  if (op === 'leftShift' || op === 'rightShift') return dtype.kind === 'unsigned' || dtype.kind === 'signed';
  if (between(op, 'real', 'conjugate')) return dtype.kind === 'complex';
  return true;
}

/** Errors of the two devices together, in units of the last place. */
function tolerance(op: ElementwiseOp, dtype: Dtype): number {
  const elementary =
    between(op, 'exp', 'log1p') || op === 'rsqrt' || between(op, 'sin', 'sigmoid') || ['power', 'arctan2', 'logaddexp'].includes(op);
  if (dtype.kind === 'complex')
    return elementary ||
      ['multiply', 'divide', 'square', 'reciprocal', 'abs', 'sign', 'sqrt', 'multiplyAdd', 'remainder', 'floorDivide'].includes(op)
      ? 16
      : 0;
  if (!dtype.inexact) return 0;
  if (dtype === float32)
    return elementary ? (['erf', 'erfinv', 'power', 'tan', 'logaddexp'].includes(op) ? 8 : 4) : op === 'floorDivide' ? 1 : 0;
  return elementary ? 1 : 0;
}

const digits: Record<string, number> = { float16: 11, bfloat16: 8, float32: 24, complex64: 24 };
const leastExponents: Record<string, number> = { float16: -14, bfloat16: -126, float32: -126, complex64: -126 };

function near(a: number, b: number, dtype: Dtype, ulps: number, scale = Math.max(Math.abs(a), Math.abs(b))): boolean {
  if (Object.is(a + 0, b + 0)) return true;
  const least = leastExponents[dtype.name];
  // A subnormal result may be flushed.
  if (Math.abs(a) <= 2 ** least && Math.abs(b) <= 2 ** least) return true;
  if (!Number.isFinite(a) || !Number.isFinite(b)) return ulps > 0 && scale === Infinity && Math.min(Math.abs(a), Math.abs(b)) >= 3.4e38;
  return Math.abs(a - b) <= ulps * 2 ** (Math.max(Math.floor(Math.log2(scale)), least) - digits[dtype.name] + 1);
}

function alike(a: Scalar, b: Scalar, op: ElementwiseOp, dtype: Dtype, to: Dtype, operands: Scalar[]): boolean {
  const ulps = tolerance(op, dtype);
  if (typeof a === 'object' && typeof b === 'object') {
    const scale = Math.max(Math.hypot(b.re, b.im), op === 'multiplyAdd' ? 100 : 0);
    return near(a.re, b.re, to, ulps, scale) && near(a.im, b.im, to, ulps, scale);
  }
  if (typeof a !== 'number' || typeof b !== 'number' || !to.inexact) return a === b;
  // Where terms cancel, the error is one of the terms'.
  const terms = op === 'logaddexp' ? operands.map((x) => Math.abs(x as number)).filter(Number.isFinite) : [];
  return near(a, b, to, ulps, Math.max(Math.abs(a), Math.abs(b), ...terms));
}

/** Where the elements of every operand lie. */
interface Placement {
  shape: number[];
  strides: number[];
  offset: number;
}

const inOrder = (size: number): Placement => ({ shape: [size], strides: [1], offset: 0 });

/** Several instructions on the same operands, a store each, of what they are on both devices; gives where they differ. */
function differences(
  code: { op: ElementwiseOp; dtype: Dtype; to: Dtype }[],
  inputs: Dtype[],
  values: Scalar[][],
  { shape, strides, offset }: Placement = inOrder(values[0].length),
): string[] {
  const size = product(shape);
  const step: KernelSpec = {
    kind: 'kernel',
    outer: shape,
    loads: inputs.map((dtype, slot) => ({ slot, dtype, strides, offset })),
    code: code.map(({ op, dtype, to }) => {
      // The condition of a select is the last input.
      if (op === 'select') return { op, dtype, to, a: inputs.length - 1, b: 0, c: 1 };
      const operands = ['a', 'b', 'c'].slice(0, operandsOf(op)).map((name, i) => [name, i]);
      return { op, dtype, to, ...Object.fromEntries(operands) } as InstructionSpec;
    }),
    stores: code.map(({ to }, i) => ({ value: inputs.length + i, operand: contiguous(inputs.length + i, to, shape) })),
  };
  const program = { inputs: inputs.length, outputs: code.map(({ to }) => size * to.size), steps: [step] };
  const { cpu, gpu } = onBoth(
    program,
    inputs.map((dtype, i) => arrayOf(values[i], dtype)),
    [],
  );
  const read = values.map((list) => elements(list, shape, { slot: 0, dtype: bool, strides, offset }, (x) => x));
  return code.flatMap(({ op, dtype, to }, k) => {
    const [got, wanted] = [gpu[k], cpu[k]].map((bytes) => listOf(bytes, to));
    const show = (x: Scalar) => (typeof x === 'object' ? `${x.re}+${x.im}i` : `${x}`);
    return got.flatMap((x, i) => {
      const operands = read.map((list) => list[i]);
      if (alike(x, wanted[i], op, dtype, to, operands)) return [];
      return [`${op} ${dtype} to ${to} of ${operands.map(show)}: ${show(x)}, not ${show(wanted[i])}`];
    });
  });
}

const placements: Record<string, Placement> = {
  contiguous: inOrder(count),
  transposed: { shape: [20, 15], strides: [1, 20], offset: 0 },
  broadcast: { shape: [3, 5, 4], strides: [1, 0, 20], offset: 0 },
  'at an offset': { shape: [7, 20], strides: [40, 1], offset: 13 },
  reversed: { shape: [count], strides: [-1], offset: count - 1 },
  empty: { shape: [3, 0], strides: [1, 3], offset: 0 },
};

for (const dtype of computed) {
  onGpu(`instructions on ${dtype}, in every layout`, () => {
    const inputs = [dtype, dtype, dtype, bool];
    const values = inputs.map((d, i) => samples(d, i + 1));
    const all = elementwiseOps
      .filter((op) => !['splat', 'arange', 'cast'].includes(op) && takes(op, dtype))
      .map((op) => ({ op, dtype, to: resultOf(op, dtype) }));
    const failures: string[] = [];
    for (const [name, placement] of Object.entries(placements)) {
      for (let i = 0; i < all.length; i += 22)
        failures.push(...differences(all.slice(i, i + 22), inputs, values, placement).map((message) => `${name}: ${message}`));
    }
    expect(failures.slice(0, 20)).toEqual([]);
  });
}

for (const from of computed) {
  onGpu(`casts from ${from}`, () => {
    const values = samples(from, 3);
    if (from.kind === 'float')
      for (const x of [1e10, -1e10, 3e9, 2 ** 63, 2 ** 64, -(2 ** 63), 1e30, 300.7, -1.9, 65520, 65519, 2049, 1 + 2 ** -11])
        values.push(toDtype(x, from));
    const code = computed.map((to) => ({ op: 'cast' as const, dtype: from, to }));
    expect(differences(code, [from], [values]).slice(0, 20)).toEqual([]);
    for (const placement of Object.values(placements)) expect(differences(code, [from], [values], placement).slice(0, 20)).toEqual([]);
  });
}

onGpu('every float16 becomes the same numbers, and floats the same float16', () => {
  const halves = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((x) => (x & 0x7c00) !== 0 || (x & 0x3ff) === 0);
  const list = listOf(new Uint8Array(halves.buffer), float16);
  const to = [float32, bfloat16, int64].map((dtype) => ({ op: 'cast' as const, dtype: float16, to: dtype }));
  expect(differences(to, [float16], [list])).toEqual([]);
});

onGpu('16-bit floats round after every instruction, and no product is contracted into a sum', () => {
  for (const dtype of [float16, bfloat16, float32]) {
    const step: KernelSpec = {
      kind: 'kernel',
      outer: [count],
      loads: [contiguous(0, dtype, [count]), contiguous(1, dtype, [count])],
      code: [
        { op: 'multiply', dtype, a: 0, b: 1 },
        { op: 'add', dtype, a: 2, b: 0 },
        { op: 'multiply', dtype, a: 3, b: 2 },
        { op: 'subtract', dtype, a: 4, b: 1 },
        { op: 'multiplyAdd', dtype, a: 5, b: 0, c: 2 },
        { op: 'divide', dtype, a: 6, b: 4 },
      ],
      stores: [3, 5, 6, 7].map((value, i) => ({ value, operand: contiguous(2 + i, dtype, [count]) })),
    };
    const next = random(11);
    const input = () =>
      arrayOf(
        Array.from({ length: count }, () => toDtype(1 + next(), dtype)),
        dtype,
      );
    expectAlike(step, [input(), input()], [count, count, count, count]);
  }
});
