/** Products with quantized matrices by the definition: each number is read bit by bit. */

import { type Complex, complex } from '../complex';
import type { Value } from '../interpret';
import type { RoutineReference } from '.';

/** Number `i` of a row of words. */
function numberAt(words: readonly number[], bits: number, i: number): number {
  let number = 0;
  for (let bit = 0; bit < bits; bit++) {
    const at = i * bits + bit;
    number += (Math.floor(words[Math.floor(at / 32)] / 2 ** (at % 32)) % 2) * 2 ** bit;
  }
  return number;
}

/** The rows of matrix `matrix` of a batch. */
function matrixAt(value: Value, matrix: number): number[][] {
  const [rows, columns] = value.shape.slice(-2);
  const first = matrix * rows * columns;
  return Array.from({ length: rows }, (_, row) =>
    value.elements.slice(first + row * columns, first + (row + 1) * columns).map(({ re }) => re),
  );
}

export const quantizedMatmul: RoutineReference = ([x, words, scales, biases, lhs, rhs], [transposed, groupSize, bits]) => {
  const count = (lhs ?? x).shape.slice(0, lhs === undefined ? -2 : 1).reduce((a, b) => a * b, 1);
  const pick = (indices: Value | undefined, from: Value, i: number): number =>
    indices === undefined ? i : Math.min(indices.elements[i].re, from.shape[0] - 1);
  const result: Complex[] = [];
  for (let i = 0; i < count; i++) {
    const w = pick(rhs, words, i);
    const [s, b] = [matrixAt(scales, w), matrixAt(biases, w)];
    const matrix = matrixAt(words, w).map((row, r) =>
      Array.from({ length: (row.length * 32) / bits }, (_, c) => {
        const group = Math.floor(c / groupSize);
        return s[r][group] * numberAt(row, bits, c) + b[r][group];
      }),
    );
    const columns = transposed
      ? matrix
      : Array.from({ length: s.length === 0 ? 0 : matrix[0].length }, (_, c) => matrix.map((row) => row[c]));
    const width = transposed ? matrix.length : (words.shape[words.shape.length - 1] * 32) / bits;
    for (const row of matrixAt(x, pick(lhs, x, i))) {
      for (let c = 0; c < width; c++) result.push(complex(row.reduce((sum, value, k) => sum + value * columns[c][k], 0)));
    }
  }
  return [result];
};
