/** Determinants, whose derivatives need no inverse and so hold for singular matrices too. */

import { Node } from '../graph/node';
import { add, multiply, subtract } from './binary';
import { astype } from './cast';
import { equal } from './compare';
import { arange, full, ones } from './generators';
import { adjoint, alongColumns, checkSquare, diagonalOf, identities, onDiagonal, onlyDiagonal, transposed } from './linalg-matrices';
import { svd } from './linalg-orthogonal';
import { lu } from './linalg-solve';

import { matmul } from './matmul';
import { broadcastTo, reshape, slice } from './movement';
import { definePrimitive } from './primitive';
import { prod, sum } from './reduction';
import { constant, zerosLike } from './rules';
import { cumulative } from './scan';
import { where } from './select';
import { conjugate } from './unary';

/** The diagonal of the upper factor, and the sign that the swaps of rows give. */
export function luDiagonal(a: Node): { diagonal: Node; sign: Node } {
  const { factors, pivots } = lu(a);
  const last = pivots.shape.length - 1;
  const own = arange(0, 1, pivots.shape, last, pivots.dtype);
  const swaps = prod(where(equal(pivots, own), ones(pivots.shape, a.dtype), full(-1, pivots.shape, a.dtype)), [last]);
  return { diagonal: diagonalOf(factors), sign: swaps };
}

function byFactors(a: Node): Node {
  const { diagonal, sign } = luDiagonal(a);
  return multiply(sign, prod(diagonal, [diagonal.shape.length - 1]));
}

const determinantNode = definePrimitive<null>({
  name: 'determinant',
  lowering: { kind: 'expand', expand: ([a]) => [byFactors(a)] },
  infer([a]) {
    checkSquare('linalg.det', a);
    return { shape: a.shape.slice(0, -2), dtype: a.dtype };
  },
  // ḋet = Σ cof(A) · Ȧ
  jvp: (out, [t]) => sum(multiply(cofactors(out.inputs[0]), t as Node), [out.shape.length, out.shape.length + 1]),
  vmap: ([a]) => determinant(a),
});

const cofactorsNode = definePrimitive<null>({
  name: 'cofactors',
  lowering: { kind: 'expand', expand: ([a]) => [fromSingular(a)] },
  infer: ([{ shape, dtype }]) => ({ shape, dtype }),
  jvp: (out, [t]) => cofactorsTangent(out.inputs[0], t as Node),
  vmap: ([a]) => cofactors(a),
});

/** The cofactors of square matrices: adj(A)ᵀ. */
function cofactors(a: Node): Node {
  return new Node(cofactorsNode, [a], null, a.shape, a.dtype);
}

/** A = U S Vᴴ, and the phase det(U) det(Vᴴ) for each matrix. */
function singular(a: Node): { u: Node; s: Node; vh: Node; phase: Node } {
  const { u, s, vh } = svd(a);
  return { u, s: astype(s, a.dtype), vh, phase: byFactors(matmul(u, vh)) };
}

/** By place along the last axis: the product of all others. */
function productsOfOthers(x: Node): Node {
  const axis = x.shape.length - 1;
  return multiply(cumulative('prod', x, axis, false, false), cumulative('prod', x, axis, true, false));
}

/** phase · conj(U) X conj(Vᴴ): what cofactors of products are made of. */
function turned(phase: Node, u: Node, x: Node, vh: Node): Node {
  const whole = matmul(matmul(conjugate(u), x), conjugate(vh));
  return multiply(broadcastTo(reshape(phase, [...phase.shape, 1, 1]), whole.shape), whole);
}

/** cof(A) = det(U) det(Vᴴ) conj(U) cof(S) conj(Vᴴ), and the cofactors of a diagonal are the products of its other entries. */
function fromSingular(a: Node): Node {
  const { u, s, vh, phase } = singular(a);
  const order = s.shape[s.shape.length - 1];
  const diagonal = multiply(identities(a.shape, a.dtype), alongColumns(productsOfOthers(s), order));
  return turned(phase, u, diagonal, vh);
}

/**
 * To first order the cofactors of S + E, for a diagonal S, are -E[j, i] · ∏ s without i and j off the diagonal, and Σ over j ≠ i of
 * E[j, j] · ∏ s without i and j on it. E = Uᴴ Ȧ V turns with A.
 */
function cofactorsTangent(a: Node, t: Node): Node {
  const { u, s, vh, phase } = singular(a);
  const order = s.shape[s.shape.length - 1];
  const moved = matmul(matmul(adjoint(u), t), adjoint(vh));
  const all = alongColumns(s, order);
  const without = productsOfOthers(where(onDiagonal(all.shape), constant(1, all), all));
  const pairs = where(onDiagonal(all.shape), zerosLike(all), without);
  const traces = sum(multiply(pairs, alongColumns(diagonalOf(moved), order)), [all.shape.length - 1]);
  const diagonal = onlyDiagonal(alongColumns(traces, order));
  return turned(phase, u, subtract(diagonal, multiply(transposed(moved), pairs)), vh);
}

/** Element [row, column] of every matrix. */
function element(a: Node, row: number, column: number): Node {
  const batch = a.shape.slice(0, -2);
  const one = slice(a, [...batch.map(() => 0), row, column], [...batch, 1, 1]);
  return reshape(one, batch);
}

/** Up to order 3 by the definition. */
function smallDeterminant(a: Node, order: number): Node {
  const at = (row: number, column: number): Node => element(a, row, column);
  const minor = (i: number, j: number): Node =>
    subtract(multiply(at(order - 2, i), at(order - 1, j)), multiply(at(order - 2, j), at(order - 1, i)));
  if (order === 0) return ones(a.shape.slice(0, -2), a.dtype);
  if (order === 1) return at(0, 0);
  if (order === 2) return minor(0, 1);
  const terms = [multiply(at(0, 0), minor(1, 2)), multiply(at(0, 1), minor(0, 2)), multiply(at(0, 2), minor(0, 1))];
  return add(subtract(terms[0], terms[1]), terms[2]);
}

/** The determinants of square matrices: [batch…, n, n] gives [batch…]. */
export function determinant(a: Node): Node {
  const order = checkSquare('linalg.det', a);
  if (order <= 3) return smallDeterminant(a, order);
  return new Node(determinantNode, [a], null, a.shape.slice(0, -2), a.dtype);
}
