/** Random keys, and the sequence of keys that draws without a key take theirs from. */

import { type array, nodeOf, wrap } from '../array';
import { uint32 } from '../dtype';
import { rangeError, typeError } from '../errors';
import type { Node } from '../graph/node';
import { traceDepth } from '../graph/trace';
import { type ArangeAttrs, arange } from '../primitives/generators';
import { slice } from '../primitives/movement';
import { randomBits } from '../primitives/random';
import { toTypedArray } from '../runtime/read';
import { describe } from '../values/describe';
import { type KeyWords, splitWords } from './threefry';

/** A key from its words. They are arguments of a plan and no memory: a progression of two elements, wrapping around. */
function keyFromWords(words: KeyWords): Node {
  return arange(words[0], words[1] - words[0], [2], 0, uint32);
}

/** The words of a key that `keyFromWords` made, null of any other. */
function wordsOfKey(node: Node): KeyWords | null {
  if (node.primitive.lowering.kind !== 'arange') return null;
  const { start, step } = node.attrs as ArangeAttrs;
  if (typeof start !== 'number' || typeof step !== 'number') return null;
  const second = start + step;
  return [start, second].every((word) => Number.isInteger(word) && word >= 0 && word < 2 ** 32) ? [start, second] : null;
}

function wordsOfSeed(where: string, seed: unknown): KeyWords {
  if (typeof seed === 'bigint') {
    if (seed < 0n || seed >= 1n << 64n) throw rangeError(where, `seed must be from 0 to 2^64 - 1, not ${seed}`);
    return [Number(seed >> 32n), Number(seed & 0xffffffffn)];
  }
  if (typeof seed !== 'number' || !Number.isInteger(seed)) throw typeError(where, `seed must be an integer, not ${describe(seed)}`);
  if (seed < 0 || seed > Number.MAX_SAFE_INTEGER)
    throw rangeError(where, `seed must be from 0 to 2^53 - 1 (or a bigint up to 2^64 - 1), not ${seed}`);
  return [Math.floor(seed / 2 ** 32), seed % 2 ** 32];
}

/** The key of a seed, as a node. */
export function keyNode(where: string, seed: unknown): Node {
  return keyFromWords(wordsOfSeed(where, seed));
}

/** Both keys that one is split into. */
export function splitKey(key: Node): [Node, Node] {
  const both = randomBits(key, [2, 2], uint32);
  return [slice(both, [0, 0], [1, 2], undefined, [2]), slice(both, [1, 0], [1, 2], undefined, [2])];
}

/** The current key: words as long as JavaScript knows them, which makes drawing cheap; else a node. */
let words: KeyWords | null = wordsOfSeed('random.seed', Date.now());
let current: Node | null = null;
/** The array that stands for the current key, once it was asked for. */
let lent: array | null = null;

function setKey(newWords: KeyWords | null, node: Node | null): void {
  words = newWords;
  current = node;
  lent = null;
}

/** The node that holds the current key, null while JavaScript knows its words. */
export function stateNode(): Node | null {
  return words === null ? current : null;
}

/**
 * The list that holds the current key, as MLX has it: captured state that `compile` reads and replaces. Its one entry is an array; setting it
 * sets the key.
 *
 * @example
 * const saved = mx.random.state[0];
 * mx.random.uniform(0, 1, [2]);
 * mx.random.state[0] = saved; // the next draw repeats the last one
 */
export const state: array[] = [];
Object.defineProperty(state, 0, {
  enumerable: true,
  configurable: false,
  get(): array {
    if (lent === null || lent._node === null) lent = wrap(words === null ? (current as Node) : keyFromWords(words));
    return lent;
  },
  set(value: array) {
    const node = nodeOf(value, 'random.state');
    checkKey('random.state', node);
    setKey(wordsOfKey(node), node);
    lent = value;
  },
});

/** Throws unless a node is one key. */
export function checkKey(where: string, node: Node): void {
  if (node.dtype !== uint32) throw typeError(where, `a key is uint32, not ${node.dtype}`);
  if (node.shape.length !== 1 || node.shape[0] !== 2) throw rangeError(where, `a key has shape [2], not [${node.shape.join(', ')}]`);
}

/**
 * Seeds the generator behind draws without a key. Until it is called the seed is the time at which the library was loaded.
 *
 * @example
 * mx.random.seed(42);
 */
export function seed(seed: number | bigint): void {
  setKey(wordsOfSeed('random.seed', seed), null);
}

/** The key for a draw without one; the sequence moves on. */
export function nextKey(): Node {
  if (words === null && current !== null && current.storage !== null && traceDepth() === 0) {
    // The state came out of a compiled function: now that its value exists the sequence goes on from its words, not from a growing graph.
    const [first, second] = toTypedArray(current, 'random.state') as Uint32Array;
    words = [first, second];
  }
  if (words !== null) {
    const [next, drawn] = splitWords(words);
    setKey(next, null);
    return keyFromWords(drawn);
  }
  const [next, drawn] = splitKey(current as Node);
  setKey(null, next);
  return drawn;
}
