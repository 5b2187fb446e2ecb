import * as mx from '../../lib';

interface Turning {
  readonly dims: number;
  readonly traditional: boolean;
  readonly inverse: (pair: number) => number;
  readonly scale: number;
  readonly offset: number;
}

/** Each pair turned by its angle, row by row. */
function rotated(rows: readonly (readonly number[])[], { dims, traditional, inverse, scale, offset }: Turning): number[][] {
  return rows.map((row, position) => {
    const out = [...row];
    for (let pair = 0; pair < dims / 2; pair++) {
      const [i, j] = traditional ? [2 * pair, 2 * pair + 1] : [pair, pair + dims / 2];
      const angle = (position + offset) * scale * inverse(pair);
      out[i] = row[i] * Math.cos(angle) - row[j] * Math.sin(angle);
      out[j] = row[i] * Math.sin(angle) + row[j] * Math.cos(angle);
    }
    return out;
  });
}

const rows = Array.from({ length: 5 }, (_, i) => Array.from({ length: 7 }, (_, j) => Math.sin(7 * i + j)));
const x = mx.array(rows).reshape(1, 5, 7);

function expectRows(actual: mx.array, expected: readonly (readonly number[])[]): void {
  (actual.reshape(5, 7).tolist() as number[][]).forEach((row, i) => {
    row.forEach((value, j) => {
      expect(value).toBeCloseTo(expected[i][j], 5);
    });
  });
}

test.each([
  [6, false, 10000, 1, 0],
  [6, true, 10000, 1, 0],
  [4, false, 100, 0.5, 3],
  [2, true, 10, 2, 100],
])('turns %d dimensions: traditional %s, base %d, scale %d, offset %d', (dims, traditional, base, scale, offset) => {
  const expected = rotated(rows, { dims, traditional, inverse: (i) => base ** ((-2 * i) / dims), scale, offset });
  expectRows(mx.fast.rope(x, dims, traditional, base, scale, offset), expected);
  expectRows(mx.fast.rope(x, dims, { traditional, base, scale, offset: mx.array(offset, mx.int32) }), expected);
});

test('takes frequencies instead of a base', () => {
  const freqs = [1, 2.5, 4];
  const expected = rotated(rows, { dims: 6, traditional: false, inverse: (i) => 1 / freqs[i], scale: 1, offset: 1 });
  expectRows(mx.fast.rope(x, 6, false, null, 1, 1, freqs), expected);
  expect(() => mx.fast.rope(x, 6, false, 100, 1, 1, freqs)).toThrow('[fast.rope] base must be null where freqs are given');
  expect(() => mx.fast.rope(x, 6, false, null, 1, 1)).toThrow('[fast.rope] needs base or freqs');
  expect(() => mx.fast.rope(x, 4, false, null, 1, 1, freqs)).toThrow('[fast.rope] freqs must have shape [2], not [3]');
});

test('takes an offset for each example, whatever stands between', () => {
  const both = mx.broadcastTo(x.reshape(1, 1, 5, 7), [2, 3, 5, 7]);
  const out = mx.fast.rope(both, 6, false, 100, 1, mx.array([2, 5], mx.int32));
  for (const [example, offset] of [2, 5].entries()) {
    const expected = rotated(rows, { dims: 6, traditional: false, inverse: (i) => 100 ** (-i / 3), scale: 1, offset });
    for (let head = 0; head < 3; head++) expectRows(out.index(example, head), expected);
  }
  expect(() => mx.fast.rope(both, 6, false, 100, 1, mx.array([1, 2, 3]))).toThrow(
    '[fast.rope] offset must be a number or one for each example, not of shape [3]',
  );
});

test('keeps the dtype, and the length of what it turns', () => {
  const half = x.astype(mx.float16);
  const out = mx.fast.rope(half, 6, false, 10000, 1, 0);
  expect(out.dtype).toBe(mx.float16);
  const before = mx.square(half.astype(mx.float32)).sum().item() as number;
  expect(mx.square(out.astype(mx.float32)).sum().item()).toBeCloseTo(before, 1);
});

test('refuses dimensions that form no pairs', () => {
  for (const dims of [0, 3, 8]) expect(() => mx.fast.rope(x, dims)).toThrow(`[fast.rope] dims must be even, from 2 to 7, not ${dims}`);
  expect(() => mx.fast.rope([1, 2], 2)).toThrow('[fast.rope] array needs at least 2 axes, [length, width], not shape [2]');
});

test('is as exact at large positions as at small ones', () => {
  const width = 64;
  const ones = mx.ones([1, 4, width]);
  for (const offset of [0, 1000, 131_072]) {
    const out = mx.fast.rope(ones, width, false, 500_000, 1, offset).toTypedArray();
    for (let row = 0; row < 4; row++) {
      for (let i = 0; i < width / 2; i++) {
        const angle = (offset + row) * 500_000 ** (-i / (width / 2));
        expect(Math.abs(Number(out[row * width + i]) - (Math.cos(angle) - Math.sin(angle)))).toBeLessThan(4e-7);
      }
    }
  }
});

test('turns views, batches of every size, and 16-bit floats, as it turns whole arrays', () => {
  const draw = mx.random.normal([3, 70, 5, 12], mx.float32, 0, 1, mx.random.key(1));
  const view = draw.transpose(0, 2, 1, 3);
  const whole = mx.array(view.tolist() as number[][][][]);
  for (const traditional of [false, true]) {
    const options = { traditional, base: 100, offset: mx.array([3, 0, 9], mx.int32) };
    expect(mx.arrayEqual(mx.fast.rope(view, 10, options), mx.fast.rope(whole, 10, options)).item()).toBe(true);
    const backwards = view.index('...', mx.Slice(null, null, -1));
    const reversed = mx.array(backwards.tolist() as number[][][][]);
    expect(mx.arrayEqual(mx.fast.rope(backwards, 10, options), mx.fast.rope(reversed, 10, options)).item()).toBe(true);
    for (const dtype of [mx.float16, mx.bfloat16]) {
      const half = view.astype(dtype);
      const wanted = mx.fast.rope(half.astype(mx.float32), 10, options).astype(dtype);
      expect(mx.arrayEqual(mx.fast.rope(half, 10, options), wanted).item()).toBe(true);
      const strided = half.index('...', mx.Slice(null, null, -1));
      expect(mx.arrayEqual(mx.fast.rope(strided, 10, options), mx.fast.rope(mx.contiguous(strided), 10, options)).item()).toBe(true);
    }
  }
});

test('the gradient turns back', () => {
  const [q, c] = [1, 2].map((seed) => mx.random.normal([2, 5, 8], mx.float32, 0, 1, mx.random.key(seed)));
  const turn = (y: mx.array, offset: number): mx.array => mx.fast.rope(y, 6, true, 100, 0.5, offset);
  const gradient = mx.grad((y: mx.array) => turn(y, 3).multiply(c).sum())(q) as mx.array;
  expect(mx.allclose(turn(gradient, 3), c, 1e-5, 1e-5).item()).toBe(true);
});
