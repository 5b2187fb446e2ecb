/**
 * Elementwise groups that read a matrix product become the end of the product's step, its epilogue: they take each number as it is made, and
 * the product lies in memory only if somebody else reads it.
 */

import { dtypes } from '../dtype';
import type { Shape } from '../graph/node';
import type { DeviceLimits } from '../runtime/addon';
import { contiguousStrides, sizeOf } from '../shape';
import { type Item, leafItem, matmulItem, type Ref } from './items';
import { bufferOf } from './memory';
import { needsOf } from './order';
import { productAxes } from './products';
import { type Access, type KernelCode, type KernelGroup, Step } from './steps';

/** The steps with what was fused; steps in any order, each with what it reads and, for kernels, its group. */
export function fuseEpilogues(steps: readonly Step[], limits: readonly DeviceLimits[]): Step[] {
  if (!steps.some(({ items }) => items[0].kind === matmulItem)) return steps.slice();
  const readers = readersOf(steps);
  const gone = new Set<Step>();
  const fused = steps.map((step) => {
    const [product] = step.items;
    if (product.kind !== matmulItem || product.host !== null) return step;
    for (const reader of readers.get(product) ?? []) {
      if (reader.group === null || gone.has(reader)) continue;
      const alone = readers.get(product)?.length === 1 && (product.buffer === null || bufferOf(product).output < 0);
      const joined = join(step, reader, alone, limits[step.device]);
      if (joined === null) continue;
      gone.add(step).add(reader);
      product.stored = !alone;
      for (const item of joined.items) item.step = joined;
      return joined;
    }
    return step;
  });
  return fused.filter((step) => !gone.has(step));
}

/** The steps that read each product. */
function readersOf(steps: readonly Step[]): Map<Item, Step[]> {
  const readers = new Map<Item, Step[]>();
  for (const step of steps) {
    for (const { item } of step.reads) {
      if (item.kind !== matmulItem) continue;
      const list = readers.get(item);
      if (list === undefined) readers.set(item, [step]);
      else if (!list.includes(step)) list.push(step);
    }
  }
  return readers;
}

/** One step for both, or null where that is not possible or does not pay. `alone`: nobody else reads the product. */
function join(step: Step, reader: Step, alone: boolean, limits: DeviceLimits): Step | null {
  const [product] = step.items;
  const group = reader.group as KernelGroup;
  if (reader.device !== step.device || group.axes !== null) return null;
  const epilogue = alongProduct(group, product, alone);
  if (epilogue === null) return null;
  const operands = epilogue.loads.length + epilogue.stores.length + 2;
  if (operands > limits.maxOperands) return null;
  if (!keepsBatch(product, epilogue, limits.minEpilogue)) return null;
  const dying = step.reads.some(diesHere);
  let bytes = 0;
  for (const { access } of epilogue.stores) bytes += bytesOf(product.shape, access.dtype);
  // The operands of the product and the results of the group exist at once now.
  if (dying && bytes > bytesOf(product.shape, product.dtype)) return null;
  if (leadsTo(step, reader)) return null;
  // Operands that nobody needs afterwards go early.
  const joined = new Step([product, ...reader.items], dying ? step.id : reader.id);
  joined.epilogue = epilogue;
  joined.reads.push(...step.reads, ...reader.reads.filter(({ item }) => item !== product));
  joined.after.push(...step.after, ...reader.after.filter((item) => item !== product));
  return joined;
}

function bytesOf(shape: Shape, dtype: number): number {
  return sizeOf(shape) * dtypes[dtype].size;
}

/** Memory that is free once this was read. */
function diesHere({ item }: Ref): boolean {
  return item.kind !== leafItem && item.uses === 1 && bufferOf(item).output < 0;
}

/** The group over the axes of the product, or null if its loop or its operands are not made for that. */
function alongProduct(group: KernelGroup, product: Item, alone: boolean): KernelCode | null {
  const { shape } = product;
  const along = (access: Access): Access | null => {
    const strides = stridesAlong(shape, group.loop, access.strides);
    return strides === null ? null : { ...access, strides };
  };
  const loads: Access[] = [];
  let number = -1;
  for (const load of group.loads) {
    const moved = along(load);
    if (moved === null) return null;
    if (load.item === product) {
      if (number >= 0 || !isWhole(moved, shape)) return null;
      number = loads.length;
    }
    loads.push(moved);
  }
  if (number < 0) return null;
  const stores: { value: number; access: Access }[] = [];
  for (const { value, access } of group.stores) {
    const moved = along(access);
    if (moved === null) return null;
    stores.push({ value, access: moved });
  }
  if (!alone) stores.push({ value: number, access: loads[number] });
  return { shape, outer: shape.length, reduced: 0, inner: 0, loads, code: group.code, stores, reductions: [] };
}

/** Every element, in the order in which products are written. */
function isWhole({ strides, offset, terms }: Access, shape: Shape): boolean {
  const whole = contiguousStrides(shape);
  return offset === 0 && terms === null && strides.every((stride, axis) => shape[axis] === 1 || stride === whole[axis]);
}

/** Strides over `shape` of what has `strides` over `loop`, both walked in row-major order; null if it has none. */
function stridesAlong(shape: Shape, loop: Shape, strides: readonly number[]): number[] | null {
  if (sizeOf(shape) !== sizeOf(loop)) return null;
  const steps = contiguousStrides(loop);
  const result: number[] = [];
  for (const [axis, step] of contiguousStrides(shape).entries()) {
    let found = 0;
    if (shape[axis] > 1) {
      // The axis of the loop that moves with single steps, then those outside of it up to the axis' end.
      const first = loop.findIndex((size, i) => size > 1 && steps[i] <= step && step < steps[i] * size);
      if (step % steps[first] !== 0) return null;
      found = strides[first] * (step / steps[first]);
      for (let i = first - 1; i >= 0; i--) {
        if (loop[i] === 1 || steps[i] >= step * shape[axis]) continue;
        if (steps[i] % step !== 0 || strides[i] !== found * (steps[i] / step)) return null;
      }
    }
    result.push(found);
  }
  return result;
}

/** The strides of a and b, and of what an epilogue reads and writes beside the product. */
export function stridesOf(product: Item, epilogue: KernelCode): (readonly number[])[] {
  const others = [...epilogue.loads.filter(({ item }) => item !== product), ...epilogue.stores.map(({ access }) => access)];
  return [...product.operands.map((ref) => ref.allStrides), ...others.map(({ strides }) => strides)];
}

/** True if the batch is folded as far as without the epilogue, and its products are not too small. */
function keepsBatch(product: Item, epilogue: KernelCode, least: number): boolean {
  const { shape, operands } = product;
  const bare = productAxes(shape, [...operands.map((ref) => ref.allStrides), contiguousStrides(shape)]);
  const { sizes, m } = productAxes(shape, stridesOf(product, epilogue));
  if (sizes.length !== bare.sizes.length || m !== bare.m) return false;
  return sizes.length === 0 || m * shape[shape.length - 1] >= least;
}

/** True if something on the way from `from` to `to` is neither of them. */
function leadsTo(from: Step, to: Step): boolean {
  const { level } = from.items[0];
  const seen = new Set<Step>([from, to]);
  const stack = [to];
  for (let step = stack.pop(); step !== undefined; step = stack.pop()) {
    for (const need of needsOf(step)) {
      if (need === from && step !== to) return true;
      // What depends on a step has a higher level.
      if (seen.has(need) || need.level <= level) continue;
      seen.add(need);
      stack.push(need);
    }
  }
  return false;
}
