/** Discrete Fourier transforms along one axis, nothing scaled. */

import { complex64 } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import { Node, type ShapeDtype } from '../graph/node';
import { definePrimitive, type Primitive } from './primitive';

interface FourierAttrs {
  readonly axis: number;
  /** The exponent is positive. */
  readonly inverse: boolean;
}

const fourierNode: Primitive = definePrimitive<FourierAttrs>({
  name: 'fft',
  lowering: { kind: 'routine', routine: 'fft', ints: ({ axis, inverse }) => [axis, Number(inverse)] },
  key: ({ axis, inverse }, key) => key.ints([axis, Number(inverse)]),
  infer([x], { axis }) {
    if (x.dtype !== complex64) throw typeError('fft', `transforms complex64, not ${x.dtype.name}`);
    if (!(axis >= 0 && axis < x.shape.length)) throw rangeError('fft', `axis ${axis} is no axis of shape ${showShape(x.shape)}`);
    return { shape: x.shape, dtype: x.dtype };
  },
  jvp: (_out, [t], { axis, inverse }) => (t === null ? null : fourier(t, axis, inverse)),
  // The matrix exp(∓2πi j k / n) is symmetric: its adjoint is its conjugate.
  transpose: (ct, _out, _linear, { axis, inverse }) => [fourier(ct, axis, !inverse)],
  vmap: ([x], _mapped, _size, { axis, inverse }) => fourier(x, axis + 1, inverse),
});

/** X[k] = Σ x[j] · exp(-2πi j k / n) along `axis`, or with the opposite sign where `inverse`. */
export function fourier(x: Node, axis: number, inverse: boolean): Node {
  const attrs: FourierAttrs = { axis, inverse };
  const { shape, dtype } = fourierNode.infer([x], attrs) as ShapeDtype;
  return new Node(fourierNode, [x], attrs, shape, dtype);
}
