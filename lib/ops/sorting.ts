/** Sorting, partial sorting, medians and binary search. */

import { type ArrayInput, type array, toNode, wrap } from '../array';
import { promoteTypes } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import type { Node } from '../graph/node';
import * as p from '../primitives';
import { normalizeAxis, sizeOf } from '../shape';
import { atLeastFloat, describe, integerArgument } from './arguments';
import { isNanNode } from './predicates';
import { countAlong, finish, type ReduceOp, reduceCases, reductionArguments } from './reducing';
import { defineOp, type MethodOp, type OpCase, operand } from './registry';

type AxisOption = { axis: number | null };
/** A function that reorders along an axis, the last unless told; `null` flattens the array. */
export type SortOp = MethodOp<[array: ArrayInput], [axis?: number | null], AxisOption, array>;
/** The same with the position that is put right. */
export type PartitionOp = MethodOp<[array: ArrayInput, kth: number], [axis?: number | null], AxisOption, array>;

/** The array with the axis that is meant in last place, and the way back. */
function lastAxis(where: string, array: ArrayInput, axis: unknown): { x: Node; back: (y: Node) => Node } {
  const x = toNode(array, undefined, where);
  if (axis === null) return { x: p.reshape(x, [sizeOf(x.shape)]), back: (y) => y };
  const rank = x.shape.length;
  if (rank === 0) throw rangeError(where, 'a scalar has no axis to sort along');
  const at = normalizeAxis(where, integerArgument(where, 'axis', axis, -1), rank);
  if (at === rank - 1) return { x, back: (y) => y };
  return { x: p.moveaxis(x, at, rank - 1), back: (y) => p.moveaxis(y, rank - 1, at) };
}

function sortCases(rest: Omit<OpCase, 'args'>, more: readonly unknown[] = []): () => readonly OpCase[] {
  const draw = { distinct: true };
  return () => [
    { args: [operand([5], draw), ...more], ...rest },
    { args: [operand([3, 2], draw), ...more, 0], ...rest },
    { args: [operand([2, 3, 2], draw), ...more, 1], ...rest },
    { args: [operand([2, 3], draw), ...more, null], ...rest },
  ];
}

function sortOp(name: string, build: (x: Node) => Node, rest: Omit<OpCase, 'args'>): SortOp {
  return defineOp<SortOp>({ name, parameters: ['array', 'axis?'], cases: sortCases(rest) }, (array: ArrayInput, axis: unknown): array => {
    const { x, back } = lastAxis(name, array, axis);
    return wrap(back(build(x)));
  });
}

/**
 * The values in ascending order along an axis, the last unless told; `axis: null` sorts the flattened array. NaN comes last; complex numbers
 * are ordered by their real, then their imaginary parts. Equal values keep their order, in the derivative too.
 *
 * @example
 * mx.sort([3, 1, 2]); // array([1, 2, 3], dtype=float32)
 */
export const sort = sortOp('sort', p.sort, {});

/**
 * The positions (uint32) of the values in ascending order: see `sort`.
 *
 * @example
 * mx.argsort(mx.array([3, 1, 2])); // array([1, 2, 0], dtype=uint32)
 */
export const argsort = sortOp('argsort', p.argsort, { differentiable: false });

function partitionOp(name: string, build: (x: Node, kth: number) => Node, rest: Omit<OpCase, 'args'>): PartitionOp {
  return defineOp<PartitionOp>(
    { name, parameters: ['array', 'kth', 'axis?'], cases: sortCases(rest, [1]) },
    (array: ArrayInput, kth: unknown, axis: unknown): array => {
      const { x, back } = lastAxis(name, array, axis);
      const length = x.shape[x.shape.length - 1];
      const position = integerArgument(name, 'kth', kth);
      if (position < -length || position >= length) {
        throw rangeError(name, `kth ${position} is out of range for an axis of size ${length} in shape ${showShape(x.shape)}`);
      }
      return wrap(back(build(x, position < 0 ? position + length : position)));
    },
  );
}

/**
 * The values such that the one at `kth` (negative: from the end) stands where sorting puts it, those that sorting puts before it in front, the others
 * behind, on both sides in the order in which they stood. Equal values count in the order in which they stand.
 *
 * @example
 * mx.partition(mx.array([3, 1, 2]), 1).index(1); // array(2, dtype=float32)
 */
export const partition = partitionOp('partition', p.partition, {});
/**
 * The positions (uint32) that `partition` puts the values from.
 *
 * @example
 * mx.argpartition(mx.array([3, 1, 2]), 1).index(1); // array(2, dtype=uint32)
 */
export const argpartition = partitionOp('argpartition', p.argpartition, { differentiable: false });

/**
 * The `k` largest values along an axis, the last unless told, in ascending order; `axis: null` takes them from the flattened array.
 *
 * @throws RangeError when the axis has fewer than `k` elements.
 * @example
 * mx.topk([1, 4, 2, 3], 2); // array([3, 4], dtype=float32)
 */
export const topk = defineOp<PartitionOp>(
  { name: 'topk', parameters: ['array', 'k', 'axis?'], cases: sortCases({}, [2]) },
  (array: ArrayInput, k: unknown, axis: unknown): array => {
    const { x, back } = lastAxis('topk', array, axis);
    const { shape } = x;
    const last = shape.length - 1;
    const count = integerArgument('topk', 'k', k);
    if (count < 0 || count > shape[last]) {
      throw rangeError('topk', `k ${count} is out of range for an axis of size ${shape[last]} in shape ${showShape(shape)}`);
    }
    return wrap(back(p.topk(x, count)));
  },
);

/** The axes that vanish as one axis behind the others. */
function rowsOf(x: Node, axes: readonly number[]): Node {
  const kept = [...x.shape.keys()].filter((axis) => !axes.includes(axis));
  return p.reshape(p.transpose(x, [...kept, ...axes]), [...kept.map((axis) => x.shape[axis]), countAlong(x.shape, axes)]);
}

function medianNode(x: Node, axes: readonly number[]): Node {
  const rows = rowsOf(p.astype(x, atLeastFloat(x.dtype)), axes);
  const { shape, dtype } = rows;
  const last = shape.length - 1;
  const length = shape[last];
  const rest = shape.slice(0, last);
  if (length === 0) return p.full(Number.NaN, rest, dtype);
  const sorted = p.sort(rows);
  const at = (position: number): Node => {
    const starts = shape.map((_, i) => (i === last ? position : 0));
    return p.reshape(p.slice(sorted, starts, [...rest, 1]), rest);
  };
  const upper = at(length >> 1);
  const half = p.full(0.5, rest, dtype);
  const middle = length % 2 === 1 ? upper : p.add(p.multiply(half, at((length >> 1) - 1)), p.multiply(half, upper));
  // NaN is sorted last: if there is one, it stands there.
  const largest = at(length - 1);
  return p.where(isNanNode(largest), largest, middle);
}

/**
 * The middle of the sorted values along axes, of an even number the mean of the middle two. NaN where there is one, and for no values;
 * integers give float32.
 *
 * @example
 * mx.median([1, 5, 2, 3]); // array(2.5, dtype=float32)
 */
export const median = defineOp<ReduceOp>(
  { name: 'median', parameters: ['array', 'axis?', 'keepdims?'], cases: reduceCases({ distinct: true }) },
  (array: ArrayInput, axis: unknown, keepdims: unknown): array => {
    const reduction = reductionArguments('median', array, axis, keepdims);
    return wrap(finish(medianNode(reduction.x, reduction.axes), reduction));
  },
);

/** On which side of equal elements a position is. */
export type Side = 'left' | 'right';

/**
 * The positions (uint32) where values belong in a sorted array so that it stays sorted: before equal elements (`'left'`) or behind them
 * (`'right'`). A sorted array of several dimensions has its rows along the last axis, and values in as many dimensions, a row each.
 *
 * @example
 * mx.searchsorted([1, 2, 4], [2, 3], 'right'); // array([2, 2], dtype=uint32)
 */
export const searchsorted = defineOp<MethodOp<[array: ArrayInput, values: ArrayInput], [side?: Side], { side: Side }, array>>(
  {
    name: 'searchsorted',
    parameters: ['array', 'values', 'side?'],
    cases: () => [
      { args: [[-1.5, -0.5, 0, 0.7], operand([2, 3])], differentiable: false },
      { args: [operand([4]), operand([3]), 'right'], differentiable: false },
      { args: [operand([2, 4]), operand([2, 3])], differentiable: false },
    ],
  },
  (array: ArrayInput, values: ArrayInput, side: unknown): array => {
    const sorted = toNode(array, undefined, 'searchsorted');
    const wanted = toNode(values, undefined, 'searchsorted');
    if (side !== undefined && side !== null && side !== 'left' && side !== 'right') {
      throw typeError('searchsorted', `side must be "left" or "right", not ${describe(side)}`);
    }
    const dtype = promoteTypes(sorted.dtype, wanted.dtype);
    const [a, b] = [p.astype(sorted, dtype), p.astype(wanted, dtype)];
    if (a.shape.length !== 1) return wrap(p.searchsorted(a, b, side === 'right'));
    const flat = p.reshape(b, [sizeOf(b.shape)]);
    return wrap(p.reshape(p.searchsorted(a, flat, side === 'right'), b.shape));
  },
);
