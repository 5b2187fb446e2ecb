/** A contiguous copy as a node: what an evaluated view becomes before its elements leave the library. */

import { Node } from '../graph/node';
import { definePrimitive } from '../primitives/primitive';

const copyPrimitive = definePrimitive<null>({
  name: 'copy',
  lowering: { kind: 'elementwise', op: 'cast' },
  infer: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
  jvp: (_out, [tangent]) => (tangent === null ? null : copy(tangent)),
  transpose: (cotangent) => [cotangent],
  vmap: ([x]) => copy(x),
});

/** The same elements in a buffer of their own, row-major. */
export function copy(x: Node): Node {
  return new Node(copyPrimitive, [x], null, x.shape, x.dtype);
}
