/** Bodies that compute the same are one: eager code traces its loops again and again, and must not pay for their plans each time. */

import type { ControlAttrs } from '../primitives/control-flow/attributes';
import type { Body } from '../primitives/control-flow/body';
import type { ArgWriter, KeyWriter, Scalar } from '../primitives/primitive';

/** Recently used bodies by their text. The least recently used go first. */
const known = new Map<string, Body>();
const capacity = 512;
const canonical = new WeakMap<Body, Body>();
const numbers = new WeakMap<Body, number>();
let nextNumber = 0;

/** Writes what a primitive's attributes say about evaluation: both what plans are told apart by and what they take as arguments. */
class TextWriter implements KeyWriter, ArgWriter {
  text = '';

  int(value: number): void {
    this.text += `${value},`;
  }

  ints(values: readonly number[]): void {
    this.text += `[${values.join()}]`;
  }

  integer(value: number): void {
    this.text += `${value},`;
  }

  scalar(value: Scalar): void {
    if (typeof value === 'object') this.text += `(${shown(value.re)} ${shown(value.im)})`;
    else this.text += `${typeof value === 'number' ? shown(value) : `${typeof value} ${value}`},`;
  }
}

function shown(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function controlText(attrs: ControlAttrs): string {
  switch (attrs.kind) {
    case 'scan':
      return `scan ${numberOf(attrs.body)} ${attrs.carry} ${attrs.xs} ${attrs.length} ${attrs.reverse}`;
    case 'whileLoop':
      return `while ${numberOf(attrs.condition)} ${numberOf(attrs.body)} ${attrs.carry} ${attrs.maxSteps}`;
    case 'cond':
      return `cond ${numberOf(attrs.onTrue)} ${numberOf(attrs.onFalse)}`;
    default:
      return attrs satisfies never;
  }
}

/** All that a body's evaluation depends on; null where it holds functions, which nothing can be told of. */
function textOf({ recording, inputs }: Body): string | null {
  const writer = new TextWriter();
  for (const { shape, dtype } of inputs) writer.text += `${dtype.code}[${shape.join()}]`;
  for (const { primitive, attrs, shape, dtype, device, inputs: from } of recording.instructions) {
    const { kind } = primitive.lowering;
    if (kind === 'compiled' || kind === 'data' || kind === 'placeholder' || (kind === 'expand' && attrs !== null)) return null;
    writer.text += `;${primitive.code} ${device} ${dtype.code}[${shape.join()}](${from.join()})`;
    if (kind === 'control') writer.text += controlText(attrs as ControlAttrs);
    primitive.key?.(attrs, writer);
    primitive.args?.(attrs, writer, dtype);
  }
  return `${writer.text}>${recording.outputs.join()}`;
}

/** The first body that was met of all that compute the same. */
export function interned(body: Body): Body {
  const done = canonical.get(body);
  if (done !== undefined) return done;
  const text = textOf(body);
  const found = text === null ? body : (known.get(text) ?? body);
  if (text !== null) {
    known.delete(text);
    known.set(text, found);
    if (known.size > capacity) known.delete(known.keys().next().value as string);
  }
  canonical.set(body, found);
  return found;
}

/** A number that bodies which compute the same have in common. */
export function numberOf(body: Body): number {
  const own = interned(body);
  let number = numbers.get(own);
  if (number === undefined) numbers.set(own, (number = nextNumber++));
  return number;
}
