/** Products with quantized matrices, whose numbers devices decode a block at a time: the whole matrix never lies in memory. */

import { uint32 } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import { Node, type Shape, type ShapeDtype } from '../graph/node';
import { sameShape, sizeOf } from '../shape';
import { add, minimum, multiply } from './binary';
import { astype } from './cast';
import { arange, full } from './generators';
import { gather, scatter } from './indexing';
import { matmul } from './matmul';
import { moveaxis, reshape, swapaxes } from './movement';
import { groupsOf, type Quantization, unpackNumbers } from './packed-numbers';
import { definePrimitive, type Tangent } from './primitive';
import { sum } from './reduction';
import { addTangents, batchedInput, dense, internalError, zerosLike } from './rules';

export interface QuantizedProductAttrs extends Quantization {
  /** x @ wᵀ instead of x @ w. */
  readonly transposed: boolean;
}

/** A quantized matrix, or several: words [batch…, rows, words], scales and biases [batch…, rows, groups]. */
export interface QuantizedMatrix {
  readonly words: Node;
  readonly scales: Node;
  readonly biases: Node;
}

/** Rows of x and of the matrices that make one product each; in gathered products indices pick them. */
export interface Picks {
  readonly lhs: Node;
  readonly rhs: Node;
}

const lead = (shape: Shape): Shape => shape.slice(0, -2);
const columnsOf = (words: ShapeDtype, bits: number): number => (words.shape[words.shape.length - 1] * 32) / bits;

function checkInputs([x, words, scales, biases, ...picks]: readonly ShapeDtype[], attrs: QuantizedProductAttrs): void {
  const { bits, groupSize, transposed } = attrs;
  const real = x.dtype.kind === 'float' && scales.dtype === x.dtype && biases.dtype === x.dtype && words.dtype === uint32;
  if (!real || !picks.every(({ dtype }) => dtype === uint32)) {
    throw typeError('quantizedMatmul', `needs words and real floats of one dtype, not ${x.dtype.name} and ${scales.dtype.name}`);
  }
  const rank = words.shape.length;
  const [rows, columns] = [words.shape[rank - 2], columnsOf(words, bits)];
  const groups = [...words.shape.slice(0, -1), columns / groupSize];
  const matrices = rank >= 2 && sameShape(scales.shape, groups) && sameShape(biases.shape, groups);
  const batches =
    picks.length === 0
      ? sameShape(lead(x.shape), lead(words.shape))
      : picks.length === 2 &&
        rank === 3 &&
        x.shape.length === 3 &&
        picks.every(({ shape }) => shape.length === 1) &&
        sameShape(picks[0].shape, picks[1].shape);
  if (!matrices || !batches || x.shape[x.shape.length - 1] !== (transposed ? columns : rows)) {
    const shapes = [x, words, scales, biases, ...picks].map(({ shape }) => showShape(shape)).join(', ');
    throw rangeError('quantizedMatmul', `shapes ${shapes} do not fit groups of ${groupSize} numbers of ${bits} bits`);
  }
}

const quantizedMatmulNode = definePrimitive<QuantizedProductAttrs>({
  name: 'quantizedMatmul',
  lowering: {
    kind: 'routine',
    routine: 'quantizedMatmul',
    ints: ({ transposed, groupSize, bits }) => [Number(transposed), groupSize, bits],
  },
  key: ({ transposed, groupSize, bits }, key) => key.ints([Number(transposed), groupSize, bits]),
  infer(inputs, attrs) {
    checkInputs(inputs, attrs);
    const [x, words, , , lhs] = inputs;
    const batch = lhs === undefined ? lead(x.shape) : lhs.shape;
    const width = attrs.transposed ? words.shape[words.shape.length - 2] : columnsOf(words, attrs.bits);
    return { shape: [...batch, x.shape[x.shape.length - 2], width], dtype: x.dtype };
  },
  // Linear in x, and linear in scales and biases together.
  jvp(out, [tx, , ts, tb], attrs) {
    const { x, matrix, picks } = operands(out);
    const { words, scales, biases } = matrix;
    const fromX = tx === null ? null : product(tx, matrix, picks, attrs);
    if (ts === null && tb === null) return fromX;
    return addTangents(fromX, product(x, { words, scales: dense(ts, scales), biases: dense(tb, biases) }, picks, attrs));
  },
  transpose(ct, out, linear, attrs) {
    const none = out.inputs.slice(4).map(() => null);
    if (!linear[0]) return [null, null, ...matrixCotangents(ct, out, linear, attrs), ...none];
    if (linear[2] || linear[3]) throw internalError('quantizedMatmul', 'is not linear in x and the matrix together');
    return [xCotangent(ct, out, attrs), null, null, null, ...none];
  },
  vmap(inputs, mapped, size, attrs, out) {
    if (inputs.length > 4) return gatheredLanes(inputs, mapped, size, attrs, out);
    const [x, words, scales, biases] = inputs;
    if (mapped[1] || mapped[2] || mapped[3]) {
      const [xs, ws, ss, bs] = inputs.map((input, i) => batchedInput(input, mapped[i], size));
      return product(xs, { words: ws, scales: ss, biases: bs }, null, attrs);
    }
    // The matrices are the same in all lanes, which join the rows.
    const axis = out.shape.length - 2;
    const [rows, k] = x.shape.slice(-2);
    const joined = reshape(moveaxis(x, 0, axis), [...out.shape.slice(0, axis), size * rows, k]);
    const together = product(joined, { words, scales, biases }, null, attrs);
    return moveaxis(reshape(together, [...out.shape.slice(0, axis), size, ...out.shape.slice(axis)]), axis, 0);
  },
});

function operands(out: Node): { x: Node; matrix: QuantizedMatrix; picks: Picks | null } {
  const [x, words, scales, biases, lhs, rhs] = out.inputs;
  return { x, matrix: { words, scales, biases }, picks: lhs === undefined ? null : { lhs, rhs } };
}

function product(x: Node, { words, scales, biases }: QuantizedMatrix, picks: Picks | null, attrs: QuantizedProductAttrs): Node {
  const inputs = [x, words, scales, biases, ...(picks === null ? [] : [picks.lhs, picks.rhs])];
  const { shape, dtype } = quantizedMatmulNode.infer(inputs, attrs) as ShapeDtype;
  return new Node(quantizedMatmulNode, inputs, attrs, shape, dtype);
}

/** What index arrays pick of [count, rows, columns]: [picks, rows, columns]. */
function picked(x: Node, indices: Node): Node {
  const own = x.shape.slice(1);
  return reshape(gather(x, [indices], [0], [1, ...own]), [...indices.shape, ...own]);
}

/** The transposed of `picked`. */
function putBack(updates: Node, like: Node, indices: Node): Node {
  const [count, ...own] = updates.shape;
  return scatter(zerosLike(like), reshape(updates, [count, 1, ...own]), [indices], [0], 'add');
}

/** A product with the transposed matrices. */
function xCotangent(ct: Node, out: Node, attrs: QuantizedProductAttrs): Node {
  const { x, matrix, picks } = operands(out);
  const turned = { ...attrs, transposed: !attrs.transposed };
  if (picks === null) return product(ct, matrix, null, turned);
  const { lhs, rhs } = picks;
  const each = product(ct, matrix, { lhs: arange(0, 1, lhs.shape, 0, uint32), rhs }, turned);
  return putBack(each, x, lhs);
}

/** Cotangents of scales and biases: sums over each group of the cotangent of the whole matrix, which this holds. */
function matrixCotangents(ct: Node, out: Node, linear: readonly boolean[], attrs: QuantizedProductAttrs): [Tangent, Tangent] {
  const { x, matrix, picks } = operands(out);
  const { words, scales, biases } = matrix;
  const rank = out.shape.length;
  const left = picks === null ? x : picked(x, picks.lhs);
  const whole = attrs.transposed ? matmul(swapaxes(ct, rank - 2, rank - 1), left) : matmul(swapaxes(left, rank - 2, rank - 1), ct);
  const groups = groupsOf(whole, attrs.groupSize);
  const back = (each: Node, like: Node): Node => (picks === null ? each : putBack(each, like, picks.rhs));
  let ofScales: Tangent = null;
  if (linear[2]) {
    const own = picks === null ? words : picked(words, picks.rhs);
    const numbers = groupsOf(astype(unpackNumbers(own, attrs.bits), x.dtype), attrs.groupSize);
    ofScales = back(sum(multiply(groups, numbers), [rank]), scales);
  }
  return [ofScales, linear[3] ? back(sum(groups, [rank]), biases) : null];
}

/** Positions in what was [count, …] in each lane, and is [size · count, …] now. */
function inLanes(indices: Node, indicesMapped: boolean, count: number, mapped: boolean, size: number): Node {
  const own = batchedInput(indices, indicesMapped, size);
  const { shape } = own;
  const places = mapped ? add(minimum(own, full(Math.max(count - 1, 0), shape, uint32)), arange(0, count, shape, 0, uint32)) : own;
  return reshape(places, [sizeOf(shape)]);
}

/** The lanes join the picks, and what is mapped joins what is picked from. */
function gatheredLanes(inputs: readonly Node[], mapped: readonly boolean[], size: number, attrs: QuantizedProductAttrs, out: Node): Node {
  const [x, words, scales, biases, lhs, rhs] = inputs;
  const together = (y: Node): Node => reshape(y, [y.shape[0] * y.shape[1], ...y.shape.slice(2)]);
  const matrixMapped = mapped[1] || mapped[2] || mapped[3];
  const matrices = [words, scales, biases].map((y, i) => (matrixMapped ? together(batchedInput(y, mapped[i + 1], size)) : y));
  const count = words.shape[mapped[1] ? 1 : 0];
  const picks = {
    lhs: inLanes(lhs, mapped[4], x.shape[mapped[0] ? 1 : 0], mapped[0], size),
    rhs: inLanes(rhs, mapped[5], count, matrixMapped, size),
  };
  const [w, s, b] = matrices;
  const products = product(mapped[0] ? together(x) : x, { words: w, scales: s, biases: b }, picks, attrs);
  return reshape(products, [size, ...out.shape]);
}

/**
 * x @ w, or x @ wᵀ, for `x` [batch…, m, k] and quantized matrices of the same batch axes; x, scales and biases have one real floating dtype.
 * 16-bit floats are decoded, multiplied and added in float32.
 */
export function quantizedMatmul(x: Node, matrix: QuantizedMatrix, attrs: QuantizedProductAttrs): Node {
  return product(x, matrix, null, attrs);
}

/** x[lhs[i]] @ w[rhs[i]] (or its transposed) for each i: `x` [count, m, k], matrices [count, …], uint32 indices, which are clamped: [picks, m, n]. */
export function gatheredQuantizedMatmul(x: Node, matrix: QuantizedMatrix, picks: Picks, attrs: QuantizedProductAttrs): Node {
  return product(x, matrix, picks, attrs);
}
