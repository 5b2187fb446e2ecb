/** Eigenvalues and eigenvectors of Hermitian and of general matrices. */

import { complex64 } from '../dtype';
import { Node } from '../graph/node';
import { add, maximum, multiply } from './binary';
import { astype } from './cast';
import { projections } from './control';
import {
  adjoint,
  alongColumns,
  alongRows,
  checkOrder,
  checkSquare,
  diagonalOf,
  inverseGaps,
  phaseTangent,
  product,
  realOf,
  safeDivide,
  withSides,
} from './linalg-matrices';
import { hermitian, solve } from './linalg-solve';
import { matmul } from './matmul';
import { definePrimitive, type Primitive } from './primitive';
import { sum } from './reduction';
import { scale, zerosLike } from './rules';
import { conjugate, real, sqrt } from './unary';

const eighNode: Primitive = definePrimitive<null>({
  name: 'eigh',
  several: true,
  lowering: { kind: 'routine', routine: 'eigh', contiguous: true, optional: [1] },
  infer([a]) {
    const order = checkSquare('eigh', a);
    checkOrder('eigh', order);
    return [
      { shape: withSides(a, order), dtype: realOf(a.dtype) },
      { shape: a.shape, dtype: a.dtype },
    ];
  },
  jvp: (node, [t]) => (t === null ? [null, null] : eighTangents(node, t)),
  vmap: ([a]) => parts(eighNode, a, false).map((node) => ({ node, mapped: true })),
});

function parts(primitive: Primitive, a: Node, together: boolean): Node[] {
  primitive.infer([a], null);
  return projections(new Node(primitive, [a], null, [], a.dtype), together);
}

/**
 * Eigenvalues in ascending order and orthonormal eigenvectors, in columns, of the Hermitian matrix in the lower triangle of `a`. The largest component
 * of a complex eigenvector is real and not negative.
 */
export function eigh(a: Node): { w: Node; v: Node } {
  const [w, v] = parts(eighNode, a, true);
  return { w, v };
}

/** The eigenvalues of `eigh` alone. */
export function eigvalsh(a: Node): Node {
  return parts(eighNode, a, false)[0];
}

/**
 * With P = Vᴴ Ȧ V: ẇ = diag(P), V̇ = V (P[i, j] / (w[j] - w[i])), where a difference of 0 counts as none. M. Giles, 2008; M. Seeger et al.,
 * "Auto-differentiating linear algebra", 2017.
 */
function eighTangents(node: Node, t: Node): Node[] {
  const [w, v] = projections(node);
  const inside = product(adjoint(v), hermitian(t), v);
  const dw = diagonalOf(inside.dtype === w.dtype ? inside : real(inside));
  const dv = matmul(v, multiply(astype(inverseGaps(w), inside.dtype), inside));
  const turn = phaseTangent(v, dv);
  return [dw, turn === null ? dv : add(dv, multiply(v, alongColumns(turn, v.shape[v.shape.length - 2])))];
}

const eigNode: Primitive = definePrimitive<null>({
  name: 'eig',
  several: true,
  lowering: { kind: 'routine', routine: 'eig', contiguous: true, optional: [1] },
  infer([a]) {
    const order = checkSquare('eig', a);
    checkOrder('eig', order);
    return [
      { shape: withSides(a, order), dtype: complex64 },
      { shape: a.shape, dtype: complex64 },
    ];
  },
  jvp: (node, [t]) => (t === null ? [null, null] : eigTangents(node, t)),
  vmap: ([a]) => parts(eigNode, a, false).map((node) => ({ node, mapped: true })),
});

/** Eigenvalues and eigenvectors, in columns of norm 1 whose largest component is real: both complex64. */
export function eig(a: Node): { w: Node; v: Node } {
  const [w, v] = parts(eigNode, a, true);
  return { w, v };
}

/** The eigenvalues of `eig` alone. */
export function eigvals(a: Node): Node {
  return parts(eigNode, a, false)[0];
}

/**
 * With P = V⁻¹ Ȧ V: ẇ = diag(P), V̇ = V (P[i, j] / (w[j] - w[i])) up to a factor for each column (Giles 2008), which keeps its norm 1 and its largest
 * component real.
 */
function eigTangents(node: Node, t: Node): Node[] {
  const [w, v] = projections(node);
  const inside = solve(v, matmul(astype(t, complex64), v));
  const free = matmul(v, multiply(inverseGaps(w), inside));
  const rows = v.shape.length - 2;
  const grown = real(sum(multiply(conjugate(v), free), [rows]));
  const factor = scale(astype(grown, complex64), -1);
  const order = v.shape[rows];
  const kept = add(free, multiply(v, alongColumns(factor, order)));
  const turn = phaseTangent(v, kept) as Node;
  return [diagonalOf(inside), add(kept, multiply(v, alongColumns(turn, order)))];
}

/*
 * From R · Ṙ + Ṙ · R = Ȧ it is, in the basis of eigenvectors,
 * Ṙ[i, j] = Ȧ[i, j] / (√w[i] + √w[j]), which needs no gaps between eigenvalues.
 */
const rootNode: Primitive = definePrimitive<null>({
  name: 'matrixRoot',
  lowering: { kind: 'expand', expand: ([a]) => [rootByEigen(a)] },
  infer([a]) {
    checkSquare('matrixRoot', a);
    return { shape: a.shape, dtype: a.dtype };
  },
  jvp(out, [t]) {
    if (t === null) return null;
    const [a] = out.inputs;
    const { w, v } = eigh(a);
    const roots = rootsOf(w);
    const order = a.shape[a.shape.length - 1];
    const sums = astype(add(alongColumns(roots, order), alongRows(roots, order)), a.dtype);
    return product(v, safeDivide(product(adjoint(v), hermitian(t), v), sums), adjoint(v));
  },
  vmap: ([a]) => matrixRoot(a),
});

function rootsOf(w: Node): Node {
  return sqrt(maximum(w, zerosLike(w)));
}

function rootByEigen(a: Node): Node {
  const { w, v } = eigh(a);
  const columns = astype(alongColumns(rootsOf(w), a.shape[a.shape.length - 1]), a.dtype);
  return matmul(multiply(v, columns), adjoint(v));
}

/** The positive semidefinite square root of the positive semidefinite matrix in the lower triangle of `a`; negative eigenvalues count as 0. */
export function matrixRoot(a: Node): Node {
  checkSquare('matrixRoot', a);
  return new Node(rootNode, [a], null, a.shape, a.dtype);
}
