/** Elementwise choice between two operands. */

import { bool } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import { Node, type ShapeDtype } from '../graph/node';
import { sameShape } from '../shape';
import { definePrimitive } from './primitive';
import { dense, elementwiseVmap, zerosLike } from './rules';

function check(condition: ShapeDtype, x: ShapeDtype, y: ShapeDtype): void {
  if (condition.dtype !== bool) throw typeError('where', `the condition must be bool, not ${condition.dtype.name}`);
  if (x.dtype !== y.dtype) throw typeError('where', `operands must have one dtype, not ${x.dtype.name} and ${y.dtype.name}`);
  if (!sameShape(condition.shape, x.shape) || !sameShape(x.shape, y.shape)) {
    const shapes = [condition, x, y].map((operand) => showShape(operand.shape)).join(', ');
    throw rangeError('where', `condition and operands must have one shape: ${shapes}`);
  }
}

const whereNode = definePrimitive<null>({
  name: 'where',
  lowering: { kind: 'elementwise', op: 'select' },
  infer([condition, x, y]) {
    check(condition, x, y);
    return { shape: x.shape, dtype: x.dtype };
  },
  jvp(out, [, tx, ty]) {
    const [condition, x, y] = out.inputs;
    return where(condition, dense(tx, x), dense(ty, y));
  },
  transpose(ct, out, linear) {
    const condition = out.inputs[0];
    const zero = zerosLike(ct);
    return [null, linear[1] ? where(condition, ct, zero) : null, linear[2] ? where(condition, zero, ct) : null];
  },
  vmap: elementwiseVmap,
});

/** `x` where the condition holds, else `y`. */
export function where(condition: Node, x: Node, y: Node): Node {
  const shape = x.shape;
  if (
    condition.dtype !== bool ||
    x.dtype !== y.dtype ||
    (shape !== y.shape && !sameShape(shape, y.shape)) ||
    (shape !== condition.shape && !sameShape(shape, condition.shape))
  ) {
    check(condition, x, y);
  }
  return new Node(whereNode, [condition, x, y], null, shape, x.dtype);
}
