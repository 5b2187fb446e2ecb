/** Runs scans, loops and choices: a plan for the body, made once, and a plain loop around it. */

import type { Graph } from '../graph/graph';
import { type Node, onDevice, type ShapeDtype } from '../graph/node';
import { concatenate } from '../primitives/assemble';
import { data } from '../primitives/control';
import type { CondAttrs, ControlAttrs, ScanAttrs, WhileAttrs } from '../primitives/control-flow/attributes';
import { applyBody, type Body, traceGraph } from '../primitives/control-flow/body';
import { zeros } from '../primitives/generators';
import { reshape, slice } from '../primitives/movement';
import { contiguousStrides, sizeOf } from '../shape';
import { addon, check } from './binding';
import type { Flight } from './execute';
import { valueOf } from './graph-plan';
import { interned, numberOf } from './interning';
import { Stages } from './stages';
import { Holder, type Value } from './values';

/** Evaluates nodes that the loop makes itself. */
export type EvaluateNodes = (nodes: readonly Node[]) => void;

/** What one run needs. */
interface Context {
  readonly where: string;
  readonly flight: Flight | null;
  readonly evaluate: EvaluateNodes;
}

/** The outputs of a node of control flow; those that are not wanted are left out where that saves memory. */
export function runControl(
  attrs: ControlAttrs,
  inputs: readonly Value[],
  wanted: readonly boolean[],
  where: string,
  flight: Flight | null,
  evaluate: EvaluateNodes,
): Value[] {
  const context: Context = { where, flight, evaluate };
  switch (attrs.kind) {
    case 'scan':
      return runScan(attrs, inputs, wanted, context);
    case 'whileLoop':
      return runWhile(attrs, inputs, context);
    case 'cond':
      return runCond(attrs, inputs, context);
    default:
      return attrs satisfies never;
  }
}

// ---------------------------------------------------------------------------------------------------------------------

const stagesOf = new WeakMap<object, Map<string, Stages>>();

/** The stages of a graph that is made from `owner` when it is first needed. */
function stagesFor(owner: object, name: string, make: () => Graph): Stages {
  let known = stagesOf.get(owner);
  if (known === undefined) stagesOf.set(owner, (known = new Map()));
  let stages = known.get(name);
  if (stages === undefined) known.set(name, (stages = new Stages(make())));
  return stages;
}

function run(stages: Stages, inputs: readonly Value[], { where, flight, evaluate }: Context): Value[] {
  return stages.run(inputs, where, flight, (attrs, given, wanted) => runControl(attrs, given, wanted, where, flight, evaluate));
}

/** The stages of a body alone. */
function bodyStages(body: Body): Stages {
  return stagesFor(interned(body), 'body', () => traceGraph(body.inputs, (given) => applyBody(body, given)));
}

const predicate = new Uint8Array(1);

/** The value of a bool without axes; waits for it. */
function isTrue({ storage, layout }: Value, { where }: Context): boolean {
  check(where, addon().download(storage.handle, layout?.offset ?? 0, predicate));
  return predicate[0] !== 0;
}

// ---------------------------------------------------------------------------------------------------------------------

function runCond({ onTrue, onFalse }: CondAttrs, [choice, ...operands]: readonly Value[], context: Context): Value[] {
  return run(bodyStages(isTrue(choice, context) ? onTrue : onFalse), operands, context);
}

function runWhile(attrs: WhileAttrs, inputs: readonly Value[], context: Context): Value[] {
  const { condition, body, carry, maxSteps } = attrs;
  const constants = inputs.slice(carry);
  const holder = new Holder();
  let state: readonly Value[] = inputs.slice(0, carry);
  const first = run(bodyStages(condition), inputs, context);
  let holds = isTrue(first[0], context);
  holder.hold(first);
  holder.drop(first);
  // Each step also tells whether there is another one.
  const stages = stagesFor(interned(body), `while ${numberOf(condition)} ${carry}`, () =>
    traceGraph(body.inputs, (given) => {
      const next = applyBody(body, given);
      return [...next, ...applyBody(condition, [...next, ...given.slice(carry)])];
    }),
  );
  for (let step = 0; holds && (maxSteps === null || step < maxSteps); step++) {
    const made = run(stages, [...state, ...constants], context);
    holder.hold(made);
    holds = isTrue(made[carry], context);
    holder.drop([...state, made[carry]]);
    state = made.slice(0, carry);
  }
  return holder.give(state);
}

// ---------------------------------------------------------------------------------------------------------------------

/** So many nodes of unrolled steps make one plan, of so many steps at most. */
const blockNodes = 192;
const maxBlock = 32;

/** How many steps one run of a plan takes. */
function blockSize({ body, length }: ScanAttrs): number {
  if (length <= 1 || bodyStages(body).staged) return 1;
  return Math.min(length, maxBlock, Math.max(1, Math.floor(blockNodes / Math.max(1, body.recording.instructions.length))));
}

/** Some steps in a row: the carry, so many rows of each of the arrays, the constants; gives the carry and rows of results. */
function block({ body, carry, xs, reverse }: ScanAttrs, steps: number): Graph {
  const avals = body.inputs.map(
    ({ shape, dtype }, i): ShapeDtype => ({
      shape: i >= carry && i < carry + xs ? [steps, ...shape] : shape,
      dtype,
    }),
  );
  return traceGraph(avals, (given) => {
    let state = given.slice(0, carry);
    const rows = given.slice(carry, carry + xs);
    const constants = given.slice(carry + xs);
    const results = body.outputs.slice(carry).map(() => new Array<Node>(steps));
    for (let i = 0; i < steps; i++) {
      const at = reverse ? steps - 1 - i : i;
      const made = applyBody(body, [...state, ...rows.map((x) => row(x, at)), ...constants]);
      state = made.slice(0, carry);
      results.forEach((list, k) => {
        const result = made[carry + k];
        list[at] = reshape(result, [1, ...result.shape]);
      });
    }
    return [...state, ...results.map((list) => (steps === 1 ? list[0] : joined(list)))];
  });
}

/** The rows of all, where they were computed. */
function joined(rows: readonly Node[]): Node {
  return onDevice(rows[0].device, () => concatenate(rows, 0));
}

function row(x: Node, at: number): Node {
  const shape = x.shape.slice(1);
  const starts = [at, ...shape.map(() => 0)];
  return slice(x, starts, [1, ...shape], undefined, shape);
}

function runScan(attrs: ScanAttrs, inputs: readonly Value[], wanted: readonly boolean[], context: Context): Value[] {
  const { body, carry, xs, length, reverse } = attrs;
  const stacks = inputs.slice(carry, carry + xs);
  const constants = inputs.slice(carry + xs);
  const results = body.outputs.slice(carry).map((aval, k) => (wanted[carry + k] ? new Rows(aval, reverse, context) : null));
  const holder = new Holder();
  let state: readonly Value[] = inputs.slice(0, carry);
  const size = blockSize(attrs);
  for (let done = 0; done < length; ) {
    const steps = Math.min(size, length - done);
    const stages = stagesFor(interned(body), `${carry} ${xs} ${reverse} ${steps}`, () => block(attrs, steps));
    const start = reverse ? length - done - steps : done;
    const rows = stacks.map((value, i) => rowsOf(value, body.inputs[carry + i], start));
    const made = run(stages, [...state, ...rows, ...constants], context);
    holder.hold(made);
    holder.drop(state);
    state = made.slice(0, carry);
    results.forEach((list, k) => {
      const piece = made[carry + k];
      if (list === null) holder.drop([piece]);
      else list.push(piece, steps, holder);
    });
    done += steps;
  }
  const stacked = results.map((list) => list?.finish(holder));
  const absent = (k: number): Value => emptyRows(body.outputs[carry + k], context);
  return [...holder.give(state), ...stacked.map((value, k) => value ?? absent(k))];
}

/** The rows of a stacked array from `start` on. The offset is an argument of the plan, so all blocks have one. */
function rowsOf({ storage, layout }: Value, { shape }: ShapeDtype, start: number): Value {
  const strides = layout?.strides ?? [sizeOf(shape), ...contiguousStrides(shape)];
  return { storage, layout: { offset: (layout?.offset ?? 0) + start * strides[0], strides }, own: false };
}

function emptyRows({ shape, dtype }: ShapeDtype, { evaluate }: Context): Value {
  const node = zeros([0, ...shape], dtype);
  evaluate([node]);
  return { ...valueOf(node), own: true };
}

/** So many pieces are joined at once. */
const fanIn = 64;

interface Piece {
  readonly value: Value;
  readonly rows: number;
}

/** Rows of results as they come, joined to larger and larger pieces. */
class Rows {
  private readonly levels: Piece[][] = [];

  constructor(
    private readonly aval: ShapeDtype,
    private readonly reverse: boolean,
    private readonly context: Context,
  ) {}

  /** Takes a piece that `holder` holds. */
  push(value: Value, rows: number, holder: Holder): void {
    this.add(0, { value, rows }, holder);
  }

  private add(level: number, piece: Piece, holder: Holder): void {
    const list = (this.levels[level] ??= []);
    list.push(piece);
    if (list.length < fanIn) return;
    this.levels[level] = [];
    this.add(level + 1, this.join(list, holder), holder);
  }

  /** All rows; undefined if there are none. */
  finish(holder: Holder): Value | undefined {
    const pieces = [...this.levels].reverse().flatMap((list) => list ?? []);
    if (pieces.length === 0) return undefined;
    const [{ value }] = pieces.length === 1 ? pieces : [this.join(pieces, holder)];
    return holder.give([value])[0];
  }

  private join(pieces: readonly Piece[], holder: Holder): Piece {
    const { shape, dtype } = this.aval;
    const nodes = pieces.map(({ value, rows }) => data(value.storage, value.layout, [rows, ...shape], dtype));
    const whole = joined(this.reverse ? nodes.reverse() : nodes);
    this.context.evaluate([whole]);
    const value: Value = { ...valueOf(whole), own: true };
    holder.hold([value]);
    holder.drop(pieces.map((piece) => piece.value));
    return { value, rows: whole.shape[0] };
  }
}
