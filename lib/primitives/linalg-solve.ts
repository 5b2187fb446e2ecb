/** Triangular factors of matrices and the linear systems that they solve: LU, Cholesky, general and triangular systems. */

import { uint32 } from '../dtype';
import { Node, type ShapeDtype } from '../graph/node';
import { pad } from './assemble';
import { add, subtract } from './binary';
import { projections, stopGradient } from './control';
import {
  adjoint,
  checkMatrix,
  checkSides,
  checkSquare,
  identities,
  lowerTriangle,
  onlyDiagonal,
  product,
  upperTriangle,
  withSides,
} from './linalg-matrices';
import { matmul } from './matmul';
import { broadcastTo, moveaxis, reshape, slice } from './movement';
import { definePrimitive, type Primitive } from './primitive';
import { batchedInput, internalError, scale } from './rules';
import { argsort } from './sorting';
import { takeAlong } from './take-along';

const luNode: Primitive = definePrimitive<null>({
  name: 'lu',
  several: true,
  lowering: { kind: 'routine', routine: 'lu', contiguous: true, optional: [2] },
  infer([a]) {
    const [m, n] = checkMatrix('lu', a);
    return [
      { shape: a.shape, dtype: a.dtype },
      { shape: withSides(a, Math.min(m, n)), dtype: uint32 },
      { shape: withSides(a, m), dtype: uint32 },
    ];
  },
  jvp: (node, [t]) => [t === null ? null : luTangent(node, t), null, null],
  vmap: ([a]) => luParts(a).map((node) => ({ node, mapped: true })),
});

function luParts(a: Node): Node[] {
  luNode.infer([a], null);
  return projections(new Node(luNode, [a], null, [], a.dtype), true);
}

/**
 * The factors of P · A = L · U in one matrix, L below the diagonal (its own is 1). `pivots[i]` (uint32) is the row that row i was swapped
 * with, in order; row i of A is row `rows[i]` (uint32) of L · U.
 */
export function lu(a: Node): { factors: Node; pivots: Node; rows: Node } {
  const [factors, pivots, rows] = luParts(a);
  return { factors, pivots, rows };
}

/** The unit lower and the upper factor, filled up to squares by identities: [m, m] and [n, n]. */
function squareFactors(factors: Node): [l: Node, u: Node] {
  const { shape, dtype } = factors;
  const rank = shape.length;
  const [m, n] = shape.slice(-2);
  const k = Math.min(m, n);
  const none = new Array<number>(rank).fill(0);
  const lower = slice(lowerTriangle(factors, -1), none, withSides(factors, m, k));
  const upper = slice(upperTriangle(factors), none, withSides(factors, k, n));
  const widened = pad(lower, none, [...none.slice(1), m - k]);
  const heightened = pad(upper, none, [...none.slice(2), n - k, 0]);
  const l = add(widened, identities(widened.shape, dtype));
  const eye = identities(heightened.shape, dtype);
  const filled =
    n > k
      ? add(heightened, subtract(eye, pad(slice(eye, none, withSides(factors, k, n)), none, [...none.slice(2), n - k, 0])))
      : heightened;
  return [l, filled];
}

/**
 * With M = L⁻¹ (P Ȧ) U⁻¹: L̇ = L · (M below the diagonal), U̇ = (M on and above it) · U. F. R. De Hoog, R. S. Anderssen, M. A. Lukas,
 * "Differentiation of matrix functionals using triangular factorization", 2011; for oblong matrices the factors are filled up with
 * identities, as JAX does.
 */
function luTangent(node: Node, t: Node): Node {
  const [factors, , rows] = projections(node);
  const axis = t.shape.length - 2;
  const order = argsort(rows);
  const moved = takeAlong(t, broadcastTo(reshape(order, [...order.shape, 1]), t.shape), axis);
  const [l, u] = squareFactors(factors);
  const left = triangularSolve(l, moved, { upper: false, adjoint: false, unit: true });
  const both = adjoint(triangularSolve(u, adjoint(left), { upper: true, adjoint: true, unit: false }));
  return add(matmul(l, lowerTriangle(both, -1)), matmul(upperTriangle(both), u));
}

interface SolveAttrs {
  /** Solves with the conjugate transpose of the matrix. */
  readonly adjoint: boolean;
}

// The factors belong to the matrix: derivatives reach it alone, and solve with the same factors.
const solveNode: Primitive = definePrimitive<SolveAttrs>({
  name: 'solve',
  lowering: { kind: 'routine', routine: 'luSolve', ints: ({ adjoint }) => [Number(adjoint)], contiguous: true },
  key: ({ adjoint }, key) => key.int(Number(adjoint)),
  infer([a, , , b]) {
    checkSides('solve', a, b);
    return { shape: b.shape, dtype: b.dtype };
  },
  // ẋ = A⁻¹ (ḃ - Ȧ x)
  jvp(out, [ta, , , tb], attrs) {
    const [a, factors, pivots] = out.inputs;
    return solveFactored(a, factors, pivots, residual(ta, tb, out, attrs.adjoint), attrs);
  },
  transpose(ct, out, linear, attrs) {
    if (!linear[3] || linear[0]) throw internalError('solve', 'is linear in its right-hand sides alone');
    const [a, factors, pivots] = out.inputs;
    return [null, null, null, solveFactored(a, factors, pivots, ct, { adjoint: !attrs.adjoint })];
  },
  vmap(inputs, mapped, size, attrs) {
    const [a, factors, pivots, b] = inputs;
    if (!mapped[0] && !mapped[1] && !mapped[2]) return joined(b, (columns) => solveFactored(a, factors, pivots, columns, attrs));
    const [x, y, z, w] = inputs.map((input, i) => batchedInput(input, mapped[i], size));
    return solveFactored(x, y, z, w, attrs);
  },
});

/** ḃ - op(Ȧ) x, of which either may be zero. */
function residual(ta: Node | null, tb: Node | null, x: Node, isAdjoint: boolean): Node {
  if (ta === null) return tb as Node;
  const moved = matmul(isAdjoint ? adjoint(ta) : ta, x);
  return tb === null ? scale(moved, -1) : subtract(tb, moved);
}

/** Systems that differ in their right-hand sides alone are one system with more columns. */
function joined(b: Node, solveAll: (columns: Node) => Node): Node {
  const rank = b.shape.length;
  const size = b.shape[0];
  const [n, k] = b.shape.slice(-2);
  const batch = b.shape.slice(1, -2);
  // [size, batch…, n, k] to [batch…, n, size · k] and back.
  const columns = reshape(moveaxis(b, 0, rank - 2), [...batch, n, size * k]);
  return moveaxis(reshape(solveAll(columns), [...batch, n, size, k]), rank - 2, 0);
}

function solveFactored(a: Node, factors: Node, pivots: Node, b: Node, attrs: SolveAttrs): Node {
  checkSides('solve', a, b);
  return new Node(solveNode, [a, factors, pivots, b], attrs, b.shape, b.dtype);
}

/** The x with a · x = b: [batch…, n, n] and [batch…, n, k]. A singular matrix is an error when it is evaluated. */
export function solve(a: Node, b: Node): Node {
  checkSides('solve', a, b);
  const { factors, pivots } = lu(stopGradient(a));
  return solveFactored(a, factors, pivots, b, { adjoint: false });
}

export interface TriangularAttrs {
  /** Which triangle of the matrix is read. */
  readonly upper: boolean;
  /** Solves with the conjugate transpose of that triangle. */
  readonly adjoint: boolean;
  /** The diagonal is not read but 1. */
  readonly unit: boolean;
}

const toInts = ({ upper, adjoint, unit }: TriangularAttrs): number[] => [Number(upper), Number(adjoint), Number(unit)];

const triangularSolveNode: Primitive = definePrimitive<TriangularAttrs>({
  name: 'solveTriangular',
  lowering: { kind: 'routine', routine: 'triangularSolve', ints: toInts, contiguous: true },
  key: (attrs, key) => key.ints(toInts(attrs)),
  infer([a, b]) {
    checkSides('solveTriangular', a, b);
    return { shape: b.shape, dtype: b.dtype };
  },
  jvp(out, [ta, tb], attrs) {
    const strict = attrs.unit ? 1 : 0;
    const triangle = ta === null ? null : attrs.upper ? upperTriangle(ta, strict) : lowerTriangle(ta, -strict);
    return triangularSolve(out.inputs[0], residual(triangle, tb, out, attrs.adjoint), attrs);
  },
  transpose(ct, out, [aLinear, bLinear], attrs) {
    if (aLinear || !bLinear) throw internalError('solveTriangular', 'is linear in its right-hand sides alone');
    return [null, triangularSolve(out.inputs[0], ct, { ...attrs, adjoint: !attrs.adjoint })];
  },
  vmap([a, b], [aMapped, bMapped], size, attrs) {
    if (!aMapped) return joined(b, (columns) => triangularSolve(a, columns, attrs));
    return triangularSolve(a, batchedInput(b, bMapped, size), attrs);
  },
});

/** The x with op(a) · x = b for the triangle of a that `attrs` names. A zero on its diagonal is an error when it is evaluated. */
export function triangularSolve(a: Node, b: Node, attrs: TriangularAttrs): Node {
  checkSides('solveTriangular', a, b);
  return new Node(triangularSolveNode, [a, b], attrs, b.shape, b.dtype);
}

const choleskyNode: Primitive = definePrimitive<null>({
  name: 'cholesky',
  lowering: { kind: 'routine', routine: 'cholesky', contiguous: true },
  infer([a]) {
    checkSquare('cholesky', a);
    return { shape: a.shape, dtype: a.dtype };
  },
  jvp: (l, [t]) => (t === null ? null : choleskyTangent(l, t)),
  vmap: ([a]) => cholesky(a),
});

/** The Hermitian matrix that a lower triangle stands for; of its diagonal the real part. */
export function hermitian(x: Node): Node {
  const below = lowerTriangle(x, -1);
  const half = scale(onlyDiagonal(x), 0.5);
  return add(add(below, adjoint(below)), add(half, adjoint(half)));
}

/**
 * L̇ = L · Φ(L⁻¹ Ȧ L⁻ᴴ), where Φ takes the lower triangle and half of the diagonal. I. Murray, "Differentiation of the Cholesky
 * decomposition", 2016, after S. P. Smith, 1995.
 */
function choleskyTangent(l: Node, t: Node): Node {
  const solved = { upper: false, adjoint: false, unit: false };
  const left = triangularSolve(l, hermitian(t), solved);
  const both = adjoint(triangularSolve(l, adjoint(left), solved));
  const half = scale(onlyDiagonal(both), 0.5);
  return product(l, add(lowerTriangle(both, -1), half));
}

/** The lower L with L · Lᴴ = a. Only the lower triangle of a is read; one that is not positive definite is an error when it is evaluated. */
export function cholesky(a: Node): Node {
  const { shape, dtype } = choleskyNode.infer([a], null) as ShapeDtype;
  return new Node(choleskyNode, [a], null, shape, dtype);
}
