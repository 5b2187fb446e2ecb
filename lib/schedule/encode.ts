/** Writes a plan as the words that devices load: docs/internals.md has the format. */

import { contiguousStrides, sizeOf } from '../shape';
import type { Arguments } from './arguments';
import { writeInteger } from './collect';
import { stridesOf } from './epilogues';
import {
  gatherItem,
  type Item,
  leafItem,
  matmulItem,
  type Ref,
  type RoutineCall,
  randomBitsItem,
  routineItem,
  scatterItem,
  sortItem,
  type Terms,
} from './items';
import { bufferOf, type MemoryPlan } from './memory';
import { routines, scatterModes, stepKinds } from './opcodes';
import { productAxes } from './products';
import { type Access, instructionWords, type KernelCode, type Step } from './steps';

const magic = 0x4452474d;
const version = 4;
/** The slot of the load that stands for the number of a product in its epilogue, which lies nowhere. */
const productSlot = -2;

const kindCodes = Object.fromEntries(stepKinds.map((kind, code) => [kind, code])) as Record<(typeof stepKinds)[number], number>;

/** The program of ordered steps. Gives every buffer its slot. */
export function encode(
  steps: readonly Step[],
  inputs: number,
  outputBytes: readonly number[],
  memory: MemoryPlan,
  args: Arguments,
): Int32Array {
  memory.temporaries.forEach((buffer, i) => {
    buffer.slot = inputs + outputBytes.length + i;
  });
  const words = new Words(args, inputs);
  words.put(magic, version, 0, inputs, outputBytes.length, memory.temporaries.length, 0, steps.length);
  words.wide(memory.arenaBytes);
  for (const bytes of outputBytes) words.wide(bytes);
  for (const buffer of memory.temporaries) {
    words.put(buffer.host?.output ?? -1);
    words.wide(buffer.offset);
    words.wide(buffer.byteLength);
  }
  for (const step of steps) {
    const start = words.length;
    words.put(0, 0);
    const kind = step.kernel === null ? words.single(step) : words.kernel(step.kernel);
    words.set(start, kindCodes[kind] | (step.device << 8));
    words.set(start + 1, words.length - start);
  }
  words.set(2, words.length);
  words.set(6, args.count);
  return words.take();
}

class Words {
  length = 0;
  private words = new Int32Array(256);

  constructor(
    private readonly args: Arguments,
    private readonly inputs: number,
  ) {}

  take(): Int32Array {
    return this.words.slice(0, this.length);
  }

  set(at: number, word: number): void {
    this.words[at] = word;
  }

  put(...values: number[]): void {
    this.reserve(values.length);
    for (let i = 0; i < values.length; i++) this.words[this.length++] = values[i];
  }

  private copy(words: Int32Array): void {
    this.reserve(words.length);
    this.words.set(words, this.length);
    this.length += words.length;
  }

  wide(value: number): void {
    this.reserve(2);
    writeInteger(this.words, this.length, value);
    this.length += 2;
  }

  wides(values: readonly number[]): void {
    for (let i = 0; i < values.length; i++) this.wide(values[i]);
  }

  private reserve(count: number): void {
    if (this.length + count <= this.words.length) return;
    const larger = new Int32Array(2 * (this.words.length + count));
    larger.set(this.words);
    this.words = larger;
  }

  private slot(item: Item | null): number {
    if (item === null) return -1;
    if (item.kind === leafItem) return item.slot;
    const buffer = bufferOf(item);
    return buffer.output >= 0 ? this.inputs + buffer.output : buffer.slot;
  }

  private operand(item: Item | null, dtype: number, strides: readonly number[], offset: number, terms: Terms | null): void {
    this.put(this.slot(item), dtype);
    this.wide(offset);
    this.put(this.args.offset(terms));
    this.wides(strides);
  }

  private access(access: Access): void {
    this.operand(access.item, access.dtype, access.strides, access.offset, access.terms);
  }

  private ref(ref: Ref, strides: readonly number[] = ref.allStrides): void {
    this.operand(ref.item.home, ref.item.dtype, strides, ref.offset, ref.terms);
  }

  /** The whole of an item's own buffer. */
  private result(item: Item, strides: readonly number[] = contiguousStrides(item.shape)): void {
    this.operand(item.home, item.dtype, strides, 0, null);
  }

  kernel(kernel: KernelCode): 'kernel' {
    this.put(kernel.outer, kernel.reduced, kernel.inner);
    this.wides(kernel.shape);
    this.put(kernel.loads.length, kernel.code.length / instructionWords, kernel.stores.length, kernel.reductions.length);
    for (const load of kernel.loads) this.access(load);
    this.copy(kernel.code);
    for (const { value, access } of kernel.stores) {
      this.put(value);
      this.access(access);
    }
    for (const { op, value, access } of kernel.reductions) {
      this.put(op, value);
      this.access(access);
    }
    return 'kernel';
  }

  single(step: Step): (typeof stepKinds)[number] {
    const [item] = step.items;
    switch (item.kind) {
      case matmulItem:
        this.matmul(step);
        return 'matmul';
      case gatherItem: {
        const [source, ...indices] = item.operands;
        const indexShape = indices.length === 0 ? [] : indices[0].shape;
        this.put(indexShape.length, source.shape.length);
        this.wides(indexShape);
        this.wides(source.shape);
        this.wides(item.sliceSizes);
        this.put(indices.length, ...item.axes);
        this.ref(source);
        for (const ref of indices) this.ref(ref);
        this.result(item);
        return 'gather';
      }
      case scatterItem: {
        const [updates, ...indices] = item.operands;
        const indexShape = indices.length === 0 ? [] : indices[0].shape;
        this.put(scatterModes.indexOf(item.mode), indexShape.length, item.shape.length);
        this.wides(indexShape);
        this.wides(item.shape);
        this.wides(updates.shape.slice(indexShape.length));
        this.put(indices.length, ...item.axes);
        this.result(item);
        this.ref(updates);
        for (const ref of indices) this.ref(ref);
        return 'scatter';
      }
      case randomBitsItem: {
        const [keys] = item.operands;
        const keyShape = keys.shape.slice(0, -1);
        const perKey = sizeOf(item.shape.slice(keyShape.length));
        this.put(keyShape.length);
        this.wides(keyShape);
        this.wide(perKey);
        this.ref(keys);
        this.result(item, contiguousStrides([...keyShape, perKey]));
        return 'randomBits';
      }
      case sortItem: {
        const rows = item.shape.slice(0, -1);
        this.put(item.op, rows.length);
        this.wides(rows);
        this.wide(item.shape[item.shape.length - 1]);
        this.ref(item.operands[0]);
        this.result(item);
        return 'sort';
      }
      case routineItem:
        this.routine(item.call as RoutineCall, item.operands);
        return 'routine';
      default:
        throw new Error(`internal error: no step for an item of kind ${item.kind}`);
    }
  }

  private routine({ routine, ints, firstArg, args, outputs }: RoutineCall, inputs: readonly Ref[]): void {
    this.put(routines.indexOf(routine), ints.length);
    this.wides(ints);
    this.put(args);
    for (let i = 0; i < args; i++) this.put(firstArg + i);
    this.put(inputs.length);
    for (const ref of inputs) {
      this.put(ref.shape.length);
      this.wides(ref.shape);
      this.ref(ref);
    }
    this.put(outputs.length);
    for (const output of outputs) {
      this.put(output.shape.length);
      this.wides(output.shape);
      if (output.stored) this.result(output);
      else this.operand(null, output.dtype, contiguousStrides(output.shape), 0, null);
    }
  }

  private matmul({ items: [product], epilogue }: Step): void {
    const [a, b] = product.operands;
    const { shape } = product;
    const rank = shape.length;
    const operands = epilogue === null ? [a.allStrides, b.allStrides, contiguousStrides(shape)] : stridesOf(product, epilogue);
    const { sizes, m, strides } = productAxes(shape, operands);
    this.put(product.dtype, sizes.length);
    this.wides(sizes);
    this.wide(m);
    this.wide(shape[rank - 1]);
    this.wide(a.shape[rank - 1]);
    this.ref(a, strides[0]);
    this.ref(b, strides[1]);
    if (epilogue !== null) {
      this.epilogue(product, epilogue, strides.slice(2));
      return;
    }
    this.put(0, 0, 0);
    this.result(product, strides[2]);
  }

  /** `strides` are those of the loads but the product, then of the stores. */
  private epilogue(product: Item, { loads, code, stores }: KernelCode, strides: readonly (readonly number[])[]): void {
    let next = 0;
    this.put(loads.length, code.length / instructionWords, stores.length);
    for (const load of loads) {
      if (load.item !== product) this.access({ ...load, strides: strides[next++] });
      else {
        this.put(productSlot, product.dtype);
        this.wide(0);
        this.put(-1);
        this.wides(strides[strides.length - 1]);
      }
    }
    this.copy(code);
    for (const { value, access } of stores) {
      this.put(value);
      this.access({ ...access, strides: strides[next++] });
    }
  }
}
