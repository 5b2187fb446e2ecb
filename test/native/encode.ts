/** Hand-made programs for tests: a readable description in, the words that the addon loads out. */

import type { Dtype } from '../../lib/dtype';
import type { ElementwiseOp, ReduceOp, RoutineName, ScatterMode, StepKind } from '../../lib/schedule/opcodes';
import { elementwiseOps, reduceOps, routines, scatterModes, stepKinds } from '../../lib/schedule/opcodes';

export const magic = 0x4452474d;
export const formatVersion = 4;

/** The slot of the load that stands for the number of a product in its epilogue. */
export const productSlot = -2;

/** Devices by their codes. */
const devices = ['cpu', 'gpu'] as const;
export type DeviceName = (typeof devices)[number];

let defaultDevice: DeviceName = 'cpu';

/** Where steps run whose program does not say it. */
export function setDefaultDevice(device: DeviceName): void {
  defaultDevice = device;
}

export interface OperandSpec {
  /** -1 in a kernel's load: the element's position. */
  slot: number;
  dtype: Dtype;
  offset?: number;
  offsetArg?: number;
  strides: readonly number[];
}

export interface InstructionSpec {
  op: ElementwiseOp;
  dtype: Dtype;
  /** The dtype of the result; `dtype` when absent. */
  to?: Dtype;
  a?: number;
  b?: number;
  c?: number;
}

export interface KernelSpec {
  kind: 'kernel';
  /** Sizes of the outer, then the reduced, then the inner axes. */
  outer: readonly number[];
  reduced?: readonly number[];
  inner?: readonly number[];
  loads?: readonly OperandSpec[];
  code?: readonly InstructionSpec[];
  stores?: readonly { value: number; operand: OperandSpec }[];
  reductions?: readonly { op: ReduceOp; value: number; operand: OperandSpec }[];
}

export interface MatmulSpec {
  kind: 'matmul';
  dtype: Dtype;
  batch?: readonly number[];
  m: number;
  n: number;
  k: number;
  a: OperandSpec;
  b: OperandSpec;
  /** Where the product goes, or what is computed from it; strides over batch axes, rows and columns. */
  out: OperandSpec | EpilogueSpec;
}

export interface EpilogueSpec {
  loads: readonly OperandSpec[];
  code?: readonly InstructionSpec[];
  stores: readonly { value: number; operand: OperandSpec }[];
}

export interface GatherSpec {
  kind: 'gather';
  indexShape: readonly number[];
  sourceShape: readonly number[];
  sliceShape: readonly number[];
  axes: readonly number[];
  source: OperandSpec;
  indices: readonly OperandSpec[];
  out: OperandSpec;
}

export interface ScatterSpec {
  kind: 'scatter';
  mode: ScatterMode;
  indexShape: readonly number[];
  targetShape: readonly number[];
  sliceShape: readonly number[];
  axes: readonly number[];
  target: OperandSpec;
  updates: OperandSpec;
  indices: readonly OperandSpec[];
}

export interface RandomBitsSpec {
  kind: 'randomBits';
  keyShape: readonly number[];
  perKey: number;
  keys: OperandSpec;
  out: OperandSpec;
}

export interface SortSpec {
  kind: 'sort';
  indices?: boolean;
  rows: readonly number[];
  length: number;
  in: OperandSpec;
  out: OperandSpec;
}

export interface ArraySpec {
  shape: readonly number[];
  /** Slot -1: an output that is left out. */
  operand: OperandSpec;
}

export interface RoutineSpec {
  kind: 'routine';
  routine: RoutineName;
  ints?: readonly number[];
  /** Indices of arguments. */
  args?: readonly number[];
  inputs: readonly ArraySpec[];
  outputs: readonly ArraySpec[];
}

export type StepSpec = KernelSpec | MatmulSpec | GatherSpec | ScatterSpec | RandomBitsSpec | SortSpec | RoutineSpec;

export interface ProgramSpec {
  inputs: number;
  /** Bytes of each output. */
  outputs: readonly number[];
  /** In the arena, or in the memory of an output until that is written. */
  temporaries?: readonly { output?: number; offset: number; byteLength: number }[];
  arenaBytes?: number;
  args?: number;
  steps: readonly StepSpec[];
  /** Of each step; the default device where it is not said. */
  devices?: readonly DeviceName[];
}

/** Row-major strides of `shape`. */
export function rowMajor(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

/** The operand of a whole contiguous array. */
export function contiguous(slot: number, dtype: Dtype, shape: readonly number[]): OperandSpec {
  return { slot, dtype, strides: rowMajor(shape) };
}

/** A whole contiguous array of a routine. */
export function wholeArray(slot: number, dtype: Dtype, shape: readonly number[]): ArraySpec {
  return { shape, operand: contiguous(slot, dtype, shape) };
}

class Words {
  readonly list: number[] = [];

  word(...values: number[]): void {
    for (const value of values) this.list.push(value | 0);
  }

  wide(...values: readonly number[]): void {
    for (const value of values) {
      const wide = BigInt(value);
      this.word(Number(BigInt.asIntN(32, wide)), Number(BigInt.asIntN(32, wide >> 32n)));
    }
  }

  operand(operand: OperandSpec): void {
    this.word(operand.slot, operand.dtype.code);
    this.wide(operand.offset ?? 0);
    this.word(operand.offsetArg ?? -1);
    this.wide(...operand.strides);
  }
}

function writeGroup(words: Words, { loads, code = [], stores }: EpilogueSpec): void {
  for (const load of loads) words.operand(load);
  for (const { op, dtype, to, a, b, c } of code) {
    words.word(elementwiseOps.indexOf(op) | (dtype.code << 8) | ((to ?? dtype).code << 16), a ?? -1, b ?? -1, c ?? -1);
  }
  for (const { value, operand } of stores) {
    words.word(value);
    words.operand(operand);
  }
}

function writeKernel(words: Words, step: KernelSpec): void {
  const [reduced, inner] = [step.reduced ?? [], step.inner ?? []];
  const [loads, code, stores, reductions] = [step.loads ?? [], step.code ?? [], step.stores ?? [], step.reductions ?? []];
  words.word(step.outer.length, reduced.length, inner.length);
  words.wide(...step.outer, ...reduced, ...inner);
  words.word(loads.length, code.length, stores.length, reductions.length);
  writeGroup(words, { loads, code, stores });
  for (const { op, value, operand } of reductions) {
    words.word(reduceOps.indexOf(op), value);
    words.operand(operand);
  }
}

function writeIndexing(words: Words, step: GatherSpec | ScatterSpec): void {
  const indexed = step.kind === 'gather' ? step.sourceShape : step.targetShape;
  words.word(step.indexShape.length, indexed.length);
  words.wide(...step.indexShape, ...indexed, ...step.sliceShape);
  words.word(step.axes.length, ...step.axes);
  if (step.kind === 'gather') {
    words.operand(step.source);
    for (const index of step.indices) words.operand(index);
    words.operand(step.out);
  } else {
    words.operand(step.target);
    words.operand(step.updates);
    for (const index of step.indices) words.operand(index);
  }
}

function writeRoutine(words: Words, { routine, ints = [], args = [], inputs, outputs }: RoutineSpec): void {
  words.word(routines.indexOf(routine), ints.length);
  words.wide(...ints);
  words.word(args.length, ...args);
  for (const arrays of [inputs, outputs]) {
    words.word(arrays.length);
    for (const { shape, operand } of arrays) {
      words.word(shape.length);
      words.wide(...shape);
      words.operand(operand);
    }
  }
}

function writeStep(words: Words, step: StepSpec): void {
  switch (step.kind) {
    case 'kernel':
      writeKernel(words, step);
      return;
    case 'matmul':
      words.word(step.dtype.code, step.batch?.length ?? 0);
      words.wide(...(step.batch ?? []), step.m, step.n, step.k);
      words.operand(step.a);
      words.operand(step.b);
      if ('stores' in step.out) {
        words.word(step.out.loads.length, step.out.code?.length ?? 0, step.out.stores.length);
        writeGroup(words, step.out);
      } else {
        words.word(0, 0, 0);
        words.operand(step.out);
      }
      return;
    case 'gather':
      writeIndexing(words, step);
      return;
    case 'scatter':
      words.word(scatterModes.indexOf(step.mode));
      writeIndexing(words, step);
      return;
    case 'randomBits':
      words.word(step.keyShape.length);
      words.wide(...step.keyShape, step.perKey);
      words.operand(step.keys);
      words.operand(step.out);
      return;
    case 'sort':
      words.word(step.indices ? 1 : 0, step.rows.length);
      words.wide(...step.rows, step.length);
      words.operand(step.in);
      words.operand(step.out);
      return;
    case 'routine':
      writeRoutine(words, step);
  }
}

/** The words of a program. */
export function encode(program: ProgramSpec): Int32Array {
  const words = new Words();
  const temporaries = program.temporaries ?? [];
  words.word(magic, formatVersion, 0);
  words.word(program.inputs, program.outputs.length, temporaries.length, program.args ?? 0, program.steps.length);
  words.wide(program.arenaBytes ?? 0, ...program.outputs);
  for (const { output = -1, offset, byteLength } of temporaries) {
    words.word(output);
    words.wide(offset, byteLength);
  }
  program.steps.forEach((step, i) => {
    const start = words.list.length;
    const device = program.devices?.[i] ?? defaultDevice;
    words.word(stepKinds.indexOf(step.kind satisfies StepKind) | (devices.indexOf(device) << 8), 0);
    writeStep(words, step);
    words.list[start + 1] = words.list.length - start;
  });
  words.list[2] = words.list.length;
  return Int32Array.from(words.list);
}

/** One argument of a run: a number is a double, a bigint an int64, a pair a complex64. */
export type Arg = number | bigint | readonly [re: number, im: number];

export function encodeArgs(args: readonly Arg[]): Float64Array {
  const doubles = new Float64Array(args.length);
  const integers = new BigInt64Array(doubles.buffer);
  const pairs = new Float32Array(doubles.buffer);
  args.forEach((arg, i) => {
    if (typeof arg === 'number') doubles[i] = arg;
    else if (typeof arg === 'bigint') integers[i] = arg;
    else pairs.set(arg, 2 * i);
  });
  return doubles;
}
