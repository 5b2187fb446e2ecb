/** Sums and products of elements, in plain JavaScript; `convert` then rounds or wraps them. */

import type { Dtype } from '../../lib/dtype';
import type { Value } from './steps-arrays';

export function times(dtype: Dtype, a: Value, b: Value): Value {
  if (typeof a === 'bigint') return dtype.name === 'bool' ? a & (b as bigint) : a * (b as bigint);
  if (typeof a === 'number') return a * (b as number);
  const [re, im] = b as readonly [number, number];
  return [a[0] * re - a[1] * im, a[0] * im + a[1] * re];
}

export function plus(dtype: Dtype, a: Value, b: Value): Value {
  if (typeof a === 'bigint') return dtype.name === 'bool' ? a | (b as bigint) : a + (b as bigint);
  if (typeof a === 'number') return a + (b as number);
  const [re, im] = b as readonly [number, number];
  return [a[0] + re, a[1] + im];
}

export function zero(dtype: Dtype): Value {
  return dtype.kind === 'complex' ? [0, 0] : dtype.kind === 'float' ? 0 : 0n;
}
