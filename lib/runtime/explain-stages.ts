/** What evaluating a graph would do, where there is control flow in it: the steps of its plans, and between them loops and choices. */

import type { Graph } from '../graph/graph';
import type { ControlAttrs } from '../primitives/control-flow/attributes';
import { type ExplainedStep, explain } from '../schedule/explain';
import { showLeaf } from '../schedule/show';
import { Stages } from './stages';

function describe(attrs: ControlAttrs): string[] {
  const outs = attrs.outs.map(({ shape, dtype }) => `${dtype}[${shape.join(', ')}]`).join(', ');
  switch (attrs.kind) {
    case 'scan':
      return [`scan of ${attrs.length} steps${attrs.reverse ? ', reversed' : ''}`, outs];
    case 'whileLoop':
      return [attrs.maxSteps === null ? 'whileLoop' : `whileLoop of up to ${attrs.maxSteps} steps`, outs];
    case 'cond':
      return ['cond', outs];
    default:
      return attrs satisfies never;
  }
}

/** A recorded function after fusion, with the nodes of control flow as steps of their own. */
export function explainStages(graph: Graph): readonly ExplainedStep[] {
  const { stages, staged, outputs } = new Stages(graph);
  if (!staged) return explain(graph);
  const list: ExplainedStep[] = graph.inputs.map((input, slot) => ({ lines: [showLeaf(slot, input)], inputs: [], kind: 'input' }));
  const positions = new Map<number, number>(graph.inputs.map((_, slot) => [slot, slot]));
  const at = (slots: readonly number[]): number[] => [...new Set(slots.flatMap((slot) => positions.get(slot) ?? []))];
  const kindOf = (slots: readonly number[]): 'output' | 'node' => (slots.some((slot) => outputs.includes(slot)) ? 'output' : 'node');
  for (const stage of stages) {
    if (stage.kind === 'control') {
      const slots = stage.outputs.flat();
      list.push({ lines: describe(stage.attrs), inputs: at(stage.inputs), kind: kindOf(slots) });
      for (const slot of slots) positions.set(slot, list.length - 1);
      continue;
    }
    // Where each entry of the plan's own list went.
    const places: number[] = [];
    for (const { lines, inputs, kind, leaf, writes } of explain(stage.graph)) {
      const input = leaf === undefined ? -1 : stage.graph.inputs.indexOf(leaf);
      const known = input < 0 ? undefined : positions.get(stage.inputs[input]);
      if (known !== undefined) {
        places.push(known);
        continue;
      }
      const slots = (writes ?? []).map((k) => stage.outputs[k]);
      list.push({ lines, inputs: inputs.map((i) => places[i]), kind: kind === 'captured' ? kind : kindOf(slots) });
      for (const slot of slots) positions.set(slot, list.length - 1);
      places.push(list.length - 1);
    }
  }
  return list;
}
