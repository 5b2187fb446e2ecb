/** What computes nothing: tracers, data, ordering, and picking one of several outputs. */

import type { Dtype } from '../dtype';
import { type Layout, Node, notesOf, type Shape, type ShapeDtype } from '../graph/node';
import type { Storage } from '../runtime/storage';
import { definePrimitive, type SeveralDeclaration } from './primitive';
import { batchedInput, internalError, neverMapped, noTangent } from './rules';

const sameAsFirst = ([x]: readonly ShapeDtype[]): ShapeDtype => ({ shape: x.shape, dtype: x.dtype });

const stopGradientNode = definePrimitive<null>({
  name: 'stopGradient',
  lowering: { kind: 'alias' },
  infer: sameAsFirst,
  jvp: noTangent,
  vmap: ([x]) => stopGradient(x),
});

/** The same value, and a constant to every derivative. */
export function stopGradient(x: Node): Node {
  return new Node(stopGradientNode, [x], null, x.shape, x.dtype);
}

const identityNode = definePrimitive<null>({
  name: 'identity',
  lowering: { kind: 'alias' },
  infer: sameAsFirst,
  jvp: (_out, [t]) => t,
  transpose: (ct) => [ct],
  vmap: ([x]) => identity(x),
});

/** The same value under a new id: a tracer that can be read. */
export function identity(x: Node): Node {
  return new Node(identityNode, [x], null, x.shape, x.dtype);
}

const dependsNode = definePrimitive<null>({
  name: 'depends',
  lowering: { kind: 'alias' },
  infer: sameAsFirst,
  jvp: (_out, [t]) => t,
  transpose: (ct, out) => out.inputs.map((_, i) => (i === 0 ? ct : null)),
  vmap: ([x, ...after], [mapped], size) => depends(batchedInput(x, mapped, size), after),
});

/** The same value, evaluated after the others. */
export function depends(x: Node, after: readonly Node[]): Node {
  return new Node(dependsNode, [x, ...after], null, x.shape, x.dtype);
}

/** One run of a transform; its placeholders are usable while it is active. */
export interface Trace {
  /** The function that the user called, for messages. */
  readonly transform: string;
  active: boolean;
}

const placeholderNode = definePrimitive<Trace>({
  name: 'placeholder',
  lowering: { kind: 'placeholder' },
  infer() {
    throw internalError('placeholder', 'has the shape it was made with');
  },
  jvp: noTangent,
  vmap: neverMapped,
});

/** A tracer without a value. Its attributes are its trace. */
export function placeholder(shape: Shape, dtype: Dtype, trace: Trace): Node {
  return new Node(placeholderNode, [], trace, shape, dtype);
}

/** The trace of a placeholder, or null for any other node. */
export function traceOf(node: Node): Trace | null {
  return node.primitive === placeholderNode ? (node.attrs as Trace) : null;
}

const dataNode = definePrimitive<null>({
  name: 'data',
  lowering: { kind: 'data' },
  infer() {
    throw internalError('data', 'has the shape it was made with');
  },
  jvp: noTangent,
  vmap: neverMapped,
});

/** An array that exists. `layout` is null when it is contiguous, row-major, from offset 0. */
export function data(storage: Storage, layout: Layout | null, shape: Shape, dtype: Dtype): Node {
  const node = new Node(dataNode, [], null, shape, dtype);
  node.storage = storage;
  node.layout = layout;
  return node;
}

export interface ProjectAttrs {
  readonly index: number;
}

// A node with several outputs has several tangents and several batched results, so the walks resolve projections
// themselves; these rules exist to say so should one of them forget.
const projectNode = definePrimitive<ProjectAttrs>({
  name: 'project',
  lowering: { kind: 'project' },
  key: ({ index }, key) => key.int(index),
  infer: ([node], { index }) => outputsOf(node as Node)[index],
  jvp() {
    throw internalError('project', 'its tangent is one of those of its input');
  },
  transpose() {
    throw internalError('project', 'its cotangent is one of those of its input');
  },
  vmap() {
    throw internalError('project', 'its batched form is one of those of its input');
  },
});

/** Shapes and dtypes of the outputs of a node with several. */
function outputsOf(node: Node): readonly ShapeDtype[] {
  const primitive = node.primitive;
  if (!primitive.several) throw internalError(primitive.name, 'has one output, none to project');
  return (primitive as SeveralDeclaration<unknown>).infer(node.inputs, node.attrs);
}

/** Output `index` of a node that has several. */
export function project(node: Node, index: number): Node {
  const { shape, dtype } = outputsOf(node)[index];
  return new Node(projectNode, [node], { index } satisfies ProjectAttrs, shape, dtype);
}

/**
 * The outputs of a node that has several. `together`: whoever evaluates one of them evaluates all, for results that are expensive to
 * compute again and that users read one after the other.
 */
export function projections(node: Node, together = false): Node[] {
  const outputs = outputsOf(node).map(
    ({ shape, dtype }, index) => new Node(projectNode, [node], { index } satisfies ProjectAttrs, shape, dtype),
  );
  if (together) for (const output of outputs) notesOf(output).companions = { nodes: outputs };
  return outputs;
}
