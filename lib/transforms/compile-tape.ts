/** Records the public operations that a function calls, so that a shapeless compile can call them again on other shapes. */

import { type array, isArray, nodeOf, shapeObserver, wrap } from '../array';
import { type Node, nodeDevice, onDevice, type Shape } from '../graph/node';
import { opObserver } from '../ops/registry';
import { sameShape } from '../shape';
import { isPlainObject, mapLeaves } from '../tree';
import { traceObservers } from './tracing';
import { firstId, nodesSince } from './walk';

type Call = (...args: unknown[]) => unknown;

/** An array in a template. */
class Reference {
  constructor(readonly index: number) {}
}

type Step =
  | {
      readonly kind: 'call';
      readonly call: Call;
      readonly self: unknown;
      readonly args: unknown;
      readonly result: unknown;
      /** The default device at the call. */
      readonly device: number;
    }
  | { readonly kind: 'guard'; readonly index: number; readonly shape: Shape }
  | { readonly kind: 'constant'; readonly index: number; readonly node: Node };

/** Why a tape could not be played on these inputs. */
const mismatch = Symbol('mismatch');

/** Runs `body` with other observers. */
function observing<T>(onCall: typeof opObserver.onCall, onRead: typeof shapeObserver.onRead, body: () => T): T {
  const { onCall: formerCall } = opObserver;
  const { onRead: formerRead } = shapeObserver;
  opObserver.onCall = onCall;
  shapeObserver.onRead = onRead;
  try {
    return body();
  } finally {
    opObserver.onCall = formerCall;
    shapeObserver.onRead = formerRead;
  }
}

/** The operations of one call of a function, with the shapes that its code looked at. */
export class Tape {
  private readonly steps: Step[] = [];
  private result: unknown = null;
  private replayable = true;
  private count = 0;

  private references = new Map<array, { readonly index: number; node: Node }>();
  private indices = new Map<Node, number>();
  private readonly first: number;
  private inside = false;
  private aliases = false;

  private constructor(private inputs: readonly array[]) {
    this.first = firstId(inputs.map((input) => nodeOf(input)));
    for (const input of inputs) this.define(input);
  }

  /** Calls `body` and records what it does with `inputs`. Null if what it does cannot be repeated. */
  static record(inputs: readonly array[], body: () => unknown): { result: unknown; tape: Tape | null } {
    const tape = new Tape(inputs);
    // What a transform inside the function does to its own tracers is not recorded.
    const onTrace = (): void => tape.giveUp();
    traceObservers.add(onTrace);
    try {
      const result = observing(
        (call, self, args) => tape.onCall(call, self, args),
        (node) => tape.onRead(node),
        body,
      );
      tape.result = tape.template(result);
      return { result, tape: tape.replayable ? tape : null };
    } finally {
      traceObservers.delete(onTrace);
      tape.references = new Map();
      tape.indices = new Map();
      tape.inputs = [];
    }
  }

  private giveUp(): void {
    this.replayable = false;
  }

  private define(handle: array): Reference {
    const node = nodeOf(handle);
    const index = this.count++;
    if (this.references.has(handle)) this.aliases = true;
    this.references.set(handle, { index, node });
    this.indices.set(node, index);
    return new Reference(index);
  }

  private dependsOnInputs(node: Node): boolean {
    const inputs = new Set(this.inputs.map((input) => input._node));
    return nodesSince(this.first, [node]).some(
      (under) => under !== undefined && (inputs.has(under) || under.primitive.lowering.kind === 'placeholder'),
    );
  }

  private reference(handle: array): Reference {
    const known = this.references.get(handle);
    if (known !== undefined) {
      // Rebound by something that was not recorded.
      if (known.node !== handle._node) this.giveUp();
      return new Reference(known.index);
    }
    const node = nodeOf(handle);
    if (this.dependsOnInputs(node)) this.giveUp();
    const defined = this.define(handle);
    this.steps.push({ kind: 'constant', index: defined.index, node });
    return defined;
  }

  private template(tree: unknown): unknown {
    return mapLeaves(tree, (leaf) => {
      if (isArray(leaf)) return this.reference(leaf);
      if (typeof leaf === 'function') this.giveUp();
      return leaf;
    });
  }

  private onCall(call: Call, self: unknown, args: readonly unknown[]): unknown {
    if (this.inside) return call.apply(self, args as unknown[]);
    const handles: array[] = [];
    const selfTemplate = this.template(self);
    const argsTemplate = this.template(args);
    mapLeaves([self, args], (leaf) => {
      if (isArray(leaf)) handles.push(leaf);
      return null;
    });
    this.inside = true;
    let result: unknown;
    try {
      result = call.apply(self, args as unknown[]);
    } finally {
      this.inside = false;
    }
    for (const handle of handles) {
      const known = this.references.get(handle);
      if (known === undefined || handle._node === null || known.node === handle._node) continue;
      // The call rebound its argument; two names for one handle would part when it is repeated.
      if (this.aliases) this.giveUp();
      known.node = handle._node;
      this.indices.set(handle._node, known.index);
    }
    const resultTemplate = mapLeaves(result, (leaf) => {
      if (isArray(leaf)) return this.define(leaf);
      if (typeof leaf === 'function' || (typeof leaf === 'object' && leaf !== null)) this.giveUp();
      return leaf;
    });
    this.steps.push({ kind: 'call', call, self: selfTemplate, args: argsTemplate, result: resultTemplate, device: nodeDevice() });
    return result;
  }

  private onRead(node: Node): void {
    if (this.inside) return;
    const index = this.indices.get(node);
    if (index !== undefined) this.steps.push({ kind: 'guard', index, shape: node.shape });
    else if (this.dependsOnInputs(node)) this.giveUp();
  }

  /** The result on other inputs. False if a guarded shape differs, or an operation refuses: then only a new trace can tell. */
  play(inputs: readonly array[]): { result: unknown } | false {
    try {
      return { result: observing(null, null, () => this.run(inputs)) };
    } catch {
      return false;
    }
  }

  private run(inputs: readonly array[]): unknown {
    const arrays: array[] = [...inputs];
    const filled = (template: unknown): unknown => mapLeaves(template, (leaf) => (leaf instanceof Reference ? arrays[leaf.index] : leaf));
    for (const step of this.steps) {
      if (step.kind === 'constant') arrays[step.index] = wrap(step.node);
      else if (step.kind === 'guard') {
        if (!sameShape(nodeOf(arrays[step.index]).shape, step.shape)) throw mismatch;
      } else {
        const result = onDevice(step.device, () => step.call.apply(filled(step.self), filled(step.args) as unknown[]));
        bind(step.result, result, arrays);
      }
    }
    return filled(this.result);
  }
}

/** Puts the arrays of a result where its template has them; throws if it has another structure. */
function bind(template: unknown, result: unknown, arrays: array[]): void {
  if (template instanceof Reference) {
    if (!isArray(result)) throw mismatch;
    arrays[template.index] = result;
  } else if (Array.isArray(template)) {
    if (!Array.isArray(result) || result.length !== template.length) throw mismatch;
    for (const [i, entry] of template.entries()) bind(entry, result[i], arrays);
  } else if (isPlainObject(template)) {
    if (!isPlainObject(result) || Object.keys(result).join() !== Object.keys(template).join()) throw mismatch;
    for (const key of Object.keys(template)) bind(template[key], result[key], arrays);
  } else if (!Object.is(template, result)) throw mismatch;
}
