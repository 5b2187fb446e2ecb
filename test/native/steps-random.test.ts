/** The randomBits step against threefry written out, and the numbers that MLX gives. */

import { type Dtype, uint8, uint16, uint32 } from '../../lib/dtype';
import { rowMajor } from './encode';
import { runOnce } from './harness';
import { Random, Strided } from './steps-arrays';

const rotations = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
];

function threefry(key: readonly [number, number], c0: number, c1: number): [number, number] {
  const keys = [key[0], key[1], key[0] ^ key[1] ^ 0x1bd11bda];
  let [a, b] = [(c0 + keys[0]) | 0, (c1 + keys[1]) | 0];
  for (let i = 0; i < 5; i++) {
    for (const r of rotations[i % 2]) {
      a = (a + b) | 0;
      b = ((b << r) | (b >>> (32 - r))) ^ a;
    }
    a = (a + keys[(i + 1) % 3]) | 0;
    b = (b + keys[(i + 2) % 3] + i + 1) | 0;
  }
  return [a >>> 0, b >>> 0];
}

/** The bytes of one key in MLX's layout. */
function expectedBytes(key: readonly [number, number], bytes: number): Uint8Array {
  const count = Math.ceil(bytes / 4);
  const half = Math.floor(count / 2);
  const odd = count % 2;
  const words = new Uint32Array(count);
  for (let i = 0; i < half; i++) [words[i], words[half + odd + i]] = threefry(key, i, half + odd + i);
  if (odd) words[half] = threefry(key, half, 0)[0];
  return new Uint8Array(words.buffer, 0, bytes);
}

function randomBits(keys: Strided, dtype: Dtype, perKey: number): Uint8Array<ArrayBuffer> {
  const keyShape = keys.shape.slice(0, -1);
  const outShape = [...keyShape, perKey];
  const bytes = outShape.reduce((a, b) => a * b, dtype.size);
  const out = { slot: 1, dtype, strides: rowMajor(outShape) };
  return runOnce({ inputs: 1, outputs: [bytes], steps: [{ kind: 'randomBits', keyShape, perKey, keys: keys.spec(0), out }] }, [
    keys.bytes,
  ])[0];
}

/** A key of a seed below 2^32. */
function keyOf(seed: number): Strided {
  const key = new Strided(uint32, [2], 0, [1], 2);
  key.set([1], BigInt(seed));
  return key;
}

function uniform(seed: number, count: number): number[] {
  const bits = new Uint32Array(randomBits(keyOf(seed), uint32, count).buffer);
  return Array.from(bits, (x) => Math.min(Math.fround(Math.fround(x) / Math.fround(2 ** 32 - 1)), 1 - 2 ** -24));
}

test('the uniform numbers of MLX', () => {
  expect(uniform(0, 4).map((x) => Number(x.toPrecision(6)))).toEqual([0.965321, 0.225159, 0.63303, 0.296382]);
  const expected = [0.8523597, 0.5207238, 0.0435386, 0.1747583, 0.6938942];
  uniform(7, 15)
    .slice(0, 5)
    .forEach((x, i) => {
      expect(x).toBeCloseTo(expected[i], 6);
    });
});

test.each([uint8, uint16, uint32])('%s of every length', (dtype) => {
  const random = new Random(dtype.code);
  for (const perKey of [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 1000, 1023, 20_001]) {
    const keys = Strided.random(random, uint32, [random.int(1, 3), 2]).fill(() => BigInt(random.int(0, 2 ** 32 - 1)));
    const bytes = randomBits(keys, dtype, perKey);
    const size = perKey * dtype.size;
    for (let i = 0; i < keys.shape[0]; i++) {
      const key = [Number(keys.get([i, 0])) | 0, Number(keys.get([i, 1])) | 0] as const;
      expect(Buffer.compare(bytes.subarray(i * size, (i + 1) * size), expectedBytes(key, size))).toBe(0);
    }
  }
});

test('many keys with a number each', () => {
  const random = new Random(3);
  const keys = Strided.random(random, uint32, [60, 50, 2]).fill(() => BigInt(random.int(0, 2 ** 32 - 1)));
  const bits = new Uint32Array(randomBits(keys, uint32, 1).buffer);
  for (let i = 0; i < bits.length; i++) {
    const index = [Math.floor(i / 50), i % 50];
    const key = [Number(keys.get([...index, 0])) | 0, Number(keys.get([...index, 1])) | 0] as const;
    expect(bits[i]).toBe(threefry(key, 0, 0)[0]);
  }
});
