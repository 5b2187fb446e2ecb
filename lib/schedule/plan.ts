/** From a walk to a plan: everything that an evaluation of this structure needs, made once. */

import type { Layout, Node } from '../graph/node';
import type { DeviceLimits } from '../runtime/addon';
import { sizeOf } from '../shape';
import { Arguments, type Frame } from './arguments';
import type { Walk } from './collect';
import { encode } from './encode';
import { fuseEpilogues } from './epilogues';
import { formGroups, markLive } from './groups';
import { elementwiseItem, Item, isPlain, leafItem, type Ref, reduceItem, type Terms } from './items';
import { buildKernel } from './kernels';
import { bufferOf, type MemoryPlan, planMemory } from './memory';
import { orderSteps } from './order';
import { cut } from './pieces';
import { resolve } from './resolve';
import type { Step } from './steps';

/** Where the value of a requested node is after a run. */
export interface PlanResult {
  /** Local index of the node. */
  readonly local: number;
  /** Number of the output that holds it, or of the input that it is a view of. */
  readonly output: number;
  readonly input: number;
  /** Null: contiguous from offset 0. */
  readonly strides: readonly number[] | null;
  readonly offset: number;
  readonly terms: Terms | null;
}

/** A structure's program and how to run it. */
export interface Plan {
  readonly words: Int32Array;
  readonly inputs: number;
  readonly frame: Frame;
  readonly outputBytes: readonly number[];
  readonly results: readonly PlanResult[];
}

/** What the program was written from, for people and tests. */
export interface Schedule {
  readonly steps: readonly Step[];
  readonly memory: MemoryPlan;
  readonly args: Arguments;
  readonly outputBytes: readonly number[];
  readonly results: readonly PlanResult[];
}

/** Schedules what a walk found, for devices of these limits. `learned` are further nodes, by local index, that become outputs. */
export function schedule(walk: Walk, limits: readonly DeviceLimits[], learned: readonly number[] = []): Schedule {
  const outputs = [...new Set([...walk.outputs, ...learned])];
  const requested = new Uint8Array(walk.count);
  for (const local of outputs) requested[local] = 1;
  const args = new Arguments(walk.argCount);
  const { items, refs } = resolve(walk, args, requested);

  const outputBytes: number[] = [];
  const results = outputs.map((local) => result(local, refs, walk.nodes[local], items, outputBytes));
  markLive(items);
  formGroups(items, limits);
  const single = cut(items, limits);
  for (const step of single) {
    if (step.items[0].kind <= reduceItem) buildKernel(step);
    else readOperands(step);
  }
  const steps = orderSteps(fuseEpilogues(single, limits));
  return { steps, memory: planMemory(steps, Math.min(...limits.map((device) => device.maxBlockBytes))), args, outputBytes, results };
}

/** A plan for the program of a schedule. */
export function toPlan(walk: Walk, { steps, memory, args, outputBytes, results }: Schedule): Plan {
  const words = encode(steps, walk.leafCount, outputBytes, memory, args);
  return { words, inputs: walk.leafCount, frame: args.frame(), outputBytes, results };
}

/** Marks what must be computed for one requested node, and says where it will be. */
function result(local: number, refs: Ref[], node: Node, items: Item[], outputBytes: number[]): PlanResult {
  const ref = memoryOf(refs[local], node, items);
  const { item, strides, offset, terms } = ref;
  if (item.kind === leafItem) return { local, output: -1, input: item.slot, strides, offset, terms };
  item.live = true;
  item.buffered = true;
  const buffer = bufferOf(item);
  if (buffer.output < 0) {
    buffer.output = outputBytes.length;
    outputBytes.push(buffer.byteLength);
  }
  return { local, output: buffer.output, input: -1, strides, offset, terms };
}

/** The ref itself if its item's buffer may be handed out, else a copy's. */
function memoryOf(ref: Ref, node: Node, items: Item[]): Ref {
  // A small view would keep the whole of a large temporary alive.
  const wasteful = ref.item.computed && bufferOf(ref.item).output < 0 && sizeOf(ref.shape) * 2 < sizeOf(ref.item.shape);
  if (isPlain(ref) && !wasteful) return ref;
  if (ref.plain === null) {
    const copy = new Item(elementwiseItem, ref.shape, ref.shape, ref.dtype, node.id, items.length, node.device);
    copy.operands = [ref];
    items.push(copy);
    ref.plain = copy.self;
  }
  return ref.plain;
}

/** What the items of a step read is the same for all of them. */
function readOperands(step: Step): void {
  for (const ref of step.items[0].operands) {
    step.reads.push(ref);
    if (ref.after !== null) step.after.push(...ref.after);
  }
}

/** The layout that a result has in this run. */
export function layoutOf({ strides, offset, terms }: PlanResult, frame: Frame): Layout | null {
  return strides === null ? null : { strides, offset: frame.total(offset, terms) };
}
