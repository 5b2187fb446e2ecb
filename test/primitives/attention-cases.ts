/** Attention for the laws of the rules: shared heads, every kind of mask. */

import { bool, type Dtype, float32 } from '../../lib/dtype';
import type { Shape } from '../../lib/graph/node';
import { attention } from '../../lib/primitives';
import { widest } from '../support/default';
import type { Case, Input } from './cases';

function attentionCase(
  name: string,
  [q, k, v]: readonly [Shape, Shape, Shape],
  mask: Input | null,
  causal = false,
  dtype: Dtype = widest,
): Case {
  return {
    name: `attention ${name}`,
    inputs: [{ shape: q, dtype }, { shape: k, dtype }, { shape: v, dtype }, ...(mask === null ? [] : [mask])],
    f: (a, b, c, m) => attention(a, b, c, m ?? null, { scale: 0.7, causal }),
  };
}

export function attentionCases(): Case[] {
  const small: [Shape, Shape, Shape] = [
    [1, 1, 2, 2],
    [1, 1, 3, 2],
    [1, 1, 3, 1],
  ];
  const shared: [Shape, Shape, Shape] = [
    [2, 2, 2, 2],
    [2, 1, 2, 2],
    [2, 1, 2, 2],
  ];
  return [
    attentionCase('plain', small, null),
    attentionCase('causal', small, null, true),
    attentionCase('of shared heads', shared, null, true),
    attentionCase('with an added mask', shared, { shape: [2, 1, 1, 2], dtype: widest }),
    attentionCase('with one mask for all', shared, { shape: [1, 2, 2, 1], dtype: widest }),
    attentionCase('with a boolean mask', small, { shape: [1, 1, 2, 3], dtype: bool, values: [1, 0, 1, 0, 1, 1] }),
    attentionCase('with nothing seen', small, { shape: [1, 1, 2, 1], dtype: bool, values: [0, 1] }),
    attentionCase('float32', small, null, false, float32),
    attentionCase('of no queries', [[1, 1, 0, 2], small[1], small[2]], null),
    attentionCase('of no width', [[1, 1, 2, 0], [1, 1, 3, 0], small[2]], null),
  ];
}
