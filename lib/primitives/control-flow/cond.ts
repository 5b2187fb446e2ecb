/** `cond`: one of two functions of the same operands, of which only the chosen one is computed. */

import { Node, onDevice, type ShapeDtype } from '../../graph/node';
import { jvpNodes, type TangentUse, tangentUse } from '../../transforms/forward';
import { pullback } from '../../transforms/reverse';
import { placeholder, projections } from '../control';
import { zeros } from '../generators';
import { broadcastTo, reshape } from '../movement';
import { definePrimitive, type Tangent } from '../primitive';
import { where } from '../select';
import { type CondAttrs, nodeDtype, sharedBatch } from './attributes';
import { applyBody, type Body, closed, denseLike, pick, placedAt, positions, type Traced, traceBody } from './body';
import { batchBody } from './scan';
import { dependence, isView, part, reach } from './slots';

/** A choice that was not made into a node yet. */
export interface CondCall {
  readonly attrs: CondAttrs;
  /** A bool without axes, then the operands. */
  readonly inputs: readonly Node[];
}

const condNode = definePrimitive<CondAttrs>({
  name: 'cond',
  several: true,
  lowering: { kind: 'control' },
  infer: (_inputs, { outs }) => outs,
  jvp: (node, tangents, attrs) => condTangents({ attrs, inputs: node.inputs }, tangents, tangentUse()),
  transpose: (cotangents, node, linear, attrs) => transposeCond({ attrs, inputs: node.inputs }, cotangents, linear),
  vmap: batchCond,
});

/** The outputs of the chosen function. */
export function cond({ attrs, inputs }: CondCall): Node[] {
  return projections(new Node(condNode, inputs, attrs, [], nodeDtype(attrs.outs, inputs)));
}

/** A choice between two functions that were traced on the same operands, and captured what they needed. */
export function choose(predicate: Node, onTrue: Traced, onFalse: Traced, operands: readonly Node[]): CondCall {
  const [first, second] = aligned(onTrue, onFalse, operands.length);
  return {
    attrs: { kind: 'cond', onTrue: first, onFalse: second, outs: first.outputs, shared: null },
    inputs: [predicate, ...operands, ...onTrue.captured, ...onFalse.captured],
  };
}

/** Two bodies that take each other's captured nodes too. */
function aligned(onTrue: Traced, onFalse: Traced, operands: number): [Body, Body] {
  const own = onTrue.captured;
  const other = onFalse.captured;
  const avals = [...onTrue.body.inputs.slice(0, operands), ...own, ...other];
  const widen = ({ body }: Traced, slots: readonly number[]): Body => {
    // Slots of what it takes keep their order in the wider list.
    const { arity, instructions, outputs } = body.recording;
    const shift = (slot: number): number => (slot < arity ? slots[slot] : slot - arity + avals.length);
    return closed(
      {
        arity: avals.length,
        captured: [],
        instructions: instructions.map((instruction) => ({ ...instruction, inputs: instruction.inputs.map(shift) })),
        outputs: outputs.map(shift),
      },
      avals,
      body.outputs,
    ).body;
  };
  const given = Array.from({ length: operands }, (_, i) => i);
  return [
    widen(onTrue, [...given, ...own.map((_, i) => operands + i)]),
    widen(onFalse, [...given, ...other.map((_, i) => operands + own.length + i)]),
  ];
}

// ---------------------------------------------------------------------------------------------------------------------

/** The tangents of all outputs of a choice. */
function condTangents({ attrs, inputs }: CondCall, tangents: readonly Tangent[], use: TangentUse): Tangent[] {
  const [predicate, ...operands] = inputs;
  const given = tangents.slice(1);
  const live = positions(given.map((tangent) => tangent !== null));
  const { outs, shared } = attrs;
  const liveOut = outs.map(() => false);
  const trace = (body: Body, wanted: readonly number[]): Traced =>
    traceBody(
      'cond',
      (nodes) => {
        const primals = nodes.slice(0, operands.length);
        const made = jvpNodes(
          (values) => applyBody(body, values),
          primals,
          placedAt(operands.length, live, nodes.slice(operands.length)),
          use,
        );
        made.tangents.forEach((tangent, i) => {
          if (tangent !== null) liveOut[i] = true;
        });
        return [...made.outputs, ...wanted.map((i) => denseLike(made.tangents[i], outs[i]))];
      },
      [...body.inputs, ...pick(body.inputs, live)],
    );
  // Once to learn which outputs have tangents in either branch.
  trace(attrs.onTrue, []);
  trace(attrs.onFalse, []);
  const wanted = positions(liveOut);
  if (wanted.length === 0) return outs.map(() => null);
  const call = choose(predicate, trace(attrs.onTrue, wanted), trace(attrs.onFalse, wanted), [
    ...operands,
    ...live.map((i) => given[i] as Node),
  ]);
  const joint: CondCall = { ...call, attrs: { ...call.attrs, shared } };
  if (use === 'result') return placedAt(outs.length, wanted, cond(joint).slice(outs.length));
  const unknown = joint.inputs.map((_, i) => i > operands.length && i <= operands.length + live.length);
  return placedAt(outs.length, wanted, restOf(joint, unknown, outs.length));
}

/** The outputs from `first` on of a choice: they alone depend on the inputs marked unknown, and what they read is stored where the rest is computed. */
function restOf({ attrs, inputs }: CondCall, unknown: readonly boolean[], first: number): Node[] {
  const branches = [attrs.onTrue, attrs.onFalse];
  const flags = unknown.slice(1);
  const readings = branches.map(({ recording }) => {
    const depends = dependence(recording, flags);
    const outputs = recording.outputs.slice(first);
    const { inputs: met } = reach(recording, outputs, (slot) => depends[slot] === 0 && !isFree(recording, slot));
    return { outputs, met, stored: [...met].filter((slot) => slot >= recording.arity) };
  });
  // Values of one shape and dtype that the branches store share an output: only one of them is ever there.
  const avals: ShapeDtype[] = [];
  const places = branches.map(({ recording }, k) => {
    const taken = new Set<number>();
    return readings[k].stored.map((slot) => {
      const { shape, dtype } = recording.instructions[slot - recording.arity];
      let at = avals.findIndex((aval, i) => !taken.has(i) && aval.dtype === dtype && String(aval.shape) === String(shape));
      if (at < 0) at = avals.push({ shape, dtype }) - 1;
      taken.add(at);
      return at;
    });
  });
  const operands = inputs.slice(1);
  const knownAt = positions(flags.map((flag) => !flag));
  const known = branches.map((body, k): Traced => {
    const { recording } = body;
    const stored = readings[k].stored;
    const slots = [...recording.outputs.slice(0, first), ...stored];
    const small = part(recording, knownAt, slots);
    return traceBody(
      'cond',
      (given) => {
        const results = applyBody({ recording: small, inputs: [], outputs: [] }, given);
        const kept = avals.map(({ shape, dtype }, at) => {
          const i = places[k].indexOf(at);
          return i < 0 ? zeros(shape, dtype) : results[first + i];
        });
        return [...results.slice(0, first), ...kept];
      },
      pick(body.inputs, knownAt),
    );
  });
  const knownCall = choose(inputs[0], known[0], known[1], pick(operands, knownAt));
  const { shared } = attrs;
  const knownInputs = shared?.inputs.map((slot) => (slot === 0 ? 0 : 1 + knownAt.indexOf(slot - 1)));
  const residuals = cond({
    ...knownCall,
    attrs: { ...knownCall.attrs, shared: shared && knownInputs ? { ...shared, inputs: knownInputs } : null },
  }).slice(first);

  const read = positions(flags.map((flag, i) => flag || readings.some(({ met }) => met.has(i))));
  const rest = branches.map((body, k): Traced => {
    const { recording } = body;
    const { outputs, stored } = readings[k];
    const small = part(recording, [...read, ...stored], outputs);
    return traceBody(
      'cond',
      (given) =>
        applyBody({ recording: small, inputs: [], outputs: [] }, [
          ...given.slice(0, read.length),
          ...places[k].map((at) => given[read.length + at]),
        ]),
      [...pick(body.inputs, read), ...avals],
    );
  });
  return cond(choose(inputs[0], rest[0], rest[1], [...pick(operands, read), ...residuals]));
}

/** Values that are not worth storing: views, and what is made from nothing. */
function isFree(recording: Body['recording'], slot: number): boolean {
  if (slot < recording.arity) return false;
  return isView(recording, slot) || recording.instructions[slot - recording.arity].inputs.length === 0;
}

/** The cotangents of the linear operands: the transpose of the chosen function, which computes again what it reads. */
function transposeCond({ attrs, inputs }: CondCall, cotangents: readonly Tangent[], linear: readonly boolean[]): Tangent[] {
  const flags = linear.slice(1);
  const moving = positions(flags);
  const fixed = positions(flags.map((flag) => !flag));
  const given = positions(attrs.outs.map((_, i) => (cotangents[i] ?? null) !== null));
  const transposed = (body: Body): Traced =>
    traceBody(
      'cond',
      (nodes) => {
        const values = new Array<Node>(flags.length);
        fixed.forEach((at, i) => {
          values[at] = nodes[i];
        });
        const trace = { transform: 'vjp', active: true };
        const placeholders = moving.map((at) => {
          const { shape, dtype } = body.inputs[at];
          values[at] = placeholder(shape, dtype, trace);
          return values[at];
        });
        const tangents = applyBody(body, values);
        trace.active = false;
        const found = pullback({ placeholders, tangents }, placedAt(attrs.outs.length, given, nodes.slice(fixed.length)));
        return moving.map((at, i) => denseLike(found[i], body.inputs[at]));
      },
      [...pick(body.inputs, fixed), ...pick(attrs.outs, given)],
    );
  const operands = inputs.slice(1);
  const outputs = cond(
    choose(inputs[0], transposed(attrs.onTrue), transposed(attrs.onFalse), [
      ...pick(operands, fixed),
      ...pick(cotangents, given).map((cotangent) => cotangent as Node),
    ]),
  );
  return [null, ...placedAt(flags.length, moving, outputs)];
}

// ---------------------------------------------------------------------------------------------------------------------

function batchCond(
  inputs: readonly Node[],
  mapped: readonly boolean[],
  size: number,
  { onTrue, onFalse, shared, outs }: CondAttrs,
): readonly { node: Node; mapped: boolean }[] {
  const [predicate, ...operands] = inputs;
  const flags = mapped.slice(1);
  const batch = (body: Body, always: readonly boolean[]) => batchBody('cond', body, flags, size, always);
  const [first, second] = [batch(onTrue, []), batch(onFalse, [])];
  const all = outs.map((_, i) => mapped[0] || first.mapped[i] || second.mapped[i]);
  const [yes, no] = [batch(onTrue, all), batch(onFalse, all)];
  if (mapped[0]) {
    // The lanes choose for themselves, so both are computed.
    const results = [yes, no].map(({ body, captured }) => applyBody(body, [...operands, ...captured]));
    return outs.map((_, i) => ({ node: select(predicate, results[0][i], results[1][i]), mapped: true }));
  }
  const call = choose(predicate, yes, no, operands);
  const outputs = cond({ ...call, attrs: { ...call.attrs, shared: sharedBatch(shared, mapped, size) } });
  return outputs.map((node, i) => ({ node, mapped: all[i] }));
}

/** For each lane, `x` where the predicate of the lane is true, else `y`. */
export function select(predicate: Node, x: Node, y: Node): Node {
  const lanes = [...predicate.shape, ...new Array<number>(x.shape.length - predicate.shape.length).fill(1)];
  return onDevice(x.device, () => where(broadcastTo(reshape(predicate, lanes), x.shape), x, y));
}
