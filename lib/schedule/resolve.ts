/** From nodes to items: views become strides, casts of stored values happen where they are read, what must be in memory is copied there. */

import { dtypes } from '../dtype';
import type { Node, Shape, ShapeDtype } from '../graph/node';
import type { Lowering } from '../primitives/primitive';
import { contiguousStrides, sizeOf } from '../shape';
import type { Arguments } from './arguments';
import type { Walk } from './collect';
import {
  afterOf,
  arangeItem,
  areContiguous,
  assembleItem,
  castOf,
  copyOp,
  elementwiseItem,
  fullItem,
  gatherItem,
  Item,
  isDirect,
  isPlain,
  leafItem,
  matmulItem,
  type Placement,
  Ref,
  type RoutineCall,
  randomBitsItem,
  reduceItem,
  routineItem,
  scatterItem,
  sortItem,
} from './items';
import { elementwiseOps, reduceOps } from './opcodes';
import { broadcastView, reshapeView, sliceView, transposeView } from './views';

export const elementwiseCodes = new Map<string, number>(elementwiseOps.map((op, code) => [op, code]));
const reduceCodes = new Map<string, number>(reduceOps.map((op, code) => [op, code]));
const castCode = elementwiseCodes.get('cast') as number;

/** All items of a plan in an order in which operands come first, and how to read each node. */
export interface Resolved {
  readonly items: Item[];
  /** By local index. */
  readonly refs: Ref[];
}

/** Resolves every node of a walk. `requested[local]` marks outputs. */
export function resolve(walk: Walk, args: Arguments, requested: Uint8Array): Resolved {
  return new Resolver(walk, args, requested).run();
}

class Resolver {
  private readonly items: Item[] = [];
  private readonly refs: Ref[];
  /** How many nodes read each node. */
  private readonly readers: Int32Array;

  constructor(
    private readonly walk: Walk,
    private readonly args: Arguments,
    private readonly requested: Uint8Array,
  ) {
    this.refs = new Array<Ref>(walk.count);
    this.readers = new Int32Array(walk.count);
  }

  run(): Resolved {
    const { walk, refs, readers } = this;
    const { nodes, count, leaves, leafCount } = walk;
    for (let slot = 0; slot < leafCount; slot++) refs[leaves[slot]] = this.leaf(nodes[leaves[slot]], slot);
    for (let local = 0; local < count; local++) {
      if (refs[local] !== undefined) continue;
      for (const input of walk.inputsOf(nodes[local])) readers[input.local]++;
    }
    for (let local = 0; local < count; local++) {
      if (refs[local] === undefined) refs[local] = this.node(nodes[local]);
    }
    return { items: this.items, refs };
  }

  private leaf(node: Node, slot: number): Ref {
    const strides = node.storage === null ? (this.walk.placeholders?.get(node) ?? null) : (node.layout?.strides ?? null);
    const terms = strides === null ? null : [this.walk.argStart[node.local], 1];
    const item = new Item(leafItem, node.shape, node.shape, node.dtype.code, node.id, this.items.length, node.device, strides, terms);
    item.slot = slot;
    this.items.push(item);
    return item.self;
  }

  private item(kind: number, node: Node, loop: Shape, operands: Ref[], strides: readonly number[] | null = null): Item {
    const item = new Item(kind, node.shape, loop, node.dtype.code, node.id, this.items.length, node.device, strides);
    item.operands = operands;
    this.items.push(item);
    return item;
  }

  /** A fusible item that copies what `ref` reads, in row-major order, as an array of `shape`. */
  private copy(ref: Ref, shape: Shape, { id, device }: Node): Item {
    const item = new Item(elementwiseItem, shape, ref.shape, ref.dtype, id, this.items.length, device);
    item.operands = [ref];
    this.items.push(item);
    return item;
  }

  /** The same elements in memory. */
  private plain(ref: Ref, node: Node): Ref {
    if (isPlain(ref)) return ref;
    if (ref.plain === null) {
      const { self } = this.copy(ref, ref.shape, node);
      ref.plain = ref.after === null ? self : afterOf(self, ref.after);
    }
    return ref.plain;
  }

  /** The same elements in memory, in row-major order without gaps. */
  private packed(ref: Ref, node: Node): Ref {
    if (isPlain(ref) && (ref.strides === null || areContiguous(ref.shape, ref.strides))) return ref;
    if (ref.plain === null) {
      const { self } = this.copy(ref, ref.shape, node);
      ref.plain = ref.after === null ? self : afterOf(self, ref.after);
    }
    return ref.plain;
  }

  /** The same value everywhere, known now. */
  private constant(value: number, shape: Shape, node: Node): Ref {
    const item = this.item(fullItem, node, shape, []);
    item.slot = this.args.constant(value, dtypes[item.dtype]);
    return item.self;
  }

  private node(node: Node): Ref {
    const { primitive, attrs, shape } = node;
    const lowering: Lowering<unknown> = primitive.lowering;
    const inputs = this.walk.inputsOf(node);
    const start = this.walk.argStart[node.local];
    switch (lowering.kind) {
      case 'elementwise':
        return this.elementwise(node, elementwiseCodes.get(lowering.op) as number, inputs);
      case 'full': {
        const item = this.item(fullItem, node, shape, []);
        item.slot = start;
        return item.self;
      }
      case 'arange': {
        const strides = new Array<number>(shape.length).fill(0);
        strides[lowering.axis(attrs)] = 1;
        const item = this.item(arangeItem, node, shape, [], strides);
        item.slot = start;
        return item.self;
      }
      case 'alias':
        return this.alias(inputs);
      case 'expand':
        return this.refs[inputs[0].local];
      case 'project': {
        const ref = this.ref(inputs[0]);
        // What it picks from was replaced by the output itself, unless that is one of a routine's.
        return inputs[0] === node.inputs[0] && ref.item.call !== null
          ? ref.item.call.outputs[(attrs as { index: number }).index].self
          : ref;
      }
      case 'reshape': {
        const ref = this.ref(inputs[0]);
        if (ref.item.kind === fullItem) return resized(ref, shape);
        return reshapeView(ref, shape) ?? this.copy(ref, shape, node).self;
      }
      case 'transpose':
        return transposeView(this.ref(inputs[0]), shape, lowering.permutation(attrs));
      case 'broadcast': {
        const ref = this.ref(inputs[0]);
        return ref.item.kind === fullItem ? resized(ref, shape) : broadcastView(ref, shape);
      }
      case 'slice': {
        const ref = this.ref(inputs[0]);
        if (ref.item.kind === fullItem) return resized(ref, shape);
        return sliceView(ref, shape, lowering.sizes(attrs), lowering.steps(attrs), start);
      }
      case 'reduce':
        return this.reduce(node, reduceCodes.get(lowering.op) as number, lowering.axes(attrs), this.ref(inputs[0]));
      case 'matmul': {
        if (inputs[0].shape[inputs[0].shape.length - 1] === 0) return this.constant(0, shape, node);
        const operands = inputs.map((input) => this.plain(this.ref(input), node));
        return this.item(matmulItem, node, shape, operands).self;
      }
      case 'gather': {
        const operands = inputs.map((input) => this.plain(this.ref(input), node));
        const item = this.item(gatherItem, node, shape, operands);
        item.axes = lowering.axes(attrs);
        item.sliceSizes = lowering.sliceSizes(attrs);
        return item.self;
      }
      case 'scatter': {
        const base = this.basePart(inputs[0], node);
        if (sizeOf(inputs[1].shape) === 0) {
          const same = this.item(assembleItem, node, shape, []);
          this.adopt(same, base);
          return same.self;
        }
        const operands = inputs.slice(1).map((input) => this.plain(this.ref(input), node));
        const item = this.item(scatterItem, node, shape, operands);
        item.axes = lowering.axes(attrs);
        item.mode = lowering.mode(attrs);
        this.adopt(item, base);
        return item.self;
      }
      case 'randomBits':
        return this.item(randomBitsItem, node, shape, [this.plain(this.ref(inputs[0]), node)]).self;
      case 'sort': {
        const item = this.item(sortItem, node, shape, [this.plain(this.ref(inputs[0]), node)]);
        item.op = lowering.indices ? 1 : 0;
        return item.self;
      }
      case 'routine':
        return this.routine(node, inputs, lowering);
      case 'assemble':
        return this.assemble(node, inputs, lowering, start);
      case 'compiled':
      case 'control':
      case 'placeholder':
      case 'data':
        throw new Error(`internal error: ${primitive.name} has no step`);
      default:
        return lowering satisfies never;
    }
  }

  private ref(node: Node): Ref {
    return this.refs[node.local];
  }

  private elementwise(node: Node, op: number, inputs: readonly Node[]): Ref {
    if (op === castCode) {
      const ref = this.ref(inputs[0]);
      // A cast of what is in memory is done by whoever reads it, unless that may be on another device.
      if (ref.dtype !== node.dtype.code && !this.walk.mixed && !isDirect(ref, node.device)) return castOf(ref, node.dtype.code);
      const item = this.item(elementwiseItem, node, node.shape, [ref]);
      item.op = ref.dtype === node.dtype.code ? copyOp : op;
      return item.self;
    }
    const operands = new Array<Ref>(inputs.length);
    for (let i = 0; i < inputs.length; i++) operands[i] = this.refs[inputs[i].local];
    const item = this.item(elementwiseItem, node, node.shape, operands);
    item.op = op;
    return item.self;
  }

  private alias(inputs: readonly Node[]): Ref {
    const ref = this.ref(inputs[0]);
    if (inputs.length === 1) return ref;
    const after: Item[] = [];
    for (let i = 1; i < inputs.length; i++) {
      const { item } = this.ref(inputs[i]);
      if (item.computed && !after.includes(item)) after.push(item);
    }
    return after.length === 0 ? ref : afterOf(ref, after);
  }

  private reduce(node: Node, op: number, axes: readonly number[], ref: Ref): Ref {
    if (sizeOf(ref.shape) === 0 && sizeOf(node.shape) > 0) return this.constant(reduceOps[op] === 'prod' ? 1 : 0, node.shape, node);
    const item = this.item(reduceItem, node, ref.shape, [ref]);
    item.op = op;
    item.axes = axes;
    return item.self;
  }

  /** An item an output, which share one step; the first stands for the node. */
  private routine(node: Node, inputs: readonly Node[], lowering: Lowering<unknown> & { kind: 'routine' }): Ref {
    const { primitive, attrs, id, local, device } = node;
    const { argStart, argCount, count } = this.walk;
    const declared: readonly ShapeDtype[] = primitive.several === true ? primitive.infer(inputs, attrs) : [node];
    const results = [...declared, ...(lowering.scratch?.(attrs, node) ?? [])];
    const operands = inputs.map((input) =>
      lowering.contiguous === true ? this.packed(this.ref(input), node) : this.plain(this.ref(input), node),
    );
    // It runs if any output has elements, scratch aside.
    const loop: Shape = declared.every(({ shape }) => sizeOf(shape) === 0) ? [0] : [];
    const outputs = results.map(({ shape, dtype }, i) => new Item(routineItem, shape, loop, dtype.code, id, this.items.length + i, device));
    const firstArg = argStart[local];
    const call: RoutineCall = {
      routine: lowering.routine,
      ints: lowering.ints?.(attrs, node) ?? [],
      firstArg,
      args: (local + 1 < count ? argStart[local + 1] : argCount) - firstArg,
      outputs,
      optional: lowering.optional ?? [],
    };
    for (const output of outputs) {
      output.operands = operands;
      output.call = call;
      this.items.push(output);
    }
    return outputs[0].self;
  }

  private assemble(node: Node, inputs: readonly Node[], lowering: Lowering<unknown> & { kind: 'assemble' }, start: number): Ref {
    const { attrs, shape, id, device } = node;
    const source = lowering.base(attrs);
    let base: Item | null = null;
    if (source === 'zeros') {
      const zeros = new Item(fullItem, shape, shape, node.dtype.code, id, this.items.length, device);
      zeros.slot = this.args.constant(0, node.dtype);
      this.items.push(zeros);
      base = this.copy(zeros.self, shape, node);
    } else if (source !== 'none') base = this.basePart(inputs[source], node);

    const out = contiguousStrides(shape);
    // Where the primitive has arguments, they are the starts of the regions, region by region.
    let argument = node.primitive.args === undefined ? -1 : start;
    const parts: Item[] = [];
    for (const { input, start: starts, step } of lowering.regions(attrs, node)) {
      const ref = this.ref(inputs[input]);
      const placement = argument < 0 ? placed(out, starts, step) : placedAt(out, argument, step);
      if (argument >= 0) argument += shape.length;
      if (sizeOf(ref.shape) === 0) continue;
      const part = this.copy(ref, ref.shape, node);
      part.placement = placement;
      parts.push(part);
    }
    const item = this.item(assembleItem, node, shape, []);
    if (base !== null) this.adopt(item, base);
    for (const part of parts) part.host = item;
    item.parts = [...item.parts, ...parts];
    return item.self;
  }

  private adopt(item: Item, base: Item): void {
    base.host = item;
    item.parts = [base];
    item.baseFirst = true;
  }

  /** What fills an array with `source` before parts of it are overwritten: its own step where nobody else needs it, else a copy. */
  private basePart(source: Node, reader: Node): Item {
    const ref = this.ref(source);
    let node = source;
    while (node.storage === null && this.readers[node.local] === 1 && this.requested[node.local] === 0) {
      if (ref === ref.item.self && node.id === ref.item.id && ref.item.kind > elementwiseItem && ref.item.host === null) return ref.item;
      const inputs = this.walk.inputsOf(node);
      if (inputs.length !== 1 || this.ref(inputs[0]) !== ref) break;
      node = inputs[0];
    }
    return this.copy(ref, ref.shape, reader);
  }
}

function resized(ref: Ref, shape: Shape): Ref {
  return new Ref(ref.item, shape, null, 0, null, ref.casts, ref.after);
}

function placed(out: readonly number[], starts: readonly number[], steps: readonly number[]): Placement {
  let offset = 0;
  for (let axis = 0; axis < out.length; axis++) offset += out[axis] * starts[axis];
  return { strides: out.map((stride, axis) => stride * steps[axis]), offset, terms: null };
}

function placedAt(out: readonly number[], argument: number, steps: readonly number[]): Placement {
  return {
    strides: out.map((stride, axis) => stride * steps[axis]),
    offset: 0,
    terms: out.flatMap((stride, axis) => [argument + axis, stride]),
  };
}
