/** Systems of equations, inverses, Cholesky factors and determinants hold what defines them, and say when they cannot. */

import * as mx from '../../lib';
import { bound, widest } from '../support/default';
import { adjoint, expectNear, eye, hilbert, largest, precisions, randomMatrix } from './matrices';

const { linalg } = mx;

describe.each(precisions)('in %s', (_name, dtype, epsilon) => {
  const orders = [1, 2, 3, 5, 17, 64];

  test.each(orders)('solve leaves a residual of rounding errors, order %i', (n) => {
    const a = randomMatrix([n, n], dtype, n);
    const b = randomMatrix([n, 3], dtype, n + 1);
    const x = linalg.solve(a, b);
    expect(x.dtype).toBe(dtype);
    expectNear(mx.matmul(a, x), b, 20 * n * epsilon * (1 + largest(x)) * 2);
  });

  test.each(orders)('inv times the matrix is the identity, order %i', (n) => {
    const a = randomMatrix([n, n], dtype, n).add(eye(n, dtype).multiply(2 * Math.sqrt(n)));
    expectNear(mx.matmul(a, linalg.inv(a)), eye(n, dtype), 100 * n * epsilon);
  });

  test.each(orders)('cholesky squared is the matrix, order %i', (n) => {
    const g = randomMatrix([n, n], dtype, n);
    const a = mx.matmul(g, adjoint(g)).add(eye(n, dtype));
    const l = linalg.cholesky(a);
    expectNear(mx.matmul(l, adjoint(l)), a, 20 * n * epsilon * (1 + largest(a)));
    const u = linalg.cholesky(a, true);
    expectNear(mx.matmul(adjoint(u), u), a, 20 * n * epsilon * (1 + largest(a)));
    expect(largest(mx.tril(u, -1))).toBe(0);
    expectNear(mx.matmul(a, linalg.choleskyInv(l)), eye(n, dtype), 300 * n * epsilon * (1 + largest(a)));
    expectNear(linalg.choleskyInv(u, true), linalg.choleskyInv(l), 100 * n * epsilon);
  });

  test.each(orders)('triangular systems read their triangle alone, order %i', (n) => {
    const a = randomMatrix([n, n], dtype, n).add(eye(n, dtype).multiply(2 * n));
    const b = randomMatrix([n], dtype, n);
    for (const upper of [false, true]) {
      const triangle = upper ? mx.triu(a) : mx.tril(a);
      expectNear(mx.matmul(triangle, linalg.solveTriangular(a, b, upper)), b, 50 * n * epsilon);
      expectNear(mx.matmul(triangle, linalg.triInv(a, { upper })), eye(n, dtype), 50 * n * epsilon);
    }
  });

  test('ill-conditioned systems have small residuals', () => {
    for (const n of [4, 6, 8, 10]) {
      const a = hilbert(n, dtype);
      const b = randomMatrix([n], dtype, n);
      const x = linalg.solve(a, b);
      expect(largest(mx.matmul(a, x).subtract(b)) / largest(x)).toBeLessThan(50 * n * epsilon);
    }
  });

  test('det and slogdet agree with products of eigenvalues', () => {
    for (const n of [0, 1, 2, 3, 4, 5, 9]) {
      const a = randomMatrix([2, n, n], dtype, n + 3);
      const det = linalg.det(a);
      const expected = n === 0 ? mx.ones([2]).astype(mx.complex64) : mx.prod(linalg.eigvals(a) as never, 1 as never);
      expectNear(det.astype(mx.complex64), expected as mx.array, 1e-4 * (1 + largest(det)));
      const [sign, logabs] = linalg.slogdet(a);
      expectNear(sign.multiply(mx.exp(logabs)), det, 100 * (n + 1) * epsilon * (1 + largest(det)));
    }
  });

  test('batches broadcast', () => {
    const a = randomMatrix([4, 1, 3, 3], dtype).add(eye(3, dtype).multiply(4));
    const b = randomMatrix([2, 3, 2], dtype, 2);
    const x = linalg.solve(a, b);
    expect(x.shape).toEqual([4, 2, 3, 2]);
    expectNear(mx.matmul(a, x), mx.broadcastTo(b, [4, 2, 3, 2]), 100 * epsilon);
  });
});

test('singular matrices are an error when they are evaluated, and nothing is lost by it', () => {
  const singular = mx.array([
    [1, 2],
    [2, 4],
  ]);
  expect(() => linalg.inv(singular).tolist()).toThrow('singular');
  expect(() => linalg.solve(singular, [1, 2]).tolist()).toThrow('singular');
  expect(() => linalg.solve(mx.zeros([3, 3]), mx.ones([3])).tolist()).toThrow('singular');
  expect(() =>
    linalg
      .triInv([
        [0, 0],
        [1, 1],
      ])
      .tolist(),
  ).toThrow('singular');
  expect(
    linalg
      .inv([
        [2, 0],
        [0, 4],
      ])
      .tolist(),
  ).toEqual([
    [0.5, 0],
    [0, 0.25],
  ]);
  expect(linalg.det(singular).item()).toBe(0);
  const [sign, logabs] = linalg.slogdet(singular);
  expect(sign.item()).toBeCloseTo(0, 15);
  expect(logabs.item()).toBe(-Infinity);
});

test('cholesky of a matrix that is not positive definite is an error', () => {
  expect(() =>
    linalg
      .cholesky([
        [1, 2],
        [2, 1],
      ])
      .tolist(),
  ).toThrow('not positive definite');
  expect(() => linalg.cholesky(mx.zeros([2, 2])).tolist()).toThrow('not positive definite');
});

test('asyncEval rejects with the same error', async () => {
  await expect(mx.asyncEval(linalg.inv(mx.zeros([2, 2])))).rejects.toThrow('singular');
});

test('NaN goes in and NaN comes out', () => {
  const a = mx.array([
    [NaN, 1],
    [1, 2],
  ]);
  expect(mx.isnan(linalg.cholesky(a)).all().item()).toBe(true);
  expect(mx.isnan(linalg.inv(a)).any().item()).toBe(true);
});

test('nothing is solved for no equations and no batch', () => {
  expect(linalg.solve(mx.zeros([0, 0]), mx.zeros([0, 2])).tolist()).toEqual([]);
  expect(linalg.inv(mx.zeros([0, 2, 2])).shape).toEqual([0, 2, 2]);
  expect(linalg.solve(eye(2, mx.float32), mx.zeros([2, 0])).shape).toEqual([2, 0]);
});

test('halves and integers are computed in float32', () => {
  expect(
    linalg.inv(
      mx
        .array([
          [2, 0],
          [0, 4],
        ])
        .astype(mx.int32),
    ).dtype,
  ).toBe(mx.float32);
  expect(
    linalg.inv(
      mx
        .array([
          [2, 0],
          [0, 4],
        ])
        .astype(mx.float16),
    ).dtype,
  ).toBe(mx.float32);
});

test('wrong shapes say what they are', () => {
  expect(() => linalg.inv(mx.ones([2, 3]))).toThrow('[linalg.inv] the matrix is not square: shape [2, 3]');
  expect(() => linalg.inv(mx.ones([3]))).toThrow('[linalg.inv] needs a matrix, or several, not an array of shape [3]');
  expect(() => linalg.solve(mx.ones([2, 2]), mx.ones([3]))).toThrow('shapes [2, 2] and [3]');
  expect(() => linalg.cholesky(eye(2, mx.float32), 1 as never)).toThrow('[linalg.cholesky] upper must be a boolean');
});

test('the derivative of the determinant of a singular matrix of order 3 is its cofactors', () => {
  const a = mx.array([
    [1, 2, 3],
    [2, 4, 6],
    [0, 1, 1],
  ]);
  const cofactors = mx.grad((x: mx.array) => linalg.det(x))(a);
  expect((cofactors as mx.array).tolist()).toEqual([
    [-2, -2, 2],
    [1, 1, -1],
    [0, 0, 0],
  ]);
});

test('a batch of one matrix and many right-hand sides is one system', () => {
  const a = randomMatrix([3, 3], widest).add(eye(3, widest).multiply(3));
  const b = randomMatrix([5, 3], widest, 2);
  const x = mx.vmap((column: mx.array) => linalg.solve(a, column))(b) as mx.array;
  expectNear(mx.matmul(x, a.T), b, bound(1e-14));
});
