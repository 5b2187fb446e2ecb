/** Functions of one array, element by element. */

import { bool, type Dtype } from '../dtype';
import type { Node } from '../graph/node';
import * as p from '../primitives';
import { anyDtype, floating, inexact, integral, numeric } from '../primitives/domain';
import { atLeastFloat } from './arguments';
import { type UnaryOp, unaryCases, unaryOp } from './pointwise';
import { isFiniteNode, isInfNode, isNanNode, isNumberNode, toBool } from './predicates';

const isExact = (dtype: Dtype): boolean => !dtype.inexact;
const isBool = (dtype: Dtype): boolean => dtype === bool;
const noDerivative = { differentiable: false };

/** A function of real and complex numbers; integers become float32. */
function analytic(name: string, build: (x: Node) => Node, draw: Parameters<typeof unaryCases>[0] = {}, aliases: string[] = []): UnaryOp {
  return unaryOp(name, build, { domain: inexact, convert: atLeastFloat, cases: unaryCases(draw), aliases });
}

/** A function of real numbers; integers become float32. */
function realOnly(name: string, build: (x: Node) => Node, draw: Parameters<typeof unaryCases>[0] = {}): UnaryOp {
  return unaryOp(name, build, { domain: floating, convert: atLeastFloat, cases: unaryCases(draw) });
}

/** Rounding: integers and booleans are the result themselves. */
function rounding(name: string, build: (x: Node) => Node): UnaryOp {
  return unaryOp(name, build, { domain: floating, unchanged: isExact, cases: unaryCases({ avoid: halves }) });
}

const halves = [-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2];

/**
 * The absolute value; the magnitude, as float32, of complex numbers.
 *
 * @example
 * mx.abs(mx.array([-2, 3])); // array([2, 3], dtype=float32)
 */
export const abs = unaryOp('abs', p.abs, { domain: numeric, unchanged: isBool, cases: unaryCases({ avoid: [0] }) });
/**
 * -x. Not for bool: use `logicalNot`.
 *
 * @example
 * mx.negative(mx.array([1, -2])); // array([-1, 2], dtype=float32)
 */
export const negative = unaryOp('negative', p.negative, { domain: numeric, cases: unaryCases() });
/**
 * -1, 0 or 1; x / |x| for complex numbers.
 *
 * @example
 * mx.sign(mx.array([-2, 0, 3])); // array([-1, 0, 1], dtype=float32)
 */
export const sign = unaryOp('sign', p.sign, { domain: numeric, unchanged: isBool, cases: unaryCases({ avoid: [0] }) });
/**
 * x².
 *
 * @example
 * mx.square(mx.array([2, -3])); // array([4, 9], dtype=float32)
 */
export const square = unaryOp('square', p.square, { domain: numeric, unchanged: isBool, cases: unaryCases() });
/**
 * 1 / x.
 *
 * @example
 * mx.reciprocal(mx.array([2, 4])); // array([0.5, 0.25], dtype=float32)
 */
export const reciprocal = analytic('reciprocal', p.reciprocal, { low: 0.5 });
/**
 * The square root.
 *
 * @example
 * mx.sqrt(mx.array([4, 9])); // array([2, 3], dtype=float32)
 */
export const sqrt = analytic('sqrt', p.sqrt, { low: 0.3 });
/**
 * 1 / √x.
 *
 * @example
 * mx.rsqrt(mx.array([4, 16])); // array([0.5, 0.25], dtype=float32)
 */
export const rsqrt = analytic('rsqrt', p.rsqrt, { low: 0.3 });

/**
 * eˣ.
 *
 * @example
 * mx.exp(mx.array([0, 1])); // array([1, 2.71828], dtype=float32)
 */
export const exp = analytic('exp', p.exp);
/**
 * eˣ - 1, exact near 0.
 *
 * @example
 * mx.expm1(mx.array(1e-6)); // array(1e-06, dtype=float32)
 */
export const expm1 = analytic('expm1', p.expm1);
/**
 * The natural logarithm.
 *
 * @example
 * mx.log(mx.array([1, mx.e])); // array([0, 1], dtype=float32)
 */
export const log = analytic('log', p.log, { low: 0.3 });
/**
 * The logarithm to base 2.
 *
 * @example
 * mx.log2(mx.array([1, 8])); // array([0, 3], dtype=float32)
 */
export const log2 = analytic('log2', p.log2, { low: 0.3 });
/**
 * The logarithm to base 10.
 *
 * @example
 * mx.log10(mx.array([1, 1000])); // array([0, 3], dtype=float32)
 */
export const log10 = analytic('log10', p.log10, { low: 0.3 });
/**
 * log(1 + x), exact near 0.
 *
 * @example
 * mx.log1p(mx.array(1e-6)); // array(1e-06, dtype=float32)
 */
export const log1p = analytic('log1p', p.log1p, { low: -0.7 });

/**
 * The sine of radians.
 *
 * @example
 * mx.sin(mx.array([0, 1])); // array([0, 0.841471], dtype=float32)
 */
export const sin = analytic('sin', p.sin);
/**
 * The cosine of radians.
 *
 * @example
 * mx.cos(mx.array(mx.pi)); // array(-1, dtype=float32)
 */
export const cos = analytic('cos', p.cos);
/**
 * The tangent of radians.
 *
 * @example
 * mx.tan(mx.array([0, 1])); // array([0, 1.55741], dtype=float32)
 */
export const tan = analytic('tan', p.tan, { low: -1, high: 1 });
/**
 * The inverse sine, in radians.
 *
 * @example
 * mx.arcsin(mx.array(1)); // array(1.5708, dtype=float32)
 */
export const arcsin = analytic('arcsin', p.arcsin, { low: -0.9, high: 0.9 });
/**
 * The inverse cosine, in radians.
 *
 * @example
 * mx.arccos(mx.array(1)); // array(0, dtype=float32)
 */
export const arccos = analytic('arccos', p.arccos, { low: -0.9, high: 0.9 });
/**
 * The inverse tangent, in radians.
 *
 * @example
 * mx.arctan(mx.array(1)); // array(0.785398, dtype=float32)
 */
export const arctan = analytic('arctan', p.arctan);
/**
 * The hyperbolic sine.
 *
 * @example
 * mx.sinh(mx.array(1)); // array(1.1752, dtype=float32)
 */
export const sinh = analytic('sinh', p.sinh);
/**
 * The hyperbolic cosine.
 *
 * @example
 * mx.cosh(mx.array(0)); // array(1, dtype=float32)
 */
export const cosh = analytic('cosh', p.cosh);
/**
 * The hyperbolic tangent.
 *
 * @example
 * mx.tanh(mx.array([0, 1])); // array([0, 0.761594], dtype=float32)
 */
export const tanh = analytic('tanh', p.tanh);
/**
 * The inverse hyperbolic sine.
 *
 * @example
 * mx.arcsinh(mx.array(1)); // array(0.881374, dtype=float32)
 */
export const arcsinh = analytic('arcsinh', p.arcsinh);
/**
 * The inverse hyperbolic cosine, for x of at least 1.
 *
 * @example
 * mx.arccosh(mx.array(1)); // array(0, dtype=float32)
 */
export const arccosh = analytic('arccosh', p.arccosh, { low: 1.3, high: 3 });
/**
 * The inverse hyperbolic tangent.
 *
 * @example
 * mx.arctanh(mx.array(0.5)); // array(0.549306, dtype=float32)
 */
export const arctanh = analytic('arctanh', p.arctanh, { low: -0.9, high: 0.9 });

/**
 * The error function.
 *
 * @example
 * mx.erf(mx.array([0, 1])); // array([0, 0.842701], dtype=float32)
 */
export const erf = realOnly('erf', p.erf);
/**
 * The inverse of the error function.
 *
 * @example
 * mx.erfinv(mx.array([0, 0.5])); // array([0, 0.476936], dtype=float32)
 */
export const erfinv = realOnly('erfinv', p.erfinv, { low: -0.9, high: 0.9 });
/**
 * 1 / (1 + e⁻ˣ).
 *
 * @example
 * mx.sigmoid(mx.array([0, 2])); // array([0.5, 0.880797], dtype=float32)
 */
export const sigmoid = analytic('sigmoid', p.sigmoid);

/**
 * The largest integer that is not above x.
 *
 * @example
 * mx.floor(mx.array([1.5, -1.5])); // array([1, -2], dtype=float32)
 */
export const floor = rounding('floor', p.floor);
/**
 * The smallest integer that is not below x.
 *
 * @example
 * mx.ceil(mx.array([1.5, -1.5])); // array([2, -1], dtype=float32)
 */
export const ceil = rounding('ceil', p.ceil);
/**
 * x without its fraction.
 *
 * @example
 * mx.trunc(mx.array([1.5, -1.5])); // array([1, -1], dtype=float32)
 */
export const trunc = rounding('trunc', p.trunc);

/**
 * Radians as degrees.
 *
 * @example
 * mx.degrees(mx.array(mx.pi)); // array(180, dtype=float32)
 */
export const degrees = realOnly('degrees', (x) => p.multiply(x, p.full(180 / Math.PI, x.shape, x.dtype)));
/**
 * Degrees as radians.
 *
 * @example
 * mx.radians(mx.array(180)); // array(3.14159, dtype=float32)
 */
export const radians = realOnly('radians', (x) => p.multiply(x, p.full(Math.PI / 180, x.shape, x.dtype)));

/**
 * The real part.
 *
 * @example
 * mx.real(mx.array(mx.Complex(1, 2))); // array(1, dtype=float32)
 */
export const real = unaryOp('real', p.real, { domain: anyDtype, cases: unaryCases() });
/**
 * The imaginary part; zeros for real arrays.
 *
 * @example
 * mx.imag(mx.array(mx.Complex(1, 2))); // array(2, dtype=float32)
 */
export const imag = unaryOp('imag', p.imag, { domain: anyDtype, cases: unaryCases({}, noDerivative) });
/**
 * The complex conjugate.
 *
 * @example
 * mx.conjugate(mx.array(mx.Complex(1, 2))); // array(1-2j, dtype=complex64)
 */
export const conjugate = unaryOp('conjugate', p.conjugate, { domain: anyDtype, cases: unaryCases(), aliases: ['conj'] });
/**
 * The complex conjugate.
 *
 * @example
 * mx.conj(mx.array(mx.Complex(1, 2))); // array(1-2j, dtype=complex64)
 */
export const conj = conjugate;

/**
 * All bits flipped; logical not for bool.
 *
 * @example
 * mx.bitwiseInvert(mx.array([0, 5], mx.int32)); // array([-1, -6], dtype=int32)
 */
export const bitwiseInvert = unaryOp('bitwiseInvert', p.invert, { domain: integral, cases: unaryCases({ dtype: bool }, noDerivative) });

/** A test of each element, which gives bool. */
function predicate(name: string, build: (x: Node) => Node): UnaryOp {
  return unaryOp(name, build, { domain: anyDtype, cases: unaryCases({}, noDerivative) });
}

/**
 * Where elements are NaN.
 *
 * @example
 * mx.isnan(mx.array([1, mx.nan])); // array([False, True], dtype=bool)
 */
export const isnan = predicate('isnan', isNanNode);
/**
 * Where elements are infinite.
 *
 * @example
 * mx.isinf(mx.array([1, -mx.inf])); // array([False, True], dtype=bool)
 */
export const isinf = predicate('isinf', isInfNode);
/**
 * Where elements are neither infinite nor NaN.
 *
 * @example
 * mx.isfinite(mx.array([1, mx.inf, mx.nan])); // array([True, False, False], dtype=bool)
 */
export const isfinite = predicate('isfinite', isFiniteNode);
/**
 * Where elements are +∞.
 *
 * @example
 * mx.isposinf(mx.array([mx.inf, -mx.inf])); // array([True, False], dtype=bool)
 */
export const isposinf = predicate('isposinf', (x) => isNumberNode(x, Number.POSITIVE_INFINITY));
/**
 * Where elements are -∞.
 *
 * @example
 * mx.isneginf(mx.array([mx.inf, -mx.inf])); // array([False, True], dtype=bool)
 */
export const isneginf = predicate('isneginf', (x) => isNumberNode(x, Number.NEGATIVE_INFINITY));
/**
 * Whether each element is 0 or false.
 *
 * @example
 * mx.logicalNot(mx.array([0, 2])); // array([True, False], dtype=bool)
 */
export const logicalNot = predicate('logicalNot', (x) => p.invert(toBool(x)));
