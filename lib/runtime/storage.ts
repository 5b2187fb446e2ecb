/** The JavaScript side of one native buffer: while it is reachable, the buffer lives. */

import type { Node } from '../graph/node';
import { addon } from './binding';

/** Owner of a native buffer. The addon watches it weakly and frees the buffer once it is collected. */
export class Storage {
  /** 0 once disposed. */
  handle = 0;
  /** How many nodes beside the first have their elements here: views that an evaluation made no copy for. */
  shared = 0;
  /** The memory as `toTypedArray` lent it to the user, who may detach it. */
  view: ArrayBuffer | null = null;
  /** A node has its elements here already. */
  claimed = false;
  constructor(readonly byteLength: number) {}
}

/** Makes `storage` the memory of one more node. */
export function claim(storage: Storage): Storage {
  if (storage.claimed) storage.shared++;
  storage.claimed = true;
  return storage;
}

/** What disposed nodes point to: its handle is 0 for ever. */
const disposed = new Storage(0);

/**
 * Frees the memory of an evaluated node now, unless another node shares it. Reading the node afterwards is an error;
 * a node that has no value yet is left alone.
 */
export function dispose(node: Node): void {
  const storage = node.storage;
  if (storage === null || storage === disposed) return;
  node.storage = disposed;
  node.layout = null;
  if (storage.shared > 0) {
    storage.shared--;
    return;
  }
  if (storage.handle !== 0) addon().release(storage.handle);
  storage.handle = 0;
  storage.view = null;
}
