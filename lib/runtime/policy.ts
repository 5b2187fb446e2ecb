/**
 * Keeps native memory flat in loops that never dispose or await. V8 does not see native bytes and runs finalizers only between
 * tasks, so evaluation itself asks for collections once enough was allocated, and the addon then polls its weak owners. V8 is not told of the
 * bytes: for each 64 MB it would mark its whole heap, and move the owners that are reachable just then to where only another such collection finds them.
 */

import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { addon } from './binding';

type CollectGarbage = (options?: { type: 'minor'; execution: 'sync' }) => void;

/** Below these nothing is collected. */
const floorBytes = 64 * 2 ** 20;
const floorBuffers = 4096;

/**
 * Full collections look at the whole heap of the program, which may be large: they are to take no more than this share of the time in which the
 * program does something. What only they find may meanwhile grow to as much as the last one left, and to the bytes below beside it.
 */
const shareOfTime = 0.05;
const roomBytes = 2 ** 30;
const roomBuffers = 2 ** 16;

/** Collect when live memory reaches these; set from what was live after the last collection. */
let limitBytes = floorBytes;
let limitBuffers = floorBuffers;
/** Upper bounds of what is live now: measured at the last collection, plus what was allocated since. */
let liveBytes = 0;
let liveBuffers = 0;
/** What was live after the last full collection, with what was about to be, or less if less was live since. */
let leastBytes = 0;
let leastBuffers = 0;
/** When the last full collection ended, on the clock of `busyTime`, and how long it took, in milliseconds. */
let collectedAt = Number.NEGATIVE_INFINITY;
let duration = 0;

/** What V8's old generation may grow by before it is collected: steps leave handles there that V8 is in no hurry to free. */
const floorHeap = 8 * 2 ** 20;
let leastHeap = Number.POSITIVE_INFINITY;

let gc: CollectGarbage | undefined;

function collectGarbage(type: 'minor' | 'major'): void {
  if (gc === undefined) {
    setFlagsFromString('--expose-gc');
    gc = runInNewContext('gc') as CollectGarbage;
  }
  if (type === 'minor') {
    gc({ type, execution: 'sync' });
    return;
  }
  const start = busyTime();
  // Without options: with them, Node 20 leaves the old generation as it is.
  gc();
  collectedAt = busyTime();
  duration = collectedAt - start;
  leastHeap = oldGeneration();
}

/** Milliseconds of this thread without those in which it waited for events: a program that waits a lot must not collect at each awakening. */
function busyTime(): number {
  return performance.now() - performance.eventLoopUtilization().idle;
}

function oldGeneration(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0;
}

/** Whether the old generation has grown by half, and by more than the floor, since it was least. */
function heapHasGrown(): boolean {
  const used = oldGeneration();
  leastHeap = Math.min(leastHeap, used);
  return used > leastHeap + Math.max(floorHeap, leastHeap / 2);
}

/** Evaluations that may follow one another before the number of their buffers makes them collect. */
const evaluations = 8;

/** Frees what became unreachable, if the buffers about to be allocated would take live memory past its limit. */
export function collectIfNeeded(bytes: number, buffers: number): void {
  // Many results at once must not make every evaluation collect.
  const mostBuffers = Math.max(limitBuffers, evaluations * buffers);
  if (liveBytes + bytes > limitBytes || liveBuffers + buffers > mostBuffers) collect(bytes, buffers);
  liveBytes += bytes;
  liveBuffers += buffers;
}

function measure(): void {
  addon().collect();
  const memory = addon().memory();
  liveBytes = memory[0];
  liveBuffers = memory[3];
  leastBytes = Math.min(leastBytes, liveBytes);
  leastBuffers = Math.min(leastBuffers, liveBuffers);
}

/** Enough was freed when the next collection is not due at once, or when no more is live than a full collection left and `more` beside it. */
function enough(moreBytes: number, moreBuffers: number): boolean {
  return (
    liveBytes <= Math.max(limitBytes / 2, leastBytes + moreBytes) && liveBuffers <= Math.max(limitBuffers / 2, leastBuffers + moreBuffers)
  );
}

/** A minor collection costs little. */
function enoughForMinor(): boolean {
  return enough(leastBytes / 4, leastBuffers / 4);
}

/** What only a full one finds must be worth it: some of what is live grows old in any loop, while nothing else runs or between tasks. */
function enoughForFull(): boolean {
  return enough(Math.max(leastBytes / 4, floorBytes), Math.max(leastBuffers / 4, floorBuffers));
}

/** Whether a full collection is worth its time. */
function isDue(): boolean {
  if (liveBytes > 2 * leastBytes + roomBytes || liveBuffers > 2 * leastBuffers + roomBuffers) return true;
  return busyTime() - collectedAt > duration / shareOfTime;
}

function collect(bytes: number, buffers: number): void {
  // Most owners died in V8's own collections since: looking for them costs little.
  measure();
  if (!enoughForMinor()) {
    collectGarbage('minor');
    measure();
  }
  if ((heapHasGrown() || !enoughForFull()) && isDue()) {
    collectGarbage('major');
    measure();
    // V8 moves what is reachable now to its old generation, also the owners of the buffers about to be allocated.
    leastBytes = liveBytes + bytes;
    leastBuffers = liveBuffers + buffers;
  }
  setLimits();
}

function setLimits(): void {
  limitBytes = Math.max(floorBytes, 2 * liveBytes);
  limitBuffers = Math.max(floorBuffers, 2 * liveBuffers);
}

/** Frees everything unreachable, whatever it costs: before an allocation that failed is tried again. */
export function collectEverything(): void {
  collectGarbage('major');
  measure();
  // What was live before must not decide how much a later loop may leave behind.
  setLimits();
}
