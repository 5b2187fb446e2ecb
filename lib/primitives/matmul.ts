/** Products of matrices. */

import { rangeError, showShape, typeError } from '../errors';
import { Node, type ShapeDtype } from '../graph/node';
import { sameShape } from '../shape';
import { checkDomain, inexact } from './domain';
import { reshape, swapaxes } from './movement';
import { definePrimitive } from './primitive';
import { addTangents, batchedInput, internalError } from './rules';
import { conjugate } from './unary';

const matmulNode = definePrimitive<null>({
  name: 'matmul',
  lowering: { kind: 'matmul' },
  infer([a, b]) {
    if (a.dtype !== b.dtype) throw typeError('matmul', `operands must have one dtype, not ${a.dtype.name} and ${b.dtype.name}`);
    checkDomain('matmul', inexact, a.dtype);
    const rank = a.shape.length;
    const shapes = `shapes ${showShape(a.shape)} and ${showShape(b.shape)}`;
    if (rank < 2 || b.shape.length !== rank || !sameShape(a.shape.slice(0, -2), b.shape.slice(0, -2))) {
      throw rangeError('matmul', `operands must be matrices with equal batch axes: ${shapes}`);
    }
    const [m, k] = a.shape.slice(-2);
    const [rows, n] = b.shape.slice(-2);
    if (k !== rows) throw rangeError('matmul', `last axis of a (${k}) must equal second-to-last of b (${rows}): ${shapes}`);
    return { shape: [...a.shape.slice(0, -2), m, n], dtype: a.dtype };
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
