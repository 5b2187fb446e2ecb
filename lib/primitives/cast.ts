/** Conversion between dtypes. */

import { complex64, type Dtype } from '../dtype';
import { Node } from '../graph/node';
import { definePrimitive } from './primitive';
import { elementwiseVmap } from './rules';
import { real } from './unary';

interface CastAttrs {
  readonly dtype: Dtype;
}

const castNode = definePrimitive<CastAttrs>({
  name: 'astype',
  lowering: { kind: 'elementwise', op: 'cast' },
  infer: ([x], { dtype }) => ({ shape: x.shape, dtype }),
  jvp: (_out, [t], { dtype }) => (t === null ? null : astype(t, dtype)),
  /** From complex to real takes the real part; its adjoint is the embedding, and the other way round. */
  transpose(ct, out) {
    const dtype = out.inputs[0].dtype;
    return [dtype === complex64 ? astype(ct, dtype) : astype(real(ct), dtype)];
  },
  vmap: elementwiseVmap,
});

const attributes = new Map<Dtype, CastAttrs>();

/** `x` with another dtype; the same node when nothing changes. Floating to integer truncates, complex to real takes the real part. */
export function astype(x: Node, dtype: Dtype): Node {
  if (x.dtype === dtype) return x;
  let attrs = attributes.get(dtype);
  if (attrs === undefined) {
    attrs = { dtype };
    attributes.set(dtype, attrs);
  }
  return new Node(castNode, [x], attrs, x.shape, dtype);
}
