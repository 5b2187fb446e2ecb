/** Kernels over every kind of layout and reduction: random steps, sizes around the borders of blocks, against an interpreter. */

import { bool, complex64, type Dtype, dtypes, float16, float32, float64, int32, int64, uint8 } from '../../lib/dtype';
import { reduceOps } from '../../lib/schedule/opcodes';
import { contiguous, type KernelSpec, type OperandSpec, type ProgramSpec, rowMajor } from './encode';
import { runOnce } from './harness';
import {
  type Case,
  computedReductions,
  expectNaNsFound,
  forms,
  inPlace,
  integers,
  layout,
  mixed,
  plain,
  product,
  reduce,
  reductionsOf,
  shapeOf,
} from './kernel_cases';
import { interpret, listOf, random, read, type Scalar } from './kernel_reference';

// Inside jest's contexts a global is slow to look up, which tells where every element takes several.
const { Math } = globalThis;

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
    expect(listOf(bytes, dtype).map(plain)).toEqual(listOf(wanted[i], dtype).map(plain));
  });
}

test('random layouts of loads and stores', () => {
  const next = random(1);
  for (let round = 0; round < 80; round++) {
    const shape = shapeOf(next, Math.floor(next() * 5), 12000);
    const dtype = [float32, uint8, int64, float16, complex64][Math.floor(next() * 5)];
    const [a, b] = [0, 1].map((slot) => layout(slot, dtype, shape, next, true));
    const out = layout(2, dtype, shape, next, false);
    const position = layout(-1, int64, shape, next, true).operand;
    const step = mixed(dtype, shape, a.operand, b.operand, position, out.operand);
    // Positions are small in 16-bit floats too.
    compare(
      step,
      [integers(a.count, dtype, next), integers(b.count, dtype, next)],
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
    const inputs = [
      integers(rows * columns, float32, next),
      integers(rows, float32, next),
      integers(1, float32, next),
      integers(rows, bool, next),
    ];
    compare(
      step,
      inputs,
      [1, 2, 3, 4].map(() => 4 * rows * columns),
      [3],
    );
  }
});

test('rows with gaps between them, with few instructions and many', () => {
  const next = random(3);
  for (const columns of [63, 64, 65, 127, 256, 300, 1025]) {
    for (const instructions of [1, 3, 20]) {
      const [outer, rows, pitch] = [3, 11, columns + 5];
      const shape = [outer, rows, columns];
      const gaps = [(rows + 2) * pitch, pitch, 1];
      const size = outer * gaps[0];
      const step: KernelSpec = {
        kind: 'kernel',
        outer: shape,
        loads: [
          { slot: 0, dtype: float32, strides: gaps, offset: 2 },
          { slot: 1, dtype: float32, strides: [0, 0, 1] },
          { slot: 2, dtype: float32, strides: [rows, 1, 0] },
          { slot: -1, dtype: int64, strides: gaps },
        ],
        code: [
          { op: 'cast', dtype: int64, to: float32, a: 3 },
          ...Array.from(
            { length: instructions },
            (_, i) => ({ op: 'subtract', dtype: float32, a: [2, 1, 4][i % 3], b: i === 0 ? 0 : 4 + i }) as const,
          ),
        ],
        stores: [
          { value: 4 + instructions, operand: { slot: 3, dtype: float32, strides: gaps, offset: 1 } },
          { value: 5, operand: contiguous(4, float32, shape) },
        ],
      };
      const inputs = [size, columns, outer * rows].map((count) => integers(count, float32, next));
      compare(step, inputs, [4 * size, 4 * product(shape)]);
    }
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
  const x = Float32Array.from({ length: 3000 }, (_, i) => i % 50);
  const outputs = runOnce(inPlace(x.length), [x]).map((b) => new Float32Array(b.buffer));
  expect(outputs[1]).toEqual(x.map((v) => 2 * v * 4 * v));
  expect(outputs[2]).toEqual(x.map((v) => 4 * v));
});

/** Bytes of outputs of these numbers of elements. */
function bytesOf({ step, counts }: Case): number[] {
  return [...(step.stores ?? []), ...(step.reductions ?? [])].map(({ operand }, i) => counts[i] * operand.dtype.size);
}

for (const dtype of dtypes) {
  test(`reductions of ${dtype}`, () => {
    const next = random(dtype.code + 10);
    // The interpreter does not order complex numbers.
    const ops = reduceOps.filter((op) => !(dtype.kind === 'complex' && /arg|max|min/.test(op)));
    for (const form of forms) {
      const reductions = reductionsOf(dtype, form, next, ops);
      if (reductions !== null) compare(reductions.step, reductions.inputs, bytesOf(reductions));
    }
  });
}

test('reductions of what a kernel computes, beside what it stores', () => {
  const next = random(77);
  for (let round = 0; round < 60; round++) {
    const reductions = computedReductions(next);
    compare(reductions.step, reductions.inputs, bytesOf(reductions), [2]);
  }
});

test('NaN is the maximum, the minimum and the place of both', () => expectNaNsFound('cpu', [1, 5, 100, 1000, 9000]));

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
  expect(reduce('sum', ones, { outer: [], reduced: [3_000_001], inner: [] }, 'cpu')).toEqual([3_000_001]);
  expect(reduce('sum', ones, { outer: [], reduced: [1_000_000], inner: [3] }, 'cpu')).toEqual([1e6, 1e6, 1e6]);
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

test('transposed operands of all ranks', () => {
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
      compare(step, [integers(size, dtype, next), integers(size, dtype, next)], [size * dtype.size, size * dtype.size]);
    }
  }
});

test('transposed operands large enough for strips, with and without a rest beside them', () => {
  for (const [batch, rows, columns] of [
    [1, 150, 1900],
    [1, 140, 1024],
    [1, 700, 900],
    [1, 640, 832],
    [3, 60, 1100],
  ]) {
    const shape = [batch, rows, columns];
    const size = product(shape);
    const transposed = [rows * columns, 1, rows];
    const step: KernelSpec = {
      kind: 'kernel',
      outer: shape,
      loads: [
        { slot: 0, dtype: float32, strides: transposed },
        contiguous(1, float32, shape),
        { slot: -1, dtype: int64, strides: rowMajor(shape), offset: 2 },
      ],
      code: [
        { op: 'cast', dtype: int64, to: float32, a: 2 },
        { op: 'multiplyAdd', dtype: float32, a: 0, b: 1, c: 3 },
      ],
      stores: [
        { value: 4, operand: contiguous(2, float32, shape) },
        { value: 1, operand: { slot: 3, dtype: float32, strides: transposed } },
      ],
    };
    const x = Float32Array.from({ length: size }, (_, i) => (i * 7919) % 1021);
    const y = Float32Array.from({ length: size }, (_, i) => (i * 104729) % 997);
    const program: ProgramSpec = { inputs: 2, outputs: [4 * size, 4 * size], steps: [step] };
    const [sums, turned] = runOnce(program, [x, y]).map((bytes) => new Float32Array(bytes.buffer));
    let wrong = 0;
    for (let i = 0; i < size; i++) {
      const [matrix, row, column] = [Math.floor(i / columns / rows), Math.floor(i / columns) % rows, i % columns];
      const there = (matrix * columns + column) * rows + row;
      if (sums[i] !== Math.fround(x[there] * y[i] + i + 2) || turned[there] !== y[i]) wrong++;
    }
    expect({ shape, wrong }).toEqual({ shape, wrong: 0 });
  }
});
