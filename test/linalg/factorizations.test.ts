/** Factorizations multiply to what was factorized, in every precision, for oblong, ill-conditioned and rank-deficient matrices. */

import * as mx from '../../lib';
import { widest } from '../support/default';
import { adjoint, expectNear, eye, hilbert, largest, precisions, randomMatrix } from './matrices';

const { linalg } = mx;
const shapes: readonly (readonly number[])[] = [
  [1, 1],
  [2, 2],
  [5, 5],
  [40, 40],
  [7, 3],
  [3, 7],
  [2, 3, 4, 3],
  [3, 1, 6],
];

/** Rank one less than full, with a repeated row. */
function deficient(dtype: mx.Dtype): mx.array {
  const a = randomMatrix([4, 4], dtype);
  return mx.concatenate([a.index(mx.Slice(0, 3)), a.index(mx.Slice(0, 1))], 0);
}

describe.each(precisions)('in %s', (_name, dtype, epsilon) => {
  const matrices = (): mx.array[] => [
    ...shapes.map((shape, i) => randomMatrix(shape, dtype, i)),
    hilbert(8, dtype),
    deficient(dtype),
    mx.zeros([3, 2]).astype(dtype),
    eye(4, dtype),
  ];
  const tolerance = (a: mx.array): number => 20 * Math.max(...a.shape.slice(-2)) * epsilon * (1 + largest(a));

  test('qr', () => {
    for (const a of matrices()) {
      const [q, r] = linalg.qr(a);
      expectNear(mx.matmul(q, r), a, tolerance(a));
      const k = q.shape[q.shape.length - 1];
      expectNear(mx.matmul(adjoint(q), q), mx.broadcastTo(eye(k, dtype), [...a.shape.slice(0, -2), k, k]), tolerance(a));
      expect(largest(mx.tril(r, -1))).toBe(0);
    }
  });

  test('svd', () => {
    for (const a of matrices()) {
      const [u, s, vt] = linalg.svd(a);
      const [m, n] = a.shape.slice(-2);
      const k = Math.min(m, n);
      const batch = a.shape.slice(0, -2);
      expect([u.shape, s.shape, vt.shape]).toEqual([
        [...batch, m, m],
        [...batch, k],
        [...batch, n, n],
      ]);
      const left = u.index('...', mx.Slice(0, k)).multiply(mx.expandDims(s, -2));
      expectNear(mx.matmul(left, vt.index('...', mx.Slice(0, k), mx.Slice())), a, tolerance(a));
      expectNear(mx.matmul(adjoint(u), u), mx.broadcastTo(eye(m, dtype), [...batch, m, m]), tolerance(a));
      expectNear(mx.matmul(vt, adjoint(vt)), mx.broadcastTo(eye(n, dtype), [...batch, n, n]), tolerance(a));
      expect(mx.all(mx.greaterEqual(s.index('...', mx.Slice(0, k - 1)), s.index('...', mx.Slice(1)))).item()).toBe(true);
      expectNear(linalg.svd(a, false), s, tolerance(a));
    }
  });

  test('eigh and eigvalsh', () => {
    for (const general of matrices().filter(({ shape }) => shape.at(-1) === shape.at(-2))) {
      const a = general.add(adjoint(general));
      const [w, v] = linalg.eigh(a);
      expectNear(mx.matmul(a, v), v.multiply(mx.expandDims(w, -2)), tolerance(a));
      expectNear(mx.matmul(adjoint(v), v), eye(a.shape[0], dtype), tolerance(a));
      expectNear(linalg.eigvalsh(mx.triu(a), 'U'), w, tolerance(a));
      expectNear(linalg.eigvalsh(mx.tril(a)), w, tolerance(a));
    }
  });

  test('eig and eigvals', () => {
    for (const n of [1, 2, 3, 10, 30]) {
      const a = randomMatrix([2, n, n], dtype, n);
      const [w, v] = linalg.eig(a);
      expect([w.dtype, v.dtype]).toEqual([mx.complex64, mx.complex64]);
      expectNear(mx.matmul(a.astype(mx.complex64), v), v.multiply(mx.expandDims(w, -2)), 3e-5 * n);
      expectNear(mx.sum(mx.square(mx.abs(v)), -2), mx.ones([2, n]), 1e-5);
      expectNear(mx.sum(w, -1), mx.trace(a, 0, 1, 2).astype(mx.complex64), 2e-5 * n);
    }
  });

  test('lu and luFactor', () => {
    for (const a of matrices()) {
      const [p, l, u] = linalg.lu(a);
      const rows = mx.broadcastTo(mx.expandDims(p, -1), [...p.shape, l.shape[l.shape.length - 1]]);
      expectNear(mx.matmul(mx.takeAlongAxis(l, rows, -2), u), a, tolerance(a));
      expect(largest(mx.triu(l, 1))).toBe(0);
      expect(largest(mx.tril(u, -1))).toBe(0);
      expect(largest(l)).toBeLessThanOrEqual(1.5);
      const [factors, pivots] = linalg.luFactor(a);
      expect(pivots.dtype).toBe(mx.uint32);
      const k = Math.min(...a.shape.slice(-2));
      expectNear(mx.triu(factors).index('...', mx.Slice(0, k), mx.Slice()), u, 0);
    }
  });

  test('pinv obeys the equations of Moore and Penrose', () => {
    for (const a of matrices()) {
      if (a.shape[a.shape.length - 1] === 8) continue; // the cut-off hides what is small in the Hilbert matrix
      const p = linalg.pinv(a);
      const scale = 50 * tolerance(a) * (1 + largest(p)) ** 2;
      expectNear(mx.matmul(mx.matmul(a, p), a), a, scale);
      expectNear(mx.matmul(mx.matmul(p, a), p), p, scale * (1 + largest(p)));
      const ap = mx.matmul(a, p);
      expectNear(adjoint(ap), ap, scale);
    }
  });
});

test('derivatives at repeated eigenvalues and singular values are finite', () => {
  const a = eye(3, widest);
  const finite = (x: unknown): boolean =>
    mx
      .isfinite(x as mx.array)
      .all()
      .item() as boolean;
  expect(
    finite(
      mx.grad((x: mx.array) =>
        linalg
          .eigh(x)[1]
          .multiply(randomMatrix([3, 3], widest))
          .sum(),
      )(a),
    ),
  ).toBe(true);
  expect(
    finite(
      mx.grad((x: mx.array) =>
        linalg
          .svd(x)[0]
          .multiply(randomMatrix([3, 3], widest))
          .sum(),
      )(a),
    ),
  ).toBe(true);
  expect(finite(mx.grad((x: mx.array) => linalg.svd(x, false).sum())(mx.zeros([3, 2])))).toBe(true);
  expect(finite(mx.grad((x: mx.array) => linalg.norm(x))(mx.zeros([3])))).toBe(true);
});

test('matrices that are not finite give NaN, not a hang', () => {
  const a = mx.array([
    [NaN, 1],
    [1, Infinity],
  ]);
  for (const x of [...linalg.svd(a), ...linalg.eigh(a), linalg.svd(a, false)]) expect(mx.isnan(x).all().item()).toBe(true);
  for (const x of linalg.eig(a)) expect(mx.isnan(mx.real(x)).all().item()).toBe(true);
});

test('matrices with no rows or columns', () => {
  const [u, s, vt] = linalg.svd(mx.zeros([3, 0]));
  expect([u.tolist(), s.tolist(), vt.shape]).toEqual([mx.eye(3).tolist(), [], [0, 0]]);
  expect(linalg.qr(mx.zeros([0, 2])).map((x) => x.shape)).toEqual([
    [0, 0],
    [0, 2],
  ]);
  expect(linalg.lu(mx.zeros([2, 0]))[0].tolist()).toEqual([0, 1]);
  expect(linalg.pinv(mx.zeros([2, 0])).shape).toEqual([0, 2]);
  expect(linalg.eigh(mx.zeros([0, 0])).map((x) => x.shape)).toEqual([[0], [0, 0]]);
});

test('eigenvalues of a rotation', () => {
  const [w] = linalg.eig([
    [0, 1],
    [-1, 0],
  ]);
  expect(w.tolist()).toEqual([
    { re: 0, im: 1 },
    { re: 0, im: -1 },
  ]);
});

test('wrong arguments', () => {
  expect(() => linalg.eigh(eye(2, mx.float32), 'X' as never)).toThrow("[linalg.eigh] uplo is 'L' or 'U', not \"X\"");
  expect(() => linalg.qr(mx.ones([2]))).toThrow('[linalg.qr] needs a matrix');
});
