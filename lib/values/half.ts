/** Numbers as the bits of float16 and bfloat16, rounding to nearest, ties to even. */

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Rounds `value / quantum` to an integer, ties to even; both are exact in float64. */
function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest > 0.5 || (rest === 0.5 && floor % 2 === 1)) return floor + 1;
  return floor;
}

/** The float16 nearest to a number, as its 16 bits. */
export function toFloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  // Below 2^-14 numbers are multiples of 2^-24; the integer that counts them is the bit pattern, also where it
  // rounds up into the first normal number.
  if (magnitude < 2 ** -14) return sign | roundEven(magnitude * 2 ** 24);
  const exponent = Math.floor(Math.log2(magnitude));
  // log2 may round up to the next integer just below a power of two.
  const exact = 2 ** exponent > magnitude ? exponent - 1 : exponent;
  const mantissa = roundEven(magnitude * 2 ** (10 - exact));
  return sign | (((exact + 14) << 10) + mantissa);
}

/** The bfloat16 nearest to a number, as its 16 bits. */
export function toBfloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  float[0] = value;
  // Rounding twice, to float32 and then to bfloat16, goes wrong at ties of the second: move the first off the tie.
  const rounded = float[0];
  let pattern = bits[0];
  if ((pattern & 0xffff) === 0x8000 && rounded !== value) pattern += Math.abs(value) > Math.abs(rounded) ? 1 : -1;
  const lower = pattern & 0xffff;
  const upper = pattern >>> 16;
  return lower > 0x8000 || (lower === 0x8000 && upper & 1) ? upper + 1 : upper;
}
