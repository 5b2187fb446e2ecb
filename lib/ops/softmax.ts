/** Softmax and logsumexp, stable for any finite values and for -∞. */

import { type ArrayInput, type array, wrap } from '../array';
import type { Node, Shape } from '../graph/node';
import * as p from '../primitives';
import { type Axes, atLeastFloat, booleanArgument } from './arguments';
import { countAlong, finish, keptShape, type ReduceOp, reduceCases, reductionArguments, widened } from './reducing';
import { defineOp, type MethodOp, operand } from './registry';

/** A reduced array repeated along the axes that were reduced. */
function spreadOver(y: Node, axes: readonly number[], shape: Shape): Node {
  return p.broadcastTo(p.reshape(y, keptShape(shape, axes)), shape);
}

/** Rows longer than this do not stay in a cache; then several threads share one. */
const longestRow = 1 << 16;

/** The reduced axes as one last axis, where they are the last ones of real floats and short enough for the device's own functions. */
function asRows(x: Node, axes: readonly number[]): Node | null {
  const first = x.shape.length - axes.length;
  const count = countAlong(x.shape, axes);
  if (x.dtype.kind !== 'float' || axes.length === 0 || count === 0 || count > longestRow || axes.some((axis) => axis < first)) return null;
  return p.reshape(x, [...x.shape.slice(0, first), count]);
}

/** softmax is the same for x and x + c, so the maximum that is subtracted has no derivative. */
function softmaxNode(x: Node, axes: readonly number[]): Node {
  if (countAlong(x.shape, axes) === 0) return x;
  const rows = asRows(x, axes);
  if (rows !== null) return p.reshape(p.softmax(rows), x.shape);
  return p.astype(composedSoftmax(widened(x), axes), x.dtype);
}

function composedSoftmax(x: Node, axes: readonly number[]): Node {
  const shifted = p.subtract(x, spreadOver(p.stopGradient(realMax(x, axes)), axes, x.shape));
  const exponentials = p.exp(shifted);
  return p.divide(exponentials, spreadOver(p.sum(exponentials, axes), axes, x.shape));
}

/** The largest element, for complex numbers the largest real part: what keeps exp from overflowing. */
function realMax(x: Node, axes: readonly number[]): Node {
  return p.astype(p.max(p.real(x), axes), x.dtype);
}

function logsumexpNode(x: Node, axes: readonly number[]): Node {
  if (countAlong(x.shape, axes) === 0) {
    const total = p.sum(x, axes);
    return p.full(Number.NEGATIVE_INFINITY, total.shape, total.dtype);
  }
  const rows = asRows(x, axes);
  if (rows !== null) return p.logsumexp(rows);
  return p.astype(composedLogsumexp(widened(x), axes), x.dtype);
}

function composedLogsumexp(x: Node, axes: readonly number[]): Node {
  const largest = p.stopGradient(realMax(x, axes));
  const zero = p.full(0, largest.shape, largest.dtype);
  // An infinite maximum must not be subtracted from itself.
  const finite = p.equal(p.subtract(largest, largest), zero);
  const shift = p.where(finite, largest, zero);
  const total = p.sum(p.exp(p.subtract(x, spreadOver(shift, axes, x.shape))), axes);
  // A row of -∞ sums to 0, where the logarithm has no derivative: take another path there.
  const empty = p.equal(total, zero);
  const logarithm = p.log(p.where(empty, p.full(1, total.shape, total.dtype), total));
  return p.add(p.where(empty, p.full(Number.NEGATIVE_INFINITY, total.shape, total.dtype), logarithm), shift);
}

/**
 * exp(x) divided by its sum along `axis` (all axes when left out). Integers give float32. 16-bit floats are always computed in float32 and rounded
 * once, so `precise`, with which MLX asks for that, changes nothing.
 *
 * @example
 * mx.softmax(mx.array([0, 0])); // array([0.5, 0.5], dtype=float32)
 */
export const softmax = defineOp<MethodOp<[array: ArrayInput], [axis?: Axes, precise?: boolean], { axis: Axes; precise: boolean }, array>>(
  {
    name: 'softmax',
    parameters: ['array', 'axis?', 'precise?'],
    cases: () => [
      { args: [operand([2, 3])] },
      { args: [operand([2, 3]), -1] },
      { args: [operand([2, 3, 2]), [0, 2], true] },
      { args: [operand([2, 0]), 1] },
    ],
  },
  (array: ArrayInput, axis: unknown, precise: unknown): array => {
    const { x, axes } = reductionArguments('softmax', array, axis ?? null, undefined);
    const dtype = atLeastFloat(x.dtype);
    booleanArgument('softmax', 'precise', precise, false);
    return wrap(softmaxNode(p.astype(x, dtype), axes));
  },
);

/**
 * log Σ exp(x) along `axis`, without overflow; -∞, with derivatives 0, for a row of -∞. Integers give float32.
 *
 * @example
 * mx.logsumexp(mx.array([0, 0])); // array(0.693147, dtype=float32)
 */
export const logsumexp = defineOp<ReduceOp>(
  { name: 'logsumexp', parameters: ['array', 'axis?', 'keepdims?'], cases: reduceCases() },
  (array: ArrayInput, axis: unknown, keepdims: unknown): array => {
    const reduction = reductionArguments('logsumexp', array, axis, keepdims);
    const { x, axes } = reduction;
    return wrap(finish(logsumexpNode(p.astype(x, atLeastFloat(x.dtype)), axes), reduction));
  },
);
