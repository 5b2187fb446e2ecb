/** What functions that combine elements along axes share: their arguments, their kept axes, their dtypes and their cases. */

import { type ArrayInput, type array, toNode } from '../array';
import { bool, float32, int32, int64, uint32, uint64 } from '../dtype';
import { typeError } from '../errors';
import type { Node, Shape } from '../graph/node';
import * as p from '../primitives';
import { type Axes, atLeastFloat, axesArgument, booleanArgument } from './arguments';
import { toBool } from './predicates';
import { type MethodOp, type OpCase, type Operand, operand } from './registry';

/** Options of a reduction. */
export interface ReduceOptions {
  axis: Axes;
  keepdims: boolean;
}

/** A function that reduces axes: `sum(x, axis?, keepdims?)` or `sum(x, keepdims?)`. */
export type ReduceOp = MethodOp<[array: ArrayInput], [axis?: Axes | boolean, keepdims?: boolean], ReduceOptions, array>;
/** A shape with the reduced axes at size 1. */
export function keptShape(shape: Shape, axes: readonly number[]): Shape {
  return shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
}

/** The number of elements that each result combines. */
export function countAlong(shape: Shape, axes: readonly number[]): number {
  return axes.reduce((product, axis) => product * shape[axis], 1);
}

interface Reduction {
  readonly x: Node;
  readonly axes: readonly number[];
  readonly keepdims: boolean;
}

/** Reads the arguments of a reduction; a boolean in the axis place is `keepdims`. */
export function reductionArguments(where: string, array: ArrayInput, axis: unknown, keepdims: unknown): Reduction {
  const x = toNode(array, undefined, where);
  if (typeof axis === 'boolean') {
    if (keepdims !== undefined) throw typeError(where, `axis must be an integer or a list of integers, not ${axis}`);
    return { x, axes: axesArgument(where, undefined, x.shape.length), keepdims: axis };
  }
  return { x, axes: axesArgument(where, axis, x.shape.length), keepdims: booleanArgument(where, 'keepdims', keepdims, false) };
}

/** The result with the reduced axes kept at size 1 where that is asked for. */
export function finish(result: Node, { x, axes, keepdims }: Reduction): Node {
  return keepdims ? p.reshape(result, keptShape(x.shape, axes)) : result;
}

/** The dtype of sums and products: integers of less than 32 bits, and bool, widen. */
export function accumulated(x: Node): Node {
  const { dtype } = x;
  if (dtype.kind === 'bool') return p.astype(x, int32);
  if (dtype.kind === 'signed') return p.astype(x, dtype.size <= 4 ? int32 : int64);
  if (dtype.kind === 'unsigned') return p.astype(x, dtype.size <= 4 ? uint32 : uint64);
  return x;
}

/** The sum of a node's elements along axes, in the dtype that `sum` gives. */
export const sumNode = (x: Node, axes: readonly number[]): Node => p.sum(accumulated(x), axes);

/** Computes in float32 what 16 bits cannot hold in between. */
export function widened(x: Node): Node {
  const dtype = atLeastFloat(x.dtype);
  return p.astype(x, dtype.size === 2 ? float32 : dtype);
}

/** Whether all elements are true; of no elements, true. */
export const allNode = (x: Node, axes: readonly number[]): Node =>
  countAlong(x.shape, axes) === 0 ? p.full(true, withoutAxes(x.shape, axes), bool) : p.min(toBool(x), axes);
/** Whether any element is true; of no elements, false. */
export const anyNode = (x: Node, axes: readonly number[]): Node =>
  countAlong(x.shape, axes) === 0 ? p.full(false, withoutAxes(x.shape, axes), bool) : p.max(toBool(x), axes);

function withoutAxes(shape: Shape, axes: readonly number[]): Shape {
  return shape.filter((_, axis) => !axes.includes(axis));
}

type Draw = Operand['options'];

/** Cases of a reduction: all axes, one, several, negative, kept, and an empty result. */
export function reduceCases(draw: Draw = {}, rest: Omit<OpCase, 'args'> = {}): () => readonly OpCase[] {
  return () => [
    { args: [operand([2, 3], draw)], ...rest },
    { args: [operand([2, 3], draw), 0], ...rest },
    { args: [operand([2, 3], draw), -1, true], ...rest },
    { args: [operand([2, 3, 2], draw), [0, 2]], ...rest },
    { args: [operand([], draw)], ...rest },
    { args: [operand([0, 3], draw), 1], ...rest },
  ];
}
