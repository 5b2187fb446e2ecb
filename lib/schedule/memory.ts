/** Memory of a plan: outputs have buffers of their own; everything else lies in one arena, or in outputs that are not written yet, where lifetimes that do not meet share bytes. */

import { dtypes } from '../dtype';
import { sizeOf } from '../shape';
import type { Item } from './items';
import { type Access, instructionWords, type KernelCode, type Step } from './steps';

/** The memory of one item, or of several that reuse it one after the other. */
export class Buffer {
  /** Number of the output; -1 for a temporary. */
  output = -1;
  /** Slot in the program. */
  slot = -1;
  /** First and last step that touches it. */
  first = -1;
  last = -1;
  /** Where a temporary lies: in the memory of an output that is written later, or in the arena. */
  host: Buffer | null = null;
  offset = 0;
  /** The temporary whose bytes this one takes over in place. */
  replaces: Buffer | null = null;

  constructor(readonly byteLength: number) {}
}

/** The buffer that an item is written to. */
export function bufferOf(item: Item): Buffer {
  const { home } = item;
  home.buffer ??= new Buffer(sizeOf(home.shape) * dtypes[home.dtype].size);
  return home.buffer;
}

export interface MemoryPlan {
  readonly temporaries: readonly Buffer[];
  readonly arenaBytes: number;
}

const alignment = 64;

/** Lifetimes from the order of the steps, then places in the arena: parts of `maxBlockBytes`, where it is larger than that. */
export function planMemory(steps: readonly Step[], maxBlockBytes = Infinity): MemoryPlan {
  const temporaries: Buffer[] = [];
  const outputs: Output[] = [];
  const touch = (buffer: Buffer, position: number): void => {
    if (buffer.first < 0) {
      buffer.first = position;
      if (buffer.output < 0) temporaries.push(buffer);
      else outputs.push({ buffer, guests: [] });
    }
    buffer.last = position;
  };
  steps.forEach((step, position) => {
    for (const ref of step.reads) if (ref.item.computed) touch(bufferOf(ref.item), position);
    for (const item of step.items) if (item.stored) touch(bufferOf(item), position);
  });
  steps.forEach((step, position) => {
    if (step.kernel !== null) reuseInPlace(step.kernel, position, []);
    // What a product reads is read again for each of its numbers.
    if (step.epilogue !== null)
      reuseInPlace(
        step.epilogue,
        position,
        step.items[0].operands.map((ref) => bufferOf(ref.item)),
      );
  });

  const blocks = toBlocks(temporaries);
  const own = blocks.filter((block) => !hosted(block, outputs));
  let arenaBytes = place(own);
  if (arenaBytes > maxBlockBytes) arenaBytes = placeInParts(own, maxBlockBytes);
  for (const { buffers, host, offset } of blocks) {
    for (const buffer of buffers) {
      buffer.host = host;
      buffer.offset = offset;
    }
  }
  return { temporaries, arenaBytes };
}

/**
 * An elementwise result takes the place of an operand that dies with it, if both are walked alike: every element is visited once. What is in `kept`
 * is needed for longer.
 */
function reuseInPlace(kernel: KernelCode, position: number, kept: readonly Buffer[]): void {
  const taken = new Set<Buffer>(kept);
  const produced = (value: number): number => value - kernel.loads.length;
  for (const { value, access } of kernel.stores) {
    const target = bufferOf(access.item as Item);
    if (target.output >= 0 || target.first !== position || target.replaces !== null || produced(value) < 0) continue;
    for (let i = 0; i < kernel.loads.length; i++) {
      const load = kernel.loads[i];
      if (load.item === null || !load.item.computed) continue;
      const source = bufferOf(load.item);
      if (
        source.output >= 0 ||
        source.last !== position ||
        source.byteLength !== target.byteLength ||
        taken.has(source) ||
        source === target
      )
        continue;
      if (!walkedAlike(load, access) || !onlyRead(kernel, i, produced(value))) continue;
      taken.add(source);
      target.replaces = source;
      break;
    }
  }
}

function walkedAlike(a: Access, b: Access): boolean {
  return (
    dtypes[a.dtype].size === dtypes[b.dtype].size &&
    a.offset === b.offset &&
    a.terms === null &&
    b.terms === null &&
    a.strides.every((stride, axis) => stride === b.strides[axis])
  );
}

/** True if load `i` is the only one of its buffer, and nothing after instruction `last` reads it: no store and no reduction either. */
function onlyRead(kernel: KernelCode, i: number, last: number): boolean {
  const { item } = kernel.loads[i];
  if (kernel.loads.some((other, k) => k !== i && other.item !== null && other.item.home === (item as Item).home)) return false;
  const { code } = kernel;
  for (let at = (last + 1) * instructionWords; at < code.length; at += instructionWords) {
    if (code[at + 1] === i || code[at + 2] === i || code[at + 3] === i) return false;
  }
  return kernel.stores.every((store) => store.value !== i) && kernel.reductions.every((reduction) => reduction.value !== i);
}

/** Bytes that are needed from `first` to `last`, by one temporary after another. */
interface Block {
  readonly buffers: Buffer[];
  readonly byteLength: number;
  first: number;
  last: number;
  host: Buffer | null;
  offset: number;
}

/** The memory of an output, and the blocks that lie there before it is written. */
interface Output {
  readonly buffer: Buffer;
  readonly guests: Block[];
}

/** Smaller blocks are not worth the search. */
const leastGuest = 1 << 16;

/** Puts a block into an output that is written after its last use, if one has room; says whether it did. */
function hosted(block: Block, outputs: readonly Output[]): boolean {
  if (block.byteLength < leastGuest) return false;
  const needed = Math.max(...block.buffers.map(({ byteLength }) => byteLength));
  for (const { buffer, guests } of outputs) {
    if (buffer.first <= block.last || buffer.byteLength < needed) continue;
    // Guests are in order of their offsets: the first gap that is free over the block's lifetime.
    let offset = 0;
    for (const guest of guests) {
      if (guest.last < block.first || guest.first > block.last) continue;
      if (guest.offset - offset >= block.byteLength) break;
      offset = Math.max(offset, guest.offset + guest.byteLength);
    }
    if (offset + needed > buffer.byteLength) continue;
    block.host = buffer;
    block.offset = offset;
    guests.push(block);
    guests.sort((a, b) => a.offset - b.offset);
    return true;
  }
  return false;
}

function toBlocks(temporaries: readonly Buffer[]): Block[] {
  const blocks: Block[] = [];
  const blockOf = new Map<Buffer, Block>();
  for (const buffer of temporaries) {
    const block = buffer.replaces === null ? undefined : blockOf.get(buffer.replaces);
    if (block !== undefined) {
      block.buffers.push(buffer);
      block.last = Math.max(block.last, buffer.last);
      blockOf.set(buffer, block);
      continue;
    }
    const byteLength = Math.ceil(buffer.byteLength / alignment) * alignment;
    const made: Block = { buffers: [buffer], byteLength, first: buffer.first, last: buffer.last, host: null, offset: 0 };
    blocks.push(made);
    blockOf.set(buffer, made);
  }
  return blocks;
}

/** Up to this many blocks the quadratic placements are tried, this many times after the first. */
const maxSearched = 1500;
const maxTries = 80;
/** A placement this close to what is alive at once is good enough. */
const slack = 1.02;

/** Gives every block its offset; returns the arena's size. Several orders are tried, the best is kept. */
function place(blocks: readonly Block[]): number {
  let best = placeInTime(blocks);
  const enough = largestSum(blocks) * slack;
  if (best <= enough || blocks.length > maxSearched) return best;
  let offsets = blocks.map((block) => block.offset);
  const attempt = (order: Block[]): number => {
    const size = placeInOrder(order);
    if (size < best) {
      best = size;
      offsets = blocks.map((block) => block.offset);
    }
    return size;
  };
  const lifetime = (block: Block): number => block.last - block.first + 1;
  const orders: ((a: Block, b: Block) => number)[] = [
    (a, b) => b.byteLength - a.byteLength || a.first - b.first,
    (a, b) => b.byteLength * lifetime(b) - a.byteLength * lifetime(a),
    (a, b) => lifetime(b) - lifetime(a) || b.byteLength - a.byteLength,
  ];
  const work = blocks.length * blocks.length;
  for (const order of orders) {
    const sorted = blocks.slice().sort(order);
    // The block that ended up on top goes earlier the next time.
    for (let tries = Math.min(maxTries, 1 + Math.floor(500_000 / work)); tries > 0 && best > enough; tries--) {
      const size = attempt(sorted);
      const top = sorted.findIndex((block) => block.offset + block.byteLength === size);
      if (top <= 0) break;
      sorted.splice(top >> 1, 0, ...sorted.splice(top, 1));
    }
    if (best <= enough) break;
  }
  blocks.forEach((block, i) => {
    block.offset = offsets[i];
  });
  return best;
}

/** The least that any placement needs: the largest sum of blocks alive at one step. */
function largestSum(blocks: readonly Block[]): number {
  const changes: [number, number][] = [];
  for (const { first, last, byteLength } of blocks) changes.push([first, byteLength], [last + 1, -byteLength]);
  changes.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let sum = 0;
  let largest = 0;
  for (const [, change] of changes) {
    sum += change;
    largest = Math.max(largest, sum);
  }
  return largest;
}

/** Each block at the tightest offset that is free over its lifetime among the blocks before it. */
function placeInOrder(order: readonly Block[]): number {
  const placed: Block[] = [];
  let size = 0;
  for (const block of order) {
    insert(placed, block, freeOffset(placed, block));
    size = Math.max(size, block.offset + block.byteLength);
  }
  return size;
}

/** Large blocks first, each in the first part that has room: no block lies across two parts, unless it is larger than a part. */
function placeInParts(blocks: readonly Block[], partBytes: number): number {
  const parts: Block[][] = [];
  let size = 0;
  for (const block of blocks.slice().sort((a, b) => b.byteLength - a.byteLength)) {
    let part = 0;
    let offset = 0;
    for (; part < parts.length; part++) {
      offset = freeOffset(parts[part], block);
      if (offset + block.byteLength <= partBytes) break;
    }
    if (part === parts.length) {
      parts.push([]);
      offset = 0;
    }
    insert(parts[part], block, offset);
    size = Math.max(size, part * partBytes + offset + block.byteLength);
  }
  parts.forEach((placed, part) => {
    for (const block of placed) block.offset += part * partBytes;
  });
  return size;
}

/** The smallest gap among `placed`, which are sorted by offset, that is free over the block's lifetime; else behind them. */
function freeOffset(placed: readonly Block[], block: Block): number {
  let offset = 0;
  let bestGap = Infinity;
  let chosen = -1;
  for (const other of placed) {
    if (other.last < block.first || other.first > block.last) continue;
    const gap = other.offset - offset;
    if (gap >= block.byteLength && gap < bestGap) {
      bestGap = gap;
      chosen = offset;
    }
    offset = Math.max(offset, other.offset + other.byteLength);
  }
  return chosen < 0 ? offset : chosen;
}

function insert(placed: Block[], block: Block, offset: number): void {
  block.offset = offset;
  let low = 0;
  let high = placed.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (placed[middle].offset <= offset) low = middle + 1;
    else high = middle;
  }
  placed.splice(low, 0, block);
}

/** Best fit in the order in which blocks are born: any number of blocks. */
function placeInTime(blocks: readonly Block[]): number {
  const births = blocks.slice().sort((a, b) => a.first - b.first);
  const deaths = blocks.slice().sort((a, b) => a.last - b.last);
  /** Free ranges by offset: [offset, length]. */
  const free: [number, number][] = [];
  let size = 0;
  let died = 0;
  for (const block of births) {
    while (died < deaths.length && deaths[died].last < block.first) release(free, deaths[died++]);
    if (block.byteLength === 0) continue;
    let best = -1;
    for (let i = 0; i < free.length; i++) {
      if (free[i][1] >= block.byteLength && (best < 0 || free[i][1] < free[best][1])) best = i;
    }
    if (best >= 0) {
      const range = free[best];
      block.offset = range[0];
      range[0] += block.byteLength;
      range[1] -= block.byteLength;
      if (range[1] === 0) free.splice(best, 1);
      continue;
    }
    // The range at the end grows.
    const end = free.length > 0 ? free[free.length - 1] : undefined;
    if (end !== undefined && end[0] + end[1] === size) {
      block.offset = end[0];
      free.pop();
    } else block.offset = size;
    size = block.offset + block.byteLength;
  }
  return size;
}

function release(free: [number, number][], block: Block): void {
  if (block.byteLength === 0) return;
  let at = 0;
  while (at < free.length && free[at][0] < block.offset) at++;
  free.splice(at, 0, [block.offset, block.byteLength]);
  if (at + 1 < free.length && free[at][0] + free[at][1] === free[at + 1][0]) {
    free[at][1] += free[at + 1][1];
    free.splice(at + 1, 1);
  }
  if (at > 0 && free[at - 1][0] + free[at - 1][1] === free[at][0]) {
    free[at - 1][1] += free[at][1];
    free.splice(at, 1);
  }
}
