/** Routines on the GPU against those of the CPU, on rows and arrays that several threadgroups share too. */

import {
  bfloat16,
  bool,
  complex64,
  type Dtype,
  float16,
  float32,
  int8,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
} from '../../lib/dtype';
import type { RoutineName } from '../../lib/schedule/opcodes';
import { type Arg, type DeviceName, rowMajor } from './encode';
import { runOnce } from './harness';
import { any, positions, Random, Strided, type Value } from './steps-arrays';

interface Case {
  routine: RoutineName;
  ints?: number[];
  args?: Arg[];
  inputs: Strided[];
  outputs: readonly (readonly [Dtype, readonly number[]])[];
  /** Of float32; what 16 bits hold is compared with their own. */
  tolerance?: number;
  /** Errors are relative to the largest number of the output. */
  whole?: boolean;
}

function whole(dtype: Dtype, shape: readonly number[]): Strided {
  return new Strided(
    dtype,
    [...shape],
    0,
    rowMajor(shape),
    shape.reduce((a, b) => a * b, 1),
  );
}

function near(a: number, b: number, tolerance: number): boolean {
  return Object.is(a, b) || a === b || Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a), Math.abs(b));
}

function same(a: Value, b: Value, tolerance: number): boolean {
  if (typeof a === 'object' && typeof b === 'object') {
    const bound = tolerance * Math.max(1, Math.hypot(...b));
    return a.every((part, i) => near(part, b[i], tolerance) || Math.abs(part - b[i]) <= bound);
  }
  return typeof a === 'number' ? near(a, b as number, tolerance) : a === b;
}

const resolution = (dtype: Dtype): number => (dtype === bfloat16 ? 2 ** -7 : dtype === float16 ? 2 ** -9 : 0);

function check({ routine, ints = [], args = [], inputs, outputs, tolerance = 2e-6, whole: relative = false }: Case): void {
  const arrays = outputs.map(([dtype, shape]) => whole(dtype, shape));
  const spec = (array: Strided, slot: number) => ({ shape: array.shape, operand: array.spec(slot) });
  const results = (device: DeviceName): Strided[] => {
    const bytes = runOnce(
      {
        inputs: inputs.length,
        outputs: arrays.map((array) => array.bytes.length),
        args: args.length,
        devices: [device],
        steps: [
          {
            kind: 'routine',
            routine,
            ints,
            args: args.map((_, i) => i),
            inputs: inputs.map((input, i) => spec(input, i)),
            outputs: arrays.map((array, i) => spec(array, inputs.length + i)),
          },
        ],
      },
      inputs.map((input) => input.bytes),
      args,
    );
    return arrays.map((array, i) => array.over(bytes[i]));
  };
  const [wanted, found] = [results('cpu'), results('gpu')];
  arrays.forEach((array, i) => {
    const size = (value: Value): number => (typeof value === 'object' ? Math.hypot(...value) : Number(value));
    const largest = relative ? wanted[i].values().reduce<number>((most, value) => Math.max(most, size(value)), 1) : 1;
    const bound = Math.max(tolerance, resolution(array.dtype)) * largest;
    for (const index of positions(array.shape)) {
      const [value, expected] = [found[i].get(index), wanted[i].get(index)];
      if (!same(value, expected, bound))
        expect({ routine, ints, output: i, index, value }).toEqual({ routine, ints, output: i, index, value: expected });
    }
  });
}

/** An array in any layout whose floats lie between -2 and 2. */
function numbers(random: Random, dtype: Dtype, shape: number[], contiguous = false): Strided {
  const float = () => random.int(-2048, 2048) / 1024;
  const array = contiguous ? whole(dtype, shape) : Strided.random(random, dtype, shape);
  return array.fill(() => (dtype.kind === 'complex' ? [float(), float()] : dtype.kind === 'float' ? float() : any(random, dtype)));
}

const floats = [float16, bfloat16, float32];

describe('scan', () => {
  const dtypes = [bool, uint8, uint16, uint64, int8, int32, int64, ...floats, complex64];
  const [sum, prod, max, min, logaddexp, excess] = [0, 1, 2, 3, 4, 5];
  const operations = (dtype: Dtype): number[] => {
    if (dtype === bool) return [prod, max, min];
    return dtype.inexact ? [sum, prod, max, min, logaddexp, excess] : [sum, prod, max, min];
  };

  test.each(dtypes)('%s', (dtype) => {
    const random = new Random(dtype.code + 1);
    const shapes: [number[], number][] = [
      [[3, 50], 1],
      [[3, 200], 1],
      [[90, 4], 0],
      [[70, 300], 0],
      [[2, 1500], 1],
    ];
    for (const [shape, axis] of shapes) {
      for (const op of operations(dtype)) {
        const positionsToo = op === max || op === min;
        check({
          routine: 'scan',
          ints: [op, axis, random.int(0, 1), random.int(0, 1)],
          inputs: [numbers(random, dtype, shape)],
          outputs: positionsToo ? [[dtype, shape] as const, [uint32, shape] as const] : [[dtype, shape] as const],
          tolerance: 2e-5,
        });
      }
    }
  });

  test.each([int32, float32, complex64])('rows of %s in chunks', (dtype) => {
    const random = new Random(dtype.code + 50);
    for (const op of [sum, max, ...(dtype.inexact ? [logaddexp] : [])]) {
      const outputs = [[dtype, [2, 20_000]] as const, ...(op === max ? [[uint32, [2, 20_000]] as const] : [])];
      check({
        routine: 'scan',
        ints: [op, 1, op === max ? 1 : 0, 1],
        inputs: [numbers(random, dtype, [2, 20_000])],
        outputs,
        tolerance: 2e-5,
      });
    }
  });

  test('a product that only a stretch of would overflow', () => {
    const x = whole(float32, [4, 1024]);
    for (const [row, i] of positions(x.shape)) x.set([row, i], i % 2 === row % 2 ? 1e30 : 1e-30);
    check({ routine: 'scan', ints: [prod, 1, 0, 1], inputs: [x], outputs: [[float32, x.shape]], tolerance: 1e-4 });
  });

  test.each([...floats, complex64])('recurrences of %s', (dtype) => {
    const random = new Random(dtype.code + 80);
    for (const [shape, axis] of [[[5, 40], 1] as const, [[40, 300], 0] as const]) {
      const inputs = [numbers(random, dtype, [...shape]), numbers(random, dtype, [...shape])];
      for (const index of positions(shape)) {
        const value = inputs[0].get(index);
        inputs[0].set(index, typeof value === 'object' ? [value[0] / 4, value[1] / 4] : (value as number) / 4);
      }
      check({ routine: 'recurrence', ints: [axis, random.int(0, 1)], inputs, outputs: [[dtype, shape]], tolerance: 1e-5 });
    }
  });
});

test.each([bool, uint16, int8, int64, ...floats, complex64])('searchsorted of %s', (dtype) => {
  const random = new Random(dtype.code + 1);
  for (const right of [0, 1]) {
    const sorted = Strided.random(random, dtype, [3, 70]);
    const some = Array.from({ length: 70 }, () => random.int(0, 40)).sort((a, b) => a - b);
    for (const [row, i] of positions(sorted.shape)) {
      const value = dtype === bool ? Number(some[i] > 20) : some[i];
      sorted.set([row, i], dtype.kind === 'complex' ? [Math.floor(value / 8), value] : dtype.kind === 'float' ? value : BigInt(value));
    }
    check({
      routine: 'searchsorted',
      ints: [right],
      inputs: [sorted, Strided.random(random, dtype, [3, 300]).fill(() => any(random, dtype))],
      outputs: [[uint32, [3, 300]]],
    });
  }
});

test.each([...floats, complex64])('Hadamard transforms of %s', (dtype) => {
  const random = new Random(dtype.code + 1);
  for (const [m, length] of [
    [1, 1],
    [1, 64],
    [1, 2048],
    [1, 16_384],
    [12, 12],
    [20, 160],
    [28, 28 * 128],
    [12, 12 * 4096],
  ]) {
    const shape = [length > 4096 ? 2 : 3, length];
    const tolerance = 1e-5;
    check({
      routine: 'hadamard',
      ints: [m, random.int(0, 1)],
      args: [1 / Math.sqrt(length)],
      inputs: [numbers(random, dtype, shape)],
      outputs: [[dtype, shape]],
      tolerance,
    });
  }
});

test('Fourier transforms of any length', () => {
  const random = new Random(1);
  for (const length of [1, 2, 3, 8, 12, 17, 100, 121, 127, 210, 1024, 2048, 1009, 3 * 2048, 8192, 2053]) {
    const inverse = random.int(0, 1);
    check({
      routine: 'fft',
      ints: [1, inverse],
      inputs: [numbers(random, complex64, [2, length])],
      outputs: [[complex64, [2, length]]],
      whole: true,
    });
  }
  check({ routine: 'fft', ints: [0, 1], inputs: [numbers(random, complex64, [60, 5])], outputs: [[complex64, [60, 5]]], whole: true });
  check({
    routine: 'fft',
    ints: [0, 0],
    inputs: [numbers(random, complex64, [2100, 3])],
    outputs: [[complex64, [2100, 3]]],
    whole: true,
  });
});

test('the bits of arrays as other dtypes', () => {
  const random = new Random(1);
  const pairs = [
    [float32, uint8],
    [uint8, float16],
    [int64, complex64],
    [uint8, bool],
    [float16, int32],
  ] as const;
  for (const [from, to] of pairs) {
    const input = whole(from, [3, 64]).fill(() => any(random, from));
    const last = (64 * from.size) / to.size;
    check({ routine: 'bitcast', inputs: [input], outputs: [[to, [3, last]]] });
  }
});

test.each(floats)('softmax and logsumexp of %s', (dtype) => {
  const random = new Random(dtype.code + 1);
  for (const length of [1, 5, 128, 700, 1024, 1025, 5000]) {
    const x = numbers(random, dtype, [11, length], true);
    x.set([1, 0], Number.NaN);
    x.set([2, 0], Number.POSITIVE_INFINITY);
    for (let i = 0; i < length; i++) x.set([3, i], Number.NEGATIVE_INFINITY);
    x.set([4, length - 1], Number.NEGATIVE_INFINITY);
    x.set([5, 0], 1000);
    check({ routine: 'softmax', inputs: [x], outputs: [[dtype, [11, length]]] });
    check({ routine: 'logsumexp', inputs: [x], outputs: [[dtype, [11]]] });
  }
});

describe('quantizedMatmul', () => {
  const groupSize = 32;
  const count = 3;

  /** Products of [batch…, m, …] with every layout of operands; with picks, indices choose among three. */
  function checkProducts(random: Random, dtype: Dtype, bits: number, transposed: boolean, m: number, rows: number, groups: number): void {
    const columns = groups * groupSize;
    const [k, n] = transposed ? [columns, rows] : [rows, columns];
    const picks = random.chance(2);
    const x = numbers(random, dtype, [count, m, k]);
    const words = Strided.random(random, uint32, [count, rows, groups * bits]).fill(() => any(random, uint32));
    const inputs = [x, words, numbers(random, dtype, [count, rows, groups]), numbers(random, dtype, [count, rows, groups])];
    // The last index lies behind what there is.
    if (picks) for (let i = 0; i < 2; i++) inputs.push(Strided.random(random, uint32, [4]).fill(() => BigInt(random.int(0, count))));
    const outputs = [[dtype, [picks ? 4 : count, m, n]] as const];
    check({ routine: 'quantizedMatmul', ints: [Number(transposed), groupSize, bits], inputs, outputs, tolerance: 2e-5, whole: true });
  }

  test.each([2, 3, 4, 5, 6, 8])('%d bits', (bits) => {
    const random = new Random(bits);
    checkProducts(random, float32, bits, true, 1, 37, 9);
    checkProducts(random, float32, bits, true, 12, 33, 2);
    checkProducts(random, float32, bits, false, 3, 21, 2);
    checkProducts(random, float32, bits, false, 35, 5, 3);
  });

  test.each([float16, bfloat16])('%s', (dtype) => {
    const random = new Random(dtype.code);
    checkProducts(random, dtype, 4, true, 2, 35, 3);
    checkProducts(random, dtype, 4, true, 20, 7, 1);
    checkProducts(random, dtype, 4, false, 9, 18, 2);
  });

  test('many tiles, and nothing', () => {
    const random = new Random(99);
    checkProducts(random, float32, 4, true, 190, 900, 1);
    checkProducts(random, float32, 4, true, 1, 5, 0);
    checkProducts(random, float32, 4, false, 2, 0, 1);
    checkProducts(random, float32, 4, true, 0, 5, 1);
  });
});

test.each(floats)('norms of %s', (dtype) => {
  const random = new Random(dtype.code + 1);
  for (const length of [1, 5, 128, 700, 1024, 1025, 5000]) {
    for (const [centered, weight, bias] of [
      [1, 1, 1],
      [1, 0, 1],
      [0, 1, 0],
      [0, 0, 0],
    ]) {
      const x = numbers(random, dtype, [11, length], true);
      x.set([1, 0], Number.NaN);
      for (let i = 0; i < length; i++) x.set([2, i], 1000 + (i % 2));
      check({
        routine: 'norm',
        ints: [centered, weight, bias],
        args: [0.01],
        inputs: [x, ...Array.from({ length: weight + bias }, () => numbers(random, dtype, [length], true))],
        outputs: [[dtype, [11, length]] as const, [float32, [11]] as const, ...(centered ? [[float32, [11]] as const] : [])],
      });
    }
  }
});

test.each(floats)('rotary positions of %s', (dtype) => {
  const random = new Random(dtype.code + 1);
  const shapes = [
    { lead: [], length: 3, width: 2, dims: 2 },
    { lead: [2, 3], length: 9, width: 7, dims: 6 },
    { lead: [2], length: 70, width: 80, dims: 64 },
  ];
  for (const { lead, length, width, dims } of shapes) {
    for (const offsets of [0, 1]) {
      for (const freqs of [0, 1]) {
        const shape = [...lead, length, width];
        const inputs = [numbers(random, dtype, shape)];
        if (offsets) inputs.push(Strided.random(random, float32, lead).fill(() => random.int(0, 5000)));
        if (freqs) inputs.push(Strided.random(random, float32, [...lead, dims / 2]).fill(() => random.int(8, 4000) / 8));
        check({
          routine: 'rope',
          ints: [dims, random.int(0, 1), random.int(0, 1), offsets, freqs],
          args: [10_000, random.pick([1, 0.3]), random.int(0, 100_000)],
          inputs,
          outputs: [[dtype, shape]],
        });
      }
    }
  }
});

describe('attention', () => {
  interface Sizes {
    queries: number;
    keys: number;
    depth: number;
    columns: number;
  }
  const cases: Sizes[] = [
    { queries: 1, keys: 70, depth: 16, columns: 16 },
    { queries: 7, keys: 7, depth: 64, columns: 64 },
    { queries: 40, keys: 75, depth: 80, columns: 100 },
    { queries: 33, keys: 20, depth: 5, columns: 260 },
    { queries: 12, keys: 0, depth: 3, columns: 4 },
  ];

  test.each(floats)('%s', (dtype) => {
    const random = new Random(dtype.code + 1);
    for (const { queries, keys, depth, columns } of cases) {
      for (const masked of [null, bool, dtype]) {
        const inputs = [
          numbers(random, dtype, [2, 4, queries, depth]),
          numbers(random, dtype, [2, 2, keys, depth]),
          numbers(random, dtype, [2, 2, keys, columns]),
        ];
        if (masked) inputs.push(numbers(random, masked, [random.int(1, 2), 1, queries, random.chance(4) ? 1 : keys]));
        const outputs = [[dtype, [2, 4, queries, columns]] as const];
        check({ routine: 'attention', ints: [random.int(0, 1)], args: [0.3], inputs, outputs, tolerance: 5e-6 });
      }
    }
  });
});

describe('convolution', () => {
  /** One spatial axis. */
  interface Axis {
    input: number;
    kernel: number;
    stride: number;
    low: number;
    high: number;
    kernelDilation: number;
    inputDilation: number;
  }

  const outputOf = ({ input, kernel, stride, low, high, kernelDilation, inputDilation }: Axis): number =>
    Math.floor(((input - 1) * inputDilation + low + high - (kernel - 1) * kernelDilation) / stride) + 1;

  test.each([...floats, complex64])('%s', (dtype) => {
    const random = new Random(dtype.code + 1);
    for (let round = 0; round < 12; round++) {
      const spatial = round < 9 ? 1 + (round % 3) : 4;
      const axes: Axis[] = Array.from({ length: spatial }, () => ({
        input: random.int(3, spatial === 1 ? 40 : 6),
        kernel: random.int(1, 3),
        stride: random.int(1, 2),
        low: random.int(-1, 2),
        high: random.int(0, 2),
        kernelDilation: random.int(1, 2),
        inputDilation: random.int(1, 2),
      }));
      if (axes.some((axis) => outputOf(axis) < 1)) continue;
      const groups = random.pick([1, 1, 2, 3]);
      const [examples, channels, outputs] = [random.int(1, 3), random.int(1, 9), random.pick([1, 3, 5, 40])];
      const of = (name: keyof Axis) => axes.map((axis) => axis[name]);
      const out = [examples, ...axes.map(outputOf), groups * outputs];
      check({
        routine: 'convolution',
        ints: [groups, random.int(0, 1), ...of('stride'), ...of('low'), ...of('kernelDilation'), ...of('inputDilation')],
        inputs: [
          numbers(random, dtype, [examples, ...of('input'), groups * channels]),
          numbers(random, dtype, [groups * outputs, ...of('kernel'), channels]),
        ],
        outputs: [[dtype, out]],
        tolerance: 1e-5,
      });
    }
  });
});
