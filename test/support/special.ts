/** Special functions and random bits in plain JavaScript, for references. */

/** Kummer's series, whose terms are all positive, and the continued fraction of erfc beyond. */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a >= 2.5) return Math.sign(x) * (1 - erfc(a));
  let [sum, term] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

export function erfc(a: number): number {
  let fraction = a;
  for (let n = 200; n > 0; n--) fraction = a + n / 2 / fraction;
  return Math.exp(-a * a) / (Math.sqrt(Math.PI) * fraction);
}

/** Newton's method on erf (on erfc's logarithm in the tails). */
export function erfinv(y: number): number {
  const a = Math.abs(y);
  if (!(a < 1)) return a === 1 ? y * Infinity : Number.NaN;
  if (a < 1e-9) return (y * Math.sqrt(Math.PI)) / 2;
  const tail = 1 - a;
  let x = a < 0.9 ? a : Math.sqrt(-Math.log(tail));
  for (let i = 0; i < 60; i++) {
    const slope = (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x);
    const step = a < 0.9 ? (erf(x) - a) / slope : (Math.log(tail / erfc(x)) * erfc(x)) / slope;
    x -= step;
    if (Math.abs(step) < 1e-17 * x) break;
  }
  return Math.sign(y) * x;
}

/** To the nearest integer, halves to the even one; keeps the sign of zeros. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const result = x - floor > 0.5 || (x - floor === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
  return result === 0 ? Math.sign(x) * 0 : result;
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
