/** Nodes of control flow that compute the same: a derivative also gives what the function itself does, so one run does for both. */

import type { Node } from '../graph/node';
import type { ControlAttrs, Shared } from '../primitives/control-flow/attributes';

function sharedOf(node: Node): Shared | null {
  return node.primitive.lowering.kind === 'control' ? (node.attrs as ControlAttrs).shared : null;
}

/** The node among `nodes` that is run in place of `node`: one that gives all that it does and more, or else itself. */
export function hostOf(node: Node, nodes: readonly Node[]): Node {
  const own = sharedOf(node);
  if (own === null) return node;
  let host = node;
  for (const other of nodes) {
    if (other === node || other.inputs.length === 0 || !sharesWith(own, node, other)) continue;
    const outputs = (other.attrs as ControlAttrs).outs.length;
    if (outputs > (host.attrs as ControlAttrs).outs.length && !dependsOn(other, node)) host = other;
  }
  return host;
}

/** By output of `node`, the output of `host` that is the same. */
export function sharedOutputs(host: Node, node: Node): number[] {
  const [own, other] = [sharedOf(node) as Shared, sharedOf(host) as Shared];
  return own.outputs.map((_, i) => other.outputs[own.outputs.indexOf(i)]);
}

function sharesWith(own: Shared, node: Node, other: Node): boolean {
  const shared = sharedOf(other);
  if (shared === null || shared.token !== own.token || own.outputs.length !== (node.attrs as ControlAttrs).outs.length) return false;
  return own.inputs.every((at, i) => sameValue(node.inputs[at], other.inputs[shared.inputs[i]]));
}

/** True for one node, and for two that show one node in the same way. */
function sameValue(a: Node, b: Node): boolean {
  let [x, y] = [a, b];
  while (x !== y) {
    if (x.primitive !== y.primitive || x.inputs.length !== 1 || y.inputs.length !== 1) return false;
    const { kind } = x.primitive.lowering;
    if (kind !== 'transpose' && kind !== 'reshape' && kind !== 'broadcast' && kind !== 'alias') return false;
    if (String(x.shape) !== String(y.shape) || JSON.stringify(x.attrs) !== JSON.stringify(y.attrs)) return false;
    [x, y] = [x.inputs[0], y.inputs[0]];
  }
  return true;
}

/** Whether `node` cannot be computed without `other`. */
function dependsOn(node: Node, other: Node): boolean {
  const visited = new Set<Node>();
  const stack: Node[] = [...node.inputs];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (at === other) return true;
    if (at.storage !== null || at.id < other.id || visited.has(at)) continue;
    visited.add(at);
    stack.push(...at.inputs);
  }
  return false;
}
