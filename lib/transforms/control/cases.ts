/** The scans, loops and choices that the matrix takes through every law. */

import type { array } from '../../array';
import { bool } from '../../dtype';
import { type OpCase, operand } from '../../ops/registry';

type Step = (carry: array, x: array) => readonly [array, array];

const mixing: Step = (carry, x) => {
  const next = carry.multiply(0.5).add(x.sin());
  return [next, next.multiply(x)];
};

const weighted = (carry: readonly [array, array], [x, w]: readonly [array, array]): readonly [readonly [array, array], array] => {
  const [h, total] = carry;
  const next = h.matmul(w).add(x).tanh();
  return [[next, total.add(next.sum())], next.square()];
};

/** Results of all shapes in one flat list, as the laws take them. */
export const scanCases = (): readonly OpCase[] => [
  { args: [mixing, operand([3]), operand([4, 3])] },
  { args: [mixing, operand([3]), operand([4, 3]), undefined, true] },
  { args: [weighted, [operand([2]), operand([])], [operand([3, 2]), operand([3, 2, 2])]], tolerance: 4 },
  // One step, and none.
  { args: [mixing, operand([2]), operand([1, 2])] },
  { args: [mixing, operand([2]), operand([0, 2])] },
  // The carry alone, and rows alone.
  { args: [(carry: array) => [carry.sin().add(carry), null], operand([2]), null, 5], tolerance: 4 },
  { args: [(_carry: null, x: array) => [null, x.exp()], null, operand([3, 2])] },
  // A scan of scans.
  {
    args: [
      (carry: array, rows: array) => {
        const [last, all] = innerScan(carry, rows);
        return [last, all.sum()];
      },
      operand([2]),
      operand([2, 3, 2]),
    ],
    tolerance: 4,
  },
];

/** What `scan` was declared as, for a case that scans inside a scan. */
let innerScan: (carry: array, rows: array) => readonly [array, array];

export function scanInside(scan: (f: Step, init: array, xs: array) => readonly [array, array]): void {
  innerScan = (carry, rows) => scan(mixing, carry, rows);
}

const doubling = ([x, y]: readonly [array, array]): readonly [array, array] => [x.multiply(1.5).add(y.multiply(0.25)), y.cos()];

export const whileCases = (): readonly OpCase[] => [
  { args: [(x: array) => x.abs().sum().less(9), (x: array) => x.multiply(1.5), operand([2], { low: 0.3 }), 12], tolerance: 20 },
  { args: [([x]: readonly array[]) => x.less(7), doubling, [operand([], { low: 1, high: 2 }), operand([])], 9], tolerance: 20 },
  // It ends at its bound; and before it begins.
  { args: [() => true, (x: array) => x.sin(), operand([2]), 3] },
  { args: [() => false, (x: array) => x.sin(), operand([2]), 3] },
];

export const condCases = (): readonly OpCase[] => {
  const onTrue = (x: array, y: array): array => x.sin().multiply(y);
  const onFalse = (x: array, y: array): array => x.add(y.square());
  const pred = operand([], { dtype: bool });
  return [
    { args: [pred, onTrue, onFalse, operand([3]), operand([3])] },
    { args: [true, onTrue, onFalse, operand([2]), operand([2])] },
    { args: [false, onTrue, onFalse, operand([2]), operand([2])] },
    { args: [pred, (x: array) => [x.exp(), x], (x: array) => [x, x.multiply(0)], operand([2, 2])] },
  ];
};
