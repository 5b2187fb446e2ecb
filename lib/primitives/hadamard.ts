/** The Hadamard transform of the last axis. */

import { float64 } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import { Node, type ShapeDtype } from '../graph/node';
import { definePrimitive } from './primitive';

interface HadamardAttrs {
  readonly scale: number;
  readonly transposed: boolean;
}

/** The order of the matrix beside the powers of two: the length is this times a power of two. Null if there is none. */
function factorOf(length: number): number | null {
  for (const factor of [1, 12, 20, 28]) {
    const rest = length / factor;
    if (rest >= 1 && Number.isInteger(Math.log2(rest))) return factor;
  }
  return length === 0 ? 1 : null;
}

const hadamardNode = definePrimitive<HadamardAttrs>({
  name: 'hadamardTransform',
  lowering: {
    kind: 'routine',
    routine: 'hadamard',
    ints: ({ transposed }, { shape }) => [factorOf(shape[shape.length - 1]) as number, Number(transposed)],
  },
  key: ({ transposed }, key) => key.int(Number(transposed)),
  args: ({ scale }, args) => args.scalar(scale, float64),
  infer([{ shape, dtype }]) {
    if (!dtype.inexact) throw typeError('hadamardTransform', `needs floats, not ${dtype.name}`);
    if (shape.length === 0) throw rangeError('hadamardTransform', 'a scalar has no axis to transform');
    if (factorOf(shape[shape.length - 1]) === null) {
      throw rangeError('hadamardTransform', `the last axis has size m · 2^k with m of 1, 12, 20, 28, not as in shape ${showShape(shape)}`);
    }
    return { shape, dtype };
  },
  jvp: (_out, [t], { scale, transposed }) => (t === null ? null : hadamardTransform(t, scale, transposed)),
  transpose: (ct, _out, _linear, { scale, transposed }) => [hadamardTransform(ct, scale, !transposed)],
  vmap: ([x], _mapped, _size, { scale, transposed }) => hadamardTransform(x, scale, transposed),
});

/** `scale` times the Hadamard matrix, or its transpose, times the rows of `x` along the last axis. */
export function hadamardTransform(x: Node, scale: number, transposed = false): Node {
  const attrs: HadamardAttrs = { scale, transposed };
  const { shape, dtype } = hadamardNode.infer([x], attrs) as ShapeDtype;
  return new Node(hadamardNode, [x], attrs, shape, dtype);
}
