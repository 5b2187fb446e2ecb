/** Cumulative sums, products, extremes and log-sums of exponentials. */

import { type ArrayInput, type array, toNode, wrap } from '../array';
import { int32 } from '../dtype';
import type { Node } from '../graph/node';
import * as p from '../primitives';
import type { ScanOp } from '../primitives/scan';
import { normalizeAxis, sizeOf } from '../shape';
import { atLeastFloat, booleanArgument, integerArgument } from './arguments';
import { defineOp, type MethodOp, type OpCase, type Operand, operand } from './registry';

/** Options of a scan. */
export interface ScanOptions {
  /** The axis to scan; the flattened array unless told. */
  axis: number | null;
  /** From the last element to the first. */
  reverse: boolean;
  /** Whether each result counts its own element; true unless told. */
  inclusive: boolean;
}

/** A cumulative function: `cumsum(x, axis?, reverse?, inclusive?)`. */
export type CumulativeOp = MethodOp<
  [array: ArrayInput],
  [axis?: number | null, reverse?: boolean, inclusive?: boolean],
  ScanOptions,
  array
>;

function scanCases(draw: Operand['options'], edge: boolean): readonly OpCase[] {
  const first: OpCase[] = [
    { args: [operand([6], draw)] },
    { args: [operand([2, 3], draw)] },
    { args: [operand([3, 2], draw), 0] },
    { args: [operand([2, 3, 2], draw), 1, true] },
    { args: [operand([2, 0], draw), -1] },
    { args: [operand([], draw)] },
  ];
  // What an empty sum or product is has no derivative problem; extremes of nothing are infinite.
  const exclusive: OpCase[] = [{ args: [operand([2, 3], draw), 0, false, false] }, { args: [operand([4], draw), 0, true, false] }];
  return edge ? [...first, ...exclusive] : first;
}

function scanOp(name: string, op: ScanOp, prepare: (x: Node) => Node, draw: Operand['options'], finiteEdge: boolean): CumulativeOp {
  return defineOp<CumulativeOp>(
    { name, parameters: ['array', 'axis?', 'reverse?', 'inclusive?'], cases: () => scanCases(draw, finiteEdge) },
    (array: ArrayInput, axis: unknown, reverse: unknown, inclusive: unknown): array => {
      const given = toNode(array, undefined, name);
      const flat = axis === undefined || axis === null;
      const x = prepare(flat ? p.reshape(given, [sizeOf(given.shape)]) : given);
      const along = flat ? 0 : normalizeAxis(name, integerArgument(name, 'axis', axis), x.shape.length);
      return wrap(
        p.cumulative(op, x, along, booleanArgument(name, 'reverse', reverse, false), booleanArgument(name, 'inclusive', inclusive, true)),
      );
    },
  );
}

const counted = (x: Node): Node => (x.dtype.kind === 'bool' ? p.astype(x, int32) : x);
const floating = (x: Node): Node => p.astype(x, atLeastFloat(x.dtype));

/**
 * The running sums along an axis, or of the flattened array. Floats are summed in double precision; integers wrap, bool counts in int32.
 * With `inclusive: false` each result is the sum of the elements before it.
 *
 * @example
 * mx.cumsum([1, 2, 3], 0); // array([1, 3, 6], dtype=float32)
 * mx.cumsum([1, 2, 3], { reverse: true, inclusive: false }); // array([5, 3, 0], dtype=float32)
 */
export const cumsum = scanOp('cumsum', 'sum', counted, {}, true);

/**
 * The running products along an axis, or of the flattened array. Its derivatives divide by nothing: they are exact where elements are zero.
 *
 * @example
 * mx.cumprod([1, 2, 3]); // array([1, 2, 6], dtype=float32)
 */
export const cumprod = scanOp('cumprod', 'prod', counted, {}, true);

/**
 * The running maxima along an axis, or of the flattened array; NaN from the first NaN on. With `inclusive: false` the first is -inf, or the
 * least integer. The derivative goes to the element that set the maximum: of equal ones, the first in the order of the scan.
 *
 * @example
 * mx.cummax([1, 3, 2]); // array([1, 3, 3], dtype=float32)
 */
export const cummax = scanOp('cummax', 'max', (x) => x, { distinct: true }, false);

/**
 * The running minima along an axis, or of the flattened array; NaN from the first NaN on. With `inclusive: false` the first is inf, or the
 * largest integer. The derivative goes to the element that set the minimum: of equal ones, the first in the order of the scan.
 *
 * @example
 * mx.cummin([3, 1, 2]); // array([3, 1, 1], dtype=float32)
 */
export const cummin = scanOp('cummin', 'min', (x) => x, { distinct: true }, false);

/**
 * The logarithms of the running sums of exponentials along an axis, or of the flattened array, without overflow. Integers give float32.
 *
 * @example
 * mx.logcumsumexp([1000, 1000]); // array([1000, 1000.69], dtype=float32)
 */
export const logcumsumexp = scanOp('logcumsumexp', 'logaddexp', floating, {}, false);
