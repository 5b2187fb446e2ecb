/** Sorting along the last axis: stable, NaN last. */

import { uint32 } from '../dtype';
import { rangeError } from '../errors';
import { Node, type ShapeDtype } from '../graph/node';
import { definePrimitive } from './primitive';
import { noTangent } from './rules';
import { takeAlong } from './take-along';

function checkRank(where: string, x: ShapeDtype): void {
  if (x.shape.length === 0) throw rangeError(where, 'a scalar has no axis to sort along');
}

const sortNode = definePrimitive<null>({
  name: 'sort',
  lowering: { kind: 'sort', indices: false },
  infer([x]) {
    checkRank('sort', x);
    return { shape: x.shape, dtype: x.dtype };
  },
  jvp: (out, [t]) => (t === null ? null : takeAlong(t, argsort(out.inputs[0]), t.shape.length - 1)),
  vmap: ([x]) => sort(x),
});

const argsortNode = definePrimitive<null>({
  name: 'argsort',
  lowering: { kind: 'sort', indices: true },
  infer([x]) {
    checkRank('argsort', x);
    return { shape: x.shape, dtype: uint32 };
  },
  jvp: noTangent,
  vmap: ([x]) => argsort(x),
});

/** The values in ascending order. */
export function sort(x: Node): Node {
  checkRank('sort', x);
  return new Node(sortNode, [x], null, x.shape, x.dtype);
}

/** The positions (uint32) of the values in ascending order. */
export function argsort(x: Node): Node {
  checkRank('argsort', x);
  return new Node(argsortNode, [x], null, x.shape, uint32);
}
