/** Primitives that hold a function on nodes: recomputed, compiled, with rules of the user's, or with a transpose of its own. */

import type { Graph } from '../graph/graph';
import { Node, type ShapeDtype } from '../graph/node';
import { type Batched, batchNodes, toBatch } from '../transforms/batch';
import { jvpNodes, type NodeFunction, tangentUse } from '../transforms/forward';
import { checkLinear } from '../transforms/linearity';
import { type Recording, record, replay } from '../transforms/recording';
import { vjpNodes } from '../transforms/reverse';
import { firstId } from '../transforms/walk';
import { depends, identity, project } from './control';
import { zeros } from './generators';
import { definePrimitive, type Tangent } from './primitive';
import { sum } from './reduction';
import { internalError } from './rules';

function projections(node: Node, outs: readonly ShapeDtype[]): Node[] {
  return outs.map((_, index) => project(node, index));
}

function zerosOf({ shape, dtype }: ShapeDtype): Node {
  return zeros(shape, dtype);
}

/** Vectors as nodes: zeros where they are null. */
function dense(vectors: readonly Tangent[], like: readonly ShapeDtype[]): Node[] {
  return vectors.map((vector, i) => vector ?? zerosOf(like[i]));
}

/** A function on single examples as one on batches, whose results are all mapped. */
function batchFunction(run: NodeFunction, mapped: readonly boolean[], size: number): NodeFunction {
  return (inputs) => batchNodes(run, inputs, mapped, size).map((result) => toBatch(result, size));
}

function batchedOuts(outs: readonly ShapeDtype[], size: number): ShapeDtype[] {
  return outs.map(({ shape, dtype }) => ({ shape: [size, ...shape], dtype }));
}

const allMapped = (nodes: readonly unknown[]): boolean[] => nodes.map(() => true);
const asMapped = (nodes: readonly Node[]): Batched[] => nodes.map((node) => ({ node, mapped: true }));

// ---------------------------------------------------------------------------------------------------------------------

/** A function that is linear in its tangents, with its transpose. */
export interface LinearRule {
  forward(residuals: readonly Node[], tangents: readonly Node[]): readonly Tangent[];
  /** The cotangents of the tangents, from those of the outputs. */
  transpose(residuals: readonly Node[], cotangents: readonly Tangent[]): readonly Tangent[];
}

interface LinearCallAttrs {
  readonly rule: LinearRule;
  /** How many of the inputs are residuals; the rest are tangents. */
  readonly residuals: number;
  readonly outs: readonly ShapeDtype[];
  /** The forward function, if it was run already; what it captured then are the last residuals. */
  readonly recording: Recording | null;
}

function runLinear({ rule, residuals, outs, recording }: LinearCallAttrs, inputs: readonly Node[]): readonly Node[] {
  const given = inputs.slice(0, residuals);
  const tangents = inputs.slice(residuals);
  if (recording === null) return dense(rule.forward(given, tangents), outs);
  const own = residuals - recording.captured.length;
  return replay(recording, [...given.slice(0, own), ...tangents], given.slice(own));
}

function buildLinear(attrs: LinearCallAttrs, inputs: readonly Node[]): Node[] {
  return projections(new Node(linearCallNode, inputs, attrs, [], attrs.outs[0].dtype), attrs.outs);
}

const linearCallNode = definePrimitive<LinearCallAttrs>({
  name: 'linearCall',
  several: true,
  lowering: { kind: 'expand', expand: (inputs, attrs) => runLinear(attrs, inputs) },
  infer: (_inputs, { outs }) => outs,
  jvp(node, tangents, attrs) {
    const { residuals } = attrs;
    const primals = node.inputs;
    if (tangents.slice(0, residuals).every((tangent) => tangent === null)) {
      return buildLinear(attrs, [...primals.slice(0, residuals), ...dense(tangents.slice(residuals), primals.slice(residuals))]);
    }
    return jvpNodes((inputs) => runLinear(attrs, inputs), primals, tangents, tangentUse()).tangents;
  },
  transpose(cotangents, node, linear, { rule, residuals, outs }) {
    if (linear.slice(0, residuals).some(Boolean)) throw internalError('linearCall', 'is not linear in its residuals');
    const given = outs.map((_, i) => cotangents[i] ?? null);
    return [...linear.slice(0, residuals).map(() => null), ...rule.transpose(node.inputs.slice(0, residuals), given)];
  },
  vmap(inputs, mapped, size, attrs) {
    const { rule, residuals, outs } = attrs;
    const of = inputs.slice(0, residuals);
    const mappedResiduals = mapped.slice(0, residuals);
    const mappedTangents = mapped.slice(residuals);
    const batchedRule: LinearRule = {
      forward: (rs, ts) => batchFunction((xs) => runLinear(attrs, xs), mapped, size)([...rs, ...ts]),
      transpose(rs, cts) {
        const run: NodeFunction = (xs) => {
          const rest = xs.slice(rs.length).values();
          const given = cts.map((ct) => (ct === null ? null : (rest.next().value as Node)));
          const single = inputs.slice(residuals).map((t, i) => ({ shape: mappedTangents[i] ? t.shape.slice(1) : t.shape, dtype: t.dtype }));
          return dense(rule.transpose(xs.slice(0, rs.length), given), single);
        };
        const present = cts.filter((ct) => ct !== null);
        const results = batchNodes(run, [...rs, ...present], [...mappedResiduals, ...allMapped(present)], size);
        return results.map((result, i) => backToInput(result, mappedTangents[i], size));
      },
    };
    return asMapped(linearCall(batchedRule, of, inputs.slice(residuals), batchedOuts(outs, size)));
  },
});

/** The cotangent of an input of a batch: of one that all examples share, the sum of theirs. */
function backToInput(result: Batched, mapped: boolean, size: number): Node {
  const whole = toBatch(result, size);
  return mapped ? whole : sum(whole, [0]);
}

/**
 * Applies a function that is linear in `tangents`: its jvp and vmap come from `forward` itself, its transpose is the
 * rule's. `outs` are the shapes and dtypes of its results, all of them inexact.
 */
export function linearCall(rule: LinearRule, residuals: readonly Node[], tangents: readonly Node[], outs: readonly ShapeDtype[]): Node[] {
  return buildLinear({ rule, residuals: residuals.length, outs, recording: null }, [...residuals, ...tangents]);
}

/** The same, but `forward` is applied now, so that its errors come from where it was asked for. */
function linearCallNow(rule: LinearRule, residuals: readonly Node[], tangents: readonly Node[], outs: readonly ShapeDtype[]): Node[] {
  const tracers = [...residuals, ...tangents].map(identity);
  const results = dense(rule.forward(tracers.slice(0, residuals.length), tracers.slice(residuals.length)), outs);
  const recording = record(tracers, results, firstId(tracers));
  const given = [...residuals, ...recording.captured];
  return buildLinear({ rule, residuals: given.length, outs, recording }, [...given, ...tangents]);
}

// ---------------------------------------------------------------------------------------------------------------------

/** What the primitives that hold a function have in common. */
interface CallAttrs {
  /** Builds the results on any inputs. */
  readonly run: NodeFunction;
  readonly outs: readonly ShapeDtype[];
}

/** Positions of the entries that are not null. */
function present(vectors: readonly Tangent[]): number[] {
  return vectors.flatMap((vector, i) => (vector === null ? [] : [i]));
}

/** A list of `length` with vectors at some positions and null elsewhere. */
function spread(length: number, positions: readonly number[], vectors: readonly Tangent[]): Tangent[] {
  const all = new Array<Tangent>(length).fill(null);
  positions.forEach((position, i) => {
    all[position] = vectors[i];
  });
  return all;
}

/** Tangents of all outputs from those of the inexact ones. */
function withIntegers(outs: readonly ShapeDtype[], tangents: Iterator<Tangent>): Tangent[] {
  return outs.map(({ dtype }) => (dtype.inexact ? (tangents.next().value as Tangent) : null));
}

const checkpointNode = definePrimitive<CallAttrs>({
  name: 'checkpoint',
  several: true,
  lowering: { kind: 'expand', expand: (inputs, { run }) => run(inputs) },
  infer: (_inputs, { outs }) => outs,
  jvp(node, tangents, { run, outs }) {
    const at = present(tangents);
    const inexact = outs.filter(({ dtype }) => dtype.inexact);
    if (inexact.length === 0) return outs.map(() => null);
    const pick = (results: readonly Node[]): readonly Node[] => results.filter(({ dtype }) => dtype.inexact);
    const rule: LinearRule = {
      forward: (primals, ts) => jvpNodes((inputs) => pick(run(inputs)), primals, spread(primals.length, at, ts), tangentUse()).tangents,
      transpose(primals, cotangents) {
        // The inputs of the second computation wait for the cotangents, so nothing of it can be shared with the first
        // or begin before it is needed.
        const after = cotangents.filter((cotangent) => cotangent !== null);
        const again = primals.map((primal) => depends(primal, after));
        const wanted = at.map((position) => again[position]);
        return vjpNodes(() => pick(run(again)), wanted, cotangents);
      },
    };
    const live = at.map((position) => tangents[position] as Node);
    return withIntegers(outs, linearCall(rule, node.inputs, live, inexact).values());
  },
  vmap: (inputs, mapped, size, { run, outs }) => asMapped(checkpoint(batchFunction(run, mapped, size), inputs, batchedOuts(outs, size))),
});

/** Applies a function whose intermediates are computed again for its transpose instead of kept. */
export function checkpoint(run: NodeFunction, inputs: readonly Node[], outs: readonly ShapeDtype[]): Node[] {
  return projections(new Node(checkpointNode, inputs, { run, outs } satisfies CallAttrs, [], outs[0].dtype), outs);
}

// ---------------------------------------------------------------------------------------------------------------------

/** The user's rules of a function, on nodes. Results are checked. Captured inputs have no part in them. */
export interface CustomRules {
  vjp?(primals: readonly Node[], cotangents: readonly Node[], outputs: readonly Node[]): readonly Tangent[];
  jvp?(primals: readonly Node[], tangents: readonly Node[]): readonly Tangent[];
  vmap?(inputs: readonly Node[], mapped: readonly boolean[], size: number): readonly Batched[];
}

interface CustomCallAttrs extends CallAttrs {
  readonly rules: CustomRules;
  /** How many of the inputs are arguments; the rest are captured. */
  readonly args: number;
}

function customJvp(node: Node, tangents: readonly Tangent[], { run, outs, rules, args }: CustomCallAttrs): readonly Tangent[] {
  const inputs = node.inputs;
  if (rules.vjp === undefined && rules.jvp === undefined) return jvpNodes(run, inputs, tangents, tangentUse()).tangents;
  const primals = inputs.slice(0, args);
  // Captured inputs take part in the derivative of the function itself, and in no rule.
  const at = present(rules.jvp === undefined ? tangents : tangents.slice(0, args));
  const inexact = outs.filter(({ dtype }) => dtype.inexact);
  if (at.length === 0 || inexact.length === 0) return outs.map(() => null);
  const live = at.map((position) => tangents[position] as Node);
  const byJvp = rules.jvp?.bind(rules);
  const byVjp = rules.vjp?.bind(rules);
  const forward = (all: readonly Node[], ts: readonly Node[]): readonly Tangent[] => {
    const spreaded = spread(inputs.length, at, ts);
    if (byJvp !== undefined) return inexactOf(outs, byJvp(all.slice(0, args), dense(spreaded.slice(0, args), primals)));
    return inexactOf(outs, jvpNodes(run, all.slice(0, inputs.length), spreaded, tangentUse()).tangents);
  };
  if (byVjp === undefined) {
    if (tangentUse() === 'result') return withIntegers(outs, forward(inputs, live).values());
    const tracers = live.map(identity);
    const results = forward(inputs, tracers);
    checkLinear(results, tracers);
    return withIntegers(outs, results.values());
  }
  const rule: LinearRule = {
    forward,
    transpose(all, cotangents) {
      const given = dense(withIntegers(outs, cotangents.values()), outs);
      const results = byVjp(all.slice(0, args), given, all.slice(inputs.length, inputs.length + outs.length));
      return at.map((position) => (position < args ? results[position] : null));
    },
  };
  const residuals = [...inputs, ...projections(node, outs)];
  const call = tangentUse() === 'result' ? linearCallNow : linearCall;
  return withIntegers(outs, call(rule, residuals, live, inexact).values());
}

function inexactOf(outs: readonly ShapeDtype[], vectors: readonly Tangent[]): Tangent[] {
  return vectors.filter((_, i) => outs[i].dtype.inexact);
}

/** The rules as rules for batches. An argument that is not mapped is shared by the examples: its cotangent is a sum. */
function batchRules(rules: CustomRules, mapped: readonly boolean[], size: number, outs: readonly ShapeDtype[]): CustomRules {
  const { vjp, jvp } = rules;
  const outMapped = allMapped(outs);
  return {
    ...(vjp && {
      vjp(primals: readonly Node[], cotangents: readonly Node[], outputs: readonly Node[]): readonly Node[] {
        const n = primals.length;
        const run: NodeFunction = (xs) => {
          const single = xs.slice(0, n);
          return dense(vjp.call(rules, single, xs.slice(n, n + outs.length), xs.slice(n + outs.length)), single);
        };
        const results = batchNodes(run, [...primals, ...cotangents, ...outputs], [...mapped, ...outMapped, ...outMapped], size);
        return results.map((result, i) => backToInput(result, mapped[i], size));
      },
    }),
    ...(jvp && {
      jvp(primals: readonly Node[], tangents: readonly Node[]): readonly Node[] {
        const n = primals.length;
        const run: NodeFunction = (xs) => dense(jvp.call(rules, xs.slice(0, n), xs.slice(n)), outs);
        return batchFunction(run, [...mapped, ...mapped], size)([...primals, ...tangents]);
      },
    }),
  };
}

const customCallNode = definePrimitive<CustomCallAttrs>({
  name: 'customFunction',
  several: true,
  lowering: { kind: 'expand', expand: (inputs, { run }) => run(inputs) },
  infer: (_inputs, { outs }) => outs,
  jvp: customJvp,
  vmap(inputs, mapped, size, { run, outs, rules, args }) {
    if (rules.vmap !== undefined && mapped.slice(args).every((captured) => !captured)) {
      return rules.vmap(inputs.slice(0, args), mapped.slice(0, args), size);
    }
    const batched = batchRules(rules, mapped.slice(0, args), size, outs);
    return asMapped(customCall(batchFunction(run, mapped, size), batched, inputs, args, batchedOuts(outs, size)));
  },
});

/** Applies a function that has rules of the user's. The first `args` inputs are its arguments, the rest it captured. */
export function customCall(
  run: NodeFunction,
  rules: CustomRules,
  inputs: readonly Node[],
  args: number,
  outs: readonly ShapeDtype[],
): Node[] {
  const attrs: CustomCallAttrs = { run, outs, rules, args };
  return projections(new Node(customCallNode, inputs, attrs, [], outs[0].dtype), outs);
}

// ---------------------------------------------------------------------------------------------------------------------

interface CompiledAttrs extends CallAttrs {
  /** The evaluator runs it as a plan of its own. */
  readonly graph: Graph;
}

const compiledNode = definePrimitive<CompiledAttrs>({
  name: 'compiled',
  several: true,
  lowering: { kind: 'compiled' },
  infer: (_inputs, { outs }) => outs,
  jvp: (node, tangents, { run }) => jvpNodes(run, node.inputs, tangents, tangentUse()).tangents,
  vmap: (inputs, mapped, size, { run }) => batchNodes(run, inputs, mapped, size),
});

/** Applies a compiled function. `run` builds the same as plain nodes, for transforms. */
export function compiledCall(graph: Graph, run: NodeFunction, inputs: readonly Node[]): Node[] {
  const outs = graph.outputs.map(({ shape, dtype }) => ({ shape, dtype }));
  const attrs: CompiledAttrs = { graph, run, outs };
  return projections(new Node(compiledNode, inputs, attrs, [], outs[0].dtype), outs);
}
