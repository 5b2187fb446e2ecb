/** Convolutions over any number of spatial axes: one bilinear primitive whose transposes are convolutions again. */

import { rangeError, showShape, typeError } from '../errors';
import { Node, type Shape, type ShapeDtype } from '../graph/node';
import { sizeOf } from '../shape';
import { zeros } from './generators';
import { flip, reshape, transpose } from './movement';
import { definePrimitive } from './primitive';
import { addTangents, internalError } from './rules';
import { conjugate } from './unary';

/**
 * For each spatial axis: out[o] = Σ_k dilated[o · stride + k · kernelDilation - low] · w[k], where `dilated` is the input with
 * `inputDilation` - 1 zeros between its elements. Beyond it everything is 0; negative padding cuts elements off.
 */
export interface ConvolutionAttrs {
  readonly strides: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly kernelDilation: readonly number[];
  readonly inputDilation: readonly number[];
  readonly groups: number;
  /** The kernel is read from its last element to its first along the spatial axes: what mathematics calls a convolution. */
  readonly flip: boolean;
}

/** The extent of `size` elements that lie `dilation` apart. */
function extent(size: number, dilation: number): number {
  return size === 0 ? 0 : (size - 1) * dilation + 1;
}

/** How many positions the kernel takes along each spatial axis. */
export function convolvedSizes(
  input: Shape,
  kernel: Shape,
  { strides, low, high, kernelDilation, inputDilation }: ConvolutionAttrs,
): number[] {
  return strides.map((stride, axis) => {
    const room = low[axis] + extent(input[axis + 1], inputDilation[axis]) + high[axis] - extent(kernel[axis + 1], kernelDilation[axis]);
    return room < 0 ? 0 : Math.floor(room / stride) + 1;
  });
}

const convolutionNode = definePrimitive<ConvolutionAttrs>({
  name: 'convolution',
  lowering: {
    kind: 'routine',
    routine: 'convolution',
    ints: ({ strides, low, kernelDilation, inputDilation, groups, flip }) => [
      groups,
      Number(flip),
      ...strides,
      ...low,
      ...kernelDilation,
      ...inputDilation,
    ],
  },
  key({ strides, low, high, kernelDilation, inputDilation, groups, flip }, key) {
    for (const list of [strides, low, high, kernelDilation, inputDilation]) key.ints(list);
    key.int(groups);
    key.int(Number(flip));
  },
  infer([x, w], attrs) {
    if (x.dtype !== w.dtype || !x.dtype.inexact) {
      throw typeError('convolution', `needs two floating arrays of one dtype, not ${x.dtype.name} and ${w.dtype.name}`);
    }
    const { groups } = attrs;
    const spatial = attrs.strides.length;
    const channels = x.shape[spatial + 1];
    const fits =
      x.shape.length === spatial + 2 &&
      w.shape.length === spatial + 2 &&
      w.shape[spatial + 1] * groups === channels &&
      w.shape[0] % groups === 0;
    if (!fits) {
      throw rangeError('convolution', `input ${showShape(x.shape)} and weight ${showShape(w.shape)} do not fit with ${groups} groups`);
    }
    return { shape: [x.shape[0], ...convolvedSizes(x.shape, w.shape, attrs), w.shape[0]], dtype: x.dtype };
  },
  jvp(out, [tx, tw], attrs) {
    const [x, w] = out.inputs;
    return addTangents(tx === null ? null : convolution(tx, w, attrs), tw === null ? null : convolution(x, tw, attrs));
  },
  transpose(ct, out, linear, attrs) {
    if (linear[0] && linear[1]) throw internalError('convolution', 'is not linear in both operands together');
    const [x, w] = out.inputs;
    return linear[0] ? [inputCotangent(ct, x, w, attrs), null] : [null, weightCotangent(ct, x, w, attrs)];
  },
  vmap([x, w], [xMapped, wMapped], size, attrs, out) {
    if (size === 0) return zeros([0, ...out.shape], out.dtype);
    if (!wMapped) return mappedInput(x, w, attrs);
    return xMapped ? mappedBoth(x, w, size, attrs) : mappedWeight(x, w, size, attrs);
  },
});

/** `x` [N, spatial…, C] with `w` [F, spatial…, C / groups]: [N, positions…, F]. */
export function convolution(x: Node, w: Node, attrs: ConvolutionAttrs): Node {
  const { shape, dtype } = convolutionNode.infer([x, w], attrs) as ShapeDtype;
  return new Node(convolutionNode, [x, w], attrs, shape, dtype);
}

function spatialAxes(attrs: ConvolutionAttrs): number[] {
  return attrs.strides.map((_, axis) => axis + 1);
}

/** The axis of channels becomes [groups, channels of a group]. */
function splitChannels(x: Node, groups: number): Node {
  const last = x.shape.length - 1;
  return reshape(x, [...x.shape.slice(0, last), groups, x.shape[last] / groups]);
}

/**
 * Element i of the input meets position o through element k of the kernel where i · inputDilation = o · stride + k · kernelDilation - low. Solved
 * for o that is a convolution of the cotangent, dilated by the stride, with the kernel read the other way.
 */
function inputCotangent(ct: Node, x: Node, w: Node, attrs: ConvolutionAttrs): Node {
  if (sizeOf(ct.shape) === 0 || sizeOf(w.shape) === 0 || sizeOf(x.shape) === 0) return zeros(x.shape, x.dtype);
  const { strides, kernelDilation, inputDilation, groups } = attrs;
  const kernel = strides.map((_, axis) => extent(w.shape[axis + 1], kernelDilation[axis]) - 1);
  const low = kernel.map((size, axis) => size - attrs.low[axis]);
  const high = kernel.map(
    (size, axis) => extent(x.shape[axis + 1], inputDilation[axis]) + size - low[axis] - extent(ct.shape[axis + 1], strides[axis]),
  );
  return convolution(ct, conjugate(swapChannels(w, groups)), {
    strides: inputDilation,
    low,
    high,
    kernelDilation,
    inputDilation: strides,
    groups,
    flip: !attrs.flip,
  });
}

/** [F, spatial…, C / groups] to [C, spatial…, F / groups]. */
function swapChannels(w: Node, groups: number): Node {
  const rank = w.shape.length;
  const spatial = w.shape.slice(1, -1);
  if (groups === 1) return transpose(w, [rank - 1, ...spatial.map((_, axis) => axis + 1), 0]);
  const split = reshape(w, [groups, w.shape[0] / groups, ...w.shape.slice(1)]);
  const swapped = transpose(split, [0, rank, ...spatial.map((_, axis) => axis + 2), 1]);
  return reshape(swapped, [groups * w.shape[rank - 1], ...spatial, w.shape[0] / groups]);
}

/** The same equation solved for k: the cotangent is the kernel, and the examples of the batch are the channels that are summed. */
function weightCotangent(ct: Node, x: Node, w: Node, attrs: ConvolutionAttrs): Node {
  if (sizeOf(ct.shape) === 0 || sizeOf(x.shape) === 0 || sizeOf(w.shape) === 0) return zeros(w.shape, w.dtype);
  const { strides, low, kernelDilation, inputDilation, groups } = attrs;
  const high = strides.map(
    (stride, axis) =>
      extent(w.shape[axis + 1], kernelDilation[axis]) -
      1 +
      extent(ct.shape[axis + 1], stride) -
      low[axis] -
      extent(x.shape[axis + 1], inputDilation[axis]),
  );
  const swapped: ConvolutionAttrs = { strides: kernelDilation, low, high, kernelDilation: strides, inputDilation, groups, flip: false };
  // [C / groups, kernel…, F]
  const result = convolution(conjugate(channelsFirst(x, groups)), outputsFirst(ct), swapped);
  const spatial = spatialAxes(attrs);
  const dw = transpose(result, [result.shape.length - 1, ...spatial, 0]);
  return attrs.flip ? flip(dw, spatial) : dw;
}

/** [N, spatial…, C] to [C / groups, spatial…, groups · N]. */
function channelsFirst(x: Node, groups: number): Node {
  const last = x.shape.length - 1;
  const spatial = x.shape.slice(1, last);
  const axes = spatial.map((_, axis) => axis + 1);
  if (groups === 1) return transpose(x, [last, ...axes, 0]);
  const split = transpose(splitChannels(x, groups), [last + 1, ...axes, last, 0]);
  return reshape(split, [x.shape[last] / groups, ...spatial, groups * x.shape[0]]);
}

/** [N, spatial…, F] to [F, spatial…, N]. */
function outputsFirst(ct: Node): Node {
  const last = ct.shape.length - 1;
  return transpose(ct, [last, ...ct.shape.slice(1, last).map((_, axis) => axis + 1), 0]);
}

/** The batch joins the examples. */
function mappedInput(x: Node, w: Node, attrs: ConvolutionAttrs): Node {
  const [size, examples, ...rest] = x.shape;
  const out = convolution(reshape(x, [size * examples, ...rest]), w, attrs);
  return reshape(out, [size, examples, ...out.shape.slice(1)]);
}

/** The batch joins the output channels, inside each group. */
function mappedWeight(x: Node, w: Node, size: number, attrs: ConvolutionAttrs): Node {
  const { groups } = attrs;
  const [, outputs, ...rest] = w.shape;
  const split = reshape(w, [size, groups, outputs / groups, ...rest]);
  const inside = transpose(split, [1, 0, ...split.shape.slice(2).map((_, axis) => axis + 2)]);
  const out = convolution(x, reshape(inside, [size * outputs, ...rest]), attrs);
  const lead = out.shape.slice(0, -1);
  const apart = reshape(out, [...lead, groups, size, outputs / groups]);
  const at = lead.length;
  return reshape(transpose(apart, [at + 1, ...lead.keys(), at, at + 2]), [size, ...lead, outputs]);
}

/** Each lane is a group, or as many groups as it has. */
function mappedBoth(x: Node, w: Node, size: number, attrs: ConvolutionAttrs): Node {
  const [, outputs, ...rest] = w.shape;
  const channels = x.shape[x.shape.length - 1];
  const rank = x.shape.length;
  const lanesInside = transpose(x, [...x.shape.slice(1, -1).map((_, axis) => axis + 1), 0, rank - 1]);
  const out = convolution(reshape(lanesInside, [...x.shape.slice(1, -1), size * channels]), reshape(w, [size * outputs, ...rest]), {
    ...attrs,
    groups: size * attrs.groups,
  });
  const lead = out.shape.slice(0, -1);
  const apart = reshape(out, [...lead, size, outputs]);
  return transpose(apart, [lead.length, ...lead.keys(), lead.length + 1]);
}
