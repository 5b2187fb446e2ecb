/** Scaled dot-product attention, which never holds its scores; its derivatives hold those of a block of queries at a time. */

import { bool, float64, int32 } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import { Node, type ShapeDtype } from '../graph/node';
import { concatenate } from './assemble';
import { add, divide, multiply, subtract } from './binary';
import { astype } from './cast';
import { equal, greaterEqual } from './compare';
import { stopGradient } from './control';
import { traceBody } from './control-flow/body';
import { scan } from './control-flow/scan';
import { arange, full, zeros } from './generators';
import { matmul } from './matmul';
import { broadcastTo, moveaxis, reshape, slice, swapaxes } from './movement';
import { definePrimitive, type Tangent } from './primitive';
import { max, sum } from './reduction';
import { addTangents, alongRows, batchedInput, constant, countingDtype, scale as scaled } from './rules';
import { where } from './select';
import { exp } from './unary';

export interface AttentionAttrs {
  /** What the products of queries and keys are multiplied by. */
  readonly scale: number;
  /** A query sees the keys up to its own place, counted so that the last query sees the last key. */
  readonly causal: boolean;
}

const attentionNode = definePrimitive<AttentionAttrs>({
  name: 'attention',
  lowering: { kind: 'routine', routine: 'attention', ints: ({ causal }) => [Number(causal)] },
  key: ({ causal }, key) => key.int(Number(causal)),
  args: ({ scale }, args) => args.scalar(scale, float64),
  infer(inputs) {
    const [q, k, v] = inputs;
    checkOperands(inputs);
    return { shape: [...q.shape.slice(0, 3), v.shape[3]], dtype: k.dtype };
  },
  jvp: (out, tangents, attrs) => attentionTangent(out, tangents, attrs),
  vmap(inputs, mapped, size, attrs, out) {
    if (size === 0) return zeros([0, ...out.shape], out.dtype);
    const batch = out.shape[0];
    const [q, k, v] = inputs.slice(0, 3).map((x, i) => joined(batchedInput(x, mapped[i], size)));
    const mask = inputs.length > 3 ? mappedMask(inputs[3], mapped[3], size, batch) : null;
    return reshape(attention(q, k, v, mask, attrs), [size, ...out.shape]);
  },
});

function checkOperands(inputs: readonly ShapeDtype[]): void {
  const [q, k, v, mask] = inputs;
  if (q.dtype !== k.dtype || q.dtype !== v.dtype || q.dtype.kind !== 'float') {
    throw typeError('attention', `needs real floats of one dtype, not ${q.dtype.name}, ${k.dtype.name} and ${v.dtype.name}`);
  }
  const [a, b, c] = [q.shape, k.shape, v.shape];
  const fits =
    a.length === 4 &&
    b.length === 4 &&
    c.length === 4 &&
    a[0] === b[0] &&
    a[0] === c[0] &&
    b[1] === c[1] &&
    (b[1] === 0 ? a[1] === 0 : a[1] % b[1] === 0) &&
    a[3] === b[3] &&
    b[2] === c[2];
  if (!fits) throw rangeError('attention', `queries ${showShape(a)}, keys ${showShape(b)} and values ${showShape(c)} do not fit`);
  if (mask === undefined) return;
  if (mask.dtype !== bool && mask.dtype !== q.dtype)
    throw typeError('attention', `a mask is bool or ${q.dtype.name}, not ${mask.dtype.name}`);
  const scores = [a[0], a[1], a[2], b[2]];
  if (mask.shape.length !== 4 || !mask.shape.every((size, axis) => size === 1 || size === scores[axis])) {
    throw rangeError('attention', `a mask of shape ${showShape(mask.shape)} does not fit scores ${showShape(scores)}`);
  }
}

/** The lanes join the examples. */
function joined(x: Node): Node {
  return reshape(x, [x.shape[0] * x.shape[1], ...x.shape.slice(2)]);
}

function mappedMask(mask: Node, mapped: boolean, size: number, batch: number): Node {
  const own = mapped ? mask.shape.slice(1) : mask.shape;
  // One mask for all examples of all lanes.
  if (!mapped && own[0] === 1) return mask;
  const lanes = mapped ? mask : batchedInput(mask, false, size);
  return joined(broadcastTo(lanes, [size, batch, ...own.slice(1)]));
}

/**
 * softmax(scale · q kᵀ + mask) v for `q` [B, H, Tq, D], `k` [B, Hk, Tk, D], `v` [B, Hk, Tk, Dv], where H is a multiple of Hk: neighbouring heads
 * share keys. `mask` [B, H, Tq, Tk], any axis of size 1, is bool (what is seen) or added. A query that sees nothing gives 0.
 */
export function attention(q: Node, k: Node, v: Node, mask: Node | null, attrs: AttentionAttrs): Node {
  const inputs = mask === null ? [q, k, v] : [q, k, v, mask];
  const { shape, dtype } = attentionNode.infer(inputs, attrs) as ShapeDtype;
  if (k.shape[2] === 0) return zeros(shape, dtype);
  return new Node(attentionNode, inputs, attrs, shape, dtype);
}

/** [B, H, T, D] with one matrix for all heads that share keys: [B, Hk, H / Hk · T, D]. */
function grouped(x: Node, sharing: number): Node {
  const [batch, heads, length, width] = x.shape;
  if (heads === sharing) return x;
  return reshape(x, [batch, sharing, (heads / sharing) * length, width]);
}

/** Products of queries and keys for each head. */
function scoresOf(q: Node, k: Node): Node {
  const sharing = k.shape[1];
  const products = matmul(grouped(q, sharing), swapaxes(k, 2, 3));
  return reshape(products, [q.shape[0], q.shape[1], q.shape[2], k.shape[2]]);
}

/** Weights times values for each head. */
function weighted(weights: Node, v: Node): Node {
  const products = matmul(grouped(weights, v.shape[1]), v);
  return reshape(products, [...weights.shape.slice(0, 3), v.shape[3]]);
}

/**
 * softmax of the masked scores along the last axis, 0 where nothing is seen. `first` is the last key that the first query sees where attention is
 * causal; null where the last query sees all of them.
 */
function weightsOf(q: Node, k: Node, mask: Node | null, { scale, causal }: AttentionAttrs, first: Node | null): Node {
  let scores = scaled(scoresOf(q, k), scale);
  const { shape } = scores;
  const nothing = constant(-Infinity, scores);
  if (mask !== null) {
    scores =
      mask.dtype === bool ? where(broadcastTo(mask, shape), scores, nothing) : add(scores, broadcastTo(astype(mask, scores.dtype), shape));
  }
  if (causal) {
    const places = arange(first === null ? shape[3] - shape[2] : 0, 1, shape, 2, int32);
    const last = first === null ? places : add(places, broadcastTo(first, shape));
    scores = where(greaterEqual(last, arange(0, 1, shape, 3, int32)), scores, nothing);
  }
  const largest = stopGradient(max(scores, [3]));
  const shift = where(equal(largest, constant(-Infinity, largest)), constant(0, largest), largest);
  const exponentials = exp(subtract(scores, alongRows(shift, shape)));
  const total = sum(exponentials, [3]);
  const divisor = where(equal(total, constant(0, total)), constant(1, total), total);
  return divide(exponentials, alongRows(divisor, shape));
}

/** The operands of a tangent, all of one dtype: tangents are null where there are none. */
interface Moving {
  readonly q: Node;
  readonly k: Node;
  readonly v: Node;
  readonly mask: Node | null;
  readonly tq: Tangent;
  readonly tk: Tangent;
  readonly tv: Tangent;
  readonly tm: Tangent;
}

/** o = W v with W = softmax(S) has ȯ = Ẇ v + W v̇ and Ẇ = W · (Ṡ - Σ W · Ṡ). */
function tangentOf({ q, k, v, mask, tq, tk, tv, tm }: Moving, attrs: AttentionAttrs, first: Node | null): Tangent {
  const weights = weightsOf(q, k, mask, attrs, first);
  const { shape, dtype } = weights;
  const fromProducts = addTangents(tq === null ? null : scoresOf(tq, k), tk === null ? null : scoresOf(q, tk));
  const scores = addTangents(
    fromProducts === null ? null : multiply(fromProducts, full(attrs.scale, shape, dtype)),
    tm === null ? null : broadcastTo(tm, shape),
  );
  let tangent: Tangent = tv === null ? null : weighted(weights, tv);
  if (scores !== null) {
    const each = multiply(weights, scores);
    const change = subtract(each, multiply(weights, alongRows(sum(each, [3]), shape)));
    tangent = addTangents(tangent, weighted(change, v));
  }
  return tangent;
}

/** So many scores a head are held at once: derivatives of longer attention go by blocks of queries. */
const maxScores = 2 ** 20;

/** 16-bit floats are computed in float32. */
function attentionTangent(out: Node, tangents: readonly Tangent[], attrs: AttentionAttrs): Tangent {
  const dtype = countingDtype(out.dtype);
  const wide = (x: Tangent | undefined): Tangent => (x === null || x === undefined ? null : astype(x, dtype));
  const [q, k, v] = out.inputs.slice(0, 3).map((x) => astype(x, dtype));
  const [tq, tk, tv] = [0, 1, 2].map((i) => wide(tangents[i]));
  const moving: Moving = { q, k, v, mask: out.inputs.length > 3 ? out.inputs[3] : null, tq, tk, tv, tm: wide(tangents[3]) };
  const [queries, keys] = [q.shape[2], k.shape[2]];
  const rows = Math.max(16, Math.floor(maxScores / keys));
  const tangent = queries * keys > maxScores && rows < queries ? tangentByBlocks(moving, attrs, rows) : tangentOf(moving, attrs, null);
  return tangent === null ? null : astype(tangent, out.dtype);
}

/** The same by blocks of so many queries, one after the other: neither it nor its transpose holds the scores of more than one. */
export function tangentByBlocks(moving: Moving, attrs: AttentionAttrs, rows: number): Tangent {
  const names = ['q', 'k', 'v', 'mask', 'tq', 'tk', 'tv', 'tm'] as const;
  const given = names.filter((name) => moving[name] !== null);
  const nodes = given.map((name) => moving[name] as Node);
  const queries = moving.q.shape[2];
  // Queries, and masks that have a row for each of them.
  const byRows = given.map((name, i) => ['q', 'tq', 'mask', 'tm'].includes(name) && nodes[i].shape[2] > 1);
  const taken = (from: number, count: number): Node[] =>
    nodes.map((x, i) => {
      if (!byRows[i]) return x;
      const starts = x.shape.map((_, axis) => (axis === 2 ? from : 0));
      return slice(
        x,
        starts,
        x.shape.map((size, axis) => (axis === 2 ? count : size)),
      );
    });
  const whole = (values: readonly Node[], first: Node): Tangent => {
    const all: Record<string, Tangent> = Object.fromEntries(names.map((name) => [name, null]));
    for (const [i, name] of given.entries()) all[name] = values[i];
    return tangentOf(all as unknown as Moving, attrs, first);
  };
  const blocks = Math.floor(queries / rows);
  const covered = blocks * rows;
  const stacked = taken(0, covered).map((x, i) => {
    if (!byRows[i]) return x;
    return moveaxis(reshape(x, [...x.shape.slice(0, 2), blocks, rows, x.shape[3]]), 2, 0);
  });
  const offset = moving.k.shape[2] - queries;
  const firsts = arange(offset, rows, [blocks], 0, int32);
  const xs = [firsts, ...stacked.filter((_, i) => byRows[i])];
  const constants = stacked.filter((_, i) => !byRows[i]);
  const { body, captured } = traceBody(
    'attention',
    (values) => {
      const rest = [values.slice(1, xs.length).values(), values.slice(xs.length).values()];
      const inOrder = byRows.map((own) => rest[own ? 0 : 1].next().value as Node);
      const tangent = whole(inOrder, values[0]);
      return tangent === null ? [] : [tangent];
    },
    [...xs.map(({ shape, dtype }) => ({ shape: shape.slice(1), dtype })), ...constants],
  );
  if (body.outputs.length === 0) return null;
  const [{ shape, dtype }] = body.outputs;
  const [parts] = scan({
    inputs: [...xs, ...constants, ...captured],
    attrs: {
      kind: 'scan',
      body,
      carry: 0,
      xs: xs.length,
      length: blocks,
      reverse: false,
      outs: [{ shape: [blocks, ...shape], dtype }],
      shared: null,
    },
  });
  const together = reshape(moveaxis(parts, 0, 2), [...shape.slice(0, 2), covered, shape[3]]);
  if (covered === queries) return together;
  const last = whole(taken(covered, queries - covered), full(offset + covered, [], int32)) as Node;
  return concatenate([together, last], 2);
}
