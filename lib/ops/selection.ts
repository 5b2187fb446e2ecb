/** Functions that choose among values or bring them into range. */

import { type ArrayInput, type array, toNode, wrap } from '../array';
import { bool, complex64, type Dtype } from '../dtype';
import { finfo } from '../dtype-info';
import { typeError } from '../errors';
import type { Node } from '../graph/node';
import * as p from '../primitives';
import { broadcastShapes } from '../shape';
import { conform, integerArgument, isWeak, numberArgument, operands } from './arguments';
import { isNanNode, isNumberNode, toBool } from './predicates';
import { defineOp, type MethodOp, operand } from './registry';

/**
 * `x` where the condition is true (not 0), else `y`; shapes broadcast, the dtypes of x and y promote.
 *
 * @example
 * mx.where(mx.array([true, false]), mx.array([1, 2]), 0); // array([1, 0], dtype=float32)
 */
export const where = defineOp<MethodOp<[condition: ArrayInput, x: ArrayInput, y: ArrayInput], [], Record<never, never>, array>>(
  {
    name: 'where',
    parameters: ['condition', 'x', 'y'],
    cases: () => [
      { args: [operand([2, 3], { dtype: bool }), operand([2, 3]), operand([2, 3])] },
      { args: [operand([3], { dtype: bool }), operand([]), operand([2, 1])] },
      { args: [operand([2], { dtype: bool }), operand([2]), 0.5] },
    ],
  },
  (condition: ArrayInput, x: ArrayInput, y: ArrayInput): array => {
    const mask = toBool(toNode(condition, undefined, 'where'));
    const [a, b] = operands('where', x, y);
    const shape = broadcastShapes('where', mask.shape, a.shape);
    return wrap(p.where(conform(mask, shape, bool), conform(a, shape, a.dtype), conform(b, shape, b.dtype)));
  },
);

/** One bound of `clip`: where x lies beyond it, or it is NaN, the bound; elsewhere, at the bound too, x. */
function bounded(x: Node, bound: unknown, beyond: (x: Node, bound: Node) => Node): Node {
  const [value, limit] = operands('clip', wrap(x), bound);
  let outside = beyond(value, limit);
  if (!(isWeak(bound) && !Number.isNaN(bound)) && limit.dtype.inexact) outside = p.bitwiseOr(outside, isNanNode(limit));
  return p.where(outside, limit, value);
}

/**
 * Values below `min` become `min`, values above `max` become `max`; either may be left out. The derivative passes inside and at the bounds.
 *
 * @example
 * mx.clip(mx.array([-2, 0.5, 3]), 0, 1); // array([0, 0.5, 1], dtype=float32)
 */
export const clip = defineOp<
  MethodOp<
    [array: ArrayInput],
    [min?: ArrayInput | null, max?: ArrayInput | null],
    { aMin: ArrayInput | null; aMax: ArrayInput | null; min: ArrayInput | null; max: ArrayInput | null },
    array
  >
>(
  {
    name: 'clip',
    parameters: ['array', 'aMin|min?', 'aMax|max?'],
    cases: () => [
      { args: [operand([2, 3], { avoid: [-1, 1] }), -1, 1] },
      { args: [operand([2, 3], { distinct: true }), operand([3], { distinct: true, high: 0 }), null] },
      { args: [operand([2, 3], { distinct: true }), null, operand([], { distinct: true })] },
    ],
  },
  (array: ArrayInput, min: unknown, max: unknown): array => {
    let x = toNode(array, undefined, 'clip');
    const low = min !== undefined && min !== null;
    const high = max !== undefined && max !== null;
    if (!low && !high) throw typeError('clip', 'needs min or max');
    if (low) x = bounded(x, min, p.less);
    if (high) x = bounded(x, max, p.greater);
    return wrap(x);
  },
);

/** A function of real arrays on both parts of a complex one. */
function onParts(x: Node, f: (part: Node) => Node): Node {
  if (x.dtype !== complex64) return f(x);
  const imaginary = p.multiply(p.astype(f(p.imag(x)), complex64), p.full({ re: 0, im: 1 }, x.shape, complex64));
  return p.add(p.astype(f(p.real(x)), complex64), imaginary);
}

function replaced(x: Node, condition: Node, value: number): Node {
  return p.where(condition, p.full(value, x.shape, x.dtype), x);
}

/**
 * NaN replaced by `nan` (0 unless told), ∞ by `posinf` and -∞ by `neginf` (the dtype's largest and smallest numbers unless told).
 *
 * @example
 * mx.nanToNum(mx.array([1, mx.nan])); // array([1, 0], dtype=float32)
 */
export const nanToNum = defineOp<
  MethodOp<
    [array: ArrayInput],
    [nan?: number, posinf?: number | null, neginf?: number | null],
    { nan: number; posinf: number | null; neginf: number | null },
    array
  >
>(
  {
    name: 'nanToNum',
    parameters: ['array', 'nan?', 'posinf?', 'neginf?'],
    cases: () => [{ args: [operand([2, 3])] }, { args: [operand([3]), 1, 2, 3] }],
  },
  (array: ArrayInput, nan: unknown, posinf: unknown, neginf: unknown): array => {
    const x = toNode(array, undefined, 'nanToNum');
    if (!x.dtype.inexact) return wrap(x);
    const limits = finfo(x.dtype);
    const values = {
      nan: numberArgument('nanToNum', 'nan', nan, 0),
      posinf: numberArgument('nanToNum', 'posinf', posinf, limits.max),
      neginf: numberArgument('nanToNum', 'neginf', neginf, limits.min),
    };
    const clean = (part: Node): Node => {
      const finiteAbove = replaced(part, isNumberNode(part, Number.POSITIVE_INFINITY), values.posinf);
      const finite = replaced(finiteAbove, isNumberNode(part, Number.NEGATIVE_INFINITY), values.neginf);
      return replaced(finite, isNanNode(part), values.nan);
    };
    return wrap(onParts(x, clean));
  },
);

/** Integers rounded to a multiple of a power of ten, ties to the even multiple. */
function roundInteger(x: Node, unit: number): Node {
  const full = (value: number): Node => p.full(value, x.shape, x.dtype);
  const rest = p.remainder(x, full(unit));
  const base = p.subtract(x, rest);
  const odd = p.equal(p.remainder(p.floorDivide(x, full(unit)), full(2)), full(1));
  const half = full(unit / 2);
  const up = p.bitwiseOr(p.greater(rest, half), p.bitwiseAnd(p.equal(rest, half), odd));
  return p.add(base, p.where(up, full(unit), full(0)));
}

function roundNode(x: Node, decimals: number): Node {
  if (!x.dtype.inexact) {
    if (decimals >= 0 || x.dtype === bool) return x;
    const unit = 10 ** -decimals;
    return unit > largest(x.dtype) ? p.full(0, x.shape, x.dtype) : roundInteger(x, unit);
  }
  if (decimals === 0) return onParts(x, p.round);
  const scale = (part: Node): Node => p.full(10 ** Math.abs(decimals), part.shape, part.dtype);
  if (decimals > 0) return onParts(x, (part) => p.divide(p.round(p.multiply(part, scale(part))), scale(part)));
  return onParts(x, (part) => p.multiply(p.round(p.divide(part, scale(part))), scale(part)));
}

function largest(dtype: Dtype): number {
  return 2 ** (8 * dtype.size - (dtype.kind === 'signed' ? 1 : 0)) - 1;
}

/**
 * Rounded to `decimals` places (0 unless told; negative ones round to tens), ties to even. Integers stay integers.
 *
 * @example
 * mx.round(mx.array([1.25, 2.5]), 1); // array([1.2, 2.5], dtype=float32)
 */
export const round = defineOp<MethodOp<[array: ArrayInput], [decimals?: number], { decimals: number }, array>>(
  {
    name: 'round',
    parameters: ['array', 'decimals?'],
    cases: () => [{ args: [operand([2, 3], { avoid: [-1.5, -0.5, 0.5, 1.5] })] }, { args: [operand([3], { low: 0.01, high: 0.04 }), 1] }],
  },
  (array: ArrayInput, decimals: unknown): array =>
    wrap(roundNode(toNode(array, undefined, 'round'), integerArgument('round', 'decimals', decimals, 0))),
);
