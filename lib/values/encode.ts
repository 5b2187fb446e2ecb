/** JavaScript values in the representation of each dtype. */

import type { Dtype } from '../dtype';
import type { ComplexValue, TypedArray } from './construct';
import { toBfloat16, toFloat16 } from './half';

/** A leaf for a typed array of at most 32 bits, which wraps numbers itself. */
function narrow(leaf: unknown): number {
  return typeof leaf === 'bigint' ? Number(BigInt.asIntN(32, leaf)) : Number(leaf);
}

function wide(leaf: unknown): bigint {
  if (typeof leaf === 'bigint') return leaf;
  const number = Number(leaf);
  return Number.isFinite(number) ? BigInt(Math.trunc(number)) : 0n;
}

/** Numbers, booleans and bigints in the representation of a dtype. */
export function encodeReal(leaves: readonly unknown[], dtype: Dtype): TypedArray {
  switch (dtype.name) {
    case 'bool':
      return Uint8Array.from(leaves, (leaf) => (Number(leaf) === 0 ? 0 : 1));
    case 'float32':
      return Float32Array.from(leaves, Number);
    case 'float64':
      return Float64Array.from(leaves, Number);
    case 'float16':
      return Uint16Array.from(leaves, (leaf) => toFloat16(Number(leaf)));
    case 'bfloat16':
      return Uint16Array.from(leaves, (leaf) => toBfloat16(Number(leaf)));
    case 'int64':
      return BigInt64Array.from(leaves.map(wide));
    case 'uint64':
      return BigUint64Array.from(leaves.map(wide));
    case 'complex64':
      return encodeComplex(leaves);
    case 'int8':
      return Int8Array.from(leaves, narrow);
    case 'int16':
      return Int16Array.from(leaves, narrow);
    case 'int32':
      return Int32Array.from(leaves, narrow);
    case 'uint8':
      return Uint8Array.from(leaves, narrow);
    case 'uint16':
      return Uint16Array.from(leaves, narrow);
    case 'uint32':
      return Uint32Array.from(leaves, narrow);
  }
}

/** Complex numbers, real ones among them, as pairs. */
export function encodeComplex(leaves: readonly unknown[]): Float32Array {
  const pairs = new Float32Array(leaves.length * 2);
  leaves.forEach((leaf, i) => {
    const value = typeof leaf === 'object' ? (leaf as ComplexValue) : { re: Number(leaf), im: 0 };
    pairs[2 * i] = value.re;
    pairs[2 * i + 1] = value.im;
  });
  return pairs;
}
