/** Factorizations into orthogonal (unitary) factors: QR and singular values. */

import { Node } from '../graph/node';
import { concatenate } from './assemble';
import { add, multiply, subtract } from './binary';
import { astype } from './cast';
import { greater } from './compare';
import { projections } from './control';
import { zeros } from './generators';
import {
  adjoint,
  alongColumns,
  alongRows,
  checkMatrix,
  checkOrder,
  diagonalOf,
  identities,
  inverseGaps,
  lowerTriangle,
  onlyDiagonal,
  phaseTangent,
  product,
  realOf,
  safeDivide,
  withSides,
} from './linalg-matrices';
import { triangularSolve } from './linalg-solve';
import { matmul } from './matmul';
import { broadcastTo, slice } from './movement';
import { definePrimitive, type Primitive } from './primitive';
import { constant, scale } from './rules';
import { where } from './select';
import { conjugate, real, reciprocal } from './unary';

const qrNode: Primitive = definePrimitive<null>({
  name: 'qr',
  several: true,
  lowering: { kind: 'routine', routine: 'qr', contiguous: true },
  infer([a]) {
    const [m, n] = checkMatrix('qr', a);
    const k = Math.min(m, n);
    return [
      { shape: withSides(a, m, k), dtype: a.dtype },
      { shape: withSides(a, k, n), dtype: a.dtype },
    ];
  },
  jvp: (node, [t]) => (t === null ? [null, null] : qrTangents(node, t)),
  vmap: ([a]) => qrParts(a).map((node) => ({ node, mapped: true })),
});

function qrParts(a: Node): Node[] {
  qrNode.infer([a], null);
  return projections(new Node(qrNode, [a], null, [], a.dtype), true);
}

/** Q [m, k] with orthonormal columns and the upper triangular R [k, n] with Q · R = a; k is the smaller side. */
export function qr(a: Node): { q: Node; r: Node } {
  const [q, r] = qrParts(a);
  return { q, r };
}

const noOffsets = (x: Node): number[] => x.shape.map(() => 0);

/** Columns `from` up to `to` of every matrix. */
function columns(x: Node, from: number, to: number): Node {
  const starts = x.shape.map((_, axis) => (axis === x.shape.length - 1 ? from : 0));
  return slice(x, starts, [...x.shape.slice(0, -1), to - from]);
}

/**
 * With M = Qᴴ Ȧ R⁻¹ and the skew S of M's part below the diagonal: Q̇ = Ȧ R⁻¹ + Q (S - M), Ṙ = (M - S) R. S. F. Walter, L. Lehmann,
 * R. Lamour, "On evaluating higher-order derivatives of the QR decomposition of tall matrices with full column rank", 2012. The columns of
 * a wide matrix beyond the square follow from Q.
 */
function qrTangents(node: Node, t: Node): Node[] {
  const [q, whole] = projections(node);
  const [m, n] = t.shape.slice(-2);
  if (m < n) {
    const [dq, dr] = squareQrTangents(q, columns(whole, 0, m), columns(t, 0, m));
    const rest = columns(node.inputs[0], m, n);
    const beyond = add(matmul(adjoint(dq), rest), matmul(adjoint(q), columns(t, m, n)));
    return [dq, concatenate([dr, beyond], t.shape.length - 1)];
  }
  return squareQrTangents(q, whole, t);
}

function squareQrTangents(q: Node, r: Node, t: Node): [dq: Node, dr: Node] {
  // X R = Ȧ, solved from the left as Rᴴ Xᴴ = Ȧᴴ.
  const moved = adjoint(triangularSolve(r, adjoint(t), { upper: true, adjoint: true, unit: false }));
  const inside = matmul(adjoint(q), moved);
  const below = lowerTriangle(inside, -1);
  const diagonal = onlyDiagonal(inside);
  // R has a real diagonal: an imaginary part belongs to Q.
  const skew = add(subtract(below, adjoint(below)), scale(subtract(diagonal, conjugate(diagonal)), 0.5));
  return [add(moved, matmul(q, subtract(skew, inside))), matmul(subtract(inside, skew), r)];
}

const svdNode: Primitive = definePrimitive<null>({
  name: 'svd',
  several: true,
  lowering: { kind: 'routine', routine: 'svd', contiguous: true, optional: [1, 2] },
  infer([a]) {
    const [m, n] = checkMatrix('svd', a);
    checkOrder('svd', Math.min(m, n));
    return [
      { shape: withSides(a, Math.min(m, n)), dtype: realOf(a.dtype) },
      { shape: withSides(a, m, m), dtype: a.dtype },
      { shape: withSides(a, n, n), dtype: a.dtype },
    ];
  },
  jvp: (node, [t]) => (t === null ? [null, null, null] : svdTangents(node, t)),
  vmap: ([a]) => svdParts(a, false).map((node) => ({ node, mapped: true })),
});

function svdParts(a: Node, together: boolean): Node[] {
  svdNode.infer([a], null);
  return projections(new Node(svdNode, [a], null, [], a.dtype), together);
}

/** The singular values, in descending order. */
export function singularValues(a: Node): Node {
  return svdParts(a, false)[0];
}

/** a = U · S · Vᴴ with whole U [m, m] and Vᴴ [n, n] and singular values S in descending order. */
export function svd(a: Node): { u: Node; s: Node; vh: Node } {
  const [s, u, vh] = svdParts(a, true);
  return { u, s, vh };
}

/** A skew-Hermitian matrix of order `order` from its first columns' upper left and lower left blocks; the rest is 0. */
function skewFrom(upper: Node, lower: Node, order: number): Node {
  const rank = upper.shape.length;
  const k = upper.shape[rank - 1];
  if (order === k) return upper;
  const first = concatenate([upper, lower], rank - 2);
  const corner = zeros(withSides(upper, order - k, order - k), upper.dtype);
  return concatenate([first, concatenate([scale(adjoint(lower), -1), corner], rank - 2)], rank - 1);
}

function block(x: Node, row: number, column: number, rows: number, columns: number): Node {
  const none = new Array<number>(x.shape.length - 2).fill(0);
  return slice(x, [...none, row, column], withSides(x, rows, columns));
}

/**
 * With D = Uᴴ Ȧ V: ṡ = Re diag(D), U̇ = U Ω, V̇ = V Ψ for skew Ω and Ψ whose blocks follow from D and from gaps s[j]² - s[i]². M. Giles, "An extended
 * collection of matrix derivative results for forward and reverse mode algorithmic differentiation", 2008. Where singular values repeat or are zero,
 * their part counts as 0. The directions of U and V beyond the singular values are any basis: they move only as orthogonality needs.
 */
function svdTangents(node: Node, t: Node): Node[] {
  const [s, u, vh] = projections(node);
  const [m, n] = t.shape.slice(-2);
  const k = Math.min(m, n);
  const v = adjoint(vh);
  const d = product(adjoint(u), t, v);
  const core = block(d, 0, 0, k, k);
  const ds = diagonalOf(core.dtype === s.dtype ? core : real(core));
  const byColumn = astype(alongColumns(s, k), d.dtype);
  const byRow = astype(alongRows(s, k), d.dtype);
  const gaps = astype(inverseGaps(multiply(s, s)), d.dtype);
  const right = multiply(core, byColumn);
  const left = multiply(byRow, core);
  const diagonal = onlyDiagonal(core);
  // Of the phase that both sides share, the first half.
  const phase = safeDivide(scale(subtract(diagonal, conjugate(diagonal)), 0.5), byColumn);
  const insideU = add(multiply(gaps, add(right, adjoint(right))), phase);
  const insideV = multiply(gaps, add(left, adjoint(left)));
  const beyond = (x: Node): Node => safeDivide(x, astype(alongColumns(s, x.shape[x.shape.length - 2]), d.dtype));
  const omega = skewFrom(insideU, m > k ? beyond(block(d, k, 0, m - k, k)) : insideU, m);
  const psi = skewFrom(insideV, n > k ? beyond(adjoint(block(d, 0, k, k, n - k))) : insideV, n);
  let du = matmul(u, omega);
  let dv = matmul(v, psi);
  const turnU = phaseTangent(u, du);
  if (turnU !== null) {
    // Both sides turn together, as the largest component of each column of U stays real; beyond, that of V.
    const shared = slice(turnU, noOffsets(turnU), withSides(u, k));
    const own = phaseTangent(v, dv) as Node;
    const rest =
      n > k
        ? slice(
            own,
            own.shape.map((_, axis) => (axis === own.shape.length - 1 ? k : 0)),
            withSides(u, n - k),
          )
        : null;
    const turnV = rest === null ? shared : concatenate([shared, rest], shared.shape.length - 1);
    du = add(du, multiply(u, alongColumns(turnU, m)));
    dv = add(dv, multiply(v, alongColumns(turnV, n)));
  }
  return [ds, du, adjoint(dv)];
}

/**
 * The pseudo-inverse, from the singular values that are larger than `cutoff` times the largest.
 * Ṗ = -P Ȧ P + P Pᴴ Ȧᴴ (1 - A P) + (1 - P A) Ȧᴴ Pᴴ P: G. H. Golub, V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least
 * squares problems whose variables separate", 1973. It needs no gaps between singular values.
 */
const pinvNode: Primitive = definePrimitive<{ readonly cutoff: number }>({
  name: 'pinv',
  lowering: { kind: 'expand', expand: ([a], { cutoff }) => [pseudoInverse(a, cutoff)] },
  key: ({ cutoff }, key) => key.int(Math.round(cutoff * 2 ** 52)),
  infer([a]) {
    const [m, n] = checkMatrix('pinv', a);
    return { shape: withSides(a, n, m), dtype: a.dtype };
  },
  jvp(p, [t]) {
    if (t === null) return null;
    const [a] = p.inputs;
    const ap = matmul(a, p);
    const pa = matmul(p, a);
    const outside = (x: Node): Node => subtract(identities(x.shape, x.dtype), x);
    const [ph, th] = [adjoint(p), adjoint(t)];
    return add(subtract(product(p, ph, th, outside(ap)), product(p, t, p)), product(outside(pa), th, ph, p));
  },
  vmap: ([a], _mapped, _size, { cutoff }) => pinv(a, cutoff),
});

function pseudoInverse(a: Node, cutoff: number): Node {
  const [m, n] = a.shape.slice(-2);
  const k = Math.min(m, n);
  if (k === 0) return zeros(withSides(a, n, m), a.dtype);
  const { u, s, vh } = svd(a);
  const largest = slice(s, noOffsets(s), [...s.shape.slice(0, -1), 1]);
  const counts = greater(s, broadcastTo(scale(largest, cutoff), s.shape));
  const inverse = where(counts, reciprocal(where(counts, s, constant(1, s))), constant(0, s));
  const scaled = multiply(columns(adjoint(vh), 0, k), astype(alongColumns(inverse, n), a.dtype));
  return matmul(scaled, adjoint(columns(u, 0, k)));
}

export function pinv(a: Node, cutoff: number): Node {
  const [m, n] = checkMatrix('pinv', a);
  return new Node(pinvNode, [a], { cutoff }, withSides(a, n, m), a.dtype);
}
