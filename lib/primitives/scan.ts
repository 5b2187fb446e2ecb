/** Cumulative sums, products, extremes and log-sums of exponentials along an axis, and first-order linear recurrences. */

import { uint32 } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import { Node, type ShapeDtype } from '../graph/node';
import { sameShape } from '../shape';
import { pad } from './assemble';
import { add, multiply, subtract } from './binary';
import { astype } from './cast';
import { equal } from './compare';
import { project, stopGradient } from './control';
import { slice } from './movement';
import { definePrimitive, type Primitive, type Tangent } from './primitive';
import { addTangents, batchedInput, constant, zerosLike } from './rules';
import { where } from './select';
import { takeAlong } from './take-along';
import { conjugate, exp, real } from './unary';

/** The position of a name is its code. */
const scanOps = ['sum', 'prod', 'max', 'min', 'logaddexp', 'logExcess'] as const;
type AnyScanOp = (typeof scanOps)[number];
/** `logExcess`, what log-sums have beyond the running maximum, is for their derivatives alone. */
export type ScanOp = Exclude<AnyScanOp, 'logExcess'>;

interface ScanAttrs {
  readonly op: AnyScanOp;
  readonly axis: number;
  /** From the last element to the first. */
  readonly reverse: boolean;
  /** Each result counts its own element; otherwise only those before it, and the first is what nothing gives. */
  readonly inclusive: boolean;
}

const names: { readonly [op in AnyScanOp]: string } = {
  sum: 'cumsum',
  prod: 'cumprod',
  max: 'cummax',
  min: 'cummin',
  logaddexp: 'logcumsumexp',
  logExcess: 'logcumsumexp',
};

function checkAxis(name: string, { shape }: ShapeDtype, axis: number): void {
  if (!(axis >= 0 && axis < shape.length)) throw rangeError(name, `axis ${axis} is no axis of shape ${showShape(shape)}`);
}

function checkScan({ dtype, shape }: ShapeDtype, { op, axis }: ScanAttrs): void {
  checkAxis(names[op], { dtype, shape }, axis);
  if (op === 'sum' && dtype.kind === 'bool') throw typeError('cumsum', 'bools have no sum');
  if ((op === 'logaddexp' || op === 'logExcess') && !dtype.inexact) throw typeError('logcumsumexp', `${dtype.name} has no logarithm`);
}

function toInts({ op, axis, reverse, inclusive }: ScanAttrs): number[] {
  return [scanOps.indexOf(op), axis, Number(reverse), Number(inclusive)];
}

const common = { key: (attrs: ScanAttrs, key: { ints(values: readonly number[]): void }) => key.ints(toInts(attrs)) };

const scanNode: Primitive = definePrimitive<ScanAttrs>({
  name: 'scan',
  lowering: { kind: 'routine', routine: 'scan', ints: toInts },
  ...common,
  infer([x], attrs) {
    checkScan(x, attrs);
    return { shape: x.shape, dtype: x.dtype };
  },
  jvp: (out, [t], attrs) => (t === null ? null : scanTangent(out, t, attrs)),
  // Only sums are asked for it.
  transpose: (ct, _out, _linear, { axis, reverse, inclusive }) => [cumulative('sum', ct, axis, !reverse, inclusive)],
  vmap: ([x], _mapped, _size, attrs) => scan(x, { ...attrs, axis: attrs.axis + 1 }),
});

/** The extremes, and where they are (uint32), which is computed only if somebody asks. */
const extremesNode: Primitive = definePrimitive<ScanAttrs>({
  name: 'cumulativeExtremes',
  several: true,
  lowering: { kind: 'routine', routine: 'scan', ints: toInts, optional: [1] },
  ...common,
  infer([x], attrs) {
    checkScan(x, attrs);
    return [
      { shape: x.shape, dtype: x.dtype },
      { shape: x.shape, dtype: uint32 },
    ];
  },
  jvp: (node, [t], attrs) => [t === null ? null : extremesTangent(node, t, attrs), null],
  vmap([x], _mapped, _size, attrs) {
    const node = extremes(x, { ...attrs, axis: attrs.axis + 1 });
    return [0, 1].map((index) => ({ node: project(node, index), mapped: true }));
  },
});

function extremes(x: Node, attrs: ScanAttrs): Node {
  checkScan(x, attrs);
  return new Node(extremesNode, [x], attrs, [], x.dtype);
}

/**
 * The running `op` of the elements along `axis`. At ties the first element that attains an extreme, in the order of the scan, is the
 * one that sets it.
 */
export function cumulative(op: ScanOp, x: Node, axis: number, reverse = false, inclusive = true): Node {
  const attrs: ScanAttrs = { op, axis, reverse, inclusive };
  return op === 'max' || op === 'min' ? project(extremes(x, attrs), 0) : scan(x, attrs);
}

function scan(x: Node, attrs: ScanAttrs): Node {
  checkScan(x, attrs);
  return new Node(scanNode, [x], attrs, x.shape, x.dtype);
}

/** Every element moves to the next place in the order of the scan; a zero comes first. */
function delayed(x: Node, axis: number, reverse: boolean): Node {
  const length = x.shape[axis];
  if (length === 0) return x;
  const along = (value: number): number[] => x.shape.map((_, k) => (k === axis ? value : 0));
  const sizes = x.shape.map((size, k) => (k === axis ? size - 1 : size));
  const kept = slice(x, along(reverse ? 1 : 0), sizes);
  return pad(kept, along(reverse ? 0 : 1), along(reverse ? 1 : 0));
}

function scanTangent(out: Node, t: Node, { op, axis, reverse, inclusive }: ScanAttrs): Node {
  const [x] = out.inputs;
  if (op === 'sum') return cumulative('sum', t, axis, reverse, inclusive);
  const tangent = op === 'prod' ? prodTangent(x, t, axis, reverse) : logTangent(x, t, axis, reverse);
  // Without its own element each result is the one before it with its own.
  return inclusive ? tangent : delayed(tangent, axis, reverse);
}

/** ṗ[i] = x[i] · ṗ[i - 1] + ẋ[i] · p[i - 1]: nothing is divided by, so zeros are like any other number at every order. */
function prodTangent(x: Node, t: Node, axis: number, reverse: boolean): Node {
  return recurrence(x, multiply(t, cumulative('prod', x, axis, reverse, false)), axis, reverse);
}

/**
 * ẏ[i] = exp(y[i - 1] - y[i]) · ẏ[i - 1] + exp(x[i] - y[i]) · ẋ[i]: both factors are at most 1. With y = m + l, m the running maximum and
 * l at most log of the length, the differences are as exact as those of m. As y does not depend on what is called m, m is a
 * constant here, and the derivative of l that of y.
 */
function logTangent(x: Node, t: Node, axis: number, reverse: boolean): Node {
  const size = stopGradient(real(x));
  const largest = cumulative('max', size, axis, reverse);
  // Before anything but -inf came, every factor is 0.
  const finite = where(equal(largest, constant(-Infinity, largest)), zerosLike(largest), largest);
  const m = astype(finite, x.dtype);
  const before = astype(cumulative('max', size, axis, reverse, false), x.dtype);
  const l = scan(x, { op: 'logExcess', axis, reverse, inclusive: true });
  const kept = exp(add(subtract(before, m), subtract(delayed(l, axis, reverse), l)));
  return recurrence(kept, multiply(exp(subtract(subtract(x, m), l)), t), axis, reverse);
}

function extremesTangent(node: Node, t: Node, attrs: ScanAttrs): Node {
  const { axis, reverse, inclusive } = attrs;
  const whole = inclusive ? node : extremes(node.inputs[0], { ...attrs, inclusive: true });
  const taken = takeAlong(t, project(whole, 1), axis);
  return inclusive ? taken : delayed(taken, axis, reverse);
}

interface RecurrenceAttrs {
  readonly axis: number;
  readonly reverse: boolean;
}

const recurrenceNode = definePrimitive<RecurrenceAttrs>({
  name: 'recurrence',
  lowering: { kind: 'routine', routine: 'recurrence', ints: ({ axis, reverse }) => [axis, Number(reverse)] },
  key: ({ axis, reverse }, key) => key.ints([axis, Number(reverse)]),
  infer([a, b], { axis }) {
    checkAxis('recurrence', a, axis);
    if (!sameShape(a.shape, b.shape) || a.dtype !== b.dtype || !a.dtype.inexact) {
      throw typeError(
        'recurrence',
        `needs two floating arrays alike, not ${a.dtype.name} ${showShape(a.shape)} and ${b.dtype.name} ${showShape(b.shape)}`,
      );
    }
    return { shape: a.shape, dtype: a.dtype };
  },
  // ḣ[i] = a[i] · ḣ[i - 1] + (ȧ[i] · h[i - 1] + ḃ[i])
  jvp(out, [ta, tb], { axis, reverse }) {
    const fromFactors: Tangent = ta === null ? null : multiply(ta, delayed(out, axis, reverse));
    const source = addTangents(fromFactors, tb);
    return source === null ? null : recurrence(out.inputs[0], source, axis, reverse);
  },
  // λ[i] = ct[i] + a[i + 1]* · λ[i + 1]
  transpose(ct, out, [aLinear, bLinear], { axis, reverse }) {
    if (aLinear || !bLinear) throw typeError('recurrence', 'internal error: it is linear in its second operand alone');
    return [null, recurrence(conjugate(delayed(out.inputs[0], axis, !reverse)), ct, axis, !reverse)];
  },
  vmap: ([a, b], [aMapped, bMapped], size, { axis, reverse }) =>
    recurrence(batchedInput(a, aMapped, size), batchedInput(b, bMapped, size), axis + 1, reverse),
});

/** h[i] = a[i] · h[i - 1] + b[i] along `axis`, from nothing; `reverse` runs from the last element to the first. */
export function recurrence(a: Node, b: Node, axis: number, reverse = false): Node {
  const attrs: RecurrenceAttrs = { axis, reverse };
  const { shape, dtype } = recurrenceNode.infer([a, b], attrs) as ShapeDtype;
  return new Node(recurrenceNode, [a, b], attrs, shape, dtype);
}
