/** Reading and writing at positions given by arrays: along one axis, one element a position, or whole slices. */

import { ArrayHandle, type ArrayInput, type array, toNode, wrap } from '../array';
import { int32, int64, uint32 } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import type { Node, Shape } from '../graph/node';
import { add, maximum, minimum, multiply } from '../primitives/binary';
import { astype } from '../primitives/cast';
import { arange, full } from '../primitives/generators';
import { gather, scatter } from '../primitives/indexing';
import { broadcastTo, reshape, slice as sliceNode, sliceUpdate as sliceUpdateNode, transpose } from '../primitives/movement';
import { broadcastShapes, contiguousStrides, maxRank, normalizeAxis, sameShape, sizeOf } from '../shape';
import { axisArgument, describe, integerArgument, integersArgument, toNodeLike } from './arguments';
import { fromFront, knownNode } from './index-expression';
import { type IndexList, readListIndex } from './index-list';
import { placeAxes } from './index-read';
import { defineOp, type MethodOp, operand } from './registry';

/** Positions as an integer node; numbers and lists of numbers are integers here. */
function positionsNode(where: string, value: ArrayInput): Node {
  if (value === undefined || value === null) throw typeError(where, 'indices are missing');
  if (typeof value === 'number') return full(integerArgument(where, 'an index', value), [], int32);
  if (Array.isArray(value) && isPlainList(value)) {
    const known = readListIndex(where, value as IndexList);
    if (known.mask) throw typeError(where, 'indices must be integers, not booleans');
    return knownNode(known);
  }
  const node = toNode(value, undefined, where);
  if (node.dtype.kind !== 'signed' && node.dtype.kind !== 'unsigned') throw typeError(where, `indices must be integers, not ${node.dtype}`);
  return node;
}

/** Whether a nested list begins with a JavaScript value and not with an array. */
function isPlainList(list: readonly unknown[]): boolean {
  let first: unknown = list;
  // A list that begins with itself has no end; making an array of it says so.
  for (let depth = 0; depth <= maxRank && Array.isArray(first); depth++) first = first[0];
  return first === undefined || typeof first === 'number' || typeof first === 'boolean';
}

/** Slices of size 1 along `axis` at `positions`, which take the axis's place. */
export function takeNode(where: string, x: Node, positions: Node, axis: number): Node {
  const size = x.shape[axis];
  if (size === 0 && sizeOf(positions.shape) > 0) throw rangeError(where, `axis ${axis} of size 0 has no element to take`);
  const sliceSizes = [...x.shape];
  sliceSizes[axis] = 1;
  const rest = x.shape.filter((_, i) => i !== axis);
  const rows = gather(x, [fromFront(positions, size)], [axis], sliceSizes);
  const rank = positions.shape.length;
  const taken = reshape(rows, [...positions.shape, ...rest]);
  return transpose(taken, placeAxes(rank, axis, rank + rest.length).place);
}

/**
 * The slices of an array at `indices` along `axis`; without an axis, elements of the flattened array. The axes of `indices` take the place of the axis.
 * Negative positions count from the end; positions outside are clamped.
 *
 * @example
 * mx.take([[1, 2, 3], [4, 5, 6]], [2, 0], 1); // array([[3, 1],\n       [6, 4]], dtype=float32)
 */
export const take = defineOp<
  MethodOp<[array: ArrayInput], [indices?: ArrayInput, axis?: number | null], { indices: ArrayInput; axis: number | null }, array>
>(
  {
    name: 'take',
    parameters: ['array', 'indices?', 'axis?'],
    cases: () => [
      { args: [operand([3, 4]), [5, 0, -1]] },
      { args: [operand([3, 4]), [[2, 0]], 0] },
      { args: [operand([3, 4]), operand([2], { low: 0, high: 4, dtype: uint32 }), 1] },
      { args: [operand([3, 4]), 1, -1] },
    ],
  },
  (x: ArrayInput, indices: ArrayInput, axis?: number | null): array => {
    const node = toNode(x, undefined, 'take');
    const positions = positionsNode('take', indices);
    if (axis === undefined || axis === null) return wrap(takeNode('take', reshape(node, [sizeOf(node.shape)]), positions, 0));
    return wrap(takeNode('take', node, positions, normalizeAxis('take', axis, node.shape.length)));
  },
);

/** The source, the shape of the result, and the position of each of its elements in the flattened source. */
interface Along {
  readonly source: Node;
  readonly shape: Shape;
  readonly positions: Node;
}

/**
 * Positions along one axis as positions in the flattened array: one index array instead of one an axis. `indices` broadcasts with the other axes of
 * the array where `spread` allows it.
 */
function along(where: string, x: Node, indices: Node, axis: number): Along {
  const rank = x.shape.length;
  if (indices.shape.length !== rank) {
    throw rangeError(
      where,
      `indices of shape ${showShape(indices.shape)} must have as many dimensions as the array of shape ${showShape(x.shape)}`,
    );
  }
  const size = x.shape[axis];
  const others = (shape: Shape): number[] => shape.map((length, i) => (i === axis ? 1 : length));
  const shape = [...broadcastShapes(where, others(x.shape), others(indices.shape))];
  const sourceShape = [...shape];
  sourceShape[axis] = size;
  shape[axis] = indices.shape[axis];
  if (size === 0 && sizeOf(shape) > 0) throw rangeError(where, `axis ${axis} of size 0 has no element to index`);
  const source = broadcastTo(x, sourceShape);
  const dtype = sizeOf(sourceShape) > 0x7fffffff || indices.dtype.size === 8 ? int64 : int32;
  // Positions are clamped here: in the flattened array one that lies outside would be another row's.
  const counted = fromFront(indices.dtype.kind === 'unsigned' && indices.dtype.size < 4 ? astype(indices, int32) : indices, size);
  const wide = counted.dtype.kind === 'unsigned' ? minimum(counted, full(Math.max(size - 1, 0), counted.shape, counted.dtype)) : counted;
  const signed = broadcastTo(astype(wide, dtype), shape);
  const clamped = maximum(minimum(signed, full(size - 1, shape, dtype)), full(0, shape, dtype));
  const strides = contiguousStrides(sourceShape);
  let positions = strides[axis] === 1 ? clamped : multiply(clamped, full(strides[axis], shape, dtype));
  for (let i = 0; i < rank; i++) {
    if (i !== axis && shape[i] > 1) positions = add(positions, arange(0, strides[i], shape, i, dtype));
  }
  return { source, shape, positions };
}

/**
 * One element of the array for each position in `indices`, along `axis`: result[i, j] = x[indices[i, j], j] for axis 0. The other axes broadcast. Without
 * an axis, `indices` are positions in the flattened array. Negative positions count from the end; positions outside are clamped.
 *
 * @example
 * mx.takeAlongAxis([[3, 1, 2]], [[1, 2, 0]], 1); // array([[1, 2, 3]], dtype=float32)
 */
export const takeAlongAxis = defineOp<
  MethodOp<[array: ArrayInput], [indices?: ArrayInput, axis?: number | null], { indices: ArrayInput; axis: number | null }, array>
>(
  {
    name: 'takeAlongAxis',
    parameters: ['array', 'indices?', 'axis?'],
    cases: () => [
      { args: [operand([2, 3]), [[2, 0, 1, 1]].concat([[0, 0, -1, 2]]), 1] },
      { args: [operand([2, 3]), [[0, 1, 0]], 0] },
      { args: [operand([3, 1]), operand([2, 4], { low: 0, high: 3, dtype: uint32 }), 0] },
      { args: [operand([2, 3]), [4, 0]] },
    ],
  },
  (x: ArrayInput, indices: ArrayInput, axis?: number | null): array => {
    const node = toNode(x, undefined, 'takeAlongAxis');
    const positions = positionsNode('takeAlongAxis', indices);
    const flat = axis === undefined || axis === null;
    const from = flat ? reshape(node, [sizeOf(node.shape)]) : node;
    const place = along('takeAlongAxis', from, positions, flat ? 0 : normalizeAxis('takeAlongAxis', axis, node.shape.length));
    const taken = gather(reshape(place.source, [sizeOf(place.source.shape)]), [place.positions], [0], [1]);
    return wrap(reshape(taken, place.shape));
  },
);

/**
 * A new array with one element replaced for each position in `indices`, along `axis`: result[indices[i, j], j] = values[i, j] for axis 0. `values`
 * broadcasts to the shape of `indices` and is cast to the array's dtype; of repeated positions the last one stays.
 *
 * @example
 * mx.putAlongAxis([[3, 1, 2]], [[1]], 9, 1); // array([[3, 9, 2]], dtype=float32)
 */
export const putAlongAxis = defineOp<
  MethodOp<[array: ArrayInput, indices: ArrayInput, values: ArrayInput], [axis?: number | null], { axis: number | null }, array>
>(
  {
    name: 'putAlongAxis',
    parameters: ['array', 'indices', 'values', 'axis?'],
    cases: () => [
      { args: [operand([2, 3]), [[2], [0]], operand([2, 1]), 1] },
      { args: [operand([2, 3]), [[1, 1, 0]], operand([]), 0] },
      { args: [operand([2, 3]), [4, 0, 4], operand([3])] },
    ],
  },
  (x: ArrayInput, indices: ArrayInput, values: ArrayInput, axis?: number | null): array => {
    const node = toNode(x, undefined, 'putAlongAxis');
    const positions = positionsNode('putAlongAxis', indices);
    const flat = axis === undefined || axis === null;
    const into = flat ? reshape(node, [sizeOf(node.shape)]) : node;
    const place = along('putAlongAxis', into, positions, flat ? 0 : normalizeAxis('putAlongAxis', axis, node.shape.length));
    if (!sameShape(place.source.shape, into.shape)) {
      throw rangeError(
        'putAlongAxis',
        `indices of shape ${showShape(positions.shape)} do not broadcast to the array of shape ${showShape(into.shape)}`,
      );
    }
    const value = astype(toNodeLike(values, node.dtype, 'putAlongAxis'), node.dtype);
    if (!sameShape(broadcastShapes('putAlongAxis', value.shape, place.shape), place.shape)) {
      throw rangeError('putAlongAxis', `values of shape ${showShape(value.shape)} do not broadcast to ${showShape(place.shape)}`);
    }
    const updates = reshape(broadcastTo(value, place.shape), [...place.shape, 1]);
    const written = scatter(reshape(into, [sizeOf(into.shape)]), updates, [place.positions], [0], 'set');
    return wrap(reshape(written, node.shape));
  },
);

/** Where a slice starts along each of some axes: numbers, or one scalar node each. */
type Starts = { readonly known: readonly number[] } | { readonly nodes: readonly Node[] };

function readStarts(where: string, value: unknown, axes: readonly number[]): Starts {
  const wrong = (n: number): RangeError => rangeError(where, `startIndices names ${n} positions for ${axes.length} axes`);
  if (typeof value === 'number' || (Array.isArray(value) && value.every((entry) => typeof entry === 'number'))) {
    const known = integersArgument(where, 'startIndices', value);
    if (known.length !== axes.length) throw wrong(known.length);
    return { known };
  }
  if (!(value instanceof ArrayHandle || ArrayBuffer.isView(value) || Array.isArray(value))) {
    throw typeError(where, `startIndices must be an array or a list of integers, not ${describe(value)}`);
  }
  const node = positionsNode(where, value as ArrayInput);
  if (node.shape.length > 1 || sizeOf(node.shape) !== axes.length) throw wrong(sizeOf(node.shape));
  const flat = reshape(node, [axes.length]);
  return { nodes: axes.map((_, i) => sliceNode(flat, [i], [1], undefined, [])) };
}

function readAxes(where: string, value: unknown, rank: number): number[] {
  const axes = integersArgument(where, 'axes', value).map((axis) => axisArgument(where, axis, rank));
  if (new Set(axes).size !== axes.length) throw rangeError(where, `axes [${axes.join(', ')}] names an axis twice`);
  return axes;
}

/** Static starts for every axis: negative ones count from the end, and all are clamped so that the slice lies inside. */
function clampStarts(shape: Shape, sizes: Shape, axes: readonly number[], known: readonly number[]): number[] {
  const starts = new Array<number>(shape.length).fill(0);
  axes.forEach((axis, i) => {
    const start = known[i] < 0 ? known[i] + shape[axis] : known[i];
    starts[axis] = Math.min(Math.max(start, 0), shape[axis] - sizes[axis]);
  });
  return starts;
}

function checkSizes(where: string, what: string, sizes: Shape, shape: Shape): void {
  if (sizes.length !== shape.length || sizes.some((size, axis) => size < 0 || size > shape[axis])) {
    throw rangeError(where, `${what} ${showShape(sizes)} does not lie in an array of shape ${showShape(shape)}`);
  }
}

/**
 * A slice of shape `sliceSize` (one size for every axis) that starts at `startIndices` along `axes` and at 0 along the others. `startIndices` may be an
 * array, whose values need not be known when the slice is taken. Negative starts count from the end; starts are clamped so that the slice lies inside.
 *
 * @example
 * mx.slice(mx.arange(6), mx.array([2], mx.int32), [0], [3]); // array([2, 3, 4], dtype=float32)
 */
export const slice = defineOp<
  MethodOp<[array: ArrayInput, startIndices: ArrayInput, axes: number | readonly number[], sliceSize: readonly number[]], [], object, array>
>(
  {
    name: 'slice',
    parameters: ['array', 'startIndices', 'axes', 'sliceSize'],
    cases: () => [
      { args: [operand([3, 4]), [1, 2], [0, 1], [2, 2]] },
      { args: [operand([3, 4]), operand([1], { low: 0, high: 3, dtype: int32 }), [1], [3, 2]] },
      { args: [operand([3, 4]), operand([2], { low: 0, high: 3, dtype: int32 }), [1, 0], [2, 1]] },
    ],
  },
  (x: ArrayInput, startIndices: unknown, axes: unknown, sliceSize: unknown): array => {
    const node = toNode(x, undefined, 'slice');
    const order = readAxes('slice', axes, node.shape.length);
    const sizes = integersArgument('slice', 'sliceSize', sliceSize);
    checkSizes('slice', 'a slice of shape', sizes, node.shape);
    const starts = readStarts('slice', startIndices, order);
    if ('known' in starts) return wrap(sliceNode(node, clampStarts(node.shape, sizes, order, starts.known), sizes));
    const positions = starts.nodes.map((start, i) => fromFront(start, node.shape[order[i]]));
    return wrap(gather(node, alike(positions), order, sizes));
  },
);

/** Positions in one dtype, as a gather wants them. */
function alike(positions: readonly Node[]): Node[] {
  return positions.map((position) => (position.dtype === positions[0].dtype ? position : astype(position, positions[0].dtype)));
}

/**
 * A new array with `update` written over the slice of its shape that starts at `startIndices` along `axes` and at 0 along the others. Starts are read
 * as by `slice`; the update is cast to the array's dtype.
 *
 * @example
 * mx.sliceUpdate(mx.zeros([4]), mx.ones([2]), mx.array([1], mx.int32), [0]); // array([0, 1, 1, 0], dtype=float32)
 */
export const sliceUpdate = defineOp<
  MethodOp<[src: ArrayInput, update: ArrayInput, startIndices: ArrayInput, axes: number | readonly number[]], [], object, array>
>(
  {
    name: 'sliceUpdate',
    parameters: ['src', 'update', 'startIndices', 'axes'],
    cases: () => [
      { args: [operand([3, 4]), operand([2, 2]), [1, 2], [0, 1]] },
      { args: [operand([3, 4]), operand([3, 2]), operand([1], { low: 0, high: 3, dtype: int32 }), [1]] },
    ],
  },
  (src: ArrayInput, update: ArrayInput, startIndices: unknown, axes: unknown): array => {
    const node = toNode(src, undefined, 'sliceUpdate');
    const value = astype(toNodeLike(update, node.dtype, 'sliceUpdate'), node.dtype);
    const order = readAxes('sliceUpdate', axes, node.shape.length);
    checkSizes('sliceUpdate', 'an update of shape', value.shape, node.shape);
    const starts = readStarts('sliceUpdate', startIndices, order);
    if ('known' in starts) return wrap(sliceUpdateNode(node, value, clampStarts(node.shape, value.shape, order, starts.known)));
    const positions = starts.nodes.map((start, i) => fromFront(start, node.shape[order[i]]));
    return wrap(scatter(node, value, alike(positions), order, 'set'));
  },
);
