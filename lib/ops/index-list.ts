/** Lists and TypedArrays that stand as an index: integers to gather at, or a mask whose values are known at once. */

import { rangeError, typeError } from '../errors';
import type { Shape } from '../graph/node';
import { maxRank, sizeOf } from '../shape';
import { checkAttached } from '../values/construct';
import { describe } from './arguments';

/** A nested list of integers or booleans. */
export type IndexList = readonly (number | boolean | IndexList)[];

/** Integer positions that JavaScript knows, row-major. */
export interface KnownPositions {
  readonly shape: Shape;
  readonly values: readonly number[];
}

/** The elements of a list or TypedArray with their shape; `mask` when they are booleans. */
export interface KnownIndex extends KnownPositions {
  readonly mask: boolean;
}

export function isTypedArray(value: unknown): value is ArrayBufferView & ArrayLike<number | bigint> {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

/** Reads a TypedArray of integers as a one-dimensional index. */
export function readTypedIndex(where: string, data: ArrayBufferView & ArrayLike<number | bigint>): KnownIndex {
  checkAttached(where, data);
  const values = Array.from(data, Number);
  if (!values.every(Number.isInteger)) throw typeError(where, 'an index array holds integers or booleans');
  return { shape: [values.length], values, mask: false };
}

/** Reads a nested list as an index. Ragged and mixed lists are errors. */
export function readListIndex(where: string, list: IndexList): KnownIndex {
  const shape: number[] = [];
  for (let level: unknown = list; Array.isArray(level); level = level[0]) {
    if (shape.length === maxRank) throw rangeError(where, `lists are nested more than ${maxRank} deep`);
    shape.push(level.length);
  }
  const values: number[] = [];
  let kind: string | null = null;
  const visit = (item: unknown, depth: number): void => {
    if (depth < shape.length) {
      if (!Array.isArray(item) || item.length !== shape[depth]) throw rangeError(where, 'a list used as an index must not be ragged');
      for (const inner of item) visit(inner, depth + 1);
      return;
    }
    if (Array.isArray(item)) throw rangeError(where, 'a list used as an index must not be ragged');
    if (typeof item !== 'boolean' && !(typeof item === 'number' && Number.isInteger(item))) {
      throw typeError(where, `a list used as an index holds integers or booleans, not ${describe(item)}`);
    }
    if (kind !== null && kind !== typeof item) throw typeError(where, 'a list used as an index holds integers or booleans, not both');
    kind = typeof item;
    values.push(Number(item));
  };
  visit(list, 0);
  return { shape, values, mask: kind === 'boolean' };
}

/** The positions of the nonzero elements: one list an axis. */
export function nonzeroPositions(values: ArrayLike<number | bigint>, shape: Shape): KnownPositions[] {
  const positions = shape.map(() => [] as number[]);
  const size = sizeOf(shape);
  for (let flat = 0; flat < size; flat++) {
    if (!values[flat]) continue;
    let rest = flat;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      positions[axis].push(rest % shape[axis]);
      rest = Math.floor(rest / shape[axis]);
    }
  }
  return positions.map((list) => ({ shape: [list.length], values: list }));
}
