/** Layouts, forms of reductions and steps that the tests of kernels on every device share. */

import { complex64, type Dtype, float32, int32, int64, uint32 } from '../../lib/dtype';
import { type ReduceOp, reduceOps } from '../../lib/schedule/opcodes';
import { contiguous, type DeviceName, type KernelSpec, type OperandSpec, type ProgramSpec } from './encode';
import { runOnce } from './harness';
import { arrayOf, listOf, type Scalar } from './kernel_reference';

// Inside jest's contexts a global is slow to look up, which tells where every element takes several.
const { Math, Number } = globalThis;

export const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
export const isPosition = (op: ReduceOp) => op === 'argmax' || op === 'argmin';

/** Small integers, so that sums and products of floats are exact in any order. */
export function integers(count: number, dtype: Dtype, next: () => number, most = 9): Uint8Array<ArrayBuffer> {
  const one = () => Math.floor(next() * (2 * most + 1)) - most;
  const value = (): Scalar => {
    if (dtype === complex64) return { re: one(), im: one() };
    if (dtype.kind === 'bool') return Number(next() < 0.7);
    return dtype.kind === 'unsigned' ? Math.abs(one()) : one();
  };
  return arrayOf(Array.from({ length: count }, value), dtype);
}

/** Without the signs of zeros, NaNs alike. */
export function plain(x: Scalar): Scalar {
  if (typeof x === 'object') return { re: x.re + 0, im: x.im + 0 };
  return typeof x === 'number' ? x + 0 : x;
}

/** An operand with the elements that its memory needs. */
export interface Layout {
  readonly operand: OperandSpec;
  readonly count: number;
}

/** An operand over `shape` with a random order of axes, some of them reversed or repeated, and the elements it needs. */
export function layout(slot: number, dtype: Dtype, shape: readonly number[], next: () => number, repeat: boolean): Layout {
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

/** Extents of a random shape of at most `most` elements. */
export function shapeOf(next: () => number, rank: number, most: number): number[] {
  const shape: number[] = [];
  let size = 1;
  for (let i = 0; i < rank; i++) {
    const limit = Math.max(1, Math.floor(most / size));
    const extent = next() < 0.15 ? 1 : Math.max(1, Math.min(limit, Math.floor(2 ** (next() * 7))));
    shape.push(extent);
    size *= extent;
  }
  if (rank > 0 && next() < 0.4) shape[Math.floor(next() * rank)] *= Math.max(1, Math.min(40, Math.floor(most / size)));
  return shape;
}

/** x · y + x - position, stored three times. */
export function mixed(dtype: Dtype, shape: number[], x: OperandSpec, y: OperandSpec, position: OperandSpec, out: OperandSpec): KernelSpec {
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

/** A result in the memory of an operand that the kernel still reads: the second temporary lies where the first does. */
export function inPlace(n: number): ProgramSpec {
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
  return {
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
}

/** The axes of a reduction: those that stay before and after the ones that vanish. */
export interface Form {
  readonly outer: number[];
  readonly reduced: number[];
  readonly inner: number[];
}

/** Sizes around the borders of blocks, rows and columns of all kinds, and nothing. */
export const forms: readonly Form[] = [
  { outer: [], reduced: [1], inner: [] },
  { outer: [], reduced: [63], inner: [] },
  { outer: [], reduced: [4096], inner: [] },
  { outer: [], reduced: [4097], inner: [] },
  { outer: [], reduced: [30001], inner: [] },
  { outer: [1000], reduced: [3], inner: [] },
  { outer: [3], reduced: [5000], inner: [] },
  { outer: [7], reduced: [2047], inner: [] },
  { outer: [5, 3], reduced: [4, 17], inner: [] },
  { outer: [2], reduced: [3, 5, 7, 9], inner: [] },
  { outer: [2], reduced: [101, 99], inner: [] },
  { outer: [3], reduced: [70, 3], inner: [2, 41] },
  { outer: [], reduced: [300], inner: [5] },
  { outer: [], reduced: [9], inner: [5000] },
  { outer: [], reduced: [20000], inner: [3] },
  { outer: [11], reduced: [6], inner: [7] },
  { outer: [2], reduced: [3, 5], inner: [4, 600] },
  { outer: [3], reduced: [1, 1], inner: [2] },
  { outer: [4], reduced: [0], inner: [] },
  { outer: [4], reduced: [3, 0], inner: [2] },
  { outer: [0], reduced: [3], inner: [] },
  { outer: [], reduced: [0], inner: [0] },
];

/** A step with the inputs that it reads, and how many elements each output has. */
export interface Case {
  readonly step: KernelSpec;
  readonly inputs: Uint8Array<ArrayBuffer>[];
  readonly counts: number[];
}

/** These reductions of an array; null where what they hold is too small for their sums. */
export function reductionsOf(
  dtype: Dtype,
  { outer, reduced, inner }: Form,
  next: () => number,
  ops: readonly ReduceOp[] = reduceOps,
): Case | null {
  const length = product(reduced);
  if (dtype.inexact && dtype.size === 2 && length > 1000) return null;
  const kept = [...outer, ...inner];
  const { operand, count } = layout(0, dtype, [...outer, ...reduced, ...inner], next, false);
  const step: KernelSpec = {
    kind: 'kernel',
    outer,
    reduced,
    inner,
    loads: [operand],
    reductions: ops.map((op, i) => ({ op, value: 0, operand: contiguous(1 + i, isPosition(op) ? uint32 : dtype, kept) })),
  };
  // Ones and zeros keep long products exact.
  return { step, inputs: [integers(count, dtype, next, length > 20 ? 1 : 3)], counts: ops.map(() => product(kept)) };
}

/** Reductions of what a kernel computes, beside what it stores; it has one argument. */
export function computedReductions(next: () => number): Case {
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
  const inputs = [integers(a.count, float32, next), integers(b.count, int32, next)];
  return { step, inputs, counts: [out.count, result.count, product(kept), product(kept), product(kept)] };
}

/** One reduction of one array on a device, as numbers. */
export function reduce(op: ReduceOp, data: Float32Array<ArrayBuffer>, { outer, reduced, inner }: Form, device: DeviceName): number[] {
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
  const program: ProgramSpec = { inputs: 1, outputs: [4 * product(kept)], steps: [step], devices: [device] };
  return listOf(runOnce(program, [data])[0], dtype) as number[];
}

/** Fails unless NaN is the maximum, the minimum and the first place of both, and equal numbers have the first place. */
export function expectNaNsFound(device: DeviceName, lengths: readonly number[]): void {
  for (const n of lengths) {
    for (const first of new Set([0, Math.min(1, n - 1), Math.floor(n / 2), n - 1])) {
      const data = Float32Array.from({ length: n }, (_, i) => Math.sin(i));
      data[first] = Number.NaN;
      data[n - 1] = Number.NaN;
      const whole = { outer: [], reduced: [n], inner: [] };
      for (const op of ['max', 'min'] as const) expect(reduce(op, data, whole, device)).toEqual([Number.NaN]);
      for (const op of ['argmax', 'argmin'] as const) expect(reduce(op, data, whole, device)).toEqual([first]);
      const columns = new Float32Array(3 * n);
      data.forEach((x, i) => {
        columns[3 * i + 1] = x;
      });
      for (const op of ['argmax', 'argmin'] as const) expect(reduce(op, columns, { ...whole, inner: [3] }, device)).toEqual([0, first, 0]);
    }
    const least = new Float32Array(n).fill(-Infinity);
    const whole = { outer: [], reduced: [n], inner: [] };
    expect(reduce('argmax', least, whole, device)).toEqual([0]);
    expect(reduce('max', least, whole, device)).toEqual([-Infinity]);
  }
}
