/** Programs that several native tests run. */

import { bool, complex64, type Dtype, float32, int32, int64, uint8, uint32 } from '../../lib/dtype';
import { contiguous, type GatherSpec, type ProgramSpec, productSlot, wholeArray } from './encode';

/** [m, k] · [k, n] of float32, through a temporary. */
export function product(m: number, k: number, n: number): ProgramSpec {
  return {
    inputs: 2,
    outputs: [4 * m * n],
    steps: [
      {
        kind: 'matmul',
        dtype: float32,
        m,
        n,
        k,
        a: contiguous(0, float32, [m, k]),
        b: contiguous(1, float32, [k, n]),
        out: contiguous(2, float32, [m, n]),
      },
    ],
  };
}

/** Two products of [3, 4] · [4, 5] with a bias, positions, a number and a moved operand; results of two dtypes, one transposed. */
export function epilogues(): ProgramSpec {
  const sizes = { batch: [2], m: 3, n: 5, k: 4 };
  return {
    inputs: 3, // [24], [20] and [10] float32
    outputs: [120, 30],
    args: 4,
    steps: [
      {
        kind: 'matmul',
        dtype: float32,
        ...sizes,
        a: { slot: 0, dtype: float32, strides: [12, 4, 1] },
        b: { slot: 1, dtype: float32, strides: [0, 5, 1] },
        out: {
          loads: [
            { slot: 2, dtype: float32, offsetArg: 3, strides: [0, 0, 1] },
            { slot: productSlot, dtype: float32, strides: [0, 0, 0] },
            { slot: -1, dtype: int64, strides: [15, 5, 1] },
          ],
          code: [
            { op: 'add', dtype: float32, a: 0, b: 1 },
            { op: 'arange', dtype: float32, a: 2, b: 0, c: 1 },
            { op: 'splat', dtype: float32, a: 2 },
            { op: 'multiplyAdd', dtype: float32, a: 3, b: 5, c: 4 },
            { op: 'less', dtype: float32, to: bool, a: 1, b: 5 },
          ],
          stores: [
            { value: 6, operand: contiguous(3, float32, [2, 3, 5]) },
            { value: 7, operand: { slot: 4, dtype: bool, strides: [15, 1, 3] } },
          ],
        },
      },
    ],
  };
}

/** `size` elements from argument 0 on, of an input that is at least as long. */
export function window(size: number, dtype: Dtype): ProgramSpec {
  return {
    inputs: 1,
    outputs: [size * dtype.size],
    args: 1,
    steps: [
      {
        kind: 'gather',
        indexShape: [],
        sourceShape: [size],
        sliceShape: [size],
        axes: [],
        source: { slot: 0, dtype, offsetArg: 0, strides: [1] },
        indices: [],
        out: contiguous(1, dtype, [size]),
      },
    ],
  };
}

/** The same as `window`, through a temporary that is the whole arena. */
export function windowThrough(size: number, dtype: Dtype, arenaBytes: number): ProgramSpec {
  const [step] = window(size, dtype).steps as [GatherSpec];
  return {
    ...window(size, dtype),
    temporaries: [{ offset: 0, byteLength: arenaBytes }],
    arenaBytes,
    steps: [
      { ...step, out: contiguous(2, dtype, [size]) },
      { ...step, source: contiguous(2, dtype, [size]) },
    ],
  };
}

/** Every kind of step but kernels, with temporaries in the arena. */
export function several(): ProgramSpec {
  return {
    inputs: 3, // a [4, 4] float32, keys [2] uint32, positions [3] int32
    outputs: [64, 64],
    temporaries: [
      { offset: 0, byteLength: 64 },
      { offset: 64, byteLength: 64 },
      { offset: 128, byteLength: 48 },
    ],
    arenaBytes: 256,
    steps: [
      { kind: 'randomBits', keyShape: [], perKey: 16, keys: contiguous(1, uint32, [2]), out: contiguous(4, uint32, [16]) },
      {
        kind: 'matmul',
        dtype: float32,
        m: 4,
        n: 4,
        k: 4,
        a: contiguous(0, float32, [4, 4]),
        b: { slot: 0, dtype: float32, strides: [1, 4] },
        out: contiguous(5, float32, [4, 4]),
      },
      {
        kind: 'gather',
        indexShape: [3],
        sourceShape: [4, 4],
        sliceShape: [1, 4],
        axes: [0],
        source: contiguous(5, float32, [4, 4]),
        indices: [contiguous(2, int32, [3])],
        out: contiguous(7, float32, [3, 1, 4]),
      },
      {
        kind: 'scatter',
        mode: 'add',
        indexShape: [3],
        targetShape: [4, 4],
        sliceShape: [1, 4],
        axes: [0],
        target: contiguous(5, float32, [4, 4]),
        updates: contiguous(7, float32, [3, 1, 4]),
        indices: [contiguous(2, int32, [3])],
      },
      { kind: 'sort', rows: [4], length: 4, in: contiguous(5, float32, [4, 4]), out: contiguous(3, float32, [4, 4]) },
      { kind: 'sort', indices: true, rows: [4], length: 4, in: contiguous(5, float32, [4, 4]), out: contiguous(6, uint32, [4, 4]) },
      {
        kind: 'gather',
        indexShape: [],
        sourceShape: [16],
        sliceShape: [16],
        axes: [],
        source: contiguous(6, uint32, [16]),
        indices: [],
        out: contiguous(4, uint32, [16]),
      },
    ],
  };
}

/** Routines with one output and with two, of which one is left out, on strided inputs, through a temporary. */
export function routines(): ProgramSpec {
  const shape = [3, 4];
  const transposed = { shape, operand: { slot: 0, dtype: float32, strides: [1, 3] } };
  return {
    inputs: 2, // two of [3, 4] float32
    outputs: [48, 48, 48, 48, 24],
    args: 1,
    temporaries: [{ offset: 0, byteLength: 48 }],
    arenaBytes: 64,
    steps: [
      { kind: 'routine', routine: 'scan', ints: [0, 0, 0, 1], inputs: [transposed], outputs: [wholeArray(7, float32, shape)] },
      {
        kind: 'routine',
        routine: 'scan',
        ints: [2, 1, 1, 1],
        inputs: [wholeArray(7, float32, shape)],
        outputs: [wholeArray(2, float32, shape), wholeArray(3, uint32, shape)],
      },
      {
        kind: 'routine',
        routine: 'scan',
        ints: [3, 0, 0, 0],
        inputs: [wholeArray(1, float32, shape)],
        outputs: [wholeArray(7, float32, shape), { shape, operand: { slot: -1, dtype: uint32, strides: [4, 1] } }],
      },
      {
        kind: 'routine',
        routine: 'recurrence',
        ints: [1, 1],
        inputs: [wholeArray(1, float32, shape), wholeArray(7, float32, shape)],
        outputs: [wholeArray(4, float32, shape)],
      },
      { kind: 'routine', routine: 'softmax', ints: [], inputs: [wholeArray(1, float32, shape)], outputs: [wholeArray(4, float32, shape)] },
      {
        kind: 'routine',
        routine: 'logsumexp',
        ints: [],
        inputs: [wholeArray(7, float32, shape)],
        outputs: [wholeArray(5, float32, shape.slice(0, -1))],
      },
      { kind: 'routine', routine: 'hadamard', ints: [1, 0], args: [0], inputs: [transposed], outputs: [wholeArray(5, float32, shape)] },
      {
        kind: 'routine',
        routine: 'searchsorted',
        ints: [1],
        inputs: [wholeArray(1, float32, shape), { shape: [3, 2], operand: { slot: 0, dtype: float32, strides: [2, 1] } }],
        outputs: [wholeArray(6, uint32, [3, 2])],
      },
    ],
  };
}

/** Norms with all operands and outputs, and with few; rotary positions by a base, and by arrays of offsets and frequencies. */
export function norms(): ProgramSpec {
  const [rows, shape] = [
    [2, 3],
    [2, 3, 4],
  ];
  const [x, vector] = [wholeArray(0, float32, shape), wholeArray(1, float32, [4])];
  const strided = { shape, operand: { slot: 0, dtype: float32, strides: [1, 8, 2] } };
  return {
    inputs: 2, // of [2, 3, 4] and at least [4] float32
    outputs: [96, 24, 24, 96, 96, 96],
    args: 3,
    steps: [
      {
        kind: 'routine',
        routine: 'norm',
        ints: [1, 1, 1],
        args: [0],
        inputs: [x, vector, vector],
        outputs: [wholeArray(2, float32, shape), wholeArray(3, float32, rows), wholeArray(4, float32, rows)],
      },
      {
        kind: 'routine',
        routine: 'norm',
        ints: [0, 0, 0],
        args: [0],
        inputs: [x],
        outputs: [wholeArray(5, float32, shape), { shape: rows, operand: { slot: -1, dtype: float32, strides: [3, 1] } }],
      },
      {
        kind: 'routine',
        routine: 'rope',
        ints: [4, 0, 1, 0, 0],
        args: [1, 2, 0],
        inputs: [strided],
        outputs: [wholeArray(6, float32, shape)],
      },
      {
        kind: 'routine',
        routine: 'rope',
        ints: [2, 1, 0, 1, 1],
        args: [0, 1, 2],
        inputs: [x, wholeArray(1, float32, [2]), wholeArray(1, float32, [2, 1])],
        outputs: [wholeArray(7, float32, shape)],
      },
    ],
  };
}

/** Partial sorts, whole and with an output that is left out. */
export function selections(): ProgramSpec {
  const rows = { shape: [2, 4], operand: { slot: 0, dtype: float32, strides: [4, 1] } };
  const columns = { shape: [4, 2], operand: { slot: 0, dtype: float32, strides: [1, 4] } };
  return {
    inputs: 1, // of [2, 4] float32
    outputs: [32, 32, 16],
    steps: [
      {
        kind: 'routine',
        routine: 'partition',
        ints: [2],
        inputs: [rows],
        outputs: [wholeArray(1, float32, [2, 4]), wholeArray(2, uint32, [2, 4])],
      },
      {
        kind: 'routine',
        routine: 'topk',
        ints: [1],
        inputs: [columns],
        outputs: [wholeArray(3, float32, [4, 1]), { shape: [4, 1], operand: { slot: -1, dtype: uint32, strides: [1, 1] } }],
      },
    ],
  };
}

/** Bits read as smaller, larger and truth values. */
export function bitcasts(): ProgramSpec {
  const bitcast = (from: Dtype, count: number, to: Dtype, slot: number) => ({
    kind: 'routine' as const,
    routine: 'bitcast' as const,
    inputs: [wholeArray(0, from, [count])],
    outputs: [wholeArray(slot, to, [(count * from.size) / to.size])],
  });
  return {
    inputs: 1,
    outputs: [24, 24, 24],
    steps: [bitcast(float32, 6, uint8, 1), bitcast(uint8, 24, float32, 2), bitcast(float32, 6, bool, 3)],
  };
}

/** Attention: causal, with a mask that is added, with one that repeats, and with shared heads. */
export function attentions(): ProgramSpec {
  const q = wholeArray(0, float32, [1, 2, 3, 2]);
  const k = wholeArray(1, float32, [1, 1, 3, 2]);
  const attention = (causal: number, inputs: readonly ReturnType<typeof wholeArray>[], slot: number) => ({
    kind: 'routine' as const,
    routine: 'attention' as const,
    ints: [causal],
    args: [0],
    inputs: [...inputs],
    outputs: [wholeArray(slot, float32, [1, 2, 3, 2])],
  });
  const repeated = { shape: [1, 1, 3, 1], operand: { slot: 0, dtype: bool, strides: [0, 0, 1, 0] } };
  return {
    inputs: 2, // [12] and [9] float32
    outputs: [48, 48, 48],
    args: 1,
    steps: [
      attention(1, [q, k, k], 2),
      attention(0, [q, k, k, wholeArray(1, float32, [1, 1, 3, 3])], 3),
      attention(1, [q, k, k, repeated], 4),
    ],
  };
}

/** Products with quantized matrices: by rows, in blocks, and picked by indices, of words that are the bits of the first input. */
export function quantizedProducts(): ProgramSpec {
  const words = wholeArray(0, uint32, [2, 2, 4]);
  const numbers = wholeArray(1, float32, [2, 2, 1]);
  const repeated = { shape: [2, 1, 2], operand: { slot: 1, dtype: float32, strides: [0, 1, -1], offset: 1 } };
  const indices = wholeArray(2, uint32, [2]);
  const product = (ints: readonly number[], inputs: readonly ReturnType<typeof wholeArray>[], slot: number, columns: number) => ({
    kind: 'routine' as const,
    routine: 'quantizedMatmul' as const,
    ints: [...ints],
    inputs: [...inputs],
    outputs: [wholeArray(slot, float32, [2, 1, columns])],
  });
  return {
    inputs: 3, // [64] and [4] float32, [2] uint32
    outputs: [256, 16, 256],
    steps: [
      product([0, 32, 4], [repeated, words, numbers, numbers], 3, 32),
      product([1, 32, 4], [wholeArray(3, float32, [2, 1, 32]), words, numbers, numbers], 4, 2),
      product([0, 32, 4], [repeated, words, numbers, numbers, indices, indices], 5, 32),
    ],
  };
}

/** Convolutions with every kind of walk: of patches, of examples that lie side by side, of channels alone, and of a matrix. */
export function convolutions(): ProgramSpec {
  const convolved = (ints: number[], x: number[], w: number[], out: number[], slot: number, examplesInside = false) => ({
    kind: 'routine' as const,
    routine: 'convolution' as const,
    ints,
    inputs: [
      examplesInside ? { shape: x, operand: { slot: 0, dtype: float32, strides: [1, x[0] * x[2], x[0]] } } : wholeArray(0, float32, x),
      wholeArray(1, float32, w),
    ],
    outputs: [wholeArray(slot, float32, out)],
  });
  return {
    inputs: 2, // [24] and [12] float32
    outputs: [4 * 24, 4 * 24, 4 * 12, 4 * 24],
    steps: [
      convolved([1, 1, 2, 1, 2, 1], [2, 6, 2], [2, 3, 2], [2, 2, 2], 2),
      convolved([1, 0, 1, 1, 1, 2], [2, 6, 2], [2, 3, 2], [2, 5, 2], 3, true),
      convolved([2, 0, 1, 0, 1, 1], [2, 6, 2], [2, 4, 1], [2, 3, 2], 4),
      convolved([1, 0, 1, 0, 1, 1], [2, 6, 2], [2, 1, 2], [2, 6, 2], 5),
    ],
  };
}

/** Every factorization and what it solves, one after the other, and Fourier transforms along both axes. */
export function factorizations(): ProgramSpec {
  const square = [2, 2];
  const a = wholeArray(0, float32, square);
  const b = wholeArray(1, float32, square);
  const vector = (slot: number, dtype = float32) => wholeArray(slot, dtype, [2]);
  const matrix = (slot: number, dtype = float32) => wholeArray(slot, dtype, square);
  const absent = { shape: square, operand: { slot: -1, dtype: float32, strides: [2, 1] } };
  return {
    inputs: 3, // two of [2, 2] float32, one of [2, 2] complex64
    outputs: [16, 8, 16, 16, 16, 16, 32, 32],
    temporaries: [
      { offset: 0, byteLength: 16 },
      { offset: 64, byteLength: 8 },
    ],
    arenaBytes: 128,
    steps: [
      { kind: 'routine', routine: 'lu', inputs: [a], outputs: [matrix(11), vector(12, uint32), vector(4, uint32)] },
      { kind: 'routine', routine: 'luSolve', ints: [0], inputs: [a, matrix(11), vector(12, uint32), b], outputs: [matrix(3)] },
      { kind: 'routine', routine: 'triangularSolve', ints: [1, 0, 1], inputs: [a, b], outputs: [matrix(5)] },
      { kind: 'routine', routine: 'cholesky', inputs: [a], outputs: [matrix(6)] },
      { kind: 'routine', routine: 'qr', inputs: [b], outputs: [matrix(7), matrix(8)] },
      { kind: 'routine', routine: 'svd', inputs: [b], outputs: [vector(4), matrix(5), matrix(6)] },
      { kind: 'routine', routine: 'eigh', inputs: [a], outputs: [vector(4), absent] },
      { kind: 'routine', routine: 'eig', inputs: [b], outputs: [vector(9, complex64), matrix(10, complex64)] },
      { kind: 'routine', routine: 'fft', ints: [0, 1], inputs: [matrix(2, complex64)], outputs: [matrix(9, complex64)] },
      { kind: 'routine', routine: 'fft', ints: [1, 0], inputs: [matrix(9, complex64)], outputs: [matrix(10, complex64)] },
    ],
  };
}
