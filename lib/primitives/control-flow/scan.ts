/** `scan`: a function applied step by step, with a carry that goes from each step to the next. */

import { Node, onDevice, type ShapeDtype } from '../../graph/node';
import { batchNodes, toBatch } from '../../transforms/batch';
import { jvpNodes, type TangentUse, tangentUse } from '../../transforms/forward';
import { pullback } from '../../transforms/reverse';
import { add } from '../binary';
import { placeholder, projections } from '../control';
import { zeros } from '../generators';
import { moveaxis } from '../movement';
import { definePrimitive, type Tangent } from '../primitive';
import { batchedInput } from '../rules';
import { nodeDtype, type ScanAttrs, sharedBatch } from './attributes';
import { applyBody, avalOf, type Body, denseLike, pick, placedAt, positions, traceBody } from './body';
import { type ScanCall, scanOuts, splitScan, unknownCarry } from './scan-split';

const scanNode = definePrimitive<ScanAttrs>({
  name: 'scan',
  several: true,
  lowering: { kind: 'control' },
  infer: (_inputs, { outs }) => outs,
  jvp: (node, tangents, attrs) => scanTangents({ attrs, inputs: node.inputs }, tangents, tangentUse()),
  transpose: (cotangents, node, linear, attrs) => transposeScan({ attrs, inputs: node.inputs }, cotangents, linear),
  vmap: batchScan,
});

/** The outputs of a scan. */
export function scan({ attrs, inputs }: ScanCall): Node[] {
  return projections(new Node(scanNode, inputs, attrs, [], nodeDtype(attrs.outs, inputs)));
}

// ---------------------------------------------------------------------------------------------------------------------

/** The tangents of all outputs of a scan. */
export function scanTangents(call: ScanCall, tangents: readonly Tangent[], use: TangentUse): Tangent[] {
  const { joint, outputs } = jointScan(call, tangents, use);
  const at = positions(outputs.map((index) => index >= 0));
  const wanted = pick(outputs, at);
  if (wanted.length === 0) return outputs.map(() => null);
  if (use === 'result') return placedAt(outputs.length, at, pick(scan(joint), wanted));
  const split = splitScan(joint, joint.unknown);
  const known = scan(split.known);
  const rest = scan(split.rest(known));
  const results = wanted.map((index) => split.outputs[index]).map((place) => (place.rest ? rest : known)[place.index]);
  return placedAt(outputs.length, at, results);
}

/** The same scan with tangents beside the values, and which of its outputs is the tangent of each output: -1 for none. */
function jointScan(
  { attrs, inputs }: ScanCall,
  tangents: readonly Tangent[],
  use: TangentUse,
): { joint: ScanCall & { unknown: boolean[] }; outputs: number[] } {
  const { body, carry, xs, length, reverse, shared } = attrs;
  const live = tangents.map((tangent) => tangent !== null);
  for (;;) {
    const groups = [
      [0, carry],
      [carry, carry + xs],
      [carry + xs, inputs.length],
    ].map(([from, to]) => {
      const primals = Array.from({ length: to - from }, (_, i) => from + i);
      return { primals, moving: primals.filter((i) => live[i]) };
    });
    const liveOut: boolean[] = [];
    const order = groups.flatMap(({ primals, moving }) => [
      ...primals.map((slot) => ({ slot, tangent: false })),
      ...moving.map((slot) => ({ slot, tangent: true })),
    ]);
    const { body: jointBody, captured } = traceBody(
      'scan',
      (given) => {
        const primals = new Array<Node>(inputs.length);
        const directions = new Array<Tangent>(inputs.length).fill(null);
        order.forEach(({ slot, tangent }, i) => {
          if (tangent) directions[slot] = given[i];
          else primals[slot] = given[i];
        });
        const made = jvpNodes((values) => applyBody(body, values), primals, directions, use);
        liveOut.push(...made.tangents.map((tangent) => tangent !== null));
        const moved = made.tangents.map((tangent, i) => denseLike(tangent, body.outputs[i]));
        return [
          ...made.outputs.slice(0, carry),
          ...groups[0].moving.map((k) => moved[k]),
          ...made.outputs.slice(carry),
          ...positions(liveOut)
            .filter((i) => i >= carry)
            .map((i) => moved[i]),
        ];
      },
      order.map(({ slot }) => body.inputs[slot]),
    );
    let grown = false;
    for (let k = 0; k < carry; k++) {
      if (!liveOut[k] || live[k]) continue;
      live[k] = true;
      grown = true;
    }
    if (grown) continue;

    const moving = groups[0].moving;
    const jointCarry = carry + moving.length;
    const results = body.outputs.length - carry;
    const movingResults = positions(liveOut).filter((i) => i >= carry);
    const outputs = body.outputs.map((_, i) => {
      if (i < carry) return moving.includes(i) ? carry + moving.indexOf(i) : -1;
      return liveOut[i] ? jointCarry + results + movingResults.indexOf(i) : -1;
    });
    const jointInputs = order.map(({ slot, tangent }) => (tangent ? denseLike(tangents[slot], inputs[slot]) : inputs[slot]));
    const place = (slot: number): number => order.findIndex((entry) => entry.slot === slot && !entry.tangent);
    const joint: ScanCall & { unknown: boolean[] } = {
      inputs: [...jointInputs, ...captured],
      unknown: [...order.map(({ tangent }) => tangent), ...captured.map(() => false)],
      attrs: {
        kind: 'scan',
        body: jointBody,
        carry: jointCarry,
        xs: xs + groups[1].moving.length,
        length,
        reverse,
        outs: scanOuts(jointBody.outputs.slice(0, jointCarry), jointBody.outputs.slice(jointCarry), length),
        shared: shared && {
          token: shared.token,
          inputs: shared.inputs.map(place),
          outputs: shared.outputs.map((i) => (i < carry ? i : i + moving.length)),
        },
      },
    };
    return { joint, outputs };
  }
}

// ---------------------------------------------------------------------------------------------------------------------

/** The cotangents of the linear inputs of a scan. */
export function transposeScan(call: ScanCall, cotangents: readonly Tangent[], linear: readonly boolean[]): Tangent[] {
  const { attrs, inputs } = call;
  const { marked } = unknownCarry(attrs, linear);
  const { carry } = attrs;
  if (marked.slice(0, carry).every(Boolean)) {
    return transposeLinear(
      call,
      attrs.outs.map((_, i) => cotangents[i] ?? null),
      marked,
    );
  }
  const split = splitScan(call, linear);
  const rest = split.rest(scan(split.known));
  const given = new Array<Tangent>(rest.attrs.outs.length).fill(null);
  split.outputs.forEach((place, i) => {
    if (place.rest) given[place.index] = cotangents[i] ?? null;
  });
  const restLinear = split.restInputs.map((slot) => slot >= 0 && marked[slot]);
  const found = transposeLinear(rest, given, restLinear);
  const result = new Array<Tangent>(inputs.length).fill(null);
  split.restInputs.forEach((slot, i) => {
    if (slot >= 0) result[slot] = found[i];
  });
  return result;
}

/**
 * The transpose of a scan whose whole carry is linear: a scan in the other direction that carries the cotangents of the
 * carry, and the sums of those of the constants.
 */
function transposeLinear({ attrs, inputs }: ScanCall, cotangents: readonly Tangent[], linear: readonly boolean[]): Tangent[] {
  const { body, carry, xs, length, reverse } = attrs;
  const all = inputs.map((_, i) => i);
  const linearXs = all.filter((i) => i >= carry && i < carry + xs && linear[i]);
  const readXs = all.filter((i) => i >= carry && i < carry + xs && !linear[i]);
  const linearConstants = all.filter((i) => i >= carry + xs && linear[i]);
  const readConstants = all.filter((i) => i >= carry + xs && !linear[i]);
  const givenResults = positions(cotangents.map((cotangent, i) => i >= carry && cotangent !== null));
  const carried = [...all.slice(0, carry), ...linearConstants];
  const moving = [...all.slice(0, carry), ...linearXs, ...linearConstants];

  const avals = [
    ...pick(body.inputs, carried),
    ...pick(body.outputs, givenResults),
    ...pick(body.inputs, readXs),
    ...pick(body.inputs, readConstants),
  ];
  const { body: reversed, captured } = traceBody(
    'scan',
    (given) => {
      const rest = given.values();
      const take = (count: number): Node[] => Array.from({ length: count }, () => rest.next().value as Node);
      const carryCotangents = take(carry);
      const sums = take(linearConstants.length);
      const results = placedAt(body.outputs.length, givenResults, take(givenResults.length));
      const values = new Array<Node>(inputs.length);
      for (const i of [...readXs, ...readConstants]) values[i] = rest.next().value as Node;
      const trace = { transform: 'vjp', active: true };
      const placeholders = moving.map((i) => {
        const { shape, dtype } = body.inputs[i];
        values[i] = placeholder(shape, dtype, trace);
        return values[i];
      });
      const outputs = applyBody(body, values);
      trace.active = false;
      const found = pullback({ placeholders, tangents: outputs }, [...carryCotangents, ...results.slice(carry)]);
      const of = (i: number): Tangent => found[moving.indexOf(i)];
      return [
        ...carryCotangents.map((_, k) => denseLike(of(k), body.inputs[k])),
        ...sums.map((sum, k) => {
          const term = of(linearConstants[k]);
          return term === null ? sum : onDevice(term.device, () => add(sum, term));
        }),
        ...linearXs.map((i) => denseLike(of(i), body.inputs[i])),
      ];
    },
    avals,
  );
  const outputs = scan({
    inputs: [
      ...all.slice(0, carry).map((k) => denseLike(cotangents[k], body.inputs[k])),
      ...linearConstants.map((i) => zeros(inputs[i].shape, inputs[i].dtype)),
      ...pick(cotangents, givenResults).map((cotangent) => cotangent as Node),
      ...pick(inputs, readXs),
      ...pick(inputs, readConstants),
      ...captured,
    ],
    attrs: {
      kind: 'scan',
      body: reversed,
      carry: carried.length,
      xs: givenResults.length + readXs.length,
      length,
      reverse: !reverse,
      outs: scanOuts(reversed.outputs.slice(0, carried.length), reversed.outputs.slice(carried.length), length),
      shared: null,
    },
  });
  const result = new Array<Tangent>(inputs.length).fill(null);
  [...carried, ...linearXs].forEach((i, k) => {
    result[i] = outputs[k];
  });
  return result;
}

// ---------------------------------------------------------------------------------------------------------------------

/** A body on batches. `grow` is told which outputs came out mapped; those in `always` are mapped in any case. */
export function batchBody(
  transform: string,
  body: Body,
  mapped: readonly boolean[],
  size: number,
  always: readonly boolean[],
): { body: Body; captured: readonly Node[]; mapped: boolean[] } {
  let outMapped: boolean[] = [];
  const avals = body.inputs.map((aval, i): ShapeDtype => (mapped[i] ? { shape: [size, ...aval.shape], dtype: aval.dtype } : avalOf(aval)));
  const traced = traceBody(
    transform,
    (given) => {
      const results = batchNodes((values) => applyBody(body, values), given, mapped, size);
      outMapped = results.map((result, i) => result.mapped || always[i] === true);
      return results.map((result, i) => (always[i] === true ? toBatch(result, size) : result.node));
    },
    avals,
  );
  return { ...traced, mapped: outMapped };
}

function batchScan(
  inputs: readonly Node[],
  mapped: readonly boolean[],
  size: number,
  attrs: ScanAttrs,
): readonly { node: Node; mapped: boolean }[] {
  const { carry, xs, length, reverse } = attrs;
  const flags = [...mapped];
  let traced = batchBody('scan', attrs.body, flags, size, flags.slice(0, carry));
  while (traced.mapped.slice(0, carry).some((out, k) => out && !flags[k])) {
    for (let k = 0; k < carry; k++) flags[k] ||= traced.mapped[k];
    traced = batchBody('scan', attrs.body, flags, size, flags.slice(0, carry));
  }
  const { body } = traced;
  const given = inputs.map((input, i) => {
    if (i < carry) return flags[i] ? batchedInput(input, mapped[i], size) : input;
    return i < carry + xs && mapped[i] ? moveaxis(input, 0, 1) : input;
  });
  const outputs = scan({
    inputs: [...given, ...traced.captured],
    attrs: {
      kind: 'scan',
      body,
      carry,
      xs,
      length,
      reverse,
      outs: scanOuts(body.outputs.slice(0, carry), body.outputs.slice(carry), length),
      shared: sharedBatch(attrs.shared, mapped, size),
    },
  });
  return outputs.map((node, i) => {
    const isMapped = traced.mapped[i];
    return { node: isMapped && i >= carry ? moveaxis(node, 1, 0) : node, mapped: isMapped };
  });
}
