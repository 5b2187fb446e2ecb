/** Products of matrices. */

import { rangeError, showShape, typeError } from '../errors';
import { Node, type ShapeDtype } from '../graph/node';
import { checkDomain, numeric } from './domain';
import { reshape, swapaxes } from './movement';
import { definePrimitive } from './primitive';
import { addTangents, batchedInput, internalError } from './rules';
import { conjugate } from './unary';

const matmulNode = definePrimitive<null>({
  name: 'matmul',
  lowering: { kind: 'matmul' },
  infer([a, b]) {
    if (a.dtype !== b.dtype) throw typeError('matmul', `operands must have one dtype, not ${a.dtype.name} and ${b.dtype.name}`);
    checkDomain('matmul', numeric, a.dtype);
    const rank = a.shape.length;
    let fits = rank >= 2 && b.shape.length === rank;
    for (let axis = 0; axis < rank - 2; axis++) fits = fits && a.shape[axis] === b.shape[axis];
    if (!fits) throw rangeError('matmul', `operands must be matrices with equal batch axes: ${showShapes(a, b)}`);
    const [inner, rows] = [a.shape[rank - 1], b.shape[rank - 2]];
    if (inner !== rows) {
      throw rangeError('matmul', `last axis of a (${inner}) must equal second-to-last of b (${rows}): ${showShapes(a, b)}`);
    }
    const shape = a.shape.slice();
    shape[rank - 1] = b.shape[rank - 1];
    return { shape, dtype: a.dtype };
  },
  jvp(out, [ta, tb]) {
    const [a, b] = out.inputs;
    return addTangents(ta === null ? null : matmul(ta, b), tb === null ? null : matmul(a, tb));
  },
  transpose(ct, out, linear) {
    if (linear[0] && linear[1]) throw internalError('matmul', 'is not linear in both operands together');
    const [a, b] = out.inputs;
    return [linear[0] ? matmul(ct, adjoint(b)) : null, linear[1] ? matmul(adjoint(a), ct) : null];
  },
  vmap([a, b], mapped, size) {
    const [aMapped, bMapped] = mapped;
    // One product is faster than many: where the other operand is one matrix, the batch joins the rows.
    if (!bMapped && b.shape.length === 2) return rowsTimes(a, b);
    if (!aMapped && a.shape.length === 2 && b.shape[2] === 1) {
      return swapaxes(rowsTimes(swapaxes(b, 1, 2), swapaxes(a, 0, 1)), 1, 2);
    }
    return matmul(batchedInput(a, aMapped, size), batchedInput(b, bMapped, size));
  },
});

function showShapes(a: ShapeDtype, b: ShapeDtype): string {
  return `shapes ${showShape(a.shape)} and ${showShape(b.shape)}`;
}

/** The conjugate transpose. */
function adjoint(x: Node): Node {
  return conjugate(swapaxes(x, x.shape.length - 2, x.shape.length - 1));
}

/** [size, m, k] times one [k, n]. */
function rowsTimes(a: Node, b: Node): Node {
  const [size, m, k] = a.shape;
  return reshape(matmul(reshape(a, [size * m, k]), b), [size, m, b.shape[1]]);
}

/** [batch…, m, k] times [batch…, k, n]. */
export function matmul(a: Node, b: Node): Node {
  const { shape } = matmulNode.infer([a, b], null) as ShapeDtype;
  return new Node(matmulNode, [a, b], null, shape, a.dtype);
}
