/** What instructions do to real numbers, in double precision: JavaScript's own functions where they mean the same. */

import type { ElementwiseOp } from '../../lib/schedule/opcodes';
import { erf, erfinv, roundHalfEven } from './special';

// Inside jest's contexts a global is slow to look up, which tells where every element takes several.
const { Math, Number } = globalThis;

export const realUnary: Partial<Record<ElementwiseOp, (x: number) => number>> = {
  negative: (a) => -a,
  abs: Math.abs,
  sign: (a) => (Number.isNaN(a) ? a : Math.sign(a)),
  square: (a) => a * a,
  reciprocal: (a) => 1 / a,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  log1p: Math.log1p,
  sqrt: Math.sqrt,
  rsqrt: (a) => 1 / Math.sqrt(a),
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  arcsin: Math.asin,
  arccos: Math.acos,
  arctan: Math.atan,
  arcsinh: Math.asinh,
  arccosh: Math.acosh,
  arctanh: Math.atanh,
  erf,
  erfinv,
  sigmoid: (a) => (a >= 0 ? 1 / (1 + Math.exp(-a)) : Math.exp(a) / (1 + Math.exp(a))),
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundHalfEven,
  trunc: Math.trunc,
};

export const realBinary: Partial<Record<ElementwiseOp, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  floorDivide: (a, b) => {
    const rest = a % b;
    if (b === 0 || Number.isNaN(rest)) return b === 0 ? a / b : Number.NaN;
    const quotient = roundHalfEven((a - rest) / b);
    return rest !== 0 && rest < 0 !== b < 0 ? quotient - 1 : quotient;
  },
  remainder: (a, b) => {
    const rest = a % b;
    return rest === 0 ? (b < 0 || Object.is(b, -0) ? -0 : 0) : rest < 0 !== b < 0 ? rest + b : rest;
  },
  power: (a, b) => (a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b),
  maximum: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : a > b ? a : b),
  minimum: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : a < b ? a : b),
  arctan2: Math.atan2,
  logaddexp: (a, b) => (a === b ? a + Math.LN2 : Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)))),
};
