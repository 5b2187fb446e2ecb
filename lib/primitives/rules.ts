/** The small helpers that most derivative, transposition and batching rules are made of. */

import { bfloat16, complex64, type Dtype, float16, float32 } from '../dtype';
import { codedError } from '../errors';
import { Node, type Shape } from '../graph/node';
import { add, divide, multiply } from './binary';
import { astype } from './cast';
import { full, zeros } from './generators';
import { broadcastTo, reshape } from './movement';
import type { Scalar, Tangent } from './primitive';

// Everything here is a function declaration: the families import one another in a circle, and declarations are
// hoisted, so they may be named while modules still load.

/** A rule was called as no walk should call it. */
export function internalError(where: string, message: string): Error {
  return codedError(where, 'METALGRAD_TRANSFORM', `internal error: ${message}`);
}

/** A constant of the shape and dtype of `like`. */
export function constant(value: Scalar, like: Node): Node {
  return full(value, like.shape, like.dtype);
}

export function zerosLike(like: Node): Node {
  return zeros(like.shape, like.dtype);
}

/** `x` times a number. */
export function scale(x: Node, factor: Scalar): Node {
  return multiply(x, constant(factor, x));
}

/** `x` plus a number. */
export function offset(x: Node, summand: Scalar): Node {
  return add(x, constant(summand, x));
}

/** `x` times i. */
export function timesI(x: Node): Node {
  return multiply(x, full({ re: 0, im: 1 }, x.shape, complex64));
}

/** The sum of two tangents, of which either may be zero. */
export function addTangents(a: Tangent, b: Tangent): Tangent {
  if (a === null) return b;
  return b === null ? a : add(a, b);
}

/** A tangent as a node: zeros of the shape and dtype of its primal when it is null. */
export function dense(tangent: Tangent, primal: Node): Node {
  return tangent ?? zerosLike(primal);
}

/** A total shared by `count` equals; counts are of a dtype that counts far enough. */
export function share(total: Node, count: Node): Node {
  return astype(divide(astype(total, count.dtype), count), total.dtype);
}

/** The dtype to count in for `share`: 16-bit floats do not count far. */
export function countingDtype(dtype: Dtype): Dtype {
  return dtype === float16 || dtype === bfloat16 ? float32 : dtype;
}

/** The jvp of what is locally constant. */
export function noTangent(): Tangent {
  return null;
}

/** The vmap of primitives without inputs, which can depend on nothing mapped. */
export function neverMapped(inputs: readonly Node[], _mapped: readonly boolean[], _size: number, _attrs: unknown, out: Node): Node {
  throw internalError(out.primitive.name, `has ${inputs.length} inputs and cannot be mapped`);
}

/** An input as a mapped one: repeated along a batch axis in front if it has none (a view, no copy). */
export function batchedInput(x: Node, mapped: boolean, size: number): Node {
  return mapped ? x : broadcastTo(x, [size, ...x.shape]);
}

/** One number a row, repeated along the last axis of `shape`. */
export function alongRows(y: Node, shape: Shape): Node {
  return broadcastTo(reshape(y, [...y.shape, 1]), shape);
}

/** The vmap of elementwise primitives: repeat what is not mapped, and apply. */
export function elementwiseVmap(inputs: readonly Node[], mapped: readonly boolean[], size: number, attrs: unknown, out: Node): Node {
  const operands = inputs.map((x, i) => batchedInput(x, mapped[i], size));
  const first = operands[0].shape;
  return new Node(out.primitive, operands, attrs, first, out.dtype);
}

/** Axes counted after a batch axis was put in front. */
export function shifted(axes: readonly number[]): number[] {
  return axes.map((axis) => axis + 1);
}

/** A shape without the axes listed. */
export function without(shape: Shape, axes: readonly number[]): number[] {
  return shape.filter((_, axis) => !axes.includes(axis));
}

/** A shape in which the axes listed have size 1. */
export function withOnes(shape: Shape, axes: readonly number[]): number[] {
  return shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
}
