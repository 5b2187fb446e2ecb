/** Runs user functions on tracers: hands out the handles, and takes them back when the trace ends. */

import { type array, endTrace, isArray, nodeOf, wrap } from '../array';
import { codedError, showShape, typeError } from '../errors';
import { type Node, nextNodeId } from '../graph/node';
import { inTrace } from '../graph/trace';
import { describe } from '../ops/arguments';
import { identity, placeholder } from '../primitives/control';
import { mapArrays } from '../tree';

/** A function of the user's, as the transforms call it. */
export type AnyFunction = (...args: never[]) => unknown;

/** The tracers of one call of a user's function. */
export class Scope {
  readonly trace: { readonly transform: string; active: boolean };
  /** The first id that a node of this trace can have. */
  readonly first = nextNodeId();
  private readonly handles = new Set<array>();
  /** The node behind each tracer, undefined for placeholders. */
  private readonly origins = new Map<Node, Node | undefined>();

  constructor(transform: string) {
    this.trace = { transform, active: true };
  }

  /** A tracer that has a value: reading it works. */
  identity(primal: Node): Node {
    const tracer = identity(primal);
    this.origins.set(tracer, primal);
    return tracer;
  }

  /** A tracer that has no value: reading it is an error. */
  placeholder(shape: readonly number[], dtype: Node['dtype']): Node {
    const tracer = placeholder(shape, dtype, this.trace);
    this.origins.set(tracer, undefined);
    return tracer;
  }

  /** A handle for a tracer. It cannot be used once the trace has ended. */
  handle(tracer: Node): array {
    const handle = wrap(tracer);
    this.handles.add(handle);
    return handle;
  }

  /** A node that may leave the trace: a tracer's primal instead of the tracer. */
  outside(node: Node): Node {
    return this.origins.get(node) ?? node;
  }

  /** Results with new handles in place of the tracers' handles, which are about to end. */
  release(tree: unknown): unknown {
    return mapArrays(tree, (leaf) => (this.handles.has(leaf) ? wrap(this.outside(nodeOf(leaf))) : leaf));
  }

  end(): void {
    this.trace.active = false;
    for (const handle of this.handles) endTrace(handle);
  }
}

const scopes: Scope[] = [];

/** Called when a trace begins. */
export const traceObservers = new Set<() => void>();

/** Runs `body` as a trace. An exception ends it as a return does. */
export function withTrace<T>(transform: string, body: (scope: Scope) => T): T {
  const scope = new Scope(transform);
  for (const observer of traceObservers) observer();
  scopes.push(scope);
  try {
    return inTrace(() => body(scope));
  } finally {
    scopes.pop();
    scope.end();
  }
}

/** The first id of the outermost trace that is running: what is older cannot depend on any tracer. */
export function outermostId(): number {
  return scopes.length === 0 ? Number.POSITIVE_INFINITY : scopes[0].first;
}

/** Checks what a transform was given as the function. */
export function checkFunction(where: string, f: unknown): void {
  if (typeof f !== 'function') throw typeError(where, `the first argument must be a function, not ${describe(f)}`);
}

/** Calls a user's function. One that returns a Promise cannot be traced. */
export function callTraced(where: string, f: AnyFunction, args: readonly unknown[]): unknown {
  const result = (f as (...args: readonly unknown[]) => unknown)(...args);
  if (typeof result === 'object' && result !== null && typeof (result as PromiseLike<unknown>).then === 'function') {
    // It goes on without its tracers and fails; that failure is this error.
    (result as PromiseLike<unknown>).then(undefined, () => {});
    throw codedError(where, 'METALGRAD_TRANSFORM', 'the function must not be async: it returned a Promise');
  }
  return result;
}

/** A copy of an argument whose handles are the function's own: what it does to them never reaches the caller's. */
export function ownCopy(tree: unknown): unknown {
  return mapArrays(tree, (leaf) => wrap(nodeOf(leaf)));
}

/** What a message calls a result. */
export function describeResult(value: unknown): string {
  if (!isArray(value)) return describe(value);
  const node = nodeOf(value);
  return `an array of dtype ${node.dtype} and shape ${showShape(node.shape)}`;
}
