/** `jacfwd`, `jacrev` and `hessian`: all derivatives of all outputs, as one batch of tangents or cotangents. */

import { nodeOf, wrap } from '../array';
import { type Dtype, int32 } from '../dtype';
import type { Node, Shape } from '../graph/node';
import { astype } from '../primitives/cast';
import { equal } from '../primitives/compare';
import { placeholder } from '../primitives/control';
import { arange, zeros } from '../primitives/generators';
import { moveaxis, reshape } from '../primitives/movement';
import type { Tangent } from '../primitives/primitive';
import { sizeOf } from '../shape';
import { mapArrays } from '../tree';
import { nodesOf, outputList, traceTrees } from './arguments';
import { batch, toBatch } from './batch';
import { argnumList, differentiated } from './grad';
import { linearizeNodes, pullback } from './reverse';
import { type AnyFunction, callTraced, checkFunction, ownCopy, withTrace } from './tracing';
import type { Gradients, Jacobian } from './types';

/** The unit vectors of a shape, along a batch axis in front. */
function unitVectors(shape: Shape, dtype: Dtype): Node {
  const n = sizeOf(shape);
  const rows = arange(0, 1, [n, n], 0, int32);
  const columns = arange(0, 1, [n, n], 1, int32);
  return reshape(astype(equal(rows, columns), dtype), [n, ...shape]);
}

/** The batched values of a linear function of one placeholder along all unit vectors; null where it is zero. */
function alongUnitVectors(vectors: readonly Tangent[], at: Node): (Node | null)[] {
  const size = sizeOf(at.shape);
  const live = vectors.filter((vector) => vector !== null);
  const results = batch(live, [at], [unitVectors(at.shape, at.dtype)], size).map((result) => toBatch(result, size));
  const rest = results.values();
  return vectors.map((vector) => (vector === null ? null : (rest.next().value as Node)));
}

/** By output, then by input: each of shape [...output, ...input], or null for zeros. */
type Blocks = readonly (readonly (Node | null)[])[];

function forwardBlocks(outputs: readonly Node[], tracers: readonly Node[]): Blocks {
  const columns = tracers.map((tracer) => {
    const { placeholders, tangents } = linearizeNodes(outputs, [tracer], 'jacfwd', 'result');
    const batches = alongUnitVectors(tangents, placeholders[0]);
    return batches.map((tangent, j) => {
      if (tangent === null) return null;
      return reshape(moveaxis(tangent, 0, tangent.shape.length - 1), [...outputs[j].shape, ...tracer.shape]);
    });
  });
  return outputs.map((_, j) => columns.map((column) => column[j]));
}

function reverseBlocks(outputs: readonly Node[], tracers: readonly Node[]): Blocks {
  const linear = linearizeNodes(outputs, tracers, 'jacrev');
  const trace = { transform: 'jacrev', active: true };
  return outputs.map((output, j) => {
    const cotangent = placeholder(output.shape, output.dtype, trace);
    const gradients = pullback(
      linear,
      outputs.map((_, k) => (k === j ? cotangent : null)),
    );
    const batches = alongUnitVectors(gradients, cotangent);
    return batches.map((gradient, i) => (gradient === null ? null : reshape(gradient, [...output.shape, ...tracers[i].shape])));
  });
}

function jacobian(
  where: string,
  blocksOf: (outputs: readonly Node[], tracers: readonly Node[]) => Blocks,
  f: AnyFunction,
  argnums: readonly number[],
  args: readonly unknown[],
): unknown {
  const trees = differentiated(where, args, argnums);
  return withTrace(where, (scope) => {
    const given = args.map((arg, i) => (argnums.includes(i) ? arg : ownCopy(arg)));
    const traced = traceTrees(scope, trees, where);
    argnums.forEach((argnum, i) => {
      given[argnum] = traced.args[i];
    });
    const result = callTraced(where, f, given);
    const outputs = nodesOf(outputList(where, result), where);
    const inexact = outputs.filter((node) => node.dtype.inexact);
    const rows = blocksOf(inexact, traced.tracers).values();
    return mapArrays(result, (_, j) => {
      const output = outputs[j];
      const row: readonly (Node | null)[] = output.dtype.inexact ? (rows.next().value as Blocks[number]) : traced.tracers.map(() => null);
      const entries = row.values();
      const blocks = trees.map((tree) =>
        mapArrays(tree, (leaf) => {
          const { shape, dtype } = nodeOf(leaf);
          const block = dtype.inexact ? (entries.next().value as Node | null) : null;
          return wrap(block ?? zeros([...output.shape, ...shape], dtype));
        }),
      );
      return argnums.length === 1 ? blocks[0] : blocks;
    });
  });
}

/**
 * A function that computes the Jacobian of `f` by forward mode: for each output and each argument in `argnums` an array
 * of shape [...output, ...argument], in a tree like the output's that has trees like the argument's. Best for functions
 * with more outputs than inputs.
 *
 * @example
 * mx.jacfwd((x) => x.square())(mx.array([1, 2])); // array([[2, 0],\n       [0, 4]], dtype=float32)
 */
export function jacfwd<A extends readonly unknown[], R, const N extends number | readonly number[] = 0>(
  f: (...args: A) => R,
  argnums?: N,
): (...args: A) => Jacobian<R, Gradients<A, N>> {
  checkFunction('jacfwd', f);
  const list = argnumList('jacfwd', argnums ?? 0);
  return (...args) => jacobian('jacfwd', forwardBlocks, f as AnyFunction, list, args) as Jacobian<R, Gradients<A, N>>;
}

/**
 * The same as `jacfwd`, by reverse mode. Best for functions with more inputs than outputs.
 *
 * @example
 * mx.jacrev((x) => x.square().sum())(mx.array([1, 2])); // array([2, 4], dtype=float32)
 */
export function jacrev<A extends readonly unknown[], R, const N extends number | readonly number[] = 0>(
  f: (...args: A) => R,
  argnums?: N,
): (...args: A) => Jacobian<R, Gradients<A, N>> {
  checkFunction('jacrev', f);
  const list = argnumList('jacrev', argnums ?? 0);
  return (...args) => jacobian('jacrev', reverseBlocks, f as AnyFunction, list, args) as Jacobian<R, Gradients<A, N>>;
}

/**
 * A function that computes the matrix of second derivatives: forward mode over reverse mode.
 *
 * @example
 * mx.hessian((x) => x.power(3).sum())(mx.array([1, 2])); // array([[6, 0],\n       [0, 12]], dtype=float32)
 */
export function hessian<A extends readonly unknown[], R, const N extends number | readonly number[] = 0>(
  f: (...args: A) => R,
  argnums?: N,
): (...args: A) => Jacobian<Jacobian<R, Gradients<A, N>>, Gradients<A, N>> {
  checkFunction('hessian', f);
  const list = argnumList('hessian', argnums ?? 0);
  const gradient = (...args: A) => jacobian('hessian', reverseBlocks, f as AnyFunction, list, args);
  return (...args) => {
    return jacobian('hessian', forwardBlocks, gradient as AnyFunction, list, args) as Jacobian<
      Jacobian<R, Gradients<A, N>>,
      Gradients<A, N>
    >;
  };
}
