/** Reproducible sample data for tests. */

import type { Dtype } from '../../lib/dtype';
import type { Shape } from '../../lib/graph/node';
import { type Complex, complex } from './complex';
import { type Value, valueOf } from './interpret';

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A value with elements between `low` and `high`: of the real and the imaginary part for complex, rounded down for integers. */
export function sample(random: () => number, shape: Shape, dtype: Dtype, low = -2, high = 2): Value {
  const draw = (): number => low + (high - low) * random();
  const size = shape.reduce((total, axis) => total * axis, 1);
  const element = (): number | Complex => {
    if (dtype.kind === 'complex') return complex(draw(), draw());
    if (dtype.kind === 'bool') return random() < 0.5 ? 0 : 1;
    return dtype.inexact ? draw() : Math.floor(draw());
  };
  return valueOf(shape, dtype, Array.from({ length: size }, element));
}
