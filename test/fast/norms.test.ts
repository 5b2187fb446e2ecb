import * as mx from '../../lib';
import { computable } from '../support/default';

const rows = [
  [1, -2, 3, 0.5],
  [0, 0, 0, 0],
  [1e3, 1e-3, -7, 2],
];
const weight = [1, 2, -1, 0.5];
const bias = [0, 1, 2, 3];

/** Sums carry what they lose (Neumaier). */
function mean(row: readonly number[]): number {
  let [sum, lost] = [0, 0];
  for (const x of row) {
    const next = sum + x;
    lost += Math.abs(sum) >= Math.abs(x) ? sum - next + x : x - next + sum;
    sum = next;
  }
  return (sum + lost) / row.length;
}

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

describe('against the definition in float64', () => {
  const draw = (shape: number[], seed: number): mx.array => mx.random.normal(shape, mx.float32, 0, 2, mx.random.key(seed));
  const exact = (x: mx.array): number[] => Array.from(x.reshape(-1).astype(mx.float64).toTypedArray() as Float64Array);

  function normed(row: readonly number[], centered: boolean, eps: number): number[] {
    const near = centered ? mean(row) : 0;
    const rest = centered ? mean(row.map((x) => x - near)) : 0;
    const moved = row.map((x) => x - near - rest);
    const factor = 1 / Math.sqrt(mean(moved.map((x) => x * x)) + eps);
    return moved.map((x) => x * factor);
  }

  /** The largest error of rows of `x`, in units of the last place of numbers near 1. */
  function worst(dtype: mx.Dtype, y: mx.array, x: mx.array, w: number[] | null, b: number[] | null, centered: boolean): number {
    const length = x.shape[x.ndim - 1];
    const [found, given] = [exact(y), exact(x)];
    const unit = dtype === mx.float16 ? 2 ** -11 : dtype === mx.bfloat16 ? 2 ** -8 : dtype === mx.float32 ? 2 ** -24 : 2 ** -53;
    let most = 0;
    for (let at = 0; at < given.length; at += length) {
      normed(given.slice(at, at + length), centered, 1e-5).forEach((value, i) => {
        const wanted = value * (w?.[i] ?? 1) + (b?.[i] ?? 0);
        const size = Math.max(1, Math.abs(wanted), Math.abs(value * (w?.[i] ?? 1)));
        most = Math.max(most, Math.abs(found[at + i] - wanted) / (unit * size));
      });
    }
    return most;
  }

  const dtypes: [string, mx.Dtype][] = [
    ['float64', mx.float64],
    ['float32', mx.float32],
    ['float16', mx.float16],
    ['bfloat16', mx.bfloat16],
  ];

  // Shorter than a vector, longer than a piece, longer than the device's own function takes.
  describe.each(computable(dtypes))('%s', (_name, dtype) => {
    test.each([[3, 1], [2, 3, 7], [5, 130], [1, 5000], ...(dtype === mx.float32 ? [[1, 70_000]] : [])])('rows of [%p …]', (...shape) => {
      const length = shape[shape.length - 1];
      const x = draw(shape, 1).add(7).astype(dtype);
      const [w, b] = [draw([length], 2).astype(dtype), draw([length], 3).astype(dtype)];
      const [weights, biases] = [exact(w), exact(b)];
      // Long rows are computed in the composed form, whose mean is that of sums; nothing wider carries sums of float64.
      const limit = length > 65_536 ? 64 : dtype === mx.float64 ? 32 : 6;
      expect(worst(dtype, mx.fast.layerNorm(x, w, b, 1e-5), x, weights, biases, true)).toBeLessThan(limit);
      expect(worst(dtype, mx.fast.layerNorm(x, w, null, 1e-5), x, weights, null, true)).toBeLessThan(limit);
      expect(worst(dtype, mx.fast.layerNorm(x, null, null, 1e-5), x, null, null, true)).toBeLessThan(limit);
      expect(worst(dtype, mx.fast.rmsNorm(x, w, 1e-5), x, weights, null, false)).toBeLessThan(limit);
      expect(worst(dtype, mx.fast.rmsNorm(x, null, 1e-5), x, null, null, false)).toBeLessThan(limit);
    });
  });

  test('operands may be views, and of other dtypes', () => {
    const x = draw([6, 4, 5], 4);
    const w = draw([12], 5).index(mx.Slice(null, null, -2));
    const view = x.transpose(2, 1, 0);
    const wanted = mx.fast.layerNorm(mx.array(view.tolist() as number[][][]), mx.array(w.tolist() as number[]), null, 0.1);
    expect(mx.allclose(mx.fast.layerNorm(view, w, null, 0.1), wanted).item()).toBe(true);
    const half = mx.fast.rmsNorm(view.astype(mx.float16), w, 0.1);
    expect(half.dtype).toBe(mx.float32);
    expect(mx.allclose(half, mx.fast.rmsNorm(view.astype(mx.float16).astype(mx.float32), w, 0.1)).item()).toBe(true);
  });

  test('the derivative of a row that was read before is the same', () => {
    const [x, w] = [draw([3, 8], 6), draw([8], 7)];
    const loss = (y: mx.array, v: mx.array): mx.array => mx.square(mx.fast.layerNorm(y, v, null, 0.1)).sum();
    const plain = mx.grad(loss, [0, 1])(x, w) as mx.array[];
    const reading = mx.grad(
      (y: mx.array, v: mx.array) => {
        mx.eval(mx.fast.layerNorm(y, v, null, 0.1));
        const out = mx.fast.layerNorm(y, v, null, 0.1);
        out.tolist();
        return mx.square(out).sum();
      },
      [0, 1],
    )(x, w) as mx.array[];
    plain.forEach((g, i) => {
      expect(mx.allclose(g, reading[i], 1e-5, 1e-6).item()).toBe(true);
    });
  });
});
