/** `compile`: a function traced once for each kind of call, and run afterwards without its JavaScript. */

import { type array, nodeOf, wrap } from '../array';
import { float32 } from '../dtype';
import { typeError } from '../errors';
import type { Graph } from '../graph/graph';
import { type Node, nextNodeId, notesOf } from '../graph/node';
import { traceDepth } from '../graph/trace';
import { describe } from '../ops/arguments';
import { compiledCall } from '../primitives/call';
import { zeros } from '../primitives/generators';
import { state as randomState } from '../random/state';
import { evaluate } from '../runtime/evaluate';
import { arraysOf, isPlainObject, mapArrays } from '../tree';
import { CallKey } from './compile-key';
import { assignTree, replaceArrays, snapshot, stateContainers, withoutRandomState } from './compile-state';
import { Tape } from './compile-tape';
import { RetraceWarning } from './compile-warning';
import { type Recording, record, replay } from './recording';
import { type AnyFunction, callTraced, checkFunction, outermostId, ownCopy, withTrace } from './tracing';

/** How a function is compiled. */
export interface CompileOptions {
  /** Containers whose arrays the function reads, beside its arguments. */
  readonly inputs?: unknown;
  /** Containers whose contents the function replaces. */
  readonly outputs?: unknown;
  /** A new trace is not needed for arrays of other shapes, unless the function looked at them. */
  readonly shapeless?: boolean | undefined;
}

/** Traces kept for one function, and recordings of operations kept for one kind of shapeless call. */
const maxEntries = 128;
const maxTapes = 8;

let enabled = !['1', 'true', 'yes', 'on'].includes((process.env.METALGRAD_DISABLE_COMPILE ?? '').toLowerCase());

/**
 * Makes compiled functions call the functions they were made from, everywhere. The environment variable METALGRAD_DISABLE_COMPILE=1 does so too.
 *
 * @example
 * mx.disableCompile();
 * mx.compile((x) => mx.add(x, 1))(mx.array(1)); // array(2, dtype=float32), computed by the function itself
 * mx.enableCompile();
 */
export function disableCompile(): void {
  enabled = false;
}

/**
 * Ends the effect of `disableCompile`.
 *
 * @example
 * mx.enableCompile();
 */
export function enableCompile(): void {
  enabled = true;
}

/** A function traced for one kind of call. */
class Entry {
  private graph: Graph | null = null;
  private prepared = false;
  /** The inputs that the graph has, and where each result comes from: the graph, else an input or a captured node. */
  private readonly used: readonly number[];
  private readonly made: readonly Node[];

  constructor(
    private readonly placeholders: readonly Node[],
    private readonly outputs: readonly Node[],
    private readonly recording: Recording,
    first: number,
    /** What the function returned, and what the state holds afterwards; their arrays are the first outputs. */
    readonly result: unknown,
    readonly state: unknown,
    /** Whether the last output is the random state. */
    readonly draws: boolean,
  ) {
    const read = new Set<number>();
    for (const { inputs } of recording.instructions) for (const slot of inputs) read.add(slot);
    this.used = placeholders.flatMap((_, i) => (read.has(i) ? [i] : []));
    const inputs = new Set(placeholders);
    this.made = [...new Set(outputs)].filter((output) => output.id >= first && !inputs.has(output));
  }

  /** Arrays from outside that the function uses: constants of it. */
  get captured(): readonly Node[] {
    return this.recording.captured;
  }

  /** The outputs on these inputs: one node that runs as a plan of its own, or plain nodes where transforms will look at them. */
  apply(inputs: readonly Node[]): readonly Node[] {
    if (traceDepth() > 0 || this.made.length === 0) return replay(this.recording, inputs);
    this.prepare();
    const graph = (this.graph ??= { inputs: this.used.map((i) => this.placeholders[i]), outputs: this.made });
    const run = (given: readonly Node[]): readonly Node[] => {
      // What is not used may be anything; holding the call's own inputs would keep them alive.
      const all = [...this.placeholders];
      this.used.forEach((i, k) => {
        all[i] = given[k];
      });
      const results = replay(this.recording, all);
      return this.made.map((node) => results[this.outputs.indexOf(node)]);
    };
    const results = compiledCall(
      graph,
      run,
      this.used.map((i) => inputs[i]),
    );
    // One run gives them all: a result that is never read must not hold the others' memory.
    if (results.length > 1) {
      const companions = { nodes: results };
      for (const result of results) notesOf(result).companions = companions;
    }
    const found = new Map<Node, Node>(this.placeholders.map((node, i) => [node, inputs[i]]));
    for (const [i, node] of this.made.entries()) found.set(node, results[i]);
    return this.outputs.map((node) => found.get(node) ?? node);
  }

  /** Constants are computed once, not at each call. */
  private prepare(): void {
    if (this.prepared) return;
    const lazy = this.recording.captured.filter((node) => node.storage === null && node.inputs.length > 0);
    if (lazy.length > 0) evaluate(lazy, 'compile');
    this.prepared = true;
  }
}

/** Least recently used entries go first. */
class Cache<V> {
  private readonly entries = new Map<string, V>();

  constructor(private readonly capacity: number) {}

  get(key: string): V | undefined {
    const value = this.entries.get(key);
    if (value === undefined) return undefined;
    this.entries.delete(key);
    this.entries.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.entries.delete(key);
    this.entries.set(key, value);
    if (this.entries.size > this.capacity) this.entries.delete(this.entries.keys().next().value as string);
  }
}

class Compiled {
  private readonly entries = new Cache<Entry>(maxEntries);
  private readonly tapes = new Cache<Tape[]>(maxEntries);
  private readonly warning: RetraceWarning;

  constructor(
    private readonly f: AnyFunction,
    private readonly inputs: readonly unknown[],
    private readonly outputs: readonly unknown[],
    private readonly shapeless: boolean,
  ) {
    this.warning = new RetraceWarning(f.name);
  }

  call(args: readonly unknown[]): unknown {
    if (!enabled) return callTraced('compile', this.f, args.map(ownCopy));
    const key = new CallKey();
    for (let i = 0; i < args.length; i++) key.add(args[i], `argument ${i}`);
    key.structure += ';';
    for (const container of this.inputs) key.add(withoutRandomState(container), 'inputs');
    const exact = key.exact;
    let entry = this.entries.get(exact);
    if (entry === undefined) {
      entry = this.trace(args, key);
      const outermost = outermostId();
      // What was made inside a trace may depend on its tracers, which end with it.
      if (entry.captured.every((node) => node.id < outermost)) this.entries.set(exact, entry);
    }
    const { result, state, draws } = entry;
    const inputs = [...key.nodes, nodeOf(randomState[0])];
    const nodes = entry.apply(inputs);
    let next = 0;
    const returned = mapArrays(result, () => wrap(nodes[next++]));
    const contents = mapArrays(state, () => wrap(nodes[next++])) as unknown[];
    for (const [i, container] of this.outputs.entries()) assignTree(container, contents[i]);
    if (draws) randomState[0] = wrap(nodes[next]);
    return returned;
  }

  /** Runs the function, or what was recorded of it, on placeholders. */
  private trace(args: readonly unknown[], key: CallKey): Entry {
    const tapeKey = this.shapeless ? key.shapeless : '';
    const tapes = this.shapeless ? (this.tapes.get(tapeKey) ?? []) : [];
    for (let i = 0; i < tapes.length; i++) {
      const tape = tapes[i];
      const entry = this.traceWith(args, key, (handles) => tape.play(handles));
      if (entry === false) continue;
      tapes.splice(i, 1);
      tapes.unshift(tape);
      return entry;
    }
    this.warning.count(key);
    const entry = this.traceWith(args, key, (handles, given) => {
      const body = (): unknown => {
        const result = callTraced('compile', this.f, given);
        return [result, this.outputs.map(withoutRandomState)];
      };
      if (!this.shapeless) return { result: body() };
      const { result, tape } = Tape.record(handles, body);
      if (tape !== null) this.tapes.set(tapeKey, [tape, ...tapes.slice(0, maxTapes - 1)]);
      return { result };
    });
    return entry as Entry;
  }

  private traceWith(
    args: readonly unknown[],
    key: CallKey,
    body: (handles: readonly array[], given: readonly unknown[]) => { result: unknown } | false,
  ): Entry | false {
    const restore = snapshot([...this.inputs, ...this.outputs]);
    const savedKey = randomState[0];
    return withTrace('compile', (scope) => {
      const first = nextNodeId();
      const placeholders = [...key.nodes, nodeOf(savedKey)].map(({ shape, dtype }) => scope.placeholder(shape, dtype));
      const handles = placeholders.map((node) => scope.handle(node));
      try {
        const next = handles.values();
        const given = args.map((arg) => mapArrays(arg, () => next.next().value));
        replaceArrays(this.inputs, next);
        randomState[0] = handles[handles.length - 1];
        const outcome = body(handles, given);
        if (outcome === false) return false;
        const [result, state] = outcome.result as [unknown, unknown];
        const outputs = arraysOf([result, state]).map((leaf) => nodeOf(leaf, 'compile'));
        const randomKey = nodeOf(randomState[0]);
        const draws = randomKey !== placeholders[placeholders.length - 1];
        if (draws) outputs.push(randomKey);
        const recording = record(placeholders, outputs, first);
        const shape = mapArrays([result, state], () => vacant) as [unknown, unknown];
        return new Entry(placeholders, outputs, recording, first, shape[0], shape[1], draws);
      } finally {
        restore();
        randomState[0] = savedKey;
      }
    });
  }
}

/** Stands for an array in the structure of a result, without holding one. */
const vacant = wrap(zeros([], float32));

function optionsOf(options: unknown): CompileOptions {
  if (options === undefined || options === null) return {};
  if (typeof options === 'boolean') return { shapeless: options };
  if (!isPlainObject(options)) throw typeError('compile', `options must be a boolean (shapeless) or an object, not ${describe(options)}`);
  for (const name of Object.keys(options)) {
    if (!['inputs', 'outputs', 'shapeless'].includes(name))
      throw typeError('compile', `there is no option ${name}: only inputs, outputs and shapeless`);
  }
  return options;
}

/**
 * The same function, traced once for each structure, shape and dtype of its arguments and each value of those that are
 * no arrays; later calls run what was recorded. Arrays that `f` captures are constants; the ones in the containers
 * `inputs` are read at each call, and the contents of the containers `outputs` are replaced. The random state is
 * captured by itself.
 *
 * @example
 * const step = mx.compile((x) => mx.exp(mx.negative(x)).add(1).reciprocal());
 */
export function compile<A extends readonly unknown[], R>(f: (...args: A) => R, options?: boolean | CompileOptions): (...args: A) => R {
  checkFunction('compile', f);
  const { inputs, outputs, shapeless } = optionsOf(options);
  const compiled = new Compiled(
    f as AnyFunction,
    stateContainers('inputs', inputs),
    stateContainers('outputs', outputs),
    shapeless === true,
  );
  return (...args) => compiled.call(args) as R;
}
