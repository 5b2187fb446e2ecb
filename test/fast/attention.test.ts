import * as mx from '../../lib';
import { computable, onCpu, onGpu } from '../support/default';

const { scaledDotProductAttention: attention } = mx.fast;

/** The definition, with all scores. */
function composed(...operands: Parameters<typeof scored>): mx.array {
  return onCpu(() => scored(...operands));
}

function scored(q: mx.array, k: mx.array, v: mx.array, scale: number, seen: mx.array | null, added: mx.array | null): mx.array {
  const sharing = q.shape[1] / k.shape[1];
  const [keys, values] = [k, v].map((x) => mx.repeat(x.astype(mx.float64), sharing, 1));
  let scores = mx.matmul(q.astype(mx.float64), keys.transpose(0, 1, 3, 2)).multiply(scale);
  if (added !== null) scores = scores.add(added.astype(mx.float64));
  if (seen !== null) scores = mx.where(seen, scores, -Infinity);
  return mx.matmul(mx.softmax(scores, -1), values);
}

const causalMask = (queries: number, keys: number): mx.array => mx.tri(queries, keys, keys - queries).astype(mx.bool);

function largestError(actual: mx.array, expected: mx.array): number {
  expect(actual.shape).toEqual(expected.shape);
  return onCpu(() => mx.abs(actual.astype(mx.float64).subtract(expected)).max()).item() as number;
}

function operands(
  batch: number,
  heads: number,
  sharing: number,
  queries: number,
  keys: number,
  width: number,
  columns: number,
  dtype: mx.Dtype,
) {
  mx.random.seed(queries + keys);
  return [
    mx.random.normal([batch, heads, queries, width]).astype(dtype),
    mx.random.normal([batch, sharing, keys, width]).astype(dtype),
    mx.random.normal([batch, sharing, keys, columns]).astype(dtype),
  ] as const;
}

describe.each(
  computable<[mx.Dtype, number]>([
    [mx.float32, 1e-5],
    [mx.float64, 1e-13],
    [mx.float16, 2e-3],
    [mx.bfloat16, 2e-2],
  ]),
)('in %s', (dtype, tolerance) => {
  test.each([
    [2, 3, 3, 5, 7, 4, 4],
    [1, 4, 2, 70, 70, 8, 5],
    [2, 2, 1, 1, 600, 3, 8],
    [1, 1, 1, 130, 1100, 16, 16],
    [1, 2, 2, 9, 3, 2, 2],
  ])('%#: is the softmax of the scores times the values', (...sizes) => {
    const [q, k, v] = operands(...sizes, dtype);
    const [batch, heads, , queries, keys] = sizes;
    const check = (out: mx.array, expected: mx.array): void => {
      expect(out.dtype).toBe(dtype);
      expect(largestError(out, expected)).toBeLessThan(tolerance);
    };
    check(attention(q, k, v, 0.4), composed(q, k, v, 0.4, null, null));
    const added = mx.random.normal([queries, keys]).astype(dtype);
    check(attention(q, k, v, 0.4, added), composed(q, k, v, 0.4, null, added));
    const perHead = mx.random.normal([batch, heads, 1, keys]).astype(dtype);
    check(attention(q, k, v, 0.4, perHead), composed(q, k, v, 0.4, null, perHead));
    // The first key is seen by all.
    const seen = mx.random.bernoulli(0.5, [batch, 1, queries, keys]).logicalOr(mx.arange(keys).equal(0));
    check(attention(q, k, v, { scale: 0.4, mask: seen }), composed(q, k, v, 0.4, seen, null));
    if (queries <= keys) check(attention(q, k, v, 0.4, 'causal'), composed(q, k, v, 0.4, causalMask(queries, keys), null));
  });
});

test('takes operands of any strides', () => {
  const [q, k, v] = operands(2, 4, 2, 5, 6, 3, 3, mx.float32);
  const turned = [q, k, v].map((x) => mx.contiguous(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2));
  expect(largestError(attention(turned[0], turned[1], turned[2], 1), composed(q, k, v, 1, null, null))).toBeLessThan(1e-5);
});

test('a query that sees nothing gives 0, and so do its derivatives', () => {
  const [q, k, v] = operands(1, 1, 1, 3, 2, 2, 2, mx.float32);
  const seen = mx.array([
    [true, false],
    [false, false],
    [true, true],
  ]);
  expect(attention(q, k, v, 1, seen).index(0, 0, 1).tolist()).toEqual([0, 0]);
  const [dq, dk, dv] = mx.grad((...x: mx.array[]) => attention(x[0], x[1], x[2], 1, seen).sum(), [0, 1, 2])(q, k, v) as mx.array[];
  expect(dq.index(0, 0, 1).tolist()).toEqual([0, 0]);
  for (const gradient of [dq, dk, dv]) expect(mx.isfinite(gradient).all().item()).toBe(true);
  // With fewer keys than queries the first queries see none.
  expect(attention(q, k, v, 1, 'causal').index(0, 0, 0).tolist()).toEqual([0, 0]);
  expect(attention(q, mx.zeros([1, 1, 0, 2]), mx.zeros([1, 1, 0, 3]), 1).tolist()).toEqual([
    [
      Array(3)
        .fill([0, 0, 0])
        .map((row) => [...row]),
    ],
  ]);
});

test('NaN is not hidden', () => {
  const [q, k, v] = operands(1, 1, 1, 2, 40, 2, 2, mx.float32);
  const broken = mx.concatenate([q.index(mx.Slice(), mx.Slice(), mx.Slice(0, 1)), mx.full([1, 1, 1, 2], NaN)], 2);
  const out = attention(broken, k, v, 1);
  expect(mx.isnan(out).tolist()).toEqual([
    [
      [
        [false, false],
        [true, true],
      ],
    ],
  ]);
});

test('large scores do not overflow', () => {
  const q = mx.full([1, 1, 1, 1], 1e4);
  const k = mx.array([1e4, -1e4, 1e4]).reshape(1, 1, 3, 1);
  const v = mx.array([1, 2, 5]).reshape(1, 1, 3, 1);
  expect(attention(q, k, v, 1).item()).toBe(3);
});

// An emulated GPU takes minutes for so many scores.
const longest = onGpu ? 1024 : 8192;

test(`memory is linear in the length: ${longest} queries and keys`, () => {
  const run = (length: number, mask: 'causal' | null): number => {
    const [q, k, v] = operands(1, 1, 1, length, length, 8, 8, mx.float32);
    mx.eval(q, k, v);
    mx.resetPeakMemory();
    const before = mx.getActiveMemory();
    mx.eval(attention(q, k, v, 1, mask));
    return mx.getPeakMemory() - before;
  };
  run(64, null);
  const resident = process.memoryUsage().rss;
  for (const mask of [null, 'causal'] as const) {
    const [short, long] = [run(longest / 2, mask), run(longest, mask)];
    expect(long).toBeLessThan(2.5 * short);
    expect(long).toBeLessThan(4 * 2 ** 20);
  }
  // The scores of 8,192 would take 256 MiB.
  expect(process.memoryUsage().rss - resident).toBeLessThan(100 * 2 ** 20);
});

test.each<[string, () => unknown]>([
  [
    'operands need 4 axes, [batch, heads, length, width]: shapes [2, 2], [2, 2], [2, 2]',
    () => attention(mx.ones([2, 2]), mx.ones([2, 2]), mx.ones([2, 2]), 1),
  ],
  [
    'heads of queries (3) must be a multiple of those of keys (2) and values (2): shapes [1, 3, 1, 1], [1, 2, 1, 1], [1, 2, 1, 1]',
    () => attention(mx.ones([1, 3, 1, 1]), mx.ones([1, 2, 1, 1]), mx.ones([1, 2, 1, 1]), 1),
  ],
  [
    'width of queries (2) must equal that of keys (3): shapes [1, 1, 1, 2], [1, 1, 1, 3], [1, 1, 1, 2]',
    () => attention(mx.ones([1, 1, 1, 2]), mx.ones([1, 1, 1, 3]), mx.ones([1, 1, 1, 2]), 1),
  ],
  [
    'there must be as many values (2) as keys (1): shapes [1, 1, 1, 2], [1, 1, 1, 2], [1, 1, 2, 2]',
    () => attention(mx.ones([1, 1, 1, 2]), mx.ones([1, 1, 1, 2]), mx.ones([1, 1, 2, 2]), 1),
  ],
  [
    "a mask of shape [3] does not broadcast to the scores' [1, 1, 1, 1]",
    () => attention(mx.ones([1, 1, 1, 1]), mx.ones([1, 1, 1, 1]), mx.ones([1, 1, 1, 1]), 1, [1, 2, 3]),
  ],
  [
    'mask must be \'causal\' or an array, not "full"',
    () => attention(mx.ones([1, 1, 1, 1]), mx.ones([1, 1, 1, 1]), mx.ones([1, 1, 1, 1]), 1, 'full' as never),
  ],
  ['scale is missing', () => attention(mx.ones([1, 1, 1, 1]), mx.ones([1, 1, 1, 1]), mx.ones([1, 1, 1, 1]))],
])('%s', (message, call) => {
  expect(call).toThrow(`[fast.scaledDotProductAttention] ${message}`);
});
