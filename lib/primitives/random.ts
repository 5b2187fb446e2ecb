/** Random bits from keys: threefry-2x32 in the layout of MLX. */

import { type Dtype, uint8, uint16, uint32 } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import { Node, type Shape, type ShapeDtype } from '../graph/node';
import { definePrimitive } from './primitive';
import { noTangent } from './rules';

interface RandomBitsAttrs {
  /** What each key gives. */
  readonly shape: Shape;
  readonly dtype: Dtype;
}

const randomBitsNode = definePrimitive<RandomBitsAttrs>({
  name: 'randomBits',
  lowering: { kind: 'randomBits' },
  infer([keys], { shape, dtype }) {
    if (keys.dtype !== uint32) throw typeError('random.bits', `a key is uint32, not ${keys.dtype.name}`);
    if (keys.shape.at(-1) !== 2) throw rangeError('random.bits', `the last axis of keys has size 2: shape ${showShape(keys.shape)}`);
    if (dtype !== uint8 && dtype !== uint16 && dtype !== uint32) {
      throw typeError('random.bits', `bits are uint8, uint16 or uint32, not ${dtype.name}`);
    }
    return { shape: [...keys.shape.slice(0, -1), ...shape], dtype };
  },
  jvp: noTangent,
  /** Keys that are mapped are more keys: each lane draws what it would draw alone. */
  vmap: ([keys], _mapped, _size, { shape, dtype }) => randomBits(keys, shape, dtype),
});

/** `shape` elements of uint8, uint16 or uint32 for each of the keys of shape […, 2]. */
export function randomBits(keys: Node, shape: Shape, dtype: Dtype): Node {
  const attrs: RandomBitsAttrs = { shape, dtype };
  const result = randomBitsNode.infer([keys], attrs) as ShapeDtype;
  return new Node(randomBitsNode, [keys], attrs, result.shape, dtype);
}
