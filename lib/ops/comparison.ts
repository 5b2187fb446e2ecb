/** Comparisons and logic, element by element; they give bool. */

import { type ArrayInput, type array, toNode, wrap } from '../array';
import { bool, promoteTypes } from '../dtype';
import type { Node } from '../graph/node';
import * as p from '../primitives';
import { anyDtype } from '../primitives/domain';
import { broadcastShapes, sameShape } from '../shape';
import { atLeastFloat, booleanArgument, conform, numberArgument, operands } from './arguments';
import { type BinaryOp, binaryCases, binaryOp } from './pointwise';
import { isInfNode, isNanNode, toBool } from './predicates';
import { defineOp, type MethodOp, type OpCase, operand } from './registry';

const cases = binaryCases({ distinct: true }, { distinct: true }, { differentiable: false });

function comparison(name: string, build: (a: Node, b: Node) => Node): BinaryOp {
  return binaryOp(name, build, { domain: anyDtype, cases });
}

/**
 * a = b.
 *
 * @example
 * mx.equal(mx.array([1, 2]), 2); // array([False, True], dtype=bool)
 */
export const equal = comparison('equal', p.equal);
/**
 * a ≠ b.
 *
 * @example
 * mx.notEqual(mx.array([1, 2]), 2); // array([True, False], dtype=bool)
 */
export const notEqual = comparison('notEqual', p.notEqual);
/**
 * a < b.
 *
 * @example
 * mx.less(mx.array([1, 2]), 2); // array([True, False], dtype=bool)
 */
export const less = comparison('less', p.less);
/**
 * a ≤ b.
 *
 * @example
 * mx.lessEqual(mx.array([1, 2, 3]), 2); // array([True, True, False], dtype=bool)
 */
export const lessEqual = comparison('lessEqual', p.lessEqual);
/**
 * a > b.
 *
 * @example
 * mx.greater(mx.array([1, 2, 3]), 2); // array([False, False, True], dtype=bool)
 */
export const greater = comparison('greater', p.greater);
/**
 * a ≥ b.
 *
 * @example
 * mx.greaterEqual(mx.array([1, 2, 3]), 2); // array([False, True, True], dtype=bool)
 */
export const greaterEqual = comparison('greaterEqual', p.greaterEqual);

function logical(name: string, build: (a: Node, b: Node) => Node): BinaryOp {
  return comparison(name, (a, b) => build(toBool(a), toBool(b)));
}

/**
 * Whether both are true (not 0).
 *
 * @example
 * mx.logicalAnd(mx.array([true, true]), mx.array([true, false])); // array([True, False], dtype=bool)
 */
export const logicalAnd = logical('logicalAnd', p.bitwiseAnd);
/**
 * Whether one is true (not 0).
 *
 * @example
 * mx.logicalOr(mx.array([true, false]), mx.array([false, false])); // array([True, False], dtype=bool)
 */
export const logicalOr = logical('logicalOr', p.bitwiseOr);
/**
 * Whether exactly one is true (not 0).
 *
 * @example
 * mx.logicalXor(mx.array([true, true]), mx.array([true, false])); // array([False, True], dtype=bool)
 */
export const logicalXor = logical('logicalXor', p.bitwiseXor);

type Closeness = { rtol: number; atol: number; equalNan: boolean };
type CloseOp = MethodOp<[a: ArrayInput, b: ArrayInput], [rtol?: number, atol?: number, equalNan?: boolean], Closeness, array>;

const closeParameters = ['a', 'b', 'rtol?', 'atol?', 'equalNan?'];

/** |a - b| without wrapping around in unsigned integers. */
function distance(a: Node, b: Node): Node {
  return a.dtype.inexact ? p.abs(p.subtract(a, b)) : p.subtract(p.maximum(a, b), p.minimum(a, b));
}

function closeNode(where: string, a: unknown, b: unknown, rtol: unknown, atol: unknown, equalNan: unknown): Node {
  const relative = numberArgument(where, 'rtol', rtol, 1e-5);
  const absolute = numberArgument(where, 'atol', atol, 1e-8);
  const [x, y] = operands(where, a, b, (dtype) => (dtype === bool ? atLeastFloat(dtype) : dtype));
  const difference = distance(x, y);
  const dtype = atLeastFloat(difference.dtype);
  const magnitude = p.astype(y.dtype.kind === 'unsigned' ? y : p.abs(y), dtype);
  const fill = (value: number): Node => p.full(value, x.shape, dtype);
  const bound = p.add(fill(absolute), p.multiply(fill(relative), magnitude));
  let close = p.lessEqual(p.astype(difference, dtype), bound);
  if (x.dtype.inexact) {
    // Next to an infinity only the same infinity is close.
    const infinite = p.bitwiseOr(isInfNode(x), isInfNode(y));
    close = p.where(infinite, p.equal(x, y), close);
    if (booleanArgument(where, 'equalNan', equalNan, false)) close = p.bitwiseOr(close, p.bitwiseAnd(isNanNode(x), isNanNode(y)));
  }
  return close;
}

/**
 * Where |a - b| ≤ `atol` + `rtol` · |b|; infinities are close to themselves, NaN to NaN only with `equalNan`.
 *
 * @example
 * mx.isclose(mx.array([1, 2]), mx.array([1 + 1e-7, 2.1])); // array([True, False], dtype=bool)
 */
export const isclose = defineOp<CloseOp>({ name: 'isclose', parameters: closeParameters, cases }, (a, b, rtol, atol, equalNan) =>
  wrap(closeNode('isclose', a, b, rtol, atol, equalNan)),
);

/**
 * Whether every element `isclose`: a bool array with no axes.
 *
 * @example
 * mx.allclose(mx.array([1, 2]), mx.array([1 + 1e-7, 2])); // array(True, dtype=bool)
 */
export const allclose = defineOp<CloseOp>({ name: 'allclose', parameters: closeParameters, cases }, (a, b, rtol, atol, equalNan) =>
  wrap(allNode(closeNode('allclose', a, b, rtol, atol, equalNan))),
);

/** Whether all elements are true, as a node with no axes. */
function allNode(x: Node): Node {
  if (x.shape.includes(0)) return p.full(true, [], bool);
  return p.min(
    x,
    x.shape.map((_, axis) => axis),
  );
}

/**
 * Whether shapes and all elements are equal: a bool array with no axes. NaN equals NaN only with `equalNan`.
 *
 * @example
 * mx.arrayEqual(mx.array([1, 2]), mx.array([1, 2, 3])); // array(False, dtype=bool)
 */
export const arrayEqual = defineOp<MethodOp<[a: ArrayInput, b: ArrayInput], [equalNan?: boolean], { equalNan: boolean }, array>>(
  {
    name: 'arrayEqual',
    parameters: ['a', 'b', 'equalNan?'],
    cases: (): OpCase[] => [{ args: [operand([2, 3]), operand([2, 3])], differentiable: false }],
  },
  (a: ArrayInput, b: ArrayInput, equalNan?: boolean): array => {
    const allowNan = booleanArgument('arrayEqual', 'equalNan', equalNan, false);
    const x = toNode(a, undefined, 'arrayEqual');
    const y = toNode(b, undefined, 'arrayEqual');
    if (!sameShape(x.shape, y.shape)) return wrap(p.full(false, [], bool));
    const dtype = promoteTypes(x.dtype, y.dtype);
    const shape = broadcastShapes('arrayEqual', x.shape, y.shape);
    const left = conform(x, shape, dtype);
    const right = conform(y, shape, dtype);
    let same = p.equal(left, right);
    if (allowNan && dtype.inexact) same = p.bitwiseOr(same, p.bitwiseAnd(isNanNode(left), isNanNode(right)));
    return wrap(allNode(same));
  },
);
