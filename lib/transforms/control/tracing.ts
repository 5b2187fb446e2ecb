/** Traces the functions of control flow: on placeholders, with the random state carried along. */

import { nodeOf } from '../../array';
import { typeError } from '../../errors';
import { type Node, nextNodeId, type ShapeDtype } from '../../graph/node';
import { describe } from '../../ops/arguments';
import { type Body, closed } from '../../primitives/control-flow/body';
import { part, reach } from '../../primitives/control-flow/slots';
import { state as randomState } from '../../random/state';
import { mapArrays } from '../../tree';
import { record } from '../recording';
import { type AnyFunction, callTraced, withTrace } from '../tracing';

/** An argument: a tree with any arrays in it, and what they are in the function. */
export interface Template {
  readonly tree: unknown;
  readonly avals: readonly ShapeDtype[];
}

/** A function that was traced with a random key as its last argument and its last output. */
export interface TracedFunction {
  /** Inputs: the arguments, the key, what was captured. */
  readonly body: Body;
  readonly captured: readonly Node[];
  /** It draws without a key of its own, or reads the random state. */
  readonly draws: boolean;
}

export function checkFunctionAt(where: string, name: string, f: unknown): void {
  if (typeof f !== 'function') throw typeError(where, `${name} must be a function, not ${describe(f)}`);
}

/**
 * Traces `f`. `outputsOf` checks what it returned and gives the nodes of it. `startKey` is the key that `f` draws from, made from
 * the arguments and the key that the step is given.
 */
export function traceFunction(
  where: string,
  f: AnyFunction,
  templates: readonly Template[],
  outputsOf: (result: unknown) => readonly Node[],
  startKey?: (inputs: readonly Node[]) => Node,
): TracedFunction {
  const saved = randomState[0];
  const { shape, dtype } = nodeOf(saved);
  try {
    return withTrace(where, (scope) => {
      const first = nextNodeId();
      const tracers: Node[] = [];
      const args = templates.map(({ tree, avals }) =>
        mapArrays(tree, (_, i) => {
          const tracer = scope.placeholder(avals[i].shape, avals[i].dtype);
          tracers.push(tracer);
          return scope.handle(tracer);
        }),
      );
      const key = scope.placeholder(shape, dtype);
      const inputs = [...tracers, key];
      const keyHandle = scope.handle(startKey === undefined ? key : startKey(inputs));
      randomState[0] = keyHandle;
      const outputs = outputsOf(callTraced(where, f, args));
      const newKey = nodeOf(randomState[0]);
      const all = [...outputs, newKey];
      const traced = closed(record(inputs, all, first), inputs, all);
      const { recording } = traced.body;
      const read = reach(recording, recording.outputs.slice(0, outputs.length), () => false).inputs.has(tracers.length);
      return { ...traced, draws: newKey !== key || read };
    });
  } finally {
    randomState[0] = saved;
  }
}

/** A body with its inputs and outputs in another order, or without some that do not matter. */
export function arranged({ recording, inputs, outputs }: Body, order: readonly number[], results: readonly number[]): Body {
  return {
    recording: part(
      recording,
      order,
      results.map((i) => recording.outputs[i]),
    ),
    inputs: order.map((i) => inputs[i]),
    outputs: results.map((i) => outputs[i]),
  };
}

/** The numbers from `from` up to but without `to`. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}
