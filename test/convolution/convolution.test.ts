import fc from 'fast-check';
import * as mx from '../../lib';
import { computable, onCpu } from '../support/default';
import { convolution, type Options, sequences, type Table, table } from './reference';

const arrayOf = ({ shape, data }: Table, dtype: mx.Dtype = mx.float32): mx.array => mx.array(data as number[], dtype).reshape([...shape]);

function expectTable(actual: mx.array, expected: Table): void {
  expect(actual.shape).toEqual(expected.shape);
  // No difference between the zeros.
  expect((actual.flatten().tolist() as number[]).map((x) => x + 0)).toEqual(expected.data.map((x) => x + 0));
}

function general(
  x: Table,
  w: Table,
  { stride, low, high, kernelDilation, inputDilation, groups, flip }: Options,
  dtype?: mx.Dtype,
): mx.array {
  return mx.convGeneral(arrayOf(x, dtype), arrayOf(w, dtype), stride, [low, high], kernelDilation, inputDilation, groups, flip);
}

const plain: Options = { stride: [1], low: [0], high: [0], kernelDilation: [1], inputDilation: [1], groups: 1, flip: false };

/** Everything that a convolution can be told, of one to three spatial axes. */
const calls = fc.integer({ min: 1, max: 3 }).chain((axes) => {
  const list = (min: number, max: number) => fc.array(fc.integer({ min, max }), { minLength: axes, maxLength: axes });
  return fc.record({
    batch: fc.integer({ min: 0, max: 3 }),
    sizes: list(1, 5),
    kernel: list(1, 3),
    channels: fc.integer({ min: 1, max: 3 }),
    outputs: fc.integer({ min: 1, max: 3 }),
    groups: fc.integer({ min: 1, max: 3 }),
    stride: list(1, 3),
    low: list(-1, 3),
    high: list(-1, 3),
    kernelDilation: list(1, 3),
    inputDilation: list(1, 3),
    flip: fc.boolean(),
  });
});

describe('convGeneral', () => {
  test('is the sum over kernel and channels for every option', () => {
    fc.assert(
      fc.property(calls, ({ batch, sizes, kernel, channels, outputs, ...options }) => {
        const fits = sizes.every((size, axis) => {
          const room = options.low[axis] + (size - 1) * options.inputDilation[axis] + 1 + options.high[axis];
          return room >= (kernel[axis] - 1) * options.kernelDilation[axis] + 1;
        });
        fc.pre(fits);
        const x = table([batch, ...sizes, channels * options.groups]);
        const w = table([outputs * options.groups, ...kernel, channels], 2);
        expectTable(general(x, w, options), convolution(x, w, options));
      }),
      { numRuns: 300 },
    );
  });

  test.each(computable([mx.float16, mx.bfloat16, mx.float32, mx.float64]))('in %s', (dtype) => {
    for (const groups of [1, 2, 4]) {
      for (const flip of [false, true]) {
        const x = table([2, 5, 4, 4]);
        const w = table([4, 2, 3, 4 / groups], 3);
        const options: Options = {
          stride: [2, 1],
          low: [1, 0],
          high: [0, 2],
          kernelDilation: [1, 2],
          inputDilation: [1, 1],
          groups,
          flip,
        };
        const out = general(x, w, options, dtype);
        expect(out.dtype).toBe(dtype);
        expectTable(out, convolution(x, w, options));
      }
    }
  });

  test('multiplies complex numbers', () => {
    const parts = [1, 2, 3, 4].map((seed) => table(seed < 3 ? [1, 5, 2] : [2, 3, 2], seed));
    const [a, b, c, d] = parts;
    const z = arrayOf(a).add(arrayOf(b).multiply({ re: 0, im: 1 }));
    const w = arrayOf(c).add(arrayOf(d).multiply({ re: 0, im: 1 }));
    const out = mx.convGeneral(z, w);
    const minus = (p: Table, q: Table): Table => ({ shape: p.shape, data: p.data.map((x, i) => x - q.data[i]) });
    const plus = (p: Table, q: Table): Table => ({ shape: p.shape, data: p.data.map((x, i) => x + q.data[i]) });
    expectTable(mx.real(out), minus(convolution(a, c, plain), convolution(b, d, plain)));
    expectTable(mx.imag(out), plus(convolution(a, d, plain), convolution(b, c, plain)));
  });

  test('takes operands of any strides', () => {
    const x = table([3, 6, 2]);
    const w = table([2, 3, 2], 2);
    const strided = (t: Table): mx.array => arrayOf({ shape: [...t.shape].reverse(), data: reversed(t) }).T;
    expectTable(mx.convGeneral(strided(x), strided(w)), convolution(x, w, plain));
    const backwards = mx.convGeneral(arrayOf(x).index('...', mx.Slice(null, null, -1)), arrayOf(w).index('...', mx.Slice(null, null, -1)));
    expectTable(backwards, convolution(x, w, plain));
    const same = mx.broadcastTo(arrayOf(table([1, 6, 2])), [3, 6, 2]);
    const copies = { shape: [3, 6, 2], data: [1, 2, 3].flatMap(() => table([1, 6, 2]).data) };
    expectTable(mx.convGeneral(same, arrayOf(w)), convolution(copies, w, plain));
  });

  test('of more than a block', () => {
    for (const [groups, channels] of [
      [1, 40],
      [2, 20],
      [40, 1],
    ]) {
      const x = table([2, 21, 9, 40]);
      const w = table([groups === 40 ? 40 : 2, 9, 5, channels], 2);
      const options: Options = {
        stride: [1, 1],
        low: [4, 2],
        high: [4, 2],
        kernelDilation: [1, 1],
        inputDilation: [1, 1],
        groups,
        flip: false,
      };
      expectTable(general(x, w, options), convolution(x, w, options));
    }
  });

  test('of single elements is a product of matrices', () => {
    const x = table([2, 3, 4, 6]);
    const w = table([4, 1, 1, 3], 2);
    const options: Options = {
      ...plain,
      stride: [1, 1],
      low: [0, 0],
      high: [0, 0],
      kernelDilation: [1, 1],
      inputDilation: [1, 1],
      groups: 2,
    };
    expectTable(general(x, w, options), convolution(x, w, options));
  });
});

function reversed({ shape, data }: Table): number[] {
  const [a, b, c] = shape;
  const result: number[] = [];
  for (let k = 0; k < c; k++) for (let j = 0; j < b; j++) for (let i = 0; i < a; i++) result.push(data[(i * b + j) * c + k]);
  return result;
}

describe('conv1d, conv2d and conv3d', () => {
  test('take one number for all axes, one an axis, and names', () => {
    const x = table([2, 6, 5, 2]);
    const w = table([4, 3, 2, 1], 2);
    const options: Options = {
      stride: [2, 2],
      low: [1, 1],
      high: [1, 1],
      kernelDilation: [2, 2],
      inputDilation: [1, 1],
      groups: 2,
      flip: false,
    };
    const expected = convolution(x, w, options);
    expectTable(mx.conv2d(arrayOf(x), arrayOf(w), 2, 1, 2, 2), expected);
    expectTable(mx.conv2d(arrayOf(x), arrayOf(w), [2, 2], [1, 1], [2, 2], 2), expected);
    expectTable(mx.conv2d(arrayOf(x), arrayOf(w), { groups: 2, stride: 2, dilation: 2, padding: 1 }), expected);
  });

  test('promote; integers give float32', () => {
    expect(mx.conv1d(mx.ones([1, 3, 1], mx.int32), mx.ones([1, 2, 1], mx.int8)).dtype).toBe(mx.float32);
    expect(mx.conv1d(mx.ones([1, 3, 1], mx.float16), mx.ones([1, 2, 1])).dtype).toBe(mx.float32);
  });

  test.each<[string, () => unknown]>([
    ['[conv1d] input needs 3 axes, [batch, spatial…, channels], not shape [3, 1]', () => mx.conv1d(mx.ones([3, 1]), mx.ones([1, 2, 1]))],
    [
      '[conv2d] weight needs 4 axes, [outputs, spatial…, channels of a group], not shape [1, 2, 1]',
      () => mx.conv2d(mx.ones([1, 3, 3, 1]), mx.ones([1, 2, 1])),
    ],
    [
      '[conv1d] channels of weight (2) must equal channels of input (3): shapes [1, 3, 3] and [1, 2, 2]',
      () => mx.conv1d(mx.ones([1, 3, 3]), mx.ones([1, 2, 2])),
    ],
    [
      '[conv1d] channels of weight (2) times 2 groups must equal channels of input (3): shapes [1, 3, 3] and [2, 2, 2]',
      () => mx.conv1d(mx.ones([1, 3, 3]), mx.ones([2, 2, 2]), 1, 0, 1, 2),
    ],
    [
      '[conv1d] 2 groups do not divide the 3 outputs of weight: shapes [1, 3, 4] and [3, 2, 2]',
      () => mx.conv1d(mx.ones([1, 3, 4]), mx.ones([3, 2, 2]), 1, 0, 1, 2),
    ],
    [
      '[conv2d] the kernel is longer than the padded input along spatial axis 1: shapes [1, 5, 2, 1] and [1, 3, 3, 1]',
      () => mx.conv2d(mx.ones([1, 5, 2, 1]), mx.ones([1, 3, 3, 1])),
    ],
    ['[conv1d] stride must be at least 1, not 0', () => mx.conv1d(mx.ones([1, 3, 1]), mx.ones([1, 2, 1]), 0)],
    ['[conv1d] padding must be at least 0, not -1', () => mx.conv1d(mx.ones([1, 3, 1]), mx.ones([1, 2, 1]), 1, -1)],
    ['[conv2d] dilation must name 2 axes, not 3', () => mx.conv2d(mx.ones([1, 3, 3, 1]), mx.ones([1, 2, 2, 1]), 1, 0, [1, 1, 1])],
    ['[conv1d] stride must not be beyond 1073741824: 2147483648', () => mx.conv1d(mx.ones([1, 3, 1]), mx.ones([1, 2, 1]), 2 ** 31)],
    [
      '[conv1d] axes must not be longer than 1073741824: shapes [1, 3, 1] and [1, 2, 1]',
      () => mx.conv1d(mx.ones([1, 3, 1]), mx.ones([1, 2, 1]), 1, 2 ** 30),
    ],
    ['[conv1d] groups must be at least 1, not 0', () => mx.conv1d(mx.ones([1, 3, 1]), mx.ones([1, 2, 1]), 1, 0, 1, 0)],
    ['[conv1d] weight has no elements: shapes [1, 3, 1] and [1, 0, 1]', () => mx.conv1d(mx.ones([1, 3, 1]), mx.ones([1, 0, 1]))],
  ])('%s', (message, call) => {
    expect(call).toThrow(message);
  });
});

describe('convTranspose1d, convTranspose2d and convTranspose3d', () => {
  test.each([
    [1, 0, 1, 0],
    [2, 1, 1, 0],
    [3, 0, 2, 1],
    [2, 2, 3, 1],
  ])('spread each element over the kernel: stride %d, padding %d, dilation %d, further %d', (stride, padding, dilation, further) => {
    const x = table([2, 4, 3]);
    const w = table([2, 3, 3], 2);
    const size = 3 * stride - 2 * padding + dilation * 2 + further + 1;
    const out = mx.convTranspose1d(arrayOf(x), arrayOf(w), stride, padding, dilation, 1, further);
    const data: number[] = [];
    for (let n = 0; n < 2; n++) {
      for (let o = 0; o < size; o++) {
        for (let f = 0; f < 2; f++) {
          let total = 0;
          for (let i = 0; i < 4; i++) {
            for (let k = 0; k < 3; k++) {
              if (i * stride + k * dilation - padding !== o) continue;
              for (let c = 0; c < 3; c++) total += x.data[(n * 4 + i) * 3 + c] * w.data[(f * 3 + k) * 3 + c];
            }
          }
          data.push(total);
        }
      }
    }
    expectTable(out, { shape: [2, size, 2], data });
  });

  test('are what gradients of convolutions are, grouped ones too', () => {
    const w = arrayOf(table([4, 2, 3, 2], 2));
    const x = arrayOf(table([1, 5, 6, 4]));
    const u = arrayOf(table([1, 2, 2, 4], 3));
    const [, [dx]] = mx.vjp((y) => mx.conv2d(y, w, 2, 0, 1, 2), [x], [u]);
    // [F, …, C / groups] to [C, …, F / groups], group by group.
    const swapped = mx.concatenate(
      [0, 1].map((group) => mx.transpose(w.index(mx.Slice(2 * group, 2 * group + 2)), 3, 1, 2, 0)),
      0,
    );
    const spread = mx.convTranspose2d(u, swapped, 2, 0, 1, 2, [1, 1]);
    expect(mx.arrayEqual(dx, spread).item()).toBe(true);
  });

  test('of three axes', () => {
    expect(mx.convTranspose3d(mx.ones([1, 2, 3, 1, 2]), mx.ones([3, 2, 2, 2, 2]), 2).shape).toEqual([1, 4, 6, 2, 3]);
  });
});

describe('convolve', () => {
  const list = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 8 });

  test('is the sum over all pairs in every mode', () => {
    fc.assert(
      fc.property(list, list, (a, v) => {
        const full = sequences(a, v).map((x) => x + 0);
        const [long, short] = [Math.max(a.length, v.length), Math.min(a.length, v.length)];
        const clean = (x: mx.array): number[] => (x.tolist() as number[]).map((y) => y + 0);
        expect(clean(mx.convolve(a, v))).toEqual(full);
        const first = Math.floor((short - 1) / 2);
        expect(clean(mx.convolve(a, v, 'same'))).toEqual(full.slice(first, first + long));
        expect(clean(mx.convolve(a, v, { mode: 'valid' }))).toEqual(full.slice(short - 1, long));
      }),
      { numRuns: 100 },
    );
  });

  test('needs sequences and a mode that it knows', () => {
    expect(() => mx.convolve([1], [])).toThrow('[convolve] needs two sequences with elements, not shapes [1] and [0]');
    expect(() => mx.convolve([1], [1], 'half' as never)).toThrow('[convolve] mode must be one of full, same, valid, not "half"');
  });
});

describe('gradients of long sums', () => {
  test.each([1, 8])('with respect to weights, %d groups', (groups) => {
    const x = mx.random.normal([4, 40, 40, 8]);
    const w = mx.random.normal([8, 3, 3, 8 / groups]);
    const loss = (dtype: mx.Dtype) => (v: mx.array) => mx.square(mx.conv2d(x.astype(dtype), v, 1, 1, 1, groups)).sum();
    const single = mx.grad(loss(mx.float32))(w);
    const double = onCpu(() => mx.grad(loss(mx.float64))(w.astype(mx.float64)));
    const largest = (y: mx.array) => onCpu(() => mx.abs(y).max()).item() as number;
    const scale = largest(double);
    expect(largest(onCpu(() => single.astype(mx.float64).subtract(double)))).toBeLessThan(2e-5 * scale);
  });
});
