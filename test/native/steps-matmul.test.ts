/** The matmul step against a triple loop, on all dtypes and layouts. Sums are exact, so results are compared exactly. */

import { bfloat16, type Dtype, dtypes, float16, float32, float64 } from '../../lib/dtype';
import { contiguous } from './encode';
import { runOnce } from './harness';
import { plus, times, zero } from './steps-arithmetic';
import { convert, equal, positions, Random, Strided, small } from './steps-arrays';

interface Sizes {
  batch: number[];
  m: number;
  n: number;
  k: number;
}

/** Runs one random product of these sizes and checks some (or all) of its elements. */
function checkProduct(random: Random, dtype: Dtype, { batch, m, n, k }: Sizes, sample = 1): void {
  const a = Strided.random(random, dtype, [...batch, m, k]).fill(() => small(random, dtype));
  const b = Strided.random(random, dtype, [...batch, k, n]).fill(() => small(random, dtype));
  const out = Strided.random(random, dtype, [...batch, m, n], true);
  const [bytes] = runOnce(
    {
      inputs: 2,
      outputs: [out.bytes.length],
      steps: [{ kind: 'matmul', dtype, batch, m, n, k, a: a.spec(0), b: b.spec(1), out: out.spec(2) }],
    },
    [a.bytes, b.bytes],
  );
  const result = out.over(bytes);
  for (const index of positions(out.shape)) {
    if (sample > 1 && !random.chance(sample)) continue;
    const [row, column] = index.slice(-2);
    const outer = index.slice(0, -2);
    let sum = zero(dtype);
    for (let i = 0; i < k; i++) sum = plus(dtype, sum, times(dtype, a.get([...outer, row, i]), b.get([...outer, i, column])));
    const expected = convert(dtype, sum);
    if (!equal(result.get(index), expected)) expect({ index, value: result.get(index) }).toEqual({ index, value: expected });
  }
}

describe.each(dtypes)('%s', (dtype) => {
  test('small products in any layout', () => {
    const random = new Random(dtype.code + 1);
    const size = () => (random.chance(15) ? 0 : random.chance(3) ? 1 : random.int(2, 9));
    for (let i = 0; i < 60; i++) {
      const batch = Array.from({ length: random.int(0, 3) }, () => random.int(1, 3));
      checkProduct(random, dtype, { batch, m: size(), n: size(), k: size() });
    }
  });

  test('products that several threads share', () => {
    const random = new Random(dtype.code + 100);
    const sizes: Sizes[] = [
      { batch: [], m: 130, n: 150, k: 70 },
      { batch: [40], m: 20, n: 25, k: 30 },
      { batch: [3], m: 1, n: 700, k: 500 },
      { batch: [], m: 700, n: 1, k: 500 },
    ];
    for (const size of sizes) checkProduct(random, dtype, size, 50);
  });

  test('few rows times a large matrix', () => {
    const random = new Random(dtype.code + 200);
    checkProduct(random, dtype, { batch: [], m: 3, n: 530, k: 520 }, 20);
    checkProduct(random, dtype, { batch: [], m: 530, n: 4, k: 520 }, 20);
  });
});

test('long sums that give few numbers', () => {
  const random = new Random(5);
  for (const dtype of [float32, float64]) checkProduct(random, dtype, { batch: [], m: 2, n: 3, k: 70_001 });
});

/** A contiguous float32 product. */
function multiply(m: number, n: number, k: number, a: number[], b: number[]): number[] {
  const [bytes] = runOnce(
    {
      inputs: 2,
      outputs: [m * n * 4],
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
    },
    [Float32Array.from(a), Float32Array.from(b)],
  );
  return [...new Float32Array(bytes.buffer)];
}

test('zero times infinity is NaN, wherever it stands', () => {
  for (const m of [1, 2, 40]) {
    for (const n of [1, 3, 40]) {
      for (const k of [1, 7, 64]) {
        const b = new Array<number>(k * n).fill(1);
        b[0] = Number.POSITIVE_INFINITY;
        const out = multiply(m, n, k, new Array<number>(m * k).fill(0), b);
        out.forEach((value, i) => {
          expect(value).toBe(i % n === 0 ? Number.NaN : 0);
        });
      }
    }
  }
});

test('a sum of no products is zero', () => {
  expect(multiply(2, 3, 0, [], [])).toEqual([0, 0, 0, 0, 0, 0]);
});

test.each([
  [float16, 2048 + 1, 2048],
  [bfloat16, 256 + 1, 256],
] as const)('%s sums in float32 and rounds once', (dtype, exact, rounded) => {
  // One after the other, the ones would vanish in the large number; together they round to even.
  const k = exact - rounded + 4;
  const a = new Strided(dtype, [1, k], 0, [k, 1], k);
  const b = new Strided(dtype, [k, 1], 0, [1, 1], k);
  for (let i = 0; i < k; i++) {
    a.set([0, i], i === 0 ? rounded : 0.5);
    b.set([i, 0], 1);
  }
  const [bytes] = runOnce(
    {
      inputs: 2,
      outputs: [dtype.size],
      steps: [{ kind: 'matmul', dtype, m: 1, n: 1, k, a: a.spec(0), b: b.spec(1), out: contiguous(2, dtype, [1, 1]) }],
    },
    [a.bytes, b.bytes],
  );
  const out = new Strided(dtype, [1, 1], 0, [1, 1], 1).over(bytes);
  expect(out.get([0, 0])).toBe(convert(dtype, rounded + 0.5 * (k - 1)));
  expect(out.get([0, 0])).toBeGreaterThan(rounded);
});
