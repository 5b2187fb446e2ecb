/** Small helpers on batches of matrices, and what the primitives of linear algebra have in common. */

import { complex64, type Dtype, float32, float64, int32 } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import type { Node, Shape, ShapeDtype } from '../graph/node';
import { sameShape } from '../shape';
import { divide, subtract } from './binary';
import { astype } from './cast';
import { equal, greaterEqual, lessEqual } from './compare';
import { stopGradient } from './control';
import { arange, ones } from './generators';
import { matmul } from './matmul';
import { broadcastTo, reshape, swapaxes } from './movement';
import { argmax, sum } from './reduction';
import { constant, timesI, zerosLike } from './rules';
import { where } from './select';
import { takeAlong } from './take-along';
import { abs, conjugate, imag, negative, real } from './unary';

/** The largest matrix that LAPACK counts. */
const mostElements = 2 ** 30;

/** Checks that the last two axes are matrices that LAPACK takes; gives their sizes. */
export function checkMatrix(name: string, { shape, dtype }: ShapeDtype): [rows: number, columns: number] {
  if (shape.length < 2) throw rangeError(name, `needs a matrix, or several, not an array of shape ${showShape(shape)}`);
  if (dtype !== float32 && dtype !== float64 && dtype !== complex64) {
    throw typeError(name, `matrices are float32, float64 or complex64, not ${dtype.name}`);
  }
  const [rows, columns] = shape.slice(-2);
  if (rows > mostElements || columns > mostElements || rows * columns > mostElements) {
    throw rangeError(name, `the matrix is too large: shape ${showShape(shape)}`);
  }
  return [rows, columns];
}

/** Checks that the last two axes are square matrices; gives their order. */
export function checkSquare(name: string, x: ShapeDtype): number {
  const [rows, columns] = checkMatrix(name, x);
  if (rows !== columns) throw rangeError(name, `the matrix is not square: shape ${showShape(x.shape)}`);
  return rows;
}

/** Checks that `b` holds right-hand sides, as columns, for the square matrices of `a`. */
export function checkSides(name: string, a: ShapeDtype, b: ShapeDtype): void {
  const order = checkSquare(name, a);
  checkMatrix(name, b);
  if (a.dtype !== b.dtype) throw typeError(name, `operands must have one dtype, not ${a.dtype.name} and ${b.dtype.name}`);
  if (!sameShape(a.shape.slice(0, -2), b.shape.slice(0, -2)) || b.shape[b.shape.length - 2] !== order) {
    throw rangeError(name, `the rows of b must be those of a: shapes ${showShape(a.shape)} and ${showShape(b.shape)}`);
  }
}

/** Matrices diagonalized by LAPACK have at most this order. */
export function checkOrder(name: string, order: number): void {
  if (order > 16384) throw rangeError(name, `the matrix is too large: order ${order}`);
}

/** The batch axes followed by `sides`. */
export function withSides({ shape }: ShapeDtype, ...sides: number[]): number[] {
  return [...shape.slice(0, -2), ...sides];
}

/** The dtype of singular values and of the eigenvalues of Hermitian matrices. */
export function realOf(dtype: Dtype): Dtype {
  return dtype === complex64 ? float32 : dtype;
}

export function transposed(x: Node): Node {
  return swapaxes(x, x.shape.length - 2, x.shape.length - 1);
}

/** The conjugate transpose. */
export function adjoint(x: Node): Node {
  return conjugate(transposed(x));
}

const rowNumbers = (shape: Shape, start = 0): Node => arange(start, 1, shape, shape.length - 2, int32);
const columnNumbers = (shape: Shape, start = 0): Node => arange(start, 1, shape, shape.length - 1, int32);

/** The elements on and below diagonal `k`; zeros elsewhere. */
export function lowerTriangle(x: Node, k = 0): Node {
  return where(lessEqual(columnNumbers(x.shape), rowNumbers(x.shape, k)), x, zerosLike(x));
}

/** The elements on and above diagonal `k`; zeros elsewhere. */
export function upperTriangle(x: Node, k = 0): Node {
  return where(greaterEqual(columnNumbers(x.shape), rowNumbers(x.shape, k)), x, zerosLike(x));
}

/** True on the diagonal of matrices of this shape. */
export function onDiagonal(shape: Shape): Node {
  return equal(columnNumbers(shape), rowNumbers(shape));
}

/** Identities in the last two axes. */
export function identities(shape: Shape, dtype: Dtype): Node {
  return astype(onDiagonal(shape), dtype);
}

/** The elements of the diagonal: […, n, n] gives […, n]. */
export function diagonalOf(x: Node): Node {
  return sum(where(onDiagonal(x.shape), x, zerosLike(x)), [x.shape.length - 1]);
}

/** Zero off the diagonal. */
export function onlyDiagonal(x: Node): Node {
  return where(onDiagonal(x.shape), x, zerosLike(x));
}

/** The value v[…, j] in column j of every row: […, k] gives […, m, k]. */
export function alongColumns(v: Node, rows: number): Node {
  const batch = v.shape.slice(0, -1);
  const k = v.shape[v.shape.length - 1];
  return broadcastTo(reshape(v, [...batch, 1, k]), [...batch, rows, k]);
}

/** The value v[…, i] in row i of every column: […, k] gives […, k, n]. */
export function alongRows(v: Node, columns: number): Node {
  return broadcastTo(reshape(v, [...v.shape, 1]), [...v.shape, columns]);
}

/** a / b, and 0 where b is 0: derivatives of repeated eigenvalues and singular values count as none. */
export function safeDivide(a: Node, b: Node): Node {
  const zero = equal(b, zerosLike(b));
  return where(zero, zerosLike(a), divide(a, where(zero, ones(b.shape, b.dtype), b)));
}

/** 1 / (v[j] - v[i]) in row i and column j, 0 where both are equal. */
export function inverseGaps(v: Node): Node {
  const order = v.shape[v.shape.length - 1];
  const gaps = subtract(alongColumns(v, order), alongRows(v, order));
  return safeDivide(ones(gaps.shape, gaps.dtype), gaps);
}

/** The product of several matrices, from the left. */
export function product(...factors: readonly Node[]): Node {
  return factors.reduce((a, b) => matmul(a, b));
}

/**
 * For complex vectors, in columns, whose largest component is kept real: the imaginary factor c[j] for which v̇ + v · c keeps it real. Null for
 * real vectors, which have no phase.
 */
export function phaseTangent(v: Node, dv: Node): Node | null {
  if (v.dtype !== complex64) return null;
  const axis = v.shape.length - 2;
  const still = stopGradient(v);
  // The component that is real to the last bit; in doubt the largest.
  const size = abs(still);
  const exact = equal(imag(still), constant(0, size));
  const best = argmax(where(exact, size, constant(-1, size)), axis);
  const picked = reshape(best, [...best.shape.slice(0, -1), 1, best.shape[best.shape.length - 1]]);
  const pick = (x: Node): Node => reshape(takeAlong(x, picked, axis), best.shape);
  return timesI(astype(negative(safeDivide(imag(pick(dv)), real(pick(v)))), complex64));
}
