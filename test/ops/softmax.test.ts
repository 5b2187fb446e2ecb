import * as mx from 'metalgrad';
import { computable } from '../support/default';

const draw = (shape: number[], dtype: mx.Dtype) => mx.random.normal(shape, undefined, 0, 3, mx.random.key(3)).astype(dtype);

function rowsOf(x: mx.array): number[][] {
  const flat = x
    .astype(mx.float64)
    .reshape(-1, x.shape[x.ndim - 1])
    .tolist();
  return flat as number[][];
}

const reference = {
  softmax(row: number[]): number[] {
    const largest = Math.max(...row);
    const exponentials = row.map((value) => Math.exp(value - largest));
    const sum = exponentials.reduce((a, b) => a + b, 0);
    return exponentials.map((value) => value / sum);
  },
  logsumexp(row: number[]): number {
    const largest = Math.max(...row);
    return largest + Math.log(row.reduce((sum, value) => sum + Math.exp(value - largest), 0));
  },
};

const precisions: [string, mx.Dtype, number][] = [
  ['float32', mx.float32, 1e-6],
  ['float64', mx.float64, 1e-14],
  ['float16', mx.float16, 6e-4],
  ['bfloat16', mx.bfloat16, 5e-3],
];

describe.each(computable(precisions))('rows of %s', (_name, dtype, tolerance) => {
  // Rows shorter than a vector, longer than a piece, longer than the device's own function takes.
  test.each([
    [3, 1],
    [5, 7],
    [2, 3, 130],
    [3, 5000],
    [2, 70000],
  ])('softmax and logsumexp of [%p …] agree with the definition', (...shape) => {
    const x = draw(shape, dtype);
    const y = rowsOf(mx.softmax(x, -1));
    const l = mx.logsumexp(x, -1).astype(mx.float64).reshape(-1).tolist() as number[];
    // The largest error, in units of the tolerance.
    let worst = 0;
    rowsOf(x).forEach((row, i) => {
      reference.softmax(row).forEach((wanted, j) => {
        worst = Math.max(worst, Math.abs(y[i][j] - wanted) / Math.max(wanted, 1e-4));
      });
      const total = reference.logsumexp(row);
      worst = Math.max(worst, Math.abs(l[i] - total) / Math.abs(total));
    });
    expect(worst).toBeLessThanOrEqual(tolerance);
  });
});

test('the axes may be any, and the operand a view', () => {
  const x = draw([4, 6, 5], mx.float32);
  const whole = mx.exp(x).divide(mx.sum(mx.exp(x)));
  expect(mx.allclose(mx.softmax(x), whole, 1e-5).item()).toBe(true);
  expect(mx.allclose(mx.softmax(x, 0), mx.softmax(x.transpose(1, 2, 0), -1).transpose(2, 0, 1)).item()).toBe(true);
  expect(mx.allclose(mx.softmax(x.T, -1), mx.softmax(x, 0).T).item()).toBe(true);
  expect(mx.allclose(mx.logsumexp(x, [1, 2]), mx.log(mx.sum(mx.exp(x), [1, 2]))).item()).toBe(true);
});

test('infinities and NaN', () => {
  const { Infinity: inf } = globalThis;
  expect(mx.softmax([0, -inf], -1).tolist()).toEqual([1, 0]);
  expect(mx.softmax([1, Number.NaN], -1).tolist()).toEqual([Number.NaN, Number.NaN]);
  expect(mx.logsumexp([-inf, -inf], -1).item()).toBe(-inf);
  expect(mx.logsumexp([inf, 0], -1).item()).toBe(inf);
  expect(mx.logsumexp([0, Number.NaN], -1).item()).toBeNaN();
  expect(
    mx
      .grad((x: mx.array) => mx.logsumexp(x, -1))(mx.array([-inf, -inf]))
      .tolist(),
  ).toEqual([0, 0]);
  expect(mx.softmax([1e30, -1e30], -1).tolist()).toEqual([1, 0]);
});
