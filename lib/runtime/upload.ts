/** Makes evaluated nodes from bytes. */

import type { Dtype } from '../dtype';
import type { Node, Shape } from '../graph/node';
import { data } from '../primitives/control';
import { addon, check } from './binding';
import { collectIfNeeded } from './policy';
import { claim, Storage } from './storage';

/** An array of `shape` and `dtype` whose row-major elements are a copy of `bytes`. */
export function fromBytes(bytes: Uint8Array, shape: Shape, dtype: Dtype, where = 'array'): Node {
  const storage = new Storage(bytes.byteLength);
  collectIfNeeded(bytes.byteLength, 1);
  storage.handle = check(where, addon().upload(bytes, storage));
  return data(claim(storage), null, shape, dtype);
}
