/** Compiled functions: each is planned once for its graph, and a call runs that plan without walking the graph again. */

import { codedError } from '../errors';
import type { Graph } from '../graph/graph';
import type { Node, Result } from '../graph/node';
import { dropInputs } from '../graph/trace';
import type { ControlAttrs } from '../primitives/control-flow/attributes';
import { Walk } from '../schedule/collect';
import { hasCompiledResults, resultsOf, setCompiledResults } from '../schedule/compiled-results';
import { expansionOf } from '../schedule/expansion';
import { layoutOf, type Plan, schedule, toPlan } from '../schedule/plan';
import { sameShape } from '../shape';
import { addon } from './binding';
import { runControl } from './control';
import { limits } from './devices';
import { execute, type Flight, load } from './execute';
import { valueOf } from './graph-plan';
import { hostOf, sharedOutputs } from './sharing';
import { Stages } from './stages';
import type { Storage } from './storage';

/** A graph's plan for arguments that lie in memory in one way. */
interface CompiledPlan {
  /** Strides of each argument, null where contiguous. */
  readonly strides: readonly (readonly number[] | null)[];
  readonly plan: Plan;
  readonly program: number;
  /** For each input of the plan: the number of the argument, or -1 and what the graph captured. */
  readonly sources: readonly { readonly argument: number; readonly offsetAt: number; readonly captured: Storage | null }[];
  readonly handles: Int32Array;
  /** For each output of the graph, the result that holds it, or the node itself if it had a value. */
  readonly outputs: readonly (number | Node)[];
}

const plans = new WeakMap<Graph, CompiledPlan[]>();
const programs = new FinalizationRegistry<number>((program) => addon().unload(program));

/** Runs every compiled function below `nodes` that has not run, inputs first. */
export function runCompiled(
  nodes: readonly Node[],
  where: string,
  flight: Flight | null,
  evaluateInputs: (inputs: readonly Node[]) => void,
): void {
  const below = compiledBelow(nodes);
  for (const node of below) {
    if (hasCompiledResults(node)) continue;
    const host = hostOf(node, below);
    evaluateInputs(host.inputs);
    if (host.primitive.lowering.kind === 'control') runControlNode(host, where, flight, evaluateInputs);
    else call(host, where, flight, evaluateInputs);
    if (host !== node) shareResults(host, node);
  }
}

/** The compiled nodes without results under `roots`, inputs first. */
function compiledBelow(roots: readonly Node[]): Node[] {
  const visited = new Set<Node>();
  const found: Node[] = [];
  const stack: { node: Node; inputs: readonly Node[]; next: number }[] = [];
  const enter = (node: Node): void => {
    if (node.storage !== null || visited.has(node)) return;
    visited.add(node);
    if (hasCompiledResults(node)) return;
    stack.push({ node, inputs: inputsOf(node), next: 0 });
  };
  for (const root of roots) {
    enter(root);
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      if (top.next < top.inputs.length) enter(top.inputs[top.next++]);
      else {
        const { kind } = top.node.primitive.lowering;
        if (kind === 'compiled' || kind === 'control') found.push(top.node);
        stack.pop();
      }
    }
  }
  return found;
}

function inputsOf(node: Node): readonly Node[] {
  const { kind } = node.primitive.lowering;
  if (kind === 'expand') return [expansionOf(node)[0]];
  if (kind === 'project' && node.inputs[0].primitive.lowering.kind === 'expand') {
    return [expansionOf(node.inputs[0])[(node.attrs as { index: number }).index]];
  }
  return node.inputs;
}

/** Runs one compiled node whose inputs are evaluated. */
function call(node: Node, where: string, flight: Flight | null, evaluateInputs: (inputs: readonly Node[]) => void): void {
  const { graph } = node.attrs as { graph: Graph };
  const { inputs } = node;
  const stages = stagesOf(graph);
  if (stages.staged) {
    const values = stages.run(inputs.map(valueOf), where, flight, (attrs, given, wanted) =>
      runControl(attrs, given, wanted, where, flight, evaluateInputs),
    );
    finish(node, values);
    return;
  }
  const { plan, program, sources, handles, outputs } = planFor(graph, inputs, where);
  // The frame was filled when the plan was made: only the arguments' offsets change.
  for (let i = 0; i < sources.length; i++) {
    const { argument, offsetAt, captured } = sources[i];
    handles[i] = handleOf(argument < 0 ? captured : inputs[argument].storage, where);
    if (offsetAt >= 0) plan.frame.setInteger(offsetAt, inputs[argument].layout?.offset ?? 0);
  }
  plan.frame.derive();
  const made = execute(plan, program, handles, where, flight);
  const results = outputs.map((output): Result => {
    if (typeof output !== 'number') return { storage: output.storage as Storage, layout: output.layout };
    const result = plan.results[output];
    const layout = layoutOf(result, plan.frame);
    if (result.output >= 0) return { storage: made[result.output], layout };
    const { argument, captured } = sources[result.input];
    return { storage: (argument < 0 ? captured : inputs[argument].storage) as Storage, layout };
  });
  finish(node, results);
}

/** The node keeps its results for projections to come. */
function finish(node: Node, results: readonly Result[]): void {
  for (const { storage } of results) storage.claimed = true;
  setCompiledResults(node, results);
  dropInputs(node);
}

const stagesOfGraphs = new WeakMap<Graph, Stages>();

function stagesOf(graph: Graph): Stages {
  let stages = stagesOfGraphs.get(graph);
  if (stages === undefined) stagesOfGraphs.set(graph, (stages = new Stages(graph)));
  return stages;
}

/** Runs one node of control flow whose inputs are evaluated. */
function runControlNode(node: Node, where: string, flight: Flight | null, evaluateInputs: (inputs: readonly Node[]) => void): void {
  const attrs = node.attrs as ControlAttrs;
  const values = runControl(
    attrs,
    node.inputs.map(valueOf),
    attrs.outs.map(() => true),
    where,
    flight,
    evaluateInputs,
  );
  finish(node, values);
}

/** Gives a node what another one that shares its computation has computed. */
function shareResults(host: Node, node: Node): void {
  finish(
    node,
    sharedOutputs(host, node).map((index) => resultsOf(host)[index]),
  );
}

function handleOf(storage: Storage | null, where: string): number {
  if (storage === null || storage.handle === 0) {
    throw codedError(where, 'METALGRAD_DISPOSED', 'an array that a compiled function reads was disposed');
  }
  return storage.handle;
}

function planFor(graph: Graph, inputs: readonly Node[], where: string): CompiledPlan {
  let known = plans.get(graph);
  if (known === undefined) {
    known = [];
    plans.set(graph, known);
  }
  for (const candidate of known) if (fits(candidate, inputs)) return candidate;
  const plan = makePlan(graph, inputs, where);
  known.push(plan);
  if (plan.program !== 0) programs.register(graph, plan.program);
  return plan;
}

function fits({ strides }: CompiledPlan, inputs: readonly Node[]): boolean {
  for (let i = 0; i < inputs.length; i++) {
    const own = strides[i];
    const given = inputs[i].layout;
    if (own === null || given === null) {
      if (own !== null || given !== null) return false;
    } else if (!sameShape(own, given.strides)) return false;
  }
  return true;
}

function makePlan(graph: Graph, inputs: readonly Node[], where: string): CompiledPlan {
  const strides = inputs.map((input) => input.layout?.strides ?? null);
  const walk = new Walk();
  walk.placeholders = new Map(graph.inputs.map((placeholder, i) => [placeholder, strides[i]]));
  walk.collect(graph.outputs, where);
  const plan = toPlan(walk, schedule(walk, limits()));
  plan.frame.fill(walk.argWords);
  const numbers = new Map(graph.inputs.map((placeholder, i) => [placeholder, i]));
  const sources = Array.from({ length: walk.leafCount }, (_, slot) => {
    const leaf = walk.nodes[walk.leaves[slot]];
    const argument = numbers.get(leaf) ?? -1;
    const offsetAt = argument >= 0 && strides[argument] !== null ? walk.argStart[leaf.local] : -1;
    return { argument, offsetAt, captured: leaf.storage };
  });
  return {
    strides,
    plan,
    program: load(plan, where),
    sources,
    handles: new Int32Array(walk.leafCount),
    outputs: graph.outputs.map((output) =>
      output.storage !== null ? output : plan.results.findIndex(({ local }) => local === output.local),
    ),
  };
}
