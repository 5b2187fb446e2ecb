/** Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), for keys that JavaScript knows. */

const rotations: readonly number[] = [13, 15, 26, 6, 17, 29, 16, 24];

/** Two words from a key of two words and a counter of two words. */
export function threefry2x32(key0: number, key1: number, counter0: number, counter1: number): [number, number] {
  const keys = [key0, key1, key0 ^ key1 ^ 0x1bd11bda];
  let x = (counter0 + key0) | 0;
  let y = (counter1 + key1) | 0;
  for (let group = 0; group < 5; group++) {
    const first = group % 2 === 0 ? 0 : 4;
    for (let i = first; i < first + 4; i++) {
      const r = rotations[i];
      x = (x + y) | 0;
      y = ((y << r) | (y >>> (32 - r))) ^ x;
    }
    x = (x + keys[(group + 1) % 3]) | 0;
    y = (y + keys[(group + 2) % 3] + group + 1) | 0;
  }
  return [x >>> 0, y >>> 0];
}

/** A key as its two words. */
export type KeyWords = readonly [number, number];

/** The two keys that `split(key)` gives: four words from the counters 0 and 2, and 1 and 3. */
export function splitWords([k0, k1]: KeyWords): [KeyWords, KeyWords] {
  const [a, c] = threefry2x32(k0, k1, 0, 2);
  const [b, d] = threefry2x32(k0, k1, 1, 3);
  return [
    [a, b],
    [c, d],
  ];
}
