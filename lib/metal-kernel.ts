/** `fast.metalKernel`: the user's own Metal source as an operation of the GPU. */

import { type ArrayInput, type array, toNode, wrap } from './array';
import { deviceNumber, type StreamOrDevice, streamFor } from './device';
import { Dtype, float64, int32, uint32 } from './dtype';
import { codedError, rangeError, showShape, typeError } from './errors';
import { type Node, nodeDevice, onDevice, type Shape, type ShapeDtype } from './graph/node';
import { cpuDevice } from './graph/placement';
import {
  functionName,
  type KernelSignature,
  type KernelSource,
  kernelText,
  needsWholeThreadgroups,
  type TemplateValue,
} from './metal-kernel-text';
import { booleanArgument, describe, integerArgument, numberArgument, shapeArgument } from './ops/arguments';
import { type Call, opObserver, withOptions } from './ops/registry';
import { customKernel, type KernelWords, kernelWords } from './primitives/custom-kernel';
import { isPlainObject } from './tree';

const where = 'fast.metalKernel';
/** Bindings of a dispatch, one of which says where arrays lie. */
const mostArrays = 30;
const mostThreads = 1024;
const mostPositions = 2 ** 32 - 1;
/** Texts that a kernel keeps: one for each combination of dtypes, numbers of axes and template arguments. */
const mostTexts = 64;

/** One call of a kernel that `fast.metalKernel` made. */
export interface MetalKernelCall {
  inputs: readonly ArrayInput[];
  /** Names of template parameters with their values: dtypes, integers, booleans. */
  template?: readonly (readonly [name: string, value: TemplateValue])[];
  /** Threads along three axes. */
  grid: readonly [number, number, number];
  /** Threads of a threadgroup along three axes. */
  threadgroup: readonly [number, number, number];
  outputShapes: readonly Shape[];
  outputDtypes: readonly Dtype[];
  /** What outputs are filled with before the kernel runs. */
  initValue?: number;
  /** Prints the text that is compiled. */
  verbose?: boolean;
  stream?: StreamOrDevice;
}

/** A kernel: called with arrays and the size of its grid, it gives its outputs. */
export type MetalKernel = (call: MetalKernelCall) => array[];

function identifier(name: string, value: unknown): string {
  if (typeof value !== 'string') throw typeError(where, `${name} must be a string, not ${describe(value)}`);
  if (!/^[A-Za-z_]\w*$/.test(value) || value.startsWith('metalgrad_')) {
    throw rangeError(where, `${name} must be a name in Metal, letters, digits and _, not ${describe(value)}`);
  }
  return value;
}

function text(name: string, value: unknown): string {
  if (typeof value !== 'string') throw typeError(where, `${name} must be a string, not ${describe(value)}`);
  return value;
}

function list(name: string, value: unknown, length?: number): readonly unknown[] {
  if (!Array.isArray(value)) throw typeError(where, `${name} must be a list, not ${describe(value)}`);
  if (length !== undefined && value.length !== length) {
    throw rangeError(where, `${name} must have ${length === 1 ? '1 entry' : `${length} entries`}, not ${value.length}`);
  }
  return Array.from(value as unknown[]);
}

function checkDistinct(names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw rangeError(where, `two parameters have the name ${twice}`);
}

function threads(name: string, value: unknown, least: number): number[] {
  return list(name, value, 3).map((entry, axis) => {
    const size = integerArgument(where, `${name}[${axis}]`, entry);
    if (size < least || size > mostPositions)
      throw rangeError(where, `${name}[${axis}] must be at least ${least} and below 2³², not ${size}`);
    return size;
  });
}

function templateArguments(value: unknown): (readonly [string, TemplateValue])[] {
  if (value === undefined || value === null) return [];
  return list('template', value).map((entry) => {
    const [name, of] = list('an entry of template', entry, 2);
    const own = identifier('the name of a template parameter', name);
    const isInteger = typeof of === 'number' && Number.isInteger(of) && Math.abs(of) < 2 ** 31;
    if (!(of instanceof Dtype) && !isInteger && typeof of !== 'boolean') {
      throw typeError(where, `template parameter ${own} must be a dtype, a 32-bit integer or a boolean, not ${describe(of)}`);
    }
    if (of === float64) throw typeError(where, `template parameter ${own} is float64, which GPUs do not have`);
    return [own, of as TemplateValue] as const;
  });
}

function outputsOf({ outputNames, atomicOutputs }: KernelSource, shapes: unknown, dtypes: unknown): ShapeDtype[] {
  const all = list('outputDtypes', dtypes, outputNames.length);
  return list('outputShapes', shapes, outputNames.length).map((shape, i) => {
    const dtype = all[i];
    if (!(dtype instanceof Dtype)) throw typeError(where, `outputDtypes[${i}] must be a Dtype, not ${describe(dtype)}`);
    if (dtype === float64) throw typeError(where, `output ${outputNames[i]} is float64, which GPUs do not have`);
    if (atomicOutputs && dtype !== int32 && dtype !== uint32) {
      throw typeError(where, `atomic outputs are int32 or uint32, the atomics that every GPU has; ${outputNames[i]} is ${dtype.name}`);
    }
    return { shape: shapeArgument(where, shape, dtype.size), dtype };
  });
}

function initialValue(value: unknown, outputs: readonly ShapeDtype[]): number | null {
  if (value === undefined || value === null) return null;
  const number = numberArgument(where, 'initValue', value);
  for (const { dtype } of outputs) {
    if (!dtype.inexact && !Number.isInteger(number)) throw rangeError(where, `initValue ${number} is no ${dtype.name}`);
  }
  return number;
}

const callNames = ['inputs', 'template', 'grid', 'threadgroup', 'outputShapes', 'outputDtypes', 'initValue', 'verbose', 'stream'];

/** The kernel with its texts: each is written once. */
class Kernel {
  private readonly texts = new Map<string, { readonly text: string; readonly words: KernelWords }>();

  constructor(readonly kernel: KernelSource) {}

  call(options: Readonly<Record<string, unknown>>): array[] {
    const { kernel } = this;
    const inputs = list('inputs', options.inputs, kernel.inputNames.length).map((x) => toNode(x as ArrayInput, undefined, where));
    inputs.forEach(({ dtype }, i) => {
      if (dtype === float64)
        throw typeError(where, `input ${kernel.inputNames[i]} is float64, which GPUs do not have: use astype(float32)`);
    });
    const template = templateArguments(options.template);
    checkDistinct([...kernel.inputNames, ...kernel.outputNames, ...template.map(([name]) => name)]);
    const outputs = outputsOf(kernel, options.outputShapes, options.outputDtypes);
    const { grid, threadgroup } = this.launch(options);
    const initValue = initialValue(options.initValue, outputs);
    const { text, words } = this.text({
      inputs: inputs.map(({ dtype, shape }) => ({ dtype, rank: shape.length })),
      outputs: outputs.map(({ dtype }) => dtype),
      template,
    });
    if (booleanArgument(where, 'verbose', options.verbose, false)) process.stdout.write(`${text}\n`);
    const { contiguous } = kernel;
    return customKernel(inputs, { words, outputs, grid, threadgroup, initValue, contiguous }).map((node: Node) => wrap(node));
  }

  private launch(options: Readonly<Record<string, unknown>>): { grid: number[]; threadgroup: number[] } {
    const grid = threads('grid', options.grid, 0);
    // As in MLX, no threadgroup is larger than the grid.
    const threadgroup = threads('threadgroup', options.threadgroup, 1).map((size, axis) => Math.max(1, Math.min(size, grid[axis])));
    if (threadgroup.reduce((a, b) => a * b) > mostThreads) {
      throw rangeError(where, `a threadgroup of ${showShape(threadgroup)} has more than ${mostThreads} threads`);
    }
    if (grid.some((size, axis) => size % threadgroup[axis] !== 0) && needsWholeThreadgroups(this.kernel)) {
      const sizes = `a grid of ${showShape(grid)} is no multiple of a threadgroup of ${showShape(threadgroup)}`;
      throw rangeError(where, `${sizes}, which a source with barriers needs: every thread of a threadgroup must reach them`);
    }
    return { grid, threadgroup };
  }

  private text(signature: KernelSignature): { readonly text: string; readonly words: KernelWords } {
    const { inputs, outputs, template } = signature;
    const key = `${inputs.map(({ dtype, rank }) => `${dtype.name} ${rank}`)};${outputs};${template.map(([name, value]) => `${name} ${value}`)}`;
    let known = this.texts.get(key);
    if (known === undefined) {
      const text = kernelText(this.kernel, signature);
      known = { text, words: kernelWords(functionName(this.kernel), text) };
      if (this.texts.size === mostTexts) this.texts.clear();
      this.texts.set(key, known);
    }
    return known;
  }
}

/** A call on the stream that it names. */
function callOn(kernel: Kernel, given: unknown): array[] {
  if (!isPlainObject(given))
    throw typeError(where, `a kernel is called with { inputs, grid, threadgroup, outputShapes, outputDtypes }, not ${describe(given)}`);
  const unknown = Object.keys(given).find((name) => !callNames.includes(name));
  if (unknown !== undefined) throw typeError(where, `a kernel has no option ${describe(unknown)}: it takes ${callNames.join(', ')}`);
  const { stream } = given as { stream?: StreamOrDevice };
  const device = stream === undefined || stream === null ? nodeDevice() : deviceNumber(streamFor(where, stream).device);
  if (device === cpuDevice) {
    throw codedError(where, 'METALGRAD_DEVICE', 'needs a GPU: the CPU does not run Metal sources (stream: mx.gpu)');
  }
  return onDevice(device, () => kernel.call(given));
}

/**
 * A function that runs `source` on the GPU: the body of a Metal kernel whose signature is written around it. The source sees its inputs
 * (`const device T*`; one without axes is `const device T&`) and outputs (`device T*`) by their names; `<input>_shape`, `<input>_strides` and
 * `<input>_ndim` of inputs; the attributes of Metal for where a thread is (`thread_position_in_grid`, …); what `header` declares; and
 * `elem_to_loc(element, shape, strides, ndim)`. Template arguments (dtypes, integers, booleans) are template parameters.
 *
 * The function takes `{ inputs, template?, grid, threadgroup, outputShapes, outputDtypes, initValue?, verbose?, stream? }` and gives a list of
 * arrays. `grid` counts threads, not threadgroups: a source with barriers needs one that is a multiple of its threadgroup. Without
 * `initValue`, elements that the source does not write have any value. `ensureRowContiguous` copies inputs that are not row-major;
 * without it they come with their strides. With `atomicOutputs` outputs are `device atomic<T>*`, of int32 or uint32.
 *
 * The source is trusted: on a GPU nothing stops it from reading or writing beyond its arrays. `vmap` calls it once a lane. It has no
 * derivative: `customFunction` gives it one. Integer outputs need none.
 *
 * @throws On the CPU, which does not run Metal; when evaluated, with the compiler's message and the line of `source` where it does not compile.
 * @example
 * const double = mx.fast.metalKernel('twice', ['x'], ['out'], `
 *   uint i = thread_position_in_grid.x;
 *   out[i] = T(2) * x[i];
 * `);
 * const twice = (x) =>
 *   double({
 *     inputs: [x],
 *     template: [['T', x.dtype]],
 *     grid: [x.size, 1, 1],
 *     threadgroup: [256, 1, 1],
 *     outputShapes: [x.shape],
 *     outputDtypes: [x.dtype],
 *     stream: mx.gpu,
 *   })[0];
 * if (mx.metal.isAvailable()) mx.eval(twice(mx.array([1, 2, 3]))); // array([2, 4, 6], dtype=float32)
 */
export const metalKernel = withOptions(
  {
    name: where,
    parameters: ['name', 'inputNames', 'outputNames', 'source', 'header?', 'ensureRowContiguous?', 'atomicOutputs?'],
  },
  (
    name: unknown,
    inputNames: unknown,
    outputNames: unknown,
    source: unknown,
    header: unknown,
    contiguous: unknown,
    atomic: unknown,
  ): MetalKernel => {
    const kernel = new Kernel({
      name: identifier('name', name),
      inputNames: list('inputNames', inputNames).map((entry) => identifier('the name of an input', entry)),
      outputNames: list('outputNames', outputNames).map((entry) => identifier('the name of an output', entry)),
      source: text('source', source),
      header: header === undefined || header === null ? '' : text('header', header),
      contiguous: booleanArgument(where, 'ensureRowContiguous', contiguous, true),
      atomicOutputs: booleanArgument(where, 'atomicOutputs', atomic, false),
    });
    const { inputNames: ins, outputNames: outs } = kernel.kernel;
    checkDistinct([...ins, ...outs]);
    if (outs.length === 0) throw rangeError(where, 'a kernel needs at least 1 output');
    if (ins.length + outs.length > mostArrays) {
      throw rangeError(where, `a kernel takes at most ${mostArrays} inputs and outputs, not ${ins.length + outs.length}`);
    }
    // A shapeless compile calls it again on other shapes.
    const call = (...args: unknown[]): array[] => callOn(kernel, args[0]);
    return (given) => (opObserver.onCall === null ? call(given) : (opObserver.onCall(call, undefined, [given]) as array[]));
  },
) as Call<
  [name: string, inputNames: readonly string[], outputNames: readonly string[], source: string],
  [header?: string, ensureRowContiguous?: boolean, atomicOutputs?: boolean],
  { header: string; ensureRowContiguous: boolean; atomicOutputs: boolean },
  MetalKernel
>;
