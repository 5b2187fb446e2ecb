/** The walk that every transform starts with: the nodes that a traced function made, in the order of their ids. */

import { type Node, nextNodeId } from '../graph/node';

/**
 * The nodes under `outputs` with ids of at least `first`, each at the index id − first. Ids grow from inputs to
 * consumers, so reading the list forwards is a topological order; gaps are undefined. It is as long as the number of
 * nodes made since `first`, so it costs no more than making them did, and needs no sorting and no map.
 */
export function nodesSince(first: number, outputs: Iterable<Node | null>): (Node | undefined)[] {
  const found = new Array<Node | undefined>(Math.max(0, nextNodeId() - first));
  const stack: Node[] = [];
  for (const output of outputs) {
    if (output === null || output.id < first || found[output.id - first] !== undefined) continue;
    found[output.id - first] = output;
    stack.push(output);
  }
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const inputs = node.inputs;
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i];
      const at = input.id - first;
      if (at < 0 || found[at] !== undefined) continue;
      found[at] = input;
      stack.push(input);
    }
  }
  return found;
}

/** The smallest id: where the walks that start at these nodes may stop. */
export function firstId(nodes: readonly Node[]): number {
  let first = nextNodeId();
  for (const node of nodes) if (node.id < first) first = node.id;
  return first;
}

/** The index that a `project` node picks. */
export function projectedIndex(node: Node): number {
  return (node.attrs as { readonly index: number }).index;
}

/** True for a node that picks one output of a primitive that has several. */
export function isProjection(node: Node): boolean {
  return node.primitive.lowering.kind === 'project';
}
