/** Products with quantized matrices for the laws of the rules: whole batches and picked ones, transposed and not. */

import { type Dtype, float32, uint32 } from '../../lib/dtype';
import type { Shape } from '../../lib/graph/node';
import { gatheredQuantizedMatmul, quantizedMatmul } from '../../lib/primitives';
import { widest } from '../support/default';
import type { Case, Input } from './cases';

interface Sizes {
  readonly batch?: Shape;
  readonly m: number;
  readonly rows: number;
  readonly groups: number;
  readonly bits: number;
  readonly transposed: boolean;
}

const groupSize = 32;
const words = (shape: Shape): Input => ({ shape, dtype: uint32, low: 0, high: 2 ** 32 });
const indices = (values: readonly number[]): Input => ({ shape: [values.length], dtype: uint32, low: 0, high: 4, values });

function operands({ batch = [], m, rows, groups, bits, transposed }: Sizes, xBatch: Shape, dtype: Dtype): Input[] {
  const groupShape = [...batch, rows, groups];
  return [
    { shape: [...xBatch, m, transposed ? groups * groupSize : rows], dtype },
    words([...batch, rows, groups * bits]),
    { shape: groupShape, dtype },
    { shape: groupShape, dtype },
  ];
}

function productCase(name: string, sizes: Sizes, dtype: Dtype = widest): Case {
  const { bits, transposed, batch = [] } = sizes;
  return {
    name: `quantizedMatmul ${name}`,
    inputs: operands(sizes, batch, dtype),
    f: (x, w, scales, biases) => quantizedMatmul(x, { words: w, scales, biases }, { groupSize, bits, transposed }),
  };
}

function gatheredCase(name: string, sizes: Sizes, count: number, lhs: readonly number[], rhs: readonly number[]): Case {
  const { bits, transposed } = sizes;
  return {
    name: `quantizedMatmul gathered ${name}`,
    inputs: [...operands(sizes, [count], widest), indices(lhs), indices(rhs)],
    f: (x, w, scales, biases, i, j) =>
      gatheredQuantizedMatmul(x, { words: w, scales, biases }, { lhs: i, rhs: j }, { groupSize, bits, transposed }),
  };
}

export function quantizedCases(): Case[] {
  const small = { m: 2, rows: 2, groups: 1, bits: 4 };
  return [
    productCase('transposed', { ...small, transposed: true }),
    productCase('plain', { ...small, transposed: false }),
    productCase('of 3 bits', { ...small, groups: 2, bits: 3, transposed: true }),
    productCase('in batches', { ...small, batch: [2, 1], m: 1, bits: 8, transposed: true }),
    productCase('in plain batches', { ...small, batch: [2], m: 1, bits: 2, transposed: false }),
    productCase('float32', { ...small, transposed: true }, float32),
    productCase('of no rows', { ...small, m: 0, transposed: true }),
    productCase('of no numbers', { ...small, groups: 0, transposed: true }),
    productCase('of a matrix without rows', { ...small, rows: 0, transposed: false }),
    gatheredCase('transposed', { ...small, batch: [2], m: 1, transposed: true }, 3, [2, 0, 2], [1, 1, 0]),
    gatheredCase('plain', { ...small, batch: [2], transposed: false }, 1, [0, 0], [1, 0]),
    gatheredCase('out of range', { ...small, batch: [2], m: 1, transposed: true }, 2, [7, 0], [2 ** 32 - 1, 1]),
    gatheredCase('of nothing', { ...small, batch: [2], transposed: true }, 2, [], []),
  ];
}
