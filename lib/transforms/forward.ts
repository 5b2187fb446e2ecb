/** Forward mode: tangents from tracers to outputs, by each primitive's `jvp`. */

import { type Node, nodeDevice, setNodeDevice } from '../graph/node';
import { identity } from '../primitives/control';
import type { Tangent } from '../primitives/primitive';
import { firstId, isProjection, nodesSince, projectedIndex } from './walk';

/** A function on nodes, such as a rule or a recorded function. */
export type NodeFunction = (inputs: readonly Node[]) => readonly Node[];

/** What becomes of the tangents that a walk makes: they are the result, or they will be transposed. */
export type TangentUse = 'result' | 'transposed';

let use: TangentUse = 'result';

/** What becomes of the tangents of the walk that is running: rules that run user code check it at once or later. */
export function tangentUse(): TangentUse {
  return use;
}

/**
 * The tangents of `outputs` from the tangents of `tracers`. The tracers are nodes that nothing existing before them can
 * depend on; what does not depend on them has no tangent and is not visited. Each rule runs on the device of its node.
 */
export function pushforward(
  outputs: readonly Node[],
  tracers: readonly Node[],
  tangents: readonly Tangent[],
  purpose: TangentUse,
): Tangent[] {
  const first = firstId(tracers);
  const nodes = nodesSince(first, outputs);
  const known = new Array<Tangent>(nodes.length);
  let lists: Map<Node, readonly Tangent[]> | undefined;
  const former = use;
  const formerDevice = nodeDevice();
  use = purpose;
  try {
    for (let i = 0; i < tracers.length; i++) {
      const at = tracers[i].id - first;
      known[at] = tangents[i];
      nodes[at] = undefined;
    }
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i];
      if (node === undefined) continue;
      const { primitive, inputs } = node;
      if (lists !== undefined && isProjection(node)) {
        known[i] = lists.get(inputs[0])?.[projectedIndex(node)] ?? null;
        continue;
      }
      let given: Tangent[] | undefined;
      for (let k = 0; k < inputs.length; k++) {
        const at = inputs[k].id - first;
        const tangent = at >= 0 ? known[at] : undefined;
        if (tangent == null) continue;
        if (given === undefined) {
          given = [];
          for (let j = 0; j < inputs.length; j++) given.push(null);
        }
        given[k] = tangent;
      }
      if (given === undefined) continue;
      setNodeDevice(node.device);
      if (primitive.several === true) (lists ??= new Map()).set(node, primitive.jvp(node, given, node.attrs));
      else if (node.dtype.inexact) known[i] = primitive.jvp(node, given, node.attrs);
    }
  } finally {
    use = former;
    setNodeDevice(formerDevice);
  }
  return outputs.map((output) => (output.id < first ? null : (known[output.id - first] ?? null)));
}

/** Values and tangents of a function on nodes. */
export function jvpNodes(
  f: NodeFunction,
  primals: readonly Node[],
  tangents: readonly Tangent[],
  purpose: TangentUse,
): { outputs: readonly Node[]; tangents: Tangent[] } {
  const tracers = primals.map((primal) => identity(primal));
  const outputs = f(tracers);
  return { outputs, tangents: pushforward(outputs, tracers, tangents, purpose) };
}
