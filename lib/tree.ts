/** Trees: lists and plain objects nested to any depth, whose leaves are arrays and values that are left alone. */

import { type array, isArray } from './array';
import { rangeError } from './errors';

/** Deeper than any tree that is meant: what goes further holds itself. */
const maxDepth = 1000;

/** True for an object that was written as `{…}`. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Sets a key as data, whatever its name. */
export function setKey(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  else object[key] = value;
}

/** More than the lists of any tree that is meant: what is longer is mostly holes, and takes minutes to walk. */
const maxLength = 2 ** 26;

function checkLength(list: readonly unknown[]): void {
  if (list.length > maxLength) throw rangeError('tree', `a list of ${list.length} entries is longer than ${maxLength}`);
}

function tooDeep(): RangeError {
  return rangeError('tree', `nested more than ${maxDepth} deep; does the tree hold itself?`);
}

/** A copy of the tree with each leaf replaced by `f(leaf)`: arrays and everything that is no list or plain object. */
export function mapLeaves(tree: unknown, f: (leaf: unknown) => unknown, depth = 0): unknown {
  if (isArray(tree)) return f(tree);
  if (Array.isArray(tree)) {
    if (depth > maxDepth) throw tooDeep();
    checkLength(tree);
    const copy = new Array<unknown>(tree.length);
    for (let i = 0; i < tree.length; i++) copy[i] = mapLeaves(tree[i], f, depth + 1);
    return copy;
  }
  if (isPlainObject(tree)) {
    if (depth > maxDepth) throw tooDeep();
    const copy: Record<string, unknown> = {};
    for (const key of Object.keys(tree)) setKey(copy, key, mapLeaves(tree[key], f, depth + 1));
    return copy;
  }
  return f(tree);
}

/** A copy of the tree with each array replaced by `f(array, its number)`; other leaves as they are. */
export function mapArrays(tree: unknown, f: (leaf: array, index: number) => unknown): unknown {
  if (isArray(tree)) return f(tree, 0);
  let index = 0;
  return mapLeaves(tree, (leaf) => (isArray(leaf) ? f(leaf, index++) : leaf));
}

/** The arrays of a tree, in order; put at the end of `found`. */
export function arraysOf(tree: unknown, found: array[] = [], depth = 0): array[] {
  if (isArray(tree)) found.push(tree);
  else if (Array.isArray(tree)) {
    if (depth > maxDepth) throw tooDeep();
    checkLength(tree);
    for (let i = 0; i < tree.length; i++) arraysOf(tree[i], found, depth + 1);
  } else if (isPlainObject(tree)) {
    if (depth > maxDepth) throw tooDeep();
    for (const key of Object.keys(tree)) arraysOf(tree[key], found, depth + 1);
  }
  return found;
}

/** How an entry of a container is written in a message: `[2]`, `.weight`, `["a b"]`. */
export function showKey(key: number | string): string {
  if (typeof key === 'number') return `[${key}]`;
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** Where the array with this number is in the tree: `.layers[0].weight`, or nothing if it is the tree itself. */
export function arrayPath(tree: unknown, index: number): string {
  let left = index;
  const find = (subtree: unknown, path: string): string | undefined => {
    if (isArray(subtree)) return left-- === 0 ? path : undefined;
    if (!Array.isArray(subtree) && !isPlainObject(subtree)) return undefined;
    const entries: [number | string, unknown][] = Array.isArray(subtree) ? subtree.map((entry, i) => [i, entry]) : Object.entries(subtree);
    for (const [key, entry] of entries) {
      const found = find(entry, path + showKey(key));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return find(tree, '') ?? '';
}
