/** Nodes without the composites around them, for whoever cuts graphs into pieces. */

import { Node, onDevice } from '../graph/node';
import { expansionOf } from '../schedule/expansion';

/** The node that computes the value of `node`: what composites and their projections stand for. Nodes in `given` stay. */
export function resolved(node: Node, given: ReadonlySet<Node>): Node {
  let at = node;
  for (;;) {
    if (given.has(at) || at.storage !== null) return at;
    const { kind } = at.primitive.lowering;
    if (kind === 'expand') at = expansionOf(at)[0];
    else if (kind === 'project' && isComposite(at.inputs[0])) at = expansionOf(at.inputs[0])[(at.attrs as { index: number }).index];
    else return at;
  }
}

function isComposite({ primitive }: Node): boolean {
  const { kind } = primitive.lowering;
  return kind === 'expand' || kind === 'compiled';
}

const free = new Set(['full', 'arange', 'alias', 'reshape', 'transpose', 'broadcast']);

/** True for a node that is made again sooner than it is read from memory. */
export function isFree(node: Node): boolean {
  return free.has(node.primitive.lowering.kind);
}

/** The same node on other inputs, and on its device. */
export function standIn(node: Node, inputs: readonly Node[]): Node {
  return onDevice(node.device, () => new Node(node.primitive, inputs, node.attrs, node.shape, node.dtype));
}
