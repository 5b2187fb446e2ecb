/** Parts of recorded functions: the instructions that some values need, when others are given. */

import type { Recording } from '../../transforms/recording';

/** What must be known and done for some slots. */
export interface Reached {
  readonly inputs: ReadonlySet<number>;
  readonly instructions: ReadonlySet<number>;
}

/** The slots that `outputs` are computed from, down to those that are inputs. */
export function reach({ arity, instructions }: Recording, outputs: readonly number[], isInput: (slot: number) => boolean): Reached {
  const inputs = new Set<number>();
  const needed = new Set<number>();
  const stack = [...outputs];
  for (let slot = stack.pop(); slot !== undefined; slot = stack.pop()) {
    if (slot < arity || isInput(slot)) inputs.add(slot);
    else if (!needed.has(slot)) {
      needed.add(slot);
      stack.push(...instructions[slot - arity].inputs);
    }
  }
  return { inputs, instructions: needed };
}

/** The part of a recording that computes `outputs` from `inputs`, slots of it in the order of the new arguments. */
export function part(recording: Recording, inputs: readonly number[], outputs: readonly number[]): Recording {
  const given = new Set(inputs);
  const { instructions } = reach(recording, outputs, (slot) => given.has(slot));
  const slots = new Map(inputs.map((slot, i) => [slot, i]));
  const kept = [...instructions].sort((a, b) => a - b);
  for (const [i, slot] of kept.entries()) slots.set(slot, inputs.length + i);
  const slotOf = (slot: number): number => slots.get(slot) as number;
  return {
    arity: inputs.length,
    captured: [],
    instructions: kept.map((slot) => {
      const instruction = recording.instructions[slot - recording.arity];
      return { ...instruction, inputs: instruction.inputs.map(slotOf) };
    }),
    outputs: outputs.map(slotOf),
  };
}

/** By slot: whether its value depends on one of those marked in `inputs`. */
export function dependence({ arity, instructions }: Recording, inputs: readonly boolean[]): Uint8Array {
  const depends = new Uint8Array(arity + instructions.length);
  inputs.forEach((marked, slot) => {
    if (marked) depends[slot] = 1;
  });
  instructions.forEach((instruction, i) => {
    if (instruction.inputs.some((slot) => depends[slot] === 1)) depends[arity + i] = 1;
  });
  return depends;
}

const views = new Set(['alias', 'reshape', 'transpose', 'broadcast']);

/** True for an instruction that shows the elements of one other value. */
export function isView({ arity, instructions }: Recording, slot: number): boolean {
  if (slot < arity) return false;
  const { primitive, inputs } = instructions[slot - arity];
  return views.has(primitive.lowering.kind) && inputs.length === 1;
}
