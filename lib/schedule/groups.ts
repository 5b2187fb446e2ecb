/**
 * Which items one kernel computes. Every item gets a level such that an edge that leaves a group raises it: items of one
 * level can then be put together freely, no path between two of them leaves the group.
 */

import { dtypes } from '../dtype';
import type { DeviceLimits } from '../runtime/addon';
import { sameShape, sizeOf } from '../shape';
import { arangeItem, elementwiseItem, fullItem, type Item, isDirect, leafItem, type Ref, reduceItem, scatterItem } from './items';
import { elementwiseOps } from './opcodes';

/** Instructions that cost about as much as one: the others count as `heavy`. */
const light = new Set([
  ...['cast', 'negative', 'abs', 'sign', 'sqrt', 'square', 'floor', 'ceil', 'round', 'trunc', 'invert', 'real', 'imag', 'conjugate'],
  ...['add', 'subtract', 'multiply', 'maximum', 'minimum', 'and', 'or', 'xor', 'leftShift', 'rightShift'],
  ...['equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual', 'select', 'multiplyAdd'],
]);
const heavy = 6;
const costs = elementwiseOps.map((op) => (light.has(op) ? 1 : heavy));

/** An item is computed again by each reader only if that takes at most this many instructions (heavy ones count more). */
const maxRepeatedCost = 4;
/** With a single reader nothing is repeated: this bounds what one reader may pull into its kernel. */
const maxInlineCost = 24;
const maxInlineLoads = 3;

/** Marks what the outputs need, counts uses, and notes whose elements must exist in memory. Outputs are marked already. */
export function markLive(items: readonly Item[]): void {
  for (let i = items.length - 1; i >= 0; i--) {
    const item = items[i];
    if (!item.live) continue;
    const fuses = item.kind === elementwiseItem || item.kind === reduceItem;
    for (const ref of item.operands) {
      const source = ref.item;
      source.live = true;
      source.uses++;
      if (!fuses || !isDirect(ref, item.device)) source.buffered = true;
    }
    for (const part of item.parts) {
      part.live = true;
      part.buffered = true;
    }
  }
}

/** Assigns levels and joins groups; `limits`, by device, bound groups that are joined only because they read the same array. */
export function formGroups(items: readonly Item[], limits: readonly DeviceLimits[]): void {
  for (const item of items) {
    if (!item.live || item.kind === leafItem || item.kind === fullItem || item.kind === arangeItem) continue;
    const fuses = item.kind === elementwiseItem || item.kind === reduceItem;
    let level = 0;
    for (const ref of item.operands) level = Math.max(level, levelBelow(ref, fuses, item.device));
    for (let i = 0; i < item.parts.length; i++) {
      level = Math.max(level, item.parts[i].level + (item.kind === scatterItem ? 1 : 0));
    }
    const { host } = item;
    if (host?.baseFirst === true && host.parts[0] !== item) level = Math.max(level, host.parts[0].level + 1);
    item.level = level;
    if (!fuses) continue;
    if (item.kind === elementwiseItem && !item.buffered && decideInline(item)) {
      item.inline = true;
      continue;
    }
    if (item.kind === reduceItem) item.reduces = item.axes;
    joinProducers(item);
    joinSiblings(item, limits[item.device].maxInstructions);
  }
}

/** The lowest level at which a reader on `device` can read `ref`: that of its item if the reader may fuse with it. */
function levelBelow(ref: Ref, fuses: boolean, device: number): number {
  const source = ref.item;
  let level = 0;
  if (source.computed) level = fuses && !isDirect(ref, device) ? source.level + 1 : fuses ? source.level : source.level + 1;
  if (ref.after !== null) for (const item of ref.after) if (item.live) level = Math.max(level, item.level + 1);
  return level;
}

/** Whether `item` costs less when each reader computes it from what is in memory anyway. Sets its cost. */
function decideInline(item: Item): boolean {
  let cost = item.op < 0 ? 1 : costs[item.op];
  let loads = 0;
  let temporaries = 0;
  const size = sizeOf(item.loop);
  for (const ref of item.operands) {
    const source = ref.item;
    cost += ref.casts?.length ?? 0;
    if (source.kind === fullItem) cost++;
    else if (source.kind === arangeItem) cost += 2;
    else if (isDirect(ref, item.device)) {
      if (!source.inline) return false;
      cost += source.inlineCost;
      loads += source.inlineLoads & 15;
      temporaries += source.inlineLoads >> 4;
    } else {
      loads++;
      // A large value of another step is read instead of this one: that must not hold more memory for longer.
      if (source.kind !== leafItem && sizeOf(source.shape) * 8 > size) {
        temporaries++;
        if (dtypes[source.dtype].size > dtypes[item.dtype].size) return false;
      }
    }
  }
  if (loads > maxInlineLoads || temporaries > 1 || cost > maxInlineCost) return false;
  if (item.uses > 1 && (cost > maxRepeatedCost || loads > (item.uses === 2 ? 2 : 1))) return false;
  item.inlineCost = cost;
  item.inlineLoads = loads | (temporaries << 4);
  return true;
}

export function groupOf(item: Item): Item {
  let root = item;
  while (root.parent !== root) root = root.parent;
  while (item.parent !== root) {
    const next = item.parent;
    item.parent = root;
    item = next;
  }
  return root;
}

function sameAxes(a: readonly number[] | null, b: readonly number[] | null): boolean {
  return a === null || b === null || sameShape(a, b);
}

/** Joins `item` with the producers of its level, or lifts it above all of them if they cannot be one group. */
function joinProducers(item: Item): void {
  let axes = item.reduces;
  for (const ref of item.operands) {
    if (!isDirect(ref, item.device) || ref.item.inline || ref.item.level !== item.level) continue;
    const { reduces } = groupOf(ref.item);
    if (!sameAxes(axes, reduces)) {
      item.level++;
      return;
    }
    axes ??= reduces;
  }
  for (const ref of item.operands) {
    if (isDirect(ref, item.device) && !ref.item.inline && ref.item.level === item.level) join(groupOf(ref.item), groupOf(item));
  }
}

function join(a: Item, b: Item): void {
  if (a === b) return;
  const [root, child] = a.members >= b.members ? [a, b] : [b, a];
  child.parent = root;
  root.members += child.members;
  root.reduces ??= child.reduces;
}

/** Joins `item` with a group of its level and loop that reads the same large array in the same way. */
function joinSiblings(item: Item, maxMembers: number): void {
  const size = sizeOf(item.loop);
  for (const ref of item.operands) {
    if (isDirect(ref, item.device)) {
      if (ref.item.inline) joinReaders(item, ref.item.operands, size, maxMembers);
      else if (ref.item.level !== item.level) joinReader(item, ref, maxMembers);
    } else if (ref.item.kind !== fullItem && ref.item.kind !== arangeItem && sizeOf(ref.item.shape) * 2 >= size)
      joinReader(item, ref, maxMembers);
  }
}

/** The same for what the inline values that `item` reads are computed from. */
function joinReaders(item: Item, refs: readonly Ref[], size: number, maxMembers: number): void {
  for (const ref of refs) {
    if (isDirect(ref, item.device)) joinReaders(item, ref.item.operands, size, maxMembers);
    else if (ref.item.kind !== fullItem && ref.item.kind !== arangeItem && sizeOf(ref.item.shape) * 2 >= size)
      joinReader(item, ref, maxMembers);
  }
}

/** Further ways in which one array is read are not looked at. */
const maxReaders = 8;

function joinReader(item: Item, ref: Ref, maxMembers: number): void {
  const source = ref.item;
  source.readers ??= [];
  for (const other of source.readers) {
    if (
      other.reader.level !== item.level ||
      other.reader.device !== item.device ||
      !sameReading(other.ref, ref) ||
      !sameShape(other.reader.loop, item.loop)
    )
      continue;
    const a = groupOf(other.reader);
    const b = groupOf(item);
    if (a === b) return;
    if (sameAxes(a.reduces, b.reduces) && a.members + b.members <= maxMembers) {
      join(a, b);
      return;
    }
  }
  if (source.readers.length < maxReaders) source.readers.push({ reader: item, ref });
}

function sameReading(a: Ref, b: Ref): boolean {
  if (a === b) return true;
  if (a.offset !== b.offset || (a.strides === null) !== (b.strides === null)) return false;
  if ((a.terms === null) !== (b.terms === null) || (a.terms !== null && b.terms !== null && !sameShape(a.terms, b.terms))) return false;
  return a.strides === null || sameShape(a.strides, b.strides as readonly number[]);
}
