/** `grad` and `valueAndGrad`. */

import { type array, isArray, nodeOf } from '../array';
import { rangeError, typeError } from '../errors';
import { type Node, notesOf } from '../graph/node';
import { traceDepth } from '../graph/trace';
import { describe } from '../ops/arguments';
import { ones } from '../primitives/generators';
import { arraysOf } from '../tree';
import { asTree, traceTrees, vectorTree } from './arguments';
import { linearizeNodes, pullback } from './reverse';
import { type AnyFunction, callTraced, checkFunction, describeResult, ownCopy, type Scope, withTrace } from './tracing';
import type { Gradients } from './types';

/** Which arguments, as a list, checked for all that can be checked before the call. */
export function argnumList(where: string, argnums: unknown): readonly number[] {
  const list: readonly unknown[] = Array.isArray(argnums) ? argnums : [argnums];
  if (list.length === 0) throw rangeError(where, 'argnums is empty');
  const seen = new Set<number>();
  for (const argnum of list) {
    if (typeof argnum !== 'number' || !Number.isInteger(argnum)) {
      throw typeError(where, `argnums must be an integer or a list of integers, not ${describe(argnum)}`);
    }
    if (argnum < 0) throw rangeError(where, `argnums must not be negative: ${argnum}`);
    if (seen.has(argnum)) throw rangeError(where, `argnums names argument ${argnum} twice`);
    seen.add(argnum);
  }
  return list as readonly number[];
}

/** The value of a result: a floating scalar array, or for `valueAndGrad` also a list that begins with one. */
function valueNode(where: string, result: unknown, auxiliary: boolean): Node {
  const list = auxiliary && Array.isArray(result);
  const value: unknown = list ? result[0] : result;
  const expected = auxiliary
    ? 'the function must return a floating scalar array, or a list that begins with one'
    : 'the function must return a floating scalar array';
  const returned = list ? `a list that begins with ${describeResult(value)}` : describeResult(value);
  if (!isArray(value)) throw typeError(where, `${expected}, but returned ${list && result.length === 0 ? 'an empty list' : returned}`);
  const node = nodeOf(value, where);
  if (node.shape.length !== 0) throw rangeError(where, `${expected}, but returned ${returned}`);
  if (node.dtype.kind !== 'float') throw typeError(where, `${expected}, but returned ${returned}`);
  return node;
}

/** The trees to differentiate by; each must have a floating array. */
export function differentiated(where: string, args: readonly unknown[], argnums: readonly number[]): unknown[] {
  return argnums.map((argnum) => {
    if (argnum >= args.length) {
      throw rangeError(where, `argnums names argument ${argnum}, but the function was called with ${args.length}`);
    }
    const tree = asTree(args[argnum], where);
    const arrays = arraysOf(tree);
    if (!arrays.some((leaf) => nodeOf(leaf, where).dtype.inexact)) {
      const what = arrays.length === 0 ? describe(args[argnum]) : `${describe(args[argnum])} of dtype ${nodeOf(arrays[0]).dtype}`;
      throw typeError(where, `argument ${argnum} has no floating array to differentiate by: it is ${what}`);
    }
    return tree;
  });
}

/** Evaluating a gradient evaluates the value and the auxiliary results too: they are read next. */
function accompany(gradients: readonly (Node | null)[], result: unknown, since: number): void {
  const nodes = arraysOf(result)
    .map((leaf) => nodeOf(leaf))
    .filter((node) => node.storage === null);
  if (nodes.length === 0) return;
  const companions = { nodes };
  for (const gradient of gradients) {
    if (gradient !== null && gradient.id >= since && gradient.storage === null) notesOf(gradient).companions ??= companions;
  }
}

function differentiate(
  where: string,
  f: AnyFunction,
  argnums: readonly number[],
  bare: boolean,
  args: readonly unknown[],
  auxiliary: boolean,
): [value: unknown, gradients: unknown] {
  const trees = differentiated(where, args, argnums);
  const outermost = traceDepth() === 0;
  return withTrace(where, (scope: Scope): [unknown, unknown] => {
    const given = args.map((arg, i) => (argnums.includes(i) ? arg : ownCopy(arg)));
    const traced = traceTrees(scope, trees, where);
    argnums.forEach((argnum, i) => {
      given[argnum] = traced.args[i];
    });
    const result = callTraced(where, f, given);
    const value = valueNode(where, result, auxiliary);
    const linear = linearizeNodes([value], traced.tracers, where);
    const gradients = pullback(linear, [ones([], value.dtype)]);
    const released = auxiliary ? scope.release(result) : null;
    if (auxiliary && outermost) accompany(gradients, released, linear.placeholders[0].id);
    const vectors = gradients.values();
    const lists = trees.map((tree) => vectorTree(tree, vectors));
    return [released, bare ? lists[0] : lists];
  });
}

/**
 * A function that computes the gradient of a scalar function.
 *
 * `argnums` says by which argument: a number, or a list for a list of gradients in that order (a list of one gives the
 * bare gradient). An argument may be a tree of arrays; its gradient is a tree of the same shape, with zeros for integer
 * arrays.
 *
 * @throws if `f` does not return a floating scalar array, or an argument has no floating array in it.
 * @example
 * mx.grad(mx.sin)(mx.array(0)); // array(1, dtype=float32)
 */
export function grad<A extends readonly unknown[], const N extends number | readonly number[] = 0>(
  f: (...args: A) => array,
  argnums?: N,
): (...args: A) => Gradients<A, N> {
  checkFunction('grad', f);
  const list = argnumList('grad', argnums ?? 0);
  return (...args) => differentiate('grad', f as AnyFunction, list, list.length === 1, args, false)[1] as Gradients<A, N>;
}

/**
 * A function that computes the value of a scalar function and its gradient: `[value, gradient]`. `f` may return a list
 * that begins with the scalar; the whole list is then the value.
 *
 * @example
 * const [loss, gradient] = mx.valueAndGrad((w) => w.square().sum())(mx.array([1, 2]));
 * // loss is array(5, dtype=float32), gradient array([2, 4], dtype=float32)
 */
export function valueAndGrad<
  A extends readonly unknown[],
  R extends array | readonly [array, ...unknown[]],
  const N extends number | readonly number[] = 0,
>(f: (...args: A) => R, argnums?: N): (...args: A) => [value: R, gradient: Gradients<A, N>] {
  checkFunction('valueAndGrad', f);
  const list = argnumList('valueAndGrad', argnums ?? 0);
  return (...args) => {
    return differentiate('valueAndGrad', f as AnyFunction, list, list.length === 1, args, true) as [R, Gradients<A, N>];
  };
}
