/** Fused groups on the GPU give what they give on the CPU, in layouts that take every form of kernel. */

import { bfloat16, bool, complex64, type Dtype, dtypes, float16, float32, float64, int64, uint8 } from '../../lib/dtype';
import { type Arg, contiguous, type InstructionSpec, type KernelSpec, type OperandSpec, rowMajor } from './encode';
import { expectAlike, onBoth, onGpu } from './gpu_compare';
import { load, runOnce } from './harness';
import {
  computedReductions,
  expectNaNsFound,
  forms,
  inPlace,
  integers,
  layout,
  mixed,
  product,
  reduce,
  reductionsOf,
  shapeOf,
} from './kernel_cases';
import { listOf, random } from './kernel_reference';

jest.setTimeout(180_000);

const computed = dtypes.filter((dtype) => dtype !== float64);

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
    const { cpu, gpu } = onBoth(inPlace(n), [integers(n, float32, random(4))], []);
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

for (const dtype of computed) {
  onGpu(`reductions of ${dtype}`, () => {
    const next = random(dtype.code + 10);
    for (const form of forms) {
      const reductions = reductionsOf(dtype, form, next);
      if (reductions !== null) expectAlike(reductions.step, reductions.inputs, reductions.counts);
    }
  });
}

onGpu('reductions of what a kernel computes, beside what it stores', () => {
  const next = random(77);
  for (let round = 0; round < 25; round++) {
    const { step, inputs, counts } = computedReductions(next);
    expectAlike(step, inputs, counts, [2]);
  }
});

onGpu('NaN is the maximum, the minimum and the place of both', () => expectNaNsFound('gpu', [5, 100, 1000, 20000]));

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
  expect(reduce('sum', rows, { outer: [4], reduced: [4], inner: [] }, 'gpu')).toEqual([Infinity, Number.NaN, Infinity, Number.NaN]);
  // Ones that a float32 of this size would lose, in every form of kernel: as they come, and where parts are combined.
  for (const { outer, reduced, inner } of forms.filter((form) => product(form.reduced) > 0)) {
    const [length, kept] = [product(reduced), product(outer) * product(inner)];
    const ones = new Float32Array(length * kept).fill(1);
    const large = 2 ** 30;
    // The first element of each sum.
    for (let o = 0; o < product(outer); o++) ones.fill(large, o * length * product(inner), (o * length + 1) * product(inner));
    const sums = reduce('sum', ones, { outer, reduced, inner }, 'gpu');
    expect(sums).toEqual(sums.map(() => Math.fround(large + length - 1)));
  }
  // Terms whose plain sum in float32 would have three digits.
  const waves = Float32Array.from({ length: 200_000 }, (_, i) => Math.sin(i) * 10 ** (i % 7));
  const exact = waves.reduce((a, b) => a + b, 0);
  const [whole] = reduce('sum', waves, { outer: [], reduced: [200_000], inner: [] }, 'gpu');
  expect(Math.abs(whole - exact)).toBeLessThanOrEqual(Math.abs(exact) * 2 ** -23);
  const columns = reduce('sum', waves, { outer: [], reduced: [50_000], inner: [4] }, 'gpu');
  expect(Math.abs(columns.reduce((a, b) => a + b, 0) - exact)).toBeLessThanOrEqual(2 ** -22 * columns.reduce((a, b) => a + Math.abs(b), 0));
});

onGpu('sums are the same each time', () => {
  const data = Float32Array.from({ length: 60_000 }, (_, i) => Math.sin(i) * 10 ** (i % 7));
  for (const form of [
    { outer: [], reduced: [60_000], inner: [] },
    { outer: [], reduced: [2000], inner: [30] },
  ])
    expect(reduce('sum', data, form, 'gpu')).toEqual(reduce('sum', data, form, 'gpu'));
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
