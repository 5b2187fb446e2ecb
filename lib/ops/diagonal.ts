/** Diagonals of arrays, and matrices from diagonals. */

import { type ArrayInput, type array, toNode, wrap } from '../array';
import type { Dtype } from '../dtype';
import { rangeError, showShape } from '../errors';
import type { Node } from '../graph/node';
import * as p from '../primitives';
import { checkShape } from '../shape';
import { axisArgument, dtypeArgument, integerArgument } from './arguments';
import { diagonalMask } from './diagonal-mask';
import { sumNode } from './reducing';
import { defineOp, type MethodOp, operand } from './registry';

/** The `offset`-th diagonal of the matrices in two axes, as the last axis: a slice of the flattened matrices. */
function diagonalNode(where: string, x: Node, offset: number, axis1: unknown, axis2: unknown): Node {
  const rank = x.shape.length;
  if (rank < 2) throw rangeError(where, `needs at least 2 axes, not shape ${showShape(x.shape)}`);
  const a = axisArgument(where, axis1, rank, 0);
  const b = axisArgument(where, axis2, rank, 1);
  if (a === b) throw rangeError(where, `axis1 and axis2 are both ${a}`);
  const others = x.shape.flatMap((_, axis) => (axis === a || axis === b ? [] : [axis]));
  const batch = others.map((axis) => x.shape[axis]);
  const [n, m] = [x.shape[a], x.shape[b]];
  const length = Math.max(offset >= 0 ? Math.min(n, m - offset) : Math.min(n + offset, m), 0);
  const flat = p.reshape(p.transpose(x, [...others, a, b]), [...batch, n * m]);
  const zeros = batch.map(() => 0);
  const ones = batch.map(() => 1);
  const start = length === 0 ? 0 : offset >= 0 ? offset : -offset * m;
  return p.slice(flat, [...zeros, start], [...batch, length], [...ones, m + 1]);
}

type DiagonalOptions = { offset: number; axis1: number; axis2: number };

/**
 * The `offset`-th diagonal of the matrices in `axis1` and `axis2` (the first two axes unless told), as the last axis.
 *
 * @example
 * mx.diagonal(mx.array([[1, 2], [3, 4]])); // array([1, 4], dtype=float32)
 */
export const diagonal = defineOp<MethodOp<[array: ArrayInput], [offset?: number, axis1?: number, axis2?: number], DiagonalOptions, array>>(
  {
    name: 'diagonal',
    parameters: ['array', 'offset?', 'axis1?', 'axis2?'],
    cases: () => [{ args: [operand([3, 3])] }, { args: [operand([2, 3, 4]), 1, 1, 2] }, { args: [operand([3, 2]), -1] }],
  },
  (array: ArrayInput, offset: unknown, axis1: unknown, axis2: unknown): array =>
    wrap(diagonalNode('diagonal', toNode(array, undefined, 'diagonal'), integerArgument('diagonal', 'offset', offset, 0), axis1, axis2)),
);

/**
 * The k-th diagonal of a matrix, or the matrix with a vector on its k-th diagonal.
 *
 * @example
 * mx.diag(mx.array([1, 2])); // array([[1, 0],\n       [0, 2]], dtype=float32)
 */
export const diag = defineOp<MethodOp<[array: ArrayInput], [k?: number], { k: number }, array>>(
  {
    name: 'diag',
    parameters: ['array', 'k?'],
    cases: () => [{ args: [operand([3])] }, { args: [operand([2]), -1] }, { args: [operand([3, 4]), 1] }],
  },
  (array: ArrayInput, k: unknown): array => {
    const x = toNode(array, undefined, 'diag');
    const offset = integerArgument('diag', 'k', k, 0);
    if (x.shape.length === 2) return wrap(diagonalNode('diag', x, offset, 0, 1));
    if (x.shape.length !== 1) throw rangeError('diag', `needs a vector or a matrix, not shape ${showShape(x.shape)}`);
    const size = x.shape[0] + Math.abs(offset);
    const shape = checkShape('diag', [size, size], x.dtype.size);
    // Above the diagonal an element is found by its row, below it by its column.
    const padded = p.pad(x, [0], [Math.abs(offset)]);
    const spread = p.broadcastTo(p.reshape(padded, offset >= 0 ? [size, 1] : [1, size]), shape);
    return wrap(p.where(diagonalMask(p.equal, size, size, offset), spread, p.full(0, shape, x.dtype)));
  },
);

/**
 * The sum along a diagonal.
 *
 * @example
 * mx.trace(mx.array([[1, 2], [3, 4]])); // array(5, dtype=float32)
 */
export const trace = defineOp<
  MethodOp<[array: ArrayInput], [offset?: number, axis1?: number, axis2?: number, dtype?: Dtype], DiagonalOptions & { dtype: Dtype }, array>
>(
  {
    name: 'trace',
    parameters: ['array', 'offset?', 'axis1?', 'axis2?', 'dtype?'],
    cases: () => [{ args: [operand([3, 3])] }, { args: [operand([2, 3, 4]), 1, 0, 2] }],
  },
  (array: ArrayInput, offset: unknown, axis1: unknown, axis2: unknown, dtype: unknown): array => {
    const x = toNode(array, undefined, 'trace');
    const elements = diagonalNode('trace', x, integerArgument('trace', 'offset', offset, 0), axis1, axis2);
    const target = dtypeArgument('trace', dtype);
    const total = sumNode(target === undefined ? elements : p.astype(elements, target), [elements.shape.length - 1]);
    return wrap(target === undefined ? total : p.astype(total, target));
  },
);
