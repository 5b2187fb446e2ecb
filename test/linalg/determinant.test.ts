/** Derivatives of determinants, at singular matrices too: against the adjugate from minors, and against differences. */

import * as mx from '../../lib';
import { useCpu } from '../support/default';
import { expectClose } from '../transforms/support';

useCpu();

type array = mx.array;

/** The determinant by definition, along the first row. */
function minors(a: number[][]): number {
  if (a.length === 0) return 1;
  return a[0].reduce(
    (total, value, j) => total + (j % 2 === 0 ? 1 : -1) * value * minors(a.slice(1).map((row) => row.filter((_, k) => k !== j))),
    0,
  );
}

const cofactors = (a: number[][]): number[][] =>
  a.map((row, i) =>
    row.map((_, j) => ((i + j) % 2 === 0 ? 1 : -1) * minors(a.filter((_, k) => k !== i).map((other) => other.filter((_, k) => k !== j)))),
  );

const random = (n: number, seed: number): array => mx.random.normal([n, n], mx.float32, 0, 1, mx.random.key(seed)).astype(mx.float64);
/** A matrix of this rank. */
const ofRank = (n: number, rank: number): array =>
  random(n, 1)
    .index('...', mx.Slice(0, rank))
    .matmul(random(n, 2).index(mx.Slice(0, rank)));

const cases: [string, array][] = [
  ['regular', random(5, 3)],
  ['the identity', mx.eye(4).astype(mx.float64)],
  ['repeated singular values', mx.diag(mx.array([2, 2, -2, 3, 3])).astype(mx.float64)],
  ['of rank n - 1', ofRank(5, 4)],
  ['of rank n - 2', ofRank(4, 2)],
  ['of rank 1', ofRank(4, 1)],
  ['zero', mx.zeros([4, 4], mx.float64)],
];

describe.each(cases)('%s', (_name, a) => {
  const lists = a.tolist() as number[][];

  test('the gradient is the cofactors', () => {
    expectClose(mx.linalg.det(a), minors(lists), 1e-9);
    expectClose(mx.grad((a: array) => mx.linalg.det(a))(a), cofactors(lists), 1e-9);
    expectClose(mx.vmap(mx.grad((a: array) => mx.linalg.det(a)))(mx.stack([a, a])), [cofactors(lists), cofactors(lists)], 1e-9);
  });

  test('second derivatives, against differences of the cofactors', () => {
    const v = random(lists.length, 7);
    const h = 1e-4;
    const shifted = (by: number): number[][] => cofactors(a.add(v.multiply(by)).tolist() as number[][]);
    const [up, down] = [shifted(h), shifted(-h)];
    const expected = up.map((row, i) => row.map((value, j) => (value - down[i][j]) / (2 * h)));
    const gradient = mx.grad((a: array) => mx.linalg.det(a));
    expectClose(mx.jvp(gradient, [a], [v])[1], [expected], 1e-6);
    expectClose(mx.grad((a: array) => gradient(a).multiply(v).sum())(a), expected, 1e-6);
  });
});

test('complex matrices', () => {
  const [re, im] = [random(4, 5), random(4, 6)].map((x) => x.astype(mx.complex64));
  const a = re.add(im.multiply({ re: 0, im: 1 }));
  mx.checkGrads((a: array) => mx.real(mx.linalg.det(a)), [a]);
});

test('float32, a batch, and orders beyond those of the definition', () => {
  const a = mx.random.normal([2, 12, 12], mx.float32, 0, 1, mx.random.key(8));
  const expected = mx.linalg
    .det(a)
    .reshape(2, 1, 1)
    .multiply(mx.swapaxes(mx.linalg.inv(a), 1, 2));
  const actual = mx.grad((a: array) => mx.linalg.det(a).sum())(a);
  expectClose(actual.divide(mx.abs(expected).max()), expected.divide(mx.abs(expected).max()), 1e-3);
});
