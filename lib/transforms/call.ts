/** Traces a call of a user's function on its own, for the transforms that put the function into one node. */

import { nodeOf } from '../array';
import { type Node, nextNodeId } from '../graph/node';
import { arraysOf, mapArrays } from '../tree';
import { type Recording, record } from './recording';
import { type AnyFunction, callTraced, withTrace } from './tracing';

/** A function of the user's, traced once on tracers that have values. */
export interface TracedCall {
  /** What the function returned; its arrays are those of `outputs`. */
  readonly result: unknown;
  readonly recording: Recording;
  /** The nodes of the arguments, in order. */
  readonly inputs: readonly Node[];
  /** The result's nodes, in order. */
  readonly outputs: readonly Node[];
}

/** Calls `f` on tracers of its arguments and records what it does. */
export function traceCall(where: string, f: AnyFunction, args: readonly unknown[]): TracedCall {
  return withTrace(where, (scope) => {
    const first = nextNodeId();
    const inputs: Node[] = [];
    const tracers: Node[] = [];
    const given = args.map((arg) =>
      mapArrays(arg, (leaf) => {
        const node = nodeOf(leaf, where);
        const tracer = scope.identity(node);
        inputs.push(node);
        tracers.push(tracer);
        return scope.handle(tracer);
      }),
    );
    const result = callTraced(where, f, given);
    const outputs = arraysOf(result).map((leaf) => nodeOf(leaf, where));
    return { result: mapArrays(result, (leaf) => leaf), recording: record(tracers, outputs, first), inputs, outputs };
  });
}
