/** Programs on both devices, whose results must agree. */

import type { Arg, KernelSpec, OperandSpec, ProgramSpec } from './encode';
import { rowMajor } from './encode';
import { runOnce } from './harness';
import { plain, product } from './kernel_cases';
import { listOf, type Scalar } from './kernel_reference';

/** METALGRAD_METAL=emulator must be set for the whole process: native code reads it, too. A Mac has a GPU of its own. */
export const onGpu = process.platform === 'darwin' || process.env.METALGRAD_METAL === 'emulator' ? test : test.skip;

/** The program's outputs from the CPU and from the GPU. */
export function onBoth(program: ProgramSpec, inputs: readonly Uint8Array<ArrayBuffer>[], args: readonly Arg[]) {
  const [cpu, gpu] = (['cpu', 'gpu'] as const).map((device) =>
    runOnce({ ...program, devices: program.steps.map(() => device) }, inputs, args),
  );
  return { cpu, gpu };
}

const outputsOf = (step: KernelSpec) => [...(step.stores ?? []), ...(step.reductions ?? [])].map(({ operand }) => operand);

/** Runs a step on both devices. Outputs are the slots after the inputs, `counts` elements each; what no store names is not compared. */
export function expectAlike(
  step: KernelSpec,
  inputs: Uint8Array<ArrayBuffer>[],
  counts: readonly number[],
  args: readonly Arg[] = [],
): void {
  const operands = outputsOf(step);
  const program = {
    inputs: inputs.length,
    outputs: operands.map(({ dtype }, i) => counts[i] * dtype.size),
    args: args.length,
    steps: [step],
  };
  const { cpu, gpu } = onBoth(program, inputs, args);
  const kept = [...step.outer, ...(step.inner ?? [])];
  operands.forEach((operand, i) => {
    const shape = i < (step.stores?.length ?? 0) ? [...step.outer, ...(step.reduced ?? []), ...(step.inner ?? [])] : kept;
    const [got, wanted] = [gpu[i], cpu[i]].map((bytes) => elements(listOf(bytes, operand.dtype), shape, operand));
    expect(got).toEqual(wanted);
  });
}

/** The elements that an operand names, in its order. */
export function elements(list: Scalar[], shape: readonly number[], { strides, offset = 0 }: OperandSpec, show = plain): Scalar[] {
  const count = product(shape);
  const inner = rowMajor(shape);
  return Array.from({ length: count }, (_, i) => {
    let at = offset;
    for (let axis = 0; axis < shape.length; axis++) at += (Math.floor(i / inner[axis]) % shape[axis]) * strides[axis];
    return show(list[at]);
  });
}
