/** Quantized matrices and their products; products of matrices picked by indices; products with masked blocks. */

import { type ArrayInput, type array, toNode, wrap } from '../array';
import { bool, int64, promoteTypes, uint32, uint64 } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import type { Node, Shape } from '../graph/node';
import * as p from '../primitives';
import { zerosLike } from '../primitives/rules';
import { broadcastShapes, sizeOf } from '../shape';
import { booleanArgument, describe, integerArgument, shapesDiffer } from './arguments';
import { checkInner, matrixProduct, productBy, promotePair } from './product';
import { blocksOf, checkQuantized, masked, quantizationArguments, quantizeNode } from './quantization';
import { type Call, defineOp, type OpCase, operand } from './registry';

/** Options of quantized functions. */
export interface QuantizationOptions {
  /** Numbers that share a scale and a bias: 32, 64 or 128. */
  groupSize: number;
  /** Bits of a number: 2, 3, 4, 5, 6 or 8. */
  bits: number;
}

/** Options of products with a quantized matrix. */
export interface QuantizedProductOptions extends QuantizationOptions {
  /** Whether the matrix is transposed before the product; true unless told. */
  transpose: boolean;
}

const words = (shape: Shape) => operand(shape, { dtype: uint32, low: 0, high: 2 ** 32 });

/**
 * The last axis of `w` in groups of `groupSize`, each number as `bits` bits, which stand one after the other in uint32 words. Gives
 * `[words, scales, biases]`; a number is scale · q + bias. The extreme of largest magnitude of a group is met exactly.
 *
 * @example
 * mx.quantize(mx.arange(32), 32, 8).map((x) => x.shape); // [[8], [1], [1]]
 */
export const quantize = defineOp<
  Call<[w: ArrayInput], [groupSize?: number, bits?: number], QuantizationOptions, [words: array, scales: array, biases: array]>
>(
  {
    name: 'quantize',
    parameters: ['w', 'groupSize?', 'bits?'],
    method: false,
    cases: () => [{ args: [operand([2, 64], { distinct: true })] }, { args: [operand([1, 32], { distinct: true }), 32, 3] }],
  },
  (w: ArrayInput, groupSize: unknown, bits: unknown): [array, array, array] => {
    const given = quantizationArguments('quantize', groupSize, bits);
    const [packed, scales, biases] = quantizeNode('quantize', toNode(w, undefined, 'quantize'), given);
    return [wrap(packed), wrap(scales), wrap(biases)];
  },
);

/**
 * The numbers that `quantize` packed, in the dtype of the scales.
 *
 * @example
 * mx.dequantize(...mx.quantize(mx.arange(32), 32, 8), 32, 8).index(31); // array(31, dtype=float32)
 */
export const dequantize = defineOp<
  Call<[w: ArrayInput, scales: ArrayInput, biases: ArrayInput], [groupSize?: number, bits?: number], QuantizationOptions, array>
>(
  {
    name: 'dequantize',
    parameters: ['w', 'scales', 'biases', 'groupSize?', 'bits?'],
    method: false,
    cases: () => [
      { args: [words([2, 8]), operand([2, 1]), operand([2, 1])] },
      { args: [words([3]), operand([1]), operand([1]), 32, 3] },
      { args: [words([2, 2, 4]), operand([2, 2, 2]), operand([2, 2, 2]), 32, 2] },
    ],
  },
  (w: ArrayInput, scales: ArrayInput, biases: ArrayInput, groupSize: unknown, bits: unknown): array => {
    const given = quantizationArguments('dequantize', groupSize, bits);
    const matrix = quantizedMatrix('dequantize', w, scales, biases, given);
    return wrap(p.dequantize(matrix.words, matrix.scales, matrix.biases, given));
  },
);

/** A quantized matrix, checked, and the shape of the numbers in it. */
function quantizedMatrix(where: string, w: ArrayInput, scales: ArrayInput, biases: ArrayInput, given: p.Quantization) {
  const [words, s, b] = [w, scales, biases].map((x) => toNode(x, undefined, where));
  checkQuantized(where, words, s, b, given);
  return { words, scales: s, biases: b, shape: [...words.shape.slice(0, -1), (words.shape[words.shape.length - 1] * 32) / given.bits] };
}

function needMatrix(where: string, name: string, shape: Shape): void {
  if (shape.length < 2) throw rangeError(where, `${name} needs at least 2 axes, not shape ${showShape(shape)}`);
}

/** The operands that are no words, in their order: the product takes the words first, too, which their dtype tells apart. */
function inOrder(where: string, x: ArrayInput, w: ArrayInput): [x: ArrayInput, w: ArrayInput] {
  const [a, b] = [toNode(x, undefined, where), toNode(w, undefined, where)];
  return a.dtype === uint32 && b.dtype !== uint32 ? [w, x] : [x, w];
}

/** `x`, scales and biases in one dtype. */
function promoteFloats<M extends p.QuantizedMatrix>(where: string, x: Node, matrix: M): { x: Node; matrix: M } {
  if (x.dtype.kind !== 'float') throw typeError(where, `x must be real floats, not ${x.dtype.name}`);
  const dtype = promoteTypes(x.dtype, matrix.scales.dtype);
  const [floats, scales, biases] = [x, matrix.scales, matrix.biases].map((y) => p.astype(y, dtype));
  return { x: floats, matrix: { ...matrix, scales, biases } };
}

/** The shape of a matrix, transposed or not. */
function turned(shape: Shape, transposed: boolean): Shape {
  const [rows, columns] = shape.slice(-2);
  return transposed ? [...shape.slice(0, -2), columns, rows] : shape;
}

/** A view with these batch axes. */
function spread(x: Node, batch: Shape | null): Node {
  return batch === null ? x : p.broadcastTo(x, [...batch, ...x.shape.slice(-2)]);
}

/**
 * `x` times a quantized matrix: x @ wᵀ, or x @ w with `transpose: false`. Differentiable in x, scales and biases. `w` may stand before `x`:
 * its dtype, uint32, tells them apart.
 *
 * @example
 * const [w, scales, biases] = mx.quantize(mx.ones([3, 64]));
 * mx.quantizedMatmul(mx.ones([2, 64]), w, scales, biases).shape; // [2, 3]
 */
export const quantizedMatmul = defineOp<
  Call<
    [x: ArrayInput, w: ArrayInput, scales: ArrayInput, biases: ArrayInput],
    [transpose?: boolean, groupSize?: number, bits?: number],
    QuantizedProductOptions,
    array
  >
>(
  {
    name: 'quantizedMatmul',
    parameters: ['x', 'w', 'scales', 'biases', 'transpose?', 'groupSize?', 'bits?'],
    method: false,
    cases: () => [
      { args: [operand([2, 64]), words([3, 8]), operand([3, 1]), operand([3, 1])] },
      { args: [operand([2, 3]), words([3, 8]), operand([3, 2]), operand([3, 2]), false, 32] },
      { args: [operand([32]), words([2, 2, 3]), operand([2, 2, 1]), operand([2, 2, 1]), true, 32, 3] },
    ],
  },
  (x: ArrayInput, w: ArrayInput, scales: ArrayInput, biases: ArrayInput, transpose: unknown, groupSize: unknown, bits: unknown): array => {
    const where = 'quantizedMatmul';
    const [left, right] = inOrder(where, x, w);
    const given = quantizationArguments(where, groupSize, bits);
    const attrs = { ...given, transposed: booleanArgument(where, 'transpose', transpose, true) };
    const operands = promoteFloats(where, toNode(left, undefined, where), quantizedMatrix(where, right, scales, biases, given));
    const { matrix } = operands;
    needMatrix(where, 'w', matrix.shape);
    const shape = turned(matrix.shape, attrs.transposed);
    if (operands.x.shape.length === 0) throw shapesDiffer(where, 'operands need at least 1 dimension', [], shape);
    checkInner(where, operands.x.shape, shape);
    // A vector is a row that vanishes again.
    const vector = operands.x.shape.length === 1;
    const rows = vector ? p.expandDims(operands.x, [0]) : operands.x;
    const product = productBy(where, rows, shape, (factor, batch) => {
      const [words, s, b] = [matrix.words, matrix.scales, matrix.biases].map((part) => spread(part, batch));
      return p.quantizedMatmul(factor, { words, scales: s, biases: b }, attrs);
    });
    return wrap(vector ? p.squeeze(product, [product.shape.length - 2]) : product);
  },
);

/** Indices of the matrices of a batch, unsigned or int64; all of them in their order unless told. */
function indicesArgument(where: string, name: string, value: unknown, batch: Shape): Node {
  if (value === undefined || value === null) {
    return p.reshape(p.arange(0, 1, [sizeOf(batch)], 0, uint32), batch);
  }
  const indices = toNode(value as ArrayInput, undefined, where);
  if (indices.dtype.inexact || indices.dtype === bool) throw typeError(where, `${name} must be integers, not ${indices.dtype.name}`);
  if (indices.dtype.kind === 'unsigned') return indices;
  // Narrower ones may not hold the number of matrices.
  const wide = p.astype(indices, int64);
  return p.where(p.less(wide, zerosLike(wide)), p.add(wide, p.full(sizeOf(batch), wide.shape, int64)), wide);
}

/** The matrices (or rows) at `indices` of the flattened batch: [index shape…, rows, columns]. */
function pick(x: Node, indices: Node): Node {
  const own = x.shape.slice(-2);
  const batch = sizeOf(x.shape.slice(0, -2));
  return p.reshape(p.gather(p.reshape(x, [batch, ...own]), [indices], [0], [1, ...own]), [...indices.shape, ...own]);
}

/** All batch axes made one. */
function flatBatch(x: Node): Node {
  return x.shape.length === 3 ? x : p.reshape(x, [sizeOf(x.shape.slice(0, -2)), ...x.shape.slice(-2)]);
}

/** Indices as one row of uint32: larger ones are those of the last matrix, negative ones that of the first. */
function flatPositions(indices: Node, count: number): Node {
  const row = indices.shape.length === 1 ? indices : p.reshape(indices, [sizeOf(indices.shape)]);
  if (row.dtype === uint32) return row;
  const wide = row.dtype === int64 ? p.maximum(row, zerosLike(row)) : p.astype(row, uint64);
  return p.astype(p.minimum(wide, p.full(Math.max(count - 1, 0), wide.shape, wide.dtype)), uint32);
}

/** Both index arrays with one shape. */
function together(where: string, a: Node, b: Node): [Node, Node] {
  const shape = broadcastShapes(where, a.shape, b.shape);
  return [p.broadcastTo(a, shape), p.broadcastTo(b, shape)];
}

function needMatrices(where: string, indices: Node, batch: Shape): void {
  if (sizeOf(batch) === 0 && sizeOf(indices.shape) > 0) throw rangeError(where, 'there is no matrix to pick');
}

/** Options of `gatherMM`. */
export interface GatherMMOptions {
  indicesLhs: ArrayInput | null;
  lhsIndices: ArrayInput | null;
  indicesRhs: ArrayInput | null;
  rhsIndices: ArrayInput | null;
  /** Accepted for MLX's sake. */
  sortedIndices: boolean;
}

const picks = (shape: Shape, high: number) => operand(shape, { dtype: uint32, low: 0, high });

/**
 * Products of matrices that indices into the flattened batches pick: result [i…] is a[indicesLhs[i…]] @ b[indicesRhs[i…]]. Indices broadcast; without
 * them every matrix is taken in its order. Negative ones count from the end.
 *
 * @example
 * mx.gatherMM(mx.ones([1, 2, 3]), mx.ones([4, 3, 2]), null, mx.array([3, 0], mx.uint32)).shape; // [2, 2, 2]
 */
export const gatherMM = defineOp<
  Call<
    [a: ArrayInput, b: ArrayInput],
    [indicesLhs?: ArrayInput | null, indicesRhs?: ArrayInput | null, sortedIndices?: boolean],
    GatherMMOptions,
    array
  >
>(
  {
    name: 'gatherMM',
    parameters: ['a', 'b', 'indicesLhs|lhsIndices?', 'indicesRhs|rhsIndices?', 'sortedIndices?'],
    method: false,
    cases: () => [
      { args: [operand([3, 2, 2]), operand([3, 2, 1])] },
      { args: [operand([2, 2, 2]), operand([3, 2, 1]), picks([4], 2), picks([4], 3)] },
      { args: [operand([1, 2]), operand([2, 2, 2, 1]), null, picks([2, 3], 4)] },
    ],
  },
  (a: ArrayInput, b: ArrayInput, indicesLhs: unknown, indicesRhs: unknown, sorted: unknown): array => {
    const where = 'gatherMM';
    booleanArgument(where, 'sortedIndices', sorted, false);
    const [x, y] = promotePair(toNode(a, undefined, where), toNode(b, undefined, where));
    needMatrix(where, 'a', x.shape);
    needMatrix(where, 'b', y.shape);
    const [xBatch, yBatch] = [x, y].map((z) => z.shape.slice(0, -2));
    const [i, j] = together(
      where,
      indicesArgument(where, 'indicesLhs', indicesLhs, xBatch),
      indicesArgument(where, 'indicesRhs', indicesRhs, yBatch),
    );
    needMatrices(where, i, xBatch);
    needMatrices(where, j, yBatch);
    return wrap(matrixProduct(where, pick(x, i), pick(y, j)));
  },
);

/** Options of `gatherQMM`. */
export interface GatherQMMOptions extends GatherMMOptions, QuantizedProductOptions {}

function gatherQMMCases(): readonly OpCase[] {
  return [
    {
      args: [operand([2, 1, 32]), words([3, 2, 4]), operand([3, 2, 1]), operand([3, 2, 1]), picks([4], 2), picks([4], 3), true, 32],
    },
    { args: [operand([2, 1, 2]), words([2, 2, 4]), operand([2, 2, 1]), operand([2, 2, 1]), null, null, false, 32, 4] },
  ];
}

/**
 * `gatherMM` with quantized matrices on the right: x[lhs[i…]] @ w[rhs[i…]]ᵀ, or without the transposition.
 *
 * @example
 * const [w, scales, biases] = mx.quantize(mx.ones([4, 2, 32]), 32);
 * mx.gatherQMM(mx.ones([1, 1, 32]), w, scales, biases, null, mx.array([1, 3], mx.uint32), true, 32).shape; // [2, 1, 2]
 */
export const gatherQMM = defineOp<
  Call<
    [x: ArrayInput, w: ArrayInput, scales: ArrayInput, biases: ArrayInput],
    [
      indicesLhs?: ArrayInput | null,
      indicesRhs?: ArrayInput | null,
      transpose?: boolean,
      groupSize?: number,
      bits?: number,
      sortedIndices?: boolean,
    ],
    GatherQMMOptions,
    array
  >
>(
  {
    name: 'gatherQMM',
    parameters: [
      'x',
      'w',
      'scales',
      'biases',
      'indicesLhs|lhsIndices?',
      'indicesRhs|rhsIndices?',
      'transpose?',
      'groupSize?',
      'bits?',
      'sortedIndices?',
    ],
    method: false,
    cases: gatherQMMCases,
  },
  (
    x: ArrayInput,
    w: ArrayInput,
    scales: ArrayInput,
    biases: ArrayInput,
    indicesLhs: unknown,
    indicesRhs: unknown,
    transpose: unknown,
    groupSize: unknown,
    bits: unknown,
    sorted: unknown,
  ): array => {
    const where = 'gatherQMM';
    booleanArgument(where, 'sortedIndices', sorted, false);
    const left = toNode(x, undefined, where);
    const given = quantizationArguments(where, groupSize, bits);
    const attrs = { ...given, transposed: booleanArgument(where, 'transpose', transpose, true) };
    const operands = promoteFloats(where, left, quantizedMatrix(where, w, scales, biases, given));
    const { matrix } = operands;
    needMatrix(where, 'x', left.shape);
    needMatrix(where, 'w', matrix.shape);
    const [xBatch, wBatch] = [left.shape, matrix.shape].map((shape) => shape.slice(0, -2));
    const [i, j] = together(
      where,
      indicesArgument(where, 'indicesLhs', indicesLhs, xBatch),
      indicesArgument(where, 'indicesRhs', indicesRhs, wBatch),
    );
    needMatrices(where, i, xBatch);
    needMatrices(where, j, wBatch);
    const shape = turned(matrix.shape, attrs.transposed).slice(-2);
    checkInner(where, [...i.shape, ...left.shape.slice(-2)], [...i.shape, ...shape]);
    const [words, s, b] = [matrix.words, matrix.scales, matrix.biases].map(flatBatch);
    const picks = { lhs: flatPositions(i, sizeOf(xBatch)), rhs: flatPositions(j, sizeOf(wBatch)) };
    const products = p.gatheredQuantizedMatmul(flatBatch(operands.x), { words, scales: s, biases: b }, picks, attrs);
    return wrap(p.reshape(products, [...i.shape, ...products.shape.slice(1)]));
  },
);

/** Options of `blockMaskedMM`. */
export interface BlockMaskedMMOptions {
  blockSize: number;
  maskOut: ArrayInput | null;
  maskLhs: ArrayInput | null;
  maskRhs: ArrayInput | null;
}

/** `x` with its blocks masked, if there is a mask. */
function blockMasked(where: string, name: string, x: Node, mask: unknown, blockSize: number): Node {
  if (mask === undefined || mask === null) return x;
  const given = toNode(mask as ArrayInput, undefined, where);
  if (given.dtype.kind === 'complex') throw typeError(where, `${name} must be bool or real, not ${describe(given.dtype.name)}`);
  needMatrix(where, name, given.shape);
  const own = x.shape.slice(-2);
  const blocks = own.map((size) => Math.ceil(size / blockSize));
  if (given.shape.slice(-2).some((size, i) => size !== blocks[i])) {
    throw rangeError(where, `${name} must have one element a block, ${showShape(blocks)}, not shape ${showShape(given.shape)}`);
  }
  const batch = broadcastShapes(where, x.shape.slice(0, -2), given.shape.slice(0, -2));
  const whole = p.broadcastTo(x, [...batch, ...own]);
  return masked(whole, blocksOf(given, blockSize, own[0], own[1]));
}

/**
 * a @ b in which masks of one element for each block of `blockSize` × `blockSize` cover blocks of `a` (`maskLhs`), of `b` (`maskRhs`) and of the
 * product (`maskOut`). A bool mask says what stays; another is multiplied with.
 *
 * @example
 * mx.blockMaskedMM(mx.ones([2, 2]), mx.ones([2, 2]), 1, mx.array([[true, false], [false, true]])); // array([[2, 0],\n       [0, 2]], dtype=float32)
 */
export const blockMaskedMM = defineOp<
  Call<
    [a: ArrayInput, b: ArrayInput],
    [blockSize?: number, maskOut?: ArrayInput | null, maskLhs?: ArrayInput | null, maskRhs?: ArrayInput | null],
    BlockMaskedMMOptions,
    array
  >
>(
  {
    name: 'blockMaskedMM',
    parameters: ['a', 'b', 'blockSize?', 'maskOut?', 'maskLhs?', 'maskRhs?'],
    method: false,
    cases: () => [
      { args: [operand([3, 4]), operand([4, 2]), 2, operand([2, 1]), operand([2, 2]), operand([2, 1])] },
      { args: [operand([2, 2, 3]), operand([3, 2]), 2, operand([1, 1], { dtype: bool }), operand([2, 1, 2], { dtype: bool })] },
      { args: [operand([2, 3]), operand([3, 2])] },
    ],
  },
  (a: ArrayInput, b: ArrayInput, blockSize: unknown, maskOut: unknown, maskLhs: unknown, maskRhs: unknown): array => {
    const where = 'blockMaskedMM';
    const size = integerArgument(where, 'blockSize', blockSize, 64);
    if (size < 1) throw rangeError(where, `blockSize must be at least 1, not ${size}`);
    const [x, y] = [toNode(a, undefined, where), toNode(b, undefined, where)];
    needMatrix(where, 'a', x.shape);
    needMatrix(where, 'b', y.shape);
    const dtype = promoteTypes(x.dtype, y.dtype);
    if (!dtype.inexact) throw typeError(where, `operands must be floating, not ${x.dtype.name} and ${y.dtype.name}`);
    if (x.shape[x.shape.length - 1] !== y.shape[y.shape.length - 2]) {
      throw shapesDiffer(where, 'last axis of a must equal second-to-last of b', x.shape, y.shape);
    }
    const [left, right] = promotePair(x, y);
    const out = matrixProduct(
      where,
      blockMasked(where, 'maskLhs', left, maskLhs, size),
      blockMasked(where, 'maskRhs', right, maskRhs, size),
    );
    return wrap(blockMasked(where, 'maskOut', out, maskOut, size));
  },
);
