/** Kernels that users write: GPUs run them, and nothing is known of their derivatives. */

import { bool } from '../dtype';
import { codedError } from '../errors';
import { Node, type ShapeDtype } from '../graph/node';
import { sizeOf } from '../shape';
import { concatenate } from './assemble';
import { projections } from './control';
import { zeros } from './generators';
import { expandDims, slice, squeeze } from './movement';
import { definePrimitive, type Primitive } from './primitive';

/** A kernel's name and text as integers: their lengths in bytes, then the bytes of both, four an integer, the lowest first. */
export type KernelWords = readonly number[];

export interface CustomKernelAttrs {
  readonly words: KernelWords;
  readonly outputs: readonly ShapeDtype[];
  /** Threads along three axes. */
  readonly grid: readonly number[];
  readonly threadgroup: readonly number[];
  /** What outputs are filled with before the kernel runs. */
  readonly initValue: number | null;
  /** Inputs are row-major in memory; else the kernel gets their strides. */
  readonly contiguous: boolean;
}

/** The text, whose function is called `name`, in integers. */
export function kernelWords(name: string, text: string): KernelWords {
  const [nameBytes, textBytes] = [Buffer.from(name), Buffer.from(text)];
  const length = nameBytes.length + textBytes.length;
  const bytes = Buffer.concat([nameBytes, textBytes, Buffer.alloc((4 - (length % 4)) % 4)]);
  return [nameBytes.length, textBytes.length, ...Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readInt32LE(4 * i))];
}

function defineKernel(contiguous: boolean): Primitive {
  return definePrimitive<CustomKernelAttrs>({
    name: 'fast.metalKernel',
    several: true,
    lowering: {
      kind: 'routine',
      routine: 'custom',
      contiguous,
      ints: ({ grid, threadgroup, words }) => [...grid, ...threadgroup, ...words],
    },
    key({ words, outputs, grid, threadgroup, initValue }, key) {
      key.ints(grid);
      key.ints(threadgroup);
      key.int(initValue === null ? 0 : 1);
      key.int(outputs.length);
      for (const { shape, dtype } of outputs) {
        key.int(dtype.code);
        key.ints(shape);
      }
      key.ints(words);
    },
    args({ outputs, initValue }, args) {
      if (initValue === null) return;
      for (const { dtype } of outputs) {
        if (dtype === bool) args.scalar(initValue !== 0, dtype);
        else if (dtype.kind === 'complex') args.scalar({ re: initValue, im: 0 }, dtype);
        else args.scalar(initValue, dtype);
      }
    },
    infer: (_inputs, { outputs }) => outputs,
    jvp(_node, _tangents, { outputs }) {
      if (outputs.every(({ dtype }) => !dtype.inexact)) return outputs.map(() => null);
      const reason = 'has no derivative: wrap the function that calls it in customFunction, and give it a .vjp or a .jvp';
      throw codedError('fast.metalKernel', 'METALGRAD_TRANSFORM', reason);
    },
    // The source says what one call does: each lane is one.
    vmap(inputs, mapped, size, attrs) {
      const lanes = Array.from({ length: size }, (_, lane) =>
        customKernel(
          inputs.map((x, i) => (mapped[i] ? row(x, lane) : x)),
          attrs,
        ),
      );
      return attrs.outputs.map(({ shape, dtype }, k) => {
        const rows = lanes.map((results) => expandDims(results[k], [0]));
        return { node: size === 0 ? zeros([0, ...shape], dtype) : concatenate(rows, 0), mapped: true };
      });
    },
  });
}

const contiguousKernel = defineKernel(true);
const stridedKernel = defineKernel(false);

function row(x: Node, index: number): Node {
  const starts = x.shape.map((_, axis) => (axis === 0 ? index : 0));
  return squeeze(slice(x, starts, [1, ...x.shape.slice(1)]), [0]);
}

/** The outputs of one call; those without elements do not need it. */
export function customKernel(inputs: readonly Node[], attrs: CustomKernelAttrs): Node[] {
  if (attrs.outputs.every(({ shape }) => sizeOf(shape) === 0)) return attrs.outputs.map(({ shape, dtype }) => zeros(shape, dtype));
  const { dtype } = attrs.outputs[0];
  return projections(new Node(attrs.contiguous ? contiguousKernel : stridedKernel, inputs, attrs, [], dtype), true);
}
