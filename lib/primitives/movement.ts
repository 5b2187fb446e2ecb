/** Views: the elements of one array in another shape or order. All of them are linear. */

import { rangeError, showShape } from '../errors';
import { Node, type Shape } from '../graph/node';
import { sameShape, sizeOf } from '../shape';
import { pad } from './assemble';
import { full, fullValue } from './generators';
import { definePrimitive } from './primitive';
import { sum } from './reduction';
import { forward, spread } from './regions';
import { shifted } from './rules';

export { concatenate, pad, sliceUpdate } from './assemble';

interface ShapeAttrs {
  readonly shape: Shape;
}

const reshapeNode = definePrimitive<ShapeAttrs>({
  name: 'reshape',
  lowering: { kind: 'reshape' },
  infer([x], { shape }) {
    if (sizeOf(x.shape) !== sizeOf(shape)) {
      throw rangeError(
        'reshape',
        `cannot reshape ${showShape(x.shape)} (${sizeOf(x.shape)} elements) to ${showShape(shape)} (${sizeOf(shape)})`,
      );
    }
    return { shape, dtype: x.dtype };
  },
  jvp: (_out, [t], { shape }) => (t === null ? null : reshape(t, shape)),
  transpose: (ct, out) => [reshape(ct, out.inputs[0].shape)],
  vmap: ([x], _mapped, size, { shape }) => reshape(x, [size, ...shape]),
});

/** The same elements in row-major order. */
export function reshape(x: Node, shape: Shape): Node {
  if (sameShape(x.shape, shape)) return x;
  const attrs: ShapeAttrs = { shape };
  if (sizeOf(x.shape) !== sizeOf(shape)) reshapeNode.infer([x], attrs);
  return new Node(reshapeNode, [x], attrs, shape, x.dtype);
}

interface TransposeAttrs {
  readonly permutation: readonly number[];
}

const transposeNode = definePrimitive<TransposeAttrs>({
  name: 'transpose',
  lowering: { kind: 'transpose', permutation: ({ permutation }) => permutation },
  key: ({ permutation }, key) => key.ints(permutation),
  infer([x], { permutation }) {
    const rank = x.shape.length;
    const isPermutation = permutation.length === rank && new Set(permutation).size === rank && permutation.every((p) => p >= 0 && p < rank);
    if (!isPermutation)
      throw rangeError('transpose', `[${permutation.join(', ')}] is no permutation of the ${rank} axes of shape ${showShape(x.shape)}`);
    return { shape: permutation.map((axis) => x.shape[axis]), dtype: x.dtype };
  },
  jvp: (_out, [t], { permutation }) => (t === null ? null : transpose(t, permutation)),
  transpose: (ct, _out, _linear, { permutation }) => [transpose(ct, inverse(permutation))],
  vmap: ([x], _mapped, _size, { permutation }) => transpose(x, [0, ...shifted(permutation)]),
});

function inverse(permutation: readonly number[]): number[] {
  const inverted = new Array<number>(permutation.length);
  for (let i = 0; i < permutation.length; i++) inverted[permutation[i]] = i;
  return inverted;
}

/** Axis i of the result is axis permutation[i] of `x`. */
export function transpose(x: Node, permutation: readonly number[]): Node {
  if (permutation.length === x.shape.length && permutation.every((axis, i) => axis === i)) return x;
  const attrs: TransposeAttrs = { permutation };
  const { shape } = transposeNode.infer([x], attrs) as { shape: Shape };
  return new Node(transposeNode, [x], attrs, shape, x.dtype);
}

const broadcastNode = definePrimitive<ShapeAttrs>({
  name: 'broadcastTo',
  lowering: { kind: 'broadcast' },
  infer([x], { shape }) {
    const lead = shape.length - x.shape.length;
    if (lead < 0 || !x.shape.every((size, axis) => size === 1 || size === shape[lead + axis])) {
      throw rangeError('broadcastTo', `shape ${showShape(x.shape)} does not broadcast to ${showShape(shape)}`);
    }
    return { shape, dtype: x.dtype };
  },
  jvp: (_out, [t], { shape }) => (t === null ? null : broadcastTo(t, shape)),
  transpose(ct, out) {
    const from = out.inputs[0].shape;
    const lead = ct.shape.length - from.length;
    const repeated: number[] = [];
    for (let axis = 0; axis < ct.shape.length; axis++) {
      if (axis < lead || (from[axis - lead] === 1 && ct.shape[axis] !== 1)) repeated.push(axis);
    }
    return [reshape(sum(ct, repeated), from)];
  },
  vmap([x], _mapped, size, { shape }) {
    const ones = new Array<number>(shape.length - (x.shape.length - 1)).fill(1);
    return broadcastTo(reshape(x, [size, ...ones, ...x.shape.slice(1)]), [size, ...shape]);
  },
});

/** Repeats axes of size 1, and adds axes in front, as NumPy does. */
export function broadcastTo(x: Node, shape: Shape): Node {
  if (sameShape(x.shape, shape)) return x;
  const attrs: ShapeAttrs = { shape };
  broadcastNode.infer([x], attrs);
  const value = fullValue(x);
  if (value !== undefined) return full(value, shape, x.dtype);
  return new Node(broadcastNode, [x], attrs, shape, x.dtype);
}

interface SliceAttrs {
  readonly starts: readonly number[];
  readonly sizes: readonly number[];
  readonly steps: readonly number[];
  /** The sizes themselves, or a shape without some of the axes of size 1. */
  readonly shape: Shape;
}

const sliceNode = definePrimitive<SliceAttrs>({
  name: 'slice',
  lowering: { kind: 'slice', sizes: ({ sizes }) => sizes, steps: ({ steps }) => steps },
  key({ steps, sizes, shape }, key) {
    key.ints(steps);
    if (shape.length < sizes.length) key.ints(sizes);
  },
  args({ starts }, args) {
    for (const start of starts) args.integer(start);
  },
  infer([x], { starts, sizes, steps, shape }) {
    const rank = x.shape.length;
    if (starts.length !== rank || sizes.length !== rank || steps.length !== rank) {
      throw rangeError(
        'slice',
        `shape ${showShape(x.shape)} needs ${rank} starts, sizes and steps, not ${starts.length}, ${sizes.length} and ${steps.length}`,
      );
    }
    for (let axis = 0; axis < rank; axis++) {
      const last = starts[axis] + (sizes[axis] - 1) * steps[axis];
      const outside = sizes[axis] > 0 && (Math.min(starts[axis], last) < 0 || Math.max(starts[axis], last) >= x.shape[axis]);
      if (outside || sizes[axis] < 0 || steps[axis] === 0) {
        throw rangeError(
          'slice',
          `${sizes[axis]} elements from ${starts[axis]} by ${steps[axis]} do not lie in axis ${axis} of shape ${showShape(x.shape)}`,
        );
      }
    }
    return { shape, dtype: x.dtype };
  },
  jvp: (_out, [t], { starts, sizes, steps, shape }) => (t === null ? null : slice(t, starts, sizes, steps, shape)),
  transpose: (ct, out, _linear, { starts, sizes, steps }) => [unslice(reshape(ct, sizes), out.inputs[0].shape, starts, steps)],
  vmap: ([x], _mapped, size, { starts, sizes, steps, shape }) =>
    slice(x, [0, ...starts], [size, ...sizes], [1, ...steps], [size, ...shape]),
});

/**
 * `sizes[i]` elements along axis i, from `starts[i]` on, `steps[i]` (1 if not given, may be negative) apart; as `shape`, which may leave out
 * axes of size 1.
 */
export function slice(x: Node, starts: readonly number[], sizes: Shape, steps?: readonly number[], shape: Shape = sizes): Node {
  const attrs: SliceAttrs = { starts, sizes, steps: steps ?? onesOf(starts.length), shape };
  sliceNode.infer([x], attrs);
  if (sameShape(sizes, x.shape) && attrs.steps.every((step) => step > 0)) return reshape(x, shape);
  return new Node(sliceNode, [x], attrs, shape, x.dtype);
}

/** Steps of 1, by rank: slices share them. */
const ones: (readonly number[])[] = [];

function onesOf(rank: number): readonly number[] {
  ones[rank] ??= new Array<number>(rank).fill(1);
  return ones[rank];
}

/** Puts what a slice took back where it was, zeros elsewhere: the adjoint of slicing. */
function unslice(ct: Node, shape: Shape, starts: readonly number[], steps: readonly number[]): Node {
  const region = forward(ct, starts, steps);
  const low = region.starts.map((start, axis) => (ct.shape[axis] === 0 ? shape[axis] : start));
  const interior = region.steps.map((step, axis) => (ct.shape[axis] > 1 ? step - 1 : 0));
  const high = shape.map((size, axis) => size - low[axis] - spread(ct.shape[axis], interior[axis]));
  return pad(region.x, low, high, interior);
}

/** Inserts axes of size 1 where the result has them; `axes` ascend. */
export function expandDims(x: Node, axes: readonly number[]): Node {
  const shape = x.shape.slice();
  for (const axis of axes) shape.splice(axis, 0, 1);
  return reshape(x, shape);
}

/** Removes axes of size 1. */
export function squeeze(x: Node, axes: readonly number[]): Node {
  return reshape(
    x,
    x.shape.filter((_, axis) => !axes.includes(axis)),
  );
}

/** Moves one axis; the others keep their order. */
export function moveaxis(x: Node, from: number, to: number): Node {
  const permutation = x.shape.map((_, axis) => axis);
  permutation.splice(from, 1);
  permutation.splice(to, 0, from);
  return transpose(x, permutation);
}

export function swapaxes(x: Node, a: number, b: number): Node {
  const permutation = x.shape.map((_, axis) => axis);
  permutation[a] = b;
  permutation[b] = a;
  return transpose(x, permutation);
}

/** Reverses the order along each of the axes. */
export function flip(x: Node, axes: readonly number[]): Node {
  const flipped = axes.filter((axis) => x.shape[axis] > 1);
  if (flipped.length === 0) return x;
  return slice(
    x,
    x.shape.map((size, axis) => (flipped.includes(axis) ? size - 1 : 0)),
    x.shape,
    x.shape.map((_, axis) => (flipped.includes(axis) ? -1 : 1)),
  );
}
