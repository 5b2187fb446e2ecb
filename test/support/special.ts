/** Special functions and random bits in plain JavaScript, for the reference interpreter. */

/** 2/√π · exp(-x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!, a series without cancellation. */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** Winitzki's approximation, refined by Halley's method. */
export function erfinv(y: number): number {
  if (!(Math.abs(y) <= 1)) return Number.NaN;
  if (Math.abs(y) === 1) return y * Number.POSITIVE_INFINITY;
  const l = Math.log1p(-y * y);
  const c = 2 / (Math.PI * 0.147) + l / 2;
  let x = Math.sign(y) * Math.sqrt(Math.sqrt(c * c - l / 0.147) - c);
  for (let step = 0; step < 4; step++) {
    const error = (erf(x) - y) / ((2 / Math.sqrt(Math.PI)) * Math.exp(-x * x));
    x -= error / (1 + x * error);
  }
  return x;
}

export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

function rotateLeft(x: number, by: number): number {
  return ((x << by) | (x >>> (32 - by))) >>> 0;
}

/** One block of threefry-2x32 (Salmon et al., 2011): 20 rounds. */
export function threefry(key: readonly [number, number], count: readonly [number, number]): [number, number] {
  const rotations = [
    [13, 15, 26, 6],
    [17, 29, 16, 24],
  ];
  const keys = [key[0], key[1], (key[0] ^ key[1] ^ 0x1bd11bda) >>> 0];
  let x = (count[0] + keys[0]) >>> 0;
  let y = (count[1] + keys[1]) >>> 0;
  for (let group = 0; group < 5; group++) {
    for (const rotation of rotations[group % 2]) {
      x = (x + y) >>> 0;
      y = (rotateLeft(y, rotation) ^ x) >>> 0;
    }
    x = (x + keys[(group + 1) % 3]) >>> 0;
    y = (y + keys[(group + 2) % 3] + group + 1) >>> 0;
  }
  return [x, y];
}

/** The bytes that one key gives: counters 0… in two halves, block k from the pair (k, half + k); an odd one is paired with 0. */
export function randomBytes(key: readonly [number, number], byteLength: number): Uint8Array {
  const words = Math.ceil(byteLength / 4);
  const half = Math.floor(words / 2);
  const odd = words % 2;
  const bits = new Uint32Array(words);
  for (let k = 0; k < half; k++) {
    [bits[k], bits[k + half + odd]] = threefry(key, [k, k + half + odd]);
  }
  if (odd === 1) [bits[half]] = threefry(key, [half, 0]);
  return new Uint8Array(bits.buffer, 0, byteLength);
}
