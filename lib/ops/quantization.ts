/** Numbers of a few bits: groups of the last axis share a scale and a bias, and their bits stand one after the other in words of 32. */

import { bool, type Dtype, uint32 } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import type { Node, Shape } from '../graph/node';
import * as p from '../primitives';
import { constant, scale as scaled, zerosLike } from '../primitives/rules';
import { sameShape } from '../shape';
import { integerArgument } from './arguments';
import { widened } from './reducing';

const groupSizes: readonly number[] = [32, 64, 128];
const bitCounts: readonly number[] = [2, 3, 4, 5, 6, 8];

export interface Quantization {
  readonly groupSize: number;
  readonly bits: number;
}

/** 64 numbers a group and 4 bits a number unless told. */
export function quantizationArguments(where: string, groupSize: unknown, bits: unknown): Quantization {
  const size = integerArgument(where, 'groupSize', groupSize, 64);
  const count = integerArgument(where, 'bits', bits, 4);
  if (!groupSizes.includes(size)) throw rangeError(where, `groupSize must be one of ${groupSizes.join(', ')}, not ${size}`);
  if (!bitCounts.includes(count)) throw rangeError(where, `bits must be one of ${bitCounts.join(', ')}, not ${count}`);
  return { groupSize: size, bits: count };
}

const lead = (shape: Shape): Shape => shape.slice(0, -1);
const last = (shape: Shape): number => shape[shape.length - 1];

/** The last axis cut into rows of `size`. */
const rows = (x: Node, size: number): Node => p.reshape(x, [...lead(x.shape), last(x.shape) / size, size]);
/** The last two axes made one. */
const joined = (x: Node): Node => p.reshape(x, [...x.shape.slice(0, -2), x.shape[x.shape.length - 2] * last(x.shape)]);
/** One number for each row, repeated along it. */
const along = (x: Node, shape: Shape): Node => p.broadcastTo(p.reshape(x, [...x.shape, 1]), shape);

/** 0, step, 2 · step, … along the last axis. */
const shifts = (shape: Shape, step: number): Node => p.arange(0, step, shape, shape.length - 1, uint32);

/** Where two bit counts meet at a word's end, numbers are taken apart into bits. */
const fitsWords = (bits: number): boolean => 32 % bits === 0;

function packed(values: Node, bits: number): Node {
  if (fitsWords(bits)) {
    const words = rows(values, 32 / bits);
    return p.sum(p.leftShift(words, shifts(words.shape, bits)), [words.shape.length - 1]);
  }
  const shape = [...values.shape, bits];
  const each = p.bitwiseAnd(p.rightShift(along(values, shape), shifts(shape, 1)), p.full(1, shape, uint32));
  return packed(joined(each), 1);
}

function unpacked(words: Node, bits: number): Node {
  if (fitsWords(bits)) {
    const shape = [...words.shape, 32 / bits];
    return joined(p.bitwiseAnd(p.rightShift(along(words, shape), shifts(shape, bits)), p.full(2 ** bits - 1, shape, uint32)));
  }
  const each = rows(unpacked(words, 1), bits);
  return p.sum(p.leftShift(each, shifts(each.shape, 1)), [each.shape.length - 1]);
}

function checkGroups(where: string, w: Node, groupSize: number): void {
  if (w.dtype.kind !== 'float') throw typeError(where, `w must be real floats, not ${w.dtype.name}`);
  if (w.shape.length < 1 || last(w.shape) % groupSize !== 0) {
    throw rangeError(where, `the last axis of w must be a multiple of groupSize (${groupSize}): shape ${showShape(w.shape)}`);
  }
}

/** Words, scales and biases of `w`: one of the ends of each group is met exactly, and so is 0 where it lies between them. */
export function quantizeNode(where: string, w: Node, { groupSize, bits }: Quantization): [words: Node, scales: Node, biases: Node] {
  checkGroups(where, w, groupSize);
  const groups = rows(widened(w), groupSize);
  const axis = groups.shape.length - 1;
  const [high, low] = [p.max(groups, [axis]), p.min(groups, [axis])];
  const most = 2 ** bits - 1;
  const step = p.maximum(scaled(p.subtract(high, low), 1 / most), constant(1e-7, high));
  const lowIsLarger = p.greater(p.abs(low), p.abs(high));
  const signed = p.where(lowIsLarger, step, p.negative(step));
  const edge = p.where(lowIsLarger, low, high);
  const steps = p.stopGradient(p.round(p.divide(edge, signed)));
  const atZero = p.equal(steps, zerosLike(steps));
  const scales = p.where(atZero, signed, p.divide(edge, p.where(atZero, constant(1, steps), steps)));
  const biases = p.where(atZero, zerosLike(edge), edge);
  return [packedNumbers(groups, scales, biases, bits), p.astype(scales, w.dtype), p.astype(biases, w.dtype)];
}

/** The words of groups of numbers, one group a row. */
function packedNumbers(groups: Node, scales: Node, biases: Node, bits: number): Node {
  const places = p.round(p.divide(p.subtract(groups, along(biases, groups.shape)), along(scales, groups.shape)));
  const values = p.minimum(p.maximum(places, zerosLike(places)), constant(2 ** bits - 1, places));
  return packed(p.astype(joined(values), uint32), bits);
}

/** The words of `w` for scales and biases that are given. */
export function quantizeWith(where: string, w: Node, scales: Node, biases: Node, { groupSize, bits }: Quantization): Node {
  checkGroups(where, w, groupSize);
  const shape = [...lead(w.shape), last(w.shape) / groupSize];
  if (![scales, biases].every((x) => x.dtype.kind === 'float' && sameShape(x.shape, shape))) {
    throw rangeError(
      where,
      `scales and biases must be real floats of shape ${showShape(shape)}, not ${showShape(scales.shape)} and ${showShape(biases.shape)}`,
    );
  }
  const groups = rows(widened(w), groupSize);
  return packedNumbers(groups, p.astype(scales, groups.dtype), p.astype(biases, groups.dtype), bits);
}

/** Throws unless words, scales and biases belong together. */
export function checkQuantized(where: string, w: Node, scales: Node, biases: Node, { groupSize, bits }: Quantization): void {
  if (w.dtype !== uint32) throw typeError(where, `w must be uint32, not ${w.dtype.name}`);
  if (scales.dtype.kind !== 'float' || biases.dtype !== scales.dtype) {
    throw typeError(where, `scales and biases must be real floats of one dtype, not ${scales.dtype.name} and ${biases.dtype.name}`);
  }
  const shapes = `shapes ${[w, scales, biases].map((x) => showShape(x.shape)).join(', ')}`;
  const ranks = w.shape.length >= 1 && scales.shape.length === w.shape.length && biases.shape.length === w.shape.length;
  if (!ranks || ![...lead(w.shape).keys()].every((axis) => scales.shape[axis] === w.shape[axis] && biases.shape[axis] === w.shape[axis])) {
    throw rangeError(where, `w, scales and biases must agree in all axes but the last: ${shapes}`);
  }
  const fits = last(scales.shape) === last(biases.shape) && last(w.shape) * 32 === last(scales.shape) * groupSize * bits;
  if (!fits) throw rangeError(where, `the last axes must hold groups of ${groupSize} numbers of ${bits} bits: ${shapes}`);
}

/** scales · q + biases for the numbers q in the words, in the dtype of the scales. */
export function dequantizeNode(w: Node, scales: Node, biases: Node, { groupSize, bits }: Quantization): Node {
  const dtype: Dtype = scales.dtype;
  const groups = rows(p.astype(unpacked(w, bits), dtype), groupSize);
  return joined(p.add(p.multiply(groups, along(scales, groups.shape)), along(biases, groups.shape)));
}

/** A mask that stands for blocks, one element for each of theirs: [batch…, rows, columns]. */
export function blocksOf(mask: Node, blockSize: number, rowCount: number, columnCount: number): Node {
  const batch = mask.shape.slice(0, -2);
  const [r, c] = mask.shape.slice(-2);
  const apart = p.broadcastTo(p.reshape(mask, [...batch, r, 1, c, 1]), [...batch, r, blockSize, c, blockSize]);
  const whole = p.reshape(apart, [...batch, r * blockSize, c * blockSize]);
  const sizes = [...batch, rowCount, columnCount];
  return p.slice(
    whole,
    sizes.map(() => 0),
    sizes,
  );
}

/** `x` where a boolean mask holds, 0 elsewhere; times another mask. */
export function masked(x: Node, mask: Node): Node {
  const whole = p.broadcastTo(mask, x.shape);
  return mask.dtype === bool ? p.where(whole, x, zerosLike(x)) : p.multiply(x, p.astype(whole, x.dtype));
}
