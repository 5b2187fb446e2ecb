/** Numbers of a few bits: groups of the last axis share a scale and a bias, and their bits stand one after the other in words of 32. */

import { bool, uint32 } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import type { Node, Shape } from '../graph/node';
import * as p from '../primitives';
import { constant, scale as scaled, zerosLike } from '../primitives/rules';
import { sameShape } from '../shape';
import { integerArgument } from './arguments';
import { widened } from './reducing';

const groupSizes: readonly number[] = [32, 64, 128];
const bitCounts: readonly number[] = [2, 3, 4, 5, 6, 8];

/** 64 numbers a group and 4 bits a number unless told. */
export function quantizationArguments(where: string, groupSize: unknown, bits: unknown): p.Quantization {
  const size = integerArgument(where, 'groupSize', groupSize, 64);
  const count = integerArgument(where, 'bits', bits, 4);
  if (!groupSizes.includes(size)) throw rangeError(where, `groupSize must be one of ${groupSizes.join(', ')}, not ${size}`);
  if (!bitCounts.includes(count)) throw rangeError(where, `bits must be one of ${bitCounts.join(', ')}, not ${count}`);
  return { groupSize: size, bits: count };
}

const lead = (shape: Shape): Shape => shape.slice(0, -1);
const last = (shape: Shape): number => shape[shape.length - 1];

function checkGroups(where: string, w: Node, groupSize: number): void {
  if (w.dtype.kind !== 'float') throw typeError(where, `w must be real floats, not ${w.dtype.name}`);
  if (w.shape.length < 1 || last(w.shape) % groupSize !== 0) {
    throw rangeError(where, `the last axis of w must be a multiple of groupSize (${groupSize}): shape ${showShape(w.shape)}`);
  }
}

/** Words, scales and biases of `w`: one of the ends of each group is met exactly, and so is 0 where it lies between them. */
export function quantizeNode(where: string, w: Node, { groupSize, bits }: p.Quantization): [words: Node, scales: Node, biases: Node] {
  checkGroups(where, w, groupSize);
  const groups = p.groupsOf(widened(w), groupSize);
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
  const places = p.round(p.divide(p.subtract(groups, p.alongGroups(biases, groups.shape)), p.alongGroups(scales, groups.shape)));
  const values = p.minimum(p.maximum(places, zerosLike(places)), constant(2 ** bits - 1, places));
  return p.packNumbers(p.astype(p.joinGroups(values), uint32), bits);
}

/** The words of `w` for scales and biases that are given. */
export function quantizeWith(where: string, w: Node, scales: Node, biases: Node, { groupSize, bits }: p.Quantization): Node {
  checkGroups(where, w, groupSize);
  const shape = [...lead(w.shape), last(w.shape) / groupSize];
  if (![scales, biases].every((x) => x.dtype.kind === 'float' && sameShape(x.shape, shape))) {
    throw rangeError(
      where,
      `scales and biases must be real floats of shape ${showShape(shape)}, not ${showShape(scales.shape)} and ${showShape(biases.shape)}`,
    );
  }
  const groups = p.groupsOf(widened(w), groupSize);
  return packedNumbers(groups, p.astype(scales, groups.dtype), p.astype(biases, groups.dtype), bits);
}

/** Throws unless words, scales and biases belong together. */
export function checkQuantized(where: string, w: Node, scales: Node, biases: Node, { groupSize, bits }: p.Quantization): void {
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
