/** Products of nodes: matrices with batch axes, and the general contraction that tensordot, inner and einsum come down to. */

import { bool, int32, promoteTypes } from '../dtype';
import { rangeError } from '../errors';
import type { Node, Shape } from '../graph/node';
import { multiply } from '../primitives/binary';
import { astype } from '../primitives/cast';
import { matmul } from '../primitives/matmul';
import { broadcastTo, reshape, transpose } from '../primitives/movement';
import { broadcastShapes, sameShape, sizeOf } from '../shape';
import { shapesDiffer } from './arguments';

/** Both operands in their common dtype; bool counts, so it becomes int32. */
export function promotePair(a: Node, b: Node): [Node, Node] {
  const common = promoteTypes(a.dtype, b.dtype);
  const dtype = common === bool ? int32 : common;
  return [a.dtype === dtype ? a : astype(a, dtype), b.dtype === dtype ? b : astype(b, dtype)];
}

/** The matrix product by NumPy's rules: 1-D operands are a row and a column that vanish again, batch axes broadcast. */
export function matrixProduct(where: string, x: Node, y: Node): Node {
  const [a, b] = x.dtype === y.dtype && x.dtype !== bool ? [x, y] : promotePair(x, y);
  const aRank = a.shape.length;
  const bRank = b.shape.length;
  if (aRank === 0 || bRank === 0) {
    throw shapesDiffer(where, 'operands need at least 1 dimension', a.shape, b.shape);
  }
  checkInner(where, a.shape, b.shape);
  if (aRank === 2 && bRank === 2) return matmul(a, b);
  if (aRank === 1 || bRank === 1) {
    const k = a.shape[aRank - 1];
    const left = aRank === 1 ? reshape(a, [1, k]) : a;
    const right = bRank === 1 ? reshape(b, [k, 1]) : b;
    const product = batchedProduct(where, left, right);
    const shape = product.shape.slice(0, -2);
    if (aRank !== 1) shape.push(product.shape[product.shape.length - 2]);
    if (bRank !== 1) shape.push(product.shape[product.shape.length - 1]);
    return reshape(product, shape);
  }
  return batchedProduct(where, a, b);
}

/** Throws unless the axes that a product sums over have one size. */
export function checkInner(where: string, a: Shape, b: Shape): void {
  const k = a[a.length - 1];
  const rows = b[b.length === 1 ? 0 : b.length - 2];
  if (k === rows) return;
  const which = b.length === 1 ? 'axis of b' : 'second-to-last of b';
  throw shapesDiffer(where, `last axis of a (${k}) must equal ${which} (${rows})`, a, b);
}

/** [batch…, m, k] times [batch…, k, n] with batch axes that broadcast. */
function batchedProduct(where: string, a: Node, b: Node): Node {
  return productBy(where, a, b.shape, (left, batch) => matmul(left, batch === null ? b : broadcastTo(b, [...batch, ...b.shape.slice(-2)])));
}

/**
 * [batch…, m, k] times matrices of shape `b`, [batch…, k, n], with batch axes that broadcast: `multiply` has its left operand and the batch axes that
 * the right one is to have, null where there is one matrix.
 */
export function productBy(where: string, a: Node, b: Shape, multiply: (left: Node, batch: Shape | null) => Node): Node {
  const aRank = a.shape.length;
  // One matrix on the right: the batch joins the rows, and one product does it all.
  if (b.length === 2) {
    if (aRank === 2) return multiply(a, null);
    const [k, n] = b;
    const flat = multiply(reshape(a, [sizeOf(a.shape.slice(0, -1)), k]), null);
    return reshape(flat, [...a.shape.slice(0, -1), n]);
  }
  const aBatch = a.shape.slice(0, -2);
  const bBatch = b.slice(0, -2);
  const batch = sameShape(aBatch, bBatch) ? aBatch : batchShape(where, aBatch, bBatch, a.shape, b);
  return multiply(broadcastTo(a, [...batch, ...a.shape.slice(-2)]), batch);
}

function batchShape(where: string, aBatch: Shape, bBatch: Shape, a: Shape, b: Shape): Shape {
  try {
    return broadcastShapes(where, aBatch, bBatch);
  } catch (cause) {
    throw Object.assign(shapesDiffer(where, 'batch axes do not broadcast', a, b), { cause });
  }
}

/** Which axes of two operands belong together in a contraction: pairs with equal sizes. */
export interface Contraction {
  /** Axes of a, and of b, that stay and run together: the result's first axes. */
  readonly batch: readonly (readonly [number, number])[];
  /** Axes of a, and of b, that are summed over. */
  readonly summed: readonly (readonly [number, number])[];
}

/** A function that contracts two nodes of given shapes and one dtype, and the shape of its result. */
export interface ContractionRecipe {
  readonly shape: Shape;
  readonly contract: (a: Node, b: Node) => Node;
}

function freeAxes(shape: Shape, used: readonly number[]): number[] {
  return [...shape.keys()].filter((axis) => !used.includes(axis));
}

const sizesOf = (shape: Shape, axes: readonly number[]): number[] => axes.map((axis) => shape[axis]);

/**
 * The sum of products over the `summed` axes. The result has the batch axes, then a's other axes, then b's, each in order. All that the shapes decide
 * is decided here, once.
 */
export function contraction(aShape: Shape, bShape: Shape, { batch, summed }: Contraction): ContractionRecipe {
  const aBatch = batch.map(([axis]) => axis);
  const bBatch = batch.map(([, axis]) => axis);
  const aSummed = summed.map(([axis]) => axis);
  const bSummed = summed.map(([, axis]) => axis);
  const aFree = freeAxes(aShape, [...aBatch, ...aSummed]);
  const bFree = freeAxes(bShape, [...bBatch, ...bSummed]);
  const batchSizes = sizesOf(aShape, aBatch);
  const aSizes = sizesOf(aShape, aFree);
  const bSizes = sizesOf(bShape, bFree);
  const shape = [...batchSizes, ...aSizes, ...bSizes];
  const leftOrder = [...aBatch, ...aFree, ...aSummed];
  const rightOrder = [...bBatch, ...bSummed, ...bFree];
  if (summed.length === 0) {
    // Without a sum this is an elementwise product, which fuses with its neighbours.
    const leftShape = [...batchSizes, ...aSizes, ...bSizes.map(() => 1)];
    const rightShape = [...batchSizes, ...aSizes.map(() => 1), ...bSizes];
    const spread = (x: Node, order: readonly number[], own: Shape): Node => broadcastTo(reshape(transpose(x, order), own), shape);
    return { shape, contract: (a, b) => multiply(spread(a, leftOrder, leftShape), spread(b, rightOrder, rightShape)) };
  }
  const k = sizeOf(sizesOf(aShape, aSummed));
  const lead = batchSizes.length === 0 ? [] : [sizeOf(batchSizes)];
  const leftShape = [...lead, sizeOf(aSizes), k];
  const rightShape = [...lead, k, sizeOf(bSizes)];
  const matrix = (x: Node, order: readonly number[], own: Shape): Node => reshape(transpose(x, order), own);
  return {
    shape,
    contract: (a, b) => reshape(matmul(matrix(a, leftOrder, leftShape), matrix(b, rightOrder, rightShape)), shape),
  };
}

/** Throws unless the paired axes have equal sizes. */
export function checkPairs(where: string, a: Node, b: Node, pairs: readonly (readonly [number, number])[]): void {
  for (const [i, j] of pairs) {
    if (a.shape[i] !== b.shape[j]) {
      throw rangeError(
        where,
        `axis ${i} of a (${a.shape[i]}) must equal axis ${j} of b (${b.shape[j]}): shapes [${a.shape.join(', ')}] and [${b.shape.join(', ')}]`,
      );
    }
  }
}
