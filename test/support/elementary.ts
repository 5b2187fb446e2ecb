/** How exact elementary functions must be in float32, and the numbers that they are tried on. */

import type { ElementwiseOp } from '../../lib/schedule/opcodes';
import { generator } from './samples';

// Inside jest's contexts a global is slow to look up, which tells where every element takes several.
const { Math, Number } = globalThis;

const specialBits = [
  0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 1, 0x80000001, 0x007fffff, 0x00800000, 0x80800000, 0x7f7fffff, 0xff7fffff,
  0x3f800000, 0xbf800000, 0x3f7fffff, 0xbf7fffff, 0x3f800001, 0xbf800001, 0x3f000000, 0xbf000000,
];

/** Numbers of both signs with every exponent, zeros, subnormals, infinities and NaN. */
export function everywhere(perExponent: number, seed: number): Float32Array<ArrayBuffer> {
  const next = generator(seed);
  const bits = [...specialBits];
  for (const sign of [0, 0x80000000]) {
    for (let exponent = 0; exponent < 255; exponent++) {
      for (let i = 0; i < perExponent; i++) bits.push((sign | (exponent << 23) | Math.floor(next() * 2 ** 23)) >>> 0);
    }
  }
  return new Float32Array(Uint32Array.from(bits).buffer);
}

/** Dense samples of an interval, for where a function is interesting. */
export function between(low: number, high: number, n: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: n }, (_, i) => low + ((high - low) * (i + 0.37)) / n);
}

function unit(x: number): number {
  return 2 ** (Math.max(Math.floor(Math.log2(Math.abs(x))), -126) - 23);
}

/** The error in units of the last place of float32; Infinity where specials differ. */
export function errorInUlps(got: number, wanted: number): number {
  if (Number.isNaN(wanted)) return Number.isNaN(got) ? 0 : Infinity;
  const rounded = Math.fround(wanted);
  if (got === rounded) return 0;
  if (!Number.isFinite(rounded) || !Number.isFinite(got)) {
    // One of the last two finite numbers instead of infinity, or the other way round.
    const top = 2 ** 128;
    return Math.abs(Math.min(Math.abs(got), top) - Math.min(Math.abs(wanted), top)) <= 2 ** 105 && got * wanted > 0 ? 2 : Infinity;
  }
  return Math.abs(got - wanted) / unit(wanted || 1e-300);
}

/** The error that a function may have, in units of the last place. */
export const limits: Partial<Record<ElementwiseOp, number>> = {
  exp: 2,
  expm1: 2,
  log: 2,
  log2: 2,
  log10: 2,
  log1p: 2,
  sqrt: 0.5,
  rsqrt: 2,
  reciprocal: 0.5,
  sin: 2,
  cos: 2,
  tan: 4,
  sinh: 2,
  cosh: 2,
  tanh: 2,
  arcsin: 2,
  arccos: 2,
  arctan: 2,
  arcsinh: 2,
  arccosh: 2,
  arctanh: 2,
  erf: 4,
  erfinv: 4,
  sigmoid: 2,
};

/** Where functions are interesting. */
export const intervals: [number, number][] = [
  [-1, 1],
  [-10, 10],
  [-105, 90],
  [0.9, 1.1],
  [-1.1, -0.9],
  [0, 40],
  [-0.01, 0.01],
  [30000, 35000],
];
