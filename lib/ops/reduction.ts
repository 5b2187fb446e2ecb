/** Functions that combine the elements along axes. */

import { type ArrayInput, type array, toNode, wrap } from '../array';
import { type Dtype, float32 } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import type { Node } from '../graph/node';
import * as p from '../primitives';
import { type Axes, atLeastFloat, axisArgument, booleanArgument, describe, integerArgument } from './arguments';
import {
  accumulated,
  allNode,
  anyNode,
  countAlong,
  finish,
  keptShape,
  type ReduceOp,
  reduceCases,
  reductionArguments,
  sumNode,
  widened,
} from './reducing';
import { defineOp, type MethodOp, type OpCase, operand } from './registry';

/** A function that reduces one axis, or all together. */
export type ArgReduceOp = MethodOp<
  [array: ArrayInput],
  [axis?: number | boolean | null, keepdims?: boolean],
  { axis: number | null; keepdims: boolean },
  array
>;
/** A function that reduces axes and divides by the number of elements less `ddof`. */
export type SpreadOp = MethodOp<
  [array: ArrayInput],
  [axis?: Axes | boolean, keepdims?: boolean, ddof?: number],
  { axis: Axes; keepdims: boolean; ddof: number },
  array
>;

const parameters = ['array', 'axis?', 'keepdims?'];

function reduceOp(name: string, build: (x: Node, axes: readonly number[]) => Node, cases: () => readonly OpCase[]): ReduceOp {
  return defineOp<ReduceOp>({ name, parameters, cases }, (array: ArrayInput, axis: unknown, keepdims: unknown): array => {
    const reduction = reductionArguments(name, array, axis, keepdims);
    return wrap(finish(build(reduction.x, reduction.axes), reduction));
  });
}

/** The mean along axes, in the dtype of `widened`. */
function meanWide(x: Node, axes: readonly number[]): Node {
  const total = p.sum(widened(x), axes);
  return p.divide(total, p.full(countAlong(x.shape, axes), total.shape, total.dtype));
}

/** The mean along axes. */
const meanNode = (x: Node, axes: readonly number[]): Node => p.astype(meanWide(x, axes), atLeastFloat(x.dtype));

function spread(where: string, x: Node, axes: readonly number[], ddof: number): Node {
  const wide = widened(x);
  const mean = p.broadcastTo(p.reshape(meanWide(wide, axes), keptShape(x.shape, axes)), x.shape);
  const deviation = p.subtract(wide, mean);
  const squares = wide.dtype.kind === 'complex' ? p.real(p.multiply(deviation, p.conjugate(deviation))) : p.square(deviation);
  const total = p.sum(squares, axes);
  const divisor = Math.max(countAlong(x.shape, axes) - integerArgument(where, 'ddof', ddof, 0), 0);
  return p.divide(total, p.full(divisor, total.shape, total.dtype));
}

function realDtype(dtype: Dtype): Dtype {
  return dtype.kind === 'complex' ? float32 : atLeastFloat(dtype);
}

/** The extremum of nothing does not exist. */
function requireElements(where: string, x: Node, axes: readonly number[]): void {
  if (countAlong(x.shape, axes) === 0) {
    throw rangeError(where, `has no identity: axis ${axes.find((axis) => x.shape[axis] === 0)} of shape ${showShape(x.shape)} is empty`);
  }
}

/**
 * The sum. bool and integers of less than 32 bits give int32, unsigned ones uint32.
 *
 * @example
 * mx.sum([[1, 2], [3, 4]], 0); // array([4, 6], dtype=float32)
 */
export const sum = reduceOp('sum', sumNode, reduceCases());
/**
 * The product. bool and integers of less than 32 bits give int32, unsigned ones uint32.
 *
 * @example
 * mx.prod(mx.array([2, 3, 4])); // array(24, dtype=float32)
 */
export const prod = reduceOp('prod', (x, axes) => p.prod(accumulated(x), axes), reduceCases());
/**
 * The mean; integers give float32.
 *
 * @example
 * mx.mean(mx.array([[1, 2], [3, 4]]), 0); // array([2, 3], dtype=float32)
 */
export const mean = reduceOp('mean', meanNode, reduceCases());

/**
 * The largest element; NaN where there is one. Elements that tie share the derivative. RangeError for an empty axis.
 *
 * @example
 * mx.max(mx.array([[1, 5], [3, 4]]), 1); // array([5, 4], dtype=float32)
 */
export const max = reduceOp(
  'max',
  (x, axes) => {
    requireElements('max', x, axes);
    return p.max(x, axes);
  },
  reduceCases({ distinct: true }),
);
/**
 * The smallest element; NaN where there is one. Elements that tie share the derivative. RangeError for an empty axis.
 *
 * @example
 * mx.min(mx.array([[1, 5], [3, 4]]), 1); // array([1, 3], dtype=float32)
 */
export const min = reduceOp(
  'min',
  (x, axes) => {
    requireElements('min', x, axes);
    return p.min(x, axes);
  },
  reduceCases({ distinct: true }),
);

/**
 * Whether all elements are true (not 0).
 *
 * @example
 * mx.all(mx.array([true, false])); // array(False, dtype=bool)
 */
export const all = reduceOp('all', allNode, reduceCases({}, { differentiable: false }));
/**
 * Whether any element is true (not 0).
 *
 * @example
 * mx.any(mx.array([true, false])); // array(True, dtype=bool)
 */
export const any = reduceOp('any', anyNode, reduceCases({}, { differentiable: false }));

function spreadOp(name: string, build: (x: Node) => Node): SpreadOp {
  return defineOp<SpreadOp>(
    {
      name,
      parameters: ['array', 'axis?', 'keepdims?', 'ddof?'],
      cases: () => [
        { args: [operand([2, 3])] },
        { args: [operand([2, 3]), 0, true] },
        { args: [operand([3, 2, 2]), [0, -1], false, 1] },
        { args: [operand([0, 3]), 1] },
      ],
    },
    (array: ArrayInput, axis: unknown, keepdims: unknown, ddof: number): array => {
      const reduction = reductionArguments(name, array, axis, keepdims);
      const { x, axes } = reduction;
      return wrap(finish(p.astype(build(spread(name, x, axes, ddof)), realDtype(x.dtype)), reduction));
    },
  );
}

/**
 * The mean squared distance from the mean: the sum of squares divided by the number of elements less `ddof`.
 *
 * @example
 * mx.variance(mx.array([1, 2, 3]), { ddof: 1 }); // array(1, dtype=float32)
 */
export const variance = spreadOp('variance', (x) => x);
/**
 * The square root of the variance.
 *
 * @example
 * mx.std(mx.array([1, 2, 3]), { ddof: 1 }); // array(1, dtype=float32)
 */
export const std = spreadOp('std', p.sqrt);

function argOp(name: string, build: (x: Node, axis: number) => Node): ArgReduceOp {
  const rest = { differentiable: false };
  const cases = (): OpCase[] => [
    { args: [operand([2, 3], { distinct: true })], ...rest },
    { args: [operand([2, 3], { distinct: true }), 0], ...rest },
    { args: [operand([2, 3], { distinct: true }), -1, true], ...rest },
  ];
  return defineOp<ArgReduceOp>({ name, parameters, cases }, (array: ArrayInput, axis: unknown, keepdims: unknown): array => {
    const x = toNode(array, undefined, name);
    const rank = x.shape.length;
    const keep = booleanArgument(name, 'keepdims', typeof axis === 'boolean' ? axis : keepdims, false);
    if (axis === undefined || axis === null || typeof axis === 'boolean') {
      const all = x.shape.map((_, i) => i);
      requireElements(name, x, all);
      const flat = p.reshape(x, [countAlong(x.shape, all)]);
      const index = build(flat, 0);
      return wrap(keep ? p.reshape(index, new Array<number>(rank).fill(1)) : index);
    }
    if (typeof axis !== 'number') throw typeError(name, `axis must be an integer, not ${describe(axis)}`);
    const position = axisArgument(name, axis, rank);
    requireElements(name, x, [position]);
    const index = build(x, position);
    return wrap(keep ? p.expandDims(index, [position]) : index);
  });
}

/**
 * The position of the (first) largest element along an axis, or in the flattened array; uint32.
 *
 * @example
 * mx.argmax(mx.array([1, 5, 3])); // array(1, dtype=uint32)
 */
export const argmax = argOp('argmax', p.argmax);
/**
 * The position of the (first) smallest element along an axis, or in the flattened array; uint32.
 *
 * @example
 * mx.argmin(mx.array([[1, 5], [3, 2]]), 1); // array([0, 1], dtype=uint32)
 */
export const argmin = argOp('argmin', p.argmin);
