/** Norms and rotary positions for the laws of the rules: every choice of operands. */

import { float16, float32 } from '../../lib/dtype';
import type { Shape } from '../../lib/graph/node';
import { layerNorm, type RopeOptions, rmsNorm, rope } from '../../lib/primitives';
import { widest } from '../support/default';
import type { Case, Input } from './cases';

const real = (shape: Shape): Input => ({ shape, dtype: widest });
/** Away from 0, so that a frequency can be divided by. */
const frequencies = (shape: Shape): Input => ({ shape, dtype: widest, low: 1, high: 3 });

function ropeCase(name: string, inputs: readonly Input[], offsets: boolean, freqs: boolean, options: Partial<RopeOptions>): Case {
  const all: RopeOptions = { dims: 4, traditional: false, base: 100, scale: 1, offset: 0, ...options };
  return {
    name: `rope ${name}`,
    inputs,
    f: (x, ...rest) => rope(x, offsets ? rest[0] : null, freqs ? rest[offsets ? 1 : 0] : null, all),
  };
}

export function normCases(): Case[] {
  const rows = real([2, 3, 4]);
  const row = real([4]);
  return [
    { name: 'layerNorm', inputs: [rows], f: (x) => layerNorm(x, null, null, 0.1) },
    { name: 'layerNorm with weight', inputs: [rows, row], f: (x, w) => layerNorm(x, w, null, 0.1) },
    { name: 'layerNorm with bias', inputs: [rows, row], f: (x, b) => layerNorm(x, null, b, 0.1) },
    { name: 'layerNorm with both', inputs: [rows, row, row], f: (x, w, b) => layerNorm(x, w, b, 0.1) },
    { name: 'layerNorm of a row', inputs: [row, row, row], f: (x, w, b) => layerNorm(x, w, b, 0.1) },
    { name: 'layerNorm of nothing', inputs: [real([0, 4]), row], f: (x, w) => layerNorm(x, w, null, 0.1) },
    { name: 'rmsNorm', inputs: [rows], f: (x) => rmsNorm(x, null, 0.1) },
    { name: 'rmsNorm with weight', inputs: [rows, row], f: (x, w) => rmsNorm(x, w, 0.1) },
    { name: 'rmsNorm of ones', inputs: [real([3, 1]), real([1])], f: (x, w) => rmsNorm(x, w, 0.1) },
    {
      name: 'rmsNorm float16',
      inputs: [
        { shape: [2, 3], dtype: float16 },
        { shape: [3], dtype: float16 },
      ],
      f: (x, w) => rmsNorm(x, w, 0.1),
    },
    ropeCase('of halves', [real([2, 3, 4])], false, false, {}),
    ropeCase('of neighbours', [real([2, 3, 4])], false, false, { traditional: true, offset: 2, scale: 0.5 }),
    ropeCase('of some', [real([3, 5])], false, false, { dims: 2 }),
    ropeCase('with offsets', [real([2, 1, 3, 5]), real([2, 1])], true, false, {}),
    ropeCase('with frequencies', [real([2, 3, 4]), frequencies([2, 2])], false, true, { offset: 1, scale: 0.5 }),
    ropeCase('with both', [real([2, 3, 5]), real([2]), frequencies([2, 2])], true, true, { traditional: true, scale: 2 }),
    ropeCase('with an offset for a matrix', [real([3, 4]), real([])], true, false, { traditional: true }),
    ropeCase(
      'float16',
      [
        { shape: [2, 4], dtype: float16 },
        { shape: [], dtype: float32 },
      ],
      true,
      false,
      {},
    ),
  ];
}
