/** What the primitives of control flow hold: bodies, how their inputs are divided, and which other node they stand in for. */

import type { Node, ShapeDtype } from '../../graph/node';
import type { Body } from './body';

/**
 * Derivatives compute again what the function itself computes, with more outputs. Where both are evaluated, one run
 * gives both: nodes with one token compute the same of the same inputs. `inputs` and `outputs` say where a node has those
 * that all of them have.
 */
export interface Shared {
  readonly token: object;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

interface Attrs {
  readonly outs: readonly ShapeDtype[];
  readonly shared: Shared | null;
}

/** Inputs: the carry, arrays whose rows the steps take one by one, constants; outputs: the last carry, the steps' results as rows. */
export interface ScanAttrs extends Attrs {
  readonly kind: 'scan';
  /** (carry, rows, constants) to (carry, results). */
  readonly body: Body;
  readonly carry: number;
  readonly xs: number;
  readonly length: number;
  readonly reverse: boolean;
}

/** Inputs: the carry, constants; outputs: the last carry. */
export interface WhileAttrs extends Attrs {
  readonly kind: 'whileLoop';
  /** Both take the carry and the constants. */
  readonly condition: Body;
  readonly body: Body;
  readonly carry: number;
  readonly maxSteps: number | null;
}

/** Inputs: a bool, operands. */
export interface CondAttrs extends Attrs {
  readonly kind: 'cond';
  /** Both take all operands. */
  readonly onTrue: Body;
  readonly onFalse: Body;
}

export type ControlAttrs = ScanAttrs | WhileAttrs | CondAttrs;

/** What a node that nothing was derived from shares with those that will be derived from it. */
export function sharing(inputs: number, outputs: number): Shared {
  return { token: {}, inputs: Array.from({ length: inputs }, (_, i) => i), outputs: Array.from({ length: outputs }, (_, i) => i) };
}

const batchTokens = new WeakMap<object, Map<string, object>>();

/** What batched nodes share: two that shared a computation still do if the same of its inputs are mapped. */
export function sharedBatch(shared: Shared | null, mapped: readonly boolean[], size: number): Shared | null {
  if (shared === null) return null;
  const key = `${size}:${shared.inputs.map((i) => (mapped[i] ? 1 : 0)).join('')}`;
  let known = batchTokens.get(shared.token);
  if (known === undefined) batchTokens.set(shared.token, (known = new Map()));
  let token = known.get(key);
  if (token === undefined) known.set(key, (token = {}));
  return { ...shared, token };
}

/** The dtype that stands for a node of several outputs: that of an output with derivatives, if there is one. */
export function nodeDtype(outs: readonly ShapeDtype[], inputs: readonly Node[]): Node['dtype'] {
  return (outs.find(({ dtype }) => dtype.inexact) ?? outs[0] ?? inputs[0]).dtype;
}
