/** Normal vectors have the mean and the covariance that was asked for. */

import * as mx from '../../lib';
import { bound, widest } from '../support/default';

const cov = [
  [2, 0.5, 0],
  [0.5, 1, -0.3],
  [0, -0.3, 0.5],
];

test('samples have the mean and the covariance', () => {
  const x = mx.random.multivariateNormal([1, -2, 3], cov, [50000], widest, mx.random.key(3));
  expect([x.shape, x.dtype]).toEqual([[50000, 3], widest]);
  const mean = x.mean(0);
  const centred = x.subtract(mean);
  const found = mx.matmul(centred.T, centred).divide(50000).tolist() as number[][];
  (mean.tolist() as number[]).forEach((value, i) => {
    expect(Math.abs(value - [1, -2, 3][i])).toBeLessThan(0.03);
  });
  found.flat().forEach((value, i) => {
    expect(Math.abs(value - cov.flat()[i])).toBeLessThan(0.04);
  });
});

test('batches of means and covariances broadcast to the shape', () => {
  const means = mx.zeros([4, 1, 3]);
  const covs = mx.broadcastTo(mx.eye(3), [2, 3, 3]);
  expect(mx.random.multivariateNormal(means, covs).shape).toEqual([4, 2, 3]);
  expect(mx.random.multivariateNormal(means, covs, { shape: [5, 4, 2] }).shape).toEqual([5, 4, 2, 3]);
  expect(mx.random.multivariateNormal([0, 0, 0], mx.eye(3)).shape).toEqual([3]);
});

test('a covariance that is only semidefinite works', () => {
  const x = mx.random.multivariateNormal(
    [0, 0],
    [
      [1, 1],
      [1, 1],
    ],
    [10],
    widest,
    mx.random.key(1),
  );
  expect(
    mx
      .abs(x.index('...', 0).subtract(x.index('...', 1)))
      .max()
      .item(),
  ).toBeLessThan(bound(1e-7, 2e-3));
});

test('the derivative with respect to a covariance of equal variances is finite', () => {
  const spread = (c: mx.array) => mx.square(mx.random.multivariateNormal([0, 0], c, [7], widest, mx.random.key(1))).sum();
  const gradient = mx.grad(spread)(mx.eye(2).astype(widest)) as mx.array;
  expect(mx.isfinite(gradient).all().item()).toBe(true);
});

test('wrong shapes and dtypes', () => {
  expect(() => mx.random.multivariateNormal([0, 0], mx.eye(3))).toThrow('[random.multivariateNormal] needs mean […, n] and cov […, n, n]');
  expect(() => mx.random.multivariateNormal([0], [[1]], [], mx.int32)).toThrow('[random.multivariateNormal] dtype');
});
