/** Convolutions for the laws of the rules: every option, alone and together. */

import { complex64, type Dtype, float32 } from '../../lib/dtype';
import type { Shape } from '../../lib/graph/node';
import { convolution } from '../../lib/primitives';
import type { ConvolutionAttrs } from '../../lib/primitives/convolution';
import { widest } from '../support/default';
import type { Case } from './cases';

function convolutionCase(name: string, x: Shape, w: Shape, options: Partial<ConvolutionAttrs> = {}, dtype: Dtype = widest): Case {
  const all = (value: number): number[] => x.slice(2).map(() => value);
  const attrs: ConvolutionAttrs = {
    strides: all(1),
    low: all(0),
    high: all(0),
    kernelDilation: all(1),
    inputDilation: all(1),
    groups: 1,
    flip: false,
    ...options,
  };
  return {
    name: `convolution ${name}`,
    inputs: [
      { shape: x, dtype },
      { shape: w, dtype },
    ],
    f: (a, b) => convolution(a, b, attrs),
  };
}

export function convolutionCases(): Case[] {
  return [
    convolutionCase('plain', [2, 4, 2], [3, 2, 2]),
    convolutionCase('padded', [1, 3, 2], [2, 3, 2], { low: [2], high: [1] }),
    convolutionCase('cut', [1, 6, 1], [2, 2, 1], { low: [-1], high: [-2] }),
    convolutionCase('strided', [1, 6, 1], [1, 2, 1], { strides: [3], high: [1] }),
    convolutionCase('dilated', [1, 4, 1], [1, 3, 1], { kernelDilation: [2], inputDilation: [3], strides: [2], low: [1] }),
    convolutionCase('flipped', [1, 4, 2], [2, 3, 2], { flip: true, low: [1] }),
    convolutionCase('grouped', [2, 3, 4], [6, 2, 2], { groups: 2, flip: true, strides: [2], low: [1] }),
    convolutionCase('of channels alone', [1, 4, 3], [3, 2, 1], { groups: 3, low: [1] }),
    convolutionCase('of two axes', [1, 3, 4, 2], [2, 2, 3, 1], {
      groups: 2,
      strides: [1, 2],
      low: [0, 2],
      high: [2, -1],
      kernelDilation: [2, 1],
      inputDilation: [1, 2],
    }),
    convolutionCase('of three axes', [1, 2, 3, 2, 1], [1, 2, 1, 2, 1], { low: [1, 0, 0], flip: true }),
    convolutionCase('complex64', [1, 4, 2], [2, 2, 2], { low: [1], strides: [2] }, complex64),
    convolutionCase('float32', [2, 5, 3], [2, 3, 3], {}, float32),
    convolutionCase('of no examples', [0, 4, 2], [2, 2, 2]),
    convolutionCase('without channels', [2, 4, 0], [3, 2, 0]),
    convolutionCase('without room', [2, 1, 2], [2, 3, 2]),
    convolutionCase('without outputs', [2, 3, 2], [0, 2, 2]),
  ];
}
