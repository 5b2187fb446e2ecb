/** Functions of one operand, each with its derivative: t is the tangent of x, y = f(x). */

import { complex64, type Dtype, float32 } from '../dtype';
import type { Node } from '../graph/node';
import { add, divide, maximum, multiply, subtract } from './binary';
import { astype } from './cast';
import { equal } from './compare';
import { stopGradient } from './control';
import { floating, inexact, integral, numeric } from './domain';
import { unary } from './elementwise';
import { zeros } from './generators';
import { constant, offset, scale, timesI, zerosLike } from './rules';
import { where } from './select';

const realPart = (dtype: Dtype): Dtype => (dtype === complex64 ? float32 : dtype);

export const negative = unary('negative', numeric, { jvp: (t) => negative(t), transpose: (ct) => negative(ct) });
export const abs = unary('abs', numeric, { jvp: (t, x) => real(multiply(conjugate(sign(x)), t)), result: realPart });
/** x / |x|, 0 at 0. */
export const sign = unary('sign', numeric, { jvp: (t, x, y) => (x.dtype === complex64 ? complexSignTangent(t, x, y) : null) });

export const exp = unary('exp', inexact, { jvp: (t, _x, y) => multiply(t, y) });
export const expm1 = unary('expm1', inexact, { jvp: (t, x) => multiply(t, exp(x)) });
export const log = unary('log', inexact, { jvp: (t, x) => divide(t, x) });
export const log2 = unary('log2', inexact, { jvp: (t, x) => divide(scale(t, Math.LOG2E), x) });
export const log10 = unary('log10', inexact, { jvp: (t, x) => divide(scale(t, Math.LOG10E), x) });
export const log1p = unary('log1p', inexact, { jvp: (t, x) => divide(t, offset(x, 1)) });

export const sqrt = unary('sqrt', inexact, { jvp: (t, _x, y) => divide(scale(t, 0.5), y) });
export const rsqrt = unary('rsqrt', inexact, { jvp: (t, _x, y) => multiply(t, scale(multiply(y, square(y)), -0.5)) });
export const square = unary('square', numeric, { jvp: (t, x) => multiply(t, scale(x, 2)) });
export const reciprocal = unary('reciprocal', inexact, { jvp: (t, _x, y) => multiply(t, negative(square(y))) });

export const sin = unary('sin', inexact, { jvp: (t, x) => multiply(t, cos(x)) });
export const cos = unary('cos', inexact, { jvp: (t, x) => multiply(t, negative(sin(x))) });
export const tan = unary('tan', inexact, { jvp: (t, _x, y) => multiply(t, offset(square(y), 1)) });
export const sinh = unary('sinh', inexact, { jvp: (t, x) => multiply(t, cosh(x)) });
export const cosh = unary('cosh', inexact, { jvp: (t, x) => multiply(t, sinh(x)) });
export const tanh = unary('tanh', inexact, { jvp: (t, _x, y) => multiply(t, oneMinus(square(y))) });
export const arcsin = unary('arcsin', inexact, { jvp: (t, x) => multiply(t, rsqrt(oneMinusSquare(x))) });
export const arccos = unary('arccos', inexact, { jvp: (t, x) => multiply(t, negative(rsqrt(oneMinusSquare(x)))) });
export const arctan = unary('arctan', inexact, { jvp: (t, x) => divide(t, offset(square(x), 1)) });
export const arcsinh = unary('arcsinh', inexact, { jvp: (t, x) => divide(t, sqrtOnePlusSquare(x)) });
export const arccosh = unary('arccosh', inexact, { jvp: (t, x) => divide(t, multiply(sqrt(offset(x, -1)), sqrt(offset(x, 1)))) });
export const arctanh = unary('arctanh', inexact, { jvp: (t, x) => divide(t, oneMinusSquare(x)) });

export const erf = unary('erf', floating, { jvp: (t, x) => multiply(t, scale(exp(negative(square(x))), 2 / Math.sqrt(Math.PI))) });
export const erfinv = unary('erfinv', floating, { jvp: (t, _x, y) => multiply(t, scale(exp(square(y)), Math.sqrt(Math.PI) / 2)) });
export const sigmoid = unary('sigmoid', inexact, { jvp: (t, _x, y) => multiply(t, multiply(y, oneMinus(y))) });

export const floor = unary('floor', floating);
export const ceil = unary('ceil', floating);
/** Half to even. */
export const round = unary('round', floating);
export const trunc = unary('trunc', floating);
/** Bitwise; logical for bool. */
export const invert = unary('invert', integral);

const realNode = unary('real', inexact, { jvp: (t) => real(t), transpose: (ct) => astype(ct, complex64), result: realPart });
const imagNode = unary('imag', inexact, { jvp: (t) => imag(t), transpose: (ct) => timesI(astype(ct, complex64)), result: realPart });
const conjugateNode = unary('conjugate', inexact, { jvp: (t) => conjugate(t), transpose: (ct) => conjugate(ct) });

/** The real part; of what is not complex, the same node. */
export function real(x: Node): Node {
  return x.dtype === complex64 ? realNode(x) : x;
}

/** The imaginary part; of what is not complex, zeros. */
export function imag(x: Node): Node {
  return x.dtype === complex64 ? imagNode(x) : zeros(x.shape, x.dtype);
}

/** The complex conjugate; of what is not complex, the same node. */
export function conjugate(x: Node): Node {
  return x.dtype === complex64 ? conjugateNode(x) : x;
}

function oneMinus(x: Node): Node {
  return subtract(constant(1, x), x);
}

/** 1 - x², without cancellation near ±1. */
function oneMinusSquare(x: Node): Node {
  return multiply(oneMinus(x), offset(x, 1));
}

/** √(1 + x²), which for real x must not overflow where x does not: s · √(1/s² + (x/s)²) for s = max(|x|, 1). */
function sqrtOnePlusSquare(x: Node): Node {
  if (x.dtype === complex64) return sqrt(offset(square(x), 1));
  // The value does not depend on s, so neither does any derivative.
  const s = stopGradient(maximum(abs(x), constant(1, x)));
  const sum = add(square(divide(x, s)), square(reciprocal(s)));
  return multiply(s, sqrt(sum));
}

/** d(z/|z|) = (t - s · Re(conj(s) t)) / |z| for s = z/|z|; 0 at 0. */
function complexSignTangent(t: Node, z: Node, s: Node): Node {
  const magnitude = astype(abs(z), complex64);
  const atZero = equal(z, zerosLike(z));
  const radial = multiply(s, astype(real(multiply(conjugate(s), t)), complex64));
  const tangential = divide(subtract(t, radial), where(atZero, constant(1, z), magnitude));
  return where(atZero, zerosLike(z), tangential);
}
