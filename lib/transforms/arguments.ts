/** What the derivative transforms make of their arguments: tracers for the arrays, and trees of results. */

import { type array, isArray, nodeOf, type TypedArray, toNode, wrap } from '../array';
import { typeError } from '../errors';
import type { Node } from '../graph/node';
import { describe } from '../ops/arguments';
import { zeros } from '../primitives/generators';
import type { Tangent } from '../primitives/primitive';
import { arraysOf, isPlainObject, mapArrays } from '../tree';
import { describeResult, type Scope } from './tracing';

/** An argument with its numbers and typed arrays made arrays: a bare number is a float32 array. */
export function asTree(value: unknown, where: string): unknown {
  if (typeof value === 'number' || (ArrayBuffer.isView(value) && !(value instanceof DataView))) {
    return wrap(toNode(value as number | TypedArray, undefined, where));
  }
  return value;
}

/** The arguments of one derivative, traced. */
export interface TracedArguments {
  /** What the function is called with. */
  readonly args: readonly unknown[];
  /** One for each floating array, in order. */
  readonly tracers: readonly Node[];
}

/** The trees with tracers that have values in place of their arrays. */
export function traceTrees(scope: Scope, trees: readonly unknown[], where: string): TracedArguments {
  const tracers: Node[] = [];
  const args = trees.map((tree) =>
    mapArrays(tree, (leaf) => {
      const tracer = scope.identity(nodeOf(leaf, where));
      if (tracer.dtype.inexact) tracers.push(tracer);
      return scope.handle(tracer);
    }),
  );
  return { args, tracers };
}

/** The result of one vector a floating array: a tree like `tree`, with zeros for integers and for null. */
export function vectorTree(tree: unknown, vectors: Iterator<Tangent>): unknown {
  return mapArrays(tree, (leaf) => {
    const { shape, dtype } = nodeOf(leaf);
    const vector: Tangent = dtype.inexact ? (vectors.next().value as Tangent) : null;
    return wrap(vector ?? zeros(shape, dtype));
  });
}

/** The outputs of a function as a list. */
export function outputList(where: string, result: unknown): readonly unknown[] {
  const outputs: readonly unknown[] = Array.isArray(result) ? result : [result];
  if (!isArray(result) && !Array.isArray(result) && !isPlainObject(result)) {
    throw typeError(where, `the function must return an array or a tree of arrays, but returned ${describeResult(result)}`);
  }
  if (arraysOf(outputs).length === 0) {
    throw typeError(where, `the function must return at least one array, but returned ${describeResult(result)}`);
  }
  return outputs;
}

/** The arguments of `jvp`, `vjp` and `linearize`. */
export function primalList(where: string, primals: unknown): readonly unknown[] {
  if (!Array.isArray(primals)) throw typeError(where, `primals must be the list of arguments, not ${describe(primals)}`);
  return primals.map((primal) => asTree(primal, where));
}

/** Nodes of the arrays of a tree. */
export function nodesOf(tree: unknown, where: string): Node[] {
  return arraysOf(tree).map((leaf: array) => nodeOf(leaf, where));
}
