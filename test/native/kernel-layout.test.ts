/** Kernels over every kind of layout and reduction: random steps, sizes around the borders of blocks, against an interpreter. */

import { bool, complex64, type Dtype, dtypes, float16, float32, float64, int32, int64, uint8, uint32 } from '../../lib/dtype';
import { type ReduceOp, reduceOps } from '../../lib/schedule/opcodes';
import { contiguous, type KernelSpec, type OperandSpec, type ProgramSpec, rowMajor } from './encode';
import { runOnce } from './harness';
import { arrayOf, interpret, listOf, random, read, type Scalar } from './kernel_reference';

// Inside jest's contexts a global is slow to look up, which tells where every element takes several.
const { Math, Number } = globalThis;

const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Small integers, so that sums and products of floats are exact in any order. */
function values(count: number, dtype: Dtype, next: () => number, most = 9): Uint8Array<ArrayBuffer> {
  const one = () => Math.floor(next() * (2 * most + 1)) - most;
  return arrayOf(
    Array.from({ length: count }, () =>
      dtype === complex64
        ? { re: one(), im: one() }
        : dtype.kind === 'bool'
          ? next() < 0.7
            ? 1
            : 0
          : dtype.kind === 'unsigned'
            ? Math.abs(one())
            : one(),
    ),
    dtype,
  );
}

/** Runs a step whose outputs come last, and compares them with the interpreter's. */
function compare(step: KernelSpec, inputs: Uint8Array<ArrayBuffer>[], outputBytes: readonly number[], args: readonly Scalar[] = []): void {
  const program: ProgramSpec = { inputs: inputs.length, outputs: outputBytes, args: args.length, steps: [step] };
  const got = runOnce(program, inputs, args as never);
  // Elements that no store names may hold anything.
  const wanted = got.map((bytes) => bytes.slice());
  interpret(step, [...inputs, ...wanted], args);
  const outputs = [...(step.stores ?? []), ...(step.reductions ?? [])];
  got.forEach((bytes, i) => {
    const dtype = (outputs.find((o) => o.operand.slot === inputs.length + i) as { operand: OperandSpec }).operand.dtype;
    expect(listOf(bytes, dtype).map(unsigned)).toEqual(listOf(wanted[i], dtype).map(unsigned));
  });
}

/** Without the signs of zeros. */
function unsigned(x: Scalar): Scalar {
  if (typeof x === 'object') return { re: x.re + 0, im: x.im + 0 };
  return typeof x === 'number' ? x + 0 : x;
}

/** An operand over `shape` with a random order of axes, some of them reversed or repeated, and the elements it needs. */
function layout(
  slot: number,
  dtype: Dtype,
  shape: readonly number[],
  next: () => number,
  repeat: boolean,
): { operand: OperandSpec; count: number } {
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

test('random layouts of loads and stores', () => {
  const next = random(1);
  for (let round = 0; round < 80; round++) {
    const shape = shapeOf(next, Math.floor(next() * 5), 12000);
    const dtype = [float32, uint8, int64, float16, complex64][Math.floor(next() * 5)];
    const [a, b] = [0, 1].map((slot) => layout(slot, dtype, shape, next, true));
    const out = layout(2, dtype, shape, next, false);
    const position = layout(-1, int64, shape, next, true).operand;
    const step: KernelSpec = {
      kind: 'kernel',
      outer: shape,
      loads: [a.operand, b.operand, position],
      code: [
        { op: 'multiply', dtype, a: 0, b: 1 },
        { op: 'add', dtype, a: 3, b: 0 },
        { op: 'cast', dtype: int64, to: dtype, a: 2 },
        { op: 'subtract', dtype, a: 4, b: 5 },
      ],
      stores: [
        { value: 6, operand: out.operand },
        { value: 3, operand: contiguous(3, dtype, shape) },
        { value: 1, operand: contiguous(4, dtype, shape) },
      ],
    };
    // Positions are small in 16-bit floats too.
    compare(
      step,
      [values(a.count, dtype, next), values(b.count, dtype, next)],
      [out.count, product(shape), product(shape)].map((n) => n * dtype.size),
    );
  }
});

test('values that are one for a run or a row', () => {
  const next = random(2);
  for (const shape of [
    [3, 2500],
    [700, 9],
    [1, 1],
    [5, 4096],
    [2, 4097],
  ]) {
    const [rows, columns] = shape;
    const step: KernelSpec = {
      kind: 'kernel',
      outer: shape,
      loads: [
        contiguous(0, float32, shape),
        { slot: 1, dtype: float32, strides: [1, 0] },
        { slot: 2, dtype: float32, strides: [0, 0] },
        { slot: 3, dtype: bool, strides: [1, 0] },
      ],
      code: [
        { op: 'splat', dtype: float32, a: 0 },
        { op: 'add', dtype: float32, a: 4, b: 2 }, // one a run
        { op: 'multiply', dtype: float32, a: 5, b: 1 }, // one a row
        { op: 'multiplyAdd', dtype: float32, a: 0, b: 6, c: 5 },
        { op: 'select', dtype: float32, a: 3, b: 7, c: 6 },
        { op: 'subtract', dtype: float32, a: 6, b: 8 },
      ],
      stores: [9, 6, 5, 8].map((value, i) => ({ value, operand: contiguous(4 + i, float32, shape) })),
    };
    const inputs = [values(rows * columns, float32, next), values(rows, float32, next), values(1, float32, next), values(rows, bool, next)];
    compare(
      step,
      inputs,
      [1, 2, 3, 4].map(() => 4 * rows * columns),
      [3],
    );
  }
});

test('offsets that are arguments', () => {
  const step: KernelSpec = {
    kind: 'kernel',
    outer: [4],
    loads: [
      { slot: 0, dtype: int32, strides: [2], offset: 1, offsetArg: 0 },
      { slot: -1, dtype: int64, strides: [1], offset: 5, offsetArg: 0 },
    ],
    code: [
      { op: 'cast', dtype: int64, to: int32, a: 1 },
      { op: 'add', dtype: int32, a: 0, b: 2 },
    ],
    stores: [{ value: 3, operand: contiguous(1, int32, [4]) }],
  };
  const program: ProgramSpec = { inputs: 1, outputs: [16], args: 1, steps: [step] };
  const input = Int32Array.from({ length: 12 }, (_, i) => 100 * i);
  const [bytes] = runOnce(program, [input], [3n]);
  expect([...new Int32Array(bytes.buffer)]).toEqual([408, 609, 810, 1011]);
});

test('a result may take the memory of an operand that is read later in the kernel', () => {
  const n = 3000;
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
  // The second temporary lies where the first does: the second step writes over what it reads.
  const bytes = 4 * n;
  const program: ProgramSpec = {
    inputs: 1,
    outputs: [bytes, bytes, bytes],
    temporaries: [
      { offset: 0, byteLength: bytes },
      { offset: 0, byteLength: bytes },
    ],
    arenaBytes: 12032,
    steps: [
      step([0, 4, 1]),
      step([4, 5, 2]),
      { kind: 'kernel', outer: [n], loads: [contiguous(5, float32, [n])], stores: [{ value: 0, operand: contiguous(3, float32, [n]) }] },
    ],
  };
  const x = Float32Array.from({ length: n }, (_, i) => i % 50);
  const outputs = runOnce(program, [x]).map((b) => new Float32Array(b.buffer));
  expect(outputs[1]).toEqual(x.map((v) => 2 * v * 4 * v));
  expect(outputs[2]).toEqual(x.map((v) => 4 * v));
});

const forms: { outer: number[]; reduced: number[]; inner: number[] }[] = [
  { outer: [], reduced: [1], inner: [] },
  { outer: [], reduced: [63], inner: [] },
  { outer: [], reduced: [4096], inner: [] },
  { outer: [], reduced: [4097], inner: [] },
  { outer: [], reduced: [30001], inner: [] },
  { outer: [1000], reduced: [3], inner: [] },
  { outer: [3], reduced: [5000], inner: [] },
  { outer: [7], reduced: [2047], inner: [] },
  { outer: [5, 3], reduced: [4, 17], inner: [] },
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

for (const dtype of dtypes) {
  test(`reductions of ${dtype}`, () => {
    const next = random(dtype.code + 10);
    for (const { outer, reduced, inner } of forms) {
      const shape = [...outer, ...reduced, ...inner];
      const kept = [...outer, ...inner];
      const load = layout(0, dtype, shape, next, false);
      const ops = reduceOps.filter((op) => !(dtype.kind === 'complex' && /arg|max|min/.test(op)));
      const count = product(kept);
      const step: KernelSpec = {
        kind: 'kernel',
        outer,
        reduced,
        inner,
        loads: [load.operand],
        reductions: ops.map((op, i) => ({ op, value: 0, operand: contiguous(1 + i, /arg/.test(op) ? uint32 : dtype, kept) })),
      };
      // Ones and zeros keep long products and 16-bit sums exact.
      const most = product(reduced) > 40 ? 1 : 3;
      const input = values(load.count, dtype, next, most);
      if (['float16', 'bfloat16'].includes(dtype.name) && product(reduced) > 1000) continue;
      compare(
        step,
        [input],
        ops.map((op) => count * (/arg/.test(op) ? 4 : dtype.size)),
      );
    }
  });
}

test('reductions of what a kernel computes, beside what it stores', () => {
  const next = random(77);
  for (let round = 0; round < 60; round++) {
    const [outer, reduced, inner] = [0, 1, 2].map((i) =>
      shapeOf(next, i === 1 ? 1 + Math.floor(next() * 2) : Math.floor(next() * 3), i === 1 ? 60 : 20),
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
    compare(
      step,
      [values(a.count, float32, next), values(b.count, int32, next)],
      [out.count, result.count, ...[1, 2, 3].map(() => product(kept))].map((n) => 4 * n),
      [2],
    );
  }
});

/** One reduction of one array, as numbers. */
function reduce(op: ReduceOp, data: Float32Array<ArrayBuffer>, outer: number[], reduced: number[], inner: number[]): number[] {
  const kept = [...outer, ...inner];
  const dtype = /arg/.test(op) ? uint32 : float32;
  const step: KernelSpec = {
    kind: 'kernel',
    outer,
    reduced,
    inner,
    loads: [contiguous(0, float32, [...outer, ...reduced, ...inner])],
    reductions: [{ op, value: 0, operand: contiguous(1, dtype, kept) }],
  };
  return listOf(runOnce({ inputs: 1, outputs: [4 * product(kept)], steps: [step] }, [data])[0], dtype) as number[];
}

test('NaN is the maximum, the minimum and the place of both', () => {
  for (const n of [1, 5, 100, 1000, 9000]) {
    for (const at of [0, 1, Math.floor(n / 2), n - 1].filter((i) => i < n)) {
      const data = Float32Array.from({ length: n }, (_, i) => Math.sin(i));
      data[at] = Number.NaN;
      data[n - 1] = Number.NaN;
      for (const op of ['max', 'min'] as const) expect(reduce(op, data, [], [n], [])).toEqual([Number.NaN]);
      for (const op of ['argmax', 'argmin'] as const) expect(reduce(op, data, [], [n], [])).toEqual([at]);
      const columns = new Float32Array(3 * n);
      data.forEach((x, i) => {
        columns[3 * i + 1] = x;
      });
      for (const op of ['argmax', 'argmin'] as const) expect(reduce(op, columns, [], [n], [3])).toEqual([0, at, 0]);
    }
  }
  expect(reduce('argmax', new Float32Array(5000).fill(-Infinity), [], [5000], [])).toEqual([0]);
  expect(reduce('max', new Float32Array(5000).fill(-Infinity), [], [5000], [])).toEqual([-Infinity]);
});

test('long sums of floats keep their digits', () => {
  const n = 20_000_000;
  const step = (dtype: Dtype): KernelSpec => ({
    kind: 'kernel',
    outer: [],
    reduced: [n],
    code: [{ op: 'splat', dtype, a: 0 }],
    reductions: [{ op: 'sum', value: 0, operand: contiguous(0, dtype, []) }],
  });
  const sum = (dtype: Dtype, x: number) =>
    read(runOnce({ inputs: 0, outputs: [dtype.size], args: 1, steps: [step(dtype)] }, [], [x])[0], dtype, 0);
  expect(sum(float32, 1)).toBe(n);
  expect(Math.abs((sum(float64, 0.1) as number) / (0.1 * n) - 1)).toBeLessThan(1e-13);
  expect(sum(float16, 2 ** -10)).toBe(19536);
  const ones = new Float32Array(3_000_001).fill(1);
  expect(reduce('sum', ones, [], [3_000_001], [])).toEqual([3_000_001]);
  expect(reduce('sum', ones, [], [1_000_000], [3])).toEqual([1e6, 1e6, 1e6]);
});

test('rank 0, zero sizes and strides of a repeated row', () => {
  const step: KernelSpec = {
    kind: 'kernel',
    outer: [],
    loads: [contiguous(0, float64, [])],
    code: [{ op: 'exp', dtype: float64, a: 0 }],
    stores: [{ value: 1, operand: contiguous(1, float64, []) }],
  };
  expect(listOf(runOnce({ inputs: 1, outputs: [8], steps: [step] }, [Float64Array.of(0)])[0], float64)).toEqual([1]);
  const none: KernelSpec = {
    ...step,
    outer: [3, 0],
    loads: [contiguous(0, float64, [3, 0])],
    stores: [{ value: 1, operand: contiguous(1, float64, [3, 0]) }],
  };
  expect(runOnce({ inputs: 1, outputs: [0], steps: [none] }, [new Float64Array(0)])).toEqual([new Uint8Array(0)]);
  expect(rowMajor([2, 3])).toEqual([3, 1]);
});

test('transposed operands, with and without a rest beside the strips', () => {
  const next = random(5);
  for (const shape of [
    [128, 128],
    [130, 200],
    [9, 1900],
    [4, 70, 133],
    [70, 4, 133],
    [3, 17, 5, 150],
  ]) {
    for (const dtype of [float32, uint8, complex64]) {
      const axes = shape.map((_, i) => i);
      const reversed = rowMajor([...shape].reverse()).reverse();
      const rotated = axes.map((i) => rowMajor([...shape.slice(1), shape[0]])[(i + shape.length - 1) % shape.length]);
      const step: KernelSpec = {
        kind: 'kernel',
        outer: shape,
        loads: [
          { slot: 0, dtype, strides: reversed },
          { slot: 1, dtype, strides: rotated },
          { slot: -1, dtype: int64, strides: axes.map((i) => 3 * i + 1), offset: 2 },
        ],
        code: [
          { op: 'add', dtype, a: 0, b: 1 },
          { op: 'cast', dtype: int64, to: dtype, a: 2 },
          { op: 'subtract', dtype, a: 3, b: 4 },
        ],
        stores: [
          { value: 5, operand: contiguous(2, dtype, shape) },
          { value: 3, operand: { slot: 3, dtype, strides: reversed } },
        ],
      };
      const size = product(shape);
      compare(step, [values(size, dtype, next), values(size, dtype, next)], [size * dtype.size, size * dtype.size]);
    }
  }
});
