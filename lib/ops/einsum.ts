/** Einstein summation: products of arrays whose axes are named by letters, summed over the letters that the result leaves out. */

import { ArrayHandle, type ArrayInput, type array, toNode, wrap } from '../array';
import { bool, type Dtype, int32, promoteTypes } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import type { Node, Shape } from '../graph/node';
import { astype } from '../primitives/cast';
import { reshape, slice, transpose } from '../primitives/movement';
import { sum } from '../primitives/reduction';
import { count, describe } from './arguments';
import { type ContractionProblem, type ContractionStep, contractionPath, pathCost } from './einsum-path';
import { contraction } from './product';
import { type CustomMethodOp, operand, registerOp } from './registry';

/** An operand while it is contracted: a label for each of its axes, and how it comes about from the operands of the call. */
interface Labelled {
  readonly labels: readonly string[];
  readonly shape: Shape;
  readonly build: (operands: readonly Node[]) => Node;
}

/** Subscripts read against shapes. Axes of an ellipsis have the labels `.0`, `.1`, … counted from the last axis. */
interface Subscripts {
  readonly inputs: readonly (readonly string[])[];
  readonly output: readonly string[];
}

function readTerm(where: string, term: string, rank: number | null): string[] {
  const labels: string[] = [];
  const letters = term.replace('...', '').length;
  for (let i = 0; i < term.length; i++) {
    if (term.startsWith('...', i)) {
      if (term.indexOf('...') !== i) throw rangeError(where, `'${term}' has more than one ellipsis`);
      if (rank !== null) for (let axis = rank - letters - 1; axis >= 0; axis--) labels.push(`.${axis}`);
      else labels.push('...');
      i += 2;
    } else if (/[A-Za-z]/.test(term[i])) {
      labels.push(term[i]);
    } else {
      throw rangeError(where, `'${term[i]}' is no letter, comma, arrow or ellipsis in '${term}'`);
    }
  }
  return labels;
}

function readSubscripts(where: string, text: string, shapes: readonly Shape[]): Subscripts {
  const [left, right, ...rest] = text.replaceAll(' ', '').split('->');
  if (rest.length > 0) throw rangeError(where, `'${text}' has more than one arrow`);
  const terms = left.split(',');
  if (terms.length !== shapes.length)
    throw rangeError(where, `'${text}' names ${count(terms.length, 'operand')}, but ${shapes.length} are given`);
  let ellipsisRank = 0;
  const inputs = terms.map((term, i) => {
    const rank = shapes[i].length;
    const letters = term.replace('...', '').length;
    if (letters > rank || (letters < rank && !term.includes('...'))) {
      throw rangeError(
        where,
        `'${term}' names ${count(letters, 'axis').replace('axiss', 'axes')} of operand ${i} of shape ${showShape(shapes[i])}`,
      );
    }
    if (term.includes('...')) ellipsisRank = Math.max(ellipsisRank, rank - letters);
    return readTerm(where, term, rank);
  });
  const ellipsis = Array.from({ length: ellipsisRank }, (_, i) => `.${ellipsisRank - 1 - i}`);
  if (right === undefined) {
    // Without an arrow: the ellipsis, then the letters that occur once, in alphabetical order.
    const letters = inputs.flat().filter((label) => !label.startsWith('.'));
    return { inputs, output: [...ellipsis, ...letters.filter((label) => letters.indexOf(label) === letters.lastIndexOf(label)).sort()] };
  }
  const output = readTerm(where, right, null).flatMap((label) => (label === '...' ? ellipsis : [label]));
  const known = new Set(inputs.flat());
  for (const label of output) {
    if (!known.has(label)) throw rangeError(where, `output label '${label}' is in no operand of '${text}'`);
    if (output.indexOf(label) !== output.lastIndexOf(label)) throw rangeError(where, `output label '${label}' stands twice in '${text}'`);
  }
  return { inputs, output };
}

/** The size of each label; axes of size 1 repeat. */
function labelSizes(where: string, inputs: readonly (readonly string[])[], shapes: readonly Shape[]): Map<string, number> {
  const sizes = new Map<string, number>();
  inputs.forEach((labels, i) => {
    labels.forEach((label, axis) => {
      const size = shapes[i][axis];
      const known = sizes.get(label);
      if (known !== undefined && known !== size && known !== 1 && size !== 1) {
        const name = label.startsWith('.') ? 'an axis of the ellipsis' : `label '${label}'`;
        throw rangeError(where, `${name} has size ${known} in one operand and ${size} in operand ${i} of shape ${showShape(shapes[i])}`);
      }
      if (known === undefined || known === 1) sizes.set(label, size);
    });
  });
  return sizes;
}

interface Plan extends ContractionProblem {
  readonly path: readonly ContractionStep[];
  /** Makes the result from the operands, which have one dtype. */
  readonly build: (operands: readonly Node[]) => Node;
}

const plans = new Map<string, Plan>();
const planLimit = 512;

/** The subscripts read, the path found and every axis sorted out: remembered for the next call with the same shapes. */
function planFor(where: string, subscripts: string, shapes: readonly Shape[]): Plan {
  let key = subscripts;
  for (const shape of shapes) key += `|${shape.join()}`;
  const known = plans.get(key);
  if (known !== undefined) return known;
  const { inputs, output } = readSubscripts(where, subscripts, shapes);
  const sizes = labelSizes(where, inputs, shapes);
  const operands = inputs.map((labels, i) => prepare(labels, shapes[i], i, sizes));
  const problem = { operands: operands.map(({ labels }) => labels), output, sizes };
  const path = contractionPath(problem);
  const plan: Plan = { ...problem, path, build: contractAll(operands, output, path).build };
  if (plans.size >= planLimit) plans.delete(plans.keys().next().value as string);
  plans.set(key, plan);
  return plan;
}

/** The elements at which two axes of the same label agree: their diagonal, as the last axis. */
function diagonal({ labels, shape, build }: Labelled, first: number, second: number): Labelled {
  const others = labels.map((_, axis) => axis).filter((axis) => axis !== first && axis !== second);
  const size = shape[first];
  const lead = others.map((axis) => shape[axis]);
  const order = [...others, first, second];
  const flat = [...lead, size * size];
  const starts = new Array<number>(flat.length).fill(0);
  const steps = [...lead.map(() => 1), size + 1];
  const result = [...lead, size];
  return {
    labels: [...others.map((axis) => labels[axis]), labels[first]],
    shape: result,
    build: (operands) => slice(reshape(transpose(build(operands), order), flat), starts, result, steps),
  };
}

/** Operand `position` with each label once and without axes of size 1 that it only repeats along. */
function prepare(labels: readonly string[], shape: Shape, position: number, sizes: ReadonlyMap<string, number>): Labelled {
  const kept = labels.map((_, axis) => axis).filter((axis) => shape[axis] !== 1 || sizes.get(labels[axis]) === 1);
  const keptShape = kept.map((axis) => shape[axis]);
  let operand: Labelled = {
    labels: kept.map((axis) => labels[axis]),
    shape: keptShape,
    build: (operands) => reshape(operands[position], keptShape),
  };
  for (let axis = 0; axis < operand.labels.length; axis++) {
    const again = operand.labels.indexOf(operand.labels[axis], axis + 1);
    if (again < 0) continue;
    operand = diagonal(operand, axis, again);
    axis = -1;
  }
  return operand;
}

/** Sums over the labels that nothing else needs. */
function reduceTo(operand: Labelled, needed: ReadonlySet<string>): Labelled {
  const { labels, shape, build } = operand;
  const axes = labels.flatMap((label, axis) => (needed.has(label) ? [] : [axis]));
  if (axes.length === 0) return operand;
  const kept = labels.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  return {
    labels: kept.map((axis) => labels[axis]),
    shape: kept.map((axis) => shape[axis]),
    build: (operands) => sum(build(operands), axes),
  };
}

/** The contraction of two operands, of which the labels in `needed` stay. */
function contractPair(a: Labelled, b: Labelled, needed: ReadonlySet<string>): Labelled {
  const left = reduceTo(a, new Set([...needed, ...b.labels]));
  const right = reduceTo(b, new Set([...needed, ...a.labels]));
  const batch: [number, number][] = [];
  const summed: [number, number][] = [];
  left.labels.forEach((label, axis) => {
    const other = right.labels.indexOf(label);
    if (other >= 0) (needed.has(label) ? batch : summed).push([axis, other]);
  });
  const { shape, contract } = contraction(left.shape, right.shape, { batch, summed });
  return {
    labels: [
      ...batch.map(([axis]) => left.labels[axis]),
      ...left.labels.filter((label) => !right.labels.includes(label)),
      ...right.labels.filter((label) => !left.labels.includes(label)),
    ],
    shape,
    build: (operands) => contract(left.build(operands), right.build(operands)),
  };
}

function contractAll(operands: readonly Labelled[], output: readonly string[], path: readonly ContractionStep[]): Labelled {
  const list = [...operands];
  for (const step of path) {
    const used = step.map((position) => list[position]);
    for (const position of [...step].sort((a, b) => b - a)) list.splice(position, 1);
    const needed = new Set([...output, ...list.flatMap(({ labels }) => labels)]);
    list.push(used.length === 1 ? reduceTo(used[0], needed) : contractPair(used[0], used[1], needed));
  }
  const { labels, shape, build } = list[0];
  const order = output.map((label) => labels.indexOf(label));
  return { labels: output, shape: order.map((axis) => shape[axis]), build: (operandNodes) => transpose(build(operandNodes), order) };
}

/** The subscripts and the operands, which may stand in a list or one after the other. */
function readCall(where: string, subscripts: unknown, operands: readonly unknown[]): { text: string; inputs: readonly ArrayInput[] } {
  if (typeof subscripts !== 'string') throw typeError(where, `subscripts must be a string, not ${describe(subscripts)}`);
  const [first] = operands;
  const terms = subscripts.split('->')[0].split(',').length;
  // A list that is the only operand of one term may also be the operand itself, as a nested list of numbers.
  const isList =
    operands.length === 1 &&
    Array.isArray(first) &&
    (terms > 1 || first.every((entry) => entry instanceof ArrayHandle || ArrayBuffer.isView(entry)));
  return { text: subscripts, inputs: (isList ? first : operands) as readonly ArrayInput[] };
}

/**
 * Products of the operands' elements, summed over the labels that the result leaves out. Subscripts are NumPy's: a letter an axis, commas between operands,
 * `->` before the labels of the result (without it: the labels that occur once, in alphabetical order), `...` for further axes that broadcast, a letter
 * twice in one operand for its diagonal. Operands stand in a list or one after the other. Pairs are contracted in an order with few multiplications
 * (the fewest, up to 8 operands), as matrix products.
 *
 * @throws RangeError when subscripts and shapes do not go together.
 * @example
 * mx.einsum('ij,jk->ik', [[1, 2], [3, 4]], [[1, 0], [0, 1]]); // array([[1, 2],\n       [3, 4]], dtype=float32)
 */
export const einsum = registerOp<CustomMethodOp<(subscripts: string, ...operands: ArrayInput[] | [readonly ArrayInput[]]) => array, never>>(
  {
    name: 'einsum',
    parameters: ['subscripts', '...operands'],
    method: false,
    cases: () => [
      { args: ['ij,jk', operand([2, 3]), operand([3, 2])] },
      { args: ['ij,jk,kl->il', operand([2, 3]), operand([3, 2]), operand([2, 2])] },
      { args: ['ii->i', operand([3, 3])] },
      { args: ['ii', operand([3, 3])] },
      { args: ['...ij,...jk->...ik', operand([2, 2, 3]), operand([3, 2])] },
      { args: ['bij,bj->b', operand([2, 3, 2]), operand([2, 1])] },
      { args: ['i,j,k->kji', operand([2]), operand([3]), operand([2])] },
    ],
  },
  (subscripts: unknown, ...operands: unknown[]): array => {
    const { text, inputs } = readCall('einsum', subscripts, operands);
    const nodes = inputs.map((input) => toNode(input, undefined, 'einsum'));
    if (nodes.length === 0) throw rangeError('einsum', 'there are no operands');
    const plan = planFor(
      'einsum',
      text,
      nodes.map((node) => node.shape),
    );
    const promoted = nodes.map((node) => node.dtype).reduce(promoteTypes);
    const dtype: Dtype = promoted === bool ? int32 : promoted;
    return wrap(plan.build(nodes.map((node) => astype(node, dtype))));
  },
);

/**
 * The order in which `einsum` contracts its operands, and a report of what it costs. Each step lists positions in the list of operands; those leave
 * the list, and their result joins its end.
 *
 * @example
 * mx.einsumPath('ij,jk,kl->il', mx.zeros([8, 8]), mx.zeros([8, 2]), mx.zeros([2, 2]))[0]; // [[1, 2], [0, 1]]
 */
export function einsumPath(subscripts: string, ...operands: ArrayInput[] | [readonly ArrayInput[]]): [path: number[][], report: string] {
  const { text, inputs } = readCall('einsumPath', subscripts, operands);
  const shapes = inputs.map((input) => toNode(input, undefined, 'einsumPath').shape);
  if (shapes.length === 0) throw rangeError('einsumPath', 'there are no operands');
  const plan = planFor('einsumPath', text, shapes);
  const best = pathCost(plan, plan.path);
  const naive = pathCost(plan, [plan.operands.map((_, i) => i)]);
  const report = [
    `Complete contraction: ${text}`,
    `Naive multiplications: ${naive.multiplications * Math.max(1, plan.operands.length - 1)}`,
    `Optimized multiplications: ${best.multiplications}`,
    `Largest intermediate: ${best.largest} elements`,
  ].join('\n');
  return [plan.path.map((step) => [...step]), report];
}
