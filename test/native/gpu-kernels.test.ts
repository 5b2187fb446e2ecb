/** Fused groups on the GPU give what they give on the CPU: every instruction and dtype, and layouts that take every form of kernel. */

import { bfloat16, bool, complex64, type Dtype, dtypes, float16, float32, float64, int32, int64, uint8, uint32 } from '../../lib/dtype';
import { type ElementwiseOp, elementwiseOps, type ReduceOp, reduceOps } from '../../lib/schedule/opcodes';
import { type Arg, contiguous, type InstructionSpec, type KernelSpec, type OperandSpec, type ProgramSpec, rowMajor } from './encode';
import { load, runOnce } from './harness';
import { arrayOf, listOf, random, type Scalar, toDtype } from './kernel_reference';

// Inside jest's contexts a global is slow to look up, which tells where every element takes several.
const { BigInt, Math, Number } = globalThis;

/** METALGRAD_METAL=emulator must be set for the whole process: native code reads it, too. A Mac has a GPU of its own. */
const onGpu = process.platform === 'darwin' || process.env.METALGRAD_METAL === 'emulator' ? test : test.skip;

jest.setTimeout(180_000);

const computed = dtypes.filter((dtype) => dtype !== float64);
const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const isPosition = (op: ReduceOp) => op === 'argmax' || op === 'argmin';

/** The program's outputs from the CPU and from the GPU. */
function onBoth(program: ProgramSpec, inputs: readonly Uint8Array<ArrayBuffer>[], args: readonly Arg[]) {
  const [cpu, gpu] = (['cpu', 'gpu'] as const).map((device) =>
    runOnce({ ...program, devices: program.steps.map(() => device) }, inputs, args),
  );
  return { cpu, gpu };
}

/** Without the signs of zeros, NaNs alike. */
function plain(x: Scalar): Scalar {
  if (typeof x === 'object') return { re: x.re + 0, im: x.im + 0 };
  return typeof x === 'number' ? x + 0 : x;
}

const outputsOf = (step: KernelSpec) => [...(step.stores ?? []), ...(step.reductions ?? [])].map(({ operand }) => operand);

/** Runs a step on both devices. Outputs are the slots after the inputs, `counts` elements each; what no store names is not compared. */
function expectAlike(step: KernelSpec, inputs: Uint8Array<ArrayBuffer>[], counts: readonly number[], args: readonly Arg[] = []): void {
  const operands = outputsOf(step);
  const program = {
    inputs: inputs.length,
    outputs: operands.map(({ dtype }, i) => counts[i] * dtype.size),
    args: args.length,
    steps: [step],
  };
  const { cpu, gpu } = onBoth(program, inputs, args);
  const kept = [...step.outer, ...(step.inner ?? [])];
  operands.forEach((operand, i) => {
    const shape = i < (step.stores?.length ?? 0) ? [...step.outer, ...(step.reduced ?? []), ...(step.inner ?? [])] : kept;
    const [got, wanted] = [gpu[i], cpu[i]].map((bytes) => elements(listOf(bytes, operand.dtype), shape, operand));
    expect(got).toEqual(wanted);
  });
}

/** The elements that an operand names, in its order. */
function elements(list: Scalar[], shape: readonly number[], { strides, offset = 0 }: OperandSpec, show = plain): Scalar[] {
  const count = product(shape);
  const inner = rowMajor(shape);
  return Array.from({ length: count }, (_, i) => {
    let at = offset;
    for (let axis = 0; axis < shape.length; axis++) at += (Math.floor(i / inner[axis]) % shape[axis]) * strides[axis];
    return show(list[at]);
  });
}

/** Small integers, so that sums and products of floats are exact in any order. */
function integers(count: number, dtype: Dtype, next: () => number, most = 9): Uint8Array<ArrayBuffer> {
  const one = () => Math.floor(next() * (2 * most + 1)) - most;
  const value = (): Scalar => {
    if (dtype === complex64) return { re: one(), im: one() };
    if (dtype.kind === 'bool') return Number(next() < 0.7);
    return dtype.kind === 'unsigned' ? Math.abs(one()) : one();
  };
  return arrayOf(Array.from({ length: count }, value), dtype);
}

// Instructions.

const count = 300;

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

// Layouts.

/** An operand over `shape` with a random order of axes, some of them reversed or repeated, and the elements it needs. */
function layout(slot: number, dtype: Dtype, shape: readonly number[], next: () => number, repeat: boolean) {
  const axes = shape.map((_, i) => i);
  if (next() < 0.5) axes.sort(() => next() - 0.5);
  const strides = shape.map(() => 0);
  let stride = next() < 0.2 ? 2 : 1;
  let offset = Math.floor(next() * 5);
  let last = offset;
  for (const axis of axes.reverse()) {
    if (repeat && next() < 0.25) continue;
    const reach = stride * (shape[axis] - 1);
    strides[axis] = next() < 0.2 ? -stride : stride;
    if (strides[axis] < 0) offset += reach;
    last += reach;
    stride *= shape[axis] + (next() < 0.1 ? 1 : 0);
  }
  return { operand: { slot, dtype, strides, offset }, count: last + 1 };
}

function shapeOf(next: () => number, rank: number, most: number): number[] {
  const shape: number[] = [];
  for (let i = 0, size = 1; i < rank; i++) {
    shape.push(Math.max(1, Math.min(Math.floor(most / size), Math.floor(2 ** (next() * 6)))));
    size *= shape[i];
  }
  return shape;
}

/** x · y + x - position, stored three times. */
function mixed(dtype: Dtype, shape: number[], x: OperandSpec, y: OperandSpec, position: OperandSpec, out: OperandSpec): KernelSpec {
  return {
    kind: 'kernel',
    outer: shape,
    loads: [x, y, position],
    code: [
      { op: 'multiply', dtype, a: 0, b: 1 },
      { op: 'add', dtype, a: 3, b: 0 },
      { op: 'cast', dtype: int64, to: dtype, a: 2 },
      { op: 'subtract', dtype, a: 4, b: 5 },
    ],
    stores: [
      { value: 6, operand: out },
      { value: 3, operand: contiguous(3, dtype, shape) },
      { value: 1, operand: contiguous(4, dtype, shape) },
    ],
  };
}

onGpu('random layouts', () => {
  const next = random(1);
  for (let round = 0; round < 40; round++) {
    const shape = shapeOf(next, Math.floor(next() * 6), 700);
    const dtype = [float32, uint8, int64, float16, complex64][round % 5];
    const [x, y] = [0, 1].map((slot) => layout(slot, dtype, shape, next, true));
    const out = layout(2, dtype, shape, next, false);
    const position = layout(-1, int64, shape, next, true).operand;
    const inputs = [integers(x.count, dtype, next), integers(y.count, dtype, next)];
    expectAlike(mixed(dtype, shape, x.operand, y.operand, position, out.operand), inputs, [out.count, product(shape), product(shape)]);
  }
});

onGpu('large layouts take kernels of their own', () => {
  const next = random(2);
  const cases: [number[], Dtype[]][] = [
    [[8195], [float32, bool, bfloat16, complex64]],
    [
      [96, 100],
      [float16, int64],
    ],
    [
      [33, 257],
      [float32, uint8],
    ],
    [
      [5, 41, 44],
      [bfloat16, complex64],
    ],
    [[3, 4, 15, 50], [float32]],
  ];
  for (const [shape, some] of cases) {
    for (const dtype of some) {
      const strides = rowMajor(shape);
      const operand = (slot: number, kept: (axis: number) => boolean): OperandSpec => ({
        slot,
        dtype,
        strides: strides.map((stride, axis) => (kept(axis) ? stride : 0)),
      });
      const last = shape.length - 1;
      const position = { slot: -1, dtype: int64, strides: shape.map((_, axis) => axis + 1), offset: 3 };
      const inputs = [integers(product(shape), dtype, next), integers(product(shape), dtype, next)];
      const sizes = [1, 2, 3].map(() => product(shape));
      const out = contiguous(2, dtype, shape);
      // Whole, a row for all rows, and a column for all columns.
      for (const kept of [() => true, (axis: number) => axis === last, (axis: number) => axis !== last])
        expectAlike(mixed(dtype, shape, contiguous(0, dtype, shape), operand(1, kept), position, out), inputs, sizes);
      if (shape.length < 2) continue;
      const reversed = { slot: 1, dtype, strides: rowMajor([...shape].reverse()).reverse() };
      expectAlike(mixed(dtype, shape, contiguous(0, dtype, shape), reversed, position, { ...reversed, slot: 2 }), inputs, sizes);
    }
  }
});

onGpu('offsets that are arguments, and vectors that would not be aligned', () => {
  const n = 9000;
  const step = (extra: Partial<OperandSpec>): KernelSpec => ({
    kind: 'kernel',
    outer: [n],
    loads: [
      { slot: 0, dtype: float32, strides: [1], ...extra },
      { slot: -1, dtype: int64, strides: [1], offset: 5, offsetArg: 0 },
    ],
    code: [
      { op: 'cast', dtype: int64, to: float32, a: 1 },
      { op: 'add', dtype: float32, a: 0, b: 2 },
    ],
    stores: [{ value: 3, operand: contiguous(1, float32, [n]) }],
  });
  const input = [integers(n + 20, float32, random(3))];
  expectAlike(step({ offset: 1 }), input, [n], [7n]);
  expectAlike(step({ offset: 8 }), input, [n], [7n]);
  for (const shift of [0n, 3n, 16n]) expectAlike(step({ offsetArg: 0, offset: 1 }), input, [n], [shift]);
});

onGpu('a result may take the memory of an operand', () => {
  for (const n of [100, 9001]) {
    const step = (slots: number[]): KernelSpec => ({
      kind: 'kernel',
      outer: [n],
      loads: [contiguous(slots[0], float32, [n])],
      code: [
        { op: 'add', dtype: float32, a: 0, b: 0 },
        { op: 'multiply', dtype: float32, a: 0, b: 1 },
      ],
      stores: [
        { value: 1, operand: contiguous(slots[1], float32, [n]) },
        { value: 2, operand: contiguous(slots[2], float32, [n]) },
      ],
    });
    const program: ProgramSpec = {
      inputs: 1,
      outputs: [4 * n, 4 * n, 4 * n],
      temporaries: [0, 1].map(() => ({ offset: 0, byteLength: 4 * n })),
      arenaBytes: 64 * Math.ceil(n / 16),
      steps: [
        step([0, 4, 1]),
        step([4, 5, 2]),
        { kind: 'kernel', outer: [n], loads: [contiguous(5, float32, [n])], stores: [{ value: 0, operand: contiguous(3, float32, [n]) }] },
      ],
    };
    const { cpu, gpu } = onBoth(program, [integers(n, float32, random(4))], []);
    expect(gpu).toEqual(cpu);
  }
});

onGpu('scalars of every dtype are rounded as on the CPU, and aranges too', () => {
  for (const dtype of computed) {
    const number: Arg[] = dtype.kind === 'complex' ? [[0.1, -2]] : dtype.inexact ? [0.1] : dtype.kind === 'bool' ? [1n] : [-77n];
    const other: Arg[] = dtype.kind === 'complex' ? [[3, 0.7]] : dtype.inexact ? [1.0009765625001] : dtype.kind === 'bool' ? [0n] : [3n];
    const code: InstructionSpec[] = [
      { op: 'splat', dtype, a: 0 },
      { op: 'splat', dtype, a: 1 },
    ];
    if (dtype !== bool) code.push({ op: 'arange', dtype, a: 0, b: 0, c: 1 });
    const step: KernelSpec = {
      kind: 'kernel',
      outer: [30, 5],
      loads: [{ slot: -1, dtype: int64, strides: [1, 30], offset: 7 }],
      code,
      stores: code.map((_, i) => ({ value: 1 + i, operand: contiguous(i, dtype, [30, 5]) })),
    };
    expectAlike(step, [], [150, 150, 150], [...number, ...other]);
  }
});

onGpu('empty spaces, one element, and many axes', () => {
  const step = (shape: number[]) =>
    mixed(
      float32,
      shape,
      contiguous(0, float32, shape),
      contiguous(1, float32, shape),
      { slot: -1, dtype: int64, strides: rowMajor(shape) },
      contiguous(2, float32, shape),
    );
  for (const shape of [[], [1], [0], [3, 0, 2], [1, 1, 1]]) {
    const size = product(shape);
    expectAlike(step(shape), [integers(size, float32, random(5)), integers(size, float32, random(6))], [size, size, size]);
  }
  // No two neighbours of 9 axes can be joined; and 32 axes can.
  const shape = Array.from({ length: 9 }, () => 2);
  const x = { slot: 0, dtype: float32, strides: rowMajor(shape).reverse() };
  expectAlike(
    { ...step(shape), loads: [x, ...(step(shape).loads ?? []).slice(1)] },
    [integers(512, float32, random(7)), integers(512, float32, random(8))],
    [512, 512, 512],
  );
  const deep = Array.from({ length: 32 }, (_, axis) => (axis % 5 === 0 ? 2 : 1));
  const size = product(deep);
  expectAlike(step(deep), [integers(size, float32, random(9)), integers(size, float32, random(10))], [size, size, size]);
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

// Reductions.

interface Form {
  outer: number[];
  reduced: number[];
  inner: number[];
}

const forms: Form[] = [
  { outer: [], reduced: [1], inner: [] },
  { outer: [70], reduced: [3], inner: [] },
  { outer: [5, 3], reduced: [4, 17], inner: [] },
  { outer: [3], reduced: [500], inner: [] },
  { outer: [2], reduced: [3, 5, 7, 9], inner: [] },
  { outer: [], reduced: [4097], inner: [] },
  { outer: [], reduced: [30001], inner: [] },
  { outer: [2], reduced: [101, 99], inner: [] },
  { outer: [], reduced: [300], inner: [5] },
  { outer: [3], reduced: [70, 3], inner: [2, 41] },
  { outer: [], reduced: [9000], inner: [3] },
  { outer: [3], reduced: [1, 1], inner: [2] },
];

for (const dtype of computed) {
  onGpu(`reductions of ${dtype}`, () => {
    const next = random(dtype.code + 10);
    for (const { outer, reduced, inner } of forms) {
      const shape = [...outer, ...reduced, ...inner];
      const kept = [...outer, ...inner];
      const operand = layout(0, dtype, shape, next, false);
      const length = product(reduced);
      // Long sums of 16-bit floats pass what they hold.
      if (dtype.inexact && dtype.size === 2 && length > 1000) continue;
      const step: KernelSpec = {
        kind: 'kernel',
        outer,
        reduced,
        inner,
        loads: [operand.operand],
        reductions: reduceOps.map((op, i) => ({ op, value: 0, operand: contiguous(1 + i, isPosition(op) ? uint32 : dtype, kept) })),
      };
      const counts = reduceOps.map(() => product(kept));
      // Ones and zeros keep long products exact.
      expectAlike(step, [integers(operand.count, dtype, next, length > 20 ? 1 : 3)], counts);
    }
  });
}

onGpu('reductions over nothing give identities', () => {
  for (const dtype of computed) {
    for (const { outer, reduced, inner } of [
      { outer: [4], reduced: [3, 0], inner: [2] },
      { outer: [], reduced: [0], inner: [] },
      { outer: [0], reduced: [3], inner: [] },
      { outer: [], reduced: [0], inner: [0] },
    ]) {
      const kept = [...outer, ...inner];
      const step: KernelSpec = {
        kind: 'kernel',
        outer,
        reduced,
        inner,
        loads: [contiguous(0, dtype, [...outer, ...reduced, ...inner])],
        reductions: reduceOps.map((op, i) => ({ op, value: 0, operand: contiguous(1 + i, isPosition(op) ? uint32 : dtype, kept) })),
      };
      expectAlike(
        step,
        [new Uint8Array(0)],
        reduceOps.map(() => product(kept)),
      );
    }
  }
});

onGpu('reductions of what a kernel computes, beside what it stores', () => {
  const next = random(77);
  for (let round = 0; round < 25; round++) {
    const [outer, reduced, inner] = [20, 60, 20].map((most, i) =>
      shapeOf(next, i === 1 ? 1 + Math.floor(next() * 2) : Math.floor(next() * 3), most),
    );
    const shape = [...outer, ...reduced, ...inner];
    const kept = [...outer, ...inner];
    const a = layout(0, float32, shape, next, true);
    const b = layout(1, int32, shape, next, true);
    const out = layout(2, float32, shape, next, false);
    const result = layout(3, float32, kept, next, false);
    const step: KernelSpec = {
      kind: 'kernel',
      outer,
      reduced,
      inner,
      loads: [a.operand, b.operand],
      code: [
        { op: 'cast', dtype: int32, to: float32, a: 1 },
        { op: 'multiply', dtype: float32, a: 0, b: 2 },
        { op: 'splat', dtype: float32, a: 0 },
      ],
      stores: [{ value: 3, operand: out.operand }],
      reductions: [
        { op: 'sum', value: 3, operand: result.operand },
        { op: 'argmin', value: 3, operand: contiguous(4, uint32, kept) },
        { op: 'max', value: 2, operand: contiguous(5, float32, kept) },
        { op: 'sum', value: 4, operand: contiguous(6, float32, kept) },
      ],
    };
    const counts = [out.count, result.count, product(kept), product(kept), product(kept)];
    expectAlike(step, [integers(a.count, float32, next), integers(b.count, int32, next)], counts, [2]);
  }
});

/** One kind of reduction of one array. */
function reduce(op: ReduceOp, data: Float32Array<ArrayBuffer>, { outer, reduced, inner }: Form): number[] {
  const kept = [...outer, ...inner];
  const dtype = isPosition(op) ? uint32 : float32;
  const step: KernelSpec = {
    kind: 'kernel',
    outer,
    reduced,
    inner,
    loads: [contiguous(0, float32, [...outer, ...reduced, ...inner])],
    reductions: [{ op, value: 0, operand: contiguous(1, dtype, kept) }],
  };
  const program: ProgramSpec = { inputs: 1, outputs: [4 * product(kept)], steps: [step], devices: ['gpu'] };
  return listOf(runOnce(program, [data])[0], dtype) as number[];
}

onGpu('NaN is the maximum, the minimum and the place of both', () => {
  for (const n of [5, 100, 1000, 20000]) {
    for (const first of [0, Math.floor(n / 2), n - 1]) {
      const data = Float32Array.from({ length: n }, (_, i) => Math.sin(i));
      data[first] = Number.NaN;
      data[n - 1] = Number.NaN;
      const whole = { outer: [], reduced: [n], inner: [] };
      for (const op of ['max', 'min'] as const) expect(reduce(op, data, whole)).toEqual([Number.NaN]);
      for (const op of ['argmax', 'argmin'] as const) expect(reduce(op, data, whole)).toEqual([first]);
      const columns = new Float32Array(3 * n);
      data.forEach((x, i) => {
        columns[3 * i + 1] = x;
      });
      for (const op of ['argmax', 'argmin'] as const) expect(reduce(op, columns, { ...whole, inner: [3] })).toEqual([0, first, 0]);
    }
  }
  expect(reduce('argmax', new Float32Array(20000).fill(-Infinity), { outer: [], reduced: [20000], inner: [] })).toEqual([0]);
});

onGpu('long sums keep their digits, and infinities stay what they are', () => {
  const n = 20_000_001;
  const sum = (dtype: Dtype, x: number) => {
    const step: KernelSpec = {
      kind: 'kernel',
      outer: [],
      reduced: [n],
      code: [{ op: 'splat', dtype, a: 0 }],
      reductions: [{ op: 'sum', value: 0, operand: contiguous(0, dtype, []) }],
    };
    return listOf(runOnce({ inputs: 0, outputs: [dtype.size], args: 1, steps: [step], devices: ['gpu'] }, [], [x])[0], dtype)[0];
  };
  expect(sum(float32, 1)).toBe(Math.fround(n));
  expect(sum(float16, 2 ** -10)).toBe(19536);
  const rows = Float32Array.of(1, Infinity, 2, 3, -Infinity, Infinity, 1, 2, 3e38, 3e38, 1, 2, Number.NaN, 1, 2, 3);
  expect(reduce('sum', rows, { outer: [4], reduced: [4], inner: [] })).toEqual([Infinity, Number.NaN, Infinity, Number.NaN]);
  // Ones that a float32 of this size would lose, in every form of kernel: as they come, and where parts are combined.
  for (const { outer, reduced, inner } of forms) {
    const [length, kept] = [product(reduced), product(outer) * product(inner)];
    const ones = new Float32Array(length * kept).fill(1);
    const large = 2 ** 30;
    // The first element of each sum.
    for (let o = 0; o < product(outer); o++) ones.fill(large, o * length * product(inner), (o * length + 1) * product(inner));
    const sums = reduce('sum', ones, { outer, reduced, inner });
    expect(sums).toEqual(sums.map(() => Math.fround(large + length - 1)));
  }
  // Terms whose plain sum in float32 would have three digits.
  const waves = Float32Array.from({ length: 200_000 }, (_, i) => Math.sin(i) * 10 ** (i % 7));
  const exact = waves.reduce((a, b) => a + b, 0);
  const [whole] = reduce('sum', waves, { outer: [], reduced: [200_000], inner: [] });
  expect(Math.abs(whole - exact)).toBeLessThanOrEqual(Math.abs(exact) * 2 ** -23);
  const columns = reduce('sum', waves, { outer: [], reduced: [50_000], inner: [4] });
  expect(Math.abs(columns.reduce((a, b) => a + b, 0) - exact)).toBeLessThanOrEqual(2 ** -22 * columns.reduce((a, b) => a + Math.abs(b), 0));
});

onGpu('sums are the same each time', () => {
  const data = Float32Array.from({ length: 60_000 }, (_, i) => Math.sin(i) * 10 ** (i % 7));
  for (const form of [
    { outer: [], reduced: [60_000], inner: [] },
    { outer: [], reduced: [2000], inner: [30] },
  ])
    expect(reduce('sum', data, form)).toEqual(reduce('sum', data, form));
});

onGpu('float64 is refused by name', () => {
  const step: KernelSpec = {
    kind: 'kernel',
    outer: [2],
    loads: [contiguous(0, float64, [2])],
    stores: [{ value: 0, operand: contiguous(1, float64, [2]) }],
  };
  expect(() => load({ inputs: 1, outputs: [16], steps: [step], devices: ['gpu'] })).toThrow(/float64.*use the CPU/);
});
