/** `jvp`, `vjp` and `linearize`: derivatives at given arguments, along given vectors. */

import type { Node } from '../graph/node';
import { zeros } from '../primitives/generators';
import { arraysOf } from '../tree';
import { nodesOf, outputList, primalList, traceTrees, vectorTree } from './arguments';
import { pushforward } from './forward';
import { record, replay } from './recording';
import { linearizeNodes, pullback } from './reverse';
import { type AnyFunction, callTraced, checkFunction, withTrace } from './tracing';
import type { Outputs, VectorResults, Vectors } from './types';
import { matchVectors } from './vectors';

/** Vectors of the floating arrays only. */
function inexactOnly(vectors: readonly (Node | null)[], references: readonly unknown[]): (Node | null)[] {
  const arrays = arraysOf(references);
  return vectors.filter((_, i) => arrays[i].dtype.inexact);
}

/**
 * The outputs of `f` at `primals` and their directional derivative along `tangents`: `[outputs, tangents]`, both lists.
 *
 * @throws for a wrong number of tangents, or one of a wrong shape or dtype.
 * @example
 * const [[y], [dy]] = mx.jvp(mx.sin, [mx.array(0)], [mx.array(1)]); // y is 0, dy is 1
 */
export function jvp<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  primals: readonly [...A],
  tangents: Vectors<A>,
): [outputs: Outputs<R>, tangents: VectorResults<Outputs<R>>] {
  checkFunction('jvp', f);
  const trees = primalList('jvp', primals);
  const given = inexactOnly(matchVectors({ where: 'jvp', vector: 'tangent', of: 'primal' }, trees, tangents), trees);
  return withTrace('jvp', (scope) => {
    const { args, tracers } = traceTrees(scope, trees, 'jvp');
    const outputs = outputList('jvp', callTraced('jvp', f as AnyFunction, args));
    const results = nodesOf(outputs, 'jvp').filter((node) => node.dtype.inexact);
    const pushed = tracers.length === 0 ? results.map(() => null) : pushforward(results, tracers, given, 'result');
    return [scope.release(outputs), vectorTree(outputs, pushed.values())] as [Outputs<R>, VectorResults<Outputs<R>>];
  });
}

/**
 * The outputs of `f` at `primals`, and the products of `cotangents`, one for each output, with its Jacobians:
 * `[outputs, gradients]`, both lists.
 *
 * @throws for a wrong number of cotangents, or one of a wrong shape or dtype.
 * @example
 * const [[y], [dx]] = mx.vjp(mx.square, [mx.array([1, 2])], [mx.array([1, 1])]); // dx is [2, 4]
 */
export function vjp<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  primals: readonly [...A],
  cotangents: Vectors<Outputs<R>>,
): [outputs: Outputs<R>, gradients: VectorResults<A>] {
  checkFunction('vjp', f);
  const trees = primalList('vjp', primals);
  return withTrace('vjp', (scope) => {
    const { args, tracers } = traceTrees(scope, trees, 'vjp');
    const outputs = outputList('vjp', callTraced('vjp', f as AnyFunction, args));
    const given = inexactOnly(matchVectors({ where: 'vjp', vector: 'cotangent', of: 'output' }, outputs, cotangents), outputs);
    const results = nodesOf(outputs, 'vjp').filter((node) => node.dtype.inexact);
    const gradients = pullback(linearizeNodes(results, tracers, 'vjp'), given);
    return [scope.release(outputs), trees.map(treeOf(gradients.values()))] as [Outputs<R>, VectorResults<A>];
  });
}

function treeOf(vectors: Iterator<Node | null>): (tree: unknown) => unknown {
  return (tree) => vectorTree(tree, vectors);
}

/**
 * The outputs of `f` at `primals`, and the linear function that takes a list of tangents to the list of output
 * tangents. `f` runs once, however often the linear function is called.
 *
 * @example
 * const [[y], tangent] = mx.linearize(mx.sin, [mx.array(0)]);
 * tangent([mx.array(2)]); // [array(2, dtype=float32)]
 */
export function linearize<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  primals: readonly [...A],
): [outputs: Outputs<R>, tangent: (tangents: Vectors<A>) => VectorResults<Outputs<R>>] {
  checkFunction('linearize', f);
  const trees = primalList('linearize', primals);
  return withTrace('linearize', (scope) => {
    const { args, tracers } = traceTrees(scope, trees, 'linearize');
    const outputs = outputList('linearize', callTraced('linearize', f as AnyFunction, args));
    const results = nodesOf(outputs, 'linearize').filter((node) => node.dtype.inexact);
    const { placeholders, tangents } = linearizeNodes(results, tracers, 'linearize', 'result');
    const linear = tangents.map((tangent, i) => tangent ?? zeros(results[i].shape, results[i].dtype));
    const first = placeholders.length === 0 ? Number.POSITIVE_INFINITY : placeholders[0].id;
    const recording = record(placeholders, linear, first);
    const released = scope.release(outputs) as readonly unknown[];
    const apply = (vectors: unknown): unknown => {
      const given = matchVectors({ where: 'linearize', vector: 'tangent', of: 'primal' }, trees, vectors);
      const dense = inexactOnly(given, trees) as Node[];
      return vectorTree(released, replay(recording, dense).values());
    };
    return [released, apply] as unknown as [Outputs<R>, (tangents: Vectors<A>) => VectorResults<Outputs<R>>];
  });
}
