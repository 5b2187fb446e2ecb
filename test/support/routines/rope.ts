/** Rotary positions by their definition, pair by pair. */

import { complex } from '../complex';
import type { RoutineReference } from '.';

/** ints: dims, traditional, backwards, offsets, freqs; args: base, scale, offset. */
export const rope: RoutineReference = ([x, ...more], [dims, traditional, backwards, hasOffsets, hasFreqs], args) => {
  const [base, scale, offset] = args.map(({ re }) => re);
  const [length, width] = x.shape.slice(-2);
  const half = dims / 2;
  const offsets = hasOffsets === 1 ? more[0].elements : null;
  const freqs = hasFreqs === 1 ? more[more.length - 1].elements : null;
  const out = [...x.elements];
  for (let row = 0; row * width < out.length; row++) {
    const batch = Math.floor(row / length);
    const position = ((offsets?.[batch].re ?? offset) + (row % length)) * scale * (backwards === 1 ? -1 : 1);
    for (let i = 0; i < half; i++) {
      const angle = position * (freqs ? 1 / freqs[batch * half + i].re : base ** (-i / half));
      const [left, right] = (traditional === 1 ? [2 * i, 2 * i + 1] : [i, i + half]).map((k) => row * width + k);
      const [a, b] = [x.elements[left].re, x.elements[right].re];
      out[left] = complex(a * Math.cos(angle) - b * Math.sin(angle));
      out[right] = complex(a * Math.sin(angle) + b * Math.cos(angle));
    }
  }
  return [out];
};
