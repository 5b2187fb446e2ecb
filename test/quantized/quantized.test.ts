import * as mx from '../../lib';

interface Group {
  readonly numbers: readonly number[];
  readonly scale: number;
  readonly bias: number;
}

/** One group by the definition: steps from the end of larger magnitude, so chosen that 0 is one of them. */
function quantized(values: readonly number[], bits: number): Group {
  const [high, low] = [Math.max(...values), Math.min(...values)];
  const most = 2 ** bits - 1;
  const lowIsLarger = Math.abs(low) > Math.abs(high);
  const step = Math.max((high - low) / most, 1e-7) * (lowIsLarger ? 1 : -1);
  const edge = lowIsLarger ? low : high;
  const steps = Math.round(edge / step);
  const [scale, bias] = steps === 0 ? [step, 0] : [edge / steps, edge];
  const numbers = values.map((x) => Math.min(Math.max(Math.round((x - bias) / scale), 0), most));
  return { numbers, scale, bias };
}

/** Bits one after the other, from the lowest of each word up. */
function packed(numbers: readonly number[], bits: number): number[] {
  const stream = numbers.flatMap((x) => Array.from({ length: bits }, (_, bit) => (x >> bit) & 1));
  return Array.from({ length: stream.length / 32 }, (_, word) =>
    stream.slice(32 * word, 32 * word + 32).reduce((total, bit, place) => total + bit * 2 ** place, 0),
  );
}

/** Numbers that lie far from the middle between two steps of no quantization in particular. */
function values(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.fround(Math.sin(seed + 1.7 * i) * (1 + (i % 5))));
}

describe.each([2, 3, 4, 5, 6, 8])('%d bits', (bits) => {
  test.each([32, 64, 128])('groups of %d: words, scales and biases', (groupSize) => {
    const data = values(2 * 2 * groupSize, bits);
    const w = mx.array(data).reshape(2, 2 * groupSize);
    const [words, scales, biases] = mx.quantize(w, groupSize, bits);
    const groups = Array.from({ length: 4 }, (_, g) => quantized(data.slice(g * groupSize, (g + 1) * groupSize), bits));
    expect(words.dtype).toBe(mx.uint32);
    expect(words.shape).toEqual([2, (2 * groupSize * bits) / 32]);
    expect(words.flatten().tolist()).toEqual(groups.flatMap(({ numbers }) => packed(numbers, bits)));
    (scales.flatten().tolist() as number[]).forEach((scale, g) => {
      expect(scale).toBeCloseTo(groups[g].scale, 5);
    });
    (biases.flatten().tolist() as number[]).forEach((bias, g) => {
      expect(bias).toBeCloseTo(groups[g].bias, 5);
    });
    const back = mx.dequantize(words, scales, biases, groupSize, bits).flatten().tolist() as number[];
    groups.forEach(({ numbers, scale, bias }, g) => {
      numbers.forEach((number, i) => {
        expect(back[g * groupSize + i]).toBeCloseTo(scale * number + bias, 4);
        expect(Math.abs(back[g * groupSize + i] - data[g * groupSize + i])).toBeLessThan(Math.abs(scale) * 1.01);
      });
    });
  });
});

describe('quantize', () => {
  test('a group of equal numbers is met exactly, and so are zeros', () => {
    for (const value of [0, 3, -0.25]) {
      const [words, scales, biases] = mx.quantize(mx.full([1, 32], value), 32, 4);
      expect(mx.dequantize(words, scales, biases, 32, 4).tolist()).toEqual([Array(32).fill(value)]);
    }
  });

  test('keeps the dtype of scales, and computes in float32', () => {
    const [, scales, biases] = mx.quantize(mx.ones([2, 64], mx.float16));
    expect([scales.dtype, biases.dtype]).toEqual([mx.float16, mx.float16]);
  });

  test.each<[string, () => unknown]>([
    ['[quantize] groupSize must be one of 32, 64, 128, not 16', () => mx.quantize(mx.ones([64]), 16)],
    ['[quantize] bits must be one of 2, 3, 4, 5, 6, 8, not 7', () => mx.quantize(mx.ones([64]), 64, 7)],
    ['[quantize] the last axis of w must be a multiple of groupSize (64): shape [2, 32]', () => mx.quantize(mx.ones([2, 32]))],
    ['[quantize] w must be real floats, not int32', () => mx.quantize(mx.ones([64], mx.int32))],
    ['[dequantize] w must be uint32, not float32', () => mx.dequantize(mx.ones([8]), mx.ones([1]), mx.ones([1]))],
    [
      '[dequantize] the last axes must hold groups of 64 numbers of 4 bits: shapes [8], [2], [2]',
      () => mx.dequantize(mx.ones([8], mx.uint32), mx.ones([2]), mx.ones([2])),
    ],
  ])('%s', (message, call) => {
    expect(call).toThrow(message);
  });
});

const close = (a: mx.array, b: mx.array): void => {
  expect(a.shape).toEqual(b.shape);
  expect(mx.allclose(a, b, 1e-5, 1e-5).item()).toBe(true);
};

test('affineQuantize packs by scales and biases that are given', () => {
  const w = mx.array(values(2 * 64, 3)).reshape(2, 64);
  const [words, scales, biases] = mx.quantize(w, 32, 6);
  expect(mx.arrayEqual(mx.fast.affineQuantize(w, scales, biases, 32, 6), words).item()).toBe(true);
  expect(() => mx.fast.affineQuantize(w, scales, [1], 32, 6)).toThrow(
    '[fast.affineQuantize] scales and biases must be real floats of shape [2, 2], not [2, 2] and [1]',
  );
});

describe('quantizedMatmul', () => {
  const w = mx.array(values(6 * 64, 1)).reshape(6, 64);
  const [words, scales, biases] = mx.quantize(w, 32, 4);
  const matrix = mx.dequantize(words, scales, biases, 32, 4);

  test('is the product with the numbers, transposed or not', () => {
    const x = mx.array(values(3 * 64, 2)).reshape(3, 64);
    close(mx.quantizedMatmul(x, words, scales, biases, true, 32, 4), x.matmul(matrix.T));
    close(mx.quantizedMatmul(words, x, scales, biases, true, 32, 4), x.matmul(matrix.T));
    const y = mx.array(values(2 * 6, 2)).reshape(2, 6);
    close(mx.quantizedMatmul(y, words, scales, biases, { transpose: false, groupSize: 32, bits: 4 }), y.matmul(matrix));
  });

  test('has gradients with respect to scales and biases', () => {
    const x = mx.ones([1, 64]);
    const f = (s: mx.array, b: mx.array) => mx.quantizedMatmul(x, words, s, b, true, 32, 4).sum();
    const [ds, db] = mx.grad(f, [0, 1])(scales, biases) as mx.array[];
    close(db, mx.full([6, 2], 32));
    const ones = mx.ones([6, 2]);
    const numbers = mx.dequantize(words, ones, mx.zeros([6, 2]), 32, 4).reshape(6, 2, 32);
    close(ds, numbers.sum(-1));
  });

  test('refuses what does not fit', () => {
    expect(() => mx.quantizedMatmul(mx.ones([2, 3]), words, scales, biases, true, 32, 4)).toThrow(
      '[quantizedMatmul] last axis of a (3) must equal second-to-last of b (64): shapes [2, 3] and [64, 6]',
    );
    expect(() => mx.quantizedMatmul(mx.ones([2, 64], mx.int32), words, scales, biases, true, 32, 4)).toThrow(
      '[quantizedMatmul] x must be real floats, not int32',
    );
  });
});

describe('gatherMM and gatherQMM', () => {
  const a = mx.array(values(3 * 2 * 4, 3)).reshape(3, 2, 4);
  const b = mx.array(values(2 * 2 * 4 * 3, 4)).reshape(2, 2, 4, 3);
  const lhs = [2, 0, 0, 1];
  const rhs = [3, 0, 1, -1];

  test('multiply the matrices that indices pick', () => {
    const out = mx.gatherMM(a, b, mx.array(lhs, mx.uint32), mx.array(rhs, mx.int32));
    const all = b.reshape(4, 4, 3);
    lhs.forEach((i, n) => {
      close(out.index(n), a.index(i).matmul(all.index(rhs[n])));
    });
    close(mx.gatherMM(a, b.index(0, 0)), a.matmul(b.index(0, 0)));
    close(mx.gatherMM(a.index(mx.Slice(0, 2)), b.index(0)), a.index(mx.Slice(0, 2)).matmul(b.index(0)));
    expect(mx.gatherMM(a, b, { rhsIndices: mx.array([[0], [1]], mx.uint32) }).shape).toEqual([2, 3, 2, 3]);
  });

  test('the same with quantized matrices', () => {
    const w = mx.array(values(4 * 5 * 64, 5)).reshape(4, 5, 64);
    const [words, scales, biases] = mx.quantize(w, 64, 8);
    const matrices = mx.dequantize(words, scales, biases, 64, 8);
    const x = mx.array(values(3 * 2 * 64, 6)).reshape(3, 2, 64);
    const [i, j] = [mx.array(lhs, mx.uint32), mx.array([3, 0, 1, 3], mx.uint32)];
    const out = mx.gatherQMM(x, words, scales, biases, i, j, true, 64, 8);
    close(out, mx.gatherMM(x, matrices.transpose(0, 2, 1), i, j));
  });

  test('negative indices of few bits count from the end of more matrices than those bits count', () => {
    const many = mx.arange(200).reshape(200, 1, 1);
    expect(
      mx
        .gatherMM(many, mx.ones([1, 1, 1]), mx.array([-1, -128, 5], mx.int8), mx.array([0], mx.uint32))
        .flatten()
        .tolist(),
    ).toEqual([199, 72, 5]);
  });

  test('refuse what they cannot pick', () => {
    expect(() => mx.gatherMM(a, b, mx.array([0.5]))).toThrow('[gatherMM] indicesLhs must be integers, not float32');
    expect(() => mx.gatherMM(mx.ones([3]), b)).toThrow('[gatherMM] a needs at least 2 axes, not shape [3]');
    expect(() => mx.gatherMM(mx.ones([0, 2, 4]), b, mx.array([0], mx.uint32))).toThrow('[gatherMM] there is no matrix to pick');
  });
});

describe('blockMaskedMM', () => {
  const a = mx.array(values(5 * 7, 1)).reshape(5, 7);
  const b = mx.array(values(7 * 4, 2)).reshape(7, 4);
  /** The mask with an element for each of the array's. */
  const whole = (mask: readonly (readonly number[])[], rows: number, columns: number, size: number): mx.array =>
    mx.array(
      Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => mask[Math.floor(i / size)][Math.floor(j / size)])),
    );

  test('covers blocks of operands and result', () => {
    const [out, lhs, rhs] = [
      [
        [1, 0],
        [0, 1],
        [1, 1],
      ],
      [
        [1, 0, 1, 1],
        [0, 1, 0, 1],
        [1, 1, 0, 0],
      ],
      [
        [1, 0],
        [1, 1],
        [0, 1],
        [1, 0],
      ],
    ];
    const expected = a
      .multiply(whole(lhs, 5, 7, 2))
      .matmul(b.multiply(whole(rhs, 7, 4, 2)))
      .multiply(whole(out, 5, 4, 2));
    const bools = [out, lhs, rhs].map((mask) => mx.array(mask).astype(mx.bool));
    close(mx.blockMaskedMM(a, b, 2, bools[0], bools[1], bools[2]), expected);
    close(mx.blockMaskedMM(a, b, 2, mx.array(out), mx.array(lhs), mx.array(rhs)), expected);
    close(mx.blockMaskedMM(a, b, { maskLhs: mx.array([[0.5]]) }), a.matmul(b).multiply(0.5));
  });

  test('a masked NaN does not count', () => {
    const broken = mx.array([[NaN, 1]]);
    expect(mx.blockMaskedMM(broken, mx.ones([2, 1]), 1, null, mx.array([[false, true]])).tolist()).toEqual([[1]]);
  });

  test('needs one element a block', () => {
    expect(() => mx.blockMaskedMM(a, b, 2, mx.ones([2, 2]))).toThrow(
      '[blockMaskedMM] maskOut must have one element a block, [3, 2], not shape [2, 2]',
    );
  });
});
