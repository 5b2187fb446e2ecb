/** Reads what stands between the brackets of an index: static ranges apart from index arrays, and the axes of the result in order. */

import { ArrayHandle, type array, nodeOf, toNode } from '../array';
import { int32, int64 } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import type { Node, Shape } from '../graph/node';
import { add } from '../primitives/binary';
import { astype } from '../primitives/cast';
import { less } from '../primitives/compare';
import { full } from '../primitives/generators';
import { reshape } from '../primitives/movement';
import { where as select } from '../primitives/select';
import { describe } from './arguments';
import {
  type IndexList,
  isTypedArray,
  type KnownIndex,
  type KnownPositions,
  nonzeroPositions,
  readListIndex,
  readTypedIndex,
} from './index-list';
import { positionsOf, Slice } from './slice-range';

/** One part of an index: see `index`. */
export type Index = number | boolean | null | '...' | Slice | array | IndexList | ArrayLike<number | bigint>;

/** One part of an index that was read; `axis` is the source's axis (the first one of a mask). */
export type Part =
  /** A range: an axis of the result. */
  | { readonly kind: 'axis'; readonly axis: number }
  /** `null`: a new axis of the result. */
  | { readonly kind: 'new' }
  /** A number: the axis is left out. */
  | { readonly kind: 'number'; readonly axis: number }
  /** An integer array, its positions counted from the front. */
  | { readonly kind: 'gather'; readonly axis: number; readonly positions: Node }
  /** A boolean array over as many axes as it has. */
  | { readonly kind: 'mask'; readonly axis: number; readonly mask: Node }
  /** An ellipsis that stands for no axis. */
  | { readonly kind: 'gap' }
  /** `true` or `false`: takes no axis, and stands for an index array of one element or none. */
  | { readonly kind: 'switch'; readonly on: boolean };

/** An index read against a shape. */
export interface IndexExpression {
  /** The static part: the range of each source axis. */
  readonly starts: readonly number[];
  readonly sizes: readonly number[];
  readonly steps: readonly number[];
  /** False when the static part keeps the whole array. */
  readonly sliced: boolean;
  readonly parts: readonly Part[];
  /** Whether index arrays, masks or booleans take part. */
  readonly advanced: boolean;
}

type Item =
  | { readonly kind: 'new' | 'ellipsis' }
  | { readonly kind: 'range'; readonly range: Slice }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'switch'; readonly on: boolean }
  | { readonly kind: 'known'; readonly known: KnownIndex }
  | { readonly kind: 'gather' | 'mask'; readonly node: Node };

/** The number of source axes that an item takes. */
function axesTaken(item: Item): number {
  switch (item.kind) {
    case 'new':
    case 'ellipsis':
    case 'switch':
      return 0;
    case 'mask':
      return item.node.shape.length;
    case 'known':
      return item.known.mask ? item.known.shape.length : 1;
    case 'range':
    case 'number':
    case 'gather':
      return 1;
  }
}

function readItem(where: string, part: unknown): Item {
  if (typeof part === 'number') {
    if (!Number.isInteger(part)) throw typeError(where, `an index must be an integer, not ${part}`);
    return { kind: 'number', value: part };
  }
  if (part instanceof Slice) return { kind: 'range', range: part };
  if (part === null) return { kind: 'new' };
  if (part === '...') return { kind: 'ellipsis' };
  if (typeof part === 'boolean') return { kind: 'switch', on: part };
  if (part instanceof ArrayHandle) {
    const node = nodeOf(part as unknown as array, where);
    if (node.dtype.inexact) throw typeError(where, `an index array must hold integers or booleans, not ${node.dtype}`);
    return { kind: node.dtype.kind === 'bool' ? 'mask' : 'gather', node };
  }
  if (Array.isArray(part)) return { kind: 'known', known: readListIndex(where, part as IndexList) };
  if (isTypedArray(part)) return { kind: 'known', known: readTypedIndex(where, part) };
  throw typeError(where, `an index is a number, boolean, null, '...', Slice, array or list of integers, not ${describe(part)}`);
}

/** `positions` counted from the front of an axis of `size`: negative ones count from its end. */
export function fromFront(positions: Node, size: number): Node {
  if (positions.dtype.kind !== 'signed') return positions;
  // The narrow types could not hold the sum.
  const wide = positions.dtype.size >= 4 ? positions : astype(positions, int32);
  return select(less(wide, full(0, wide.shape, wide.dtype)), add(wide, full(size, wide.shape, wide.dtype)), wide);
}

/** A node of positions that JavaScript knows; int32 where that holds them. */
export function knownNode({ shape, values }: KnownPositions): Node {
  const narrow = values.every((value) => value === (value | 0));
  const data = narrow ? Int32Array.from(values) : BigInt64Array.from(values, BigInt);
  return reshape(toNode(data, narrow ? int32 : int64), shape);
}

/** A node of positions that JavaScript knows, counted from the front of an axis of `size`. */
export function knownPositions({ shape, values }: KnownPositions, size: number): Node {
  return knownNode({ shape, values: values.map((value) => (value < 0 ? value + size : value)) });
}

function checkMaskShape(where: string, maskShape: Shape, axis: number, shape: Shape): void {
  for (let i = 0; i < maskShape.length; i++) {
    if (maskShape[i] !== shape[axis + i]) {
      throw rangeError(
        where,
        `mask of shape ${showShape(maskShape)} does not match axis ${axis + i} of an array of shape ${showShape(shape)}`,
      );
    }
  }
}

/** Reads an index against the shape of the array that it indexes. */
export function readIndex(where: string, index: readonly unknown[], shape: Shape): IndexExpression {
  // Array.from, because holes are entries too.
  const items = Array.from(index, (part) => readItem(where, part));
  let taken = 0;
  let ellipses = 0;
  for (const item of items) {
    taken += axesTaken(item);
    if (item.kind === 'ellipsis') ellipses++;
  }
  if (ellipses > 1) throw rangeError(where, "an index can have only one ellipsis ('...')");
  if (taken > shape.length) {
    throw rangeError(
      where,
      `too many indices: ${taken} for an array of ${shape.length} ${shape.length === 1 ? 'dimension' : 'dimensions'}`,
    );
  }
  if (ellipses === 0) items.push({ kind: 'ellipsis' });

  const starts = new Array<number>(shape.length).fill(0);
  const sizes = [...shape];
  const steps = new Array<number>(shape.length).fill(1);
  const parts: Part[] = [];
  let sliced = false;
  let advanced = false;
  let axis = 0;
  for (const item of items) {
    switch (item.kind) {
      case 'new':
        parts.push({ kind: 'new' });
        break;
      case 'ellipsis':
        // An ellipsis that stands for no axis still separates index arrays, as in NumPy; one that was only implied stands last.
        if (taken === shape.length && ellipses > 0) parts.push({ kind: 'gap' });
        for (let i = taken; i < shape.length; i++) parts.push({ kind: 'axis', axis: axis++ });
        break;
      case 'range': {
        const { start, size, step } = positionsOf(item.range, shape[axis]);
        if (size !== shape[axis] || step !== 1) sliced = true;
        starts[axis] = start;
        sizes[axis] = size;
        steps[axis] = step;
        parts.push({ kind: 'axis', axis: axis++ });
        break;
      }
      case 'number': {
        const position = item.value < 0 ? item.value + shape[axis] : item.value;
        if (position < 0 || position >= shape[axis]) {
          throw rangeError(where, `index ${item.value} is out of range for axis ${axis} of size ${shape[axis]}`);
        }
        if (shape[axis] !== 1) sliced = true;
        starts[axis] = position;
        sizes[axis] = 1;
        parts.push({ kind: 'number', axis: axis++ });
        break;
      }
      case 'switch':
        advanced = true;
        parts.push({ kind: 'switch', on: item.on });
        break;
      case 'gather':
        advanced = true;
        parts.push({ kind: 'gather', axis, positions: fromFront(item.node, shape[axis]) });
        axis++;
        break;
      case 'mask':
        advanced = true;
        checkMaskShape(where, item.node.shape, axis, shape);
        parts.push({ kind: 'mask', axis, mask: item.node });
        axis += item.node.shape.length;
        break;
      case 'known': {
        advanced = true;
        // A mask whose values are known is as good as its positions: nothing needs to be evaluated.
        if (item.known.mask) checkMaskShape(where, item.known.shape, axis, shape);
        const lists = item.known.mask ? nonzeroPositions(item.known.values, item.known.shape) : [item.known];
        for (const known of lists) {
          parts.push({ kind: 'gather', axis, positions: knownPositions(known, shape[axis]) });
          axis++;
        }
        break;
      }
    }
  }
  return { starts, sizes, steps, sliced, parts, advanced };
}
