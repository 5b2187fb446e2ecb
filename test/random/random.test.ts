import { type ArrayInput, array } from '../../lib/array';
import { bfloat16, complex64, float16, float32, float64, int8, int32, int64, uint8, uint32, uint64 } from '../../lib/dtype';
import '../../lib/ops';
import * as random from '../../lib/random';
import { threefry2x32 } from '../../lib/random/threefry';
import { computable, onCpu } from '../support/default';

const values = (x: array): number[] => x.astype(float64).reshape(-1).tolist() as number[];

function moments(x: readonly number[]): { mean: number; deviation: number } {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  return { mean, deviation: Math.sqrt(x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length) };
}

describe('keys', () => {
  test('are the two halves of the seed', () => {
    expect(random.key(7).tolist()).toEqual([0, 7]);
    expect(random.key(2 ** 40 + 3).tolist()).toEqual([256, 3]);
    expect(random.key(0xfedcba9876543210n).tolist()).toEqual([0xfedcba98, 0x76543210]);
    expect(random.key(2 ** 53 - 1).tolist()).toEqual([0x1fffff, 0xffffffff]);
    expect(random.key(0).dtype).toBe(uint32);
  });

  test('refuse seeds that are no integers from 0 to 2^64 - 1', () => {
    expect(() => random.key(-1)).toThrow('[random.key] seed must be from 0 to 2^53 - 1 (or a bigint up to 2^64 - 1), not -1');
    expect(() => random.key(0.5)).toThrow('[random.key] seed must be an integer, not 0.5');
    expect(() => random.key(1n << 64n)).toThrow(RangeError);
  });

  test('split into keys in the layout of MLX', () => {
    expect(random.split(random.key(0)).tolist()).toEqual([
      [4146024105, 967050713],
      [2718843009, 1272950319],
    ]);
    const [a, d] = threefry2x32(0, 5, 0, 3);
    const [b, e] = threefry2x32(0, 5, 1, 4);
    const [c, f] = threefry2x32(0, 5, 2, 5);
    expect(random.split(random.key(5), 3).tolist()).toEqual([
      [a, b],
      [c, d],
      [e, f],
    ]);
    expect(random.split(random.key(5), { num: 3 }).shape).toEqual([3, 2]);
  });

  test('of the wrong dtype or shape are errors', () => {
    expect(() => random.uniform({ key: array([1, 2]) })).toThrow('[random.uniform] a key is uint32, not float32');
    expect(() => random.normal({ key: random.split(random.key(0)) })).toThrow('[random.normal] a key has shape [2], not [2, 2]');
  });
});

describe('the values that MLX gives', () => {
  const close = (x: array, expected: readonly number[], digits = 6): void => {
    const got = values(x).slice(0, expected.length);
    for (const [i, value] of expected.entries()) expect(got[i]).toBeCloseTo(value, digits);
  };

  test('uniform with key 7', () => {
    close(random.uniform(0, 1, [3, 5], float32, random.key(7)), [0.8523597, 0.5207238, 0.0435386, 0.1747583, 0.6938942]);
  });

  test('uniform and normal with key 0', () => {
    close(random.uniform(0, 1, [4], float32, random.key(0)), [0.965321, 0.225159, 0.63303, 0.296382]);
    // √2 · erfinv(2u - 1) of the uniform numbers above, in double precision.
    close(random.normal([4], float32, 0, 1, random.key(0)), [1.8157, -0.7549, 0.3399, -0.5349], 3);
  });

  test('bits of 1, 2 and 4 bytes are the same bytes', () => {
    const key = random.key(3);
    const words = random.bits([4], 4, key).toTypedArray() as Uint32Array;
    const bytes = [...new Uint8Array(words.buffer, words.byteOffset, 16)];
    expect(random.bits([16], 1, key).tolist()).toEqual(bytes);
    expect(random.bits([8], { width: 2, key }).tolist()).toEqual([...new Uint16Array(words.buffer, words.byteOffset, 8)]);
    expect(() => random.bits([1], 3)).toThrow('[random.bits] width must be 1, 2 or 4, not 3');
  });
});

describe('the sequence behind draws without a key', () => {
  test('is repeated by seed', () => {
    random.seed(42);
    const first = [random.uniform(0, 1, [3]), random.normal([3]), random.randint(0, 100, [3])].map((x) => x.tolist());
    random.seed(42);
    const second = [random.uniform(0, 1, [3]), random.normal([3]), random.randint(0, 100, [3])].map((x) => x.tolist());
    expect(second).toEqual(first);
    expect(random.uniform(0, 1, [3]).tolist()).not.toEqual(random.uniform(0, 1, [3]).tolist());
  });

  test('splits its key as MLX does: the first half stays, the second is drawn from', () => {
    random.seed(9);
    const [next, drawn] = random.split(random.key(9));
    expect(random.bits([5]).tolist()).toEqual(random.bits([5], 4, drawn as array).tolist());
    expect(random.state[0].tolist()).toEqual((next as array).tolist());
  });

  test('goes on from a state that was set to an array, and back', () => {
    random.seed(9);
    const saved = random.state[0];
    const expected = [random.bits([2]), random.bits([2])].map((x) => x.tolist());
    random.state[0] = saved;
    expect([random.bits([2]), random.bits([2])].map((x) => x.tolist())).toEqual(expected);
    // An array of which only the graph knows the value.
    random.state[0] = array([0, 9], uint32).add(array([0, 0], uint32));
    expect([random.bits([2]), random.bits([2])].map((x) => x.tolist())).toEqual(expected);
    expect(() => {
      random.state[0] = array([1]);
    }).toThrow('[random.state] a key is uint32, not float32');
  });
});

describe('uniform', () => {
  test('lies in [low, high) and broadcasts its bounds', () => {
    const x = random.uniform(array([-1, 5]), array([[0], [6]]), [1000, 2, 2], { key: random.key(1) });
    expect(x.shape).toEqual([1000, 2, 2]);
    const rows = values(x);
    for (let i = 0; i < rows.length; i += 4) {
      expect(rows[i]).toBeGreaterThanOrEqual(-1);
      expect(rows[i]).toBeLessThan(0);
    }
    expect(random.uniform(array([0, 1]), 2).shape).toEqual([2]);
    expect(random.uniform({ shape: 3 }).shape).toEqual([3]);
    expect(random.uniform().shape).toEqual([]);
    expect(() => random.uniform(array([0, 1]), 2, [3])).toThrow('do not broadcast');
  });

  test.each(computable([float16, bfloat16, float32, float64]))('has mean and deviation in %s', (dtype) => {
    const x = random.uniform(0, 1, [20000], dtype, random.key(2));
    expect(x.dtype).toBe(dtype);
    const { mean, deviation } = moments(values(x));
    expect(mean).toBeCloseTo(0.5, 2);
    expect(deviation).toBeCloseTo(Math.sqrt(1 / 12), 2);
    expect(Math.max(...values(x))).toBeLessThan(1);
  });

  test('has 53 bits in float64', () => {
    const x = values(onCpu(() => random.uniform(0, 1, [200], float64, random.key(2))));
    expect(x.some((value) => value * 2 ** 40 !== Math.floor(value * 2 ** 40))).toBe(true);
  });

  test('refuses dtypes that are not floating', () => {
    expect(() => random.uniform({ dtype: int32 })).toThrow('[random.uniform] dtype must be a real floating dtype, not int32');
  });
});

describe('normal', () => {
  test.each(computable([float16, bfloat16, float32, float64]))('has the mean and deviation asked for in %s', (dtype) => {
    const { mean, deviation } = moments(values(random.normal([20000], dtype, 3, 2, random.key(4))));
    expect(Math.abs(mean - 3)).toBeLessThan(0.06);
    expect(Math.abs(deviation - 2)).toBeLessThan(0.05);
  });

  test('takes arrays for loc and scale', () => {
    const plain = values(random.normal([2, 2], float32, 0, 1, random.key(5)));
    const moved = values(random.normal([2, 2], float32, array([10, 20]), array([[1], [2]]), random.key(5)));
    for (const [i, loc] of [10, 20, 10, 20].entries()) expect(moved[i]).toBeCloseTo(loc + (i < 2 ? 1 : 2) * plain[i], 4);
  });

  test('of complex64 has half the variance in each part', () => {
    const x = random.normal([20000], complex64, 0, 1, random.key(6));
    expect(x.dtype).toBe(complex64);
    const pairs = x.toTypedArray() as Float32Array;
    const re = moments(Array.from(pairs).filter((_, i) => i % 2 === 0));
    const im = moments(Array.from(pairs).filter((_, i) => i % 2 === 1));
    for (const { mean, deviation } of [re, im]) {
      expect(Math.abs(mean)).toBeLessThan(0.02);
      expect(Math.abs(deviation - Math.SQRT1_2)).toBeLessThan(0.02);
    }
  });
});

describe('other distributions', () => {
  test('bernoulli is true with probability p, always for 1 and never for 0', () => {
    const x = values(random.bernoulli(0.25, [20000], random.key(1)));
    expect(moments(x).mean).toBeCloseTo(0.25, 1);
    expect(moments(values(random.bernoulli(1, [1000], random.key(1)))).mean).toBe(1);
    expect(moments(values(random.bernoulli(0, [1000], random.key(1)))).mean).toBe(0);
    expect(random.bernoulli(array([0, 1])).tolist()).toEqual([false, true]);
    expect(random.bernoulli().shape).toEqual([]);
    expect(() => random.bernoulli(array([1], int32))).toThrow('[random.bernoulli] p must be of a real floating dtype, not int32');
  });

  test('gumbel and laplace have their means and deviations', () => {
    const gumbel = moments(values(random.gumbel([20000], float32, random.key(1))));
    expect(Math.abs(gumbel.mean - 0.5772)).toBeLessThan(0.03);
    expect(Math.abs(gumbel.deviation - Math.PI / Math.sqrt(6))).toBeLessThan(0.04);
    const laplace = moments(values(random.laplace([20000], float32, 1, 2, random.key(1))));
    expect(Math.abs(laplace.mean - 1)).toBeLessThan(0.07);
    expect(Math.abs(laplace.deviation - 2 * Math.SQRT2)).toBeLessThan(0.1);
  });

  test('truncatedNormal stays between its bounds', () => {
    const x = values(random.truncatedNormal(-1, 0.5, [5000], float32, random.key(1)));
    expect(Math.min(...x)).toBeGreaterThanOrEqual(-1);
    expect(Math.max(...x)).toBeLessThanOrEqual(0.5);
    expect(random.truncatedNormal(array([0, 1]), 2).shape).toEqual([2]);
  });

  test('categorical follows the logits', () => {
    const logits = array([0.1, 0.2, 0.7].map(Math.log));
    const x = values(random.categorical(logits, { numSamples: 20000, key: random.key(1) }));
    expect([0, 1, 2].map((k) => x.filter((v) => v === k).length / 20000)).toEqual([0.1, 0.2, 0.7].map((v) => expect.closeTo(v, 1)));
    const table = array([
      [0, 50, 0],
      [50, 0, 0],
    ]);
    expect(random.categorical(table).tolist()).toEqual([1, 0]);
    expect(random.categorical(table, 0).tolist()).toEqual([1, 0, expect.any(Number)]);
    expect(random.categorical(table, -1, [4, 2]).tolist()).toEqual(Array.from({ length: 4 }, () => [1, 0]));
    expect(random.categorical(table, { axis: 1, numSamples: 3 }).tolist()).toEqual([
      [1, 1, 1],
      [0, 0, 0],
    ]);
    expect(random.categorical(table).dtype).toBe(uint32);
    expect(() => random.categorical(table, 1, [4, 2], 3)).toThrow('[random.categorical] takes shape or numSamples, not both');
    expect(() => random.categorical(table, 1, [3])).toThrow('[random.categorical]');
  });

  test('permutation is a permutation', () => {
    const order = random.permutation(100, { key: random.key(1) }).tolist() as number[];
    expect([...order].sort((a, b) => a - b)).toEqual([...Array(100).keys()]);
    expect(order).not.toEqual([...Array(100).keys()]);
    const x = array([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const columns = random.permutation(x, 1, random.key(2)).T.tolist() as number[][];
    expect(columns.sort((a, b) => a[0] - b[0])).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
    expect(random.permutation(x, random.key(2)).shape).toEqual([2, 3]);
    expect(() => random.permutation(array(1))).toThrow('[random.permutation]');
  });
});

describe('randint', () => {
  test('draws every integer of its range equally often', () => {
    const x = random.randint(-2, 3, [10000], int32, random.key(1)).tolist() as number[];
    for (const value of [-2, -1, 0, 1, 2]) expect(Math.abs(x.filter((v) => v === value).length - 2000)).toBeLessThan(200);
    expect(x.every((v) => v >= -2 && v < 3)).toBe(true);
  });

  test('reduces the bits modulo the width', () => {
    const words = random.bits([10], 4, random.key(1)).tolist() as number[];
    expect(random.randint(5, 12, [10], int32, random.key(1)).tolist()).toEqual(words.map((word) => 5 + (word % 7)));
  });

  test.each([
    [int8, -128, 128],
    [uint8, 0, 256],
    [int32, -(2 ** 31), 2 ** 31],
    [uint32, 0, 2 ** 32],
  ])('covers the whole range of %s', (dtype, low, high) => {
    const x = random.randint(low, high, [1000], dtype, random.key(1)).tolist() as number[];
    expect(x.every((v) => v >= low && v < high)).toBe(true);
    expect(Math.min(...x)).toBeLessThan(low + 0.1 * (high - low));
    expect(Math.max(...x)).toBeGreaterThan(low + 0.9 * (high - low));
  });

  test('is exact in 64 bits', () => {
    const low = array(new BigInt64Array([2n ** 62n])) as ArrayInput;
    const x = random.randint(low, array(new BigInt64Array([2n ** 62n + 3n])), [50], int64, random.key(1)).toTypedArray() as BigInt64Array;
    expect(new Set(x)).toEqual(new Set([2n ** 62n, 2n ** 62n + 1n, 2n ** 62n + 2n]));
    const wide = random.randint(array(new BigUint64Array([0n])), array(new BigUint64Array([2n ** 64n - 1n])), [100], uint64, random.key(1));
    expect([...(wide.toTypedArray() as BigUint64Array)].some((v) => v > 2n ** 63n)).toBe(true);
  });

  test('broadcasts its bounds, and gives low where a range is empty', () => {
    expect(random.randint(array([0, 10], int32), array([1, 11], int32)).tolist()).toEqual([0, 10]);
    expect(random.randint(5, 5, [2]).tolist()).toEqual([5, 5]);
    expect(() => random.randint(0, 2, [1], float32)).toThrow('[random.randint] dtype must be an integer dtype or bool, not float32');
  });
});
