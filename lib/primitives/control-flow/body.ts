/** Functions that control flow holds: traced once, and closed, so that they can be built on any inputs at any time. */

import type { Graph } from '../../graph/graph';
import { type Node, nextNodeId, type ShapeDtype } from '../../graph/node';
import type { NodeFunction } from '../../transforms/forward';
import { type Recording, record, replay } from '../../transforms/recording';
import { placeholder } from '../control';
import { zeros } from '../generators';
import type { Tangent } from '../primitive';

/** A function on nodes. What it captured when it was traced are its last inputs. */
export interface Body {
  readonly recording: Recording;
  readonly inputs: readonly ShapeDtype[];
  readonly outputs: readonly ShapeDtype[];
}

/** A body, and the nodes that its last inputs stood for. */
export interface Traced {
  readonly body: Body;
  readonly captured: readonly Node[];
}

export function avalOf({ shape, dtype }: ShapeDtype): ShapeDtype {
  return { shape, dtype };
}

/** A recording whose captured nodes are made inputs: the slots stay as they are, because captured ones follow the inputs. */
export function closed(recording: Recording, inputs: readonly ShapeDtype[], outputs: readonly ShapeDtype[]): Traced {
  const { arity, captured, instructions, outputs: slots } = recording;
  const body: Body = {
    recording: { arity: arity + captured.length, captured: [], instructions, outputs: slots },
    inputs: [...inputs.map(avalOf), ...captured.map(avalOf)],
    outputs: outputs.map(avalOf),
  };
  return { body, captured };
}

/** Traces a function on placeholders of these shapes and dtypes. */
export function traceBody(transform: string, f: NodeFunction, inputs: readonly ShapeDtype[]): Traced {
  const trace = { transform, active: true };
  const first = nextNodeId();
  const placeholders = inputs.map(({ shape, dtype }) => placeholder(shape, dtype, trace));
  try {
    const outputs = f(placeholders);
    return closed(record(placeholders, outputs, first), inputs, outputs);
  } finally {
    trace.active = false;
  }
}

/** A graph with placeholders for its inputs, for whoever plans it. */
export function traceGraph(inputs: readonly ShapeDtype[], f: NodeFunction): Graph {
  const trace = { transform: 'control flow', active: true };
  const placeholders = inputs.map(({ shape, dtype }) => placeholder(shape, dtype, trace));
  return { inputs: placeholders, outputs: f(placeholders) };
}

/** The outputs of a body on any inputs. */
export function applyBody({ recording }: Body, inputs: readonly Node[]): Node[] {
  return replay(recording, inputs);
}

/** A tangent as a node: zeros where there is none. */
export function denseLike(vector: Tangent | undefined, like: ShapeDtype): Node {
  return vector ?? zeros(like.shape, like.dtype);
}

/** The positions of the entries that are true. */
export function positions(flags: readonly boolean[]): number[] {
  return flags.flatMap((flag, i) => (flag ? [i] : []));
}

/** The entries at some positions. */
export function pick<T>(list: readonly T[], at: readonly number[]): T[] {
  return at.map((i) => list[i]);
}

/** A list of `length` with the entries of `values` at some positions, and null elsewhere. */
export function placedAt(length: number, at: readonly number[], values: readonly Tangent[]): Tangent[] {
  const all = new Array<Tangent>(length).fill(null);
  at.forEach((position, i) => {
    all[position] = values[i];
  });
  return all;
}
