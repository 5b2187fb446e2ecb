import * as mx from '../../lib';

const rows = [
  [1, -2, 3, 0.5],
  [0, 0, 0, 0],
  [1e3, 1e-3, -7, 2],
];
const weight = [1, 2, -1, 0.5];
const bias = [0, 1, 2, 3];
const mean = (row: readonly number[]): number => row.reduce((a, b) => a + b, 0) / row.length;

function expectRows(actual: mx.array, expected: readonly (readonly number[])[], digits = 5): void {
  (actual.tolist() as number[][]).forEach((row, i) => {
    row.forEach((x, j) => {
      expect(x).toBeCloseTo(expected[i][j], digits);
    });
  });
}

describe('rmsNorm', () => {
  const normed = rows.map((row) => row.map((x) => x / Math.sqrt(mean(row.map((y) => y * y)) + 1e-5)));

  test('divides by the root of the mean square', () => {
    expectRows(mx.fast.rmsNorm(rows, null, 1e-5), normed);
    const weighted = normed.map((row) => row.map((x, i) => x * weight[i]));
    expectRows(mx.fast.rmsNorm(rows, weight, 1e-5), weighted);
    expectRows(mx.fast.rmsNorm(rows, { weight, eps: 1e-5 }), weighted);
  });

  test('computes 16-bit floats in float32', () => {
    const x = mx.full([1000], 100, mx.float16);
    const out = mx.fast.rmsNorm(x, mx.ones([1000], mx.float16), 1e-5);
    expect(out.dtype).toBe(mx.float16);
    expect(out.index(0).item()).toBe(1);
    expect(mx.fast.rmsNorm(x, mx.ones([1000]), 1e-5).dtype).toBe(mx.float32);
  });

  test('refuses what does not fit', () => {
    expect(() => mx.fast.rmsNorm(rows, [1, 2], 1e-5)).toThrow('[fast.rmsNorm] weights must have the shape of the last axis, [4], not [2]');
    expect(() => mx.fast.rmsNorm(mx.array([1, 2], mx.int32), null, 1e-5)).toThrow('[fast.rmsNorm] array must be real floats, not int32');
    expect(() => mx.fast.rmsNorm(rows, null)).toThrow('[fast.rmsNorm] eps is missing');
    expect(() => mx.fast.rmsNorm(1, null, 1e-5)).toThrow('[fast.rmsNorm] array needs at least 1 axis');
  });
});

describe('layerNorm', () => {
  const normed = rows.map((row) => {
    const centered = row.map((x) => x - mean(row));
    return centered.map((x) => x / Math.sqrt(mean(centered.map((y) => y * y)) + 1e-5));
  });

  test('subtracts the mean and divides by the standard deviation', () => {
    expectRows(mx.fast.layerNorm(rows, null, null, 1e-5), normed);
    expectRows(
      mx.fast.layerNorm(rows, weight, bias, 1e-5),
      normed.map((row) => row.map((x, i) => x * weight[i] + bias[i])),
    );
    expectRows(
      mx.fast.layerNorm(rows, null, bias, 1e-5),
      normed.map((row) => row.map((x, i) => x + bias[i])),
    );
  });

  test('loses nothing to a large mean', () => {
    const x = mx.array([1e4, 1e4 + 1, 1e4 + 2]);
    const [low, , high] = mx.fast.layerNorm(x, null, null, 0).tolist() as number[];
    expect(low).toBeCloseTo(-Math.sqrt(1.5), 3);
    expect(high).toBeCloseTo(Math.sqrt(1.5), 3);
  });
});
