/** Writes into the part of a node that an index names; the result is a new node. */

import { int32 } from '../dtype';
import { rangeError, showShape } from '../errors';
import type { Node, Shape } from '../graph/node';
import { add, divide, floorDivide, maximum, minimum, multiply, subtract } from '../primitives/binary';
import { full, ones } from '../primitives/generators';
import { gather, scatter } from '../primitives/indexing';
import { broadcastTo, flip, reshape, sliceUpdate, transpose } from '../primitives/movement';
import { where as select } from '../primitives/select';
import { negative } from '../primitives/unary';
import { sizeOf } from '../shape';
import type { IndexExpression, Part } from './index-expression';
import { advancedFront, gathering, placeAxes, plainShape, resultShape, staticPart, withoutMasks } from './index-read';
import { runningCount } from './mask';

/** What happens to the elements that an index names. */
export type WriteMode = 'set' | 'add' | 'subtract' | 'multiply' | 'divide' | 'maximum' | 'minimum';

type MaskPart = Extract<Part, { kind: 'mask' }>;

function combine(mode: WriteMode, old: Node, value: Node): Node {
  switch (mode) {
    case 'set':
      return value;
    case 'add':
      return add(old, value);
    case 'subtract':
      return subtract(old, value);
    case 'multiply':
      return multiply(old, value);
    case 'divide':
      return old.dtype.inexact ? divide(old, value) : floorDivide(old, value);
    case 'maximum':
      return maximum(old, value);
    case 'minimum':
      return minimum(old, value);
  }
}

function mismatch(where: string, value: Shape, region: readonly (number | string)[]): RangeError {
  return rangeError(where, `a value of shape ${showShape(value)} does not broadcast to the indexed region of shape [${region.join(', ')}]`);
}

/** The value's shape with axes of size 1 added or taken away in front until it has `rank` axes; null if that is impossible. */
function alignShape(shape: Shape, rank: number): number[] | null {
  const extra = shape.length - rank;
  if (extra <= 0) return [...new Array<number>(-extra).fill(1), ...shape];
  for (let i = 0; i < extra; i++) if (shape[i] !== 1) return null;
  return shape.slice(extra);
}

/** `value` broadcast to the shape of the region that it is written to. */
function fitValue(where: string, value: Node, region: Shape): Node {
  const aligned = alignShape(value.shape, region.length);
  if (aligned === null || aligned.some((size, axis) => size !== region[axis] && size !== 1)) throw mismatch(where, value.shape, region);
  return broadcastTo(value.shape.length > region.length ? reshape(value, aligned) : value, region);
}

/** `value`, as it lies among the result's axes, spread over the source's axes at the elements where `mask` is true. */
function spreadOverMask(where: string, value: Node, part: MaskPart, index: IndexExpression): Node {
  const plain = plainShape(index);
  const front = advancedFront(index.parts);
  const region = [...plain.slice(0, front), 'true elements', ...plain.slice(front)];
  const aligned = alignShape(value.shape, region.length);
  if (aligned === null || aligned.some((size, axis) => size !== region[axis] && size !== 1 && axis !== front)) {
    throw mismatch(where, value.shape, region);
  }
  // The value's size along each source axis outside the mask, in order; axes made by null have size 1 and vanish.
  const others: number[] = [];
  let plainAxis = 0;
  for (const { kind } of index.parts) {
    if (kind === 'number') others.push(1);
    else if (kind === 'axis' || kind === 'new') {
      const size = aligned[plainAxis < front ? plainAxis : plainAxis + 1];
      if (kind === 'axis') others.push(size);
      plainAxis++;
    }
  }
  const rank = part.mask.shape.length;
  const before = part.axis;
  if (aligned[front] === 1) {
    return reshape(value, [...others.slice(0, before), ...new Array<number>(rank).fill(1), ...others.slice(before)]);
  }
  // The k-th true element takes the k-th value: its position is the number of true elements before it.
  const count = runningCount(part.mask);
  const position = subtract(count, full(1, count.shape, int32));
  const sizes = [...aligned];
  sizes[front] = 1;
  const rows = gather(reshape(value, aligned), [position], [front], sizes);
  const spread = reshape(rows, [...part.mask.shape, ...others]);
  return transpose(spread, placeAxes(rank, before, rank + others.length).place);
}

/** Writes where a mask is true, without evaluating the mask. */
function writeMasked(where: string, x: Node, index: IndexExpression, part: MaskPart, mode: WriteMode, value: Node): Node {
  const rank = part.mask.shape.length;
  const maskShape = x.shape.map((_, axis) => (axis >= part.axis && axis < part.axis + rank ? part.mask.shape[axis - part.axis] : 1));
  const mask = broadcastTo(reshape(part.mask, maskShape), x.shape);
  // No value for any element: an error only where an element is true, which is not known here.
  if (sizeOf(value.shape) === 0) return x;
  const spread = broadcastTo(spreadOverMask(where, value, part, index), x.shape);
  return select(mask, combine(mode, x, spread), x);
}

/** Writes at index arrays; what repeated positions do follows from the mode: the last one stays, or all of them count. */
function writeGathered(where: string, x: Node, index: IndexExpression, mode: WriteMode, value: Node): Node {
  const plain = plainShape(index);
  const arrays = gathering(where, index, x.shape);
  const shape = resultShape(where, plain, arrays);
  const fitted = fitValue(where, value, shape);
  if (arrays.axes.length === 0) return sizeOf(arrays.shape) === 0 ? x : combine(mode, x, reshape(fitted, x.shape));
  const sliceSizes = [...x.shape];
  for (const axis of arrays.axes) sliceSizes[axis] = 1;
  const count = arrays.shape.length;
  const leading = arrays.front === 0 || count === 0 ? fitted : transpose(fitted, placeAxes(count, arrays.front, shape.length).unplace);
  const updates = reshape(leading, [...arrays.shape, ...sliceSizes]);
  switch (mode) {
    case 'subtract':
      return scatter(x, negative(updates), arrays.positions, arrays.axes, 'add');
    case 'divide':
      return combine('divide', x, scatter(ones(x.shape, x.dtype), updates, arrays.positions, arrays.axes, 'multiply'));
    default:
      return scatter(x, updates, arrays.positions, arrays.axes, mode);
  }
}

/** `x` with its static part replaced. */
function putBack(x: Node, part: Node, index: IndexExpression): Node {
  if (!index.sliced) return part;
  if (sizeOf(part.shape) === 0) return x;
  const starts = [...index.starts];
  const steps = [...index.steps];
  const backwards: number[] = [];
  for (let axis = 0; axis < steps.length; axis++) {
    if (steps[axis] >= 0) continue;
    starts[axis] += (index.sizes[axis] - 1) * steps[axis];
    steps[axis] = -steps[axis];
    backwards.push(axis);
  }
  return sliceUpdate(x, backwards.length === 0 ? part : flip(part, backwards), starts, steps);
}

/** `x` with `x[index]` replaced by, or combined with, `value`, whose dtype is that of `x`. */
export function writeAt(where: string, x: Node, expression: IndexExpression, mode: WriteMode, value: Node): Node {
  if (!expression.advanced) {
    const region = reshape(fitValue(where, value, plainShape(expression)), expression.sizes);
    return putBack(x, mode === 'set' ? region : combine(mode, staticPart(x, expression), region), expression);
  }
  const advanced = expression.parts.filter(({ kind }) => kind === 'mask' || kind === 'gather' || kind === 'switch');
  const part = staticPart(x, expression);
  if (advanced.length === 1 && advanced[0].kind === 'mask') {
    return putBack(x, writeMasked(where, part, expression, advanced[0], mode, value), expression);
  }
  const index = withoutMasks(where, expression, x.shape);
  return putBack(x, writeGathered(where, part, index, mode, value), index);
}
