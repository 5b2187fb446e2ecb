/** What an evaluation would do, in words: for people, for drawings of graphs, and for tests that assert fusion. */

import type { Graph } from '../graph/graph';
import type { Node } from '../graph/node';
import type { DeviceLimits } from '../runtime/addon';
import { limits } from '../runtime/devices';
import { type PlaceholderStrides, Walk } from './collect';
import { assembleItem, type Item, leafItem } from './items';
import { bufferOf } from './memory';
import { type Schedule, schedule } from './plan';
import { showLeaf, showStep } from './show';

/** Every placeholder is a contiguous input. */
const anyPlaceholder: PlaceholderStrides = { has: () => true, get: () => null };

function walked(nodes: readonly Node[]): Walk {
  const walk = new Walk();
  walk.placeholders = anyPlaceholder;
  walk.collect(nodes, 'explain');
  return walk;
}

/** The schedule of `nodes`, without evaluating anything. Placeholders and compiled functions may be among them. */
export function scheduleOf(nodes: readonly Node[], devices: readonly DeviceLimits[] = limits()): Schedule {
  return schedule(walked(nodes), devices);
}

/** The steps that evaluating `nodes` would take, each as text of a line or more. */
export function explainSteps(nodes: readonly Node[], devices: readonly DeviceLimits[] = limits()): string[] {
  return scheduleOf(nodes, devices).steps.map(showStep);
}

/** An input or a step of a schedule; `inputs` are positions in the list of these. */
export interface ExplainedStep {
  readonly lines: readonly string[];
  readonly inputs: readonly number[];
  readonly kind: 'input' | 'captured' | 'node' | 'output';
  /** What an input stands for. */
  readonly leaf?: Node;
  /** Which outputs of the graph a step writes. */
  readonly writes?: readonly number[];
}

/** A recorded function after fusion: its arguments, the arrays that it captured, then its steps in order. */
export function explain(graph: Graph, devices: readonly DeviceLimits[] = limits()): ExplainedStep[] {
  const walk = walked(graph.outputs);
  const { steps, results } = schedule(walk, devices);
  const list: ExplainedStep[] = [];
  const slots = new Map<number, number>();
  const addLeaf = (slot: number, kind: 'input' | 'captured'): void => {
    slots.set(slot, list.length);
    const leaf = walk.nodes[walk.leaves[slot]];
    list.push({ lines: [showLeaf(slot, leaf)], inputs: [], kind, leaf });
  };
  for (let slot = 0; slot < walk.leafCount; slot++) if (graph.inputs.includes(walk.nodes[walk.leaves[slot]])) addLeaf(slot, 'input');
  for (let slot = 0; slot < walk.leafCount; slot++) if (!slots.has(slot)) addLeaf(slot, 'captured');
  const first = list.length;
  for (const step of steps) {
    const inputs = new Set<number>();
    for (const ref of step.reads) {
      for (const source of sourcesOf(ref.item)) {
        const position =
          source.kind === leafItem ? slots.get(source.slot) : source.step === null ? undefined : first + source.step.position;
        if (position !== undefined) inputs.add(position);
      }
    }
    const buffers = new Set(step.items.filter((item) => item.stored).map((item) => bufferOf(item).output));
    const writes = graph.outputs.flatMap((output, i) => {
      const result = results.find(({ local }) => local === output.local);
      return result !== undefined && result.output >= 0 && buffers.has(result.output) ? [i] : [];
    });
    list.push({ lines: showStep(step).split('\n'), inputs: [...inputs], kind: writes.length > 0 ? 'output' : 'node', writes });
  }
  return list;
}

/** The items whose steps write what is read. */
function sourcesOf(item: Item): readonly Item[] {
  return item.kind === assembleItem ? item.parts : [item];
}
