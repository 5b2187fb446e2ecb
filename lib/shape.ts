/** Arithmetic on shapes, axes and strides. */

import { rangeError, showShape, typeError } from './errors';
import type { Shape } from './graph/node';
import { describe } from './values/describe';

export const maxRank = 32;

export function sizeOf(shape: Shape): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i];
  return size;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Row-major strides, in elements. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

/** The shape that both broadcast to, by NumPy's rule. */
export function broadcastShapes(where: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  const shape = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const x = i <= a.length ? a[a.length - i] : 1;
    const y = i <= b.length ? b[b.length - i] : 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw rangeError(where, `shapes ${showShape(a)} and ${showShape(b)} do not broadcast`);
    }
    shape[rank - i] = x === 1 ? y : x;
  }
  return shape;
}

/** An axis counted from the front. */
export function normalizeAxis(where: string, axis: number, rank: number): number {
  if (!Number.isInteger(axis)) throw typeError(where, `axis must be an integer, not ${describe(axis)}`);
  const positive = axis < 0 ? axis + rank : axis;
  if (positive < 0 || positive >= rank) {
    throw rangeError(where, `axis ${axis} is out of range for an array with ${rank} ${rank === 1 ? 'dimension' : 'dimensions'}`);
  }
  return positive;
}

/** A valid shape: integers of at least 0, rank at most 32, and a byte size that a number counts exactly. */
export function checkShape(where: string, shape: readonly unknown[], itemSize = 8): Shape {
  if (shape.length > maxRank) throw rangeError(where, `rank ${shape.length} is more than ${maxRank}`);
  for (const size of shape) {
    if (typeof size !== 'number' || !Number.isInteger(size)) {
      throw typeError(where, `a shape is a list of integers, not [${shape.map(describe).join(', ')}]`);
    }
    if (size < 0) throw rangeError(where, `negative size in shape [${shape.join(', ')}]`);
  }
  // Axes of size 0 do not count: strides and batches of such arrays must be numbers too.
  let bytes = itemSize;
  for (const size of shape as Shape) bytes *= size || 1;
  if (bytes > Number.MAX_SAFE_INTEGER) {
    throw rangeError(where, `shape [${shape.join(', ')}] is too large`);
  }
  return shape as Shape;
}
