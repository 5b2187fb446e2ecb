/** A graph that runs as one plan: planned once for each way in which its arguments lie in memory, and run without walking it again. */

import { codedError } from '../errors';
import type { Graph } from '../graph/graph';
import type { Node } from '../graph/node';
import { type CachedPlan, PlanCache } from '../schedule/cache';
import { Walk } from '../schedule/collect';
import { layoutOf, type Plan, schedule, toPlan } from '../schedule/plan';
import { sameShape } from '../shape';
import { addon } from './binding';
import { limits } from './devices';
import { execute, type Flight, load } from './execute';
import type { Value } from './values';

/** A loop that is traced again, as eager code does, finds the plan of its body here. */
const cache = new PlanCache(64 * 2 ** 20, (program) => addon().unload(program));

interface Prepared {
  /** Strides of each argument, null where contiguous. */
  readonly strides: readonly (readonly number[] | null)[];
  readonly entry: CachedPlan;
  /** The arguments that the graph itself has. */
  readonly words: Int32Array;
  /** For each input of the plan: the number of the argument, or -1 and what the graph captured. */
  readonly sources: readonly { readonly argument: number; readonly offsetAt: number; readonly captured: Node }[];
  /** For each output of the graph, the result that holds it, or the node itself if it had a value. */
  readonly outputs: readonly (number | Node)[];
  readonly handles: Int32Array;
}

export class GraphPlan {
  private prepared: Prepared[] = [];

  constructor(private readonly graph: Graph) {}

  run(inputs: readonly Value[], where: string, flight: Flight | null): Value[] {
    const { entry, words, sources, outputs, handles } = this.prepare(inputs, where);
    const { plan, program } = entry;
    plan.frame.fill(words);
    for (let i = 0; i < sources.length; i++) {
      const { argument, offsetAt, captured } = sources[i];
      const storage = argument < 0 ? captured.storage : inputs[argument].storage;
      if (storage === null || storage.handle === 0) {
        throw codedError(where, 'METALGRAD_DISPOSED', 'an array that a function in control flow reads was disposed');
      }
      handles[i] = storage.handle;
      if (offsetAt >= 0) plan.frame.setInteger(offsetAt, inputs[argument].layout?.offset ?? 0);
    }
    plan.frame.derive();
    const made = execute(plan, program, handles, where, flight);
    return outputs.map((output): Value => {
      if (typeof output !== 'number') return valueOf(output);
      const result = plan.results[output];
      const layout = layoutOf(result, plan.frame);
      if (result.output >= 0) return { storage: made[result.output], layout, own: true };
      const { argument, captured } = sources[result.input];
      return { storage: argument < 0 ? valueOf(captured).storage : inputs[argument].storage, layout, own: false };
    });
  }

  private prepare(inputs: readonly Value[], where: string): Prepared {
    const known = this.prepared.find((candidate) => fits(candidate, inputs));
    if (known !== undefined) return known;
    const made = prepare(this.graph, inputs, where);
    // What was unloaded to make room is forgotten.
    this.prepared = [...this.prepared.filter(isLoaded), made];
    return made;
  }
}

/** The value of an evaluated node. */
export function valueOf({ storage, layout }: Node): Value {
  if (storage === null) throw new Error('internal error: a node of control flow was not evaluated');
  return { storage, layout, own: false };
}

function isLoaded({ entry }: Prepared): boolean {
  return entry.program !== 0 || entry.plan.outputBytes.length === 0;
}

function fits(prepared: Prepared, inputs: readonly Value[]): boolean {
  if (!isLoaded(prepared)) return false;
  const { strides } = prepared;
  for (let i = 0; i < inputs.length; i++) {
    const own = strides[i];
    const given = inputs[i].layout;
    if (own === null || given === null) {
      if (own !== null || given !== null) return false;
    } else if (!sameShape(own, given.strides)) return false;
  }
  return true;
}

function prepare(graph: Graph, inputs: readonly Value[], where: string): Prepared {
  const strides = inputs.map(({ layout }) => layout?.strides ?? null);
  const walk = new Walk();
  walk.placeholders = new Map(graph.inputs.map((placeholder, i) => [placeholder, strides[i]]));
  walk.collect(graph.outputs, where);
  let entry = cache.find(walk);
  if (entry === null) {
    const plan: Plan = toPlan(walk, schedule(walk, limits()));
    entry = cache.add(walk, plan, load(plan, where));
  }
  const { plan } = entry;
  const numbers = new Map(graph.inputs.map((placeholder, i) => [placeholder, i]));
  const sources = Array.from({ length: walk.leafCount }, (_, slot) => {
    const leaf = walk.nodes[walk.leaves[slot]];
    const argument = numbers.get(leaf) ?? -1;
    const offsetAt = argument >= 0 && strides[argument] !== null ? walk.argStart[leaf.local] : -1;
    return { argument, offsetAt, captured: leaf };
  });
  return {
    strides,
    entry,
    words: walk.argWords.slice(0, 2 * walk.argCount),
    sources,
    outputs: graph.outputs.map((output) =>
      output.storage !== null ? output : plan.results.findIndex(({ local }) => local === output.local),
    ),
    handles: new Int32Array(walk.leafCount),
  };
}
