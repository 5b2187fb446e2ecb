/** The graphs that composite nodes stand for: made once a node. */

import type { Node } from '../graph/node';

/** What compiled nodes offer beside their graph: the same as plain nodes. */
interface Runnable {
  run(inputs: readonly Node[]): readonly Node[];
}

const expansions = new WeakMap<Node, readonly Node[]>();

/** The outputs of what replaces a composite node before scheduling. */
export function expansionOf(node: Node): readonly Node[] {
  const known = expansions.get(node);
  if (known !== undefined) return known;
  const { lowering } = node.primitive;
  let expansion: readonly Node[];
  if (lowering.kind === 'expand') expansion = lowering.expand(node.inputs, node.attrs, node);
  // Inside another compiled function a compiled function is a part of its plan.
  else if (lowering.kind === 'compiled') expansion = (node.attrs as Runnable).run(node.inputs);
  else throw new TypeError(`${node.primitive.name} is no composite`);
  expansions.set(node, expansion);
  return expansion;
}
