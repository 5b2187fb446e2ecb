/** Reductions over a set of axes, which vanish from the shape. */

import { uint32 } from '../dtype';
import { rangeError, showShape } from '../errors';
import { Node, type Shape, type ShapeDtype } from '../graph/node';
import type { ReduceOp } from '../schedule/opcodes';
import { sizeOf } from '../shape';
import { concatenate, pad } from './assemble';
import { add, multiply } from './binary';
import { astype } from './cast';
import { equal } from './compare';
import { full, zeros } from './generators';
import { broadcastTo, reshape, slice, transpose } from './movement';
import { definePrimitive, type Primitive, type PrimitiveDeclaration } from './primitive';
import { countingDtype, noTangent, share, shifted, withOnes, without, zerosLike } from './rules';
import { where } from './select';

interface ReduceAttrs {
  /** Ascending. */
  readonly axes: readonly number[];
}

function checkAxes(where: string, shape: Shape, axes: readonly number[]): void {
  const valid = axes.every((axis, i) => axis >= 0 && axis < shape.length && (i === 0 || axis > axes[i - 1]));
  if (!valid) throw rangeError(where, `axes [${axes.join(', ')}] are no ascending axes of shape ${showShape(shape)}`);
}

function checkNotEmpty(where: string, shape: Shape, axes: readonly number[]): void {
  if (axes.some((axis) => shape[axis] === 0) && sizeOf(without(shape, axes)) > 0) {
    throw rangeError(where, `shape ${showShape(shape)} has no elements along axes [${axes.join(', ')}]`);
  }
}

type ReduceRules = Pick<PrimitiveDeclaration<ReduceAttrs>, 'jvp' | 'transpose'>;

function defineReduction(name: ReduceOp, needsElements: boolean, rules: ReduceRules): Primitive {
  const primitive: Primitive = definePrimitive<ReduceAttrs>({
    name,
    lowering: { kind: 'reduce', op: name, axes: ({ axes }) => axes },
    key: ({ axes }, key) => key.ints(axes),
    infer([x], { axes }) {
      checkAxes(name, x.shape, axes);
      if (needsElements) checkNotEmpty(name, x.shape, axes);
      return { shape: without(x.shape, axes), dtype: x.dtype };
    },
    vmap: ([x], _mapped, _size, { axes }) => reduce(primitive, x, shifted(axes)),
    ...rules,
  });
  return primitive;
}

function reduce(primitive: Primitive, x: Node, axes: readonly number[]): Node {
  if (axes.length === 0) return x;
  const ascending = axes.every((axis, i) => i === 0 || axis > axes[i - 1]) ? axes : axes.slice().sort((a, b) => a - b);
  const attrs: ReduceAttrs = { axes: ascending };
  const { shape, dtype } = primitive.infer([x], attrs) as ShapeDtype;
  return new Node(primitive, [x], attrs, shape, dtype);
}

/** A reduced array repeated along the axes that were reduced. */
function unreduce(y: Node, axes: readonly number[], shape: Shape): Node {
  return broadcastTo(reshape(y, withOnes(shape, axes)), shape);
}

const sumNode = defineReduction('sum', false, {
  jvp: (_out, [t], { axes }) => (t === null ? null : sum(t, axes)),
  transpose: (ct, out, _linear, { axes }) => [unreduce(ct, axes, out.inputs[0].shape)],
});

const prodNode = defineReduction('prod', false, {
  jvp: (out, [t], { axes }) => (t === null ? null : prodTangent(out.inputs[0], t, axes)),
});

const extremum: ReduceRules = {
  jvp: (out, [t], { axes }) => (t === null ? null : extremumTangent(out.inputs[0], t, out, axes)),
};
const maxNode = defineReduction('max', true, extremum);
const minNode = defineReduction('min', true, extremum);

export function sum(x: Node, axes: readonly number[]): Node {
  return reduce(sumNode, x, axes);
}

export function prod(x: Node, axes: readonly number[]): Node {
  return reduce(prodNode, x, axes);
}

export function max(x: Node, axes: readonly number[]): Node {
  return reduce(maxNode, x, axes);
}

export function min(x: Node, axes: readonly number[]): Node {
  return reduce(minNode, x, axes);
}

/** Those that attain the extremum share its tangent evenly. */
function extremumTangent(x: Node, t: Node, y: Node, axes: readonly number[]): Node {
  const attains = equal(x, unreduce(y, axes, x.shape));
  const total = sum(where(attains, t, zerosLike(t)), axes);
  return share(total, sum(astype(attains, countingDtype(x.dtype)), axes));
}

/**
 * The tangent of a product, exact with any zeros and at any order: a tree of products of halves, each with its tangent by
 * the product rule. Transposed, it is the sweep down that tree which gives every exclusive product.
 */
function prodTangent(x: Node, t: Node, axes: readonly number[]): Node {
  const kept = without(x.shape, axes);
  const length = sizeOf(axes.map((axis) => x.shape[axis]));
  if (length === 0) return zeros(kept, t.dtype);
  const order = [...x.shape.keys()].filter((axis) => !axes.includes(axis)).concat(axes);
  const rows = sizeOf(kept);
  let factors = reshape(transpose(x, order), [rows, length]);
  let tangents = reshape(transpose(t, order), [rows, length]);
  let half = 1;
  while (half < length) half *= 2;
  if (half > length) {
    const missing = half - length;
    factors = concatenate([factors, full(1, [rows, missing], x.dtype)], 1);
    tangents = pad(tangents, [0, 0], [0, missing]);
  }
  while (half > 1) {
    half /= 2;
    const halves = (y: Node): [Node, Node] => [slice(y, [0, 0], [rows, half]), slice(y, [0, half], [rows, half])];
    const [a, b] = halves(factors);
    const [ta, tb] = halves(tangents);
    factors = multiply(a, b);
    tangents = add(multiply(ta, b), multiply(a, tb));
  }
  return reshape(tangents, kept);
}

interface ArgAttrs {
  readonly axis: number;
}

function defineArg(name: 'argmax' | 'argmin'): (x: Node, axis: number) => Node {
  const primitive = definePrimitive<ArgAttrs>({
    name,
    lowering: { kind: 'reduce', op: name, axes: ({ axis }) => [axis] },
    key: ({ axis }, key) => key.int(axis),
    infer([x], { axis }) {
      checkAxes(name, x.shape, [axis]);
      checkNotEmpty(name, x.shape, [axis]);
      return { shape: without(x.shape, [axis]), dtype: uint32 };
    },
    jvp: noTangent,
    vmap: ([x], _mapped, _size, { axis }) => build(x, axis + 1),
  });
  const build = (x: Node, axis: number): Node => {
    const attrs: ArgAttrs = { axis };
    const { shape } = primitive.infer([x], attrs) as ShapeDtype;
    return new Node(primitive, [x], attrs, shape, uint32);
  };
  return build;
}

/** The position of the largest along `axis`, the first of several. */
export const argmax = defineArg('argmax');
/** The position of the smallest along `axis`, the first of several. */
export const argmin = defineArg('argmin');
