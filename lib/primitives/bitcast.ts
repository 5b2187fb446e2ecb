/** The bits of an array read as another dtype. */

import type { Dtype } from '../dtype';
import { codedError, rangeError, showShape } from '../errors';
import { Node, type Shape, type ShapeDtype } from '../graph/node';
import { zeros } from './generators';
import { reshape, squeeze } from './movement';
import { definePrimitive } from './primitive';

interface BitcastAttrs {
  readonly dtype: Dtype;
}

/** The last axis has as many elements as its bytes hold. */
function bitcastShape({ shape, dtype: from }: ShapeDtype, dtype: Dtype): Shape {
  if (from.size === dtype.size) return shape;
  const bytes = shape.length === 0 ? from.size : shape[shape.length - 1] * from.size;
  if (shape.length === 0 || bytes % dtype.size !== 0) {
    throw rangeError('view', `the last axis of shape ${showShape(shape)} in ${from.name} holds no whole number of ${dtype.name}`);
  }
  return [...shape.slice(0, -1), bytes / dtype.size];
}

const bitcastNode = definePrimitive<BitcastAttrs>({
  name: 'bitcast',
  lowering: { kind: 'routine', routine: 'bitcast', contiguous: true },
  infer: ([x], { dtype }) => ({ shape: bitcastShape(x, dtype), dtype }),
  jvp(out, _tangents, { dtype }) {
    const from = out.inputs[0].dtype.name;
    throw codedError(
      'view',
      'METALGRAD_TRANSFORM',
      `reading the bits of ${from} as ${dtype.name} has no derivative: use astype to convert, or stopGradient where none is wanted`,
    );
  },
  vmap([x], _mapped, size, { dtype }, out) {
    if (size === 0) return zeros([0, ...out.shape], dtype);
    // A number alone has no last axis, and must not take that of the batch.
    if (out.shape.length > 0) return bitcast(x, dtype);
    return squeeze(bitcast(reshape(x, [size, 1]), dtype), [1]);
  },
});

/** The same bits as numbers of another dtype; the last axis grows or shrinks with the size of an element. */
export function bitcast(x: Node, dtype: Dtype): Node {
  if (x.dtype === dtype) return x;
  const attrs: BitcastAttrs = { dtype };
  const { shape } = bitcastNode.infer([x], attrs) as ShapeDtype;
  return new Node(bitcastNode, [x], attrs, shape, dtype);
}
