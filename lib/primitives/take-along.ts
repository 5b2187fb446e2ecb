/** Taking one element a position along an axis, as derivatives of sorts and of cumulative extremes do. */

import { int32, int64 } from '../dtype';
import type { Node } from '../graph/node';
import { contiguousStrides, sizeOf } from '../shape';
import { add, multiply } from './binary';
import { astype } from './cast';
import { arange, full } from './generators';
import { gather } from './indexing';
import { reshape } from './movement';

/** out[…, i, …] = x[…, indices[…, i, …], …] along `axis`; the positions must lie inside. */
export function takeAlong(x: Node, indices: Node, axis: number): Node {
  const { shape } = indices;
  // One index array into the flattened source, instead of one an axis.
  const dtype = sizeOf(x.shape) > 0x7fffffff ? int64 : int32;
  const strides = contiguousStrides(x.shape);
  let positions = astype(indices, dtype);
  if (strides[axis] !== 1) positions = multiply(positions, full(strides[axis], shape, dtype));
  for (let k = 0; k < shape.length; k++) {
    if (k !== axis && shape[k] > 1) positions = add(positions, arange(0, strides[k], shape, k, dtype));
  }
  const taken = gather(reshape(x, [sizeOf(x.shape)]), [positions], [0], [1]);
  return reshape(taken, shape);
}
