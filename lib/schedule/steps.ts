/** Steps of a plan: fused kernels and single operations, with what must come before them. */

import type { Item, Ref, Terms } from './items';

/** Memory that a step reads or writes. */
export interface Access {
  /** The item whose buffer it is; null for the element's own position. */
  readonly item: Item | null;
  readonly dtype: number;
  readonly strides: readonly number[];
  readonly offset: number;
  readonly terms: Terms | null;
}

/** Words of an instruction: op | dtype << 8 | to << 16, then operands a, b, c; -1 is none. Values are numbered as programs number them. */
export const instructionWords = 4;

/** A kernel ready to be written: its loop, and its accesses with a stride for each axis of the loop. */
export interface KernelCode {
  readonly shape: readonly number[];
  readonly outer: number;
  readonly reduced: number;
  readonly inner: number;
  readonly loads: readonly Access[];
  /** Four words an instruction, as in programs. */
  readonly code: Int32Array;
  readonly stores: readonly { readonly value: number; readonly access: Access }[];
  readonly reductions: readonly { readonly op: number; readonly value: number; readonly access: Access }[];
}

/** A kernel before its loop is arranged: accesses have a stride for each axis of `loop`. */
export interface KernelGroup extends Pick<KernelCode, 'loads' | 'code' | 'stores' | 'reductions'> {
  readonly loop: readonly number[];
  /** Reduced axes; null where nothing is reduced. */
  readonly axes: readonly number[] | null;
}

export class Step {
  /** What runs it. */
  readonly device: number;
  /** The highest of its items. */
  readonly level: number;
  kernel: KernelCode | null = null;
  group: KernelGroup | null = null;
  /** What a matrix product's numbers go through; a load of the product itself stands for them. */
  epilogue: KernelCode | null = null;
  /** What it reads from memory, and what must be done before it for other reasons. */
  readonly reads: Ref[] = [];
  readonly after: Item[] = [];
  position = -1;
  /** Of the walk that orders steps. */
  visited = false;

  constructor(
    readonly items: readonly Item[],
    /** Where it stands in the user's program. */
    readonly id = items.reduce((last, item) => Math.max(last, item.id), 0),
  ) {
    this.device = items[0].device;
    this.level = items.reduce((highest, { level }) => Math.max(highest, level), 0);
  }
}
