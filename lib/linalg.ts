/** Linear algebra on batches of matrices: the last two axes are rows and columns, those in front are a batch. */

import { type ArrayInput, type array, toNode, wrap } from './array';
import { complex64, type Dtype, float32, float64, promoteTypes } from './dtype';
import { rangeError, showShape, typeError } from './errors';
import type { Node, Shape } from './graph/node';
import { booleanArgument, conform, describe } from './ops/arguments';
import { type Call, defineOp, type Operand, operand } from './ops/registry';
import * as p from './primitives';
import * as la from './primitives/linalg';
import { broadcastShapes } from './shape';

export { cross, norm } from './ops/norms';

type Unary<Result> = Call<[array: ArrayInput], [], object, Result>;
type Upper<Required extends readonly unknown[]> = Call<Required, [upper?: boolean], { upper: boolean }, array>;
type Triangle<Result> = Call<[array: ArrayInput], [uplo?: 'L' | 'U'], { uplo: 'L' | 'U' }, Result>;

/** The dtype that a matrix is computed in: float64 and complex64 stay, everything else is float32. */
function matrixDtype(dtype: Dtype): Dtype {
  return dtype === float64 || dtype === complex64 ? dtype : float32;
}

function matrixNode(where: string, value: ArrayInput): Node {
  const x = toNode(value, undefined, where);
  if (x.shape.length < 2) throw rangeError(where, `needs a matrix, or several, not an array of shape ${showShape(x.shape)}`);
  return p.astype(x, matrixDtype(x.dtype));
}

function squareNode(where: string, value: ArrayInput): Node {
  const x = matrixNode(where, value);
  const [rows, columns] = x.shape.slice(-2);
  if (rows !== columns) throw rangeError(where, `the matrix is not square: shape ${showShape(x.shape)}`);
  return x;
}

/** A square matrix far from singular, for the law tests. */
const regular = (shape: Shape, dtype?: Dtype): Operand =>
  operand(shape, { low: -0.5, high: 0.5, diagonal: 2, ...(dtype === undefined ? {} : { dtype }) });

const squareCases = () => [
  { args: [regular([3, 3])], tolerance: 10 },
  { args: [regular([2, 2, 2])], tolerance: 10 },
  { args: [regular([1, 1])], tolerance: 10 },
  { args: [regular([2, 2], complex64)], tolerance: 10 },
];

const upperCases = () => [
  ...squareCases(),
  { args: [regular([3, 3]), true], tolerance: 10 },
  { args: [regular([2, 2], complex64), true], tolerance: 10 },
];

function unary<Result>(
  name: string,
  cases: () => readonly { args: readonly unknown[] }[],
  implementation: (x: ArrayInput) => Result,
): Unary<Result> {
  return defineOp<Unary<Result>>({ name, method: false, parameters: ['array'], cases }, implementation);
}

/** `a` and `b` with one dtype and equal batch axes; a vector `b` becomes a column. */
function sides(where: string, a: ArrayInput, b: ArrayInput): { a: Node; b: Node; restore: (x: Node) => Node } {
  const left = squareNode(where, a);
  const given = toNode(b, undefined, where);
  if (given.shape.length === 0) throw rangeError(where, 'b needs an axis of equations: shape []');
  const isVector = given.shape.length === 1;
  const right = isVector ? p.reshape(given, [...given.shape, 1]) : given;
  const dtype = promoteTypes(left.dtype, matrixDtype(right.dtype));
  const order = left.shape[left.shape.length - 1];
  const [rows, columns] = right.shape.slice(-2);
  if (rows !== order) {
    throw rangeError(where, `the rows of b must be those of a: shapes ${showShape(left.shape)} and ${showShape(given.shape)}`);
  }
  const batch = broadcastShapes(where, left.shape.slice(0, -2), right.shape.slice(0, -2));
  return {
    a: conform(left, [...batch, order, order], dtype),
    b: conform(right, [...batch, order, columns], dtype),
    restore: (x) => (isVector ? p.reshape(x, [...batch, order]) : x),
  };
}

const sideCases = (more: readonly unknown[] = []) => [
  { args: [regular([3, 3]), operand([3, 2]), ...more], tolerance: 10 },
  { args: [regular([3, 3]), operand([3]), ...more], tolerance: 10 },
  { args: [regular([2, 2, 2]), operand([2, 1]), ...more], tolerance: 10 },
  { args: [regular([2, 2], complex64), operand([2, 2], { dtype: complex64 }), ...more], tolerance: 10 },
];

/**
 * The x with `a` @ x = `b`. `b` is a vector, or has the right-hand sides in its columns; batch axes broadcast. Integers and 16-bit floats are
 * computed in float32.
 *
 * @throws Error, when it is evaluated, if a matrix is singular.
 * @example
 * mx.linalg.solve([[2, 0], [0, 4]], [2, 4]); // array([1, 1], dtype=float32)
 */
export const solve = defineOp<Call<[a: ArrayInput, b: ArrayInput], [], object, array>>(
  { name: 'linalg.solve', method: false, parameters: ['a', 'b'], cases: () => sideCases() },
  (a: ArrayInput, b: ArrayInput): array => {
    const { a: left, b: right, restore } = sides('linalg.solve', a, b);
    return wrap(restore(la.solve(left, right)));
  },
);

/**
 * The x with `a` @ x = `b` for a lower triangular `a`, or an upper one where `upper`. The other triangle is not read.
 *
 * @throws Error, when it is evaluated, if the diagonal has a zero.
 * @example
 * mx.linalg.solveTriangular([[2, 0], [1, 1]], [2, 2]); // array([1, 1], dtype=float32)
 */
export const solveTriangular = defineOp<Upper<[a: ArrayInput, b: ArrayInput]>>(
  {
    name: 'linalg.solveTriangular',
    method: false,
    parameters: ['a', 'b', 'upper?'],
    cases: () => [...sideCases(), ...sideCases([true])],
  },
  (a: ArrayInput, b: ArrayInput, upper?: boolean): array => {
    const where = 'linalg.solveTriangular';
    const { a: left, b: right, restore } = sides(where, a, b);
    const attrs = { upper: booleanArgument(where, 'upper', upper, false), adjoint: false, unit: false };
    return wrap(restore(la.triangularSolve(left, right, attrs)));
  },
);

/**
 * The inverses of square matrices.
 *
 * @throws Error, when it is evaluated, if a matrix is singular.
 * @example
 * mx.linalg.inv([[2, 0], [0, 4]]); // array([[0.5, 0],\n       [0, 0.25]], dtype=float32)
 */
export const inv = unary('linalg.inv', squareCases, (x): array => {
  const a = squareNode('linalg.inv', x);
  return wrap(la.solve(a, la.identities(a.shape, a.dtype)));
});

function triangularInverse(a: Node, upper: boolean): Node {
  return la.triangularSolve(a, la.identities(a.shape, a.dtype), { upper, adjoint: false, unit: false });
}

function upperOp(name: string, implementation: (a: Node, upper: boolean) => Node): Upper<[array: ArrayInput]> {
  return defineOp<Upper<[array: ArrayInput]>>(
    { name, method: false, parameters: ['array', 'upper?'], cases: upperCases },
    (x: ArrayInput, upper?: boolean): array => wrap(implementation(squareNode(name, x), booleanArgument(name, 'upper', upper, false))),
  );
}

/**
 * The inverses of lower triangular matrices, or of upper ones where `upper`. The other triangle is not read.
 *
 * @throws Error, when it is evaluated, if the diagonal has a zero.
 * @example
 * mx.linalg.triInv([[2, 0], [0, 4]]); // array([[0.5, 0],\n       [0, 0.25]], dtype=float32)
 */
export const triInv = upperOp('linalg.triInv', triangularInverse);

/**
 * The lower triangular L with L @ Lᴴ = a, or the upper U with Uᴴ @ U = a where `upper`. Only that triangle of `a` is read, so derivatives with respect
 * to the other one are 0.
 *
 * @throws Error, when it is evaluated, if a matrix is not positive definite.
 * @example
 * mx.linalg.cholesky([[4, 2], [2, 2]]); // array([[2, 0],\n       [1, 1]], dtype=float32)
 */
export const cholesky = upperOp('linalg.cholesky', (a, upper) => (upper ? la.adjoint(la.cholesky(la.adjoint(a))) : la.cholesky(a)));

/**
 * The inverse of the matrix whose Cholesky factor is given: of L @ Lᴴ, or of Uᴴ @ U where `upper`.
 *
 * @example
 * mx.linalg.choleskyInv([[2, 0], [0, 1]]); // array([[0.25, 0],\n       [0, 1]], dtype=float32)
 */
export const choleskyInv = upperOp('linalg.choleskyInv', (factor, upper) => {
  const inverse = triangularInverse(factor, upper);
  return upper ? p.matmul(inverse, la.adjoint(inverse)) : p.matmul(la.adjoint(inverse), inverse);
});

/**
 * The determinants of square matrices. Derivatives are right for singular matrices too: they are products of singular values, and no inverse.
 *
 * @example
 * mx.linalg.det([[1, 2], [3, 4]]); // array(-2, dtype=float32)
 */
export const det = unary(
  'linalg.det',
  () => [...squareCases(), { args: [regular([4, 4])], tolerance: 100 }],
  (x): array => wrap(la.determinant(squareNode('linalg.det', x))),
);

/**
 * `[sign, logabsdet]`: the determinant is sign · exp(logabsdet), without overflow. A singular matrix has 0 and -inf.
 *
 * @example
 * mx.linalg.slogdet([[1, 2], [3, 4]]); // [array(-1, dtype=float32), array(0.693147, dtype=float32)]
 */
export const slogdet = unary('linalg.slogdet', squareCases, (x): [sign: array, logabsdet: array] => {
  const a = squareNode('linalg.slogdet', x);
  const { diagonal, sign } = la.luDiagonal(a);
  const last = diagonal.shape.length - 1;
  const sizes = p.abs(diagonal);
  const units = p.sign(diagonal);
  return [wrap(p.multiply(sign, p.prod(units, [last]))), wrap(p.sum(p.log(sizes), [last]))];
});

const oblong = (shape: Shape, dtype?: Dtype): Operand => regular(shape, dtype);

/**
 * The pseudo-inverses (Moore and Penrose). Singular values up to 10 · max(rows, columns) · ε times the largest count as 0.
 *
 * @example
 * mx.linalg.pinv([[1], [1]]); // array([[0.5, 0.5]], dtype=float32)
 */
export const pinv = unary(
  'linalg.pinv',
  () => [...squareCases(), { args: [oblong([3, 2])], tolerance: 10 }, { args: [oblong([2, 2, 3])], tolerance: 10 }],
  (x): array => {
    const a = matrixNode('linalg.pinv', x);
    const epsilon = a.dtype === float64 ? 2 ** -52 : 2 ** -23;
    return wrap(la.pinv(a, 10 * Math.max(...a.shape.slice(-2)) * epsilon));
  },
);

const factorCases = () => [
  ...squareCases(),
  { args: [oblong([3, 2])], tolerance: 10 },
  { args: [oblong([2, 3])], tolerance: 10 },
  { args: [oblong([2, 3, 2])], tolerance: 10 },
];

/**
 * `[q, r]`: `q` [m, k] has orthonormal columns, `r` [k, n] is upper triangular, k = min(m, n), q @ r = a. Derivatives need the first k columns to be
 * independent.
 *
 * @example
 * const [q, r] = mx.linalg.qr([[2, 3], [1, 2]]);
 */
export const qr = unary('linalg.qr', factorCases, (x): [q: array, r: array] => {
  const { q, r } = la.qr(matrixNode('linalg.qr', x));
  return [wrap(q), wrap(r)];
});

/**
 * `[p, l, u]` with l[p] @ u = a: `p` are the positions (uint32) of a's rows in the product, `l` [m, k] is lower triangular with ones on its diagonal, `u`
 * [k, n] upper triangular.
 *
 * @example
 * const [p, l, u] = mx.linalg.lu([[1, 2], [3, 4]]);
 */
export const lu = unary('linalg.lu', factorCases, (x): [p: array, l: array, u: array] => {
  const a = matrixNode('linalg.lu', x);
  const { factors, rows } = la.lu(a);
  const [m, n] = a.shape.slice(-2);
  const k = Math.min(m, n);
  const batch = a.shape.slice(0, -2);
  const part = (node: Node, height: number, width: number): Node =>
    p.slice(
      node,
      node.shape.map(() => 0),
      [...batch, height, width],
    );
  const below = part(la.lowerTriangle(factors, -1), m, k);
  return [wrap(rows), wrap(p.add(below, la.identities(below.shape, a.dtype))), wrap(part(la.upperTriangle(factors), k, n))];
});

/**
 * `[factors, pivots]`: the factors of `lu` in one matrix, l below the diagonal, and for each row in turn the row (uint32) that it was swapped with.
 *
 * @example
 * const [factors, pivots] = mx.linalg.luFactor([[1, 2], [3, 4]]);
 */
export const luFactor = unary('linalg.luFactor', factorCases, (x): [factors: array, pivots: array] => {
  const { factors, pivots } = la.lu(matrixNode('linalg.luFactor', x));
  return [wrap(factors), wrap(pivots)];
});

/** `svd(array)` gives `[u, s, vt]`, `svd(array, false)` only s. */
interface Svd {
  (array: ArrayInput, computeUv: false | { readonly computeUv: false }): array;
  (array: ArrayInput, computeUv?: boolean | { readonly computeUv?: boolean }): [u: array, s: array, vt: array];
}

/**
 * `[u, s, vt]`: orthogonal `u` [m, m] and `vt` [n, n] and the singular values `s`, in descending order, with u[:, :k] · s @ vt[:k] = a, k = min(m, n); or `s`
 * alone without `computeUv`. The derivative of vectors that belong to repeated singular values leaves out their infinite part; rows and columns beyond k
 * are any basis, so their derivative is one of many.
 *
 * @example
 * mx.linalg.svd([[3, 0], [0, 4]], false); // array([4, 3], dtype=float32)
 */
export const svd = defineOp<Svd>(
  {
    name: 'linalg.svd',
    method: false,
    parameters: ['array', 'computeUv?'],
    cases: () => [...factorCases(), { args: [regular([3, 3]), false], tolerance: 10 }, { args: [oblong([2, 2, 3]), false], tolerance: 10 }],
  },
  (x: ArrayInput, computeUv?: boolean): array | array[] => {
    const a = matrixNode('linalg.svd', x);
    if (!booleanArgument('linalg.svd', 'computeUv', computeUv, true)) return wrap(la.singularValues(a));
    const { u, s, vh } = la.svd(a);
    return [wrap(u), wrap(s), wrap(vh)];
  },
);

/** The matrix whose lower triangle is the one that `uplo` names. */
function triangleNode(where: string, x: ArrayInput, uplo: unknown): Node {
  const a = squareNode(where, x);
  if (uplo === undefined || uplo === null || uplo === 'L') return a;
  if (uplo === 'U') return la.adjoint(a);
  throw typeError(where, `uplo is 'L' or 'U', not ${describe(uplo)}`);
}

const triangleCases = () => [...squareCases(), { args: [regular([3, 3]), 'U'], tolerance: 10 }];

/**
 * `[w, v]`: the eigenvalues, in ascending order, and orthonormal eigenvectors, in columns, of symmetric (Hermitian) matrices. `uplo` says which triangle is
 * read, 'L' or 'U'; derivatives with respect to the other are 0. The derivative of vectors of repeated eigenvalues leaves out its infinite part.
 *
 * @example
 * const [w, v] = mx.linalg.eigh([[2, 0], [0, 1]]); // w: array([1, 2], dtype=float32)
 */
export const eigh = defineOp<Triangle<[w: array, v: array]>>(
  { name: 'linalg.eigh', method: false, parameters: ['array', 'uplo?'], cases: triangleCases },
  (x: ArrayInput, uplo?: unknown): array[] => {
    const { w, v } = la.eigh(triangleNode('linalg.eigh', x, uplo));
    return [wrap(w), wrap(v)];
  },
);

/**
 * The eigenvalues of symmetric (Hermitian) matrices, in ascending order.
 *
 * @example
 * mx.linalg.eigvalsh([[2, 0], [0, 1]]); // array([1, 2], dtype=float32)
 */
export const eigvalsh = defineOp<Triangle<array>>(
  { name: 'linalg.eigvalsh', method: false, parameters: ['array', 'uplo?'], cases: triangleCases },
  (x: ArrayInput, uplo?: unknown): array => wrap(la.eigvalsh(triangleNode('linalg.eigvalsh', x, uplo))),
);

// Their results are complex64, so float64 matrices are checked at that precision.
const eigenCases = () => [
  { args: [regular([3, 3])], tolerance: 1e5 },
  { args: [operand([2, 2, 2], { low: 0.5, high: 1 })], tolerance: 1e5 },
  { args: [regular([2, 2], complex64)], tolerance: 10 },
];

/**
 * `[w, v]`: the eigenvalues and the eigenvectors, in columns, of square matrices, both complex64 (float64 matrices are computed in double precision). Vectors
 * have norm 1 and a largest component that is real.
 *
 * @example
 * const [w, v] = mx.linalg.eig([[0, 1], [-1, 0]]); // w: array([0+1j, 0-1j], dtype=complex64)
 */
export const eig = unary('linalg.eig', eigenCases, (x): [w: array, v: array] => {
  const { w, v } = la.eig(squareNode('linalg.eig', x));
  return [wrap(w), wrap(v)];
});

/**
 * The eigenvalues of square matrices, complex64.
 *
 * @example
 * mx.linalg.eigvals([[0, 1], [-1, 0]]); // array([0+1j, 0-1j], dtype=complex64)
 */
export const eigvals = unary('linalg.eigvals', eigenCases, (x): array => wrap(la.eigvals(squareNode('linalg.eigvals', x))));
