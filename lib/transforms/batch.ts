/** Batching: what depends on a mapped tracer is rebuilt with each primitive's `vmap` rule, the batch axis in front. */

import { type Node, nodeDevice, setNodeDevice } from '../graph/node';
import { placeholder } from '../primitives/control';
import { broadcastTo } from '../primitives/movement';
import { batched } from '../primitives/primitive';
import type { NodeFunction } from './forward';
import { firstId, isProjection, nodesSince, projectedIndex } from './walk';

/** A node, and whether it carries the batch axis in front. */
export interface Batched {
  readonly node: Node;
  readonly mapped: boolean;
}

/**
 * The batched outputs. `tracers` stand for one example; `values` are their batches, of length `size`, with the batch
 * axis in front. Each rule runs on the device of its node.
 */
export function batch(outputs: readonly Node[], tracers: readonly Node[], values: readonly Node[], size: number): Batched[] {
  const former = nodeDevice();
  try {
    return rebuilt(outputs, tracers, values, size);
  } finally {
    setNodeDevice(former);
  }
}

function rebuilt(outputs: readonly Node[], tracers: readonly Node[], values: readonly Node[], size: number): Batched[] {
  const first = firstId(tracers);
  const nodes = nodesSince(first, outputs);
  const known = new Array<Node | undefined>(nodes.length);
  const lists = new Map<Node, readonly Batched[]>();
  for (let i = 0; i < tracers.length; i++) {
    const at = tracers[i].id - first;
    known[at] = values[i];
    nodes[at] = undefined;
  }
  // An output of a primitive with several may be unmapped although its node is rebuilt.
  const unmapped = new Map<Node, Node>();
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i];
    if (node === undefined) continue;
    const inputs = node.inputs;
    if (isProjection(node)) {
      const picked = lists.get(inputs[0])?.[projectedIndex(node)];
      if (picked === undefined) continue;
      if (picked.mapped) known[i] = picked.node;
      else unmapped.set(node, picked.node);
      continue;
    }
    let any = false;
    const mapped = new Array<boolean>(inputs.length);
    const given = new Array<Node>(inputs.length);
    for (let k = 0; k < inputs.length; k++) {
      const input = inputs[k];
      const at = input.id - first;
      const value = at >= 0 ? known[at] : undefined;
      mapped[k] = value !== undefined;
      if (value !== undefined) any = true;
      given[k] = value ?? (unmapped.size > 0 ? (unmapped.get(input) ?? input) : input);
    }
    if (!any) continue;
    const primitive = node.primitive;
    setNodeDevice(node.device);
    if (primitive.several === true) lists.set(node, primitive.vmap(given, mapped, size, node.attrs, node));
    else known[i] = primitive.vmap(given, mapped, size, node.attrs, node);
  }
  return outputs.map((output) => {
    const value = output.id < first ? undefined : known[output.id - first];
    return value !== undefined ? { node: value, mapped: true } : { node: unmapped.get(output) ?? output, mapped: false };
  });
}

/** The same value for each example: a batch axis in front. */
export function repeated(node: Node, size: number): Node {
  return broadcastTo(node, batched(size, node.shape));
}

/** A batch of results in any case. */
export function toBatch({ node, mapped }: Batched, size: number): Node {
  return mapped ? node : repeated(node, size);
}

/** Applies a function on single examples to batches; inputs that are not mapped are passed to it as they are. */
export function batchNodes(f: NodeFunction, inputs: readonly Node[], mapped: readonly boolean[], size: number): Batched[] {
  const trace = { transform: 'vmap', active: true };
  const tracers: Node[] = [];
  const values: Node[] = [];
  const given = inputs.map((input, i) => {
    if (!mapped[i]) return input;
    const tracer = placeholder(input.shape.slice(1), input.dtype, trace);
    tracers.push(tracer);
    values.push(input);
    return tracer;
  });
  try {
    return batch(f(given), tracers, values, size);
  } finally {
    trace.active = false;
  }
}
