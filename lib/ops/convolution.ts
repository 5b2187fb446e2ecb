/** Convolutions of one to three dimensions and of any, transposed ones, and the convolution of two sequences. */

import { type ArrayInput, type array, toNode, wrap } from '../array';
import { complex64, promoteTypes } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import type { Node } from '../graph/node';
import * as p from '../primitives';
import { type ConvolutionAttrs, convolvedSizes } from '../primitives/convolution';
import { checkShape } from '../shape';
import { atLeastFloat, booleanArgument, describe, integerArgument } from './arguments';
import { type Call, defineOp, type OpCase, operand } from './registry';

/** One number for all spatial axes, or one an axis. */
export type PerAxis = number | readonly number[];
/** The same on both sides, or what comes before and what comes after. */
export type ConvolutionPadding = PerAxis | readonly [low: readonly number[], high: readonly number[]];
export type ConvolveMode = 'full' | 'same' | 'valid';

type Operands = [input: ArrayInput, weight: ArrayInput];

/** Options of `conv1d`, `conv2d` and `conv3d`. */
export interface ConvOptions {
  /** Elements from one position of the kernel to the next. */
  stride: PerAxis;
  /** Zeros on both sides. */
  padding: PerAxis;
  /** Elements of the input from one element of the kernel to the next. */
  dilation: PerAxis;
  /** Channels and outputs are cut into this many groups that do not meet. */
  groups: number;
}

/** Options of `convTranspose1d`, `convTranspose2d` and `convTranspose3d`. */
export interface ConvTransposeOptions extends ConvOptions {
  /** Further elements at the end of the result: what the stride of the convolution would have left out. */
  outputPadding: PerAxis;
}

/** Options of `convGeneral`. */
export interface ConvGeneralOptions {
  stride: PerAxis;
  padding: ConvolutionPadding;
  kernelDilation: PerAxis;
  /** 1 more than the number of zeros between two elements of the input. */
  inputDilation: PerAxis;
  groups: number;
  /** Reads the kernel from its end along the spatial axes. */
  flip: boolean;
}

export type ConvOp = Call<Operands, [stride?: PerAxis, padding?: PerAxis, dilation?: PerAxis, groups?: number], ConvOptions, array>;
export type ConvTransposeOp = Call<
  Operands,
  [stride?: PerAxis, padding?: PerAxis, dilation?: PerAxis, groups?: number, outputPadding?: PerAxis],
  ConvTransposeOptions,
  array
>;

/** Sizes, strides and dilations that devices calculate with. */
const largest = 2 ** 30;

function perAxis(where: string, name: string, value: unknown, axes: number, fallback: number, least: number): number[] {
  const list = Array.isArray(value) ? (value as unknown[]) : new Array<unknown>(axes).fill(value);
  if (list.length !== axes && list.length !== 1) throw rangeError(where, `${name} must name ${axes} axes, not ${list.length}`);
  return Array.from({ length: axes }, (_, axis) => {
    const entry = integerArgument(where, name, list[list.length === 1 ? 0 : axis], fallback);
    if (entry < least) throw rangeError(where, `${name} must be at least ${least}, not ${entry}`);
    if (Math.abs(entry) > largest) throw rangeError(where, `${name} must not be beyond ${largest}: ${entry}`);
    return entry;
  });
}

/** The operands in one floating dtype, with `axes` spatial axes, or as many as they have. */
function operands(where: string, input: ArrayInput, weight: ArrayInput, axes?: number): { x: Node; w: Node; axes: number } {
  const x = toNode(input, undefined, where);
  const w = toNode(weight, undefined, where);
  const spatial = axes ?? x.shape.length - 2;
  if (x.shape.length !== spatial + 2 || spatial < 1) {
    const rank = axes === undefined ? 'at least 3' : String(spatial + 2);
    throw rangeError(where, `input needs ${rank} axes, [batch, spatial…, channels], not shape ${showShape(x.shape)}`);
  }
  if (w.shape.length !== spatial + 2) {
    throw rangeError(where, `weight needs ${spatial + 2} axes, [outputs, spatial…, channels of a group], not shape ${showShape(w.shape)}`);
  }
  const dtype = atLeastFloat(promoteTypes(x.dtype, w.dtype));
  return { x: p.astype(x, dtype), w: p.astype(w, dtype), axes: spatial };
}

function checked(where: string, x: Node, w: Node, attrs: ConvolutionAttrs): Node {
  const { groups } = attrs;
  const shapes = `shapes ${showShape(x.shape)} and ${showShape(w.shape)}`;
  if (groups < 1) throw rangeError(where, `groups must be at least 1, not ${groups}`);
  const channels = x.shape[x.shape.length - 1];
  const last = w.shape[w.shape.length - 1];
  if (last * groups !== channels) {
    const of = groups === 1 ? '' : ` times ${groups} groups`;
    throw rangeError(where, `channels of weight (${last})${of} must equal channels of input (${channels}): ${shapes}`);
  }
  if (w.shape[0] % groups !== 0) throw rangeError(where, `${groups} groups do not divide the ${w.shape[0]} outputs of weight: ${shapes}`);
  if (w.shape.slice(1, -1).includes(0)) throw rangeError(where, `weight has no elements: ${shapes}`);
  const sizes = convolvedSizes(x.shape, w.shape, attrs);
  const missing = sizes.indexOf(0);
  if (missing >= 0) throw rangeError(where, `the kernel is longer than the padded input along spatial axis ${missing}: ${shapes}`);
  const shape = checkShape(where, [x.shape[0], ...sizes, w.shape[0]], x.dtype.size);
  if ([...x.shape, ...w.shape, ...shape, groups].some((size) => size > largest))
    throw rangeError(where, `axes must not be longer than ${largest}: ${shapes}`);
  return p.convolution(x, w, attrs);
}

const repeated = (value: number, axes: number): number[] => new Array<number>(axes).fill(value);

function convCases(axes: number): readonly OpCase[] {
  const shape = (batch: number, size: number, channels: number) => [batch, size, ...[3, 2].slice(0, axes - 1), channels];
  const kernel = (outputs: number, size: number, channels: number) => [outputs, size, ...[2, 2].slice(0, axes - 1), channels];
  return [
    { args: [operand(shape(2, 5, 3)), operand(kernel(2, 3, 3))] },
    { args: [operand(shape(1, 5, 2)), operand(kernel(2, 2, 2)), 2, 1] },
    { args: [operand(shape(2, 4, 4)), operand(kernel(4, 2, 2)), [2, 1, 1].slice(0, axes), [0, 2, 1].slice(0, axes), 2, 2] },
    { args: [operand(shape(2, 4, 2)), operand(kernel(2, 2, 1)), 1, 0, 1, 2] },
    { args: [operand(shape(0, 4, 2)), operand(kernel(2, 2, 2))] },
  ];
}

function convOp(axes: 1 | 2 | 3): ConvOp {
  const name = `conv${axes}d`;
  return defineOp<ConvOp>(
    { name, parameters: ['input', 'weight', 'stride?', 'padding?', 'dilation?', 'groups?'], method: false, cases: () => convCases(axes) },
    (input: ArrayInput, weight: ArrayInput, stride: unknown, padding: unknown, dilation: unknown, groups: unknown): array => {
      const { x, w } = operands(name, input, weight, axes);
      const around = perAxis(name, 'padding', padding, axes, 0, 0);
      return wrap(
        checked(name, x, w, {
          strides: perAxis(name, 'stride', stride, axes, 1, 1),
          low: around,
          high: around,
          kernelDilation: perAxis(name, 'dilation', dilation, axes, 1, 1),
          inputDilation: repeated(1, axes),
          groups: integerArgument(name, 'groups', groups, 1),
          flip: false,
        }),
      );
    },
  );
}

function convTransposeOp(axes: 1 | 2 | 3): ConvTransposeOp {
  const name = `convTranspose${axes}d`;
  const parameters = ['input', 'weight', 'stride?', 'padding?', 'dilation?', 'groups?', 'outputPadding?'];
  const cases = (): readonly OpCase[] => [
    ...convCases(axes).slice(0, 1),
    ...convCases(axes).slice(3),
    { args: [operand([1, 3, 2, 2].slice(0, axes + 1).concat(2)), operand([2, 3, 2, 2].slice(0, axes + 1).concat(2)), 2, 1, 2, 1, 1] },
    { args: [operand([1, 3, 2, 2].slice(0, axes + 1).concat(4)), operand([4, 2, 2, 1].slice(0, axes + 1).concat(2)), 3, 0, 1, 2] },
  ];
  return defineOp<ConvTransposeOp>(
    { name, parameters, method: false, cases },
    (
      input: ArrayInput,
      weight: ArrayInput,
      stride: unknown,
      padding: unknown,
      dilation: unknown,
      groups: unknown,
      outputPadding: unknown,
    ): array => {
      const { x, w } = operands(name, input, weight, axes);
      const around = perAxis(name, 'padding', padding, axes, 0, 0);
      const kernelDilation = perAxis(name, 'dilation', dilation, axes, 1, 1);
      const further = perAxis(name, 'outputPadding', outputPadding, axes, 0, 0);
      const low = around.map((width, axis) => kernelDilation[axis] * (w.shape[axis + 1] - 1) - width);
      return wrap(
        checked(name, x, w, {
          strides: repeated(1, axes),
          low,
          high: low.map((width, axis) => width + further[axis]),
          kernelDilation,
          inputDilation: perAxis(name, 'stride', stride, axes, 1, 1),
          groups: integerArgument(name, 'groups', groups, 1),
          flip: true,
        }),
      );
    },
  );
}

/**
 * The cross-correlation of `input` [batch, length, channels] with `weight` [outputs, length, channels / groups]: [batch, positions, outputs].
 *
 * @throws RangeError when channels, groups or sizes do not meet.
 * @example
 * mx.conv1d(mx.array([1, 2, 3, 4]).reshape(1, 4, 1), mx.ones([1, 2, 1])).flatten(); // array([3, 5, 7], dtype=float32)
 */
export const conv1d = convOp(1);

/**
 * The cross-correlation of `input` [batch, height, width, channels] with `weight` [outputs, height, width, channels / groups].
 *
 * @example
 * mx.conv2d(mx.ones([1, 3, 3, 1]), mx.ones([1, 2, 2, 1])).shape; // [1, 2, 2, 1]
 */
export const conv2d = convOp(2);

/**
 * The cross-correlation of `input` [batch, depth, height, width, channels] with `weight` [outputs, depth, height, width, channels / groups].
 *
 * @example
 * mx.conv3d(mx.ones([1, 3, 3, 3, 1]), mx.ones([1, 2, 2, 2, 1])).shape; // [1, 2, 2, 2, 1]
 */
export const conv3d = convOp(3);

/**
 * What `conv1d` does to gradients, as a layer: [batch, length, channels] with `weight` [outputs, length, channels / groups] gives
 * (length - 1) · stride - 2 · padding + dilation · (kernel - 1) + outputPadding + 1 positions.
 *
 * @example
 * mx.convTranspose1d(mx.ones([1, 2, 1]), mx.ones([1, 2, 1]), 2).shape; // [1, 4, 1]
 */
export const convTranspose1d = convTransposeOp(1);

/**
 * What `conv2d` does to gradients, as a layer. Shapes are those of `conv2d`.
 *
 * @example
 * mx.convTranspose2d(mx.ones([1, 2, 2, 1]), mx.ones([1, 2, 2, 1]), 2).shape; // [1, 4, 4, 1]
 */
export const convTranspose2d = convTransposeOp(2);

/**
 * What `conv3d` does to gradients, as a layer. Shapes are those of `conv3d`.
 *
 * @example
 * mx.convTranspose3d(mx.ones([1, 2, 2, 2, 1]), mx.ones([1, 2, 2, 2, 1]), 2).shape; // [1, 4, 4, 4, 1]
 */
export const convTranspose3d = convTransposeOp(3);

/** Padding that is given for each side: two lists. */
function isSides(padding: unknown): padding is readonly [unknown, unknown] {
  return Array.isArray(padding) && padding.length === 2 && padding.every((side) => Array.isArray(side));
}

/**
 * The cross-correlation over any number of spatial axes: `input` [batch, spatial…, channels] with `weight` [outputs, spatial…, channels / groups]. `padding`
 * is one number, one an axis, or a list of what comes before and one of what comes after; negative numbers cut elements off. `flip` makes it
 * a convolution in the mathematical sense.
 *
 * @example
 * mx.convGeneral(mx.ones([1, 3, 1]), mx.ones([1, 2, 1]), { padding: [[1], [0]] }).flatten(); // array([1, 2, 2], dtype=float32)
 */
export const convGeneral = defineOp<
  Call<
    Operands,
    [stride?: PerAxis, padding?: ConvolutionPadding, kernelDilation?: PerAxis, inputDilation?: PerAxis, groups?: number, flip?: boolean],
    ConvGeneralOptions,
    array
  >
>(
  {
    name: 'convGeneral',
    parameters: ['input', 'weight', 'stride?', 'padding?', 'kernelDilation?', 'inputDilation?', 'groups?', 'flip?'],
    method: false,
    cases: () => [
      { args: [operand([2, 5, 3]), operand([2, 3, 3])] },
      { args: [operand([1, 5, 2]), operand([2, 2, 2]), 2, [[1], [2]], 2, 3, 1, true] },
      {
        args: [
          operand([2, 4, 3, 2]),
          operand([2, 2, 2, 1]),
          [1, 2],
          [
            [-1, 2],
            [2, 0],
          ],
          [1, 2],
          [2, 1],
          2,
          true,
        ],
      },
      { args: [operand([1, 3, 2, 3, 2]), operand([2, 2, 2, 1, 2]), 1, [0, 1, 1], [2, 1, 1], [1, 2, 1]] },
      { args: [operand([2, 2, 2, 1, 2, 2]), operand([2, 1, 2, 1, 2, 1]), 1, 1, 1, 1, 2] },
      { args: [operand([2, 4, 2], { dtype: complex64 }), operand([2, 2, 2], { dtype: complex64 }), 1, 1, 1, 2] },
    ],
  },
  (
    input: ArrayInput,
    weight: ArrayInput,
    stride: unknown,
    padding: unknown,
    kernelDilation: unknown,
    inputDilation: unknown,
    groups: unknown,
    flip: unknown,
  ): array => {
    const name = 'convGeneral';
    const { x, w, axes } = operands(name, input, weight);
    const sides = isSides(padding) ? padding : [padding, padding];
    const [low, high] = sides.map((side) => perAxis(name, 'padding', side, axes, 0, -Infinity));
    return wrap(
      checked(name, x, w, {
        strides: perAxis(name, 'stride', stride, axes, 1, 1),
        low,
        high,
        kernelDilation: perAxis(name, 'kernelDilation', kernelDilation, axes, 1, 1),
        inputDilation: perAxis(name, 'inputDilation', inputDilation, axes, 1, 1),
        groups: integerArgument(name, 'groups', groups, 1),
        flip: booleanArgument(name, 'flip', flip, false),
      }),
    );
  },
);

const modes: readonly unknown[] = ['full', 'same', 'valid'] satisfies ConvolveMode[];

/**
 * The convolution of two sequences, as in NumPy: Σ a[i] · v[n - i]. `full` gives every n, `same` as many as the longer one has, from the
 * middle, and `valid` those at which the shorter one lies inside the longer one.
 *
 * @example
 * mx.convolve([1, 2, 3], [0, 1, 0.5]); // array([0, 1, 2.5, 4, 1.5], dtype=float32)
 */
export const convolve = defineOp<Call<[a: ArrayInput, v: ArrayInput], [mode?: ConvolveMode], { mode: ConvolveMode }, array>>(
  {
    name: 'convolve',
    parameters: ['a', 'v', 'mode?'],
    method: false,
    cases: () => [
      { args: [operand([5]), operand([3])] },
      { args: [operand([2]), operand([4]), 'same'] },
      { args: [operand([4]), operand([2]), 'valid'] },
      { args: [operand([3], { dtype: complex64 }), operand([3], { dtype: complex64 }), 'same'] },
    ],
  },
  (a: ArrayInput, v: ArrayInput, mode: unknown): array => {
    const given = mode ?? 'full';
    if (!modes.includes(given)) throw typeError('convolve', `mode must be one of ${modes.join(', ')}, not ${describe(mode)}`);
    const left = toNode(a, undefined, 'convolve');
    const right = toNode(v, undefined, 'convolve');
    if (left.shape.length !== 1 || right.shape.length !== 1 || left.shape[0] === 0 || right.shape[0] === 0) {
      throw rangeError('convolve', `needs two sequences with elements, not shapes ${showShape(left.shape)} and ${showShape(right.shape)}`);
    }
    const dtype = atLeastFloat(promoteTypes(left.dtype, right.dtype));
    const [long, short] = left.shape[0] < right.shape[0] ? [right, left] : [left, right];
    const size = short.shape[0];
    const before = given === 'full' ? size - 1 : given === 'same' ? Math.floor(size / 2) : 0;
    const after = given === 'same' ? size - 1 - before : before;
    const sequence = (x: Node): Node => p.reshape(p.astype(x, dtype), [1, x.shape[0], 1]);
    const out = p.convolution(sequence(long), sequence(short), {
      strides: [1],
      low: [before],
      high: [after],
      kernelDilation: [1],
      inputDilation: [1],
      groups: 1,
      flip: true,
    });
    return wrap(p.reshape(out, [out.shape[1]]));
  },
);
