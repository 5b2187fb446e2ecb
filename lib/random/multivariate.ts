/** Normal vectors whose components depend on one another. */

import { type ArrayInput, type array, nodeOf, toNode, wrap } from '../array';
import { type Dtype, float32, float64 } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import type { Node } from '../graph/node';
import { conform, dtypeArgument, shapeArgument } from '../ops/arguments';
import { type Call, defineOp, operand } from '../ops/registry';
import * as p from '../primitives';
import { matrixRoot } from '../primitives/linalg';
import { broadcastShapes } from '../shape';
import { key as keyOf, normal } from './index';

const where = 'random.multivariateNormal';

function check(mean: Node, cov: Node): number {
  const size = mean.shape[mean.shape.length - 1];
  const [rows, columns] = cov.shape.slice(-2);
  if (mean.shape.length < 1 || cov.shape.length < 2 || rows !== size || columns !== size) {
    throw rangeError(where, `needs mean […, n] and cov […, n, n]: shapes ${showShape(mean.shape)} and ${showShape(cov.shape)}`);
  }
  return size;
}

/**
 * Normal vectors with mean `mean` […, n] and covariance `cov` […, n, n], a symmetric matrix whose lower triangle is read: float32, or float64 where
 * `dtype` says so. `shape` is that of the batch of vectors, to which the batch axes of `mean` and `cov` broadcast; without it, theirs is taken. A vector is `mean`
 * plus a standard normal one times the square root of `cov`, in both of which it is differentiable.
 *
 * @example
 * mx.random.multivariateNormal(mx.zeros([2]), mx.eye(2), [1000]);
 */
export const multivariateNormal = defineOp<
  Call<
    [mean: ArrayInput, cov: ArrayInput],
    [shape?: number | readonly number[], dtype?: Dtype, key?: array],
    { shape: number | readonly number[]; dtype: Dtype; key: array },
    array
  >
>(
  {
    name: where,
    method: false,
    parameters: ['mean', 'cov', 'shape?', 'dtype?', 'key?'],
    cases: () => {
      const cov = operand([2, 2], { low: -0.5, high: 0.5, diagonal: 2, dtype: float64 });
      return [
        { args: [operand([2], { dtype: float64 }), cov, [3], float64, keyOf(7)], tolerance: 10 },
        { args: [operand([3, 2], { dtype: float64 }), cov, undefined, float64, keyOf(7)], tolerance: 10 },
      ];
    },
  },
  (mean: ArrayInput, cov: ArrayInput, shape?: unknown, dtype?: unknown, key?: array): array => {
    const type = dtypeArgument(where, dtype, float32);
    if (type !== float32 && type !== float64) throw typeError(where, `dtype must be float32 or float64, not ${type}`);
    const [m, c] = [toNode(mean, undefined, where), toNode(cov, undefined, where)];
    const size = check(m, c);
    let batch = broadcastShapes(where, m.shape.slice(0, -1), c.shape.slice(0, -2));
    if (shape !== undefined && shape !== null) batch = broadcastShapes(where, batch, shapeArgument(where, shape));
    const draw = nodeOf(normal([...batch, size], type, 0, 1, key as array), where);
    const root = conform(matrixRoot(p.astype(c, type)), [...batch, size, size], type);
    const product = p.reshape(p.matmul(p.reshape(draw, [...batch, 1, size]), root), [...batch, size]);
    return wrap(p.add(conform(m, product.shape, type), product));
  },
);
