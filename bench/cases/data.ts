/** What the lines work on, made once and evaluated. */

import * as mx from 'metalgrad';
import type { Line } from '../harness';

/** 16M: more elements than any cache holds. */
export const many = 16 * 1024 * 1024;
/** The peers that run in Node as we do, and how many times faster than them every line is to be. */
export const everywhere = { jax: 3, tfjs: 3 };

export function vector(n = many, low = -3, high = 3, dtype: mx.Dtype = mx.float32): mx.array {
  const x = mx.random.uniform(low, high, [n]).astype(dtype);
  mx.eval(x);
  return x;
}

export function matrix(shape: readonly number[], dtype: mx.Dtype = mx.float32): mx.array {
  const x = mx.random.normal([...shape]).astype(dtype);
  mx.eval(x);
  return x;
}

/** A line that evaluates `f` of data made once. */
export function evaluating(
  name: string,
  data: () => mx.array[],
  f: (...data: mx.array[]) => unknown,
  goals: Omit<Line, 'name' | 'prepare' | 'operations'> = {},
): Line {
  return { name, prepare: preparing(data, f), ...goals };
}

/** What is timed: evaluating `f` of data made once. */
export function preparing(data: () => mx.array[], f: (...data: mx.array[]) => unknown): Line['prepare'] {
  return () => {
    const made = data();
    return () => mx.eval(f(...made));
  };
}
