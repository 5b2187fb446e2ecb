/** Products with few rows or columns, which have code of their own for matrices whose rows or columns are contiguous. */

import { execFileSync } from 'node:child_process';

import { bfloat16, type Dtype, float16, float32, float64 } from '../../lib/dtype';
import { addon } from '../../lib/runtime/binding';
import { contiguous, encode, type OperandSpec } from './encode';
import { runOnce } from './harness';
import { plus, times, zero } from './steps-arithmetic';
import { convert, equal, positions, Random, Strided, small, type Value } from './steps-arrays';

/** Around the numbers of rows that are few, and of numbers that one vector holds. */
const sizes = [
  { few: 1, many: 150, k: 301 },
  { few: 1, many: 2, k: 1000 },
  { few: 1, many: 1037, k: 9 },
  { few: 1, many: 3, k: 4500 },
  { few: 1, many: 1100, k: 500 },
  { few: 2, many: 259, k: 517 },
  { few: 3, many: 517, k: 259 },
  { few: 4, many: 65, k: 2100 },
  { few: 9, many: 2100, k: 65 },
  { few: 11, many: 401, k: 400 },
  { few: 17, many: 401, k: 400 },
];

type Axes = 'rows' | 'columns';

/** A matrix with contiguous rows (or columns) whose surroundings are NaN, as it is itself without `make`. */
function surrounded(dtype: Dtype, rows: number, columns: number, along: Axes, make?: () => Value): Strided {
  const [lines, length] = along === 'rows' ? [rows, columns] : [columns, rows];
  const [offset, pitch] = [5, length + 3];
  const matrix = new Strided(dtype, [rows, columns], offset, along === 'rows' ? [pitch, 1] : [1, pitch], offset + pitch * lines);
  if (!make) {
    matrix.bytes.fill(0xff);
    return matrix;
  }
  matrix.fill(make);
  const nan = (from: number, to: number) => matrix.bytes.fill(0xff, from * dtype.size, to * dtype.size);
  nan(0, offset);
  for (let end = offset + length; end < matrix.elements; end += pitch) nan(end, end + 3);
  return matrix;
}

describe.each([float32, float64, float16, bfloat16])('%s', (dtype) => {
  test.each(sizes)('$few vectors of $k by $many, whatever side they are on and however everything lies', ({ few, many, k }) => {
    const random = new Random(few * 1000 + many);
    for (const along of ['rows', 'columns'] as const) {
      for (const vectors of ['rows', 'columns'] as const) {
        for (const flipped of [false, true]) {
          const [m, n] = flipped ? [many, few] : [few, many];
          const make = () => small(random, dtype);
          const a = surrounded(dtype, m, k, flipped ? along : vectors, make);
          const b = surrounded(dtype, k, n, flipped ? vectors : along, make);
          const out = surrounded(dtype, m, n, vectors);
          const [bytes] = runOnce(
            {
              inputs: 2,
              outputs: [out.bytes.length],
              steps: [{ kind: 'matmul', dtype, m, n, k, a: a.spec(0), b: b.spec(1), out: out.spec(2) }],
            },
            [a.bytes, b.bytes],
          );
          const result = out.over(bytes);
          for (const [row, column] of positions([m, n])) {
            const last = Math.max(0, many - 1 - Math.max(row, column)) < 2;
            if (!last && !random.chance(40)) continue;
            let sum = zero(dtype);
            for (let i = 0; i < k; i++) sum = plus(dtype, sum, times(dtype, a.get([row, i]), b.get([i, column])));
            const [value, expected] = [result.get([row, column]), convert(dtype, sum)];
            if (!equal(value, expected)) expect({ row, column, value }).toEqual({ row, column, value: expected });
          }
        }
      }
    }
  });
});

/** The right operand of a product in one array, given as its columns if it is `transposed`. */
function right(slot: number, dtype: Dtype, k: number, n: number, transposed: boolean): OperandSpec {
  return transposed ? { ...contiguous(slot, dtype, [k, n]), strides: [1, k] } : contiguous(slot, dtype, [k, n]);
}

function multiply(m: number, n: number, k: number, transposed: boolean, a: Float32Array<ArrayBuffer>, b: Float32Array<ArrayBuffer>) {
  const matrices = { a: contiguous(0, float32, [m, k]), b: right(1, float32, k, n, transposed), out: contiguous(2, float32, [m, n]) };
  const [bytes] = runOnce({ inputs: 2, outputs: [m * n * 4], steps: [{ kind: 'matmul', dtype: float32, m, n, k, ...matrices }] }, [a, b]);
  return new Float32Array(bytes.buffer);
}

describe.each([false, true])('transposed: %s', (transposed) => {
  test.each([1, 2, 4, 7])('of %i rows, infinity times zero and NaN reach their column, or row, and no other', (m) => {
    const [n, k] = [403, 405];
    const [column, i] = [402, 404];
    const b = new Float32Array(n * k).fill(1);
    b[transposed ? column * k + i : i * n + column] = Number.POSITIVE_INFINITY;
    const a = new Float32Array(m * k);
    a[(m - 1) * k] = Number.NaN;
    const out = multiply(m, n, k, transposed, a, b);
    for (let position = 0; position < out.length; position++) {
      const expected = position % n === column || position >= (m - 1) * n ? Number.NaN : 0;
      if (!Object.is(out[position], expected)) expect({ position, value: out[position] }).toEqual({ position, value: expected });
    }
  });

  test.each([1, 3])('%i sums of 4096 products lose no more than some last digits', (m) => {
    const random = new Random(m);
    const [n, k] = [130, 4096];
    const [a, b] = [m * k, n * k].map((size) => Float32Array.from({ length: size }, () => random.int(0, 1 << 24) / (1 << 24)));
    const out = multiply(m, n, k, transposed, a, b);
    let worst = 0;
    for (let row = 0; row < m; row++) {
      for (let column = 0; column < n; column++) {
        let exact = 0;
        for (let i = 0; i < k; i++) exact += a[row * k + i] * b[transposed ? column * k + i : i * n + column];
        worst = Math.max(worst, Math.abs(out[row * n + column] - exact) / exact);
      }
    }
    expect(worst).toBeLessThan(16 * 2 ** -24);
  });
});

/** Run in processes of their own: products of many shapes, as digests. */
const products = `
  const path = require('node:path');
  const addon = require('node-gyp-build')(path.resolve('.')).create();
  const programs = JSON.parse(process.argv[1]);
  // Each half is a finite bfloat16, and two of them a finite float64.
  const data = Float32Array.from({ length: 4_000_000 }, (_, i) => Math.sin(i) * 10 ** (i % 3));
  const words = new Uint32Array(data.buffer);
  for (let i = 0; i < words.length; i++) words[i] = (words[i] & 0xffff0000) | (words[i] >>> 16);
  const input = addon.upload(new Uint8Array(data.buffer), {});
  const digests = programs.map(({ words, bytes }) => {
    const handle = addon.load(Int32Array.from(words));
    const outputs = new Int32Array(1);
    if (addon.run(handle, Int32Array.of(input), new Float64Array(0), [{}], outputs) !== 0) throw new Error(addon.lastError());
    const result = new Uint8Array(bytes);
    addon.download(outputs[0], 0, result);
    return require('node:crypto').createHash('sha256').update(result).digest('hex');
  });
  console.log(digests.join('\\n'));
`;

// BLAS, which multiplies where there are no vector units, sums differently in pieces of different sizes.
const own = addon().describe().simd !== 'portable';
(own ? test : test.skip)('sums do not depend on the number of threads', () => {
  const shapes = [
    [1, 1900, 1000],
    [1, 1000, 200],
    [3, 1000, 1000],
    [4, 900, 260],
    [6, 1030, 1700],
    [10, 1500, 300],
    [9, 2000, 300],
  ];
  const programs = [float32, float64, bfloat16].flatMap((dtype) =>
    shapes.flatMap(([m, n, k]) =>
      [false, true].map((transposed) => {
        const bytes = m * n * dtype.size;
        const matrices = { a: contiguous(0, dtype, [m, k]), b: right(0, dtype, k, n, transposed), out: contiguous(1, dtype, [m, n]) };
        return { words: [...encode({ inputs: 1, outputs: [bytes], steps: [{ kind: 'matmul', dtype, m, n, k, ...matrices }] })], bytes };
      }),
    ),
  );
  const run = (threads: number) =>
    execFileSync(process.execPath, ['-e', products, JSON.stringify(programs)], {
      env: { ...process.env, METALGRAD_THREADS: String(threads) },
      encoding: 'utf8',
    });
  const one = run(1);
  expect(one.trim().split('\n')).toHaveLength(programs.length);
  for (const threads of [2, 3, 8]) expect(run(threads)).toBe(one);
});
