/** What an evaluation would do, in words: for people, for drawings of graphs, and for tests that assert fusion. */

import type { Node } from '../graph/node';
import { type Schedule, schedule } from '../schedule/plan';
import { showStep } from '../schedule/show';
import { Walk } from '../schedule/collect';
import type { DeviceLimits } from './addon';
import { limits } from './execute';

/** Every placeholder is an input without strides. */
const anyPlaceholder = { has: () => true, get: () => null };

/** The schedule of `nodes`, without evaluating anything. Placeholders and compiled functions may be among them. */
export function scheduleOf(nodes: readonly Node[], device: DeviceLimits = limits()): Schedule {
  const walk = new Walk();
  walk.placeholders = anyPlaceholder;
  walk.collect(nodes, 'explain');
  return schedule(walk, device);
}

/** The steps that evaluating `nodes` would take, a line or more each. */
export function explain(nodes: readonly Node[], device: DeviceLimits = limits()): string[] {
  return scheduleOf(nodes, device).steps.map(showStep);
}
