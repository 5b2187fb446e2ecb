/** Products with quantized matrices against sums in double precision, for every number of bits, layout and number of rows. */

import * as mx from '../../lib';
import { computable, onCpu } from '../support/default';

/** Numbers from -2 to 2 that come back. */
function values(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.sin(seed * 12.9898 + i * 78.233) * 2);
}

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const floats = (shape: readonly number[], seed: number, dtype: mx.Dtype = mx.float32): mx.array =>
  mx.array(values(count(shape), seed), dtype).reshape([...shape]);

interface Quantized {
  readonly words: mx.array;
  readonly scales: mx.array;
  readonly biases: mx.array;
  readonly groupSize: number;
  readonly bits: number;
}

/** A quantized array of any words, scales and biases. */
function quantized(shape: readonly number[], seed: number, bits = 4, groupSize = 32, dtype: mx.Dtype = mx.float32): Quantized {
  const [lead, columns] = [shape.slice(0, -1), shape[shape.length - 1]];
  const wordShape = [...lead, (columns * bits) / 32];
  const words = values(count(wordShape), seed).map((x) => Math.floor(Math.abs(x) * 2 ** 31) % 2 ** 32);
  const groups = [...lead, columns / groupSize];
  const made = { scales: floats(groups, seed + 1, dtype), biases: floats(groups, seed + 2, dtype) };
  return { words: mx.array(words, mx.uint32).reshape(wordShape), ...made, groupSize, bits };
}

/** The numbers in it, in float64 on the CPU. */
function numbersOf({ words, scales, biases, groupSize, bits }: Quantized): mx.array {
  return onCpu(() => mx.dequantize(words, scales.astype(mx.float64), biases.astype(mx.float64), groupSize, bits));
}

const turned = (x: mx.array): mx.array => onCpu(() => mx.swapaxes(x, -1, -2));

/** The largest error relative to the sum of magnitudes, which is what rounding errors are relative to. */
function expectProduct(actual: mx.array, x: mx.array, matrix: mx.array, tolerance = 2e-6): void {
  onCpu(() => {
    const wide = x.astype(mx.float64);
    const expected = wide.matmul(matrix);
    expect(actual.shape).toEqual(expected.shape);
    if (actual.size === 0) return;
    const scale = mx.abs(wide).matmul(mx.abs(matrix)).add(1e-30);
    const error = mx.abs(actual.astype(mx.float64).subtract(expected)).divide(scale).max();
    expect(error.item()).toBeLessThan(tolerance);
  });
}

const allBits = [2, 3, 4, 5, 6, 8];
const dtypes: [mx.Dtype, number][] = [
  [mx.float32, 2e-6],
  [mx.float16, 2 ** -10],
  [mx.bfloat16, 2 ** -7],
  [mx.float64, 1e-14],
];

function product(x: mx.array, q: Quantized, transpose = true): mx.array {
  return mx.quantizedMatmul(x, q.words, q.scales, q.biases, transpose, q.groupSize, q.bits);
}

describe('quantizedMatmul', () => {
  test.each(allBits)('%d bits in groups of each size', (bits) => {
    for (const groupSize of [32, 64, 128]) {
      const q = quantized([11, 128], bits, bits, groupSize);
      const matrix = numbersOf(q);
      for (const m of [1, 3, 12]) {
        const x = floats([m, 128], m);
        expectProduct(product(x, q), x, turned(matrix));
        const y = floats([m, 11], m);
        expectProduct(product(y, q, false), y, matrix);
      }
    }
  });

  test.each(computable(dtypes))('%s', (dtype, tolerance) => {
    const q = quantized([40, 96], 3, 5, 32, dtype);
    for (const m of [1, 9, 33]) {
      const x = floats([m, 96], m, dtype);
      expect(product(x, q).dtype).toBe(dtype);
      expectProduct(product(x, q), x, turned(numbersOf(q)), tolerance);
      const y = floats([m, 40], m, dtype);
      expectProduct(product(y, q, false), y, numbersOf(q), tolerance);
    }
  });

  test('more than one block along the sum, across it and of rows', () => {
    const q = quantized([300, 640], 1);
    const x = floats([530, 640], 2);
    expectProduct(product(x, q), x, turned(numbersOf(q)));
    const y = floats([17, 300], 3);
    expectProduct(product(y, q, false), y, numbersOf(q));
    const tall = quantized([1100, 96], 4);
    const wide = quantized([7, 4224], 5);
    for (const m of [1, 4]) {
      const z = floats([m, 1100], m);
      expectProduct(product(z, tall, false), z, numbersOf(tall));
      const u = floats([m, 7], m);
      expectProduct(product(u, wide, false), u, numbersOf(wide));
    }
  });

  test('a row is the same alone and among others', () => {
    const q = quantized([20, 256], 4);
    const x = floats([8, 256], 5);
    const together = product(x, q);
    for (let i = 0; i < 8; i++) expect(mx.arrayEqual(product(x.index(i), q), together.index(i)).item()).toBe(true);
  });

  test('the common dtype of x and scales', () => {
    const q = quantized([4, 32], 6, 4, 32, mx.float16);
    expect(product(floats([2, 32], 1), q).dtype).toBe(mx.float32);
    expect(product(floats([2, 32], 1, mx.float16), q).dtype).toBe(mx.float16);
    expect(product(floats([2, 32], 1, mx.bfloat16), q).dtype).toBe(mx.float32);
  });

  test('batches that broadcast, and vectors', () => {
    const q = quantized([3, 1, 5, 32], 7);
    const matrix = turned(numbersOf(q));
    const x = floats([2, 4, 32], 8);
    expectProduct(product(x, q), x, matrix);
    const vector = floats([32], 9);
    const out = product(vector, q);
    expect(out.shape).toEqual([3, 1, 5]);
    expectProduct(out.reshape([3, 1, 1, 5]), vector.reshape([1, 32]), matrix);
    const one = quantized([5, 32], 7);
    const many = floats([2, 3, 4, 32], 8);
    expectProduct(product(many, one), many, turned(numbersOf(one)));
  });

  test('views: transposed, reversed, with steps, repeated', () => {
    const q = quantized([12, 64], 10);
    const x = floats([64, 10], 11).T;
    expectProduct(product(x, q), x, turned(numbersOf(q)));
    const backwards = floats([10, 64], 11).index(mx.Slice(null, null, -2), mx.Slice(null, null, -1));
    expectProduct(product(backwards, q), backwards, turned(numbersOf(q)));
    const row = mx.broadcastTo(floats([1, 64], 12), [9, 64]);
    expectProduct(product(row, q), row, turned(numbersOf(q)));
    // Every other row of the matrix, the last groups of each, in memory whose rows stand one under the other.
    const part: Quantized = {
      ...q,
      words: mx.transpose(mx.contiguous(q.words.T)).index(mx.Slice(1, null, 2), mx.Slice(4)),
      scales: q.scales.index(mx.Slice(1, null, 2), mx.Slice(1)),
      biases: mx.transpose(mx.contiguous(q.biases.T)).index(mx.Slice(1, null, 2), mx.Slice(1)),
    };
    for (const m of [2, 20]) {
      const y = floats([m, 32], m);
      expectProduct(product(y, part), y, turned(numbersOf(part)));
      const z = floats([m, 6], m);
      expectProduct(product(z, part, false), z, numbersOf(part));
    }
  });

  test('sizes of 0', () => {
    const shapes: [number, number, number][] = [
      [0, 4, 32],
      [2, 0, 32],
      [2, 4, 0],
    ];
    for (const [m, rows, columns] of shapes) {
      const q = quantized([rows, columns], 1);
      expect(product(mx.ones([m, columns]), q).tolist()).toEqual(mx.zeros([m, rows]).tolist());
      expect(product(mx.ones([m, rows]), q, false).tolist()).toEqual(mx.zeros([m, columns]).tolist());
    }
    expect(product(mx.ones([0, 2, 32]), quantized([0, 3, 32], 1)).shape).toEqual([0, 2, 3]);
  });

  test('infinities stay what they are in the product with the numbers', () => {
    const zero = { words: mx.zeros([1, 4], mx.uint32), scales: mx.ones([1, 1]), biases: mx.full([1, 1], 2), groupSize: 32, bits: 4 };
    const x = mx.array([Number.POSITIVE_INFINITY, ...Array(31).fill(1)]);
    expect(product(x, zero).tolist()).toEqual([Number.POSITIVE_INFINITY]);
  });

  test.each([1, 2])('gradients and vmap are those of the product with the numbers, with %d matrices', (matrices) => {
    const batch = matrices === 1 ? [] : [matrices];
    for (const transpose of [true, false]) {
      const q = quantized([...batch, 6, 64], 13, 3);
      const x = floats([...batch, 3, transpose ? 64 : 6], 14);
      const fused = (a: mx.array, s: mx.array, b: mx.array) => product(a, { ...q, scales: s, biases: b }, transpose);
      const composed = (a: mx.array, s: mx.array, b: mx.array) => {
        const whole = mx.dequantize(q.words, s, b, 32, 3);
        return a.matmul(transpose ? mx.swapaxes(whole, -1, -2) : whole);
      };
      const loss = (f: typeof fused) => (a: mx.array, s: mx.array, b: mx.array) => mx.sin(f(a, s, b)).sum();
      const gradients = (f: typeof fused) => mx.grad(loss(f), [0, 1, 2])(x, q.scales, q.biases) as mx.array[];
      const close = (a: mx.array, b: mx.array) => expect(mx.abs(a.subtract(b)).max().item()).toBeLessThan(1e-3);
      const expected = gradients(composed);
      gradients(fused).forEach((g, i) => {
        close(g, expected[i]);
      });
      const lanes = floats([4, ...x.shape], 15);
      const many = (f: typeof fused) => mx.vmap((a: mx.array) => f(a, q.scales, q.biases))(lanes);
      close(many(fused), many(composed));
    }
  });
});

describe('gatherQMM', () => {
  const gathered = (x: mx.array, q: Quantized, lhs: mx.array | null, rhs: mx.array | null, transpose = true, sorted = false) =>
    mx.gatherQMM(x, q.words, q.scales, q.biases, lhs, rhs, transpose, q.groupSize, q.bits, sorted);
  const indices = (values: readonly number[], dtype: mx.Dtype = mx.uint32) => mx.array([...values], dtype);

  test.each([1, 5])('products that indices pick, in any order, of %d rows', (m) => {
    const q = quantized([4, 7, 64], 20, 6);
    const matrices = numbersOf(q);
    const [lhs, rhs] = [
      [0, 2, 1, 1, 0, 2, 2, 0, 1],
      [3, 0, 3, 1, 3, 3, 0, 3, 3],
    ];
    for (const transpose of [true, false]) {
      const x = floats([3, m, transpose ? 64 : 7], 21);
      const out = gathered(x, q, indices(lhs), indices(rhs), transpose);
      lhs.forEach((i, at) => {
        const matrix = onCpu(() => matrices.index(rhs[at]));
        expectProduct(out.index(at), x.index(i), transpose ? turned(matrix) : matrix);
      });
      const order = [...rhs].sort();
      const sorted = gathered(x, q, indices(lhs), indices(order), transpose, true);
      expect(mx.arrayEqual(sorted, gathered(x, q, indices(lhs), indices(order), transpose)).item()).toBe(true);
    }
  });

  test('experts: each token has its own, with every kind of integer', () => {
    const q = quantized([4, 6, 32], 22);
    const x = floats([5, 1, 1, 32], 23);
    const chosen = [
      [0, 3],
      [1, 1],
      [3, 2],
      [0, 2],
      [1, 3],
    ];
    const out = gathered(x, q, null, mx.array(chosen, mx.uint32));
    expect(out.shape).toEqual([5, 2, 1, 6]);
    for (const dtype of [mx.int32, mx.int64, mx.uint8, mx.uint64]) {
      expect(mx.arrayEqual(gathered(x, q, null, mx.array(chosen, dtype)), out).item()).toBe(true);
    }
    const matrices = numbersOf(q);
    chosen.forEach((pair, token) => {
      pair.forEach((expert, i) => {
        expectProduct(out.index(token, i), x.index(token, 0), turned(onCpu(() => matrices.index(expert))));
      });
    });
  });

  test('indices out of range are those of the last matrix, negative ones count from the end', () => {
    const q = quantized([3, 4, 32], 24);
    const x = floats([2, 1, 32], 25);
    const at = (i: mx.array, j: mx.array) => gathered(x, q, i, j).tolist();
    const last = at(indices([1]), indices([2]));
    expect(at(indices([9]), indices([2 ** 32 - 1]))).toEqual(last);
    expect(at(indices([9], mx.int32), indices([2 ** 40], mx.int64))).toEqual(last);
    expect(at(indices([-1], mx.int32), indices([-1], mx.int8))).toEqual(last);
    expect(at(indices([-7], mx.int32), indices([-7], mx.int64))).toEqual(at(indices([0]), indices([0])));
    expect(gathered(x, q, indices([]), indices([])).shape).toEqual([0, 1, 4]);
  });

  test('vmap over x, matrices and indices, and gradients, are those of each lane', () => {
    const lanes = [0, 1, 2];
    const all = quantized([3, 2, 4, 32], 26);
    const x = floats([3, 2, 1, 32], 27);
    const [lhs, rhs] = [
      mx.array(
        [
          [0, 9],
          [1, 1],
          [0, 1],
        ],
        mx.uint32,
      ),
      mx.array(
        [
          [1, 1],
          [0, 5],
          [1, 0],
        ],
        mx.uint32,
      ),
    ];
    const f = (a: mx.array, w: mx.array, s: mx.array, b: mx.array, i: mx.array, j: mx.array) => mx.gatherQMM(a, w, s, b, i, j, true, 32, 4);
    const inputs = [x, all.words, all.scales, all.biases, lhs, rhs] as const;
    // Bit i says whether input i is mapped.
    for (let mapped = 1; mapped < 64; mapped++) {
      const axes = inputs.map((_, i) => ((mapped >> i) & 1 ? 0 : null));
      const given = inputs.map((y, i) => (axes[i] === null ? y.index(0) : y));
      const [a, w, s, b, i, j] = given;
      const out = mx.vmap(f, axes)(a, w, s, b, i, j);
      const expected = mx.stack(
        lanes.map((lane) => {
          const [ra, rw, rs, rb, ri, rj] = given.map((y, k) => (axes[k] === null ? y : y.index(lane)));
          return f(ra, rw, rs, rb, ri, rj);
        }),
      );
      expect(mx.abs(out.subtract(expected)).max().item()).toBeLessThan(1e-4);
    }
  });
});

test('memory is that of the result, not of the matrix', () => {
  const q = quantized([1024, 2048], 30);
  const x = floats([4, 2048], 31);
  const picks = mx.array([0, 0, 0], mx.uint32);
  const experts = {
    ...q,
    words: q.words.reshape([2, 512, 256]),
    scales: q.scales.reshape([2, 512, 64]),
    biases: q.biases.reshape([2, 512, 64]),
  };
  mx.eval([q.words, q.scales, q.biases, x, picks]);
  const programs: Record<string, () => mx.array> = {
    transposed: () => product(x, q),
    plain: () => product(floats([4, 1024], 1), q, false),
    'with respect to x': () => mx.grad((y: mx.array) => product(y, q).sum())(x),
    picked: () => mx.gatherQMM(x, experts.words, experts.scales, experts.biases, picks, picks, true, 32, 4),
  };
  const used = Object.entries(programs).map(([name, program]): [string, number] => {
    mx.resetPeakMemory();
    const before = mx.getActiveMemory();
    mx.eval(program());
    return [name, mx.getPeakMemory() - before];
  });
  // The matrix has 8 MB, its words 1 MB; results have some kilobytes.
  expect(used.filter(([, bytes]) => bytes > 2 ** 17)).toEqual([]);
});
