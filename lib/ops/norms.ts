/** Norms of vectors and matrices, and the cross product. */

import { type ArrayInput, type array, toNode, wrap } from '../array';
import { complex64, float32 } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import type { Node } from '../graph/node';
import * as p from '../primitives';
import { singularValues } from '../primitives/linalg';
import { sizeOf } from '../shape';
import { type Axes, atLeastFloat, axesArgument, axisArgument, booleanArgument, describe, operands } from './arguments';
import { type Call, defineOp, operand } from './registry';

/** The order of a norm: a number (infinities too), or 'fro' and 'nuc' of matrices. */
export type NormOrder = number | 'fro' | 'nuc' | null;

/** √Σ |x|². The derivative at zero is taken as zero. */
function euclidean(x: Node, axes: readonly number[]): Node {
  const squares = x.dtype === complex64 ? p.real(p.multiply(x, p.conjugate(x))) : p.multiply(x, x);
  const total = p.sum(squares, axes);
  const none = p.equal(total, p.zeros(total.shape, total.dtype));
  const root = p.sqrt(p.where(none, p.ones(total.shape, total.dtype), total));
  return p.where(none, p.zeros(total.shape, total.dtype), root);
}

function vectorNorm(x: Node, order: number, axes: readonly number[]): Node {
  const sizes = p.abs(x);
  if (order === Infinity) return p.max(sizes, axes);
  if (order === -Infinity) return p.min(sizes, axes);
  if (order === 0) return p.sum(p.astype(p.notEqual(sizes, p.zeros(sizes.shape, sizes.dtype)), sizes.dtype), axes);
  if (order === 1) return p.sum(sizes, axes);
  const powers = p.sum(p.power(sizes, p.full(order, sizes.shape, sizes.dtype)), axes);
  return p.power(powers, p.full(1 / order, powers.shape, powers.dtype));
}

/** Of the sums of |x| over `summed`, the largest or the least along `kept`. */
function sumNorm(x: Node, summed: number, kept: number, largest: boolean): Node {
  const sums = p.sum(p.abs(x), [summed]);
  const axis = kept > summed ? kept - 1 : kept;
  return largest ? p.max(sums, [axis]) : p.min(sums, [axis]);
}

function matrixNorm(x: Node, order: number | string, rows: number, columns: number): Node {
  if (order === 'fro') return euclidean(x, [rows, columns]);
  if (order === 1 || order === -1) return sumNorm(x, rows, columns, order > 0);
  if (order === Infinity || order === -Infinity) return sumNorm(x, columns, rows, order > 0);
  if (order !== 'nuc' && order !== 2 && order !== -2) {
    throw rangeError('linalg.norm', `matrices have the orders 1, -1, 2, -2, Infinity, -Infinity, 'fro' and 'nuc', not ${order}`);
  }
  const others = x.shape.map((_, axis) => axis).filter((axis) => axis !== rows && axis !== columns);
  const wide = x.dtype.size < 4 ? p.astype(x, float32) : x;
  const s = singularValues(p.transpose(wide, [...others, rows, columns]));
  const last = s.shape.length - 1;
  const result = order === 'nuc' ? p.sum(s, [last]) : order > 0 ? p.max(s, [last]) : p.min(s, [last]);
  return x.dtype.size < 4 ? p.astype(result, x.dtype) : result;
}

function orderArgument(order: unknown): number | string | undefined {
  if (order === undefined || order === null) return undefined;
  if (order === 'inf') return Infinity;
  if (order === '-inf') return -Infinity;
  if (order === 'fro' || order === 'nuc' || (typeof order === 'number' && !Number.isNaN(order))) return order;
  throw typeError('linalg.norm', `ord must be a number, 'fro' or 'nuc', not ${describe(order)}`);
}

const away = (shape: readonly number[]) => operand(shape, { avoid: [0], distinct: true });
const matrixOf = () => operand([2, 3], { low: -0.5, high: 0.5, diagonal: 2, avoid: [0] });

/**
 * A norm of vectors or matrices. Without `ord` it is √Σ |x|² over `axis` (all axes unless told). With `ord`, one axis is a vector: (Σ |x|^ord)^(1/ord), the
 * largest or least |x| for ±Infinity, the number of elements that are not 0 for 0. Two axes are a matrix: 'fro', 'nuc' (the sum of singular values), ±2 (the largest
 * or least singular value), ±1 and ±Infinity (the largest or least sum of |x| in a column or in a row). Without `axis` the array must have one or two.
 *
 * @throws RangeError when the order does not suit the number of axes.
 * @example
 * mx.linalg.norm([3, 4]); // array(5, dtype=float32)
 * mx.linalg.norm([[1, 2], [3, 4]], 'nuc');
 */
export const norm = defineOp<
  Call<[array: ArrayInput], [ord?: NormOrder, axis?: Axes, keepdims?: boolean], { ord: NormOrder; axis: Axes; keepdims: boolean }, array>
>(
  {
    name: 'linalg.norm',
    method: false,
    parameters: ['array', 'ord?', 'axis?', 'keepdims?'],
    cases: () => [
      { args: [away([3])] },
      { args: [away([2, 3])] },
      { args: [away([2, 3, 2]), null, 1, true] },
      { args: [away([4]), 1] },
      { args: [away([4]), 3] },
      { args: [away([4]), Infinity] },
      { args: [away([3, 2]), -Infinity, 0] },
      { args: [away([4]), 0], differentiable: false },
      { args: [matrixOf(), 'fro'] },
      { args: [matrixOf(), 'nuc'], tolerance: 10 },
      { args: [matrixOf(), 2], tolerance: 10 },
      { args: [matrixOf(), -2], tolerance: 10 },
      { args: [matrixOf(), 1] },
      { args: [matrixOf(), -1] },
      { args: [matrixOf(), Infinity] },
      { args: [away([2, 3, 2]), -Infinity, [2, 0], true] },
      { args: [operand([3], { dtype: complex64 })] },
      { args: [operand([2, 2], { dtype: complex64, diagonal: 2 }), 'nuc'], tolerance: 10 },
    ],
  },
  (array: ArrayInput, ord?: unknown, axis?: unknown, keepdims?: boolean): array => {
    const where = 'linalg.norm';
    const given = toNode(array, undefined, where);
    const x = p.astype(given, atLeastFloat(given.dtype));
    const rank = x.shape.length;
    const sorted = axesArgument(where, axis, rank);
    // A matrix norm tells rows from columns by the order in which the axes were named.
    const axes = Array.isArray(axis) ? (axis as number[]).map((one) => axisArgument(where, one, rank)) : [...sorted];
    const order = orderArgument(ord);
    let result: Node;
    if (order === undefined) result = euclidean(x, axes);
    else if (axes.length === 2) result = matrixNorm(x, order, axes[0], axes[1]);
    else if (axes.length === 1 && order === 2) result = euclidean(x, axes);
    else if (axes.length === 1 && typeof order === 'number') result = vectorNorm(x, order, axes);
    else {
      const shape = showShape(x.shape);
      throw rangeError(
        where,
        `ord ${describe(ord)} suits no norm over ${axes.length} ${axes.length === 1 ? 'axis' : 'axes'} of shape ${shape}`,
      );
    }
    if (!booleanArgument(where, 'keepdims', keepdims, false)) return wrap(result);
    return wrap(
      p.reshape(
        result,
        x.shape.map((size, k) => (axes.includes(k) ? 1 : size)),
      ),
    );
  },
);

/** The component of vectors along `axis`, which vanishes. */
function component(x: Node, axis: number, index: number): Node {
  const sizes = x.shape.map((size, k) => (k === axis ? 1 : size));
  const one = p.slice(
    x,
    x.shape.map((_, k) => (k === axis ? index : 0)),
    sizes,
  );
  return p.reshape(
    one,
    x.shape.filter((_, k) => k !== axis),
  );
}

/**
 * The cross products of vectors of 3 components along `axis` (the last unless told). Vectors of 2 count as having a third that is 0; of two such only the third
 * component of the product remains, and the axis vanishes.
 *
 * @throws RangeError when an axis has neither 2 nor 3 components.
 * @example
 * mx.linalg.cross([1, 0, 0], [0, 1, 0]); // array([0, 0, 1], dtype=float32)
 */
export const cross = defineOp<Call<[a: ArrayInput, b: ArrayInput], [axis?: number], { axis: number }, array>>(
  {
    name: 'linalg.cross',
    method: false,
    parameters: ['a', 'b', 'axis?'],
    cases: () => [
      { args: [operand([3]), operand([3])] },
      { args: [operand([2, 3]), operand([3])] },
      { args: [operand([3, 2]), operand([3, 2]), 0] },
      { args: [operand([2]), operand([3])] },
      { args: [operand([4, 2]), operand([4, 2])] },
    ],
  },
  (a: ArrayInput, b: ArrayInput, axis?: number): array => {
    const where = 'linalg.cross';
    const [left, right] = [toNode(a, undefined, where), toNode(b, undefined, where)].map((x) => {
      const along = axisArgument(where, axis, x.shape.length, -1);
      const size = x.shape[along];
      if (size !== 2 && size !== 3)
        throw rangeError(where, `axis ${along} has ${size} components, not 2 or 3: shape ${showShape(x.shape)}`);
      return p.moveaxis(x, along, x.shape.length - 1);
    });
    const both = (left.shape.at(-1) ?? 0) + (right.shape.at(-1) ?? 0);
    const parts = (x: Node): (array | null)[] =>
      [0, 1, 2].map((index) => (index < (x.shape.at(-1) ?? 0) ? wrap(component(x, x.shape.length - 1, index)) : null));
    const [x, y] = [parts(left), parts(right)];
    const minor = (i: number, j: number): Node => {
      const term = (s: array | null, t: array | null): Node | null => {
        if (s === null || t === null) return null;
        const [m, n] = operands(where, s, t);
        return p.multiply(m, n);
      };
      const [plus, minus] = [term(x[i], y[j]), term(x[j], y[i])];
      if (plus !== null && minus !== null) return p.subtract(plus, minus);
      return plus ?? p.negative(minus as Node);
    };
    if (both === 4) return wrap(minor(0, 1));
    const results = [minor(1, 2), minor(2, 0), minor(0, 1)];
    const shape = results[0].shape;
    const stacked = p.concatenate(
      results.map((one) => p.reshape(one, [...shape, 1])),
      shape.length,
    );
    const position = axisArgument(where, axis, shape.length + 1, -1);
    return wrap(sizeOf(stacked.shape) === 0 ? stacked : p.moveaxis(stacked, shape.length, position));
  },
);
