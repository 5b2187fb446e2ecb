/** What arrays hold in native memory, its limits, and giving it back. */

import { AsyncLocalStorage } from 'node:async_hooks';

import { type ArrayHandle, handleObserver } from './array';
import { rangeError, typeError } from './errors';
import { type Node, nextNodeId } from './graph/node';
import { traceDepth } from './graph/trace';
import { describe } from './ops/arguments';
import { stateNode } from './random/state';
import { addon } from './runtime/binding';
import { dispose as disposeStorage } from './runtime/storage';
import { arraysOf } from './tree';

/** Positions in what the addon's `memory()` gives. */
enum Figure {
  active = 0,
  peak = 1,
  cached = 2,
  buffers = 3,
}

/** Figures without the buffers whose arrays were collected already. */
function figure(index: Figure): number {
  addon().collect();
  return addon().memory()[index];
}

/**
 * Bytes that live arrays and running programs hold now. Arrays that are unreachable count until the collector has found them.
 *
 * @example
 * mx.getActiveMemory();
 */
export function getActiveMemory(): number {
  return figure(Figure.active);
}

/**
 * The most bytes that were active at one time since the start, or since `resetPeakMemory`.
 *
 * @example
 * mx.resetPeakMemory();
 * mx.eval(mx.ones([1024]));
 * mx.getPeakMemory() >= 4096; // true
 */
export function getPeakMemory(): number {
  return figure(Figure.peak);
}

/**
 * Lets the peak begin again at what is active now.
 *
 * @example
 * mx.resetPeakMemory();
 */
export function resetPeakMemory(): void {
  addon().collect();
  addon().resetPeakMemory();
}

/**
 * Bytes of freed buffers that are kept for the next allocations.
 *
 * @example
 * mx.getCacheMemory() >= 0; // true
 */
export function getCacheMemory(): number {
  return figure(Figure.cached);
}

/**
 * The number of live arrays that hold memory: arrays that have a value.
 *
 * @example
 * const before = mx.getWrappersCount();
 * const held = mx.array([1, 2]);
 * mx.getWrappersCount() - before; // 1
 */
export function getWrappersCount(): number {
  return figure(Figure.buffers);
}

function limit(where: string, bytes: unknown): number {
  if (typeof bytes !== 'number' || Number.isNaN(bytes))
    throw typeError(where, `the limit must be a number of bytes, not ${describe(bytes)}`);
  if (bytes < 0) throw rangeError(where, `the limit must be at least 0 bytes, not ${bytes}`);
  return bytes;
}

/**
 * The number of active bytes beyond which an allocation first waits for running work and frees what it can. It is a guideline: what is needed is
 * allocated all the same, unless the system has no more.
 *
 * @returns The former limit.
 * @example
 * const former = mx.setMemoryLimit(2 ** 30);
 * mx.setMemoryLimit(former); // 1073741824
 */
export function setMemoryLimit(bytes: number): number {
  return addon().setMemoryLimit(limit('setMemoryLimit', bytes));
}

/**
 * The number of bytes of freed buffers to keep for the next allocations; 0 keeps none.
 *
 * @returns The former limit.
 * @example
 * const former = mx.setCacheLimit(2 ** 20);
 * mx.setCacheLimit(former); // 1048576
 */
export function setCacheLimit(bytes: number): number {
  return addon().setCacheLimit(limit('setCacheLimit', bytes));
}

let wiredLimit = 0;

/**
 * The number of bytes that a GPU keeps resident. The CPU device, the only one of this build, wires nothing: the limit is remembered and without effect.
 *
 * @returns The former limit.
 * @example
 * const former = mx.setWiredLimit(2 ** 20);
 * mx.setWiredLimit(former); // 1048576
 */
export function setWiredLimit(bytes: number): number {
  const former = wiredLimit;
  wiredLimit = limit('setWiredLimit', bytes);
  return former;
}

/**
 * Gives freed buffers that are kept for the next allocations back to the system.
 *
 * @example
 * mx.clearCache();
 */
export function clearCache(): void {
  addon().collect();
  addon().clearCache();
}

/**
 * Gives the memory of every array in the trees back: now, unless arrays that have no value yet are computed from it. Using a disposed array is an error.
 *
 * @example
 * mx.dispose(x, { weights: [w, b] });
 */
export function dispose(...trees: unknown[]): void {
  for (const leaf of arraysOf(trees)) leaf.dispose();
}

/** The arrays made during one `tidy`, and those made before it that now name a node made during it. */
interface TidyScope {
  readonly made: ArrayHandle[];
  /** Made while a transform ran: the transform may have recorded their nodes (a compiled function keeps its constants). */
  readonly traced: ArrayHandle[];
  readonly rebound: ArrayHandle[];
  /** Nodes made before have smaller ids: their memory is not the scope's to free. */
  readonly firstId: number;
  readonly outer: TidyScope | undefined;
}

/** Scopes follow asynchronous calls, so that an async `tidy` disposes nothing that other code made meanwhile. */
const scopes = new AsyncLocalStorage<TidyScope>();
let running = 0;

function enter(): void {
  running++;
  handleObserver.onCreate = (handle) => {
    const scope = scopes.getStore();
    if (scope !== undefined) (traceDepth() === 0 ? scope.made : scope.traced).push(handle);
  };
  handleObserver.onRebind = (handle) => scopes.getStore()?.rebound.push(handle);
}

function leave(): void {
  if (--running > 0) return;
  handleObserver.onCreate = null;
  handleObserver.onRebind = null;
}

/** Every node that the roots still need: those with a value, and what those without one are computed from. */
function reachable(roots: readonly Node[]): Set<Node> {
  const seen = new Set(roots);
  const pending = [...seen];
  while (pending.length > 0) {
    const node = pending.pop() as Node;
    for (const input of node.inputs) {
      if (seen.has(input)) continue;
      seen.add(input);
      pending.push(input);
    }
  }
  return seen;
}

/** Ends a scope: what was made in it goes, except what its result holds. */
function finish(scope: TidyScope, result: unknown): void {
  const { outer } = scope;
  const kept = new Set<ArrayHandle>(arraysOf(result));
  const roots: Node[] = [];
  for (const handle of kept) if (handle._node !== null) roots.push(handle._node);
  const made = new Set([...scope.made, ...scope.traced]);
  for (const handle of scope.rebound) {
    // Arrays that were there before and were written to (`indexPut_`) stay.
    if (made.has(handle) || handle._node === null) continue;
    roots.push(handle._node);
    outer?.rebound.push(handle);
  }
  const random = stateNode();
  if (random !== null) roots.push(random);
  const needed = reachable(roots);
  // Inside a transform the memory may still be wanted by the transform itself.
  const free = traceDepth() === 0;
  const drop = (handles: readonly ArrayHandle[], mayBeRecorded: boolean): void => {
    for (const handle of handles) {
      const node = handle._node;
      if (node === null) continue;
      if (kept.has(handle)) {
        (mayBeRecorded ? outer?.traced : outer?.made)?.push(handle);
        continue;
      }
      handle._node = null;
      node.uses--;
      if (free && node.id >= scope.firstId && !needed.has(node) && !(mayBeRecorded && node.uses > 0)) disposeStorage(node);
    }
  };
  drop(scope.made, false);
  drop(scope.traced, true);
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function';
}

/**
 * Runs a function and disposes every array made meanwhile that its result, a tree, does not hold. Arrays made before stay, also those that were written to with
 * `indexPut_`. An async function is followed to its end, and other code that runs meanwhile is left alone. When the function throws, all of them go.
 *
 * @example
 * const loss = mx.tidy(() => mx.mean(mx.square(x.subtract(y))));
 */
export function tidy<T>(func: () => T): T {
  if (typeof func !== 'function') throw typeError('tidy', `func must be a function, not ${describe(func)}`);
  const scope: TidyScope = { made: [], traced: [], rebound: [], firstId: nextNodeId(), outer: scopes.getStore() };
  enter();
  let result: T;
  try {
    result = scopes.run(scope, func);
  } catch (error) {
    leave();
    finish(scope, undefined);
    throw error;
  }
  if (!isPromise(result)) {
    leave();
    finish(scope, result);
    return result;
  }
  const settled = result.then(
    (value) => {
      leave();
      finish(scope, value);
      return value;
    },
    (error: unknown) => {
      leave();
      finish(scope, undefined);
      throw error;
    },
  );
  // The promise's own type is the type of the function's result.
  return settled as T;
}
