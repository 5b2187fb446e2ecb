/** Building blocks of transformers: attention, rotary positions and norms. */

import { type ArrayInput, type array, toNode, wrap } from './array';
import { bool, type Dtype, int32, promoteTypes } from './dtype';
import { rangeError, showShape, typeError } from './errors';
import type { Node, Shape } from './graph/node';
import { booleanArgument, describe, integerArgument, numberArgument } from './ops/arguments';
import { quantizationArguments, quantizeWith } from './ops/quantization';
import type { QuantizationOptions } from './ops/quantized';
import { type Call, defineOp, operand } from './ops/registry';
import * as p from './primitives';
import { countingDtype } from './primitives/rules';

export { type MetalKernel, type MetalKernelCall, metalKernel } from './metal-kernel';

function floating(where: string, name: string, value: ArrayInput): Node {
  const x = toNode(value, undefined, where);
  if (x.dtype.kind !== 'float') throw typeError(where, `${name} must be real floats, not ${x.dtype.name}`);
  return x;
}

/** A vector for the last axis of `x`, or null. */
function vector(where: string, name: string, value: unknown, x: Node): Node | null {
  if (value === null || value === undefined) return null;
  const v = floating(where, name, value as ArrayInput);
  const size = x.shape[x.shape.length - 1];
  if (v.shape.length !== 1 || v.shape[0] !== size) {
    throw rangeError(where, `${name} must have the shape of the last axis, [${size}], not ${showShape(v.shape)}`);
  }
  return v;
}

function withLastAxis(where: string, value: ArrayInput): Node {
  const x = floating(where, 'array', value);
  if (x.shape.length === 0) throw rangeError(where, 'array needs at least 1 axis');
  return x;
}

/** The operands that are there in the dtype that holds all of them. */
function promoted<T extends readonly (Node | null)[]>(...operands: T): T {
  const dtype = operands.flatMap((x) => (x === null ? [] : [x.dtype])).reduce(promoteTypes);
  return operands.map((x) => (x === null ? null : p.astype(x, dtype))) as unknown as T;
}

/**
 * x / √(mean(x²) + eps) along the last axis, times `weights` if they are not null. 16-bit floats are computed in float32.
 *
 * @example
 * mx.fast.rmsNorm([3, 4], null, 0); // array([0.848528, 1.13137], dtype=float32)
 */
export const rmsNorm = defineOp<
  Call<
    [array: ArrayInput],
    [weights?: ArrayInput | null, eps?: number],
    { weights: ArrayInput | null; weight: ArrayInput | null; eps: number },
    array
  >
>(
  {
    name: 'fast.rmsNorm',
    parameters: ['array', 'weights|weight?', 'eps?'],
    method: false,
    cases: () => [
      { args: [operand([2, 3]), operand([3]), 1e-5] },
      { args: [operand([2, 2, 3]), null, 0.1] },
      { args: [operand([4]), operand([4]), 1e-5] },
      { args: [operand([2, 0]), operand([0]), 1e-5] },
    ],
  },
  (array: ArrayInput, weights: unknown, eps: unknown): array => {
    const where = 'fast.rmsNorm';
    const x = withLastAxis(where, array);
    const [rows, weight] = promoted(x, vector(where, 'weights', weights, x));
    return wrap(p.rmsNorm(rows, weight, numberArgument(where, 'eps', eps)));
  },
);

/**
 * (x - mean) / √(variance + eps) along the last axis, times `weights` and plus `bias` where they are not null. 16-bit floats are computed in
 * float32.
 *
 * @example
 * mx.fast.layerNorm([1, 3], null, null, 0); // array([-1, 1], dtype=float32)
 */
export const layerNorm = defineOp<
  Call<
    [array: ArrayInput],
    [weights?: ArrayInput | null, bias?: ArrayInput | null, eps?: number],
    { weights: ArrayInput | null; weight: ArrayInput | null; bias: ArrayInput | null; eps: number },
    array
  >
>(
  {
    name: 'fast.layerNorm',
    parameters: ['array', 'weights|weight?', 'bias?', 'eps?'],
    method: false,
    cases: () => [
      { args: [operand([2, 3]), operand([3]), operand([3]), 1e-5] },
      { args: [operand([2, 2, 3]), null, null, 0.1] },
      { args: [operand([4]), operand([4]), null, 1e-5] },
      { args: [operand([4]), null, operand([4]), 1e-5] },
    ],
  },
  (array: ArrayInput, weights: unknown, bias: unknown, eps: unknown): array => {
    const where = 'fast.layerNorm';
    const x = withLastAxis(where, array);
    const [rows, weight, shift] = promoted(x, vector(where, 'weights', weights, x), vector(where, 'bias', bias, x));
    return wrap(p.layerNorm(rows, weight, shift, numberArgument(where, 'eps', eps)));
  },
);

/** Options of `rope`. */
export interface RopeOptions {
  /** Pairs are neighbours instead of elements of two halves. */
  traditional: boolean;
  /** Pair i turns by position · base^(-2i / dims); null where `freqs` are given. */
  base: number | null;
  /** What positions are multiplied by. */
  scale: number;
  /** The position of the first element, or one for each example of the batch. */
  offset: number | ArrayInput;
  /** Pair i turns by position / freqs[i]. */
  freqs: ArrayInput | null;
}

/** The frequencies of all pairs for each batch, or null where a base is given. */
function frequencies(where: string, lead: Shape, half: number, base: unknown, freqs: unknown, dtype: Dtype): Node | null {
  if (freqs === null || freqs === undefined) {
    if (base === null) throw typeError(where, 'needs base or freqs');
    return null;
  }
  if (base !== null && base !== undefined) throw typeError(where, 'base must be null where freqs are given');
  const given = toNode(freqs as ArrayInput, undefined, where);
  if (given.shape.length !== 1 || given.shape[0] !== half) {
    throw rangeError(where, `freqs must have shape [${half}], not ${showShape(given.shape)}`);
  }
  return p.broadcastTo(p.astype(given, dtype), [...lead, half]);
}

/** The offset of each batch, or null where it is a number. */
function offsets(where: string, lead: Shape, offset: unknown, dtype: Dtype): Node | null {
  if (offset === undefined || offset === null || typeof offset === 'number') return null;
  const given = p.astype(toNode(offset as ArrayInput, undefined, where), dtype);
  const perExample = given.shape.length === 1 && lead.length > 0 && (given.shape[0] === lead[0] || given.shape[0] === 1);
  if (given.shape.length !== 0 && !perExample) {
    throw rangeError(where, `offset must be a number or one for each example, not of shape ${showShape(given.shape)}`);
  }
  return p.broadcastTo(perExample ? p.reshape(given, [given.shape[0], ...lead.slice(1).map(() => 1)]) : given, lead);
}

/**
 * Rotary positions: the first `dims` elements of the last axis of `array` [batch…, length, width] are turned, pair by pair, by angles that
 * grow with the position along the axis before. 16-bit floats are computed in float32.
 *
 * @example
 * mx.fast.rope(mx.ones([1, 2, 2]), 2, false, 10000, 1, 0).index(0, 1); // array([-0.301169, 1.38177], dtype=float32)
 */
export const rope = defineOp<
  Call<
    [array: ArrayInput, dims: number],
    [traditional?: boolean, base?: number | null, scale?: number, offset?: number | ArrayInput, freqs?: ArrayInput | null],
    RopeOptions,
    array
  >
>(
  {
    name: 'fast.rope',
    parameters: ['array', 'dims', 'traditional?', 'base?', 'scale?', 'offset?', 'freqs?'],
    method: false,
    cases: () => [
      { args: [operand([2, 3, 4]), 4, false, 10000, 1, 0] },
      { args: [operand([1, 2, 2, 6]), 4, true, 100, 0.5, 3] },
      { args: [operand([2, 2, 2, 5]), 4, false, 100, 1, operand([2], { dtype: int32, low: 0, high: 5 })] },
      { args: [operand([1, 3, 4]), 4, true, null, 1, 2, operand([2], { low: 1, high: 3 })] },
      { args: [operand([2, 4]), 2, false, 10, 1, operand([])] },
    ],
  },
  (array: ArrayInput, dims: unknown, traditional: unknown, base: unknown, scale: unknown, offset: unknown, freqs: unknown): array => {
    const where = 'fast.rope';
    const x = floating(where, 'array', array);
    const rank = x.shape.length;
    if (rank < 2) throw rangeError(where, `array needs at least 2 axes, [length, width], not shape ${showShape(x.shape)}`);
    const width = x.shape[rank - 1];
    const turned = integerArgument(where, 'dims', dims);
    if (turned < 2 || turned % 2 !== 0 || turned > width) throw rangeError(where, `dims must be even, from 2 to ${width}, not ${turned}`);
    const dtype = countingDtype(x.dtype);
    const lead = x.shape.slice(0, -2);
    return wrap(
      p.rope(x, offsets(where, lead, offset, dtype), frequencies(where, lead, turned / 2, base, freqs, dtype), {
        dims: turned,
        traditional: booleanArgument(where, 'traditional', traditional, false),
        base: numberArgument(where, 'base', base ?? undefined, 10000),
        scale: numberArgument(where, 'scale', scale, 1),
        offset: typeof offset === 'number' ? numberArgument(where, 'offset', offset) : 0,
      }),
    );
  },
);

/** What is seen: `'causal'` (a query sees the keys up to its own place), a boolean array, or an array that is added to the scores. */
export type AttentionMask = ArrayInput | 'causal' | null;

/** The mask with four axes, each of size 1 or of that of the scores. */
function maskNode(where: string, value: AttentionMask, scores: Shape, dtype: Dtype): Node {
  const given = toNode(value as ArrayInput, undefined, where);
  const mask = given.dtype === bool ? given : p.astype(given, dtype);
  if (given.dtype !== bool && promoteTypes(given.dtype, dtype) !== dtype) {
    throw typeError(where, `a mask of ${given.dtype.name} does not fit into scores of ${dtype.name}`);
  }
  const missing = 4 - mask.shape.length;
  const shape = [...new Array<number>(Math.max(missing, 0)).fill(1), ...mask.shape];
  if (missing < 0 || !shape.every((size, axis) => size === 1 || size === scores[axis])) {
    throw rangeError(where, `a mask of shape ${showShape(mask.shape)} does not broadcast to the scores' ${showShape(scores)}`);
  }
  return p.reshape(mask, shape);
}

/** Options of `scaledDotProductAttention`. */
export interface AttentionOptions {
  scale: number;
  mask: AttentionMask;
  /** Accepted for MLX's sake: attention takes little memory at every length. */
  memoryEfficientThreshold: number;
}

/**
 * softmax(scale · queries keysᵀ + mask) values for queries [batch, heads, length, width], keys and values [batch, sharing heads, length, width], where
 * the number of heads is a multiple of that of the keys. The scores are never held: memory is linear in the lengths. Sums are float32 or
 * wider. A query that sees nothing gives 0.
 *
 * @example
 * const x = mx.ones([1, 1, 2, 2]);
 * mx.fast.scaledDotProductAttention(x, x, x, 1, 'causal').shape; // [1, 1, 2, 2]
 */
export const scaledDotProductAttention = defineOp<
  Call<
    [queries: ArrayInput, keys: ArrayInput, values: ArrayInput],
    [scale?: number, mask?: AttentionMask, memoryEfficientThreshold?: number],
    AttentionOptions,
    array
  >
>(
  {
    name: 'fast.scaledDotProductAttention',
    parameters: ['queries', 'keys', 'values', 'scale?', 'mask?', 'memoryEfficientThreshold?'],
    method: false,
    cases: () => [
      { args: [operand([2, 2, 3, 2]), operand([2, 2, 3, 2]), operand([2, 2, 3, 2]), 0.7] },
      { args: [operand([1, 4, 2, 3]), operand([1, 2, 4, 3]), operand([1, 2, 4, 2]), 0.5, 'causal'] },
      { args: [operand([1, 2, 3, 2]), operand([1, 1, 4, 2]), operand([1, 1, 4, 2]), 1, operand([3, 4])] },
      { args: [operand([2, 1, 2, 2]), operand([2, 1, 3, 2]), operand([2, 1, 3, 2]), 1, operand([2, 1, 1, 3], { dtype: bool })] },
    ],
  },
  (queries: ArrayInput, keys: ArrayInput, values: ArrayInput, scale: unknown, mask: unknown, threshold: unknown): array => {
    const where = 'fast.scaledDotProductAttention';
    const given = [floating(where, 'queries', queries), floating(where, 'keys', keys), floating(where, 'values', values)];
    const dtype = given.map((x) => x.dtype).reduce(promoteTypes);
    const [q, k, v] = given.map((x) => p.astype(x, dtype));
    const shapes = `shapes ${given.map((x) => showShape(x.shape)).join(', ')}`;
    if (given.some((x) => x.shape.length !== 4)) throw rangeError(where, `operands need 4 axes, [batch, heads, length, width]: ${shapes}`);
    const [a, b, c] = given.map((x) => x.shape);
    if (a[0] !== b[0] || a[0] !== c[0]) throw rangeError(where, `operands must have one batch size: ${shapes}`);
    if (b[1] !== c[1] || (b[1] === 0 ? a[1] !== 0 : a[1] % b[1] !== 0)) {
      throw rangeError(where, `heads of queries (${a[1]}) must be a multiple of those of keys (${b[1]}) and values (${c[1]}): ${shapes}`);
    }
    if (a[3] !== b[3]) throw rangeError(where, `width of queries (${a[3]}) must equal that of keys (${b[3]}): ${shapes}`);
    if (b[2] !== c[2]) throw rangeError(where, `there must be as many values (${c[2]}) as keys (${b[2]}): ${shapes}`);
    integerArgument(where, 'memoryEfficientThreshold', threshold, 0);
    const causal = mask === 'causal';
    if (typeof mask === 'string' && !causal) throw typeError(where, `mask must be 'causal' or an array, not ${describe(mask)}`);
    const scores = [a[0], a[1], a[2], b[2]];
    const seen = causal || mask === null || mask === undefined ? null : maskNode(where, mask as ArrayInput, scores, dtype);
    return wrap(p.attention(q, k, v, seen, { scale: numberArgument(where, 'scale', scale), causal }));
  },
);

/**
 * The words that `quantize` gives for scales and biases that exist already: each number of the last axis becomes the nearest (w - bias) / scale
 * that its bits hold.
 *
 * @example
 * mx.fast.affineQuantize(mx.ones([32]), [1], [0], 32, 8).index(0); // array(16843009, dtype=uint32)
 */
export const affineQuantize = defineOp<
  Call<[w: ArrayInput, scales: ArrayInput, biases: ArrayInput], [groupSize?: number, bits?: number], QuantizationOptions, array>
>(
  {
    name: 'fast.affineQuantize',
    parameters: ['w', 'scales', 'biases', 'groupSize?', 'bits?'],
    method: false,
    cases: () => [
      {
        args: [operand([2, 32]), operand([2, 1], { low: 0.2, high: 1 }), operand([2, 1], { low: -2, high: -1 }), 32, 3],
        differentiable: false,
      },
    ],
  },
  (w: ArrayInput, scales: ArrayInput, biases: ArrayInput, groupSize: unknown, bits: unknown): array => {
    const where = 'fast.affineQuantize';
    const [x, s, b] = [w, scales, biases].map((value) => toNode(value, undefined, where));
    return wrap(quantizeWith(where, x, s, b, quantizationArguments(where, groupSize, bits)));
  },
);
