/** A traced function as a list of instructions, so that it can be built again on other inputs at any later time. */

import type { Dtype } from '../dtype';
import { Node, nodeDevice, type Shape, setNodeDevice } from '../graph/node';
import type { Primitive } from '../primitives/primitive';
import { nodesSince } from './walk';

interface Instruction {
  readonly primitive: Primitive;
  readonly attrs: unknown;
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly device: number;
  /** Where its inputs are: slots are the inputs, then the captured nodes, then one result an instruction. */
  readonly inputs: readonly number[];
}

/** A function on nodes that was traced once. It holds no intermediate node, so evaluation cannot change it. */
export interface Recording {
  readonly arity: number;
  /** Nodes from outside of the function, and data that it made. */
  readonly captured: readonly Node[];
  readonly instructions: readonly Instruction[];
  /** The slots of the results. */
  readonly outputs: readonly number[];
}

/** True for a node whose value cannot depend on anything: making it again would only make a copy. */
function isConstant(node: Node): boolean {
  return node.primitive.lowering.kind === 'data' || (node.storage !== null && node.inputs.length === 0);
}

/**
 * Records how `outputs` were made from `inputs`, fresh nodes with ids of at least `first`. Nodes with smaller ids are
 * captured.
 */
export function record(inputs: readonly Node[], outputs: readonly Node[], first: number): Recording {
  const nodes = nodesSince(first, outputs);
  const captured: Node[] = [];
  const slots = new Map<Node, number>();
  for (const [i, input] of inputs.entries()) slots.set(input, i);
  const capture = (node: Node): void => {
    if (slots.has(node)) return;
    slots.set(node, inputs.length + captured.length);
    captured.push(node);
  };
  for (const node of nodes) {
    if (node === undefined || slots.has(node)) continue;
    if (isConstant(node)) capture(node);
    else for (const input of node.inputs) if (input.id < first) capture(input);
  }
  for (const output of outputs) if (output.id < first) capture(output);
  const instructions: Instruction[] = [];
  let slot = inputs.length + captured.length;
  for (const node of nodes) {
    if (node === undefined || slots.has(node)) continue;
    slots.set(node, slot++);
    instructions.push({
      primitive: node.primitive,
      attrs: node.attrs,
      shape: node.shape,
      dtype: node.dtype,
      device: node.device,
      inputs: node.inputs.map((input) => slots.get(input) as number),
    });
  }
  return { arity: inputs.length, captured, instructions, outputs: outputs.map((output) => slots.get(output) as number) };
}

/** Builds the recorded function again, on `inputs` and on `captured` in place of what it captured; each node where it was. */
export function replay(recording: Recording, inputs: readonly Node[], captured: readonly Node[] = recording.captured): Node[] {
  const { instructions, outputs } = recording;
  const slots: Node[] = [...inputs, ...captured];
  const former = nodeDevice();
  try {
    for (let i = 0; i < instructions.length; i++) {
      const { primitive, attrs, shape, dtype, device, inputs: from } = instructions[i];
      const given = new Array<Node>(from.length);
      for (let k = 0; k < from.length; k++) given[k] = slots[from[k]];
      setNodeDevice(device);
      slots.push(new Node(primitive, given, attrs, shape, dtype));
    }
  } finally {
    setNodeDevice(former);
  }
  return outputs.map((slot) => slots[slot]);
}
