/** `vmap`: a function of single examples becomes one of batches. */

import { type array, isArray, nodeOf, wrap } from '../array';
import { rangeError, showShape, typeError } from '../errors';
import type { Node } from '../graph/node';
import { describe } from '../ops/arguments';
import { moveaxis } from '../primitives/movement';
import { arraysOf, isPlainObject, mapArrays, showKey } from '../tree';
import { batch, toBatch } from './batch';
import { type AnyFunction, callTraced, checkFunction, describeResult, withTrace } from './tracing';

/** Which axis to map over: an axis, null for none, or a tree of them that matches the arguments as far as it goes. */
export type AxisTree = number | null | readonly AxisTree[] | { readonly [key: string]: AxisTree };

/** The axis of one array, and where the array is. */
export interface PlacedAxis {
  readonly axis: number | null;
  readonly path: string;
}

function checkAxes(name: string, axes: unknown, path = ''): void {
  if (path === '') arraysOf(axes);
  if (axes === null || (typeof axes === 'number' && Number.isInteger(axes))) return;
  if (Array.isArray(axes)) for (const [i, entry] of axes.entries()) checkAxes(name, entry, path + showKey(i));
  else if (isPlainObject(axes)) for (const key of Object.keys(axes)) checkAxes(name, axes[key], path + showKey(key));
  else throw typeError('vmap', `${name}${path} must be an integer, null, or a tree of them, not ${describe(axes)}`);
}

/**
 * The axis of each array of `tree`, in order, with where it is. `axes` is a prefix of the tree: an entry of it holds for
 * the whole subtree it stands at.
 */
export function axesOf(name: string, axes: unknown, tree: unknown, path: string, found: PlacedAxis[]): void {
  if (axes === null || typeof axes === 'number') {
    if (isArray(tree)) found.push({ axis: axes, path });
    else if (Array.isArray(tree)) for (const [i, entry] of tree.entries()) axesOf(name, axes, entry, path + showKey(i), found);
    else if (isPlainObject(tree)) for (const key of Object.keys(tree)) axesOf(name, axes, tree[key], path + showKey(key), found);
    return;
  }
  if (Array.isArray(axes)) {
    if (!Array.isArray(tree)) throw typeError('vmap', `${name} has a list for ${path}, which is ${describe(tree)}`);
    if (tree.length !== axes.length) throw rangeError('vmap', `${name} has ${axes.length} entries for ${path}, which has ${tree.length}`);
    for (const [i, entry] of tree.entries()) axesOf(name, axes[i], entry, path + showKey(i), found);
    return;
  }
  const entries = axes as Readonly<Record<string, unknown>>;
  if (!isPlainObject(tree)) throw typeError('vmap', `${name} has an object for ${path}, which is ${describe(tree)}`);
  const unknown = Object.keys(entries).find((key) => !Object.hasOwn(tree, key));
  if (unknown !== undefined) throw rangeError('vmap', `${name} has the key ${unknown} for ${path}, which does not`);
  for (const key of Object.keys(tree)) {
    if (!Object.hasOwn(entries, key)) throw rangeError('vmap', `${name} lacks the key ${key} of ${path}`);
    axesOf(name, entries[key], tree[key], path + showKey(key), found);
  }
}

/** The axis of each array of the arguments, in order. */
function argumentAxes(inAxes: unknown, args: readonly unknown[]): PlacedAxis[] {
  // Trees that hold themselves are told here.
  arraysOf(args);
  const found: PlacedAxis[] = [];
  if (Array.isArray(inAxes)) {
    if (inAxes.length !== args.length) {
      throw rangeError('vmap', `inAxes has ${inAxes.length} entries for ${args.length} argument${args.length === 1 ? '' : 's'}`);
    }
  } else if (isPlainObject(inAxes)) {
    throw typeError('vmap', 'inAxes must be an axis, null, or a list with an entry for each argument, not an object');
  }
  for (const [i, arg] of args.entries()) axesOf('inAxes', Array.isArray(inAxes) ? inAxes[i] : inAxes, arg, `argument ${i}`, found);
  return found;
}

function frontAxis(axis: number, node: Node, path: string): number {
  const rank = node.shape.length;
  const positive = axis < 0 ? axis + rank : axis;
  if (positive >= 0 && positive < rank) return positive;
  throw rangeError('vmap', `axis ${axis} is out of range for ${path} of shape ${showShape(node.shape)}`);
}

function call(f: AnyFunction, inAxes: unknown, outAxes: unknown, args: readonly unknown[]): unknown {
  const axes = argumentAxes(inAxes, args);
  return withTrace('vmap', (scope) => {
    let size = -1;
    let from = '';
    let index = 0;
    const tracers: Node[] = [];
    const values: Node[] = [];
    const given = args.map((arg) =>
      mapArrays(arg, (leaf) => {
        const node = nodeOf(leaf, 'vmap');
        const { axis, path } = axes[index++];
        if (axis === null) return wrap(node);
        const at = frontAxis(axis, node, path);
        const length = node.shape[at];
        if (size === -1) [size, from] = [length, path];
        else if (size !== length) {
          throw rangeError('vmap', `mapped axes must have one size, but ${from} has ${size} and ${path} has ${length}`);
        }
        const tracer = scope.placeholder(
          node.shape.filter((_, i) => i !== at),
          node.dtype,
        );
        tracers.push(tracer);
        values.push(at === 0 ? node : moveaxis(node, at, 0));
        return scope.handle(tracer);
      }),
    );
    if (tracers.length === 0) throw rangeError('vmap', 'no argument is mapped: inAxes must name an axis of at least one array');
    const result = callTraced('vmap', f, given);
    const nodes = arraysOf(result).map((leaf: array) => nodeOf(leaf, 'vmap'));
    const places: PlacedAxis[] = [];
    axesOf('outAxes', outAxes, result, 'the result', places);
    if (nodes.length === 0) throw typeError('vmap', `the function must return at least one array, but returned ${describeResult(result)}`);
    const batched = batch(nodes, tracers, values, size);
    return mapArrays(result, (_, i) => {
      const { axis, path } = places[i];
      if (axis === null) {
        if (batched[i].mapped) throw rangeError('vmap', `outAxes is null for ${path}, which depends on a mapped argument`);
        return wrap(batched[i].node);
      }
      const node = toBatch(batched[i], size);
      const rank = node.shape.length;
      const at = axis < 0 ? axis + rank : axis;
      if (at < 0 || at >= rank)
        throw rangeError('vmap', `axis ${axis} of outAxes is out of range for ${path}, whose batch has shape ${showShape(node.shape)}`);
      return wrap(at === 0 ? node : moveaxis(node, 0, at));
    });
  });
}

/**
 * A function that applies `f` to each example along an axis of its arguments, all at once.
 *
 * `inAxes` is the axis to map over, null for an argument that all examples share, or a list with an entry for each
 * argument, in which a tree argument may have one entry or a tree of them. `outAxes` says where the results have the
 * batch axis, in the same way. Arguments that are no arrays are passed as they are.
 *
 * @throws where axes are out of range or of different sizes, or nothing is mapped.
 * @example
 * mx.vmap((x, y) => x.add(y), [1, 0])(xs, ys); // row i is xs[:, i] + ys[i]
 */
export function vmap<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  inAxes: AxisTree = 0,
  outAxes: AxisTree = 0,
): (...args: A) => R {
  checkFunction('vmap', f);
  checkAxes('inAxes', inAxes);
  checkAxes('outAxes', outAxes);
  return (...args) => call(f as AnyFunction, inAxes, outAxes, args) as R;
}
