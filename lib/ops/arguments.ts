/** What arguments mean: the checks and conversions that operations share. */

import { ArrayHandle, type ArrayInput, type array, nodeOf, toNode } from '../array';
import { bool, complex64, Dtype, float32, int32, int64, promoteTypes } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import type { Node, Shape } from '../graph/node';
import { astype } from '../primitives/cast';
import { full } from '../primitives/generators';
import { broadcastTo } from '../primitives/movement';
import type { Scalar } from '../primitives/primitive';
import { broadcastShapes, checkShape, maxRank, normalizeAxis, sameShape } from '../shape';
import { isComplexValue } from '../values/construct';
import { describe } from '../values/describe';

export { describe } from '../values/describe';

/** Longer lists than anybody means, and more arrays than a call may make from one. */
const maxEntries = 2 ** 24;
const maxArrays = 2 ** 20;

/** An axis, several, or null for all of them. */
export type Axes = number | readonly number[] | null;

/** An integer argument; `fallback` when it is left out. */
export function integerArgument(where: string, name: string, value: unknown, fallback?: number): number {
  if (value === undefined || value === null) {
    if (fallback !== undefined) return fallback;
    throw typeError(where, `${name} is missing`);
  }
  if (typeof value !== 'number' || !Number.isInteger(value)) throw typeError(where, `${name} must be an integer, not ${describe(value)}`);
  return value;
}

/** A number argument; `fallback` when it is left out. */
export function numberArgument(where: string, name: string, value: unknown, fallback?: number): number {
  if (value === undefined || value === null) {
    if (fallback !== undefined) return fallback;
    throw typeError(where, `${name} is missing`);
  }
  if (typeof value !== 'number') throw typeError(where, `${name} must be a number, not ${describe(value)}`);
  return value;
}

/** A boolean argument; `fallback` when it is left out. */
export function booleanArgument(where: string, name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined || value === null) return fallback;
  if (typeof value !== 'boolean') throw typeError(where, `${name} must be a boolean, not ${describe(value)}`);
  return value;
}

/** A dtype argument; `fallback` when it is left out. */
export function dtypeArgument(where: string, value: unknown, fallback: Dtype): Dtype;
export function dtypeArgument(where: string, value: unknown, fallback?: Dtype): Dtype | undefined;
export function dtypeArgument(where: string, value: unknown, fallback?: Dtype): Dtype | undefined {
  if (value === undefined || value === null) return fallback;
  if (!(value instanceof Dtype)) throw typeError(where, `dtype must be a Dtype, not ${describe(value)}`);
  return value;
}

/** A shape argument, given as a list or as one number. The result is a copy. */
export function shapeArgument(where: string, value: unknown, itemSize = 8): Shape {
  if (typeof value === 'number') return checkShape(where, [value], itemSize);
  if (!Array.isArray(value)) throw typeError(where, `a shape is a list of integers, not ${describe(value)}`);
  // The length first: a list of holes may be longer than any copy.
  return checkShape(where, value.length > maxRank ? value : [...(value as unknown[])], itemSize);
}

/** Throws where a call would make more arrays than memory holds comfortably. */
export function checkArrays(where: string, count: number): void {
  if (count > maxArrays) throw rangeError(where, `would make ${count} arrays, more than ${maxArrays}`);
}

/** A copy of a list of numbers or arrays: holes are entries too, and too many are an error instead of a long wait. */
export function entries(where: string, name: string, list: readonly unknown[]): unknown[] {
  if (list.length > maxEntries) throw rangeError(where, `${name} has ${list.length} entries, more than ${maxEntries}`);
  return Array.from(list);
}

/** A list of integers, given as a list or as one number. */
export function integersArgument(where: string, name: string, value: unknown): number[] {
  if (typeof value === 'number') return [integerArgument(where, name, value)];
  if (!Array.isArray(value)) throw typeError(where, `${name} must be an integer or a list of integers, not ${describe(value)}`);
  return entries(where, name, value).map((entry) => integerArgument(where, name, entry));
}

/** An axis argument counted from the front. */
export function axisArgument(where: string, value: unknown, rank: number, fallback?: number): number {
  return normalizeAxis(where, integerArgument(where, 'axis', value, fallback), rank);
}

/** Axes counted from the front, in increasing order, each once. Left out or null: all of them. */
export function axesArgument(where: string, value: unknown, rank: number): readonly number[] {
  if (value === undefined || value === null) return Array.from({ length: rank }, (_, axis) => axis);
  if (typeof value === 'number') return [normalizeAxis(where, value, rank)];
  if (!Array.isArray(value)) throw typeError(where, `axis must be an integer or a list of integers, not ${describe(value)}`);
  const axes = entries(where, 'axis', value).map((axis) => axisArgument(where, axis, rank));
  axes.sort((a, b) => a - b);
  for (let i = 1; i < axes.length; i++) {
    if (axes[i] === axes[i - 1]) throw rangeError(where, `axis ${axes[i]} is named twice in [${(value as number[]).join(', ')}]`);
  }
  return axes;
}

/** A list of arrays, given as a list or as one array whose rows they are. */
export function arraysArgument(where: string, name: string, value: unknown): Node[] {
  if (Array.isArray(value)) return entries(where, name, value).map((entry) => toNode(entry as ArrayInput, undefined, where));
  if (value instanceof ArrayHandle) {
    const { shape } = nodeOf(value as unknown as array, where);
    if (shape.length > 0) checkArrays(where, shape[0]);
    const rows = [...(value as unknown as array)];
    return rows.map((row) => nodeOf(row));
  }
  throw typeError(where, `${name} must be a list of arrays, not ${describe(value)}`);
}

/** True for a JavaScript value that takes the dtype of the array it meets. */
export function isWeak(value: unknown): value is number | boolean | bigint {
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint';
}

const largestInteger = 2 ** 63;

/** The dtype in which a weak value meets an array of `dtype`: the array's own where that can hold the value's kind. */
export function weakDtype(value: number | boolean | bigint, dtype: Dtype): Dtype {
  if (typeof value === 'boolean' || dtype.inexact) return dtype;
  if (typeof value === 'bigint') return dtype === bool ? int64 : dtype;
  if (!Number.isInteger(value) || Math.abs(value) > largestInteger) return float32;
  return dtype === bool ? int32 : dtype;
}

/** The dtype of an operand next to one of `other`. */
function operandDtype(value: unknown, other: Dtype): Dtype | undefined {
  if (isWeak(value)) return promoteTypes(other, weakDtype(value, other));
  if (isComplexValue(value)) return promoteTypes(other, complex64);
  return undefined;
}

/** `x` cast to `dtype` and spread over `shape`; the same node where nothing changes. */
export function conform(x: Node, shape: Shape, dtype: Dtype): Node {
  const cast = x.dtype === dtype ? x : astype(x, dtype);
  return sameShape(cast.shape, shape) ? cast : broadcastTo(cast, shape);
}

/**
 * The operands of a binary function with one shape and one dtype: weak values take the other's dtype, shapes
 * broadcast. `least` raises the common dtype (float32 for division).
 */
export function operands(where: string, a: unknown, b: unknown, least?: (common: Dtype) => Dtype): [Node, Node] {
  const x = a instanceof ArrayHandle ? nodeOf(a as unknown as array, where) : undefined;
  const y = b instanceof ArrayHandle ? nodeOf(b as unknown as array, where) : undefined;
  if (x !== undefined && y === undefined) {
    const weak = operandDtype(b, x.dtype);
    if (weak !== undefined) {
      const dtype = least === undefined ? weak : least(weak);
      return [x.dtype === dtype ? x : astype(x, dtype), full(b as Scalar, x.shape, dtype)];
    }
  } else if (x === undefined && y !== undefined) {
    const weak = operandDtype(a, y.dtype);
    if (weak !== undefined) {
      const dtype = least === undefined ? weak : least(weak);
      return [full(a as Scalar, y.shape, dtype), y.dtype === dtype ? y : astype(y, dtype)];
    }
  }
  const left = x ?? toNode(a as ArrayInput, undefined, where);
  const right = y ?? toNode(b as ArrayInput, undefined, where);
  let dtype = promoteTypes(left.dtype, right.dtype);
  if (!(x || y)) dtype = weakPairDtype(a, b, dtype, left, right);
  if (least !== undefined) dtype = least(dtype);
  const shape = broadcastShapes(where, left.shape, right.shape);
  return [conform(left, shape, dtype), conform(right, shape, dtype)];
}

/** A list or a TypedArray next to a weak value: the weak value takes its dtype too. */
function weakPairDtype(a: unknown, b: unknown, common: Dtype, left: Node, right: Node): Dtype {
  if (isWeak(a) && !isWeak(b)) return promoteTypes(right.dtype, weakDtype(a, right.dtype));
  if (isWeak(b) && !isWeak(a)) return promoteTypes(left.dtype, weakDtype(b, left.dtype));
  return common;
}

/** A value for an array that exists: cast to its dtype where it is weak, promoted by nothing. */
export function toNodeLike(value: ArrayInput, dtype: Dtype, where: string): Node {
  return isWeak(value) ? full(value, [], weakDtype(value, dtype)) : toNode(value, undefined, where);
}

/** The dtype of results that are real numbers at least: float32 for bool and integers. */
export function atLeastFloat(dtype: Dtype): Dtype {
  return dtype.inexact ? dtype : float32;
}

/** `2 arguments`, `1 argument`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** The error for a mismatch of two shapes. */
export function shapesDiffer(where: string, text: string, a: Shape, b: Shape): RangeError {
  return rangeError(where, `${text}: shapes ${showShape(a)} and ${showShape(b)}`);
}
