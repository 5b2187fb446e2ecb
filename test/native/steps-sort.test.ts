/** The sort step against JavaScript's stable sort, on all dtypes and layouts. */

import { complex64, type Dtype, dtypes, float16, float32, float64, int64, uint8, uint32 } from '../../lib/dtype';
import { runOnce } from './harness';
import { any, identical, positions, Random, Strided, type Value } from './steps-arrays';

/** NaN last; both zeros equal; complex numbers as NumPy orders them. */
function compare(a: Value, b: Value): number {
  if (typeof a === 'object' && typeof b === 'object') {
    const rank = ([re, im]: readonly [number, number]) => (Number.isNaN(re) ? 2 : 0) + (Number.isNaN(im) ? 1 : 0);
    return rank(a) - rank(b) || compare(a[0], b[0]) || compare(a[1], b[1]);
  }
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

function checkSort(random: Random, dtype: Dtype, rows: number[], length: number, indices: boolean, value = () => any(random, dtype)): void {
  const input = Strided.random(random, dtype, [...rows, length]).fill(value);
  const out = Strided.random(random, indices ? uint32 : dtype, [...rows, length], true);
  if (out.elements === 0) return;
  const [bytes] = runOnce(
    { inputs: 1, outputs: [out.bytes.length], steps: [{ kind: 'sort', indices, rows, length, in: input.spec(0), out: out.spec(1) }] },
    [input.bytes],
  );
  const result = out.over(bytes);
  for (const row of positions(rows)) {
    const order = Array.from({ length }, (_, i) => ({ value: input.get([...row, i]), i }));
    order.sort((a, b) => compare(a.value, b.value));
    order.forEach(({ value, i }, at) => {
      const found = result.get([...row, at]);
      const wanted = indices ? BigInt(i) : value;
      if (!identical(found, wanted)) expect({ row, at, found }).toEqual({ row, at, found: wanted });
    });
  }
}

describe.each(dtypes)('%s', (dtype) => {
  test.each([
    ['values', false],
    ['positions', true],
  ] as const)('%s', (_, indices) => {
    const random = new Random(dtype.code + 1);
    const rows = () => Array.from({ length: random.int(0, 2) }, () => random.int(1, 4));
    for (let i = 0; i < 20; i++) checkSort(random, dtype, rows(), random.chance(10) ? 0 : random.int(1, 12), indices);
    for (let i = 0; i < 4; i++) checkSort(random, dtype, rows(), random.int(30, 400), indices);
    for (const length of [600, 3000, 6000]) checkSort(random, dtype, [], length, indices);
  });
});

test.each([float16, float32, int64])('rows of %s that the caches hold', (dtype) => {
  const random = new Random(dtype.code + 200);
  for (const indices of [false, true]) checkSort(random, dtype, [2], 40_000, indices);
});

test.each([uint8, float16, float32, float64, int64, complex64])('a row of %s that several threads share', (dtype) => {
  const random = new Random(dtype.code + 100);
  for (const indices of [false, true]) checkSort(random, dtype, [], 70_001, indices);
});

describe('a long row', () => {
  let at = 0;
  beforeEach(() => {
    at = 0;
  });
  const random = new Random(7);
  test.each<[string, () => number]>([
    ['of equal values', () => 1.5],
    ['of zeros of both signs', () => (random.chance(2) ? 0 : -0)],
    ['of two values, one of them rare', () => (random.chance(1000) ? -1 : 2)],
    ['that is sorted', () => at++],
    ['that descends', () => -at++],
    [
      'of which only a few do not begin with the same bits',
      () => (random.chance(1000) ? random.int(-9, 9) * 1e30 : 1 + random.int(0, 9999) / 2 ** 23),
    ],
  ])('%s', (_, value) => {
    for (const indices of [false, true]) {
      at = 0;
      checkSort(random, float32, [], 150_000, indices, value);
    }
  });
});
