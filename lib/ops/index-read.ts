/** Reads the part of a node that an index names, by NumPy's rules for mixing ranges, index arrays and masks. */

import { rangeError, showShape } from '../errors';
import type { Node, Shape } from '../graph/node';
import { zeros } from '../primitives/generators';
import { gather } from '../primitives/indexing';
import { broadcastTo, reshape, slice, transpose } from '../primitives/movement';
import { broadcastShapes, maxRank, sameShape, sizeOf } from '../shape';
import { type IndexExpression, knownPositions, type Part } from './index-expression';
import { nonzeroPositions } from './index-list';
import { readMask } from './mask';

/** Index arrays of one shape, the source axes that they index, and where their axes stand in the result. */
export interface Gathering {
  readonly shape: Shape;
  readonly positions: readonly Node[];
  readonly axes: readonly number[];
  /** The number of result axes in front of the index arrays' axes. */
  readonly front: number;
}

/** The static part: ranges and numbers, every source axis still there. */
export function staticPart(x: Node, index: IndexExpression): Node {
  return index.sliced ? slice(x, index.starts, index.sizes, index.steps) : x;
}

/** The sizes of the result's axes that come from ranges and `null`, in order. */
export function plainShape(index: IndexExpression): number[] {
  const shape: number[] = [];
  for (const part of index.parts) {
    if (part.kind === 'axis') shape.push(index.sizes[part.axis]);
    else if (part.kind === 'new') shape.push(1);
  }
  return shape;
}

/**
 * The number of plain result axes in front of the axes of the index arrays: where the arrays (and the numbers among
 * them) stand side by side their axes take that place, else they come first.
 */
export function advancedFront(parts: readonly Part[]): number {
  let plain = 0;
  let front = -1;
  let ended = false;
  for (const part of parts) {
    if (part.kind === 'axis' || part.kind === 'new' || part.kind === 'gap') {
      if (front >= 0) ended = true;
      if (part.kind !== 'gap') plain++;
    } else if (ended) {
      return 0;
    } else if (front < 0) {
      front = plain;
    }
  }
  return Math.max(front, 0);
}

/** Masks replaced by the positions of their true elements, which evaluates them. */
export function withoutMasks(where: string, index: IndexExpression, shape: Shape): IndexExpression {
  if (!index.parts.some((part) => part.kind === 'mask')) return index;
  const parts = index.parts.flatMap((part): Part[] => {
    if (part.kind !== 'mask') return [part];
    const values = readMask(where, part.mask);
    if (part.mask.shape.length === 0) return [{ kind: 'switch', on: values[0] !== 0 }];
    return nonzeroPositions(values, part.mask.shape).map((known, i) => ({
      kind: 'gather',
      axis: part.axis + i,
      positions: knownPositions(known, shape[part.axis + i]),
    }));
  });
  return { ...index, parts };
}

/** The index arrays of an expression without masks, broadcast together. */
export function gathering(where: string, index: IndexExpression, source: Shape): Gathering {
  let shape: Shape = [];
  const arrays: { axis: number; positions: Node }[] = [];
  for (const part of index.parts) {
    if (part.kind === 'switch') shape = broadcastShapes(where, shape, [part.on ? 1 : 0]);
    if (part.kind !== 'gather') continue;
    shape = broadcastShapes(where, shape, part.positions.shape);
    arrays.push(part);
  }
  for (const { axis } of arrays) {
    if (source[axis] === 0 && sizeOf(shape) > 0) throw rangeError(where, `axis ${axis} of size 0 has no element to index`);
  }
  return {
    shape,
    positions: arrays.map(({ positions }) => (sameShape(positions.shape, shape) ? positions : broadcastTo(positions, shape))),
    axes: arrays.map(({ axis }) => axis),
    front: advancedFront(index.parts),
  };
}

/** The result's shape: the plain axes with those of the index arrays among them. */
export function resultShape(where: string, plain: Shape, { shape, front }: Gathering): number[] {
  const result = [...plain.slice(0, front), ...shape, ...plain.slice(front)];
  if (result.length > maxRank) throw rangeError(where, `a result of shape ${showShape(result)} has more than ${maxRank} dimensions`);
  return result;
}

/** The permutation that moves `count` leading axes behind `front` others; its inverse moves them to the front. */
export function placeAxes(count: number, front: number, rank: number): { place: number[]; unplace: number[] } {
  const place: number[] = [];
  for (let i = 0; i < front; i++) place.push(count + i);
  for (let i = 0; i < count; i++) place.push(i);
  for (let i = count + front; i < rank; i++) place.push(i);
  const unplace = new Array<number>(rank);
  place.forEach((from, to) => {
    unplace[from] = to;
  });
  return { place, unplace };
}

/** `x[index]`. */
export function readAt(where: string, x: Node, expression: IndexExpression): Node {
  const index = withoutMasks(where, expression, x.shape);
  const part = staticPart(x, index);
  const plain = plainShape(index);
  if (!index.advanced) {
    if (plain.length > maxRank) throw rangeError(where, `a result of shape ${showShape(plain)} has more than ${maxRank} dimensions`);
    return reshape(part, plain);
  }
  const arrays = gathering(where, index, index.sizes);
  const shape = resultShape(where, plain, arrays);
  const count = arrays.shape.length;
  // Booleans alone keep everything or nothing.
  if (arrays.axes.length === 0) return sizeOf(arrays.shape) === 0 ? zeros(shape, x.dtype) : reshape(part, shape);
  const sliceSizes = [...index.sizes];
  for (const axis of arrays.axes) sliceSizes[axis] = 1;
  const gathered = reshape(gather(part, arrays.positions, arrays.axes, sliceSizes), [...arrays.shape, ...plain]);
  if (arrays.front === 0 || count === 0) return gathered;
  return transpose(gathered, placeAxes(count, arrays.front, shape.length).place);
}
