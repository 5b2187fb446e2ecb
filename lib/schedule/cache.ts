/** Plans by structure: least recently used out, bounded in bytes. */

import type { Walk } from './collect';
import type { Plan } from './plan';

/** A plan in the cache, and the program that was loaded for it. */
export class CachedPlan {
  /** Local indices of nodes that were read after a run that did not produce them: outputs from the next run on. */
  readonly learned: number[] = [];
  /** The plan was made before the last of `learned` was known. */
  stale = false;
  /** Neighbours in the order of use. */
  newer: CachedPlan | null = null;
  older: CachedPlan | null = null;
  /** The next plan with the same hash. */
  next: CachedPlan | null = null;

  constructor(
    readonly hash: number,
    readonly key: Int32Array,
    public plan: Plan,
    /** Handle of the loaded program; 0 where there is nothing to run. */
    public program: number,
  ) {}

  get byteLength(): number {
    // The native side keeps a decoded form that takes a few times the words.
    return 512 + this.key.byteLength + 5 * this.plan.words.byteLength + this.plan.frame.words.byteLength;
  }
}

export interface PlanCounters {
  /** Plans made since the library was loaded. */
  plans: number;
  /** Evaluations that found their plan. */
  hits: number;
}

export class PlanCache {
  readonly counters: PlanCounters = { plans: 0, hits: 0 };
  private readonly byHash = new Map<number, CachedPlan>();
  private newest: CachedPlan | null = null;
  private oldest: CachedPlan | null = null;
  private bytes = 0;

  constructor(
    private readonly maxBytes: number,
    private readonly unload: (program: number) => void,
  ) {}

  /** The plan of the structure that was walked. */
  find(walk: Walk): CachedPlan | null {
    for (let entry = this.byHash.get(walk.hash) ?? null; entry !== null; entry = entry.next) {
      if (!sameKey(entry.key, walk)) continue;
      this.unlink(entry);
      this.link(entry);
      return entry;
    }
    return null;
  }

  add(walk: Walk, plan: Plan, program: number): CachedPlan {
    const entry = new CachedPlan(walk.hash, walk.key.slice(0, walk.keyLength), plan, program);
    entry.next = this.byHash.get(entry.hash) ?? null;
    this.byHash.set(entry.hash, entry);
    this.link(entry);
    this.bytes += entry.byteLength;
    this.shrink();
    return entry;
  }

  /** Puts a new plan in the place of an old one of the same structure. */
  replace(entry: CachedPlan, plan: Plan, program: number): void {
    this.bytes -= entry.byteLength;
    if (entry.program !== 0) this.unload(entry.program);
    entry.plan = plan;
    entry.program = program;
    entry.stale = false;
    this.bytes += entry.byteLength;
    this.shrink();
  }

  private shrink(): void {
    while (this.bytes > this.maxBytes && this.oldest !== null && this.oldest !== this.newest) this.remove(this.oldest);
  }

  private remove(entry: CachedPlan): void {
    this.unlink(entry);
    this.bytes -= entry.byteLength;
    if (entry.program !== 0) this.unload(entry.program);
    entry.program = 0;
    const first = this.byHash.get(entry.hash);
    if (first === entry) {
      if (entry.next === null) this.byHash.delete(entry.hash);
      else this.byHash.set(entry.hash, entry.next);
      return;
    }
    for (let other = first ?? null; other !== null; other = other.next) {
      if (other.next === entry) {
        other.next = entry.next;
        return;
      }
    }
  }

  private link(entry: CachedPlan): void {
    entry.older = this.newest;
    entry.newer = null;
    if (this.newest !== null) this.newest.newer = entry;
    this.newest = entry;
    this.oldest ??= entry;
  }

  private unlink(entry: CachedPlan): void {
    if (entry.newer === null) this.newest = entry.older;
    else entry.newer.older = entry.older;
    if (entry.older === null) this.oldest = entry.newer;
    else entry.older.newer = entry.newer;
  }
}

function sameKey(key: Int32Array, walk: Walk): boolean {
  const length = walk.keyLength;
  if (key.length !== length) return false;
  const other = walk.key;
  for (let i = 0; i < length; i++) if (key[i] !== other[i]) return false;
  return true;
}
