import * as mx from '../../lib';

/** The first NaN, else the first extreme. */
function expected(row: readonly number[], greatest: boolean): number {
  const nan = row.findIndex(Number.isNaN);
  if (nan >= 0) return nan;
  return row.indexOf(greatest ? row.reduce((a, b) => Math.max(a, b)) : row.reduce((a, b) => Math.min(a, b)));
}

function check(rows: readonly number[][], dtype: mx.Dtype): void {
  const x = mx.array(rows as number[][], dtype);
  for (const greatest of [true, false]) {
    const find = greatest ? mx.argmax : mx.argmin;
    const wanted = rows.map((row) => expected(row, greatest));
    expect(find(x, 1).tolist()).toEqual(wanted);
    expect(find(mx.contiguous(x.T), 0).tolist()).toEqual(wanted);
  }
}

let state = 1;
const random = (n: number) => {
  state = (state * 48271) % 2147483647;
  return state % n;
};

describe('argmax and argmin give the first position', () => {
  const lengths = [1, 2, 31, 63, 64, 65, 127, 128, 129, 200, 511, 512, 700, 5000];
  test.each([mx.float32, mx.float16, mx.bfloat16, mx.int8, mx.uint16, mx.int32])('among equal %s', (dtype) => {
    for (const length of lengths) {
      check(
        Array.from({ length: 3 }, () => Array.from({ length }, () => random(100))),
        dtype,
      );
    }
  });

  test.each([mx.float32, mx.float16])('where there are NaNs and infinities in %s', (dtype) => {
    for (const length of lengths) {
      const rows = Array.from({ length: 6 }, () => Array.from({ length }, () => random(50) - 25));
      rows[0][random(length)] = Number.NaN;
      for (let i = 0; i < 5; i++) rows[1][random(length)] = Number.NaN;
      rows[2].fill(Number.NaN);
      rows[3].fill(Number.NEGATIVE_INFINITY);
      rows[4].fill(Number.POSITIVE_INFINITY);
      rows[5][length - 1] = Number.NaN;
      check(rows, dtype);
    }
  });
});

test('sums over the first axis of rows longer and shorter than a block, for each number of rows', () => {
  for (const columns of [3, 100, 4096, 4100, 9000]) {
    for (const count of [1, 2, 3, 4, 5, 7, 8, 13]) {
      const values = Array.from({ length: count }, () => Array.from({ length: columns }, () => random(1000) - 500));
      const x = mx.array(values, mx.float32);
      const column = (f: (a: number, b: number) => number) => values.reduce((sum, row) => sum.map((a, i) => f(a, row[i])));
      expect(x.sum(0).tolist()).toEqual(column((a, b) => a + b));
      expect(x.max(0).tolist()).toEqual(column(Math.max));
      expect(x.astype(mx.int32).sum(0).tolist()).toEqual(column((a, b) => a + b));
    }
  }
});
