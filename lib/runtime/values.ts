/** Values of graphs that run as plans of their own: memory and how the elements lie in it. */

import type { Layout } from '../graph/node';
import { addon } from './binding';
import type { Storage } from './storage';

export interface Value {
  readonly storage: Storage;
  readonly layout: Layout | null;
  /** The run that gave it allocated the memory, and nobody else has it. */
  readonly own: boolean;
}

/** The value as it is for those who did not allocate it. */
export function lent({ storage, layout }: Value): Value {
  return { storage, layout, own: false };
}

/** Counts who needs memory that a loop allocated, and frees it once nobody does. */
export class Holder {
  private readonly counts = new Map<Storage, number>();

  /** Takes memory that a run has just given; what others own is left alone. */
  hold(values: readonly Value[]): void {
    for (const { storage, own } of values) {
      const count = this.counts.get(storage);
      if (count !== undefined) this.counts.set(storage, count + 1);
      else if (own) this.counts.set(storage, 1);
    }
  }

  drop(values: readonly Value[]): void {
    for (const { storage } of values) {
      const count = this.counts.get(storage);
      if (count === undefined) continue;
      if (count > 1) this.counts.set(storage, count - 1);
      else {
        this.counts.delete(storage);
        if (storage.handle !== 0) addon().release(storage.handle);
        storage.handle = 0;
      }
    }
  }

  /** The same values, handed on with the memory that is held here. */
  give(values: readonly Value[]): Value[] {
    return values.map(({ storage, layout }) => ({ storage, layout, own: this.counts.has(storage) }));
  }
}
