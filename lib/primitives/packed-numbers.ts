/** Numbers of a few bits, which stand one after the other in words of 32, and groups of them that share a scale and a bias. */

import { uint32 } from '../dtype';
import type { Node, Shape } from '../graph/node';
import { add, bitwiseAnd, leftShift, multiply, rightShift } from './binary';
import { astype } from './cast';
import { arange, full } from './generators';
import { broadcastTo, reshape } from './movement';
import { sum } from './reduction';

export interface Quantization {
  /** Numbers that share a scale and a bias: a multiple of 32. */
  readonly groupSize: number;
  /** Bits of a number: up to 8. */
  readonly bits: number;
}

const lead = (shape: Shape): Shape => shape.slice(0, -1);
const last = (shape: Shape): number => shape[shape.length - 1];

/** The last axis cut into rows of `size`. */
export function groupsOf(x: Node, size: number): Node {
  return reshape(x, [...lead(x.shape), last(x.shape) / size, size]);
}

/** The last two axes made one. */
export function joinGroups(x: Node): Node {
  return reshape(x, [...x.shape.slice(0, -2), x.shape[x.shape.length - 2] * last(x.shape)]);
}

/** One number for each group, repeated along it. */
export function alongGroups(x: Node, shape: Shape): Node {
  return broadcastTo(reshape(x, [...x.shape, 1]), shape);
}

/** 0, step, 2 · step, … along the last axis. */
const shifts = (shape: Shape, step: number): Node => arange(0, step, shape, shape.length - 1, uint32);

/** Where two bit counts meet at a word's end, numbers are taken apart into bits. */
const fitsWords = (bits: number): boolean => 32 % bits === 0;

/** uint32 numbers below 2^bits as words, from the lowest bits of each word up. */
export function packNumbers(values: Node, bits: number): Node {
  if (fitsWords(bits)) {
    const words = groupsOf(values, 32 / bits);
    return sum(leftShift(words, shifts(words.shape, bits)), [words.shape.length - 1]);
  }
  const shape = [...values.shape, bits];
  const each = bitwiseAnd(rightShift(alongGroups(values, shape), shifts(shape, 1)), full(1, shape, uint32));
  return packNumbers(joinGroups(each), 1);
}

/** The numbers in uint32 words. */
export function unpackNumbers(words: Node, bits: number): Node {
  if (fitsWords(bits)) {
    const shape = [...words.shape, 32 / bits];
    return joinGroups(bitwiseAnd(rightShift(alongGroups(words, shape), shifts(shape, bits)), full(2 ** bits - 1, shape, uint32)));
  }
  const each = groupsOf(unpackNumbers(words, 1), bits);
  return sum(leftShift(each, shifts(each.shape, 1)), [each.shape.length - 1]);
}

/** scales · q + biases for the numbers q in the words, in the dtype of the scales. */
export function dequantize(w: Node, scales: Node, biases: Node, { groupSize, bits }: Quantization): Node {
  const groups = groupsOf(astype(unpackNumbers(w, bits), scales.dtype), groupSize);
  return joinGroups(add(multiply(groups, alongGroups(scales, groups.shape)), alongGroups(biases, groups.shape)));
}
