/** Random shapes and index expressions for the property tests, with the arguments that stand for them in a call. */

import * as fc from 'fast-check';

import { array } from '../../lib/array';
import { bool, int32 } from '../../lib/dtype';
import { type Index, Slice } from '../../lib/ops';
import { type Piece, sizeOf, type Table } from './reference';

/** Shapes of few, short axes; now and then an empty one. */
export const shapes = fc.array(
  fc.oneof({ weight: 1, arbitrary: fc.constant(0) }, { weight: 12, arbitrary: fc.integer({ min: 1, max: 4 }) }),
  {
    maxLength: 4,
  },
);

/** Nested lists of a table. */
export function nested({ shape, data }: Table, convert: (value: number) => unknown = (value) => value): unknown {
  if (shape.length === 0) return convert(data[0]);
  const [size, ...rest] = shape;
  const step = sizeOf(rest);
  return Array.from({ length: size }, (_, i) => nested({ shape: rest, data: data.slice(i * step, (i + 1) * step) }, convert));
}

const bound = fc.option(fc.integer({ min: -6, max: 6 }), { nil: null });
const step = fc.option(
  fc.integer({ min: -3, max: 3 }).filter((value) => value !== 0),
  { nil: null },
);

function table(shape: readonly number[], values: fc.Arbitrary<number>): fc.Arbitrary<Table> {
  const size = sizeOf(shape);
  return fc.array(values, { minLength: size, maxLength: size }).map((data) => ({ shape, data }));
}

/** One part for an axis of `size`; index arrays broadcast to `common`. */
function axisPiece(size: number, common: readonly number[]): fc.Arbitrary<Piece> {
  const slice = fc.record({ kind: fc.constant('slice' as const), start: bound, stop: bound, step });
  if (size === 0) return slice;
  const position = fc.integer({ min: -size, max: size - 1 });
  const drop = fc.integer({ min: 0, max: common.length });
  const positions = fc
    .tuple(drop, fc.array(fc.boolean(), { minLength: common.length, maxLength: common.length }))
    .chain(([dropped, ones]) => {
      const shape = common.map((length, axis) => (ones[axis] ? length : 1)).slice(dropped);
      return table(shape, position).map((drawn): Piece => ({ kind: 'positions', table: drawn }));
    });
  return fc.oneof(
    slice,
    position.map((value): Piece => ({ kind: 'number', value })),
    positions,
  );
}

/** An index for an array of `shape`. With `masks`, boolean arrays of up to two axes take part. */
export function pieces(shape: readonly number[], masks: boolean): fc.Arbitrary<Piece[]> {
  const common = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 });
  return common.chain((lengths) => {
    const walk = (axis: number): fc.Arbitrary<Piece[]> => {
      const stop = fc.constant<Piece[]>([]);
      if (axis === shape.length)
        return fc.oneof({ weight: 5, arbitrary: stop }, { weight: 1, arbitrary: fc.constant<Piece[]>([{ kind: 'new' }]) });
      const one = axisPiece(shape[axis], lengths).chain((piece) => walk(axis + 1).map((rest) => [piece, ...rest]));
      const added = fc.constant<Piece>({ kind: 'new' }).chain((piece) => walk(axis).map((rest) => [piece, ...rest]));
      const choices = [
        { weight: 1, arbitrary: stop },
        { weight: 8, arbitrary: one },
        { weight: 1, arbitrary: added },
      ];
      if (masks && axis < shape.length) {
        const rank = fc.integer({ min: 1, max: Math.min(2, shape.length - axis) });
        const masked = rank.chain((n) =>
          table(shape.slice(axis, axis + n), fc.integer({ min: 0, max: 1 })).chain((drawn) =>
            walk(axis + n).map((rest): Piece[] => [{ kind: 'mask', table: drawn }, ...rest]),
          ),
        );
        choices.push({ weight: 3, arbitrary: masked });
      }
      return fc.oneof(...choices);
    };
    // Some axes may be left to an ellipsis.
    return fc.tuple(walk(0), fc.nat({ max: 9 }), fc.nat({ max: 9 })).map(([list, from, length]) => {
      if (list.some(({ kind }) => kind === 'mask') || from > list.length) return list;
      // What stands behind an ellipsis is for the last axes: only a list that names every axis may go on behind it.
      const complete = list.filter(({ kind }) => kind !== 'new').length === shape.length;
      return [...list.slice(0, from), { kind: 'ellipsis' }, ...(complete ? list.slice(from + length) : [])];
    });
  });
}

function argumentFor(piece: Piece, asArrays: boolean): Index {
  switch (piece.kind) {
    case 'number':
      return piece.value;
    case 'slice':
      return Slice(piece.start, piece.stop, piece.step);
    case 'new':
      return null;
    case 'ellipsis':
      return '...';
    case 'switch':
      return piece.on;
    case 'positions':
      if (asArrays || piece.table.shape.length === 0) return array(nested(piece.table) as number[], int32);
      return nested(piece.table) as number[];
    case 'mask':
      // A list without elements would have lost its shape.
      if (asArrays || sizeOf(piece.table.shape) === 0 || piece.table.shape.length === 0) {
        return array(piece.table.data as number[], bool).reshape([...piece.table.shape]);
      }
      return nested(piece.table, Boolean) as boolean[];
  }
}

/** The arguments that stand for an index. `asArrays` gives index arrays as arrays, else as nested lists. */
export function argumentsFor(list: readonly Piece[], asArrays: boolean): Index[] {
  return list.map((piece) => argumentFor(piece, asArrays));
}
