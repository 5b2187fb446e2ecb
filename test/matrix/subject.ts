/** Turns a declared case of an operation into a function of arrays, with data to call it on. */

import * as mx from '../../lib';
import type { Dtype } from '../../lib/dtype';
import { type Op, type OpCase, Operand } from '../../lib/ops/registry';
import { made, widest } from '../support/default';
import { generator } from './random';

/** The arrays of one call, in the order of the case's operands. */
export type Arrays = readonly mx.array[];

/** An operation at one case, as a function of its array operands. */
export interface Subject {
  readonly name: string;
  readonly case: OpCase;
  readonly operands: readonly Operand[];
  /** The results that are arrays. */
  readonly call: (arrays: Arrays) => mx.array[];
  /** Fresh data; the same seed gives the same. */
  readonly data: (seed: number, dtype?: Dtype) => mx.array[];
  /** The same with every size above 1 one larger: other shapes that fit together where sizes had to agree. */
  readonly larger: (seed: number) => mx.array[];
}

/** Whether an operand can carry a tangent. */
export function differentiable(operand: Operand): boolean {
  return operand.options.differentiable !== false && (operand.options.dtype === undefined || operand.options.dtype.inexact);
}

/** Gives the next value that differs from all it gave before by at least 0.06. */
type Distinct = (low: number, high: number) => number;

function distinctValues(random: () => number): Distinct {
  const given: number[] = [];
  return (low, high) => {
    // Where the interval is full it grows, evenly to both sides, unless one of its ends is a border of the domain.
    for (let tries = 0; ; tries++) {
      const margin = tries < 200 ? 0 : 0.01 * (tries - 200);
      const value = low >= 0 ? low + (high - low + margin) * random() : low - margin + (high - low + 2 * margin) * random();
      if (given.some((other) => Math.abs(other - value) < 0.06)) continue;
      given.push(value);
      return value;
    }
  };
}

/** Real values of one operand: in its interval, away from what it avoids, distinct where it asks for that. */
function reals({ shape, options }: Operand, random: () => number, next: Distinct): number[] {
  const { low = -2, high = 2, avoid = [], distinct = false, diagonal = 0 } = options;
  const [rows, columns] = shape.slice(-2);
  return Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, index) => {
    const column = index % columns;
    const raised = diagonal !== 0 && Math.floor(index / columns) % rows === column ? (column + 1) * diagonal : 0;
    for (;;) {
      const value = distinct ? next(low, high) : low + (high - low) * random();
      if (avoid.every((point) => Math.abs(value - point) >= 0.05)) return value + raised;
    }
  });
}

/** What the device computes with in place of a dtype that a case names. */
function computed(dtype: Dtype | undefined): Dtype | undefined {
  return dtype === mx.float64 ? widest : dtype;
}

/** One array for an operand; `dtype` where it does not ask for one itself. */
function make(operand: Operand, random: () => number, next: Distinct, dtype: Dtype): mx.array {
  const { shape } = operand;
  const target = computed(operand.options.dtype) ?? dtype;
  if (target === mx.complex64) {
    const re = reals(operand, random, next);
    const im = reals(operand, random, next);
    const pairs = new Float32Array(re.flatMap((value, i) => [value, im[i]]));
    const parts = mx.array(pairs).reshape([...shape, 2]);
    return parts.index('...', 0).add(parts.index('...', 1).multiply({ re: 0, im: 1 }));
  }
  if (target === mx.bool)
    return mx
      .array(Uint8Array.from(reals(operand, random, next), () => (random() < 0.5 ? 1 : 0)))
      .reshape([...shape])
      .astype(mx.bool);
  const values = reals(operand, random, next);
  if (!target.inexact)
    return mx
      .array(Float64Array.from(values, Math.floor))
      .reshape([...shape])
      .astype(target);
  return mx
    .array(Float64Array.from(values))
    .reshape([...shape])
    .astype(target);
}

function isOperands(value: unknown): value is readonly Operand[] {
  return Array.isArray(value) && value.length > 0 && value.every((entry) => entry instanceof Operand);
}

/** The case `index` of an operation. */
export function subjectOf(op: Op, index: number, oneCase: OpCase): Subject {
  const operands = oneCase.args.flatMap((arg) => (arg instanceof Operand ? [arg] : isOperands(arg) ? [...arg] : []));
  const call = (arrays: Arrays): mx.array[] => {
    let next = 0;
    // Handles of their own, because some operations write through the handle they are given.
    const take = () => mx.array(arrays[next++]);
    const args = oneCase.args.map((arg) => {
      if (arg instanceof Operand) return take();
      if (isOperands(arg)) return arg.map(take);
      return arg === mx.float64 ? widest : arg;
    });
    const result = (op.call as (...args: unknown[]) => unknown)(...args);
    const list = (Array.isArray(result) ? result : [result]) as unknown[];
    return list.flat().filter((entry): entry is mx.array => entry instanceof mx.array);
  };
  const draw = (list: readonly Operand[], seed: number, dtype: Dtype) => {
    const random = generator(seed);
    const next = distinctValues(random);
    return list.map((operand) => made(() => make(operand, random, next, dtype)));
  };
  const grown = ({ shape, options }: Operand) =>
    new Operand(
      shape.map((size) => (size > 1 ? size + 1 : size)),
      options,
    );
  return {
    name: `${op.name} case ${index}`,
    case: oneCase,
    operands,
    call,
    data: (seed, dtype = widest) => draw(operands, seed, dtype),
    larger: (seed) => draw(operands.map(grown), seed, widest),
  };
}
