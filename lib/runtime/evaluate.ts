/** Evaluation: walk, look the plan up or make it, run it, hand the buffers to the nodes. */

import { codedError } from '../errors';
import type { Node } from '../graph/node';
import { dropInputs, traceDepth } from '../graph/trace';
import { type CachedPlan, PlanCache, type PlanCounters } from '../schedule/cache';
import { Walk } from '../schedule/collect';
import { layoutOf, type Plan, schedule, toPlan } from '../schedule/plan';
import { remember } from '../schedule/recent';
import { addon } from './binding';
import { runCompiled } from './compiled';
import { limits } from './devices';
import { execute, Flight, load } from './execute';
import { claim, type Storage } from './storage';

const cacheBytes = 128 * 2 ** 20;
const cache = new PlanCache(cacheBytes, (program) => addon().unload(program));

/** How often plans were made and found. */
export function planCounters(): Readonly<PlanCounters> {
  return cache.counters;
}

/** Computes what has no value yet, and waits for it. */
export function evaluate(nodes: readonly Node[], where = 'eval'): void {
  for (let i = 0; i < nodes.length; i++) {
    if (nodes[i].storage === null) {
      start(nodes, where, null);
      return;
    }
  }
}

/** The same without waiting: the nodes have their buffers at once, the promise tells when those are filled. */
export async function evaluateAsync(nodes: readonly Node[], where = 'asyncEval'): Promise<void> {
  if (traceDepth() > 0)
    throw codedError(where, 'METALGRAD_TRANSFORM', 'cannot run inside a transformed function: evaluation there is synchronous');
  const flight = new Flight(where);
  start(nodes, where, flight);
  await flight.landed();
}

/** The storage of an evaluated node that is about to be read; an error if it was disposed, or its memory given away. */
export function storageOf(node: Node, where: string): Storage {
  const { storage } = node;
  if (storage === null || storage.handle === 0) throw codedError(where, 'METALGRAD_DISPOSED', 'this array was disposed');
  // Views are never empty, so this one was detached.
  if (storage.view !== null && storage.view.byteLength === 0)
    throw codedError(where, 'METALGRAD_DETACHED', 'the memory that toTypedArray gave of this array was detached');
  return storage;
}

/** Walks that are not in use: an evaluation inside a rule of a composite needs one of its own. */
const idle: Walk[] = [];

/** Walks `nodes` for `use`, after the compiled functions below them have run. */
export function withWalk(nodes: readonly Node[], where: string, flight: Flight | null, use: (walk: Walk) => void): void {
  const walk = idle.pop() ?? new Walk();
  try {
    if (!walk.collect(nodes, where)) {
      runCompiled(nodes, where, flight, (inputs) => start(inputs, where, flight));
      walk.collect(nodes, where);
    }
    use(walk);
  } finally {
    walk.release();
    idle.push(walk);
  }
}

function start(nodes: readonly Node[], where: string, flight: Flight | null): void {
  withWalk(nodes, where, flight, (walk) => {
    if (walk.outputs.length === 0) return;
    const entry = planOf(walk, where);
    remember(walk.visit, entry);
    run(walk, entry, where, flight);
  });
}

function planOf(walk: Walk, where: string): CachedPlan {
  const found = cache.find(walk);
  if (found !== null && !found.stale) {
    cache.counters.hits++;
    return found;
  }
  const plan = makePlan(walk, found === null ? [] : found.learned);
  const program = load(plan, where);
  if (found === null) return cache.add(walk, plan, program);
  cache.replace(found, plan, program);
  return found;
}

function makePlan(walk: Walk, learned: readonly number[]): Plan {
  cache.counters.plans++;
  return toPlan(walk, schedule(walk, limits(), learned));
}

function run(walk: Walk, { plan, program }: CachedPlan, where: string, flight: Flight | null): void {
  plan.frame.fill(walk.argWords);
  plan.frame.derive();
  const outputs = execute(plan, program, walk.handles, where, flight);
  for (const result of plan.results) {
    const node = walk.nodes[result.local];
    if (result.output >= 0) {
      node.storage = claim(outputs[result.output]);
    } else {
      // A view of an input: that one has the storage too, however it came by it.
      const storage = walk.nodes[walk.leaves[result.input]].storage as Storage;
      storage.claimed = true;
      node.storage = claim(storage);
    }
    node.layout = layoutOf(result, plan.frame);
    node.notes = null;
    dropInputs(node);
  }
}
