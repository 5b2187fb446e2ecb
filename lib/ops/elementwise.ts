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

/** The absolute value; the magnitude, as float32, of complex numbers. */
export const abs = unaryOp('abs', p.abs, { domain: numeric, unchanged: isBool, cases: unaryCases({ avoid: [0] }) });
/** -x. Not for bool: use `logicalNot`. */
export const negative = unaryOp('negative', p.negative, { domain: numeric, cases: unaryCases() });
/** -1, 0 or 1; x / |x| for complex numbers. */
export const sign = unaryOp('sign', p.sign, { domain: numeric, unchanged: isBool, cases: unaryCases({ avoid: [0] }) });
/** x². */
export const square = unaryOp('square', p.square, { domain: numeric, unchanged: isBool, cases: unaryCases() });
/** 1 / x. */
export const reciprocal = analytic('reciprocal', p.reciprocal, { low: 0.5 });
/** The square root. */
export const sqrt = analytic('sqrt', p.sqrt, { low: 0.3 });
/** 1 / √x. */
export const rsqrt = analytic('rsqrt', p.rsqrt, { low: 0.3 });

/** eˣ. */
export const exp = analytic('exp', p.exp);
/** eˣ - 1, exact near 0. */
export const expm1 = analytic('expm1', p.expm1);
/** The natural logarithm. */
export const log = analytic('log', p.log, { low: 0.3 });
/** The logarithm to base 2. */
export const log2 = analytic('log2', p.log2, { low: 0.3 });
/** The logarithm to base 10. */
export const log10 = analytic('log10', p.log10, { low: 0.3 });
/** log(1 + x), exact near 0. */
export const log1p = analytic('log1p', p.log1p, { low: -0.7 });

/** The sine of radians. */
export const sin = analytic('sin', p.sin);
/** The cosine of radians. */
export const cos = analytic('cos', p.cos);
/** The tangent of radians. */
export const tan = analytic('tan', p.tan, { low: -1, high: 1 });
/** The inverse sine, in radians. */
export const arcsin = analytic('arcsin', p.arcsin, { low: -0.9, high: 0.9 });
/** The inverse cosine, in radians. */
export const arccos = analytic('arccos', p.arccos, { low: -0.9, high: 0.9 });
/** The inverse tangent, in radians. */
export const arctan = analytic('arctan', p.arctan);
/** The hyperbolic sine. */
export const sinh = analytic('sinh', p.sinh);
/** The hyperbolic cosine. */
export const cosh = analytic('cosh', p.cosh);
/** The hyperbolic tangent. */
export const tanh = analytic('tanh', p.tanh);
/** The inverse hyperbolic sine. */
export const arcsinh = analytic('arcsinh', p.arcsinh);
/** The inverse hyperbolic cosine, for x of at least 1. */
export const arccosh = analytic('arccosh', p.arccosh, { low: 1.3, high: 3 });
/** The inverse hyperbolic tangent. */
export const arctanh = analytic('arctanh', p.arctanh, { low: -0.9, high: 0.9 });

/** The error function. */
export const erf = realOnly('erf', p.erf);
/** The inverse of the error function. */
export const erfinv = realOnly('erfinv', p.erfinv, { low: -0.9, high: 0.9 });
/** 1 / (1 + e⁻ˣ). */
export const sigmoid = analytic('sigmoid', p.sigmoid);

/** The largest integer that is not above x. */
export const floor = rounding('floor', p.floor);
/** The smallest integer that is not below x. */
export const ceil = rounding('ceil', p.ceil);
/** x without its fraction. */
export const trunc = rounding('trunc', p.trunc);

/** Radians as degrees. */
export const degrees = realOnly('degrees', (x) => p.multiply(x, p.full(180 / Math.PI, x.shape, x.dtype)));
/** Degrees as radians. */
export const radians = realOnly('radians', (x) => p.multiply(x, p.full(Math.PI / 180, x.shape, x.dtype)));

/** The real part. */
export const real = unaryOp('real', p.real, { domain: anyDtype, cases: unaryCases() });
/** The imaginary part; zeros for real arrays. */
export const imag = unaryOp('imag', p.imag, { domain: anyDtype, cases: unaryCases({}, noDerivative) });
/** The complex conjugate. */
export const conjugate = unaryOp('conjugate', p.conjugate, { domain: anyDtype, cases: unaryCases(), aliases: ['conj'] });
/** The complex conjugate. */
export const conj = conjugate;

/** All bits flipped; logical not for bool. */
export const bitwiseInvert = unaryOp('bitwiseInvert', p.invert, { domain: integral, cases: unaryCases({ dtype: bool }, noDerivative) });

/** A test of each element, which gives bool. */
function predicate(name: string, build: (x: Node) => Node): UnaryOp {
  return unaryOp(name, build, { domain: anyDtype, cases: unaryCases({}, noDerivative) });
}

/** Where elements are NaN. */
export const isnan = predicate('isnan', isNanNode);
/** Where elements are infinite. */
export const isinf = predicate('isinf', isInfNode);
/** Where elements are neither infinite nor NaN. */
export const isfinite = predicate('isfinite', isFiniteNode);
/** Where elements are +∞. */
export const isposinf = predicate('isposinf', (x) => isNumberNode(x, Number.POSITIVE_INFINITY));
/** Where elements are -∞. */
export const isneginf = predicate('isneginf', (x) => isNumberNode(x, Number.NEGATIVE_INFINITY));
/** Whether each element is 0 or false. */
export const logicalNot = predicate('logicalNot', (x) => p.invert(toBool(x)));
