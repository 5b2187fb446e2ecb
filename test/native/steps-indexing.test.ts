/** The gather and scatter steps against plain loops, on all dtypes, index dtypes and layouts. */

import { type Dtype, dtypes, float32, int32, uint64 } from '../../lib/dtype';
import { type ScatterMode, scatterModes } from '../../lib/schedule/opcodes';
import { contiguous, type OperandSpec } from './encode';
import { runOnce } from './harness';
import { any, convert, identical, positions, Random, Strided, type Value } from './steps-arrays';

const integers = dtypes.filter(({ kind }) => kind === 'unsigned' || kind === 'signed');

/** Sizes and index operands of a random gather or scatter. */
class Indexing {
  readonly axes: number[];
  readonly sliceShape: number[];
  readonly indices: Strided[];

  constructor(
    readonly random: Random,
    readonly shape: number[],
    readonly indexShape: number[],
  ) {
    this.axes = random.shuffled(shape.length).slice(0, random.int(0, shape.length));
    this.sliceShape = shape.map((size, axis) => {
      if (this.axes.includes(axis)) return size > 0 && !random.chance(3) ? 1 : random.int(0, size);
      return random.chance(3) ? random.int(0, size) : size;
    });
    this.indices = this.axes.map((axis) => {
      const dtype = random.pick(integers);
      const index = Strided.random(random, dtype, indexShape);
      const low = dtype.kind === 'signed' ? -2 : 0;
      return index.fill(() => (random.chance(20) ? any(random, dtype) : BigInt(random.int(low, shape[axis] + 1))));
    });
  }

  get resultShape(): number[] {
    return [...this.indexShape, ...this.sliceShape];
  }

  /** Where an element of the result lies in the array. */
  position(index: readonly number[]): number[] {
    const outer = index.slice(0, this.indexShape.length);
    const position = index.slice(this.indexShape.length);
    this.axes.forEach((axis, i) => {
      const start = this.indices[i].get(outer) as bigint;
      const last = BigInt(this.shape[axis] - this.sliceShape[axis]);
      position[axis] += Number(start < 0n ? 0n : start > last ? last : start);
    });
    return position;
  }

  specs(slot: number): OperandSpec[] {
    return this.indices.map((index, i) => index.spec(slot + i));
  }
}

function expectSame(result: Strided, expected: Strided, what: unknown): void {
  for (const index of positions(result.shape)) {
    const [value, wanted] = [result.get(index), expected.get(index)];
    if (!identical(value, wanted)) expect({ what, index, value }).toEqual({ what, index, value: wanted });
  }
}

function sizes(random: Random, most: number): number[] {
  return Array.from({ length: random.int(0, 3) }, () => (random.chance(20) ? 0 : random.int(1, most)));
}

function checkGather(random: Random, dtype: Dtype, shape: number[], indexShape: number[]): void {
  const indexing = new Indexing(random, shape, indexShape);
  const source = Strided.random(random, dtype, shape).fill(() => any(random, dtype));
  const out = Strided.random(random, dtype, indexing.resultShape, true);
  if (out.elements === 0) return;
  const { sliceShape, axes, indices } = indexing;
  const [bytes] = runOnce(
    {
      inputs: 1 + indices.length,
      outputs: [out.bytes.length],
      steps: [
        {
          kind: 'gather',
          indexShape,
          sourceShape: shape,
          sliceShape,
          axes,
          source: source.spec(0),
          indices: indexing.specs(1),
          out: out.spec(1 + indices.length),
        },
      ],
    },
    [source.bytes, ...indices.map((index) => index.bytes)],
  );
  const expected = out.over(out.bytes);
  for (const index of positions(out.shape)) expected.set(index, source.get(indexing.position(index)));
  expectSame(out.over(bytes), expected, { shape, indexShape, sliceShape, axes });
}

function combine(mode: ScatterMode, dtype: Dtype, target: Value, update: Value): Value {
  if (mode === 'set') return update;
  if (mode === 'maximum' || mode === 'minimum') {
    const parts = (value: Value) => (typeof value === 'object' ? value : [value]);
    const [a, b] = mode === 'maximum' ? [parts(target), parts(update)] : [parts(update), parts(target)];
    if (parts(target).some((x) => Number.isNaN(x))) return target;
    if (parts(update).some((x) => Number.isNaN(x))) return update;
    const less = a[0] < b[0] || (a[0] === b[0] && a.length > 1 && a[1] < b[1]);
    return less ? update : target;
  }
  if (typeof target === 'bigint') {
    const [a, b] = [target, update as bigint];
    return convert(dtype, mode === 'add' ? a + b : a * b);
  }
  if (typeof target === 'number') {
    const b = update as number;
    return convert(dtype, mode === 'add' ? target + b : target * b);
  }
  const [re, im] = update as readonly [number, number];
  if (mode === 'add') return convert(dtype, [target[0] + re, target[1] + im]);
  const f = Math.fround;
  return [f(f(target[0] * re) - f(target[1] * im)), f(f(target[0] * im) + f(target[1] * re))];
}

/** One step that moves the whole source into the output, so that the scatter has a target. */
function copied(source: Strided, target: Strided, slot: number) {
  return {
    kind: 'gather',
    indexShape: [],
    sourceShape: target.shape,
    sliceShape: target.shape,
    axes: [],
    source: source.spec(0),
    indices: [],
    out: target.spec(slot),
  } as const;
}

function checkScatter(random: Random, dtype: Dtype, mode: ScatterMode, shape: number[], indexShape: number[]): void {
  const indexing = new Indexing(random, shape, indexShape);
  const source = Strided.random(random, dtype, shape).fill(() => any(random, dtype));
  const target = Strided.random(random, dtype, shape, true);
  const updates = Strided.random(random, dtype, indexing.resultShape).fill(() => any(random, dtype));
  if (target.elements === 0) return;
  const { sliceShape, axes, indices } = indexing;
  const slot = 2 + indices.length;
  const [bytes] = runOnce(
    {
      inputs: slot,
      outputs: [target.bytes.length],
      steps: [
        copied(source, target, slot),
        {
          kind: 'scatter',
          mode,
          indexShape,
          targetShape: shape,
          sliceShape,
          axes,
          target: target.spec(slot),
          updates: updates.spec(1),
          indices: indexing.specs(2),
        },
      ],
    },
    [source.bytes, updates.bytes, ...indices.map((index) => index.bytes)],
  );
  const expected = target.over(target.bytes);
  for (const index of positions(shape)) expected.set(index, source.get(index));
  for (const index of positions(updates.shape)) {
    const position = indexing.position(index);
    expected.set(position, combine(mode, dtype, expected.get(position), updates.get(index)));
  }
  expectSame(target.over(bytes), expected, { mode, shape, indexShape, sliceShape, axes });
}

describe.each(dtypes)('%s', (dtype) => {
  test('gathers', () => {
    const random = new Random(dtype.code + 1);
    for (let i = 0; i < 40; i++) checkGather(random, dtype, sizes(random, 6), sizes(random, 5));
  });

  test('gathers that several threads share', () => {
    const random = new Random(dtype.code + 50);
    for (let i = 0; i < 3; i++) checkGather(random, dtype, [3, 20], [700]);
    checkGather(random, dtype, [4, 50, 60], [4]);
  });

  test.each(scatterModes)('scatters by %s', (mode) => {
    const random = new Random(dtype.code + 100);
    for (let i = 0; i < 15; i++) checkScatter(random, dtype, mode, sizes(random, 6), sizes(random, 5));
  });

  test('scatters that several threads share', () => {
    const random = new Random(dtype.code + 150);
    for (const mode of ['set', 'add'] as const) {
      checkScatter(random, dtype, mode, [3, 20], [500]);
      checkScatter(random, dtype, mode, [5, 20, 60], [4]);
    }
  });
});

/** Scatter into zeros. */
function scatterInto(size: number, mode: ScatterMode, index: Int32Array<ArrayBuffer>, updates: Float32Array<ArrayBuffer>): Float32Array {
  const target = new Strided(float32, [size], 0, [1], size);
  const [bytes] = runOnce(
    {
      inputs: 3,
      outputs: [size * 4],
      steps: [
        copied(target, target, 3),
        {
          kind: 'scatter',
          mode,
          indexShape: [index.length],
          targetShape: [size],
          sliceShape: [1],
          axes: [0],
          target: contiguous(3, float32, [size]),
          updates: contiguous(1, float32, [index.length, 1]),
          indices: [contiguous(2, int32, [index.length])],
        },
      ],
    },
    [target.bytes, updates, index],
  );
  return new Float32Array(bytes.buffer);
}

test('repeated indices: the sum is that of one loop in order, every time', () => {
  const random = new Random(9);
  const count = 60_000;
  const index = Int32Array.from({ length: count }, () => random.int(0, 999));
  const updates = Float32Array.from({ length: count }, () => random.int(-1000, 1000) / 777);
  const expected = new Float32Array(1000);
  for (let i = 0; i < count; i++) expected[index[i]] += updates[i];
  for (let i = 0; i < 5; i++) expect(scatterInto(1000, 'add', index, updates)).toEqual(expected);
});

test('repeated indices: the last one is set', () => {
  const count = 60_000;
  const index = Int32Array.from({ length: count }, (_, i) => i % 7);
  const updates = Float32Array.from({ length: count }, (_, i) => i);
  const expected = Float32Array.from({ length: 7 }, (_, i) => count - 1 - ((count - 1 - i) % 7));
  expect(scatterInto(7, 'set', index, updates)).toEqual(expected);
});

test('uint64 indices above every signed integer are clamped to the end', () => {
  const [bytes] = runOnce(
    {
      inputs: 2,
      outputs: [8],
      steps: [
        {
          kind: 'gather',
          indexShape: [2],
          sourceShape: [3],
          sliceShape: [1],
          axes: [0],
          source: contiguous(0, float32, [3]),
          indices: [contiguous(1, uint64, [2])],
          out: contiguous(2, float32, [2, 1]),
        },
      ],
    },
    [Float32Array.of(5, 6, 7), BigUint64Array.of(2n ** 64n - 1n, 1n)],
  );
  expect([...new Float32Array(bytes.buffer)]).toEqual([7, 6]);
});
