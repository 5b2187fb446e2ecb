/** Functions of two operands of one shape and dtype, each with its partial derivatives: y = f(a, b). */

import type { Node } from '../graph/node';
import { equal, greater, less } from './compare';
import { stopGradient } from './control';
import { anyDtype, floating, inexact, integral, numeric, realNumeric } from './domain';
import { binary } from './elementwise';
import { fullValue } from './generators';
import { constant, offset, scale, zerosLike } from './rules';
import { where } from './select';
import { abs, conjugate, log, negative, sigmoid, square } from './unary';

export const add = binary('add', anyDtype, {
  jvp: [(t) => t, (t) => t],
  transpose: [(ct) => ct, (ct) => ct],
  jointly: true,
});
export const subtract = binary('subtract', anyDtype, {
  jvp: [(t) => t, (t) => negative(t)],
  transpose: [(ct) => ct, (ct) => negative(ct)],
  jointly: true,
});
export const multiply = binary('multiply', anyDtype, {
  jvp: [(t, _a, b) => multiply(t, b), (t, a) => multiply(a, t)],
  transpose: [(ct, b) => multiply(ct, conjugate(b)), (ct, a) => multiply(ct, conjugate(a))],
});
export const divide = binary('divide', inexact, {
  jvp: [(t, _a, b) => divide(t, b), (t, _a, b, y) => multiply(t, negative(divide(y, b)))],
  transpose: [(ct, b) => divide(ct, conjugate(b)), null],
});
export const floorDivide = binary('floorDivide', realNumeric);
/** a - b · ⌊a/b⌋: the sign of the divisor, as in Python. */
export const remainder = binary('remainder', realNumeric, {
  jvp: [(t) => t, (t, a, b) => multiply(t, negative(floorDivide(a, b)))],
});
export const power = binary('power', numeric, {
  jvp: [(t, a, b) => multiply(t, powerByBase(a, b)), (t, a, b) => multiply(t, powerByExponent(a, b))],
});

export const maximum = binary('maximum', anyDtype, {
  jvp: [(t, a, b) => winnerTangent(t, greater(a, b), equal(a, b)), (t, a, b) => winnerTangent(t, less(a, b), equal(a, b))],
});
export const minimum = binary('minimum', anyDtype, {
  jvp: [(t, a, b) => winnerTangent(t, less(a, b), equal(a, b)), (t, a, b) => winnerTangent(t, greater(a, b), equal(a, b))],
});

/** The angle of the point (b, a). */
export const arctan2 = binary('arctan2', floating, {
  jvp: [(t, a, b) => multiply(t, overSquaredRadius(b, a, b)), (t, a, b) => multiply(t, negative(overSquaredRadius(a, a, b)))],
});
/** log(exp a + exp b) */
export const logaddexp = binary('logaddexp', inexact, {
  jvp: [(t, a, b) => multiply(t, sigmoid(difference(a, b))), (t, a, b) => multiply(t, sigmoid(difference(b, a)))],
});

export const bitwiseAnd = binary('bitwiseAnd', integral, { op: 'and' });
export const bitwiseOr = binary('bitwiseOr', integral, { op: 'or' });
export const bitwiseXor = binary('bitwiseXor', integral, { op: 'xor' });
export const leftShift = binary('leftShift', integral);
export const rightShift = binary('rightShift', integral);

/** The part of a tangent that the winner gets: all, half at a tie, else nothing. */
function winnerTangent(t: Node, wins: Node, ties: Node): Node {
  return where(wins, t, where(ties, scale(t, 0.5), zerosLike(t)));
}

/** b · a^(b-1). The exponent at a = b = 0 is replaced by 1, which makes the product the 0 it should be. */
function powerByBase(a: Node, b: Node): Node {
  const exponent = fullValue(b);
  if (typeof exponent === 'number' && exponent !== 0) return multiply(b, power(a, constant(exponent - 1, b)));
  const bothZero = bitwiseAnd(equal(a, zerosLike(a)), equal(b, zerosLike(b)));
  return multiply(b, power(a, where(bothZero, constant(1, b), offset(b, -1))));
}

/** a^b · log(a), with 0 for a = 0: base 1 gives that, and no infinity for a derivative to multiply by 0. */
function powerByExponent(a: Node, b: Node): Node {
  const base = where(equal(a, zerosLike(a)), constant(1, a), a);
  return multiply(power(base, b), log(base));
}

/** x / (a² + b²), 0 at the origin, without overflow: for s = max(|a|, |b|) it is (x/s) / ((a/s)² + (b/s)²) / s. */
function overSquaredRadius(x: Node, a: Node, b: Node): Node {
  const largest = maximum(abs(a), abs(b));
  // The value does not depend on s, so neither does any derivative.
  const s = stopGradient(where(equal(largest, zerosLike(largest)), constant(1, largest), largest));
  const squares = add(square(divide(a, s)), square(divide(b, s)));
  const atOrigin = equal(squares, zerosLike(squares));
  return divide(divide(divide(x, s), where(atOrigin, constant(1, squares), squares)), s);
}

/** a - b, and 0 for two equal infinities. */
function difference(a: Node, b: Node): Node {
  const magnitude = abs(a);
  const infinite = equal(magnitude, constant(Number.POSITIVE_INFINITY, magnitude));
  return where(bitwiseAnd(infinite, equal(a, b)), zerosLike(a), subtract(a, b));
}
