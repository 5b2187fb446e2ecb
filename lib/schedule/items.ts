/** What the scheduler works on: items are values to compute, refs are ways to read them. */

import type { Shape } from '../graph/node';
import { contiguousStrides, sameShape, sizeOf } from '../shape';
import type { Buffer } from './memory';
import type { RoutineName, ScatterMode } from './opcodes';
import type { Step } from './steps';

/** What an item is. Leaves exist; full and arange are computed wherever they are read; the others are computed by steps. */
export const leafItem = 0;
export const fullItem = 1;
export const arangeItem = 2;
export const elementwiseItem = 3;
export const reduceItem = 4;
export const matmulItem = 5;
export const gatherItem = 6;
export const scatterItem = 7;
export const randomBitsItem = 8;
export const sortItem = 9;
export const assembleItem = 10;
export const routineItem = 11;

/** The op of an elementwise item that only copies. */
export const copyOp = -1;

/** Σ argument · coefficient, as (index of a walk's argument, coefficient) pairs: the part of an offset known at each run. */
export type Terms = readonly number[];

/** A way to read an item: as an array of `shape`, its elements at offset + terms + Σ index · stride of the item's buffer. */
export class Ref {
  /** Stamp and value number of the kernel that computed this last. */
  stamp = 0;
  value = 0;
  /** The contiguous copy made for steps that read memory only. */
  plain: Ref | null = null;

  constructor(
    readonly item: Item,
    readonly shape: Shape,
    /** Null: contiguous, from offset 0, without terms. */
    readonly strides: readonly number[] | null,
    readonly offset: number,
    readonly terms: Terms | null,
    /** Codes of the dtypes that the elements are cast to, one after the other. */
    readonly casts: readonly number[] | null,
    /** Items that must be computed before this is read. */
    readonly after: readonly Item[] | null,
  ) {}

  /** Code of the dtype of what is read. */
  get dtype(): number {
    return this.casts === null ? this.item.dtype : this.casts[this.casts.length - 1];
  }

  get allStrides(): readonly number[] {
    return this.strides ?? contiguousStrides(this.shape);
  }
}

/** Where in its target's buffer an item writes. */
export interface Placement {
  readonly strides: readonly number[];
  readonly offset: number;
  readonly terms: Terms | null;
}

/** What the items that one routine computes share. */
export interface RoutineCall {
  readonly routine: RoutineName;
  readonly ints: readonly number[];
  /** The first of its arguments, and how many there are. */
  readonly firstArg: number;
  readonly args: number;
  /** An item an output, scratch after them. */
  readonly outputs: readonly Item[];
  readonly optional: readonly number[];
}

/** One value of a plan. */
export class Item {
  /** The whole value as it lies in its buffer. */
  readonly self: Ref;
  /** leaf: input slot. full, arange: first argument. */
  slot = -1;
  /** An elementwise or reduce operation's code. */
  op = copyOp;
  operands: readonly Ref[] = noRefs;
  /** Reduced axes, or indexed axes. */
  axes: readonly number[] = noAxes;
  mode: ScatterMode = 'set';
  /** Slice sizes of a gather. */
  sliceSizes: Shape = noAxes;
  /** What computes this item together with others. */
  call: RoutineCall | null = null;
  /** Items that write this item's buffer: the base first if there is one, then regions. */
  parts: readonly Item[] = noItems;
  /** True if the first of `parts` must be done before the others. */
  baseFirst = false;
  /** This item writes into another's buffer, at `placement` if not the whole of it. */
  host: Item | null = null;
  placement: Placement | null = null;

  /** Read by a live item, or an output. */
  live = false;
  uses = 0;
  /** Its elements must exist in memory, whatever is fused. */
  buffered = false;
  /** Computed again wherever it is read. */
  inline = false;
  /** Instructions and loads of an inline item with all that is inline below it. */
  inlineCost = 0;
  inlineLoads = 0;
  level = 0;
  /** Union-find parent among fused items, and at roots the number of items and the axes that the group reduces. */
  parent: Item = this;
  members = 1;
  reduces: readonly number[] | null = null;
  /** One item for each group that reads this one. */
  readers: Reader[] | null = null;
  step: Step | null = null;
  /** Stored in memory by its kernel. */
  stored = false;
  /** Consumers that the piece being cut has not seen. */
  remaining = 0;
  /** Folded into the addition that reads it, in the kernel of this stamp. */
  contracted = 0;
  stamp = 0;
  value = 0;
  buffer: Buffer | null = null;

  constructor(
    readonly kind: number,
    readonly shape: Shape,
    /** Shape of the loop that computes it: that of the operands. */
    readonly loop: Shape,
    /** Dtype code of the value. */
    readonly dtype: number,
    /** Id of the node, and its position in the walk. */
    readonly id: number,
    readonly index: number,
    /** Of whose step it is; means nothing for what has none. */
    readonly device: number,
    strides: readonly number[] | null = null,
    terms: Terms | null = null,
  ) {
    this.self = new Ref(this, shape, strides, 0, terms, null, null);
  }

  /** The item whose buffer this one writes. */
  get home(): Item {
    let item: Item = this;
    while (item.host !== null) item = item.host;
    return item;
  }

  /** Elementwise work that kernels fuse. */
  get fusible(): boolean {
    return this.kind === elementwiseItem;
  }

  /** Computed by a step, or inside one. */
  get computed(): boolean {
    return this.kind >= elementwiseItem;
  }
}

/** A group member that reads an item in a certain way. */
export interface Reader {
  readonly reader: Item;
  readonly ref: Ref;
}

const noRefs: readonly Ref[] = [];
const noItems: readonly Item[] = [];
const noAxes: readonly number[] = [];

/** True if reading `ref` in a loop of `device` over its shape needs no memory: it is a fusible item's own value, element by element. */
export function isDirect(ref: Ref, device: number): boolean {
  return (
    ref.item.kind === elementwiseItem &&
    ref.item.device === device &&
    ref.strides === null &&
    ref.casts === null &&
    ref.after === null &&
    sameShape(ref.shape, ref.item.shape) &&
    sameShape(ref.shape, ref.item.loop)
  );
}

/** True if the step that reads it can take it from memory: no casts, nothing that is only computed. */
export function isPlain(ref: Ref): boolean {
  return ref.casts === null && ref.item.kind !== fullItem && ref.item.kind !== arangeItem;
}

/** The same elements read as `shape` through other strides. */
export function viewOf(ref: Ref, shape: Shape, strides: readonly number[], offset: number, terms: Terms | null): Ref {
  const { item, casts, after } = ref;
  const whole = offset === 0 && terms === null && item.kind !== arangeItem && areContiguous(shape, strides);
  return new Ref(item, shape, whole ? null : strides, offset, terms, casts, after);
}

/** True if these strides walk `shape` in row-major order without gaps. */
export function areContiguous(shape: Shape, strides: readonly number[]): boolean {
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== stride) return sizeOf(shape) === 0;
    stride *= shape[axis];
  }
  return true;
}

/** What is read, cast to another dtype where it is read. */
export function castOf(ref: Ref, dtype: number): Ref {
  return new Ref(ref.item, ref.shape, ref.strides, ref.offset, ref.terms, [...(ref.casts ?? []), dtype], ref.after);
}

/** The same, read only after `items`. */
export function afterOf(ref: Ref, items: readonly Item[]): Ref {
  return new Ref(ref.item, ref.shape, ref.strides, ref.offset, ref.terms, ref.casts, [...(ref.after ?? []), ...items]);
}
