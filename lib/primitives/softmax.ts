/** Softmax and logsumexp along the last axis: on devices, functions that read each row once. */

import { typeError } from '../errors';
import { Node, type ShapeDtype } from '../graph/node';
import { multiply, subtract } from './binary';
import { equal } from './compare';
import { definePrimitive } from './primitive';
import { sum } from './reduction';
import { alongRows, constant } from './rules';
import { where } from './select';
import { exp } from './unary';

function checkOperand(name: string, { shape, dtype }: ShapeDtype): void {
  if (dtype.kind !== 'float') throw typeError(name, `needs real floats, not ${dtype.name}`);
  if (shape.length === 0 || shape[shape.length - 1] === 0) throw typeError(name, `rows of shape [${shape.join(', ')}] have no elements`);
}

const softmaxNode = definePrimitive<null>({
  name: 'softmax',
  lowering: { kind: 'routine', routine: 'softmax', contiguous: true },
  infer([x]) {
    checkOperand('softmax', x);
    return { shape: x.shape, dtype: x.dtype };
  },
  // y = e / Σ e has ẏ = y · (ẋ - Σ y · ẋ).
  jvp(y, [t]) {
    if (t === null) return null;
    return multiply(y, subtract(t, alongRows(sum(multiply(y, t), [y.shape.length - 1]), y.shape)));
  },
  vmap: ([x]) => softmax(x),
});

/** exp(x) over its sum along the last axis, for rows of real floats that are not empty. */
export function softmax(x: Node): Node {
  softmaxNode.infer([x], null);
  return new Node(softmaxNode, [x], null, x.shape, x.dtype);
}

const logsumexpNode = definePrimitive<null>({
  name: 'logsumexp',
  lowering: { kind: 'routine', routine: 'logsumexp', contiguous: true },
  infer([x]) {
    checkOperand('logsumexp', x);
    return { shape: x.shape.slice(0, -1), dtype: x.dtype };
  },
  // Σ exp(x - y) · ẋ; a row of -∞, where y = -∞, has no weights.
  jvp(y, [t]) {
    if (t === null) return null;
    const { inputs } = y;
    const zero = constant(0, y);
    const finite = where(equal(subtract(y, y), zero), y, zero);
    return sum(multiply(exp(subtract(inputs[0], alongRows(finite, inputs[0].shape))), t), [y.shape.length]);
  },
  vmap: ([x]) => logsumexp(x),
});

/** log Σ exp(x) along the last axis, for rows of real floats that are not empty. */
export function logsumexp(x: Node): Node {
  const { shape, dtype } = logsumexpNode.infer([x], null) as ShapeDtype;
  return new Node(logsumexpNode, [x], null, shape, dtype);
}
