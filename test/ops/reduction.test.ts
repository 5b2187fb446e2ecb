import * as mx from '../../lib';

const x = mx.array([
  [1, 2, 3],
  [4, 5, 6],
]);
const inf = Number.POSITIVE_INFINITY;
const nan = Number.NaN;

describe('axes', () => {
  test('all, one, several, negative', () => {
    expect(mx.sum(x).item()).toBe(21);
    expect(x.sum(0).tolist()).toEqual([5, 7, 9]);
    expect(x.sum(-1).tolist()).toEqual([6, 15]);
    expect(x.sum([0, 1]).item()).toBe(21);
    expect(x.sum([-1, 0]).shape).toEqual([]);
    expect(x.sum(null).item()).toBe(21);
    expect(x.sum([]).tolist()).toEqual(x.tolist());
  });

  test('keepdims, by position, in the axis place, by name', () => {
    expect(x.sum(0, true).shape).toEqual([1, 3]);
    expect(x.sum(true).shape).toEqual([1, 1]);
    expect(mx.sum(x, true).shape).toEqual([1, 1]);
    expect(mx.sum(x, { keepdims: true }).shape).toEqual([1, 1]);
    expect(mx.sum(x, 1, { keepdims: true }).shape).toEqual([2, 1]);
    expect(x.sum({ axis: [0], keepdims: true }).shape).toEqual([1, 3]);
    expect(x.sum(false).shape).toEqual([]);
    expect(mx.zeros([2, 3, 4]).mean([0, 2], true).shape).toEqual([1, 3, 1]);
  });

  test('wrong axes are errors that name the function', () => {
    expect(() => x.sum(2)).toThrow(new RangeError('[sum] axis 2 is out of range for an array with 2 dimensions'));
    expect(() => x.mean(-3)).toThrow(new RangeError('[mean] axis -3 is out of range for an array with 2 dimensions'));
    expect(() => x.max([0, 0])).toThrow(new RangeError('[max] axis 0 is named twice in [0, 0]'));
    expect(() => x.max([1, -1])).toThrow(RangeError);
    expect(() => x.sum(0.5)).toThrow(new TypeError('[sum] axis must be an integer, not 0.5'));
    expect(() => x.sum('0' as unknown as number)).toThrow(new TypeError('[sum] axis must be an integer or a list of integers, not "0"'));
    expect(() => x.sum({ axes: 0 } as unknown as number)).toThrow(
      new TypeError('[sum] axis must be an integer or a list of integers, not an object with the keys {axes}'),
    );
    expect(() => x.sum(true, true)).toThrow(TypeError);
    expect(() => x.sum(0, 1 as unknown as boolean)).toThrow(new TypeError('[sum] keepdims must be a boolean, not 1'));
    expect(() => mx.array(1).sum(0)).toThrow('[sum] axis 0 is out of range for an array with 0 dimensions');
  });

  test('an array with 32 axes', () => {
    const shape = new Array(32).fill(1);
    expect(mx.ones(shape).sum().item()).toBe(1);
    expect(mx.ones(shape).sum(-1).ndim).toBe(31);
  });
});

describe('values', () => {
  test('sum, prod, mean, max, min', () => {
    expect(x.prod(1).tolist()).toEqual([6, 120]);
    expect(x.mean(0).tolist()).toEqual([2.5, 3.5, 4.5]);
    expect(x.max(0).tolist()).toEqual([4, 5, 6]);
    expect(x.min(1).tolist()).toEqual([1, 4]);
    expect(mx.max([1, nan]).item()).toBe(nan);
    expect(mx.min([nan, 1]).item()).toBe(nan);
    expect(mx.max([-inf, -inf]).item()).toBe(-inf);
  });

  test('all and any', () => {
    const b = mx.array([
      [true, false],
      [true, true],
    ]);
    expect(b.all().item()).toBe(false);
    expect(b.all(1).tolist()).toEqual([false, true]);
    expect(b.any(0).tolist()).toEqual([true, true]);
    expect(mx.any([0, 0.5]).item()).toBe(true);
    expect(mx.all(mx.zeros([0])).item()).toBe(true);
    expect(mx.any(mx.zeros([2, 0]), 1).tolist()).toEqual([false, false]);
    expect(mx.all([1, nan]).item()).toBe(true);
  });

  test('argmax and argmin give uint32 positions, the first of equals', () => {
    expect(mx.argmax([1, 3, 3]).item()).toBe(1);
    expect(mx.argmax(x, 1).tolist()).toEqual([2, 2]);
    expect(mx.argmin(x, 0).tolist()).toEqual([0, 0, 0]);
    expect(mx.argmax(x).item()).toBe(5);
    expect(mx.argmax(x, true).shape).toEqual([1, 1]);
    expect(mx.argmax(x, 0, true).shape).toEqual([1, 3]);
    expect(mx.argmax(x).dtype).toBe(mx.uint32);
    expect(mx.argmax(5).item()).toBe(0);
    expect(mx.argmax([1, nan, 2]).item()).toBe(1);
    expect(() => mx.argmax(x, [0] as unknown as number)).toThrow(new TypeError('[argmax] axis must be an integer, not a list of 1'));
  });

  test('variance and std, with ddof', () => {
    expect(mx.variance([1, 2, 3, 4]).item()).toBe(1.25);
    expect(mx.variance([1, 2, 3, 4], null, false, 1).item()).toBeCloseTo(5 / 3, 6);
    expect(mx.std([1, 2, 3, 4], { ddof: 1 }).item()).toBeCloseTo(Math.sqrt(5 / 3), 6);
    expect(x.variance(0, true).tolist()).toEqual([[2.25, 2.25, 2.25]]);
    expect(mx.variance([1, 2], { ddof: 2 }).item()).toBe(inf);
    expect(
      mx
        .variance([
          { re: 1, im: 1 },
          { re: -1, im: -1 },
        ])
        .item(),
    ).toBe(2);
  });

  test('variance of numbers far from 0 does not cancel', () => {
    expect(mx.variance([10000, 10001, 10002]).item()).toBeCloseTo(2 / 3, 5);
  });

  test('the mean of float16 does not overflow on the way', () => {
    expect(mx.mean(mx.full([3000], 1000, mx.float16)).item()).toBe(1000);
    expect(mx.mean(mx.full([3000], 1000, mx.float16)).dtype).toBe(mx.float16);
  });
});

describe('dtypes', () => {
  test('sums and products widen bool and small integers', () => {
    const rows: [mx.Dtype, mx.Dtype][] = [
      [mx.bool, mx.int32],
      [mx.int8, mx.int32],
      [mx.int16, mx.int32],
      [mx.int32, mx.int32],
      [mx.int64, mx.int64],
      [mx.uint8, mx.uint32],
      [mx.uint16, mx.uint32],
      [mx.uint64, mx.uint64],
      [mx.float16, mx.float16],
      [mx.complex64, mx.complex64],
    ];
    for (const [from, to] of rows) {
      expect(mx.sum(mx.ones([3], from)).dtype).toBe(to);
      expect(mx.prod(mx.ones([3], from)).dtype).toBe(to);
      expect(mx.max(mx.ones([3], from)).dtype).toBe(from);
    }
    expect(mx.sum([true, true]).item()).toBe(2);
    expect(mx.sum(mx.full([300], 200, mx.uint8)).item()).toBe(60000);
  });

  test('means and spreads of integers are float32', () => {
    for (const f of [mx.mean, mx.variance, mx.std, mx.softmax, mx.logsumexp]) expect(f(mx.array([1, 2], mx.int32)).dtype).toBe(mx.float32);
    expect(mx.mean(mx.array([1, 2], mx.int32)).item()).toBe(1.5);
  });
});

describe('arrays of size 0', () => {
  const empty = mx.zeros([2, 0]);
  test('have a sum of 0, a product of 1, a mean of NaN', () => {
    expect(empty.sum(1).tolist()).toEqual([0, 0]);
    expect(empty.prod(1).tolist()).toEqual([1, 1]);
    expect(empty.mean(1).tolist()).toEqual([nan, nan]);
    expect(empty.sum(0).shape).toEqual([0]);
  });
  test('have no extremum along an empty axis', () => {
    expect(() => empty.max(1)).toThrow(new RangeError('[max] has no identity: axis 1 of shape [2, 0] is empty'));
    expect(() => empty.min()).toThrow(RangeError);
    expect(() => mx.argmax(mx.zeros([0]))).toThrow(new RangeError('[argmax] has no identity: axis 0 of shape [0] is empty'));
    expect(() => mx.argmin(empty, 1)).toThrow(RangeError);
    expect(empty.max(0).shape).toEqual([0]);
  });
});

describe('softmax and logsumexp', () => {
  test('softmax sums to 1 and does not overflow', () => {
    const y = mx.softmax(
      [
        [1, 2, 3],
        [1000, 1000, 1000],
      ],
      -1,
    );
    expect((mx.sum(y, -1).tolist() as number[]).every((s) => Math.abs(s - 1) < 1e-6)).toBe(true);
    expect((y.tolist() as number[][])[0][2]).toBeCloseTo(Math.exp(3) / (Math.exp(1) + Math.exp(2) + Math.exp(3)), 6);
    expect(
      mx
        .softmax([
          [0, 0],
          [0, 0],
        ])
        .tolist(),
    ).toEqual([
      [0.25, 0.25],
      [0.25, 0.25],
    ]);
    expect(mx.softmax([-inf, 0]).tolist()).toEqual([0, 1]);
    expect(mx.softmax(mx.zeros([2, 0]), 1).shape).toEqual([2, 0]);
    expect(mx.softmax(mx.zeros([3], mx.float16), { axis: 0, precise: true }).dtype).toBe(mx.float16);
  });

  test('logsumexp is stable', () => {
    expect(mx.logsumexp([1000, 1000]).item()).toBeCloseTo(1000 + Math.log(2), 3);
    expect(mx.logsumexp([-1000, -1000]).item()).toBeCloseTo(-1000 + Math.log(2), 3);
    expect(mx.logsumexp([inf, 1]).item()).toBe(inf);
    expect(
      mx
        .logsumexp(
          [
            [-inf, -inf],
            [0, -inf],
          ],
          1,
        )
        .tolist(),
    ).toEqual([-inf, 0]);
    expect(mx.logsumexp(mx.zeros([0])).item()).toBe(-inf);
    expect(mx.logsumexp([[1, 2]], 1, true).shape).toEqual([1, 1]);
  });

  test('the derivative of logsumexp is softmax, and 0 for a row of -inf', () => {
    const gradient = mx.grad((y: mx.array) => mx.sum(mx.logsumexp(y, 1)));
    expect(
      gradient(
        mx.array([
          [-inf, -inf],
          [0, 0],
          [0, -inf],
        ]),
      ).tolist(),
    ).toEqual([
      [0, 0],
      [0.5, 0.5],
      [1, 0],
    ]);
    const second = mx.grad((y: mx.array) => mx.sum(mx.square(gradient(y))));
    expect(
      (
        second(
          mx.array([
            [-inf, -inf],
            [1, 2],
          ]),
        ).tolist() as number[][]
      )
        .flat()
        .some(Number.isNaN),
    ).toBe(false);
  });
});
