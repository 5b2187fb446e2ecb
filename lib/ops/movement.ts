/** The elements of an array in another shape or order. */

import { type ArrayInput, type array, toNode, wrap } from '../array';
import { rangeError, showShape, typeError } from '../errors';
import type { Node, Shape } from '../graph/node';
import * as p from '../primitives';
import { broadcastShapes as broadcastPair, checkShape, maxRank, normalizeAxis, sizeOf } from '../shape';
import { axesArgument, axisArgument, describe, entries, integerArgument, integersArgument, shapeArgument } from './arguments';
import { piece } from './piece';
import { type CustomMethodOp, defineOp, defineVariadicOp, type MethodOp, operand, type Placement, type StreamOption } from './registry';

type NoOptions = Record<never, never>;
type IntegerList = number | readonly number[];

function node(where: string, value: unknown): Node {
  return toNode(value as ArrayInput, undefined, where);
}

/** A list given as one argument or spread over several. */
function spreadList(where: string, args: readonly unknown[]): readonly unknown[] {
  return args.length === 1 && Array.isArray(args[0]) ? entries(where, 'the list', args[0]) : args;
}

/** A shape in which one size may be -1: what is left over. */
function inferShape(where: string, sizes: readonly unknown[], size: number, from: Shape): Shape {
  const unknown = sizes.indexOf(-1);
  const known = checkShape(
    where,
    sizes.map((s, i) => (i === unknown ? 1 : s)),
  );
  if (known.includes(-1)) throw rangeError(where, `only one size may be -1: [${sizes.join(', ')}]`);
  const product = sizeOf(known);
  if (unknown === -1) {
    if (product !== size)
      throw rangeError(where, `cannot reshape ${showShape(from)} (${size} elements) to ${showShape(known)} (${product})`);
    return known;
  }
  if (product === 0 || size % product !== 0) {
    throw rangeError(where, `cannot reshape ${showShape(from)} (${size} elements) to [${sizes.join(', ')}]: no size fits -1`);
  }
  return known.map((s, i) => (i === unknown ? size / product : s));
}

interface ShapeMethod {
  (...shape: number[]): array;
  (...shape: [...number[], Placement]): array;
  (shape: readonly number[], options?: Placement): array;
  (options: { readonly shape: readonly number[] } & StreamOption): array;
}
interface ShapeFunction {
  (array: ArrayInput, ...shape: number[]): array;
  (array: ArrayInput, ...shape: [...number[], Placement]): array;
  (array: ArrayInput, shape: readonly number[], options?: Placement): array;
  (array: ArrayInput, options: { readonly shape: readonly number[] } & StreamOption): array;
}

/**
 * The same elements in row-major order in another shape, given as a list or spread; one size may be -1.
 *
 * @example
 * mx.arange(6).reshape(2, -1); // array([[0, 1, 2],\n       [3, 4, 5]], dtype=float32)
 */
export const reshape = defineVariadicOp<CustomMethodOp<ShapeFunction, ShapeMethod>>(
  {
    name: 'reshape',
    parameters: ['array', 'shape?'],
    cases: () => [
      { args: [operand([2, 3]), [3, 2]] },
      { args: [operand([2, 3]), -1] },
      { args: [operand([]), [1, 1]] },
      { args: [operand([2, 0]), [0, 5]] },
    ],
  },
  1,
  ([array, ...rest], options) => {
    const x = node('reshape', array);
    const sizes = options.shape === undefined ? spreadList('reshape', rest) : integersArgument('reshape', 'shape', options.shape);
    if (options.shape === undefined && rest.length === 0) throw typeError('reshape', 'takes a shape');
    return wrap(p.reshape(x, inferShape('reshape', sizes, sizeOf(x.shape), x.shape)));
  },
);

interface AxesMethod {
  (...axes: number[]): array;
  (...axes: [...number[], Placement]): array;
  (axes: readonly number[], options?: Placement): array;
  (options: { readonly axes?: readonly number[] } & StreamOption): array;
}
interface AxesFunction {
  (array: ArrayInput, ...axes: number[]): array;
  (array: ArrayInput, ...axes: [...number[], Placement]): array;
  (array: ArrayInput, axes: readonly number[], options?: Placement): array;
  (array: ArrayInput, options: { readonly axes?: readonly number[] } & StreamOption): array;
}

function transposed(where: string, args: readonly unknown[], options: Readonly<Record<string, unknown>>): array {
  const x = node(where, args[0]);
  const rank = x.shape.length;
  const given = options.axes ?? spreadList(where, args.slice(1));
  if (options.axes === undefined && (args.length === 1 || (args.length === 2 && (args[1] === undefined || args[1] === null)))) {
    return wrap(
      p.transpose(
        x,
        Array.from({ length: rank }, (_, i) => rank - 1 - i),
      ),
    );
  }
  const axes = integersArgument(where, 'axes', given);
  if (axes.length !== rank) throw rangeError(where, `needs ${rank} axes for shape ${showShape(x.shape)}, not [${axes.join(', ')}]`);
  const permutation = axes.map((axis) => normalizeAxis(where, axis, rank));
  if (new Set(permutation).size !== rank) throw rangeError(where, `[${axes.join(', ')}] names an axis twice`);
  return wrap(p.transpose(x, permutation));
}

const transposeCases = () => [
  { args: [operand([2, 3])] },
  { args: [operand([2, 3, 4]), [2, 0, 1]] },
  { args: [operand([2, 3]), -1, 0] },
  { args: [operand([])] },
];

/**
 * Axis i of the result is axis `axes[i]`; without axes, all in reverse. Axes are a list or spread.
 *
 * @example
 * mx.transpose(mx.array([[1, 2], [3, 4]])); // array([[1, 3],\n       [2, 4]], dtype=float32)
 */
export const transpose = defineVariadicOp<CustomMethodOp<AxesFunction, AxesMethod>>(
  { name: 'transpose', parameters: ['array', 'axes?'], cases: transposeCases },
  1,
  (args, options) => transposed('transpose', args, options),
);

/**
 * The same as `transpose`.
 *
 * @example
 * mx.permuteDims(mx.zeros([2, 3, 4]), 2, 0, 1).shape; // [4, 2, 3]
 */
export const permuteDims = defineVariadicOp<CustomMethodOp<AxesFunction, AxesMethod>>(
  { name: 'permuteDims', parameters: ['array', 'axes?'], cases: transposeCases },
  1,
  (args, options) => transposed('permuteDims', args, options),
);

/**
 * The last two axes exchanged.
 *
 * @example
 * mx.matrixTranspose(mx.zeros([2, 3, 4])).shape; // [2, 4, 3]
 */
export const matrixTranspose = defineOp<MethodOp<[array: ArrayInput], [], NoOptions, array>>(
  { name: 'matrixTranspose', parameters: ['array'], cases: () => [{ args: [operand([2, 3, 4])] }] },
  (array: ArrayInput): array => {
    const x = node('matrixTranspose', array);
    const rank = x.shape.length;
    if (rank < 2) throw rangeError('matrixTranspose', `needs at least 2 axes, not shape ${showShape(x.shape)}`);
    return wrap(p.swapaxes(x, rank - 2, rank - 1));
  },
);

/**
 * The axis `source` moved to the place `destination`.
 *
 * @example
 * mx.moveaxis(mx.zeros([2, 3, 4]), 0, -1).shape; // [3, 4, 2]
 */
export const moveaxis = defineOp<MethodOp<[array: ArrayInput, source: number, destination: number], [], NoOptions, array>>(
  { name: 'moveaxis', parameters: ['array', 'source', 'destination'], cases: () => [{ args: [operand([2, 3, 4]), 0, -1] }] },
  (array: ArrayInput, source: number, destination: number): array => {
    const x = node('moveaxis', array);
    const rank = x.shape.length;
    return wrap(p.moveaxis(x, axisArgument('moveaxis', source, rank), axisArgument('moveaxis', destination, rank)));
  },
);

/**
 * Two axes exchanged.
 *
 * @example
 * mx.swapaxes(mx.zeros([2, 3, 4]), 0, 2).shape; // [4, 3, 2]
 */
export const swapaxes = defineOp<MethodOp<[array: ArrayInput, axis1: number, axis2: number], [], NoOptions, array>>(
  { name: 'swapaxes', parameters: ['array', 'axis1', 'axis2'], cases: () => [{ args: [operand([2, 3, 4]), 0, -1] }] },
  (array: ArrayInput, axis1: number, axis2: number): array => {
    const x = node('swapaxes', array);
    const rank = x.shape.length;
    return wrap(p.swapaxes(x, axisArgument('swapaxes', axis1, rank), axisArgument('swapaxes', axis2, rank)));
  },
);

/**
 * Without the axes of size 1: all of them, or those named.
 *
 * @example
 * mx.squeeze(mx.zeros([1, 3, 1])).shape; // [3]
 */
export const squeeze = defineOp<MethodOp<[array: ArrayInput], [axis?: IntegerList | null], { axis: IntegerList | null }, array>>(
  {
    name: 'squeeze',
    parameters: ['array', 'axis?'],
    cases: () => [{ args: [operand([1, 3, 1])] }, { args: [operand([1, 3, 1]), -1] }, { args: [operand([1, 3, 1]), [0, 2]] }],
  },
  (array: ArrayInput, axis: unknown): array => {
    const x = node('squeeze', array);
    if (axis === undefined || axis === null) return wrap(p.squeeze(x, axesOfSizeOne(x.shape)));
    const axes = axesArgument('squeeze', axis, x.shape.length);
    for (const a of axes) {
      if (x.shape[a] !== 1) throw rangeError('squeeze', `axis ${a} of shape ${showShape(x.shape)} has size ${x.shape[a]}, not 1`);
    }
    return wrap(p.squeeze(x, axes));
  },
);

function axesOfSizeOne(shape: Shape): number[] {
  return shape.flatMap((size, axis) => (size === 1 ? [axis] : []));
}

/**
 * With axes of size 1 inserted where the result has them.
 *
 * @example
 * mx.expandDims(mx.array([1, 2]), 0); // array([[1, 2]], dtype=float32)
 */
export const expandDims = defineOp<MethodOp<[array: ArrayInput, axis: IntegerList], [], NoOptions, array>>(
  { name: 'expandDims', parameters: ['array', 'axis'], cases: () => [{ args: [operand([3]), 0] }, { args: [operand([3]), [0, -1]] }] },
  (array: ArrayInput, axis: unknown): array => {
    const x = node('expandDims', array);
    const rank = x.shape.length + (Array.isArray(axis) ? axis.length : 1);
    if (rank > maxRank) throw rangeError('expandDims', `rank ${rank} is more than ${maxRank}`);
    return wrap(p.expandDims(x, axesArgument('expandDims', integersArgument('expandDims', 'axis', axis), rank)));
  },
);

/**
 * The axes from `startAxis` to `endAxis` as one.
 *
 * @example
 * mx.flatten(mx.array([[1, 2], [3, 4]])); // array([1, 2, 3, 4], dtype=float32)
 */
export const flatten = defineOp<
  MethodOp<[array: ArrayInput], [startAxis?: number, endAxis?: number], { startAxis: number; endAxis: number }, array>
>(
  {
    name: 'flatten',
    parameters: ['array', 'startAxis?', 'endAxis?'],
    cases: () => [{ args: [operand([2, 3])] }, { args: [operand([2, 3, 2]), 1] }, { args: [operand([])] }],
  },
  (array: ArrayInput, startAxis: unknown, endAxis: unknown): array => {
    const x = node('flatten', array);
    const rank = x.shape.length;
    const first = integerArgument('flatten', 'startAxis', startAxis, 0);
    const last = integerArgument('flatten', 'endAxis', endAxis, -1);
    if (rank === 0) return wrap(p.reshape(x, [1]));
    const start = Math.max(0, first < 0 ? first + rank : first);
    const end = Math.min(rank - 1, last < 0 ? last + rank : last);
    if (start >= rank || end < start) {
      throw rangeError('flatten', `axes ${first} to ${last} are none of shape ${showShape(x.shape)}`);
    }
    return wrap(p.reshape(x, [...x.shape.slice(0, start), sizeOf(x.shape.slice(start, end + 1)), ...x.shape.slice(end + 1)]));
  },
);

/**
 * One axis split into several, of which one size may be -1.
 *
 * @example
 * mx.unflatten(mx.array([1, 2, 3, 4]), 0, [2, -1]); // array([[1, 2],\n       [3, 4]], dtype=float32)
 */
export const unflatten = defineOp<MethodOp<[array: ArrayInput, axis: number, shape: IntegerList], [], NoOptions, array>>(
  { name: 'unflatten', parameters: ['array', 'axis', 'shape'], cases: () => [{ args: [operand([6, 2]), 0, [2, -1]] }] },
  (array: ArrayInput, axis: unknown, shape: unknown): array => {
    const x = node('unflatten', array);
    const a = axisArgument('unflatten', axis, x.shape.length);
    const sizes = integersArgument('unflatten', 'shape', shape);
    if (sizes.length === 0) throw rangeError('unflatten', 'the shape must have at least one size');
    const parts = inferShape('unflatten', sizes, x.shape[a], [x.shape[a]]);
    return wrap(p.reshape(x, checkShape('unflatten', [...x.shape.slice(0, a), ...parts, ...x.shape.slice(a + 1)])));
  },
);

/**
 * Repeated along axes of size 1, and along new axes in front, to a shape.
 *
 * @example
 * mx.broadcastTo(mx.array([1, 2]), [2, 2]); // array([[1, 2],\n       [1, 2]], dtype=float32)
 */
export const broadcastTo = defineOp<MethodOp<[array: ArrayInput, shape: IntegerList], [], NoOptions, array>>(
  {
    name: 'broadcastTo',
    parameters: ['array', 'shape'],
    cases: () => [{ args: [operand([3]), [2, 3]] }, { args: [operand([2, 1]), [4, 2, 3]] }, { args: [operand([]), [0, 2]] }],
  },
  (array: ArrayInput, shape: unknown): array => {
    const x = node('broadcastTo', array);
    return wrap(p.broadcastTo(x, shapeArgument('broadcastTo', shape, x.dtype.size)));
  },
);

interface BroadcastArrays {
  (arrays: readonly ArrayInput[], options?: Placement): array[];
  (...arrays: array[]): array[];
}

/**
 * Arrays repeated to the shape that they broadcast to together; a list or spread.
 *
 * @example
 * mx.broadcastArrays(mx.array([1, 2]), mx.array(3)); // [array([1, 2], dtype=float32), array([3, 3], dtype=float32)]
 */
export const broadcastArrays = defineVariadicOp<BroadcastArrays>(
  { name: 'broadcastArrays', parameters: ['arrays'], method: false, cases: () => [{ args: [[operand([3]), operand([2, 1])]] }] },
  0,
  (args) => {
    const nodes = spreadList('broadcastArrays', args).map((x) => node('broadcastArrays', x));
    const shape = nodes.reduce<Shape>((common, x) => broadcastPair('broadcastArrays', common, x.shape), []);
    return nodes.map((x) => wrap(p.broadcastTo(x, shape)));
  },
);

/**
 * The shape that shapes broadcast to together.
 *
 * @example
 * mx.broadcastShapes([2, 1], [3]); // [2, 3]
 */
export function broadcastShapes(...shapes: (readonly number[])[]): number[] {
  const checked = shapes.map((shape) => shapeArgument('broadcastShapes', shape));
  return checked.reduce<Shape>((common, shape) => broadcastPair('broadcastShapes', common, shape), []).slice();
}

interface AtLeast {
  (array: ArrayInput, options?: Placement): array;
  (first: ArrayInput, second: ArrayInput, ...more: ArrayInput[]): array[];
}

function atLeast(name: string, rank: number, place: (shape: Shape) => Shape): AtLeast {
  return defineVariadicOp<AtLeast>(
    { name, parameters: ['array'], cases: () => [{ args: [operand([])] }, { args: [operand([3])] }, { args: [operand([2, 3])] }] },
    1,
    (args) => {
      const results = args.map((arg) => {
        const x = node(name, arg);
        return wrap(x.shape.length >= rank ? x : p.reshape(x, place(x.shape)));
      });
      return results.length === 1 ? results[0] : results;
    },
  );
}

/**
 * Arrays with at least one axis; several give a list.
 *
 * @example
 * mx.atleast1d(mx.array(5)); // array([5], dtype=float32)
 */
export const atleast1d = atLeast('atleast1d', 1, () => [1]);
/**
 * Arrays with at least two axes, new ones in front; several give a list.
 *
 * @example
 * mx.atleast2d(mx.array([1, 2])); // array([[1, 2]], dtype=float32)
 */
export const atleast2d = atLeast('atleast2d', 2, (shape) => [1, ...(shape.length === 0 ? [1] : shape)]);
/**
 * Arrays with at least three axes: [n] becomes [1, n, 1] and [m, n] becomes [m, n, 1], as in NumPy; several give a list.
 *
 * @example
 * mx.atleast3d(mx.array([1, 2])).shape; // [1, 2, 1]
 */
export const atleast3d = atLeast('atleast3d', 3, (shape) => {
  if (shape.length === 0) return [1, 1, 1];
  return shape.length === 1 ? [1, shape[0], 1] : [...shape, 1];
});

/**
 * The elements in reverse along axes: all, or those named.
 *
 * @example
 * mx.flip(mx.array([1, 2, 3])); // array([3, 2, 1], dtype=float32)
 */
export const flip = defineOp<MethodOp<[array: ArrayInput], [axis?: IntegerList | null], { axis: IntegerList | null }, array>>(
  {
    name: 'flip',
    parameters: ['array', 'axis?'],
    cases: () => [{ args: [operand([2, 3])] }, { args: [operand([2, 3]), -1] }, { args: [operand([0, 2]), 0] }],
  },
  (array: ArrayInput, axis: unknown): array => {
    const x = node('flip', array);
    return wrap(p.flip(x, axesArgument('flip', axis, x.shape.length)));
  },
);

/** The rotation of one axis: two pieces that change places. */
function rollAxis(x: Node, shift: number, axis: number): Node {
  const size = x.shape[axis];
  if (size === 0) return x;
  const cut = (((size - shift) % size) + size) % size;
  if (cut === 0) return x;
  return p.concatenate([piece(x, axis, cut, size - cut), piece(x, axis, 0, cut)], axis);
}

/**
 * Elements moved by `shift` places along an axis, those that fall off entering at the front; without an axis in flattened order.
 *
 * @example
 * mx.roll(mx.array([1, 2, 3]), 1); // array([3, 1, 2], dtype=float32)
 */
export const roll = defineOp<
  MethodOp<[array: ArrayInput], [shift?: IntegerList, axis?: IntegerList | null], { shift: IntegerList; axis: IntegerList | null }, array>
>(
  {
    name: 'roll',
    parameters: ['array', 'shift?', 'axis?'],
    cases: () => [
      { args: [operand([5]), 2] },
      { args: [operand([2, 3]), -1, 1] },
      { args: [operand([2, 3]), [1, 2], [0, 1]] },
      { args: [operand([0]), 1] },
    ],
  },
  (array: ArrayInput, shift: unknown, axis: unknown): array => {
    const x = node('roll', array);
    const shifts = integersArgument('roll', 'shift', shift);
    if (axis === undefined || axis === null) {
      const total = shifts.reduce((sum, s) => sum + s, 0);
      return wrap(p.reshape(rollAxis(p.reshape(x, [sizeOf(x.shape)]), total, 0), x.shape));
    }
    const axes = integersArgument('roll', 'axis', axis).map((a) => normalizeAxis('roll', a, x.shape.length));
    if (shifts.length !== 1 && shifts.length !== axes.length) {
      throw rangeError('roll', `${shifts.length} shifts do not fit ${axes.length} axes`);
    }
    return wrap(axes.reduce((rolled, a, i) => rollAxis(rolled, shifts[shifts.length === 1 ? 0 : i], a), x));
  },
);

/**
 * The same values, through which no derivative passes.
 *
 * @example
 * mx.grad((x) => mx.multiply(x, mx.stopGradient(x)))(mx.array(3)); // array(3, dtype=float32)
 */
export const stopGradient = defineOp<MethodOp<[array: ArrayInput], [], NoOptions, array>>(
  { name: 'stopGradient', parameters: ['array'], cases: () => [{ args: [operand([2, 3])], differentiable: false }] },
  (array: ArrayInput): array => wrap(p.stopGradient(node('stopGradient', array))),
);

/**
 * The same values; arrays are contiguous to whoever reads them.
 *
 * @example
 * mx.contiguous(mx.array([[1, 2], [3, 4]]).T); // array([[1, 3],\n       [2, 4]], dtype=float32)
 */
export const contiguous = defineOp<MethodOp<[array: ArrayInput], [allowColMajor?: boolean], { allowColMajor: boolean }, array>>(
  { name: 'contiguous', parameters: ['array', 'allowColMajor?'], cases: () => [{ args: [operand([2, 3])] }] },
  (array: ArrayInput): array => wrap(node('contiguous', array)),
);

interface Depends {
  (inputs: array, dependencies: array | readonly array[]): array;
  (inputs: readonly array[], dependencies: array | readonly array[]): array[];
}

/**
 * The inputs, evaluated only after the dependencies.
 *
 * @example
 * const logged = mx.array([1, 2]).square();
 * mx.depends(mx.array(5), logged); // array(5, dtype=float32)
 */
export const depends = defineOp<Depends>(
  {
    name: 'depends',
    parameters: ['inputs', 'dependencies'],
    method: false,
    cases: () => [{ args: [operand([2, 3]), operand([3], { differentiable: false })] }],
  },
  (inputs: unknown, dependencies: unknown) => {
    const after = (Array.isArray(dependencies) ? dependencies : [dependencies]).map((x) => node('depends', x));
    if (Array.isArray(inputs)) return inputs.map((x) => wrap(p.depends(node('depends', x), after)));
    if (inputs === undefined || inputs === null)
      throw typeError('depends', `inputs must be an array or a list of arrays, not ${describe(inputs)}`);
    return wrap(p.depends(node('depends', inputs), after));
  },
);
