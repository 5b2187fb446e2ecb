/** Factorizations, systems and Fourier transforms for the laws of the rules. What a sign or a phase is free in enters as what does not depend on it. */

import { complex64, type Dtype, float32 } from '../../lib/dtype';
import type { Node, Shape } from '../../lib/graph/node';
import { abs, add, arange, conjugate, exp, matmul, multiply, slice } from '../../lib/primitives';
import { astype } from '../../lib/primitives/cast';
import { fourier } from '../../lib/primitives/fourier';
import {
  adjoint,
  cholesky,
  eig,
  eigh,
  identities,
  lu,
  matrixRoot,
  pinv,
  qr,
  singularValues,
  solve,
  svd,
  triangularSolve,
} from '../../lib/primitives/linalg';
import { alongColumns } from '../../lib/primitives/linalg-matrices';
import { widest } from '../support/default';
import type { Case, Input } from './cases';

const small = (shape: Shape, dtype: Dtype = widest): Input => ({ shape, dtype, low: -0.5, high: 0.5 });

/** Far from singular, with eigenvalues and singular values that differ: 2, 4, 6 … are added to the diagonal. */
function spread(x: Node): Node {
  const counts = arange(2, 2, x.shape, x.shape.length - 1, x.dtype);
  return add(x, multiply(counts, identities(x.shape, x.dtype)));
}

/** v · diag(weights) · vᴴ, which no sign or phase of a column changes. */
function weighted(v: Node, weights: Node, right: Node): Node {
  return matmul(multiply(v, astype(alongColumns(weights, v.shape[v.shape.length - 2]), v.dtype)), right);
}

function some(x: Node, rows: number, columns: number): Node {
  return slice(
    x,
    x.shape.map(() => 0),
    [...x.shape.slice(0, -2), rows, columns],
  );
}

const lower = { upper: false, adjoint: false, unit: false };

function casesIn(dtype: Dtype): Case[] {
  const square = small([3, 3], dtype);
  const tall = small([2, 3, 2], dtype);
  const wide = small([2, 3], dtype);
  const named = (name: string, inputs: readonly Input[], f: Case['f']): Case => ({ name: `${name} ${dtype.name}`, inputs: [...inputs], f });
  return [
    named('lu', [square], (a) => lu(spread(a)).factors),
    named('lu of tall matrices', [tall], (a) => lu(spread(a)).factors),
    named('lu of a wide matrix', [wide], (a) => lu(spread(a)).factors),
    named('solve', [square, small([3, 2], dtype)], (a, b) => solve(spread(a), b)),
    named('solve twice', [small([2, 2], dtype), small([2, 1], dtype)], (a, b) => solve(adjoint(spread(a)), solve(spread(a), b))),
    named('triangular', [square, small([3, 2], dtype)], (a, b) => triangularSolve(spread(a), b, lower)),
    named('triangular, upper', [square, small([3, 1], dtype)], (a, b) => triangularSolve(spread(a), b, { ...lower, upper: true })),
    named('triangular, adjoint, unit', [square, small([3, 1], dtype)], (a, b) =>
      triangularSolve(spread(a), b, { upper: true, adjoint: true, unit: true }),
    ),
    named('cholesky', [square], (a) => cholesky(spread(a))),
    named('q', [tall], (a) => weightedColumns(qr(spread(a)).q)),
    named('q of a wide matrix', [wide], (a) => weightedColumns(qr(spread(a)).q)),
    named('r', [wide], (a) => abs(qr(spread(a)).r)),
    named('singular values', [tall], (a) => singularValues(spread(a))),
    named('svd', [square], (a) => sides(spread(a), 3)),
    named('svd of tall matrices', [tall], (a) => sides(spread(a), 2)),
    named('svd of a wide matrix', [wide], (a) => sides(spread(a), 2)),
    named('pinv', [tall], (a) => pinv(spread(a), 1e-6)),
    named('eigh', [square], (a) => fromEigh(spread(a))),
    named('matrix root', [square], (a) => matrixRoot(spread(a))),
    // Its results are complex64.
    named('eig', [small([3, 3], dtype === widest ? float32 : dtype)], (a) => fromEig(spread(a))),
  ];
}

/** Q · diag(1, 2 …) · Qᴴ */
function weightedColumns(q: Node): Node {
  const weights = arange(1, 1, q.shape.slice(0, -2).concat(q.shape.slice(-1)), q.shape.length - 2, q.dtype);
  return weighted(q, weights, adjoint(q));
}

function sides(a: Node, k: number): Node {
  const [m, n] = a.shape.slice(-2);
  const { u, s, vh } = svd(a);
  return weighted(some(u, m, k), exp(s), some(vh, k, n));
}

function fromEigh(a: Node): Node {
  const { w, v } = eigh(a);
  return weighted(v, multiply(w, w), adjoint(v));
}

function fromEig(a: Node): Node {
  const { w, v } = eig(a);
  const image = weighted(v, multiply(w, conjugate(w)), identities(v.shape, v.dtype));
  return solve(adjoint(v), adjoint(image));
}

function fourierCase(name: string, shape: Shape, axis: number, inverse: boolean): Case {
  return { name: `fft ${name}`, inputs: [{ shape, dtype: complex64 }], f: (x) => fourier(x, axis, inverse) };
}

export function linalgCases(): Case[] {
  return [
    ...casesIn(widest),
    ...casesIn(complex64),
    { name: 'solve float32', inputs: [small([2, 2], float32), small([2, 1], float32)], f: (a, b) => solve(spread(a), b) },
    fourierCase('of 6', [2, 6], 1, false),
    fourierCase('of 5, inverse', [5, 2], 0, true),
    fourierCase('of 37', [37], 0, false),
    fourierCase('of 1', [1, 3], 0, false),
    fourierCase('of no rows', [0, 3], 1, true),
  ];
}
