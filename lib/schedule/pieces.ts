/** Cuts groups into kernels that a device accepts. */

import type { DeviceLimits } from '../runtime/addon';
import { groupOf } from './groups';
import { arangeItem, assembleItem, copyOp, fullItem, type Item, isDirect, type RoutineCall, reduceItem, routineItem } from './items';
import { Step } from './steps';

/** Makes the steps of all live items, kernels cut to the limits of their devices among them, and notes what kernels must store. */
export function cut(items: readonly Item[], limits: readonly DeviceLimits[]): Step[] {
  const steps: Step[] = [];
  const groups = new Map<Item, Item[]>();
  for (const item of items) {
    if (!item.live || !item.computed || item.inline || isEmpty(item)) continue;
    if (item.kind === routineItem) {
      if (item.step === null) steps.push(routineStep(item));
      continue;
    }
    if (item.kind > reduceItem) {
      item.stored = true;
      if (item.kind === assembleItem) continue;
      item.step = new Step([item]);
      steps.push(item.step);
      continue;
    }
    const group = groupOf(item);
    const members = groups.get(group);
    if (members === undefined) groups.set(group, [item]);
    else members.push(item);
  }
  const pieces = limits.map((device) => new Pieces(device));
  for (const [group, members] of groups) pieces[group.device].cut(members, steps);
  for (const members of groups.values()) for (const item of members) noteStores(item);
  return steps;
}

/** The step that computes all outputs of a routine but those that may be left out and are not read. */
function routineStep({ call }: Item): Step {
  const { outputs, optional } = call as RoutineCall;
  const step = new Step(outputs);
  outputs.forEach((output, i) => {
    output.step = step;
    output.stored = output.live || !optional.includes(i);
  });
  return step;
}

/** Nothing to compute. */
function isEmpty(item: Item): boolean {
  for (const size of item.loop) if (size === 0) return true;
  return false;
}

/** An item is stored if memory needs it, or a kernel other than its own. */
function noteStores(item: Item): void {
  if (item.buffered || item.kind === reduceItem) item.stored = true;
  for (const ref of item.operands) {
    if (isDirect(ref, item.device) && !ref.item.inline && ref.item.step !== item.step) ref.item.stored = true;
  }
}

let stamps = 0;

/** A number that no kernel and no piece used before. */
export function nextStamp(): number {
  return ++stamps;
}

class Pieces {
  private stamp = 0;
  private instructions = 0;
  private operands = 0;
  private piece: Item[] = [];

  constructor(private readonly limits: DeviceLimits) {}

  cut(members: Item[], steps: Step[]): void {
    const { maxInstructions, maxOperands } = this.limits;
    // Most groups are small: an upper bound says so at once.
    let instructions = 0;
    let operands = 0;
    for (const item of members) {
      instructions += 1 + bound(item);
      operands += 1 + loadBound(item);
    }
    if (instructions <= maxInstructions && operands <= maxOperands) {
      this.finish(members, steps);
      return;
    }
    const ordered = byNeed(members);
    for (const item of ordered) item.remaining = item.uses;
    this.start();
    instructions = 0;
    for (const item of ordered) instructions += this.weigh(item, false);
    const target = Math.ceil(instructions / Math.ceil(instructions / maxInstructions));
    this.start();
    for (const item of ordered) {
      const { instructions: before, operands: held } = this;
      const added = this.weigh(item, true);
      if (this.piece.length > 0 && (before + added > target || this.operands > maxOperands)) {
        // The item starts the next piece; what it consumed is stored by this one and counted there.
        this.operands = held;
        this.finish(this.piece, steps);
        this.start();
        this.weigh(item, true);
      }
      this.piece.push(item);
      item.stamp = this.stamp;
      this.consume(item);
    }
    if (this.piece.length > 0) this.finish(this.piece, steps);
  }

  private start(): void {
    this.stamp = nextStamp();
    this.instructions = 0;
    this.operands = 0;
    this.piece = [];
  }

  private finish(members: Item[], steps: Step[]): void {
    const step = new Step(members);
    for (const item of members) item.step = step;
    steps.push(step);
  }

  /** Adds the loads, the result and the instructions of `item` to the piece; returns the instructions. */
  private weigh(item: Item, whole: boolean): number {
    const added = (item.op === copyOp ? 0 : 1) + this.weighReads(item);
    if (whole) this.operands++;
    this.instructions += added;
    return added;
  }

  private weighReads({ operands, device }: Item): number {
    let instructions = 0;
    for (const ref of operands) {
      const source = ref.item;
      if (isDirect(ref, device)) {
        if (source.stamp === this.stamp) continue;
        if (source.inline) {
          source.stamp = this.stamp;
          instructions += 1 + this.weighReads(source);
          continue;
        }
      }
      if (ref.stamp === this.stamp) continue;
      ref.stamp = this.stamp;
      instructions += ref.casts?.length ?? 0;
      if (source.kind === fullItem) {
        if (source.stamp !== this.stamp) instructions++;
        source.stamp = this.stamp;
      } else {
        this.operands++;
        if (source.kind === arangeItem) instructions++;
      }
    }
    return instructions;
  }

  /** What was read for the last time inside its own piece need not be stored. */
  private consume(item: Item): void {
    for (const ref of item.operands) {
      const source = ref.item;
      if (!isDirect(ref, item.device) || source.inline) continue;
      source.remaining--;
      if (source.remaining === 0 && source.stamp === this.stamp && !source.buffered) this.operands--;
    }
  }
}

/**
 * The members in an order in which what reads a value stands close to it, so that few values cross from one piece to the next: each value is
 * followed by what can be computed once it is there, first by what the fewest others wait for one after the other. (The walk has them output by output.)
 */
function byNeed(members: readonly Item[]): Item[] {
  const readers = new Map<Item, Item[]>(members.map((item) => [item, []]));
  const missing = new Map<Item, number>();
  const waiting: Item[] = [];
  for (const item of members) {
    let count = 0;
    for (const ref of item.operands) {
      const list = isDirect(ref, item.device) ? readers.get(ref.item) : undefined;
      if (list === undefined) continue;
      list.push(item);
      count++;
    }
    missing.set(item, count);
    if (count === 0) waiting.push(item);
  }
  // What is computed next stands last.
  waiting.sort((a, b) => b.id - a.id || b.index - a.index);
  /** How many follow one after the other, at most. */
  const heights = new Map<Item, number>();
  for (let i = members.length - 1; i >= 0; i--) {
    let height = 0;
    for (const reader of readers.get(members[i]) as Item[]) height = Math.max(height, 1 + (heights.get(reader) as number));
    heights.set(members[i], height);
  }
  const heightOf = (item: Item): number => heights.get(item) as number;
  const ordered: Item[] = [];
  for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) {
    ordered.push(item);
    const ready: Item[] = [];
    for (const reader of readers.get(item) as Item[]) {
      const left = (missing.get(reader) as number) - 1;
      missing.set(reader, left);
      if (left === 0) ready.push(reader);
    }
    if (ready.length > 1) ready.sort((a, b) => heightOf(b) - heightOf(a) || b.id - a.id || b.index - a.index);
    waiting.push(...ready);
  }
  return ordered;
}

/** At least as many instructions as the operands of `item` take. */
function bound(item: Item): number {
  let instructions = 0;
  for (const ref of item.operands) {
    instructions += 1 + (ref.casts?.length ?? 0);
    if (ref.item.inline) instructions += bound(ref.item);
  }
  return instructions;
}

/** At least as many loads as `item` takes. */
function loadBound(item: Item): number {
  let loads = 0;
  for (const ref of item.operands) loads += ref.item.inline ? loadBound(ref.item) : 1;
  return loads;
}
