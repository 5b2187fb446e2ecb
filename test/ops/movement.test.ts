import * as mx from '../../lib';

const x = mx.arange(6).reshape(2, 3);

describe('reshape', () => {
  test('a list or spread, with one -1', () => {
    expect(x.reshape(3, 2).tolist()).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
    expect(x.reshape([-1]).shape).toEqual([6]);
    expect(x.reshape(-1, 2).shape).toEqual([3, 2]);
    expect(mx.reshape(x, 1, 6).shape).toEqual([1, 6]);
    expect(mx.reshape(x, { shape: [6] }).shape).toEqual([6]);
    expect(mx.array(1).reshape([]).shape).toEqual([]);
    expect(mx.array([1]).reshape([]).shape).toEqual([]);
    expect(mx.zeros([2, 0]).reshape(0, 5).shape).toEqual([0, 5]);
    expect(mx.zeros([0]).reshape(-1, 3).shape).toEqual([0, 3]);
    expect(x.reshape([3, 2], mx.cpu).shape).toEqual([3, 2]);
  });
  test('what does not fit is an error', () => {
    expect(() => x.reshape(4)).toThrow(new RangeError('[reshape] cannot reshape [2, 3] (6 elements) to [4] (4)'));
    expect(() => x.reshape(-1, 4)).toThrow(new RangeError('[reshape] cannot reshape [2, 3] (6 elements) to [-1, 4]: no size fits -1'));
    expect(() => x.reshape(-1, -1)).toThrow(RangeError);
    expect(() => mx.zeros([0]).reshape(-1, 0)).toThrow(RangeError);
    expect(() => x.reshape(1.5, 4)).toThrow(TypeError);
    expect(() => x.reshape()).toThrow('[reshape] takes a shape');
    expect(() => mx.array([1]).reshape(new Array(33).fill(1))).toThrow('[reshape] rank 33 is more than 32');
  });
});

describe('transpose', () => {
  test('reverses, or takes axes as a list or spread', () => {
    const y = mx.zeros([2, 3, 4]);
    expect(y.transpose().shape).toEqual([4, 3, 2]);
    expect(y.transpose(1, 0, 2).shape).toEqual([3, 2, 4]);
    expect(y.transpose([-1, 0, 1]).shape).toEqual([4, 2, 3]);
    expect(mx.transpose(y, { axes: [0, 2, 1] }).shape).toEqual([2, 4, 3]);
    expect(mx.permuteDims(y, 2, 1, 0).shape).toEqual([4, 3, 2]);
    expect(x.transpose().tolist()).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
    ]);
    expect(mx.array(1).transpose().shape).toEqual([]);
  });
  test('wrong axes are errors', () => {
    expect(() => x.transpose(0)).toThrow(new RangeError('[transpose] needs 2 axes for shape [2, 3], not [0]'));
    expect(() => x.transpose(0, 0)).toThrow(new RangeError('[transpose] [0, 0] names an axis twice'));
    expect(() => x.transpose(0, 2)).toThrow(new RangeError('[transpose] axis 2 is out of range for an array with 2 dimensions'));
  });
  test('moveaxis, swapaxes, matrixTranspose', () => {
    const y = mx.zeros([2, 3, 4]);
    expect(y.moveaxis(0, -1).shape).toEqual([3, 4, 2]);
    expect(y.swapaxes(0, 2).shape).toEqual([4, 3, 2]);
    expect(mx.matrixTranspose(y).shape).toEqual([2, 4, 3]);
    expect(() => y.moveaxis(3, 0)).toThrow('[moveaxis] axis 3 is out of range for an array with 3 dimensions');
    expect(() => mx.matrixTranspose([1])).toThrow('[matrixTranspose] needs at least 2 axes, not shape [1]');
  });
});

describe('axes of size 1', () => {
  test('squeeze and expandDims', () => {
    const y = mx.zeros([1, 3, 1]);
    expect(y.squeeze().shape).toEqual([3]);
    expect(y.squeeze(0).shape).toEqual([3, 1]);
    expect(y.squeeze([0, -1]).shape).toEqual([3]);
    expect(() => y.squeeze(1)).toThrow(new RangeError('[squeeze] axis 1 of shape [1, 3, 1] has size 3, not 1'));
    expect(mx.expandDims([1, 2], 0).shape).toEqual([1, 2]);
    expect(mx.expandDims([1, 2], [0, -1]).shape).toEqual([1, 2, 1]);
    expect(() => mx.expandDims([1], [0, 0])).toThrow(RangeError);
    expect(() => mx.expandDims([1], 3)).toThrow('[expandDims] axis 3 is out of range');
    expect(() => mx.expandDims(mx.zeros(new Array(32).fill(1)), 0)).toThrow('[expandDims] rank 33 is more than 32');
  });
  test('atleast1d, 2d and 3d, one or several', () => {
    expect(mx.atleast1d(1).shape).toEqual([1]);
    expect(mx.atleast2d([1, 2]).shape).toEqual([1, 2]);
    expect(mx.atleast3d([1, 2]).shape).toEqual([1, 2, 1]);
    expect(mx.atleast3d([[1, 2]]).shape).toEqual([1, 2, 1]);
    expect(mx.atleast2d(1, [2]).map((y) => y.shape)).toEqual([
      [1, 1],
      [1, 1],
    ]);
  });
  test('flatten and unflatten', () => {
    const y = mx.zeros([2, 3, 4]);
    expect(y.flatten().shape).toEqual([24]);
    expect(y.flatten(1).shape).toEqual([2, 12]);
    expect(y.flatten(0, 1).shape).toEqual([6, 4]);
    expect(y.flatten({ startAxis: -2 }).shape).toEqual([2, 12]);
    expect(mx.array(1).flatten().shape).toEqual([1]);
    expect(() => y.flatten(3)).toThrow('[flatten] axes 3 to -1 are none of shape [2, 3, 4]');
    expect(mx.unflatten(y, -1, [2, -1]).shape).toEqual([2, 3, 2, 2]);
    expect(() => mx.unflatten(y, 0, [3])).toThrow('[unflatten] cannot reshape [2] (2 elements) to [3] (3)');
  });
});

describe('broadcasting', () => {
  test('broadcastTo, broadcastArrays, broadcastShapes', () => {
    expect(mx.broadcastTo([1, 2], [2, 2]).tolist()).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(() => mx.broadcastTo([1, 2], [3])).toThrow(new RangeError('[broadcastTo] shape [2] does not broadcast to [3]'));
    const [a, b] = mx.broadcastArrays([mx.zeros([3]), mx.zeros([2, 1])]);
    expect([a.shape, b.shape]).toEqual([
      [2, 3],
      [2, 3],
    ]);
    expect(mx.broadcastArrays(mx.zeros([3]), mx.zeros([2, 1]))[0].shape).toEqual([2, 3]);
    expect(mx.broadcastShapes([3], [2, 1], [])).toEqual([2, 3]);
    expect(() => mx.broadcastShapes([2], [3])).toThrow('[broadcastShapes] shapes [2] and [3] do not broadcast');
  });
});

describe('order', () => {
  test('flip', () => {
    expect(mx.flip(x).tolist()).toEqual([
      [5, 4, 3],
      [2, 1, 0],
    ]);
    expect(mx.flip(x, 1).tolist()).toEqual([
      [2, 1, 0],
      [5, 4, 3],
    ]);
  });
  test('roll', () => {
    expect(mx.roll([0, 1, 2, 3, 4], 2).tolist()).toEqual([3, 4, 0, 1, 2]);
    expect(mx.roll([0, 1, 2, 3, 4], -1).tolist()).toEqual([1, 2, 3, 4, 0]);
    expect(mx.roll(x, 1).tolist()).toEqual([
      [5, 0, 1],
      [2, 3, 4],
    ]);
    expect(mx.roll(x, 1, 1).tolist()).toEqual([
      [2, 0, 1],
      [5, 3, 4],
    ]);
    expect(mx.roll(x, [1, 1], [0, 1]).tolist()).toEqual([
      [5, 3, 4],
      [2, 0, 1],
    ]);
    expect(mx.roll([], 3).shape).toEqual([0]);
    expect(mx.roll([1, 2], 7).tolist()).toEqual([2, 1]);
    expect(() => mx.roll(x, [1, 2], 0)).toThrow('[roll] 2 shifts do not fit 1 axes');
  });
});

test('a view of a view of a view reads right', () => {
  const y = mx
    .arange(24)
    .reshape(2, 3, 4)
    .transpose(2, 0, 1)
    .reshape(4, 6)
    .T.index(mx.Slice(null, null, 2));
  expect(y.tolist()).toEqual([
    [0, 1, 2, 3],
    [8, 9, 10, 11],
    [16, 17, 18, 19],
  ]);
});
