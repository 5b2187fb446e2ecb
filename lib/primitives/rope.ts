/** Rotary positions: pairs of each row's elements turned by angles that grow with the row's position. */

import { float64 } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import { Node, type ShapeDtype } from '../graph/node';
import { sameShape } from '../shape';
import { add, multiply } from './binary';
import { astype } from './cast';
import { arange, zeros } from './generators';
import { broadcastTo, concatenate, reshape, slice } from './movement';
import { definePrimitive, type Primitive, type Tangent } from './primitive';
import { addTangents, alongRows, batchedInput, countingDtype, scale } from './rules';
import { exp, negative, reciprocal, square } from './unary';

export interface RopeOptions {
  /** How many elements at the front of a row turn: an even number. The others stay. */
  readonly dims: number;
  /** Pairs are neighbours instead of elements of two halves. */
  readonly traditional: boolean;
  /** Pair i turns by position · base^(-2i / dims), where there are no frequencies. */
  readonly base: number;
  /** The position of row l is (offset + l) · scale. */
  readonly scale: number;
  /** The offset, where it is no array. */
  readonly offset: number;
}

interface RopeAttrs extends RopeOptions {
  /** Whether arrays of offsets and of frequencies are among the inputs. */
  readonly offsets: boolean;
  readonly freqs: boolean;
  /** Pairs turn the other way. */
  readonly backwards: boolean;
}

/** The operands, or what stands for them, such as their tangents. */
function named<T>([x, ...rest]: readonly T[], { offsets, freqs }: RopeAttrs): { x: T; offsets: T | null; freqs: T | null } {
  return { x, offsets: offsets ? rest[0] : null, freqs: freqs ? rest[offsets ? 1 : 0] : null };
}

function ints({ dims, traditional, backwards, offsets, freqs }: RopeAttrs): number[] {
  return [dims, Number(traditional), Number(backwards), Number(offsets), Number(freqs)];
}

const ropeNode: Primitive = definePrimitive<RopeAttrs>({
  name: 'rope',
  lowering: { kind: 'routine', routine: 'rope', ints },
  key: (attrs, key) => key.ints(ints(attrs)),
  args(attrs, args) {
    for (const value of [attrs.base, attrs.scale, attrs.offset]) args.scalar(value, float64);
  },
  infer(inputs, attrs) {
    const { x, offsets, freqs } = named(inputs, attrs);
    if (x.dtype.kind !== 'float') throw typeError('rope', `needs real floats, not ${x.dtype.name}`);
    const [rank, wide] = [x.shape.length, countingDtype(x.dtype)];
    const { dims } = attrs;
    if (rank < 2 || dims < 2 || dims % 2 !== 0 || dims > x.shape[rank - 1]) {
      throw rangeError('rope', `${dims} elements of rows of shape ${showShape(x.shape)} do not turn`);
    }
    const lead = x.shape.slice(0, -2);
    for (const [given, shape] of [[offsets, lead] as const, [freqs, [...lead, dims / 2]] as const]) {
      if (given === null) continue;
      if (given.dtype !== wide) throw typeError('rope', `offsets and frequencies are ${wide.name}, not ${given.dtype.name}`);
      if (!sameShape(given.shape, shape)) throw rangeError('rope', `shapes ${showShape(given.shape)} and ${showShape(shape)} differ`);
    }
    return { shape: x.shape, dtype: x.dtype };
  },
  jvp(out, tangents, attrs) {
    const given = named(tangents, attrs);
    const moved = given.x === null ? null : new Node(ropeNode, [given.x, ...out.inputs.slice(1)], attrs, out.shape, out.dtype);
    const angles = angleTangent(out, given, attrs);
    if (angles === null) return moved;
    // A turned pair moves at right angles to itself.
    const [x, ...rest] = out.inputs;
    const wide = out.dtype === angles.dtype ? out : new Node(ropeNode, [astype(x, angles.dtype), ...rest], attrs, out.shape, angles.dtype);
    const across = turnedAcross(wide, angles, attrs);
    return addTangents(moved, astype(across, out.dtype));
  },
  transpose(ct, out, _linear, attrs) {
    const back: RopeAttrs = { ...attrs, backwards: !attrs.backwards };
    return [new Node(ropeNode, [ct, ...out.inputs.slice(1)], back, out.shape, out.dtype), ...out.inputs.slice(1).map(() => null)];
  },
  vmap(inputs, mapped, size, attrs, out) {
    const operands = inputs.map((x, i) => batchedInput(x, mapped[i], size));
    return new Node(ropeNode, operands, attrs, [size, ...out.shape], out.dtype);
  },
});

/** The tangent of the angles (offset + l) · scale / frequency, [lead…, length, dims / 2], or null. */
function angleTangent(out: Node, given: { readonly offsets: Tangent; readonly freqs: Tangent }, attrs: RopeAttrs): Tangent {
  const dtype = countingDtype(out.dtype);
  const half = attrs.dims / 2;
  const rows = out.shape.slice(0, -1);
  const lead = rows.slice(0, -1);
  const pairs = [...rows, half];
  const ofRows = (v: Node): Node => alongRows(v, pairs);
  const ofPairs = (v: Node): Node => broadcastTo(reshape(v, [...lead, 1, half]), pairs);
  const { offsets, freqs } = named(out.inputs, attrs);
  const factor = attrs.backwards ? -attrs.scale : attrs.scale;
  const growth = -Math.log(attrs.base) / half;
  const inverse = freqs === null ? exp(arange(0, growth, pairs, rows.length, dtype)) : ofPairs(reciprocal(freqs));

  let tangent: Tangent = null;
  if (given.offsets !== null) tangent = multiply(ofRows(alongRows(scale(given.offsets, factor), rows)), inverse);
  if (given.freqs !== null) {
    const counted = arange(attrs.offset, 1, rows, lead.length, dtype);
    const positions = scale(offsets === null ? counted : add(counted, alongRows(offsets, rows)), -factor);
    tangent = addTangents(tangent, multiply(multiply(ofRows(positions), square(inverse)), ofPairs(given.freqs)));
  }
  return tangent;
}

/** The part of the last axis from `start` on, every `step`-th element. */
function along(x: Node, start: number, count: number, step: number): Node {
  const last = x.shape.length - 1;
  const axes = (value: number, other: number): number[] => x.shape.map((_, axis) => (axis === last ? value : other));
  const sizes = x.shape.map((size, axis) => (axis === last ? count : size));
  return slice(x, axes(start, 0), sizes, axes(step, 1));
}

/** Each pair (a, b) of the rows of `y` as (-b, a), times its factor; 0 where there are no pairs. */
function turnedAcross(y: Node, factors: Node, { dims, traditional }: RopeAttrs): Node {
  const [half, last] = [dims / 2, y.shape.length - 1];
  const [next, step] = traditional ? [1, 2] : [half, 1];
  const left = multiply(negative(along(y, next, half, step)), factors);
  const right = multiply(along(y, 0, half, step), factors);
  const apart = (v: Node): Node => (traditional ? reshape(v, [...v.shape, 1]) : v);
  const turned = reshape(concatenate([apart(left), apart(right)], traditional ? last + 1 : last), [...y.shape.slice(0, -1), dims]);
  const rest = y.shape[last] - dims;
  return rest === 0 ? turned : concatenate([turned, zeros([...y.shape.slice(0, -1), rest], y.dtype)], last);
}

/**
 * The rows of `x` [lead…, length, width] with their pairs turned. `offsets` [lead…] stand for the offset and `freqs` [lead…, dims / 2] for the
 * base where they are not null: pair i then turns by position / freqs[i]. Both are float32 or wider, as 16-bit floats are computed.
 */
export function rope(x: Node, offsets: Node | null, freqs: Node | null, options: RopeOptions): Node {
  const inputs = [x, offsets, freqs].filter((v) => v !== null);
  const attrs: RopeAttrs = { ...options, offsets: offsets !== null, freqs: freqs !== null, backwards: false };
  const { shape, dtype } = ropeNode.infer(inputs, attrs) as ShapeDtype;
  return new Node(ropeNode, inputs, attrs, shape, dtype);
}
