/** The graphs that composite nodes stand for: made once a node. */

import { type Node, notesOf, onDevice } from '../graph/node';

/** What compiled nodes offer beside their graph: the same as plain nodes. */
interface Runnable {
  run(inputs: readonly Node[]): readonly Node[];
}

/** The outputs of what replaces a composite node before scheduling, on the node's device. */
export function expansionOf(node: Node): readonly Node[] {
  const notes = notesOf(node);
  if (notes.expansion !== null) return notes.expansion;
  const { lowering } = node.primitive;
  const expansion = onDevice(node.device, (): readonly Node[] => {
    if (lowering.kind === 'expand') return lowering.expand(node.inputs, node.attrs, node);
    // Inside another compiled function a compiled function is a part of its plan.
    if (lowering.kind === 'compiled') return (node.attrs as Runnable).run(node.inputs);
    throw new TypeError(`${node.primitive.name} is no composite`);
  });
  notes.expansion = expansion;
  return expansion;
}
