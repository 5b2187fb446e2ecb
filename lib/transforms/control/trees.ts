/** Trees of arrays in control flow: numbers become arrays, and what a step returns must have the structure of what it was given. */

import { type array, isArray, nodeOf, type TypedArray, toNode, wrap } from '../../array';
import { rangeError, showShape, typeError } from '../../errors';
import type { Node, ShapeDtype } from '../../graph/node';
import { describe } from '../../ops/arguments';
import { sameShape } from '../../shape';
import { arraysOf, isPlainObject, mapLeaves, showKey } from '../../tree';
import { type ComplexValue, isComplexValue } from '../../values/construct';

/** A tree with arrays where it has arrays or what becomes one. */
export type Arrays<T> = array extends T
  ? array
  : T extends array | number | boolean | bigint | TypedArray | ComplexValue
    ? array
    : T extends readonly unknown[]
      ? { -readonly [K in keyof T]: Arrays<T[K]> }
      : T extends (...args: never[]) => unknown
        ? T
        : T extends object
          ? { -readonly [K in keyof T]: Arrays<T[K]> }
          : T;

/** The same where numbers will do. */
export type Loose<T> = array extends T
  ? array | number | boolean
  : T extends array | number | boolean | bigint | TypedArray | ComplexValue
    ? array | number | boolean
    : T extends readonly unknown[]
      ? { readonly [K in keyof T]: Loose<T[K]> }
      : T extends object
        ? { readonly [K in keyof T]: Loose<T[K]> }
        : T;

function isScalar(value: unknown): value is number | boolean | bigint {
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint';
}

function isValue(value: unknown): value is number | boolean | bigint | ComplexValue | TypedArray {
  return isScalar(value) || isComplexValue(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

/** The tree with its numbers and typed arrays made arrays; other leaves stay. */
export function withArrays(where: string, tree: unknown): unknown {
  arraysOf(tree);
  const convert = (value: unknown): unknown => {
    if (isArray(value)) return wrap(nodeOf(value, where));
    if (isValue(value)) return wrap(toNode(value, undefined, where));
    if (Array.isArray(value)) return value.map(convert);
    if (isPlainObject(value)) {
      const entries = Object.keys(value).map((key): [string, unknown] => [key, convert(value[key])]);
      return Object.fromEntries(entries);
    }
    return value;
  };
  return convert(tree);
}

/** The shapes and dtypes of the arrays of a tree. */
export function avalsOf(where: string, tree: unknown): ShapeDtype[] {
  return arraysOf(tree).map((leaf) => {
    const { shape, dtype } = nodeOf(leaf, where);
    return { shape, dtype };
  });
}

/** What the messages call the two trees. */
export interface Names {
  readonly where: string;
  /** What must have a certain structure: `the carry that f returned`. */
  readonly given: string;
  /** What it must look like: `the carry that f was given`. */
  readonly like: string;
}

function show({ shape, dtype }: ShapeDtype): string {
  return `${dtype} of shape ${showShape(shape)}`;
}

/** The nodes of a tree that must have the structure, shapes and dtypes of another one. Numbers take the dtype of what they stand for. */
export function nodesLike(names: Names, given: unknown, like: unknown, avals: readonly ShapeDtype[]): Node[] {
  const { where } = names;
  const found: Node[] = [];
  const at = (path: string): string => (path === '' ? '' : ` at ${path}`);
  const match = (value: unknown, reference: unknown, path: string): void => {
    if (isArray(reference)) {
      const aval = avals[found.length];
      if (!isArray(value) && !isValue(value)) {
        throw typeError(where, `${names.given} must be an array${at(path)}, as ${names.like}, not ${describe(value)}`);
      }
      const node = isScalar(value) ? toNode(value, aval.dtype, where) : toNode(value, undefined, where);
      if (!sameShape(node.shape, aval.shape) || node.dtype !== aval.dtype) {
        const error = sameShape(node.shape, aval.shape) ? typeError : rangeError;
        throw error(where, `${names.given} must be ${show(aval)}${at(path)}, as ${names.like}, not ${show(node)}`);
      }
      found.push(node);
    } else if (Array.isArray(reference)) {
      if (!Array.isArray(value))
        throw typeError(where, `${names.given} must be a list${at(path)}, as ${names.like}, not ${describe(value)}`);
      if (value.length !== reference.length) {
        throw rangeError(
          where,
          `${names.given} must be a list of ${reference.length}${at(path)}, as ${names.like}, not of ${value.length}`,
        );
      }
      for (const [i, entry] of reference.entries()) match(value[i], entry, path + showKey(i));
    } else if (isPlainObject(reference)) {
      if (!isPlainObject(value) || isArray(value)) {
        throw typeError(where, `${names.given} must be an object${at(path)}, as ${names.like}, not ${describe(value)}`);
      }
      const unknown = Object.keys(value).find((key) => !Object.hasOwn(reference, key));
      if (unknown !== undefined)
        throw rangeError(where, `${names.given} has the key ${unknown}${at(path)}, which ${names.like} does not have`);
      for (const key of Object.keys(reference)) {
        if (!Object.hasOwn(value, key)) throw rangeError(where, `${names.given} lacks the key ${key}${at(path)}, which ${names.like} has`);
        match(value[key], reference[key], path + showKey(key));
      }
    } else if (!Object.is(value, reference) && !(value == null && reference == null)) {
      throw typeError(where, `${names.given} must be ${describe(reference)}${at(path)}, as ${names.like}, not ${describe(value)}`);
    }
  };
  match(given, like, '');
  return found;
}

/** A tree with other arrays in the places of its own. */
export function refill(tree: unknown, nodes: Iterator<Node>): unknown {
  return mapLeaves(tree, (leaf) => (isArray(leaf) ? wrap(nodes.next().value as Node) : leaf));
}
