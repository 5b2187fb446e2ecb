/** What dtypes are and hold: categories, promotion of values, limits. */

import { type ArrayInput, isArray } from './array';
import { bfloat16, bool, Dtype, float16, float32, float64, int32, promoteTypes } from './dtype';
import { typeError } from './errors';
import { describe } from './values/describe';

/** A set of dtypes, for `issubdtype`. */
export class DtypeCategory {
  constructor(
    readonly name: string,
    /** The category that contains this one. */
    readonly parent: DtypeCategory | null,
  ) {}

  toString(): string {
    return this.name;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.name;
  }
}

/** Every dtype. */
export const generic = new DtypeCategory('generic', null);
/** Every dtype but bool. */
export const number = new DtypeCategory('number', generic);
/** Signed and unsigned integers. */
export const integer = new DtypeCategory('integer', number);
export const signedinteger = new DtypeCategory('signedinteger', integer);
export const unsignedinteger = new DtypeCategory('unsignedinteger', integer);
/** Floating and complex dtypes. */
export const inexact = new DtypeCategory('inexact', number);
export const floating = new DtypeCategory('floating', inexact);
export const complexfloating = new DtypeCategory('complexfloating', inexact);

function categoryOf(dtype: Dtype): DtypeCategory {
  switch (dtype.kind) {
    case 'bool':
      return generic;
    case 'signed':
      return signedinteger;
    case 'unsigned':
      return unsignedinteger;
    case 'float':
      return floating;
    case 'complex':
      return complexfloating;
  }
}

/**
 * Whether `a`, a dtype or a category, belongs to `b`. A dtype contains only itself.
 *
 * @example
 * mx.issubdtype(mx.int8, mx.integer); // true
 */
export function issubdtype(a: Dtype | DtypeCategory, b: Dtype | DtypeCategory): boolean {
  for (const x of [a, b]) {
    if (!(x instanceof Dtype || x instanceof DtypeCategory)) throw typeError('issubdtype', 'takes dtypes and categories');
  }
  if (b instanceof Dtype) return a === b;
  for (let category: DtypeCategory | null = a instanceof Dtype ? categoryOf(a) : a; category !== null; category = category.parent) {
    if (category === b) return true;
  }
  return false;
}

function weakResult(value: number | bigint | boolean, dtype: Dtype): Dtype {
  if (typeof value === 'boolean' || dtype.inexact) return dtype;
  if (typeof value === 'number' && !Number.isInteger(value)) return float32;
  return dtype === bool ? int32 : dtype;
}

/**
 * The dtype that arrays and dtypes promote to together; JavaScript numbers take the dtype of the rest where they can.
 *
 * @example
 * mx.resultType(mx.array(1), mx.int32); // float32
 */
export function resultType(...values: (ArrayInput | Dtype)[]): Dtype {
  if (values.length === 0) throw typeError('resultType', 'takes at least 1 argument, not 0');
  let result: Dtype | null = null;
  const weak: (number | bigint | boolean)[] = [];
  for (const value of values) {
    if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') weak.push(value);
    else if (value instanceof Dtype || isArray(value)) {
      const dtype = value instanceof Dtype ? value : value.dtype;
      result = result === null ? dtype : promoteTypes(result, dtype);
    } else throw typeError('resultType', 'takes arrays, dtypes and numbers');
  }
  if (result === null) result = weak.some((value) => typeof value !== 'boolean') ? float32 : bool;
  for (const value of weak) result = weakResult(value, result);
  return result;
}

/**
 * Whether promotion leads from one dtype to the other: `promote(from, to)` is `to`.
 *
 * @example
 * mx.canCast(mx.int32, mx.float32); // true
 */
export function canCast(from: Dtype | ArrayInput, to: Dtype): boolean {
  const source = from instanceof Dtype ? from : isArray(from) ? from.dtype : null;
  if (source === null || !(to instanceof Dtype)) throw typeError('canCast', 'takes a dtype or an array, and a dtype');
  return promoteTypes(source, to) === to;
}

/** The limits of a floating dtype. */
export interface FloatInfo {
  readonly dtype: Dtype;
  readonly bits: number;
  readonly min: number;
  readonly max: number;
  /** The distance from 1 to the next larger number. */
  readonly eps: number;
  /** The smallest positive number with full precision. */
  readonly smallestNormal: number;
}

/** [bits of the exponent, bits of the fraction] */
const floatLayouts = new Map<Dtype, readonly [number, number]>([
  [float16, [5, 10]],
  [bfloat16, [8, 7]],
  [float32, [8, 23]],
  [float64, [11, 52]],
]);

/**
 * The limits of a floating dtype; of complex64 those of its parts.
 *
 * @example
 * mx.finfo(mx.float16).max; // 65504
 */
export function finfo(dtype: Dtype): FloatInfo {
  const real = dtype instanceof Dtype && dtype.kind === 'complex' ? float32 : dtype;
  const layout = floatLayouts.get(real);
  if (layout === undefined) throw typeError('finfo', `${describe(dtype)} is not floating or complex`);
  const [exponent, fraction] = layout;
  const eps = 2 ** -fraction;
  const bias = 2 ** (exponent - 1) - 1;
  const max = (2 - eps) * 2 ** bias;
  return { dtype: real, bits: 1 + exponent + fraction, min: -max, max, eps, smallestNormal: 2 ** (1 - bias) };
}

/** The limits of an integer dtype; bigints where numbers are not exact. */
export interface IntegerInfo {
  readonly dtype: Dtype;
  readonly bits: number;
  readonly min: number | bigint;
  readonly max: number | bigint;
}

/**
 * The limits of an integer dtype.
 *
 * @example
 * mx.iinfo(mx.int8).max; // 127
 */
export function iinfo(dtype: Dtype): IntegerInfo {
  if (!(dtype instanceof Dtype) || (dtype.kind !== 'signed' && dtype.kind !== 'unsigned')) {
    throw typeError('iinfo', `${describe(dtype)} is not an integer dtype`);
  }
  const bits = 8 * dtype.size;
  const signed = dtype.kind === 'signed';
  const max = 2n ** BigInt(signed ? bits - 1 : bits) - 1n;
  const min = signed ? -max - 1n : 0n;
  return bits === 64 ? { dtype, bits, min, max } : { dtype, bits, min: Number(min), max: Number(max) };
}
