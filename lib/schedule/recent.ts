/** Learning what to keep: a node that a plan computed and dropped, and that is needed again, is an output of that plan from its next run on. */

import type { CachedPlan } from './cache';

/** The plans of recent walks by the number of the walk: a node knows the last walk that visited it, and its index there. */
const recent: { visit: number; entry: CachedPlan | null }[] = Array.from({ length: 1024 }, () => ({ visit: 0, entry: null }));

/** Notes which plan the evaluation of a walk took. */
export function remember(visit: number, entry: CachedPlan): void {
  const slot = recent[visit % recent.length];
  slot.visit = visit;
  slot.entry = entry;
}

/** Notes that node `local` of a former walk is needed again. */
export function learn(visit: number, local: number): void {
  const { visit: known, entry } = recent[visit % recent.length];
  if (known !== visit || entry === null || entry.learned.includes(local)) return;
  entry.learned.push(local);
  entry.stale = true;
}
