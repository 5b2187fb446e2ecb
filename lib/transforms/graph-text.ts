/** Prints recorded functions as text: one line a node, every value with its dtype and shape. */

import { nextNodeId, nodeDevice, type ShapeDtype } from '../graph/node';
import { gpuDevice } from '../graph/placement';
import { placeholder } from '../primitives/control';
import type { ControlAttrs } from '../primitives/control-flow/attributes';
import type { Body } from '../primitives/control-flow/body';
import type { NodeFunction } from './forward';
import { type Recording, record } from './recording';

/** a, b, …, z, aa, ab, … */
export function valueName(index: number): string {
  const letter = String.fromCharCode(97 + (index % 26));
  return index < 26 ? letter : valueName(Math.floor(index / 26) - 1) + letter;
}

/** `float32[2, 3]` */
export function showAval({ shape, dtype }: ShapeDtype): string {
  return `${dtype}[${shape.join(', ')}]`;
}

function showValue(value: unknown): string | undefined {
  switch (typeof value) {
    case 'number':
    case 'boolean':
    case 'bigint':
    case 'string':
      return String(value);
    case 'object':
      break;
    default:
      return undefined;
  }
  if (value === null) return undefined;
  if (Array.isArray(value)) {
    const entries = value.map(showValue);
    return entries.includes(undefined) ? undefined : `[${entries.join(', ')}]`;
  }
  const { re, im } = value as { re?: unknown; im?: unknown };
  return typeof re === 'number' && typeof im === 'number' ? `${re}${im < 0 ? '-' : '+'}${Math.abs(im)}j` : undefined;
}

/** The attributes that shape and dtype do not say: ` axes=[0]`. */
export function showAttributes(attrs: unknown): string {
  if (typeof attrs !== 'object' || attrs === null) return '';
  let text = '';
  for (const [key, value] of Object.entries(attrs)) {
    if (key === 'shape' || key === 'dtype') continue;
    const shown = showValue(value);
    if (shown !== undefined) text += ` ${key}=${shown}`;
  }
  return text;
}

/** Where an instruction runs, if that is not the default device: ` device=cpu`. */
export function showDevice({ device }: { readonly device: number }): string {
  return device === nodeDevice() ? '' : ` device=${device === gpuDevice ? 'gpu' : 'cpu'}`;
}

/** The function inside a call, recorded. */
function innerFunction(attrs: unknown, inputs: readonly ShapeDtype[]): Recording | null {
  const { run } = (attrs ?? {}) as { run?: NodeFunction };
  if (typeof run !== 'function') return null;
  const trace = { transform: 'makeGraph', active: true };
  const first = nextNodeId();
  const placeholders = inputs.map(({ shape, dtype }) => placeholder(shape, dtype, trace));
  const recording = record(placeholders, run(placeholders), first);
  trace.active = false;
  return recording;
}

/** The functions that control flow holds, and what it does with them. */
function bodiesOf(attrs: ControlAttrs): [role: string, body: Body][] {
  switch (attrs.kind) {
    case 'scan':
      return [['step', attrs.body]];
    case 'whileLoop':
      return [
        ['while', attrs.condition],
        ['step', attrs.body],
      ];
    case 'cond':
      return [
        ['onTrue', attrs.onTrue],
        ['onFalse', attrs.onFalse],
      ];
    default:
      return attrs satisfies never;
  }
}

/** What stands in the slots of a recording, and what each is called. */
export function slotAvals(recording: Recording, inputs: readonly ShapeDtype[]): ShapeDtype[] {
  return [...inputs, ...recording.captured, ...recording.instructions];
}

/** The text of a recorded function. */
export function graphText(name: string, recording: Recording, inputs: readonly ShapeDtype[], indent = ''): string {
  const avals = slotAvals(recording, inputs);
  const declared = (slot: number): string => `${valueName(slot)}: ${showAval(avals[slot])}`;
  const parameters = inputs.map((_, slot) => declared(slot)).join(', ');
  const lines = [`${indent}${name}(${parameters}) {`];
  recording.captured.forEach((node, i) => {
    lines.push(`${indent}  ${declared(inputs.length + i)} = captured ${node.primitive.name}`);
  });
  const firstResult = inputs.length + recording.captured.length;
  recording.instructions.forEach((instruction, i) => {
    const { primitive, attrs, inputs: from } = instruction;
    const slot = firstResult + i;
    const operands = from.map((input) => ` ${valueName(input)}`).join('');
    const left = primitive.several === true ? valueName(slot) : declared(slot);
    lines.push(`${indent}  ${left} = ${primitive.name}${operands}${showAttributes(attrs)}${showDevice(instruction)}`);
    const given = from.map((input) => avals[input]);
    const inner = primitive.several === true ? innerFunction(attrs, given) : null;
    if (inner !== null) lines.push(graphText('where', inner, given, `${indent}    `));
    if (primitive.lowering.kind === 'control') {
      for (const [role, body] of bodiesOf(attrs as ControlAttrs)) lines.push(graphText(role, body.recording, body.inputs, `${indent}    `));
    }
  });
  lines.push(`${indent}  return ${recording.outputs.map(valueName).join(', ')}`, `${indent}}`);
  return lines.join('\n');
}
