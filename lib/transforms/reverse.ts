/** Reverse mode: linearize by the forward walk, then transpose what depends on the tangents. */

import { codedError } from '../errors';
import { type Node, nodeDevice, setNodeDevice } from '../graph/node';
import { add } from '../primitives/binary';
import { placeholder } from '../primitives/control';
import type { Tangent } from '../primitives/primitive';
import { type NodeFunction, pushforward, type TangentUse } from './forward';
import { firstId, isProjection, nodesSince, projectedIndex } from './walk';

/** The linear part of a function at a point: tangents of the outputs as graph over placeholders for the inputs'. */
export interface Linearized {
  readonly placeholders: readonly Node[];
  /** Null where an output does not depend on the inputs. */
  readonly tangents: readonly Tangent[];
}

/** The linear part at `tracers` of the function that made `outputs` from them. */
export function linearizeNodes(
  outputs: readonly Node[],
  tracers: readonly Node[],
  transform: string,
  purpose: TangentUse = 'transposed',
): Linearized {
  const trace = { transform, active: true };
  const placeholders = tracers.map((tracer) => placeholder(tracer.shape, tracer.dtype, trace));
  if (tracers.length === 0) return { placeholders, tangents: outputs.map(() => null) };
  return { placeholders, tangents: pushforward(outputs, tracers, placeholders, purpose) };
}

/** The cotangent of `node` with one more term, added where the node is. */
function sum(node: Node, a: Tangent | undefined, b: Node): Node {
  if (a == null) return b;
  setNodeDevice(node.device);
  return add(a, b);
}

/**
 * The cotangents of the placeholders of a linear function from those of its outputs. The values of what depends on
 * the placeholders are never read, so the result does not depend on them. Each rule runs on the device of its node.
 */
export function pullback(linear: Linearized, cotangents: readonly Tangent[]): Tangent[] {
  if (linear.placeholders.length === 0) return [];
  const former = nodeDevice();
  try {
    return transposed(linear, cotangents);
  } finally {
    setNodeDevice(former);
  }
}

function transposed({ placeholders, tangents }: Linearized, cotangents: readonly Tangent[]): Tangent[] {
  const first = firstId(placeholders);
  const nodes = nodesSince(first, tangents);
  const depends = new Uint8Array(nodes.length);
  for (const node of placeholders) depends[node.id - first] = 1;
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i];
    if (node === undefined) continue;
    const inputs = node.inputs;
    for (let k = 0; k < inputs.length; k++) {
      const at = inputs[k].id - first;
      if (at >= 0 && depends[at] === 1) {
        depends[i] = 1;
        break;
      }
    }
  }
  const known = new Array<Tangent>(nodes.length);
  let lists: Map<Node, Tangent[]> | undefined;
  for (let i = 0; i < tangents.length; i++) {
    const node = tangents[i];
    const cotangent = cotangents[i];
    if (node === null || cotangent === null || node.id < first || depends[node.id - first] === 0) continue;
    known[node.id - first] = sum(node, known[node.id - first], cotangent);
  }
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    if (node === undefined || depends[i] === 0) continue;
    const { primitive, inputs } = node;
    if (inputs.length === 0) continue;
    const cotangent = known[i];
    const list = lists !== undefined && primitive.several === true ? lists.get(node) : undefined;
    if (cotangent == null && list === undefined) continue;
    if (isProjection(node)) {
      const source = inputs[0];
      lists ??= new Map();
      let all = lists.get(source);
      if (all === undefined) lists.set(source, (all = []));
      const index = projectedIndex(node);
      while (all.length <= index) all.push(null);
      all[index] = sum(source, all[index], cotangent as Node);
      continue;
    }
    known[i] = null;
    const mask: boolean[] = [];
    for (let k = 0; k < inputs.length; k++) {
      const at = inputs[k].id - first;
      mask.push(at >= 0 && depends[at] === 1);
    }
    let given: readonly Tangent[];
    setNodeDevice(node.device);
    if (primitive.transpose === undefined) throw notLinear(primitive.name);
    if (primitive.several === true) given = primitive.transpose(list as Tangent[], node, mask, node.attrs);
    else given = primitive.transpose(cotangent as Node, node, mask, node.attrs);
    for (let k = 0; k < inputs.length; k++) {
      const cotangentOfInput = given[k];
      if (!mask[k] || cotangentOfInput == null) continue;
      const at = inputs[k].id - first;
      known[at] = sum(inputs[k], known[at], cotangentOfInput);
    }
  }
  return placeholders.map((node) => known[node.id - first] ?? null);
}

/** Only a rule that the user wrote can be nonlinear in its tangents. */
function notLinear(primitive: string): Error {
  return codedError(
    'customFunction',
    'METALGRAD_TRANSFORM',
    `the jvp rule must be linear in its tangents, but applies ${primitive} to them`,
  );
}

/**
 * The cotangents of `tracers`, fresh nodes of which `f` makes the outputs, from those of the outputs.
 */
export function vjpNodes(f: NodeFunction, tracers: readonly Node[], cotangents: readonly Tangent[]): Tangent[] {
  return pullback(linearizeNodes(f(tracers), tracers, 'vjp'), cotangents);
}
