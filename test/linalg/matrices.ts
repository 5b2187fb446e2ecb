/** Matrices for the tests: random, ill-conditioned, rank-deficient. */

import * as mx from '../../lib';
import { generator } from '../matrix/random';
import { computable, made, onCpu } from '../support/default';

export const precisions = computable<[string, mx.Dtype, number]>([
  ['float32', mx.float32, 2 ** -23],
  ['float64', mx.float64, 2 ** -52],
  ['complex64', mx.complex64, 2 ** -23],
]);

/** Numbers in [-1, 1), complex ones in both parts. */
export function randomMatrix(shape: readonly number[], dtype: mx.Dtype, seed = 1): mx.array {
  const random = generator(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  const draw = () => mx.array(Float64Array.from({ length: size }, () => random() * 2 - 1)).reshape([...shape]);
  return made(() => {
    if (dtype !== mx.complex64) return draw().astype(dtype);
    return draw()
      .astype(dtype)
      .add(draw().astype(dtype).multiply({ re: 0, im: 1 }));
  });
}

/** 1 / (i + j + 1): the condition number grows like exp(3.5 · order). */
export function hilbert(order: number, dtype: mx.Dtype): mx.array {
  return onCpu(() => {
    const rows = mx.arange(order).astype(mx.float64);
    return mx.reciprocal(rows.reshape(order, 1).add(rows).add(1)).astype(dtype);
  });
}

export const adjoint = (x: mx.array): mx.array => mx.conjugate(mx.swapaxes(x, -1, -2));

export const eye = (order: number, dtype: mx.Dtype): mx.array => mx.eye(order).astype(dtype);

/** The largest |element|. */
export const largest = (x: mx.array): number => (x.size === 0 ? 0 : (mx.abs(x).max().item() as number));

/** Passes if |a - b| ≤ tolerance everywhere. */
export function expectNear(a: mx.array, b: mx.array, tolerance: number): void {
  expect(a.shape).toEqual(b.shape);
  expect(largest(a.subtract(b))).toBeLessThanOrEqual(tolerance);
}
