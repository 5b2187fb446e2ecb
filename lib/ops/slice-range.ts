/** `mx.Slice`: a range of positions along one axis, with Python's rules for missing, negative and clamped bounds. */

import { rangeError, typeError } from '../errors';
import { describe } from '../values/describe';

/** A range of an axis: `start`, `stop` and `step` as in Python's `start:stop:step`; null is a missing bound. */
export interface Slice {
  readonly start: number | null;
  readonly stop: number | null;
  readonly step: number | null;
}

interface SliceConstructor {
  new (start?: number | null, stop?: number | null, step?: number | null): Slice;
  (start?: number | null, stop?: number | null, step?: number | null): Slice;
  readonly prototype: Slice;
}

function bound(name: string, value: number | null | undefined): number | null {
  if (value === null || value === undefined) return null;
  if (!Number.isInteger(value)) throw typeError('Slice', `${name} must be an integer or null, not ${describe(value)}`);
  return value;
}

/**
 * A range of positions along one axis, for `x.index` and `x.indexPut_`. Bounds beyond the axis are clamped, negative ones count from the end,
 * and a negative step walks backwards. Works with and without `new`.
 *
 * @example
 * const x = mx.arange(5);
 * x.index(mx.Slice(1, 3)); // array([1, 2], dtype=float32)
 * x.index(mx.Slice(null, null, -1)); // array([4, 3, 2, 1, 0], dtype=float32)
 */
export const Slice: SliceConstructor = function Slice(
  this: unknown,
  start?: number | null,
  stop?: number | null,
  step?: number | null,
): Slice {
  const range = Object.create(Slice.prototype) as { start: number | null; stop: number | null; step: number | null };
  range.start = bound('start', start);
  range.stop = bound('stop', stop);
  range.step = bound('step', step);
  if (range.step === 0) throw rangeError('Slice', 'step must not be 0');
  return range;
} as unknown as SliceConstructor;

/** The positions that a range selects of an axis: the first, how many, and the distance between two. */
export interface Positions {
  readonly start: number;
  readonly size: number;
  readonly step: number;
}

/** Python's `slice.indices(length)`. */
export function positionsOf(range: Slice, length: number): Positions {
  const step = range.step ?? 1;
  const lowest = step > 0 ? 0 : -1;
  const highest = step > 0 ? length : length - 1;
  const clamp = (value: number): number => Math.min(Math.max(value < 0 ? value + length : value, lowest), highest);
  const start = range.start === null ? (step > 0 ? lowest : highest) : clamp(range.start);
  const stop = range.stop === null ? (step > 0 ? highest : lowest) : clamp(range.stop);
  const size = Math.max(0, Math.ceil((stop - start) / step));
  // An empty range keeps a start that lies inside, so that no step ever computes an address outside.
  return size === 0 ? { start: 0, size: 0, step: 1 } : { start, size, step: size === 1 ? 1 : step };
}
