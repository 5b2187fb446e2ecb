/** Checks that a jvp rule of the user's is linear in its tangents, as transposing it needs. */

import { codedError } from '../errors';
import type { Node } from '../graph/node';
import { fullValue } from '../primitives/generators';
import type { Tangent } from '../primitives/primitive';
import { firstId, nodesSince } from './walk';

/** Primitives that are linear in one input at a time: how many of the inputs are factors, from the first on. */
const products = new Set(['multiply', 'matmul']);
/** Primitives that are linear in these inputs only when all others of them are zero or linear too. */
const sums = new Map<string, (input: number) => boolean>([
  ['add', () => true],
  ['subtract', () => true],
  ['where', (input) => input > 0],
  ['concatenate', () => true],
  ['sliceUpdate', (input) => input < 2],
]);

/** True for zeros, also seen through views and casts. */
function isZero(node: Node): boolean {
  let at = node;
  while (at.inputs.length === 1 && ['broadcastTo', 'reshape', 'transpose', 'slice', 'astype', 'identity'].includes(at.primitive.name))
    at = at.inputs[0];
  return fullValue(at) === 0;
}

function nonlinear(primitive: string, why: string): Error {
  return codedError('customFunction', 'METALGRAD_TRANSFORM', `the jvp rule must be linear in its tangents, but ${why} (${primitive})`);
}

function check(node: Node, depends: readonly boolean[]): void {
  const { primitive, inputs } = node;
  const { name } = primitive;
  if (primitive.lowering.kind === 'project') return;
  if (primitive.transpose === undefined) throw nonlinear(name, 'applies a nonlinear function to them');
  if (products.has(name) && depends.filter(Boolean).length > 1) throw nonlinear(name, 'multiplies them with one another');
  if (name === 'divide' && depends[1]) throw nonlinear(name, 'divides by them');
  const isTerm = sums.get(name);
  if (isTerm === undefined) return;
  inputs.forEach((input, i) => {
    if (isTerm(i) && !depends[i] && !isZero(input)) throw nonlinear(name, 'adds a constant to them');
    if (!isTerm(i) && depends[i]) throw nonlinear(name, 'decides by them');
  });
}

/** Throws unless `outputs` are a linear function of `tangents`, fresh nodes. */
export function checkLinear(outputs: readonly Tangent[], tangents: readonly Node[]): void {
  const first = firstId(tangents);
  const dependent = new Set<Node>(tangents);
  for (const node of nodesSince(first, outputs)) {
    if (node === undefined || dependent.has(node) || !node.dtype.inexact) continue;
    const depends = node.inputs.map((input) => dependent.has(input));
    if (!depends.includes(true)) continue;
    check(node, depends);
    dependent.add(node);
  }
  for (const output of outputs) {
    if (output !== null && !dependent.has(output) && !isZero(output)) throw nonlinear(output.primitive.name, 'returns a constant');
  }
}
