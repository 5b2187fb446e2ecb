/** Graphs with control flow in them: plans, and between them the loops and choices that need what the plans before them gave. */

import type { Graph } from '../graph/graph';
import type { Node } from '../graph/node';
import { placeholder } from '../primitives/control';
import type { ControlAttrs } from '../primitives/control-flow/attributes';
import type { Flight } from './execute';
import { isFree, resolved, standIn } from './flat';
import { GraphPlan, valueOf } from './graph-plan';
import { Holder, lent, type Value } from './values';

/** Runs a node of control flow. `wanted` are the outputs that anybody reads. */
export type RunControl = (
  attrs: ControlAttrs,
  inputs: readonly Value[],
  wanted: readonly boolean[],
  where: string,
  flight: Flight | null,
) => Value[];

interface PlanStage {
  readonly kind: 'plan';
  readonly graph: Graph;
  readonly plan: GraphPlan;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

interface ControlStage {
  readonly kind: 'control';
  readonly attrs: ControlAttrs;
  readonly inputs: readonly number[];
  /** By output of the primitive, the slots that get it. */
  readonly outputs: readonly (readonly number[])[];
}

/** What a graph runs as. */
export class Stages {
  /** In the order in which they run. The first slots are the graph's inputs. */
  readonly stages: readonly (PlanStage | ControlStage)[];
  readonly outputs: readonly number[];
  /** Values that the graph captured, by slot. */
  private readonly constants: readonly { readonly slot: number; readonly node: Node }[];
  /** By stage, the slots that no later stage reads. */
  private readonly last: readonly (readonly number[])[];
  private readonly slots: number;

  constructor(graph: Graph) {
    const cutter = new Cutter(graph);
    this.stages = cutter.stages;
    this.outputs = cutter.outputs;
    this.constants = cutter.constants;
    this.slots = cutter.slotCount;
    const seen = new Set<number>(this.outputs);
    this.last = [...this.stages]
      .reverse()
      .map((stage) => {
        const read = stage.kind === 'plan' ? [...stage.inputs, ...stage.outputs] : [...stage.inputs, ...stage.outputs.flat()];
        const ended = [...new Set(read)].filter((slot) => !seen.has(slot));
        for (const slot of ended) seen.add(slot);
        return ended;
      })
      .reverse();
  }

  /** True if there is control flow in the graph. */
  get staged(): boolean {
    return this.stages.some(({ kind }) => kind === 'control');
  }

  run(inputs: readonly Value[], where: string, flight: Flight | null, runControl: RunControl): Value[] {
    const { stages, outputs, constants, last } = this;
    if (stages.length === 1 && stages[0].kind === 'plan' && constants.length === 0) {
      const [stage] = stages;
      const made = stage.plan.run(
        stage.inputs.map((slot) => inputs[slot]),
        where,
        flight,
      );
      return outputs.map((slot) => (slot < inputs.length ? lent(inputs[slot]) : made[stage.outputs.indexOf(slot)]));
    }
    const values = new Array<Value>(this.slots);
    inputs.forEach((value, slot) => {
      values[slot] = lent(value);
    });
    for (const { slot, node } of constants) values[slot] = valueOf(node);
    const holder = new Holder();
    stages.forEach((stage, i) => {
      const given = stage.inputs.map((slot) => lent(values[slot]));
      if (stage.kind === 'plan') {
        const made = stage.plan.run(given, where, flight);
        stage.outputs.forEach((slot, k) => {
          values[slot] = made[k];
        });
        holder.hold(made);
      } else {
        const made = runControl(
          stage.attrs,
          given,
          stage.outputs.map((slots) => slots.length > 0),
          where,
          flight,
        );
        stage.outputs.forEach((slots, k) => {
          for (const slot of slots) {
            values[slot] = made[k];
            holder.hold([made[k]]);
          }
        });
      }
      holder.drop(last[i].map((slot) => values[slot]));
    });
    return holder.give(outputs.map((slot) => values[slot]));
  }
}

/** Cuts a graph at its nodes of control flow. */
class Cutter {
  readonly stages: (PlanStage | ControlStage)[] = [];
  readonly constants: { readonly slot: number; readonly node: Node }[] = [];
  readonly outputs: readonly number[];
  slotCount = 0;

  /** What the graph computes, inputs first, without composites. */
  private readonly order: Node[] = [];
  private readonly inputsOf = new Map<Node, readonly Node[]>();
  private readonly slots = new Map<Node, number>();
  /** The stage that computes each node: how many nodes of control flow run before it. */
  private readonly level = new Map<Node, number>();
  private readonly given: ReadonlySet<Node>;

  constructor(graph: Graph) {
    this.given = new Set(graph.inputs);
    for (const input of graph.inputs) this.slots.set(input, this.slotCount++);
    const roots = graph.outputs.map((output) => resolved(output, this.given));
    this.visit(roots);
    const controls = this.order.filter(isControl);
    this.assignLevels(controls);

    // From the last stage to the first, so that each knows what those after it need.
    const demands: Node[][] = Array.from({ length: controls.length + 1 }, () => []);
    const demand = (node: Node): void => {
      if (this.slots.has(node)) return;
      if (node.storage !== null) {
        this.constants.push({ slot: this.slotCount, node });
        this.slots.set(node, this.slotCount++);
        return;
      }
      const source = projectedControl(node);
      this.slots.set(node, this.slotCount++);
      if (source === null) demands[this.level.get(node) as number].push(node);
    };
    for (const root of roots) demand(root);
    const built: (PlanStage | ControlStage)[] = [];
    for (let level = controls.length; level >= 0; level--) {
      if (demands[level].length > 0) built.push(this.plan(demands[level], level, demand));
      if (level === 0) break;
      const control = controls[level - 1];
      const inputs = (this.inputsOf.get(control) as readonly Node[]).map((input) => {
        demand(input);
        return this.slots.get(input) as number;
      });
      built.push({ kind: 'control', attrs: control.attrs as ControlAttrs, inputs, outputs: this.projectionsOf(control) });
    }
    this.stages.push(...built.reverse());
    this.outputs = roots.map((root) => this.slots.get(root) as number);
  }

  /** By output of a node of control flow, the slots of the projections that are read. */
  private projectionsOf(control: Node): number[][] {
    const { outs } = control.attrs as ControlAttrs;
    const lists = outs.map((): number[] => []);
    for (const node of this.order) {
      if (projectedControl(node) !== control) continue;
      const slot = this.slots.get(node);
      if (slot !== undefined) lists[(node.attrs as { index: number }).index].push(slot);
    }
    return lists;
  }

  private visit(roots: readonly Node[]): void {
    const visited = new Set<Node>();
    const stack: { node: Node; inputs: readonly Node[]; next: number }[] = [];
    const enter = (node: Node): void => {
      if (visited.has(node)) return;
      visited.add(node);
      const leaf = this.given.has(node) || node.storage !== null;
      const inputs = leaf ? [] : node.inputs.map((input) => resolved(input, this.given));
      this.inputsOf.set(node, inputs);
      stack.push({ node, inputs, next: 0 });
    };
    for (const root of roots) {
      enter(root);
      while (stack.length > 0) {
        const top = stack[stack.length - 1];
        if (top.next < top.inputs.length) enter(top.inputs[top.next++]);
        else {
          this.order.push(top.node);
          stack.pop();
        }
      }
    }
  }

  private assignLevels(controls: readonly Node[]): void {
    const number = new Map(controls.map((control, i) => [control, i + 1]));
    for (const node of this.order) {
      let level = number.get(node) ?? 0;
      for (const input of this.inputsOf.get(node) as readonly Node[]) level = Math.max(level, this.level.get(input) as number);
      this.level.set(node, level);
    }
  }

  /** The plan that computes some nodes of one level from what earlier stages gave. */
  private plan(wanted: readonly Node[], level: number, demand: (node: Node) => void): PlanStage {
    const inputs: Node[] = [];
    const placeholders: Node[] = [];
    const made = new Map<Node, Node>();
    const isInput = (node: Node): boolean => {
      if (this.given.has(node) || projectedControl(node) !== null) return true;
      return (this.level.get(node) as number) < level && !isFree(node);
    };
    for (const node of this.needed(wanted, isInput)) {
      if (node.storage !== null) made.set(node, node);
      else if (isInput(node)) {
        demand(node);
        const stand = placeholder(node.shape, node.dtype, { transform: 'control flow', active: true });
        inputs.push(node);
        placeholders.push(stand);
        made.set(node, stand);
      } else {
        const given = (this.inputsOf.get(node) as readonly Node[]).map((input) => made.get(input) as Node);
        made.set(node, standIn(node, given));
      }
    }
    const graph: Graph = { inputs: placeholders, outputs: wanted.map((node) => made.get(node) as Node) };
    return {
      kind: 'plan',
      graph,
      plan: new GraphPlan(graph),
      inputs: inputs.map((node) => this.slots.get(node) as number),
      outputs: wanted.map((node) => this.slots.get(node) as number),
    };
  }

  /** What some nodes are computed from, in order, down to inputs. */
  private needed(wanted: readonly Node[], isInput: (node: Node) => boolean): Node[] {
    const found = new Set<Node>();
    const stack = [...wanted];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (found.has(node)) continue;
      found.add(node);
      if (node.storage === null && !isInput(node)) stack.push(...(this.inputsOf.get(node) as readonly Node[]));
    }
    return this.order.filter((node) => found.has(node));
  }
}

export function isControl(node: Node): boolean {
  return node.primitive.lowering.kind === 'control' && node.storage === null;
}

/** The node of control flow that a projection picks from, null for any other node. */
export function projectedControl(node: Node): Node | null {
  if (node.primitive.lowering.kind !== 'project' || node.storage !== null) return null;
  return isControl(node.inputs[0]) ? node.inputs[0] : null;
}
