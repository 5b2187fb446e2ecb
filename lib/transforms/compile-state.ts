/** Captured state of compiled functions: containers whose leaves are read before a call and replaced after it. */

import type { array } from '../array';
import { isArray } from '../array';
import { typeError } from '../errors';
import { describe } from '../ops/arguments';
import { state as randomState } from '../random/state';
import { arraysOf, isPlainObject, setKey } from '../tree';

type Container = unknown[] | Record<string, unknown>;

function isContainer(value: unknown): value is Container {
  return Array.isArray(value) || isPlainObject(value);
}

/** The containers given as `inputs` or `outputs`. The random state is captured anyway, so it is left out here. */
export function stateContainers(name: string, given: unknown): readonly Container[] {
  if (given === undefined || given === null) return [];
  if (!isContainer(given)) throw typeError('compile', `${name} must be a list or an object that holds arrays, not ${describe(given)}`);
  if (given === (randomState as unknown)) return [];
  // A container that holds itself is told here.
  arraysOf(given);
  // A list of containers is how several are given; a list of arrays is a container itself. Both are one tree.
  return [given];
}

function keysOf(container: Container): (number | string)[] {
  return Array.isArray(container) ? [...container.keys()] : Object.keys(container);
}

function get(container: Container, key: number | string): unknown {
  return (container as Record<number | string, unknown>)[key];
}

function set(container: Container, key: number | string, value: unknown): void {
  if (Array.isArray(container)) container[key as number] = value;
  else setKey(container, key as string, value);
}

/** The same tree without the random state. */
export function withoutRandomState(tree: unknown): unknown {
  if (tree === randomState) return null;
  if (isArray(tree) || !isContainer(tree)) return tree;
  if (Array.isArray(tree)) return tree.map(withoutRandomState);
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(tree)) setKey(copy, key, withoutRandomState(tree[key]));
  return copy;
}

/** Replaces the arrays in the containers, in order. */
export function replaceArrays(containers: readonly unknown[], values: Iterator<array>): void {
  for (const container of containers) {
    if (!isContainer(container) || isArray(container) || container === (randomState as unknown)) continue;
    for (const key of keysOf(container)) {
      const value = get(container, key);
      if (isArray(value)) set(container, key, values.next().value);
      else replaceArrays([value], values);
    }
  }
}

/** What the containers hold now, so that it can be put back. */
export function snapshot(containers: readonly unknown[]): () => void {
  const saved: (() => void)[] = [];
  const seen = new Set<unknown>();
  const save = (container: unknown): void => {
    if (!isContainer(container) || isArray(container) || container === (randomState as unknown) || seen.has(container)) return;
    seen.add(container);
    const entries = keysOf(container).map((key) => [key, get(container, key)] as const);
    saved.push(() => fill(container, entries));
    for (const [, value] of entries) save(value);
  };
  for (const container of containers) save(container);
  return () => {
    for (const restore of saved) restore();
  };
}

function fill(container: Container, entries: readonly (readonly [number | string, unknown])[]): void {
  if (Array.isArray(container)) container.length = entries.length;
  else {
    const keys = new Set(entries.map(([key]) => key));
    for (const key of Object.keys(container)) if (!keys.has(key)) delete container[key];
  }
  for (const [key, value] of entries) if (get(container, key) !== value || !Object.hasOwn(container, key)) set(container, key, value);
}

/** Makes a container hold what `tree` holds, keeping the containers inside it that are still of the same kind. */
export function assignTree(container: unknown, tree: unknown): void {
  if (!isContainer(container) || !isContainer(tree) || container === (randomState as unknown)) return;
  const entries = keysOf(tree).map((key) => {
    const value = get(tree, key);
    const old = get(container, key);
    if (old === randomState) return [key, old] as const;
    if (!isContainer(value) || isArray(value) || !isContainer(old) || isArray(old) || Array.isArray(old) !== Array.isArray(value)) {
      return [key, value] as const;
    }
    assignTree(old, value);
    return [key, old] as const;
  });
  fill(container, entries);
}
