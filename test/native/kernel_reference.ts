/** What kernels must compute, one element at a time in JavaScript: numbers, bigints for 64-bit integers, pairs for complex64. */

import { type Dtype, int64 } from '../../lib/dtype';
import type { ElementwiseOp, ReduceOp } from '../../lib/schedule/opcodes';
import { realBinary, realUnary } from '../support/real';
import type { KernelSpec, OperandSpec } from './encode';

// Inside jest's contexts a global is slow to look up, which tells where every element takes several.
const { BigInt, Math, Number } = globalThis;

export interface Complex {
  re: number;
  im: number;
}
export type Scalar = number | bigint | Complex;

/** Rounds to a binary format with `bits` of significand and exponents from `least` on, ties to even. */
function roundBinary(x: number, bits: number, least: number, greatest: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(x))), least);
  // log2 may be off by one beside a power of two; the finer unit is corrected by a second pass.
  for (const e of [exponent + 1, exponent, exponent - 1]) {
    if (e >= least && (Math.abs(x) >= 2 ** e || e === least)) {
      const unit = 2 ** (e - bits + 1);
      const q = x / unit;
      const floor = Math.floor(q);
      const rest = q - floor;
      const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
      const result = rounded * unit;
      if (Math.abs(result) > greatest) return Math.sign(x) * Infinity;
      return result === 0 ? Math.sign(x) * 0 : result;
    }
  }
  return x;
}

const roundHalf = (x: number) => roundBinary(x, 11, -14, 65504);
const roundBfloat = (x: number) => roundBinary(x, 8, -126, (2 - 2 ** -7) * 2 ** 127);

/** A number as the dtype holds it: wrapped or rounded. */
export function toDtype(x: Scalar, dtype: Dtype): Scalar {
  if (typeof x === 'object') return dtype.kind === 'complex' ? { re: Math.fround(x.re), im: Math.fround(x.im) } : toDtype(x.re, dtype);
  switch (dtype.name) {
    case 'bool':
      return typeof x === 'bigint' ? Number(x !== 0n) : Number(x !== 0);
    case 'float16':
      return roundHalf(Number(x));
    case 'bfloat16':
      return roundBfloat(Number(x));
    case 'float32':
      return Math.fround(Number(x));
    case 'float64':
      return Number(x);
    case 'complex64':
      return { re: Math.fround(Number(x)), im: 0 };
    default: {
      const wide = typeof x === 'bigint' ? x : truncated(x, dtype);
      const wrapped = dtype.kind === 'signed' ? BigInt.asIntN(8 * dtype.size, wide) : BigInt.asUintN(8 * dtype.size, wide);
      return dtype.size === 8 ? wrapped : Number(wrapped);
    }
  }
}

/** Truncated to int64 (uint64 for large numbers), saturating; NaN gives 0. */
function truncated(x: number, dtype: Dtype): bigint {
  if (Number.isNaN(x)) return 0n;
  const top = dtype.name === 'uint64' ? 2n ** 64n - 1n : 2n ** 63n - 1n;
  if (x >= Number(top)) return top;
  if (x <= -(2 ** 63)) return -(2n ** 63n);
  return BigInt(Math.trunc(x));
}

const readers: Record<string, (view: DataView, at: number) => Scalar> = {
  bool: (v, i) => v.getUint8(i),
  uint8: (v, i) => v.getUint8(i),
  uint16: (v, i) => v.getUint16(i, true),
  uint32: (v, i) => v.getUint32(i, true),
  uint64: (v, i) => v.getBigUint64(i, true),
  int8: (v, i) => v.getInt8(i),
  int16: (v, i) => v.getInt16(i, true),
  int32: (v, i) => v.getInt32(i, true),
  int64: (v, i) => v.getBigInt64(i, true),
  float16: (v, i) => {
    const bits = v.getUint16(i, true);
    const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
    if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
    return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
  },
  bfloat16: (v, i) => {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint32(0, v.getUint16(i, true) << 16);
    return view.getFloat32(0);
  },
  float32: (v, i) => v.getFloat32(i, true),
  float64: (v, i) => v.getFloat64(i, true),
  complex64: (v, i) => ({ re: v.getFloat32(i, true), im: v.getFloat32(i + 4, true) }),
};

/** Element number `i` of an array's bytes. */
export function read(bytes: Uint8Array, dtype: Dtype, i: number): Scalar {
  return readers[dtype.name](new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), i * dtype.size);
}

const views = new WeakMap<Uint8Array, DataView>();

function viewOf(bytes: Uint8Array): DataView {
  let view = views.get(bytes);
  if (!view) views.set(bytes, (view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
  return view;
}

/** Writes a number that the dtype holds. */
export function write(bytes: Uint8Array, dtype: Dtype, i: number, value: Scalar): void {
  const view = viewOf(bytes);
  const at = i * dtype.size;
  const x = toDtype(value, dtype);
  if (typeof x === 'object') {
    view.setFloat32(at, x.re, true);
    view.setFloat32(at + 4, x.im, true);
  } else if (typeof x === 'bigint') {
    view.setBigInt64(at, BigInt.asIntN(64, x), true);
  } else if (dtype.name === 'float64') view.setFloat64(at, x, true);
  else if (dtype.name === 'float32') view.setFloat32(at, x, true);
  else if (dtype.name === 'bfloat16') {
    const wide = new DataView(new ArrayBuffer(4));
    wide.setFloat32(0, x);
    view.setUint16(at, wide.getUint32(0) >>> 16, true);
  } else if (dtype.name === 'float16') {
    view.setUint16(at, halfBits(x), true);
  } else if (dtype.size === 1) view.setUint8(at, x & 255);
  else if (dtype.size === 2) view.setUint16(at, x & 65535, true);
  else view.setUint32(at, x >>> 0, true);
}

function halfBits(x: number): number {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(x);
  if (Number.isNaN(x)) return 0x7e00;
  if (magnitude === Infinity) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | (magnitude * 2 ** 24);
  const exponent = Math.floor(Math.log2(magnitude));
  return sign | ((exponent + 15) << 10) | ((magnitude / 2 ** exponent - 1) * 1024);
}

export function arrayOf(values: readonly Scalar[], dtype: Dtype): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.length * dtype.size);
  values.forEach((value, i) => {
    write(bytes, dtype, i, value);
  });
  return bytes;
}

export function listOf(bytes: Uint8Array, dtype: Dtype): Scalar[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / dtype.size }, (_, i) => readers[dtype.name](view, i * dtype.size));
}

const sign = <T extends number | bigint>(x: T) => (x > 0 ? 1 : x < 0 ? -1 : 0);

/** Integer operations over bigints, before wrapping. */
function integer(op: ElementwiseOp, dtype: Dtype, a: bigint, b: bigint, c: bigint): bigint | boolean | undefined {
  const bits = BigInt(8 * dtype.size);
  switch (op) {
    case 'negative':
      return -a;
    case 'abs':
      return a < 0n ? -a : a;
    case 'sign':
      return BigInt(sign(a));
    case 'square':
      return a * a;
    case 'floor':
    case 'ceil':
    case 'round':
    case 'trunc':
      return a;
    case 'invert':
      return ~a;
    case 'add':
      return a + b;
    case 'subtract':
      return a - b;
    case 'multiply':
      return a * b;
    case 'divide':
      return b === 0n ? 0n : a / b;
    case 'floorDivide':
      return b === 0n ? 0n : a / b - (a % b !== 0n && a < 0n !== b < 0n ? 1n : 0n);
    case 'remainder':
      return b === 0n ? 0n : ((a % b) + b) % b;
    case 'power':
      if (b < 0n) return a === 1n ? 1n : a === -1n ? (b % 2n === 0n ? 1n : -1n) : 0n;
      return modularPower(a, b, 2n ** bits);
    case 'maximum':
      return a > b ? a : b;
    case 'minimum':
      return a < b ? a : b;
    case 'and':
      return a & b;
    case 'or':
      return a | b;
    case 'xor':
      return a ^ b;
    case 'leftShift':
      return b < 0n || b >= bits ? 0n : a << b;
    case 'rightShift':
      return b < 0n || b >= bits ? (a < 0n ? -1n : 0n) : a >> b;
    case 'multiplyAdd':
      return a * b + c;
    default:
      return comparison(op, a, b);
  }
}

function modularPower(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let e = exponent, f = base; e > 0n; e >>= 1n, f = (f * f) % modulus) if (e & 1n) result = (result * f) % modulus;
  return result;
}

function comparison<T extends number | bigint>(op: ElementwiseOp, a: T, b: T): boolean | undefined {
  switch (op) {
    case 'equal':
      return a === b;
    case 'notEqual':
      return a !== b;
    case 'less':
      return a < b;
    case 'lessEqual':
      return a <= b;
    case 'greater':
      return a > b;
    case 'greaterEqual':
      return a >= b;
    default:
      return undefined;
  }
}

/** Of floating numbers; the sum of a product is rounded once. */
const functions: Partial<Record<ElementwiseOp, (a: number, b: number, c: number) => number>> = {
  ...realUnary,
  ...realBinary,
  multiplyAdd: (a, b, c) => toOdd(a * b, c),
};

const double = new Float64Array(1);
const bits = new BigInt64Array(double.buffer);

/** The sum of exact numbers, rounded to odd: rounding it again to fewer digits rounds once. */
function toOdd(a: number, b: number): number {
  const sum = a + b;
  if (!Number.isFinite(sum)) return sum;
  const back = sum - a;
  const lost = a - (sum - back) + (b - back);
  double[0] = sum;
  if (lost !== 0 && (bits[0] & 1n) === 0n) bits[0] += lost > 0 === sum > 0 ? 1n : -1n;
  return double[0];
}

/** The value of an instruction; undefined where the operation does not exist. Floating results are not rounded yet. */
export function evaluate(op: ElementwiseOp, dtype: Dtype, to: Dtype, args: readonly Scalar[]): Scalar | undefined {
  if (op === 'select') return args[0] ? args[1] : args[2];
  if (op === 'cast') return args[0];
  if (dtype.kind === 'complex') return complex(op, args as Complex[]);
  if (dtype.kind === 'float') {
    const [a, b, c] = args as number[];
    const result = comparison(op, a, b) ?? functions[op]?.(a, b, c);
    return typeof result === 'boolean' ? Number(result) : result;
  }
  const [a, b, c] = args.map((x) => BigInt(x as number | bigint));
  const result = dtype.kind === 'bool' && !comparison(op, a, b) ? boolean(op, a, b, c) : integer(op, dtype, a, b, c);
  return typeof result === 'boolean' ? Number(result) : result === undefined ? undefined : to.size === 8 ? result : BigInt(result);
}

function boolean(op: ElementwiseOp, a: bigint, b: bigint, c: bigint): bigint | boolean | undefined {
  switch (op) {
    case 'negative':
    case 'abs':
    case 'sign':
    case 'square':
      return a;
    case 'invert':
      return a ^ 1n;
    case 'add':
    case 'maximum':
    case 'or':
      return a | b;
    case 'subtract':
    case 'xor':
      return a ^ b;
    case 'multiply':
    case 'minimum':
    case 'and':
      return a & b;
    case 'multiplyAdd':
      return (a & b) | c;
    default:
      return comparison(op, a, b);
  }
}

function complex(op: ElementwiseOp, [a, b, c]: Complex[]): Scalar | undefined {
  switch (op) {
    case 'negative':
      return { re: -a.re, im: -a.im };
    case 'conjugate':
      return { re: a.re, im: -a.im };
    case 'real':
      return a.re;
    case 'imag':
      return a.im;
    case 'abs':
      return Math.hypot(a.re, a.im);
    case 'add':
      return { re: a.re + b.re, im: a.im + b.im };
    case 'subtract':
      return { re: a.re - b.re, im: a.im - b.im };
    case 'multiply':
      return { re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re };
    case 'square':
      return { re: a.re * a.re - a.im * a.im, im: 2 * a.re * a.im };
    case 'multiplyAdd':
      return { re: a.re * b.re - a.im * b.im + c.re, im: a.re * b.im + a.im * b.re + c.im };
    case 'divide': {
      const scale = b.re * b.re + b.im * b.im;
      return { re: (a.re * b.re + a.im * b.im) / scale, im: (a.im * b.re - a.re * b.im) / scale };
    }
    case 'exp':
      return { re: Math.exp(a.re) * Math.cos(a.im), im: Math.exp(a.re) * Math.sin(a.im) };
    case 'log':
      return { re: Math.log(Math.hypot(a.re, a.im)), im: Math.atan2(a.im, a.re) };
    case 'equal':
      return Number(a.re === b.re && a.im === b.im);
    case 'notEqual':
      return Number(a.re !== b.re || a.im !== b.im);
    case 'less':
      return Number(a.re < b.re || (a.re === b.re && a.im < b.im));
    default:
      return undefined;
  }
}

/** Calls `visit` with every index of a shape, the same array each time. */
function walk(shape: readonly number[], visit: (index: readonly number[]) => void): void {
  const index = shape.map(() => 0);
  if (shape.includes(0)) return;
  for (;;) {
    visit(index);
    let axis = shape.length - 1;
    while (axis >= 0 && ++index[axis] === shape[axis]) index[axis--] = 0;
    if (axis < 0) return;
  }
}

function place(operand: OperandSpec, index: readonly number[]): number {
  let sum = operand.offset ?? 0;
  for (let axis = 0; axis < index.length; axis++) sum += index[axis] * operand.strides[axis];
  return sum;
}

function dtypeOf(step: KernelSpec, value: number): Dtype {
  const loads = step.loads ?? [];
  if (value < loads.length) return loads[value].slot < 0 ? int64 : loads[value].dtype;
  const { dtype, to = dtype } = (step.code ?? [])[value - loads.length];
  return to;
}

/** Adds the values of a kernel's instructions at one index to those of its loads. */
function compute(step: KernelSpec, values: Scalar[], args: readonly Scalar[]): void {
  for (const { op, dtype, to = dtype, a = -1, b = -1, c = -1 } of step.code ?? []) {
    if (op === 'splat') values.push(toDtype(args[a], to));
    else {
      const operands = [a, b, c].filter((v) => v >= 0).map((v) => values[v]);
      values.push(toDtype(evaluate(op, dtype, to, operands) as Scalar, to));
    }
  }
}

/** Runs a kernel (without arange) on bytes of its slots, rounding after every instruction. */
export function interpret(step: KernelSpec, slots: Uint8Array[], args: readonly Scalar[] = []): void {
  const [reduced, inner, loads, reductions] = [step.reduced ?? [], step.inner ?? [], step.loads ?? [], step.reductions ?? []];
  const arrays = loads.map((load) => (load.slot < 0 ? [] : listOf(slots[load.slot], load.dtype)));
  const kept = [...step.outer, ...inner];
  const [split, end] = [step.outer.length, step.outer.length + reduced.length];
  const totals = reductions.map(() => new Array<Total | undefined>(kept.reduce((a, b) => a * b, 1)));
  const dtypes = reductions.map(({ value }) => dtypeOf(step, value));
  walk([...step.outer, ...reduced, ...inner], (index) => {
    const values = loads.map((load, i) => (load.slot < 0 ? BigInt(place(load, index)) : arrays[i][place(load, index)]));
    compute(step, values, args);
    for (const { value, operand } of step.stores ?? []) write(slots[operand.slot], operand.dtype, place(operand, index), values[value]);
    let [position, at] = [0, 0];
    for (let axis = 0; axis < index.length; axis++) {
      if (axis >= split && axis < end) position = position * reduced[axis - split] + index[axis];
      else at = at * kept[axis < split ? axis : axis - reduced.length] + index[axis];
    }
    reductions.forEach(({ op, value }, r) => {
      totals[r][at] = accumulate(op, dtypes[r], totals[r][at], values[value], position);
    });
  });
  reductions.forEach(({ op, operand }, r) => {
    let at = 0;
    walk(kept, (index) => {
      const found = totals[r][at++];
      const isPosition = op === 'argmax' || op === 'argmin';
      const result = isPosition ? (found?.position ?? 0) : (found?.value ?? identity(op, dtypes[r]));
      write(slots[operand.slot], operand.dtype, place(operand, index), result);
    });
  });
}

interface Total {
  value: Scalar;
  position: number;
}

function identity(op: ReduceOp, dtype: Dtype): Scalar {
  if (op === 'sum') return toDtype(0, dtype);
  if (op === 'prod') return toDtype(1, dtype);
  const top = op === 'min';
  if (dtype.kind === 'bool') return top ? 1 : 0;
  if (dtype.inexact) return top ? Infinity : -Infinity;
  const bits = BigInt(8 * dtype.size);
  const [low, high] = dtype.kind === 'signed' ? [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n] : [0n, 2n ** bits - 1n];
  return top ? high : low;
}

/** Sums and products without rounding between (integers wrap at the end). */
function accumulate(op: ReduceOp, dtype: Dtype, total: Total | undefined, value: Scalar, position: number): Total {
  const wide: Scalar = dtype.inexact || typeof value === 'object' ? value : BigInt(value as number | bigint);
  if (!total) return { value: wide, position };
  const [a, b] = [total.value, wide];
  if (op === 'sum' || op === 'prod') {
    if (typeof a === 'object' && typeof b === 'object') {
      return { value: complex(op === 'sum' ? 'add' : 'multiply', [a, b]) as Scalar, position: 0 };
    }
    if (typeof a === 'bigint' && typeof b === 'bigint') {
      return {
        value: dtype.kind === 'bool' ? (op === 'sum' ? a | b : a & b) : op === 'sum' ? a + b : BigInt.asIntN(64, a * b),
        position: 0,
      };
    }
    return { value: op === 'sum' ? Number(a) + Number(b) : Number(a) * Number(b), position: 0 };
  }
  const max = op === 'max' || op === 'argmax';
  if (Number.isNaN(a)) return total;
  return Number.isNaN(b) || (max ? b > a : b < a) ? { value: b, position } : total;
}

/** A generator of numbers in [0, 1) that tests repeat: mulberry32. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
