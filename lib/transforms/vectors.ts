/** Matches the trees of tangents and cotangents that users give against the trees they belong to. */

import { type ArrayInput, type array, isArray, nodeOf, toNode } from '../array';
import { rangeError, showShape, typeError } from '../errors';
import type { Node } from '../graph/node';
import { describe } from '../ops/arguments';
import { sameShape } from '../shape';
import { arraysOf, isPlainObject, showKey } from '../tree';

/** What the entries are called in messages: a cotangent belongs to an output. */
export interface Nouns {
  readonly where: string;
  readonly vector: string;
  readonly of: string;
  /** Null stands for zeros of any dtype; without it only for those of an integer array. */
  readonly nullable?: boolean;
}

function vectorNode({ where, vector, of, nullable }: Nouns, reference: array, given: unknown, path: string): Node | null {
  const { shape, dtype } = nodeOf(reference, where);
  if (given === null || given === undefined) {
    if (!dtype.inexact || nullable === true) return null;
    throw typeError(where, `the ${vector} for ${of} ${path} must be an array, not ${describe(given)}`);
  }
  if (!isArray(given) && (isPlainObject(given) ? !('re' in given) : typeof given === 'string' || typeof given === 'function')) {
    throw typeError(where, `the ${vector} for ${of} ${path} must be an array, not ${describe(given)}`);
  }
  const node = toNode(given as ArrayInput, isArray(given) || ArrayBuffer.isView(given) ? undefined : dtype, where);
  if (!sameShape(node.shape, shape)) {
    throw rangeError(where, `the ${vector} for ${of} ${path} must have shape ${showShape(shape)}, not ${showShape(node.shape)}`);
  }
  if (node.dtype !== dtype) throw typeError(where, `the ${vector} for ${of} ${path} must have dtype ${dtype}, not ${node.dtype}`);
  return node;
}

function matchTree(nouns: Nouns, reference: unknown, given: unknown, path: string, found: (Node | null)[]): void {
  const { where, vector, of } = nouns;
  if (isArray(reference)) {
    found.push(vectorNode(nouns, reference, given, path));
  } else if (Array.isArray(reference)) {
    if (!Array.isArray(given)) throw typeError(where, `the ${vector} for ${of} ${path} must be a list, not ${describe(given)}`);
    if (given.length !== reference.length) {
      throw rangeError(where, `the ${vector} for ${of} ${path} must be a list of ${reference.length}, not of ${given.length}`);
    }
    for (const [i, entry] of reference.entries()) matchTree(nouns, entry, given[i], path + showKey(i), found);
  } else if (isPlainObject(reference)) {
    if (!isPlainObject(given)) throw typeError(where, `the ${vector} for ${of} ${path} must be an object, not ${describe(given)}`);
    const keys = Object.keys(reference);
    const unknown = Object.keys(given).find((key) => !Object.hasOwn(reference, key));
    if (unknown !== undefined)
      throw rangeError(where, `the ${vector} for ${of} ${path} has the key ${unknown}, which the ${of} does not have`);
    for (const key of keys) {
      if (!Object.hasOwn(given, key)) throw rangeError(where, `the ${vector} for ${of} ${path} lacks the key ${key}`);
      matchTree(nouns, reference[key], given[key], path + showKey(key), found);
    }
  }
}

/**
 * The nodes of the vectors given for a list of trees, one for each array in them, in order. An integer array's may be
 * null. Wrong counts, structures, shapes and dtypes are errors that say where.
 */
export function matchVectors(nouns: Nouns, references: readonly unknown[], given: unknown): (Node | null)[] {
  const { where, vector, of } = nouns;
  if (!Array.isArray(given)) throw typeError(where, `${vector}s must be a list, one for each ${of}, not ${describe(given)}`);
  if (given.length !== references.length) {
    throw rangeError(where, `there must be one ${vector} for each ${of}: ${references.length}, not ${given.length}`);
  }
  // Trees that hold themselves are told here.
  arraysOf(references);
  const found: (Node | null)[] = [];
  for (const [i, reference] of references.entries()) matchTree(nouns, reference, given[i], String(i), found);
  return found;
}
