/** A scan as two: one of what is known without certain inputs, and one that is linear in these and reads what the first one stored. */

import type { Node, ShapeDtype } from '../../graph/node';
import type { ScanAttrs } from './attributes';
import { pick, positions } from './body';
import { dependence, isView, part, reach } from './slots';

/** A scan that was not made into a node yet. */
export interface ScanCall {
  readonly attrs: ScanAttrs;
  readonly inputs: readonly Node[];
}

export interface ScanSplit {
  /** The scan of what is known; after its own outputs come the stored values. */
  readonly known: ScanCall;
  /** Given the outputs of the first: the rest, whose whole carry is unknown. */
  readonly rest: (known: readonly Node[]) => ScanCall;
  /** For each output of the whole, whether the rest gives it, and which output of its scan it is. */
  readonly outputs: readonly { readonly rest: boolean; readonly index: number }[];
  /** For each input of the rest, which input of the whole it is, -1 for stored values. */
  readonly restInputs: readonly number[];
}

/** The avals of all outputs of a scan with these carried and stacked results. */
export function scanOuts(carry: readonly ShapeDtype[], results: readonly ShapeDtype[], length: number): ShapeDtype[] {
  return [...carry, ...results.map(({ shape, dtype }) => ({ shape: [length, ...shape], dtype }))];
}

/** Which entries of the carry depend on unknown inputs in some step. */
export function unknownCarry({ body, carry }: ScanAttrs, unknown: readonly boolean[]): { depends: Uint8Array; marked: boolean[] } {
  const marked = [...unknown];
  for (;;) {
    const depends = dependence(body.recording, marked);
    let grown = false;
    for (let k = 0; k < carry; k++) {
      if (marked[k] || depends[body.recording.outputs[k]] === 0) continue;
      marked[k] = true;
      grown = true;
    }
    if (!grown) return { depends, marked };
  }
}

/** Splits a scan; `unknown` marks inputs. */
export function splitScan({ attrs, inputs }: ScanCall, unknown: readonly boolean[]): ScanSplit {
  const { body, carry, xs, length, reverse } = attrs;
  const { recording } = body;
  const { arity, outputs } = recording;
  const { depends, marked } = unknownCarry(attrs, unknown);
  const isConstant = constantSlots(attrs, depends, marked);
  const resultSlots = outputs.slice(carry);
  const isRow = (slot: number): boolean => slot >= carry && slot < carry + xs;

  // Stored values are read where they are nothing but views of something, and not kept where they do not change from step to step.
  const cut = (slot: number): boolean => depends[slot] === 0 && isConstant[slot] === 0 && !isView(recording, slot);
  const unknownResults = resultSlots.map((slot) => depends[slot] === 1);
  const carryOut = outputs.slice(0, carry);
  const restOutputs = [...carryOut.filter((_, k) => marked[k]), ...resultSlots.filter((_, k) => unknownResults[k])];
  const met = reach(recording, restOutputs, cut);
  const all = Array.from({ length: arity }, (_, slot) => slot);
  const stored = [...met.inputs].filter((slot) => !isRow(slot) && depends[slot] === 0 && (slot < carry || slot >= arity));
  const avals = slotAvals(attrs);

  const knownInputs = all.filter((slot) => !marked[slot]);
  const knownCarry = positions(marked.slice(0, carry).map((flag) => !flag));
  const knownResults = positions(unknownResults.map((flag) => !flag));
  const knownSlots = [...pick(carryOut, knownCarry), ...pick(resultSlots, knownResults), ...stored];
  const knownXs = knownInputs.filter(isRow).length;
  const known: ScanCall = {
    inputs: pick(inputs, knownInputs),
    attrs: {
      kind: 'scan',
      body: {
        recording: part(recording, knownInputs, knownSlots),
        inputs: pick(body.inputs, knownInputs),
        outputs: knownSlots.map(avals),
      },
      carry: knownCarry.length,
      xs: knownXs,
      length,
      reverse,
      outs: scanOuts(pick(carryOut, knownCarry).map(avals), knownSlots.slice(knownCarry.length).map(avals), length),
      shared: sharedOfKnown(attrs, knownInputs, knownCarry, knownResults),
    },
  };

  const unknownXs = all.filter((slot) => isRow(slot) && marked[slot]);
  const readXs = all.filter((slot) => isRow(slot) && !marked[slot] && met.inputs.has(slot));
  const constants = all.filter((slot) => slot >= carry + xs && (marked[slot] || met.inputs.has(slot)));
  const restCarry = positions(marked.slice(0, carry));
  const restSlots = [...restCarry, ...unknownXs, ...readXs, ...stored, ...constants];
  const restBody = {
    recording: part(recording, restSlots, restOutputs),
    inputs: restSlots.map(avals),
    outputs: restOutputs.map(avals),
  };
  const restAttrs: ScanAttrs = {
    kind: 'scan',
    body: restBody,
    carry: restCarry.length,
    xs: unknownXs.length + readXs.length + stored.length,
    length,
    reverse,
    outs: scanOuts(restBody.outputs.slice(0, restCarry.length), restBody.outputs.slice(restCarry.length), length),
    shared: null,
  };
  const firstStored = knownCarry.length + knownResults.length;
  const rest = (values: readonly Node[]): ScanCall => ({
    attrs: restAttrs,
    inputs: [
      ...pick(inputs, restCarry),
      ...pick(inputs, unknownXs),
      ...pick(inputs, readXs),
      ...values.slice(firstStored),
      ...pick(inputs, constants),
    ],
  });
  const places = { rest: 0, known: 0 };
  const place = (isRest: boolean) => ({ rest: isRest, index: isRest ? places.rest++ : places.known++ });
  return {
    known,
    rest,
    outputs: [...carryOut.map((_, k) => place(marked[k])), ...unknownResults.map(place)],
    restInputs: [...restCarry, ...unknownXs, ...readXs, ...stored.map(() => -1), ...constants],
  };
}

/** By slot: whether a known value is the same in each step. */
function constantSlots({ body, carry, xs }: ScanAttrs, depends: Uint8Array, marked: readonly boolean[]): Uint8Array {
  const { recording } = body;
  const varying = dependence(
    recording,
    marked.map((unknown, slot) => unknown || slot < carry + xs),
  );
  return varying.map((varies, slot) => (varies === 0 && depends[slot] === 0 ? 1 : 0));
}

/** The shape and dtype of any slot of a scan's body. */
function slotAvals({ body }: ScanAttrs): (slot: number) => ShapeDtype {
  const { inputs, recording } = body;
  return (slot) => {
    const { shape, dtype } = slot < recording.arity ? inputs[slot] : recording.instructions[slot - recording.arity];
    return { shape, dtype };
  };
}

function sharedOfKnown(
  { shared, carry }: ScanAttrs,
  knownInputs: readonly number[],
  knownCarry: readonly number[],
  knownResults: readonly number[],
): ScanAttrs['shared'] {
  if (shared === null) return null;
  const inputs = shared.inputs.map((slot) => knownInputs.indexOf(slot));
  const outputs = shared.outputs.map((at) => {
    if (at < carry) return knownCarry.indexOf(at);
    const result = knownResults.indexOf(at - carry);
    return result < 0 ? -1 : knownCarry.length + result;
  });
  return [...inputs, ...outputs].includes(-1) ? null : { token: shared.token, inputs, outputs };
}
