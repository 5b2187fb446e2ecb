/** Arrays extended at their edges. */

import { type ArrayInput, type array, toNode, wrap } from '../array';
import { rangeError, showShape, typeError } from '../errors';
import type { Node, Shape } from '../graph/node';
import * as p from '../primitives';
import { checkShape } from '../shape';
import { conform, describe, integerArgument, toNodeLike } from './arguments';
import { piece } from './piece';
import { defineOp, type MethodOp, operand } from './registry';

/** Elements before and after an axis. */
type Width = readonly [low: number, high: number];
/** One number for all edges, one pair for all axes, or a pair an axis. */
export type PadWidth = number | readonly number[] | readonly (readonly number[])[];
/** What the new elements are: one value, the nearest element, or the array mirrored without or with its edge. */
export type PadMode = 'constant' | 'edge' | 'reflect' | 'symmetric';

const modes: readonly string[] = ['constant', 'edge', 'reflect', 'symmetric'] satisfies PadMode[];

function width(low: unknown, high: unknown): Width {
  const pair = [integerArgument('pad', 'padWidth', low), integerArgument('pad', 'padWidth', high)] as const;
  if (pair[0] < 0 || pair[1] < 0) throw rangeError('pad', `padWidth must be at least 0: [${pair.join(', ')}]`);
  return pair;
}

function widths(padWidth: unknown, shape: Shape): Width[] {
  const all = (pair: Width): Width[] => shape.map(() => pair);
  if (typeof padWidth === 'number') return all(width(padWidth, padWidth));
  if (!Array.isArray(padWidth)) throw typeError('pad', `padWidth must be a number, a pair or a list of pairs, not ${describe(padWidth)}`);
  const list = padWidth as unknown[];
  if (list.every((entry) => typeof entry === 'number')) {
    if (list.length === 1) return all(width(list[0], list[0]));
    if (list.length === 2) return all(width(list[0], list[1]));
    throw rangeError('pad', `padWidth must be a pair, not ${list.length} numbers`);
  }
  const pairs = list.map((entry) => {
    if (typeof entry === 'number') return width(entry, entry);
    if (!Array.isArray(entry) || entry.length < 1 || entry.length > 2)
      throw typeError('pad', `padWidth must hold pairs, not ${describe(entry)}`);
    return width(entry[0], entry[entry.length - 1]);
  });
  if (pairs.length === 1) return all(pairs[0]);
  if (pairs.length !== shape.length)
    throw rangeError('pad', `${pairs.length} pairs do not fit the ${shape.length} axes of shape ${showShape(shape)}`);
  return pairs;
}

function constantPad(x: Node, pads: readonly Width[], shape: Shape, value: unknown): Node {
  const low = pads.map((pair) => pair[0]);
  if (value === undefined || value === null || value === 0) {
    return p.pad(
      x,
      low,
      pads.map((pair) => pair[1]),
    );
  }
  return p.sliceUpdate(conform(toNodeLike(value as ArrayInput, x.dtype, 'pad'), shape, x.dtype), x, low);
}

function edgePad(x: Node, axis: number, [low, high]: Width): Node {
  const size = x.shape[axis];
  const edge = (position: number, count: number): Node =>
    p.broadcastTo(
      piece(x, axis, position, 1),
      x.shape.map((s, i) => (i === axis ? count : s)),
    );
  return p.concatenate([edge(0, low), x, edge(size - 1, high)], axis);
}

/** Mirrors at the edges, again and again where an edge needs more elements than there are; `skip` leaves out the edge itself. */
function mirrorPad(x: Node, axis: number, [low, high]: Width, skip: 0 | 1): Node {
  const most = x.shape[axis] - skip;
  if (most === 0) return edgePad(x, axis, [low, high]);
  const before = Math.min(low, most);
  const after = Math.min(high, most);
  const size = x.shape[axis];
  const wider = p.concatenate(
    [p.flip(piece(x, axis, skip, before), [axis]), x, p.flip(piece(x, axis, size - skip - after, after), [axis])],
    axis,
  );
  return before < low || after < high ? mirrorPad(wider, axis, [low - before, high - after], skip) : wider;
}

/**
 * Extended at the edges by `padWidth`: a number, a pair [before, after], or a pair an axis.
 *
 * @example
 * mx.pad([1, 2], 1, 9); // array([9, 1, 2, 9], dtype=float32)
 */
export const pad = defineOp<
  MethodOp<
    [array: ArrayInput, padWidth: PadWidth],
    [constantValues?: ArrayInput, mode?: PadMode],
    { constantValues: ArrayInput; constantValue: ArrayInput; mode: PadMode },
    array
  >
>(
  {
    name: 'pad',
    parameters: ['array', 'padWidth', 'constantValues|constantValue?', 'mode?'],
    cases: () => [
      { args: [operand([2, 3]), 1] },
      {
        args: [
          operand([2, 3]),
          [
            [1, 0],
            [0, 2],
          ],
          operand([]),
        ],
      },
      { args: [operand([2, 3]), [1, 2], 0, 'edge'] },
      { args: [operand([2, 3]), [2, 3], 0, 'reflect'] },
      { args: [operand([2, 3]), [3, 1], 0, 'symmetric'] },
    ],
  },
  (array: ArrayInput, padWidth: unknown, value: unknown, mode: unknown = 'constant'): array => {
    const x = toNode(array, undefined, 'pad');
    if (typeof mode !== 'string' || !modes.includes(mode))
      throw typeError('pad', `mode must be one of ${modes.join(', ')}, not ${describe(mode)}`);
    const pads = widths(padWidth, x.shape);
    const shape = checkShape(
      'pad',
      x.shape.map((size, axis) => size + pads[axis][0] + pads[axis][1]),
      x.dtype.size,
    );
    if (mode === 'constant') return wrap(constantPad(x, pads, shape, value));
    let padded = x;
    pads.forEach((pair, axis) => {
      if (pair[0] === 0 && pair[1] === 0) return;
      if (x.shape[axis] === 0)
        throw rangeError('pad', `axis ${axis} of shape ${showShape(x.shape)} is empty: mode '${mode}' has nothing to repeat`);
      padded = mode === 'edge' ? edgePad(padded, axis, pair) : mirrorPad(padded, axis, pair, mode === 'reflect' ? 1 : 0);
    });
    return wrap(padded);
  },
);
