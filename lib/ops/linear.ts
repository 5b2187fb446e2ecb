/** Products of vectors, matrices and tensors. */

import { ArrayHandle, type ArrayInput, type array, nodeOf, toNode, wrap } from '../array';
import { promoteTypes } from '../dtype';
import { rangeError, typeError } from '../errors';
import type { Node } from '../graph/node';
import { add, multiply } from '../primitives/binary';
import { full } from '../primitives/generators';
import { broadcastTo, moveaxis, reshape } from '../primitives/movement';
import { sum } from '../primitives/reduction';
import { conjugate } from '../primitives/unary';
import { broadcastShapes, normalizeAxis, sameShape, sizeOf } from '../shape';
import { axisArgument, conform, describe, integersArgument, numberArgument, shapesDiffer, weakDtype } from './arguments';
import { checkPairs, contraction, matrixProduct, promotePair } from './product';
import { defineOp, type MethodOp, operand } from './registry';

type Pair = [a: ArrayInput, b: ArrayInput];

function node(where: string, value: ArrayInput): Node {
  return value instanceof ArrayHandle ? nodeOf(value as unknown as array, where) : toNode(value, undefined, where);
}

/**
 * The matrix product by NumPy's rules: the last axis of `a` meets the second-to-last of `b`, a 1-D operand is a row (`a`) or a column (`b`) whose axis
 * vanishes again, and the axes in front broadcast. Dtypes are promoted; bool counts as int32.
 *
 * @throws RangeError when the sizes do not meet.
 * @example
 * mx.matmul([[1, 2], [3, 4]], [1, 1]); // array([3, 7], dtype=float32)
 */
export const matmul = defineOp<MethodOp<Pair, [], object, array>>(
  {
    name: 'matmul',
    parameters: ['a', 'b'],
    cases: () => [
      { args: [operand([2, 3]), operand([3, 4])] },
      { args: [operand([3]), operand([3])] },
      { args: [operand([3]), operand([3, 2])] },
      { args: [operand([2, 3]), operand([3])] },
      { args: [operand([2, 1, 3, 2]), operand([3, 2, 1])] },
      { args: [operand([2, 2, 3]), operand([3, 2])] },
      { args: [operand([3]), operand([2, 3, 2])] },
      { args: [operand([2, 0]), operand([0, 3])] },
    ],
  },
  (a: ArrayInput, b: ArrayInput): array => wrap(matrixProduct('matmul', node('matmul', a), node('matmul', b))),
);

/** A node times a number, which takes the node's dtype. */
function scaled(x: Node, factor: number): Node {
  if (factor === 1) return x;
  const dtype = weakDtype(factor, x.dtype);
  return multiply(conform(x, x.shape, dtype), full(factor, x.shape, dtype));
}

/**
 * `alpha` · a @ b + `beta` · c, where `c` broadcasts to the shape of the product.
 *
 * @example
 * mx.addmm([1, 1], [[1, 2], [3, 4]], [[1, 0], [0, 1]], 2, 10); // array([[12, 14],\n       [16, 18]], dtype=float32)
 */
export const addmm = defineOp<
  MethodOp<[c: ArrayInput, a: ArrayInput, b: ArrayInput], [alpha?: number, beta?: number], { alpha: number; beta: number }, array>
>(
  {
    name: 'addmm',
    parameters: ['c', 'a', 'b', 'alpha?', 'beta?'],
    cases: () => [
      { args: [operand([2, 4]), operand([2, 3]), operand([3, 4])] },
      { args: [operand([4]), operand([2, 3]), operand([3, 4]), 0.5, -2] },
      { args: [operand([]), operand([2, 2, 3]), operand([3, 1]), 2] },
    ],
  },
  (c: ArrayInput, a: ArrayInput, b: ArrayInput, alpha?: number, beta?: number): array => {
    const product = scaled(matrixProduct('addmm', node('addmm', a), node('addmm', b)), numberArgument('addmm', 'alpha', alpha, 1));
    const summand = scaled(node('addmm', c), numberArgument('addmm', 'beta', beta, 1));
    const dtype = promoteTypes(product.dtype, summand.dtype);
    const shape = broadcastShapes('addmm', product.shape, summand.shape);
    if (!sameShape(shape, product.shape)) throw shapesDiffer('addmm', 'c does not broadcast to a @ b', summand.shape, product.shape);
    return wrap(add(conform(product, shape, dtype), conform(summand, shape, dtype)));
  },
);

/**
 * The sum of products over the last axes: for vectors the inner product. With an operand of rank 0 it is the product.
 *
 * @example
 * mx.inner([1, 2, 3], [0, 1, 0]); // array(2, dtype=float32)
 */
export const inner = defineOp<MethodOp<Pair, [], object, array>>(
  {
    name: 'inner',
    parameters: ['a', 'b'],
    cases: () => [
      { args: [operand([3]), operand([3])] },
      { args: [operand([2, 3]), operand([4, 3])] },
      { args: [operand([]), operand([2, 3])] },
    ],
  },
  (a: ArrayInput, b: ArrayInput): array => {
    const [x, y] = promotePair(node('inner', a), node('inner', b));
    const i = x.shape.length - 1;
    const j = y.shape.length - 1;
    if (i < 0 || j < 0) {
      const shape = i < 0 ? y.shape : x.shape;
      return wrap(multiply(broadcastTo(x, shape), broadcastTo(y, shape)));
    }
    if (x.shape[i] !== y.shape[j]) {
      throw shapesDiffer('inner', `last axis of a (${x.shape[i]}) must equal last axis of b (${y.shape[j]})`, x.shape, y.shape);
    }
    return wrap(contraction(x.shape, y.shape, { batch: [], summed: [[i, j]] }).contract(x, y));
  },
);

/**
 * Every product of an element of `a` with one of `b`, both flattened: shape [a.size, b.size].
 *
 * @example
 * mx.outer([1, 2], [3, 4]); // array([[3, 4],\n       [6, 8]], dtype=float32)
 */
export const outer = defineOp<MethodOp<Pair, [], object, array>>(
  {
    name: 'outer',
    parameters: ['a', 'b'],
    cases: () => [{ args: [operand([2]), operand([3])] }, { args: [operand([2, 2]), operand([])] }],
  },
  (a: ArrayInput, b: ArrayInput): array => {
    const [x, y] = promotePair(node('outer', a), node('outer', b));
    const shape = [sizeOf(x.shape), sizeOf(y.shape)];
    return wrap(multiply(broadcastTo(reshape(x, [shape[0], 1]), shape), broadcastTo(reshape(y, [1, shape[1]]), shape)));
  },
);

/** The pairs of axes that `axes` names: so many last ones of a with first ones of b, or two lists. */
function tensordotPairs(a: Node, b: Node, axes: unknown): [number, number][] {
  const aRank = a.shape.length;
  const bRank = b.shape.length;
  if (typeof axes === 'number') {
    if (!Number.isInteger(axes) || axes < 0 || axes > Math.min(aRank, bRank)) {
      throw rangeError('tensordot', `axes must be an integer from 0 to ${Math.min(aRank, bRank)}, not ${axes}`);
    }
    return Array.from({ length: axes }, (_, i) => [aRank - axes + i, i]);
  }
  if (!Array.isArray(axes) || axes.length !== 2)
    throw typeError('tensordot', `axes must be a number or two lists of axes, not ${describe(axes)}`);
  const left = integersArgument('tensordot', 'axes', axes[0]).map((axis) => normalizeAxis('tensordot', axis, aRank));
  const right = integersArgument('tensordot', 'axes', axes[1]).map((axis) => normalizeAxis('tensordot', axis, bRank));
  if (left.length !== right.length) throw rangeError('tensordot', `axes names ${left.length} of a and ${right.length} of b`);
  if (new Set(left).size !== left.length || new Set(right).size !== right.length) throw rangeError('tensordot', 'axes names an axis twice');
  return left.map((axis, i) => [axis, right[i]]);
}

/**
 * The sum of products over several axes: the last `axes` of `a` with the first of `b` (2 unless told), or the axes of `a` and of `b` in two lists.
 * The result has the other axes of `a`, then those of `b`.
 *
 * @example
 * mx.tensordot([[1, 2], [3, 4]], [1, 1], 1); // array([3, 7], dtype=float32)
 */
export const tensordot = defineOp<
  MethodOp<
    Pair,
    [axes?: number | readonly [number | readonly number[], number | readonly number[]]],
    { axes: number | readonly [number | readonly number[], number | readonly number[]] },
    array
  >
>(
  {
    name: 'tensordot',
    parameters: ['a', 'b', 'axes?'],
    cases: () => [
      { args: [operand([2, 3]), operand([2, 3])] },
      { args: [operand([2, 3]), operand([3, 2]), 1] },
      {
        args: [
          operand([2, 3, 4]),
          operand([4, 2, 2]),
          [
            [0, 2],
            [1, 0],
          ],
        ],
      },
      { args: [operand([2]), operand([3]), 0] },
    ],
  },
  (a: ArrayInput, b: ArrayInput, axes: unknown = 2): array => {
    const [x, y] = promotePair(node('tensordot', a), node('tensordot', b));
    const summed = tensordotPairs(x, y, axes);
    checkPairs('tensordot', x, y, summed);
    return wrap(contraction(x.shape, y.shape, { batch: [], summed }).contract(x, y));
  },
);

/**
 * The inner product of vectors along an axis (the last unless told): Σ conj(a) · b. The other axes broadcast.
 *
 * @example
 * mx.vecdot([[1, 2], [3, 4]], [1, 1]); // array([3, 7], dtype=float32)
 */
export const vecdot = defineOp<MethodOp<Pair, [axis?: number], { axis: number }, array>>(
  {
    name: 'vecdot',
    parameters: ['a', 'b', 'axis?'],
    cases: () => [{ args: [operand([2, 3]), operand([2, 3])] }, { args: [operand([3, 2]), operand([3, 1]), 0] }],
  },
  (a: ArrayInput, b: ArrayInput, axis?: number): array => {
    const [x, y] = promotePair(node('vecdot', a), node('vecdot', b));
    const last = (z: Node): Node => moveaxis(z, axisArgument('vecdot', axis, z.shape.length, -1), z.shape.length - 1);
    const left = last(x);
    const right = last(y);
    const size = left.shape[left.shape.length - 1];
    if (size !== right.shape[right.shape.length - 1]) {
      throw shapesDiffer(
        'vecdot',
        `the axis of a (${size}) must equal that of b (${right.shape[right.shape.length - 1]})`,
        x.shape,
        y.shape,
      );
    }
    const shape = broadcastShapes('vecdot', left.shape, right.shape);
    const conjugated = left.dtype.kind === 'complex' ? conjugate(left) : left;
    return wrap(sum(multiply(broadcastTo(conjugated, shape), broadcastTo(right, shape)), [shape.length - 1]));
  },
);
