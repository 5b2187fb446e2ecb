/** Random numbers from keys: threefry-2x32 in the layout of MLX, so that a key gives the bits that it gives there. */

import { ArrayHandle, type ArrayInput, type array, isArray, nodeOf, toNode, wrap } from '../array';
import {
  bfloat16,
  complex64,
  type Dtype,
  float16,
  float32,
  float64,
  int32,
  int64,
  promoteTypes,
  uint8,
  uint16,
  uint32,
  uint64,
} from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import type { Node, Shape } from '../graph/node';
import { axisArgument, conform, describe, dtypeArgument, integerArgument, shapeArgument } from '../ops/arguments';
import { type Call, defineOp, operand } from '../ops/registry';
import { takeNode } from '../ops/take';
import * as p from '../primitives';
import type { Scalar } from '../primitives/primitive';
import { broadcastShapes, sameShape, sizeOf } from '../shape';
import { checkKey, keyNode, nextKey, splitKey } from './state';

export { multivariateNormal } from './multivariate';
export { seed, state } from './state';

type ShapeInput = number | readonly number[];

/** Options of a draw. */
interface Draw {
  shape: ShapeInput;
  dtype: Dtype;
  key: array;
}
/** A draw that is moved and stretched. */
type LocatedDraw = Call<
  [],
  [shape?: ShapeInput, dtype?: Dtype, loc?: ArrayInput, scale?: ArrayInput, key?: array],
  Draw & { loc: ArrayInput; scale: ArrayInput },
  array
>;

/** The key that a draw was given, or the next one of the sequence. */
function keyFor(where: string, value: unknown): Node {
  if (value === undefined || value === null) return nextKey();
  const node = toNode(value as ArrayInput, undefined, where);
  checkKey(where, node);
  return node;
}

function floatingDtype(where: string, value: unknown): Dtype {
  const dtype = dtypeArgument(where, value, float32);
  if (dtype.kind !== 'float') throw typeError(where, `dtype must be a real floating dtype, not ${dtype}`);
  return dtype;
}

function optionalShape(where: string, value: unknown): Shape | undefined {
  return value === undefined || value === null ? undefined : shapeArgument(where, value);
}

/** A parameter of a distribution, spread over `shape` in `dtype`. Numbers stay arguments of the plan. */
function spread(where: string, name: string, value: ArrayInput, shape: Shape, dtype: Dtype): Node {
  if (typeof value === 'number') return p.full(value, shape, dtype);
  const node = toNode(value, undefined, where);
  if (!sameShape(broadcastShapes(where, node.shape, shape), shape)) {
    throw rangeError(where, `${name} of shape ${showShape(node.shape)} does not broadcast to the shape ${showShape(shape)}`);
  }
  return conform(node, shape, dtype);
}

/** The shape asked for, or the one that the parameters broadcast to. */
function shapeFor(where: string, shape: unknown, ...parameters: readonly ArrayInput[]): Shape {
  const given = optionalShape(where, shape);
  if (given !== undefined) return given;
  return parameters
    .map((value) => (typeof value === 'number' ? [] : toNode(value, undefined, where).shape))
    .reduce((a, b) => broadcastShapes(where, a, b));
}

function scaled(x: Node, factor: Scalar): Node {
  return p.multiply(x, p.full(factor, x.shape, x.dtype));
}

/** The largest number below 1 of each dtype. */
const belowOne = new Map<Dtype, number>([
  [float16, 1 - 2 ** -11],
  [bfloat16, 1 - 2 ** -8],
  [float32, 1 - 2 ** -24],
  [float64, 1 - 2 ** -53],
]);

/**
 * Uniform in [0, 1): 32 random bits over 2³², as MLX has it, rounded to the dtype and capped below 1. float64, which MLX lacks, takes 64 bits and has a
 * resolution of 2⁻⁵³.
 */
function unit(shape: Shape, dtype: Dtype, key: Node): Node {
  const cap = belowOne.get(dtype) as number;
  if (dtype === float64) {
    const pairs = p.astype(p.randomBits(key, [...shape, 2], uint32), float64);
    const starts = new Array<number>(shape.length).fill(0);
    const word = (index: number): Node => p.reshape(p.slice(pairs, [...starts, index], [...shape, 1]), shape);
    const fraction = scaled(p.add(word(0), scaled(word(1), 2 ** -32)), 2 ** -32);
    return p.minimum(fraction, p.full(cap, shape, float64));
  }
  const fraction = scaled(p.astype(p.randomBits(key, shape, uint32), float32), 2 ** -32);
  return p.astype(p.minimum(fraction, p.full(cap, shape, float32)), dtype);
}

/** Uniform in (-1, 1), in float32 or, for float64, in that. */
function symmetric(shape: Shape, dtype: Dtype, key: Node): Node {
  const working = dtype === float64 ? float64 : float32;
  const low = -(belowOne.get(working) as number);
  return p.add(scaled(unit(shape, working, key), 2), p.full(low, shape, working));
}

/** loc + scale · x for what `standard` draws in the dtype that `dtypeOf` reads. */
function locatedDraw(
  name: string,
  dtypeOf: (where: string, value: unknown) => Dtype,
  standard: (shape: Shape, dtype: Dtype, key: Node) => Node,
): LocatedDraw {
  return defineOp<LocatedDraw>(
    {
      name,
      method: false,
      parameters: ['shape?', 'dtype?', 'loc?', 'scale?', 'key?'],
      cases: () => [{ args: [[2, 3], float64, operand([3], { dtype: float64 }), operand([2, 1], { dtype: float64 }), seven()] }],
    },
    (shape?: ShapeInput, dtype?: Dtype, loc: ArrayInput = 0, scale: ArrayInput = 1, given?: array): array => {
      const type = dtypeOf(name, dtype);
      const result = shapeFor(name, shape, loc, scale);
      const x = standard(result, type, keyFor(name, given));
      const stretched = scale === 1 ? x : p.multiply(spread(name, 'scale', scale, result, type), x);
      return wrap(loc === 0 ? stretched : p.add(spread(name, 'loc', loc, result, type), stretched));
    },
  );
}

/**
 * The key of a seed: an integer from 0 to 2^53 - 1, or a bigint up to 2^64 - 1.
 *
 * @example
 * mx.random.key(7); // array([0, 7], dtype=uint32)
 */
export function key(seed: number | bigint): array {
  return wrap(keyNode('random.key', seed));
}

/**
 * `num` keys (2 unless told) from one: shape [num, 2]. Each gives numbers that have nothing to do with those of the others.
 *
 * @example
 * const [a, b] = mx.random.split(mx.random.key(0));
 */
export const split = defineOp<Call<[key: array], [num?: number], { num: number }, array>>(
  {
    name: 'random.split',
    method: false,
    parameters: ['key', 'num?'],
    cases: () => [
      { args: [anyKey()], differentiable: false },
      { args: [anyKey(), 3], differentiable: false },
    ],
  },
  (given: ArrayInput, num?: number): array => {
    const count = integerArgument('random.split', 'num', num, 2);
    if (count < 0) throw rangeError('random.split', `num must be at least 0, not ${count}`);
    if (given === undefined || given === null) throw typeError('random.split', 'key is missing');
    return wrap(p.randomBits(keyFor('random.split', given), [count, 2], uint32));
  },
);

/**
 * Random bits: uint32, or uint16 or uint8 for a `width` of 2 or 1 bytes.
 *
 * @example
 * mx.random.bits([2], 4, mx.random.key(0)).dtype; // uint32
 */
export const bits = defineOp<
  Call<[], [shape?: ShapeInput, width?: number, key?: array], { shape: ShapeInput; width: number; key: array }, array>
>(
  {
    name: 'random.bits',
    method: false,
    parameters: ['shape?', 'width?', 'key?'],
    cases: () => [
      { args: [[3], 4, anyKey()], differentiable: false },
      { args: [[2, 3], 1, anyKey()], differentiable: false },
    ],
  },
  (shape?: ShapeInput, width?: number, given?: array): array => {
    const bytes = integerArgument('random.bits', 'width', width, 4);
    const dtype = bytes === 4 ? uint32 : bytes === 2 ? uint16 : bytes === 1 ? uint8 : undefined;
    if (dtype === undefined) throw rangeError('random.bits', `width must be 1, 2 or 4, not ${bytes}`);
    return wrap(p.randomBits(keyFor('random.bits', given), optionalShape('random.bits', shape) ?? [], dtype));
  },
);

const seven = (): array => key(7);
/** A key to draw, so that the law tests map over keys. */
const anyKey = () => operand([2], { low: 0, high: 1000, dtype: uint32 });

/**
 * Uniform in [`low`, `high`). Bounds broadcast to `shape`; without a shape, theirs is taken. Differentiable in the bounds. float64 has a resolution of
 * 2⁻⁵³, the other dtypes 2⁻³² before rounding.
 *
 * @example
 * mx.random.uniform(0, 1, [2], mx.float32, mx.random.key(7)); // array([0.0454126, 0.945806], dtype=float32)
 * mx.random.uniform({ shape: [4096, 100] });
 */
export const uniform = defineOp<
  Call<
    [],
    [low?: ArrayInput, high?: ArrayInput, shape?: ShapeInput, dtype?: Dtype, key?: array],
    Draw & { low: ArrayInput; high: ArrayInput },
    array
  >
>(
  {
    name: 'random.uniform',
    method: false,
    parameters: ['low?', 'high?', 'shape?', 'dtype?', 'key?'],
    cases: () => [{ args: [operand([3], { dtype: float64 }), operand([2, 1], { dtype: float64 }), [2, 3], float64, seven()] }],
  },
  (low: ArrayInput = 0, high: ArrayInput = 1, shape?: ShapeInput, dtype?: Dtype, given?: array): array => {
    const where = 'random.uniform';
    const type = floatingDtype(where, dtype);
    const result = shapeFor(where, shape, low, high);
    const draw = unit(result, type, keyFor(where, given));
    if (low === 0 && high === 1) return wrap(draw);
    const from = spread(where, 'low', low, result, type);
    const range = p.subtract(spread(where, 'high', high, result, type), from);
    return wrap(p.add(p.multiply(range, draw), from));
  },
);

/** Normal numbers of mean 0 and variance 1: √2 · erfinv of uniform in (-1, 1), half the variance for each part of a complex one. */
function standardNormal(shape: Shape, dtype: Dtype, key: Node): Node {
  if (dtype !== complex64) return scaled(p.astype(p.erfinv(symmetric(shape, dtype, key)), dtype), Math.SQRT2);
  const parts = p.erfinv(symmetric([...shape, 2], float32, key));
  const starts = new Array<number>(shape.length).fill(0);
  const part = (index: number): Node => p.astype(p.reshape(p.slice(parts, [...starts, index], [...shape, 1]), shape), complex64);
  return p.add(part(0), scaled(part(1), { re: 0, im: 1 }));
}

/**
 * Normal numbers with mean `loc` and standard deviation `scale`, which broadcast to `shape` and in which it is differentiable. For complex64 the real and the
 * imaginary part have half the variance each.
 *
 * @example
 * mx.random.normal([4], { key: mx.random.key(0) });
 */
export const normal = locatedDraw(
  'random.normal',
  (where, value) => (value === complex64 ? complex64 : floatingDtype(where, value)),
  standardNormal,
);

/**
 * True with probability `p` (0.5 unless told), else false. `p` broadcasts to `shape`; without a shape, its own is taken.
 *
 * @example
 * mx.random.bernoulli(0.25, [1000]).sum(); // about 250
 */
export const bernoulli = defineOp<
  Call<[], [p?: ArrayInput, shape?: ShapeInput, key?: array], { p: ArrayInput; shape: ShapeInput; key: array }, array>
>(
  {
    name: 'random.bernoulli',
    method: false,
    parameters: ['p?', 'shape?', 'key?'],
    cases: () => [{ args: [operand([3], { low: 0, high: 1 }), [2, 3], seven()], differentiable: false }],
  },
  (probability: ArrayInput = 0.5, shape?: ShapeInput, given?: array): array => {
    const where = 'random.bernoulli';
    const node = toNode(probability, undefined, where);
    if (node.dtype.kind !== 'float') throw typeError(where, `p must be of a real floating dtype, not ${node.dtype}`);
    const result = shapeFor(where, shape, probability);
    // The bits lie below 2^32 rounded to the dtype; the next float32 above it makes p = 1 always true.
    const type = promoteTypes(node.dtype, float32);
    const draw = p.astype(p.randomBits(keyFor(where, given), result, uint32), type);
    const limit = typeof probability === 'number' ? p.full(probability, result, type) : spread(where, 'p', probability, result, type);
    return wrap(p.less(draw, scaled(limit, 2 ** 32 + 512)));
  },
);

/**
 * Standard Gumbel numbers: -log(-log(u)).
 *
 * @example
 * mx.random.gumbel([3]);
 */
export const gumbel = defineOp<Call<[], [shape?: ShapeInput, dtype?: Dtype, key?: array], Draw, array>>(
  {
    name: 'random.gumbel',
    method: false,
    parameters: ['shape?', 'dtype?', 'key?'],
    cases: () => [{ args: [[2, 3], undefined, anyKey()], differentiable: false }],
  },
  (shape?: ShapeInput, dtype?: Dtype, given?: array): array => {
    const where = 'random.gumbel';
    const type = floatingDtype(where, dtype);
    return wrap(gumbelNode(optionalShape(where, shape) ?? [], type, keyFor(where, given)));
  },
);

function gumbelNode(shape: Shape, dtype: Dtype, key: Node): Node {
  return p.negative(p.log(p.negative(p.log(unit(shape, dtype, key)))));
}

/**
 * Positions along `axis` of `logits` (the last unless told), drawn with probabilities in proportion to exp(logits): uint32. The result has the shape of
 * logits without the axis; or `shape`, to which that broadcasts; or it with a last axis of `numSamples` draws each.
 *
 * @throws RangeError when both `shape` and `numSamples` are given.
 * @example
 * mx.random.categorical(mx.log(mx.array([0.1, 0.9])), { numSamples: 10 });
 */
export const categorical = defineOp<
  Call<
    [logits: ArrayInput],
    [axis?: number, shape?: ShapeInput, numSamples?: number, key?: array],
    { axis: number; shape: ShapeInput; numSamples: number; key: array },
    array
  >
>(
  {
    name: 'random.categorical',
    method: false,
    parameters: ['logits', 'axis?', 'shape?', 'numSamples?', 'key?'],
    cases: () => [
      { args: [operand([3, 4]), 0, undefined, undefined, seven()], differentiable: false },
      { args: [operand([3, 4]), -1, undefined, 2, seven()], differentiable: false },
    ],
  },
  (logits: ArrayInput, axis?: number, shape?: ShapeInput, numSamples?: number, given?: array): array => {
    const where = 'random.categorical';
    const node = toNode(logits, undefined, where);
    const along = axisArgument(where, axis, node.shape.length, -1);
    const wanted = optionalShape(where, shape);
    if (wanted !== undefined && numSamples !== undefined && numSamples !== null)
      throw rangeError(where, 'takes shape or numSamples, not both');
    let source = node;
    let result = node.shape.filter((_, i) => i !== along);
    if (wanted !== undefined) {
      if (!sameShape(broadcastShapes(where, wanted, result), wanted)) {
        throw rangeError(
          where,
          `logits without their axis have shape ${showShape(result)}, which does not broadcast to ${showShape(wanted)}`,
        );
      }
      result = [...wanted];
    } else if (numSamples !== undefined && numSamples !== null) {
      source = p.reshape(node, [...node.shape, 1]);
      result.push(integerArgument(where, 'numSamples', numSamples));
    }
    if (node.shape[along] === 0) throw rangeError(where, `axis ${along} of logits has size 0`);
    const place = along + result.length - source.shape.length + 1;
    const full = [...result.slice(0, place), node.shape[along], ...result.slice(place)];
    const noise = gumbelNode(full, float32, keyFor(where, given));
    const dtype = promoteTypes(float32, source.dtype);
    return wrap(p.argmax(p.add(conform(noise, full, dtype), conform(source, full, dtype)), place));
  },
);

/** An integer bound as int64, whose wrapped bits also stand for large uint64. */
function bound(where: string, name: string, value: ArrayInput, shape: Shape): Node {
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) throw typeError(where, `${name} must be an integer, not ${value}`);
    return p.full(BigInt.asIntN(64, BigInt(value)), shape, int64);
  }
  return spread(where, name, value, shape, int64);
}

/**
 * Integers from `low` to `high`, `high` left out; `low` where that range is empty. Bounds broadcast to `shape`; without a shape, theirs is taken. Every
 * range of 64 bits is exact.
 *
 * @example
 * mx.random.randint(0, 10, [5]);
 */
export const randint = defineOp<Call<[low: ArrayInput, high: ArrayInput], [shape?: ShapeInput, dtype?: Dtype, key?: array], Draw, array>>(
  {
    name: 'random.randint',
    method: false,
    parameters: ['low', 'high', 'shape?', 'dtype?', 'key?'],
    cases: () => [{ args: [operand([3], { low: -5, high: 0, dtype: int32 }), 7, [2, 3], undefined, anyKey()], differentiable: false }],
  },
  (low: ArrayInput, high: ArrayInput, shape?: ShapeInput, dtype?: Dtype, given?: array): array => {
    const where = 'random.randint';
    const type = dtypeArgument(where, dtype, int32);
    if (type.inexact) throw typeError(where, `dtype must be an integer dtype or bool, not ${type}`);
    const result = shapeFor(where, shape, low, high);
    const from = bound(where, 'low', low, result);
    const to = bound(where, 'high', high, result);
    const source = keyFor(where, given);
    // The width of a range wraps like the bounds do, and is right as an unsigned number.
    const compared = type.kind === 'unsigned' ? uint64 : int64;
    const empty = p.lessEqual(p.astype(to, compared), p.astype(from, compared));
    const width = p.where(empty, p.full(1, result, uint64), p.astype(p.subtract(to, from), uint64));
    const word = (words: Node): Node => p.astype(p.randomBits(words, result, uint32), uint64);
    let draw: Node;
    if (type.size === 8) {
      const [first, second] = given === undefined || given === null ? [source, nextKey()] : splitKey(source);
      draw = p.bitwiseOr(p.leftShift(word(second), p.full(32, result, uint64)), word(first));
    } else {
      draw = word(source);
    }
    return wrap(p.astype(p.add(p.astype(from, uint64), p.remainder(draw, width)), type));
  },
);

/**
 * Standard normal numbers between `lower` and `upper`, which broadcast to `shape` (without one, theirs is taken) and in which it is differentiable.
 *
 * @example
 * mx.random.truncatedNormal(-2, 2, [3]);
 */
export const truncatedNormal = defineOp<
  Call<[lower: ArrayInput, upper: ArrayInput], [shape?: ShapeInput, dtype?: Dtype, key?: array], Draw, array>
>(
  {
    name: 'random.truncatedNormal',
    method: false,
    parameters: ['lower', 'upper', 'shape?', 'dtype?', 'key?'],
    cases: () => [
      {
        args: [
          operand([3], { low: -2, high: -0.5, dtype: float64 }),
          operand([2, 1], { low: 0.5, dtype: float64 }),
          [2, 3],
          float64,
          seven(),
        ],
      },
    ],
  },
  (lower: ArrayInput, upper: ArrayInput, shape?: ShapeInput, dtype?: Dtype, given?: array): array => {
    const where = 'random.truncatedNormal';
    const type = floatingDtype(where, dtype);
    const result = shapeFor(where, shape, lower, upper);
    const low = spread(where, 'lower', lower, result, type);
    const high = spread(where, 'upper', upper, result, type);
    const root = p.full(Math.SQRT2, result, type);
    const from = p.erf(p.divide(low, root));
    const range = p.subtract(p.erf(p.divide(high, root)), from);
    const draw = p.add(p.multiply(range, unit(result, type, keyFor(where, given))), from);
    return wrap(p.maximum(p.minimum(high, p.multiply(root, p.erfinv(draw))), low));
  },
);

/**
 * Laplace numbers with mean `loc` and scale `scale`, which broadcast to `shape` and in which it is differentiable.
 *
 * @example
 * mx.random.laplace([3]);
 */
export const laplace = locatedDraw('random.laplace', floatingDtype, (shape, dtype, key) => {
  const draw = symmetric(shape, dtype, key);
  return p.astype(p.multiply(p.sign(draw), p.log1p(p.negative(p.abs(draw)))), dtype);
});

/**
 * A random order of 0 … x - 1 (uint32), or of the slices of an array along `axis` (the first unless told).
 *
 * @example
 * mx.random.permutation(4);
 * mx.random.permutation(mx.array([[1, 2], [3, 4]]), 1);
 */
export const permutation = defineOp<Call<[x: ArrayInput], [axis?: number | array, key?: array], { axis: number; key: array }, array>>(
  {
    name: 'random.permutation',
    method: false,
    parameters: ['x', 'axis?', 'key?'],
    cases: () => [{ args: [operand([4, 2]), 0, seven()] }, { args: [operand([2, 3]), 1, seven()] }],
  },
  (x: ArrayInput, axis?: number | array, given?: array): array => {
    const where = 'random.permutation';
    // `permutation(x, key)`: an array in the axis's place is the key.
    if (axis instanceof ArrayHandle && given === undefined) return permute(where, x, undefined, axis as unknown as array);
    return permute(where, x, axis, given);
  },
);

function permute(where: string, x: ArrayInput, axis: unknown, given: unknown): array {
  if (typeof x === 'number') {
    if (!Number.isInteger(x) || x < 0) throw rangeError(where, `x must be an array or an integer of at least 0, not ${x}`);
    return wrap(p.argsort(p.randomBits(keyFor(where, given), [x], uint32)));
  }
  const node = isArray(x) ? nodeOf(x, where) : toNode(x, undefined, where);
  if (node.shape.length === 0) throw rangeError(where, `x of shape [] has no axis to permute; it is ${describe(x)}`);
  const along = axisArgument(where, axis, node.shape.length, 0);
  const size = node.shape[along];
  const order = p.argsort(p.randomBits(keyFor(where, given), [size], uint32));
  return wrap(sizeOf(node.shape) === 0 ? node : takeNode(where, node, order, along));
}
