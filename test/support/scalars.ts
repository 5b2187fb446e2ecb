/** What each instruction does to single elements: doubles, pairs of doubles for complex, wrapping integers. */

import type { Dtype } from '../../lib/dtype';
import type { ElementwiseOp } from '../../lib/schedule/opcodes';
import * as c from './complex';
import { type Complex, complex } from './complex';
import { realBinary, realUnary } from './real';

const isInteger = (dtype: Dtype): boolean => dtype.kind === 'signed' || dtype.kind === 'unsigned';

/** An integer of arbitrary size as the dtype holds it. 64-bit values beyond 2^53 lose their low digits here. */
export function wrap(value: bigint, dtype: Dtype): number {
  const bits = dtype.size * 8;
  return Number(dtype.kind === 'signed' ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value));
}

/** Conversion: floating to integer truncates, complex to real takes the real part, anything to bool is whether it is not 0. */
export function cast(value: Complex, from: Dtype, to: Dtype): Complex {
  if (to.kind === 'bool') return complex(value.re !== 0 || value.im !== 0 ? 1 : 0);
  if (to.kind === 'complex') return value;
  if (!isInteger(to) || from.kind === 'bool') return complex(value.re);
  return complex(Number.isFinite(value.re) ? wrap(BigInt(Math.trunc(value.re)), to) : 0);
}

/** What is there for complex numbers, of real ones. */
const realParts: Partial<Record<ElementwiseOp, (x: number) => number>> = { real: (x) => x, imag: () => 0, conjugate: (x) => x };

const one = complex(1);
const complexUnary: Partial<Record<ElementwiseOp, (x: Complex) => Complex>> = {
  negative: c.negative,
  abs: (x) => complex(c.abs(x)),
  sign: (x) => (c.abs(x) === 0 ? complex(0) : c.scale(x, 1 / c.abs(x))),
  exp: c.exp,
  expm1: (x) => c.subtract(c.exp(x), one),
  log: c.log,
  log2: (x) => c.scale(c.log(x), Math.LOG2E),
  log10: (x) => c.scale(c.log(x), Math.LOG10E),
  log1p: (x) => c.log(c.add(one, x)),
  sqrt: c.sqrt,
  rsqrt: (x) => c.reciprocal(c.sqrt(x)),
  square: c.square,
  reciprocal: c.reciprocal,
  sin: c.sin,
  cos: c.cos,
  tan: c.tan,
  sinh: c.sinh,
  cosh: c.cosh,
  tanh: c.tanh,
  arcsin: c.arcsin,
  arccos: c.arccos,
  arctan: c.arctan,
  arcsinh: c.arcsinh,
  arccosh: c.arccosh,
  arctanh: c.arctanh,
  sigmoid: (x) => c.reciprocal(c.add(one, c.exp(c.negative(x)))),
  real: (x) => complex(x.re),
  imag: (x) => complex(x.im),
  conjugate: c.conjugate,
};

export function unary(op: ElementwiseOp, x: Complex, dtype: Dtype): Complex {
  if (op === 'invert') {
    if (dtype.kind === 'bool') return complex(x.re === 0 ? 1 : 0);
    return complex(wrap(~BigInt(x.re), dtype));
  }
  if (dtype.kind === 'complex') return required(complexUnary[op], op, dtype)(x);
  if (op === 'square' && isInteger(dtype)) return complex(wrap(BigInt(x.re) ** 2n, dtype));
  const value = required(realUnary[op] ?? realParts[op], op, dtype)(x.re);
  return complex(isInteger(dtype) ? wrap(BigInt(value), dtype) : value);
}

const complexBinary: Partial<Record<ElementwiseOp, (a: Complex, b: Complex) => Complex>> = {
  add: c.add,
  subtract: c.subtract,
  multiply: c.multiply,
  divide: c.divide,
  power: c.power,
  maximum: (a, b) => (Number.isNaN(c.abs(a)) || c.less(b, a) ? a : b),
  minimum: (a, b) => (Number.isNaN(c.abs(a)) || c.less(a, b) ? a : b),
  logaddexp: (a, b) => (c.less(a, b) ? complexLogaddexp(b, a) : complexLogaddexp(a, b)),
};

function complexLogaddexp(larger: Complex, smaller: Complex): Complex {
  return c.add(larger, c.log(c.add(one, c.exp(c.subtract(smaller, larger)))));
}

const bigBinary: Partial<Record<ElementwiseOp, (a: bigint, b: bigint) => bigint>> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  // Division by zero gives 0.
  floorDivide: (a, b) => (b === 0n ? 0n : (a - modulo(a, b)) / b),
  remainder: (a, b) => (b === 0n ? 0n : modulo(a, b)),
  power: (a, b) => (b < 0n ? 0n : a ** b),
  maximum: (a, b) => (a > b ? a : b),
  minimum: (a, b) => (a < b ? a : b),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  leftShift: (a, b) => a << b,
  rightShift: (a, b) => a >> b,
};

function modulo(a: bigint, b: bigint): bigint {
  const rest = a % b;
  return rest !== 0n && rest < 0n !== b < 0n ? rest + b : rest;
}

const boolBinary: Partial<Record<ElementwiseOp, (a: number, b: number) => number>> = {
  add: (a, b) => a | b,
  multiply: (a, b) => a & b,
  maximum: (a, b) => a | b,
  minimum: (a, b) => a & b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
};

export function binary(op: ElementwiseOp, a: Complex, b: Complex, dtype: Dtype): Complex {
  if (dtype.kind === 'complex') return required(complexBinary[op], op, dtype)(a, b);
  if (dtype.kind === 'bool') return complex(required(boolBinary[op], op, dtype)(a.re, b.re));
  if (isInteger(dtype)) return complex(wrap(required(bigBinary[op], op, dtype)(BigInt(a.re), BigInt(b.re)), dtype));
  return complex(required(realBinary[op], op, dtype)(a.re, b.re));
}

/** The comparisons, on complex numbers lexicographic; undefined for any other instruction. */
export function compare(op: ElementwiseOp, a: Complex, b: Complex): boolean | undefined {
  switch (op) {
    case 'equal':
      return c.equal(a, b);
    case 'notEqual':
      return !c.equal(a, b);
    case 'less':
      return c.less(a, b);
    case 'lessEqual':
      return c.less(a, b) || c.equal(a, b);
    case 'greater':
      return c.less(b, a);
    case 'greaterEqual':
      return c.less(b, a) || c.equal(a, b);
    default:
      return undefined;
  }
}

function required<T>(rule: T | undefined, op: string, dtype: Dtype): T {
  if (rule === undefined) throw new Error(`[interpret] ${op} does not take ${dtype.name}`);
  return rule;
}
