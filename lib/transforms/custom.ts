/** `customFunction`: a function with derivative and batching rules of the user's own. */

import { type array, nodeOf, wrap } from '../array';
import { rangeError, showShape, typeError } from '../errors';
import type { Node, ShapeDtype } from '../graph/node';
import { traceDepth } from '../graph/trace';
import { describe } from '../ops/arguments';
import { type CustomRules, customCall } from '../primitives/call';
import { zeros } from '../primitives/generators';
import { moveaxis } from '../primitives/movement';
import type { Tangent } from '../primitives/primitive';
import { sameShape } from '../shape';
import { arraysOf, mapArrays } from '../tree';
import { outputList } from './arguments';
import type { Batched } from './batch';
import { traceCall } from './call';
import { replay } from './recording';
import { type AnyFunction, callTraced, checkFunction, ownCopy } from './tracing';
import type { Bare, Outputs, Vectors } from './types';
import { matchVectors, type Nouns } from './vectors';
import { type AxisTree, axesOf, type PlacedAxis } from './vmap';

type MaybeBare<L> = L extends readonly unknown[] ? Bare<L> | L : never;

/** The function that `customFunction` returns: call it, and give it rules. Each rule setter returns the function. */
export interface CustomFunction<A extends readonly unknown[], R> {
  (...args: A): R;
  /**
   * Sets the rule of reverse mode: the gradients of the arguments from the cotangents of the outputs. One argument or
   * output is passed bare, several as a list.
   */
  vjp(rule: (primals: Bare<A>, cotangents: Bare<Outputs<R>>, outputs: Bare<Outputs<R>>) => MaybeBare<Vectors<A>>): CustomFunction<A, R>;
  /** Sets the rule of forward mode: the tangents of the outputs from those of the arguments, linear in them. */
  jvp(rule: (primals: Bare<A>, tangents: Bare<A>) => MaybeBare<Vectors<Outputs<R>>>): CustomFunction<A, R>;
  /**
   * Sets the batching rule: `[outputs, axes]` from batched arguments, whose axis is 0 or, for what is not mapped, null.
   */
  vmap(
    rule: (inputs: Bare<A>, axes: Bare<{ readonly [K in keyof A]: AxisTree }>) => readonly [outputs: unknown, axes: AxisTree],
  ): CustomFunction<A, R>;
}

type Rule = (...args: readonly unknown[]) => unknown;

interface UserRules {
  vjp?: Rule;
  jvp?: Rule;
  vmap?: Rule;
}

function bare(list: readonly unknown[]): unknown {
  return list.length === 1 ? list[0] : list;
}

/** A rule's result as a list with an entry for each reference. */
function asList(result: unknown, references: readonly unknown[]): unknown {
  if (references.length !== 1) return result;
  if (!Array.isArray(result)) return [result];
  const reference = references[0];
  // A single entry that is a list itself may be returned bare: then the result has its length and not its depth.
  const isBareList = Array.isArray(reference) && !(result.length === 1 && Array.isArray(result[0]) && !Array.isArray(reference[0]));
  return isBareList ? [result] : result;
}

/** One call of a custom function: the trees that the rules see, and the rules on nodes. */
class RuleSet {
  constructor(
    private readonly rules: UserRules,
    /** The arguments, and the outputs, with any handles in place of their arrays. */
    private readonly args: readonly unknown[],
    private readonly outputs: readonly unknown[],
    private readonly outs: readonly ShapeDtype[],
  ) {}

  onNodes(): CustomRules {
    const { vjp, jvp, vmap } = this.rules;
    return {
      ...(vjp && {
        vjp: (primals: readonly Node[], cts: readonly Node[], outputs: readonly Node[]) => this.vjp(vjp, primals, cts, outputs),
      }),
      ...(jvp && { jvp: (primals: readonly Node[], tangents: readonly Node[]) => this.jvp(jvp, primals, tangents) }),
      ...(vmap && { vmap: (inputs: readonly Node[], mapped: readonly boolean[], size: number) => this.vmap(vmap, inputs, mapped, size) }),
    };
  }

  private fill(trees: readonly unknown[], nodes: readonly Node[]): unknown[] {
    return mapArrays(trees, (_, i) => wrap(nodes[i])) as unknown[];
  }

  private vjp(rule: Rule, primals: readonly Node[], cotangents: readonly Node[], outputs: readonly Node[]): readonly Tangent[] {
    const given = this.fill(this.args, primals);
    const filled = this.fill(this.outputs, outputs);
    const result = callTraced('customFunction', rule, [bare(given), bare(this.fill(this.outputs, cotangents)), bare(filled)]);
    const nouns: Nouns = { where: 'customFunction', vector: "vjp rule's gradient", of: 'argument', nullable: true };
    const references = this.fill(this.args, primals);
    return matchVectors(nouns, references, asList(result, references));
  }

  private jvp(rule: Rule, primals: readonly Node[], tangents: readonly Node[]): readonly Tangent[] {
    const result = callTraced('customFunction', rule, [bare(this.fill(this.args, primals)), bare(this.fill(this.args, tangents))]);
    const nouns: Nouns = { where: 'customFunction', vector: "jvp rule's tangent", of: 'output', nullable: true };
    const references = this.fill(
      this.outputs,
      this.outs.map(({ shape, dtype }) => zeros(shape, dtype)),
    );
    return matchVectors(nouns, references, asList(result, references));
  }

  private vmap(rule: Rule, inputs: readonly Node[], mapped: readonly boolean[], size: number): readonly Batched[] {
    const axes = mapArrays(this.args, (_, i) => (mapped[i] ? 0 : null)) as unknown[];
    const result = callTraced('customFunction', rule, [bare(this.fill(this.args, inputs)), bare(axes)]);
    if (!Array.isArray(result) || result.length !== 2) {
      throw typeError('customFunction', `the vmap rule must return [outputs, axes], but returned ${describe(result)}`);
    }
    const references = this.outputs;
    const outputs = asList(result[0], references);
    if (!Array.isArray(outputs) || outputs.length !== references.length) {
      const count = Array.isArray(outputs) ? outputs.length : 1;
      throw rangeError('customFunction', `the vmap rule must return ${references.length} outputs, not ${count}`);
    }
    const outAxes: unknown = references.length === 1 && !Array.isArray(result[1]) ? [result[1]] : result[1];
    const nodes = arraysOf(outputs).map((leaf: array) => nodeOf(leaf, 'customFunction'));
    const places: PlacedAxis[] = [];
    axesOf("the vmap rule's axes", outAxes, outputs, 'its outputs', places);
    if (nodes.length !== this.outs.length) {
      throw rangeError('customFunction', `the vmap rule must return ${this.outs.length} arrays, not ${nodes.length}`);
    }
    return nodes.map((node, i) => this.batchedOutput(node, places[i].axis, this.outs[i], i, size));
  }

  private batchedOutput(node: Node, axis: number | null, { shape, dtype }: ShapeDtype, index: number, size: number): Batched {
    const rank = node.shape.length;
    const at = axis === null ? null : axis < 0 ? axis + rank : axis;
    if (at !== null && (at < 0 || at >= rank)) {
      throw rangeError('customFunction', `the vmap rule's axis ${axis} is out of range for its output of shape ${showShape(node.shape)}`);
    }
    const expected = at === null ? shape : [...shape.slice(0, at), size, ...shape.slice(at)];
    if (!sameShape(node.shape, expected)) {
      throw rangeError(
        'customFunction',
        `the vmap rule's output ${index} must have shape ${showShape(expected)}, not ${showShape(node.shape)}`,
      );
    }
    if (node.dtype !== dtype)
      throw typeError('customFunction', `the vmap rule's output ${index} must have dtype ${dtype}, not ${node.dtype}`);
    if (at === null) return { node, mapped: false };
    return { node: at === 0 ? node : moveaxis(node, at, 0), mapped: true };
  }
}

function callCustom(f: AnyFunction, rules: UserRules, args: readonly unknown[]): unknown {
  const plain = rules.vjp === undefined && rules.jvp === undefined && rules.vmap === undefined;
  // Without rules it is the function itself, and outside of every transform no rule ever applies.
  if (plain || traceDepth() === 0) return callTraced('customFunction', f, args.map(ownCopy));
  const { result, recording, inputs, outputs } = traceCall('customFunction', f, args);
  const list = outputList('customFunction', result);
  const outs = outputs.map(({ shape, dtype }) => ({ shape, dtype }));
  const structure = args.map((arg) => mapArrays(arg, (leaf) => leaf));
  const set = new RuleSet({ ...rules }, structure, list, outs);
  const run = (given: readonly Node[]): Node[] => replay(recording, given.slice(0, inputs.length), given.slice(inputs.length));
  const results = customCall(run, set.onNodes(), [...inputs, ...recording.captured], inputs.length, outs);
  return mapArrays(result, (_, i) => wrap(results[i]));
}

/**
 * A function whose derivatives and batching may be given by rules, set with its methods `vjp`, `jvp` and `vmap`. What
 * has no rule is derived from `f`: with only `vjp`, forward mode differentiates `f`; with only `jvp`, reverse mode
 * transposes it, so it must be linear in its tangents; without `vmap`, `f` and each rule are batched. Arrays that `f`
 * captures from an enclosing transform get no gradient through a rule.
 *
 * @throws when a rule returns a wrong number, shape or dtype.
 * @example
 * const clipped = mx.customFunction((x) => x).vjp((x, cotangent) => mx.clip(cotangent, -1, 1));
 */
export function customFunction<A extends readonly unknown[], R>(f: (...args: A) => R): CustomFunction<A, R> {
  checkFunction('customFunction', f);
  const rules: UserRules = {};
  const custom = ((...args: readonly unknown[]) => callCustom(f as AnyFunction, rules, args)) as unknown as CustomFunction<A, R>;
  const setter = (name: keyof UserRules) => (rule: Rule) => {
    if (typeof rule !== 'function') throw typeError('customFunction', `the ${name} rule must be a function, not ${describe(rule)}`);
    rules[name] = rule;
    return custom;
  };
  return Object.assign(custom, { vjp: setter('vjp'), jvp: setter('jvp'), vmap: setter('vmap') });
}
