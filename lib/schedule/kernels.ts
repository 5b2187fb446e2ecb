/** From a piece of a group to the instructions, loads, stores and reductions of one kernel. */

import { contiguousStrides, sameShape } from '../shape';
import { arrange } from './axes';
import { arangeItem, copyOp, fullItem, type Item, isDirect, type Ref, reduceItem } from './items';
import { nextStamp } from './pieces';
import { elementwiseCodes } from './resolve';
import { type Access, instructionWords, type Step } from './steps';

const splatCode = elementwiseCodes.get('splat') as number;
const arangeCode = elementwiseCodes.get('arange') as number;
const castCode = elementwiseCodes.get('cast') as number;
const addCode = elementwiseCodes.get('add') as number;
const multiplyCode = elementwiseCodes.get('multiply') as number;
const multiplyAddCode = elementwiseCodes.get('multiplyAdd') as number;
const int64Code = 8;

/** Writes the kernel of a step that computes elementwise and reduce items. */
export function buildKernel(step: Step): void {
  new KernelBuilder(step).build();
}

/** While a kernel is built, instruction j is value j and load k is -1 - k: how many loads there are is not yet known. */
const absent = 0x7fffffff;

/** Where instructions are collected; a kernel takes a copy. */
let scratch = new Int32Array(4096);

class KernelBuilder {
  private readonly stamp = nextStamp();
  private readonly loads: Access[] = [];
  private instructions = 0;

  constructor(private readonly step: Step) {}

  build(): void {
    const { step, stamp } = this;
    for (const item of step.items) {
      const product = this.product(item);
      if (product !== null) product.contracted = stamp;
    }
    const stores: { value: number; access: Access }[] = [];
    const reductions: { op: number; value: number; access: Access }[] = [];
    let axes: readonly number[] | null = null;
    for (const item of step.items) {
      if (item.contracted === stamp) continue;
      const value = this.compute(item);
      if (item.kind === reduceItem) {
        axes = item.axes;
        reductions.push({ op: item.op, value, access: reductionAccess(item) });
      } else if (item.stored) stores.push({ value, access: storeAccess(item) });
      if (item.host?.baseFirst === true && item.host.parts[0] !== item) step.after.push(item.host.parts[0]);
    }
    const loads = this.loads.length;
    const numbered = (value: number): number => (value < 0 ? -1 - value : loads + value);
    step.group = {
      loop: step.items[0].loop,
      axes,
      loads: this.loads,
      code: this.code(loads),
      stores: stores.map(({ value, access }) => ({ value: numbered(value), access })),
      reductions: reductions.map(({ op, value, access }) => ({ op, value: numbered(value), access })),
    };
    step.kernel = arrange(step.group);
  }

  /** The instructions with their final numbers. */
  private code(loads: number): Int32Array {
    const code = scratch.slice(0, this.instructions * instructionWords);
    for (let at = 0; at < code.length; at += instructionWords) {
      const op = code[at] & 0xff;
      // The operand of splat, and the second and third of arange, are arguments.
      if (op !== splatCode) code[at + 1] = code[at + 1] < 0 ? -1 - code[at + 1] : loads + code[at + 1];
      if (op === splatCode || op === arangeCode) continue;
      for (let k = 2; k < instructionWords; k++) {
        const value = code[at + k];
        code[at + k] = value === absent ? -1 : value < 0 ? -1 - value : loads + value;
      }
    }
    return code;
  }

  private emit(op: number, dtype: number, to: number, a: number, b = absent, c = absent): number {
    const at = this.instructions * instructionWords;
    if (at === scratch.length) {
      const larger = new Int32Array(2 * at);
      larger.set(scratch);
      scratch = larger;
    }
    scratch[at] = op | (dtype << 8) | (to << 16);
    scratch[at + 1] = a;
    scratch[at + 2] = b;
    scratch[at + 3] = c;
    return this.instructions++;
  }

  /** The product that an addition takes in, so that both are one instruction with one rounding: one that nobody else reads. */
  private product(item: Item): Item | null {
    if (item.op !== addCode || item.kind === reduceItem || item.dtype < 9 || item.dtype > 12) return null;
    for (const ref of item.operands) {
      const source = ref.item;
      if (source.op === multiplyCode && source.uses === 1 && !source.stored && isDirect(ref, item.device) && this.isHere(source))
        return source;
    }
    return null;
  }

  private isHere(item: Item): boolean {
    return item.inline || item.step === this.step;
  }

  private compute(item: Item): number {
    if (item.stamp === this.stamp) return item.value;
    const value = this.operation(item);
    item.stamp = this.stamp;
    item.value = value;
    return value;
  }

  private operation(item: Item): number {
    const { operands, op, dtype } = item;
    const product = this.product(item);
    if (product !== null) {
      const other = operands[operands[0].item === product ? 1 : 0];
      return this.emit(multiplyAddCode, dtype, dtype, this.read(product.operands[0]), this.read(product.operands[1]), this.read(other));
    }
    const a = this.read(operands[0]);
    if (op === copyOp || item.kind === reduceItem) return a;
    const b = operands.length > 1 ? this.read(operands[1]) : absent;
    const c = operands.length > 2 ? this.read(operands[2]) : absent;
    return this.emit(op, operands[operands.length - 1].dtype, dtype, a, b, c);
  }

  private read(ref: Ref): number {
    if (ref.stamp === this.stamp) return ref.value;
    let value = this.source(ref);
    if (ref.casts !== null) {
      let from = ref.item.dtype;
      for (const to of ref.casts) {
        value = this.emit(castCode, from, to, value);
        from = to;
      }
    }
    if (ref.after !== null) this.step.after.push(...ref.after);
    ref.stamp = this.stamp;
    ref.value = value;
    return value;
  }

  private source(ref: Ref): number {
    const { item } = ref;
    if (item.kind === fullItem) {
      if (item.stamp !== this.stamp) {
        item.stamp = this.stamp;
        item.value = this.emit(splatCode, item.dtype, item.dtype, item.slot, -1, -1);
      }
      return item.value;
    }
    if (item.kind === arangeItem) {
      const position = this.load({ item: null, dtype: int64Code, strides: ref.allStrides, offset: ref.offset, terms: ref.terms });
      return this.emit(arangeCode, item.dtype, item.dtype, position, item.slot, item.slot + 1);
    }
    if (isDirect(ref, this.step.device) && this.isHere(item)) return this.compute(item);
    this.step.reads.push(ref);
    return this.load({ item: item.home, dtype: item.dtype, strides: ref.allStrides, offset: ref.offset, terms: ref.terms });
  }

  private load(access: Access): number {
    for (let i = 0; i < this.loads.length; i++) if (sameAccess(this.loads[i], access)) return -1 - i;
    return -this.loads.push(access);
  }
}

export function sameAccess(a: Access, b: Access): boolean {
  if (a.item !== b.item || a.dtype !== b.dtype || a.offset !== b.offset || !sameShape(a.strides, b.strides)) return false;
  if (a.terms === null || b.terms === null) return a.terms === b.terms;
  return sameShape(a.terms, b.terms);
}

function storeAccess(item: Item): Access {
  const { home, dtype, placement } = item;
  if (placement !== null) return { item: home, dtype, ...placement };
  return { item: home, dtype, strides: contiguousStrides(item.loop), offset: 0, terms: null };
}

/** With a stride of 0 along the reduced axes. */
function reductionAccess(item: Item): Access {
  const strides = new Array<number>(item.loop.length).fill(0);
  const kept = contiguousStrides(item.shape);
  let at = 0;
  for (let axis = 0; axis < strides.length; axis++) if (!item.axes.includes(axis)) strides[axis] = kept[at++];
  return { item: item.home, dtype: item.dtype, strides, offset: 0, terms: null };
}
