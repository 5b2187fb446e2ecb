import * as mx from '../../lib';

const a = mx.array([
  [1, 2],
  [3, 4],
]);

describe('concatenate and stack', () => {
  test('join along an axis and promote', () => {
    expect(mx.concatenate([a, [[5, 6]]]).tolist()).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    expect(mx.concatenate([a, a], 1).shape).toEqual([2, 4]);
    expect(mx.concat([a, a], { axis: -1 }).shape).toEqual([2, 4]);
    expect(mx.concatenate([a, [9]], null).tolist()).toEqual([1, 2, 3, 4, 9]);
    expect(mx.concatenate([mx.zeros([0, 2]), a]).tolist()).toEqual(a.tolist());
    expect(mx.concatenate([mx.zeros([1], mx.int8), mx.zeros([1], mx.uint8)]).dtype).toBe(mx.int16);
    expect(mx.concatenate(a).tolist()).toEqual([1, 2, 3, 4]);
    expect(mx.stack([a, a]).shape).toEqual([2, 2, 2]);
    expect(
      mx
        .stack(
          [
            [1, 2],
            [3, 4],
          ],
          -1,
        )
        .tolist(),
    ).toEqual([
      [1, 3],
      [2, 4],
    ]);
    expect(mx.stack([1, 2]).tolist()).toEqual([1, 2]);
  });
  test('errors name the shapes', () => {
    expect(() => mx.concatenate([a, mx.zeros([1, 3])])).toThrow(
      new RangeError('[concatenate] shapes [2, 2] and [1, 3] differ in more than axis 0'),
    );
    expect(() => mx.concatenate([])).toThrow(new RangeError('[concatenate] the list of arrays is empty'));
    expect(() => mx.concatenate([a, [1]])).toThrow(RangeError);
    expect(() => mx.concatenate([1, 2])).toThrow('[concatenate] axis 0 is out of range for an array with 0 dimensions');
    expect(() => mx.stack([a, [1]])).toThrow(new RangeError('[stack] shapes [2, 2] and [1] differ'));
    expect(() => mx.stack([a], 5)).toThrow(RangeError);
    expect(() => mx.stack(3 as unknown as mx.array)).toThrow(new TypeError('[stack] arrays must be a list of arrays, not 3'));
  });
});

describe('split and unstack', () => {
  test('equal parts or at positions', () => {
    const x = mx.arange(6);
    expect(mx.split(x, 3).map((p) => p.tolist())).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
    expect(x.split([1, 4]).map((p) => p.tolist())).toEqual([[0], [1, 2, 3], [4, 5]]);
    expect(x.split([4, 2, 9]).map((p) => p.tolist())).toEqual([[0, 1, 2, 3], [], [2, 3, 4, 5], []]);
    expect(x.split([-2]).map((p) => p.tolist())).toEqual([
      [0, 1, 2, 3],
      [4, 5],
    ]);
    expect(mx.split(a, 2, 1).map((p) => p.tolist())).toEqual([
      [[1], [3]],
      [[2], [4]],
    ]);
    expect(() => mx.split(x, 4)).toThrow(new RangeError('[split] axis 0 of shape [6] does not divide into 4 equal parts'));
    expect(() => mx.split(x, 0)).toThrow(RangeError);
    expect(() => mx.split(x)).toThrow(TypeError);
    expect(mx.unstack(a, 1).map((p) => p.tolist())).toEqual([
      [1, 3],
      [2, 4],
    ]);
  });
});

describe('repeat and tile', () => {
  test('repeat', () => {
    expect(mx.repeat([1, 2], 2).tolist()).toEqual([1, 1, 2, 2]);
    expect(mx.repeat(a, 2, 0).shape).toEqual([4, 2]);
    expect(mx.repeat(a, 2, { axis: 1 }).tolist()).toEqual([
      [1, 1, 2, 2],
      [3, 3, 4, 4],
    ]);
    expect(mx.repeat(a, 2).shape).toEqual([8]);
    expect(mx.repeat(a, 0, 0).shape).toEqual([0, 2]);
    expect(() => mx.repeat(a, -1)).toThrow(new RangeError('[repeat] repeats must be at least 0, not -1'));
  });
  test('tile', () => {
    expect(mx.tile([1, 2], 2).tolist()).toEqual([1, 2, 1, 2]);
    expect(mx.tile([1, 2], [2, 1]).tolist()).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(mx.tile(a, 2).shape).toEqual([2, 4]);
    expect(mx.tile(a, [2, 1, 1]).shape).toEqual([2, 2, 2]);
    expect(mx.tile(1, 3).tolist()).toEqual([1, 1, 1]);
    expect(mx.tile(a, 0).shape).toEqual([2, 0]);
  });
});

describe('pad', () => {
  test('constant', () => {
    expect(mx.pad([1, 2], 1).tolist()).toEqual([0, 1, 2, 0]);
    expect(mx.pad([1, 2], [0, 2], 9).tolist()).toEqual([1, 2, 9, 9]);
    expect(
      mx
        .pad(
          a,
          [
            [1, 0],
            [0, 1],
          ],
          mx.array(7),
        )
        .tolist(),
    ).toEqual([
      [7, 7, 7],
      [1, 2, 7],
      [3, 4, 7],
    ]);
    expect(mx.pad(a, 1, { constantValues: 5 }).shape).toEqual([4, 4]);
    expect(mx.pad(mx.array([1], mx.int32), 1, 2.5).tolist()).toEqual([2, 1, 2]);
    expect(mx.pad(mx.zeros([0]), 2, 1).tolist()).toEqual([1, 1, 1, 1]);
  });
  test('edge, reflect and symmetric, as NumPy', () => {
    const x = [1, 2, 3];
    expect(mx.pad(x, 2, 0, 'edge').tolist()).toEqual([1, 1, 1, 2, 3, 3, 3]);
    expect(mx.pad(x, 2, { mode: 'reflect' }).tolist()).toEqual([3, 2, 1, 2, 3, 2, 1]);
    expect(mx.pad(x, [4, 5], { mode: 'reflect' }).tolist()).toEqual([1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2]);
    expect(mx.pad(x, 2, { mode: 'symmetric' }).tolist()).toEqual([2, 1, 1, 2, 3, 3, 2]);
    expect(mx.pad(x, [4, 0], { mode: 'symmetric' }).tolist()).toEqual([3, 3, 2, 1, 1, 2, 3]);
    expect(mx.pad([5], 2, { mode: 'reflect' }).tolist()).toEqual([5, 5, 5, 5, 5]);
    expect(mx.pad(a, 1, { mode: 'edge' }).tolist()).toEqual([
      [1, 1, 2, 2],
      [1, 1, 2, 2],
      [3, 3, 4, 4],
      [3, 3, 4, 4],
    ]);
  });
  test('errors', () => {
    expect(() => mx.pad(a, -1)).toThrow(new RangeError('[pad] padWidth must be at least 0: [-1, -1]'));
    expect(() =>
      mx.pad(a, [
        [1, 1],
        [1, 1],
        [1, 1],
      ]),
    ).toThrow('[pad] 3 pairs do not fit the 2 axes of shape [2, 2]');
    expect(() => mx.pad(a, 1, 0, 'wrap' as mx.PadMode)).toThrow('[pad] mode must be one of constant, edge, reflect, symmetric, not "wrap"');
    expect(() => mx.pad(mx.zeros([0]), 1, 0, 'edge')).toThrow("[pad] axis 0 of shape [0] is empty: mode 'edge' has nothing to repeat");
  });
});

test('kron', () => {
  expect(mx.kron([1, 2], [1, 10]).tolist()).toEqual([1, 10, 2, 20]);
  expect(mx.kron(mx.eye(2), [[1, 2]]).tolist()).toEqual([
    [1, 2, 0, 0],
    [0, 0, 1, 2],
  ]);
  expect(mx.kron([1, 2], [[1], [3]]).tolist()).toEqual([
    [1, 2],
    [3, 6],
  ]);
});

test('diff', () => {
  expect(mx.diff([1, 4, 9, 16]).tolist()).toEqual([3, 5, 7]);
  expect(mx.diff([1, 4, 9, 16], 2).tolist()).toEqual([2, 2]);
  expect(mx.diff(a, { axis: 0 }).tolist()).toEqual([[2, 2]]);
  expect(mx.diff([1]).shape).toEqual([0]);
  expect(mx.diff([]).shape).toEqual([0]);
  expect(mx.diff([1, 2], 5).shape).toEqual([0]);
  expect(mx.diff([true, false, false]).tolist()).toEqual([true, false]);
});
