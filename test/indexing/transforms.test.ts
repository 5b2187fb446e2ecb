import * as mx from '../../lib';

describe('indexing inside transforms', () => {
  const x = (): mx.array =>
    mx.array([
      [1, 2, 3],
      [4, 5, 6],
    ]);

  test('a mask works inside grad, and the gradient goes to the elements it kept', () => {
    const f = (y: mx.array): mx.array => y.index(y.greater(2)).square().sum();
    expect(mx.grad(f)(x()).tolist()).toEqual([
      [0, 0, 6],
      [8, 10, 12],
    ]);
  });

  test('reading with a mask is an error inside vmap and compile that says why', () => {
    const message = /^\[index\] the size of a result indexed by a boolean array depends on the values/;
    expect(() => mx.vmap((y: mx.array) => y.index(y.greater(2)))(x())).toThrow(message);
    expect(() => mx.compile((y: mx.array) => y.index(y.greater(2)))(x())).toThrow(message);
  });

  test('a mask from outside, a list of booleans, and writing with a mask work everywhere', () => {
    const mask = mx.array([true, false, true]);
    expect(
      mx
        .vmap((y: mx.array) => y.index(mask))(x())
        .tolist(),
    ).toEqual([
      [1, 3],
      [4, 6],
    ]);
    expect(
      mx
        .compile((y: mx.array) => y.index(1, [false, true, true]))(x())
        .tolist(),
    ).toEqual([5, 6]);
    const clear = (y: mx.array): mx.array => y.add(0).indexPut_(y.greater(4), 0);
    expect(mx.vmap(clear)(x()).tolist()).toEqual([
      [1, 2, 3],
      [4, 0, 0],
    ]);
    expect(mx.compile(clear)(x()).tolist()).toEqual([
      [1, 2, 3],
      [4, 0, 0],
    ]);
    expect(
      mx
        .grad((y: mx.array) => clear(y).sum())(x())
        .tolist(),
    ).toEqual([
      [1, 1, 1],
      [1, 0, 0],
    ]);
  });

  test('writing to an argument inside a transform does not reach the caller', () => {
    const y = x();
    const f = (z: mx.array): mx.array => z.indexPut_(0, 10).sum();
    expect(mx.grad(f)(y).tolist()).toEqual([
      [0, 0, 0],
      [1, 1, 1],
    ]);
    expect(y.tolist()).toEqual(x().tolist());
  });

  test('gradients of gathers accumulate repeated positions', () => {
    expect(
      mx
        .grad((y: mx.array) => y.index([0, 0, 1]).sum())(x())
        .tolist(),
    ).toEqual([
      [2, 2, 2],
      [1, 1, 1],
    ]);
  });

  test('of repeated positions written to, the gradient goes to the value that stayed', () => {
    const f = (v: mx.array): mx.array =>
      mx
        .zeros([2])
        .indexPut_([[1, 1]], v)
        .sum();
    expect(
      mx
        .grad(f)(mx.array([5, 7]))
        .tolist(),
    ).toEqual([0, 1]);
  });

  test('positions may be mapped', () => {
    const positions = mx.array([2, 0], mx.int32);
    const pick = mx.vmap((y: mx.array, i: mx.array) => y.index(i));
    expect(pick(x(), positions).tolist()).toEqual([3, 4]);
    const window = mx.vmap((i: mx.array) => mx.slice(x(), i.reshape(1), [1], [2, 1]));
    expect(window(positions).tolist()).toEqual([
      [[3], [6]],
      [[1], [4]],
    ]);
    const put = mx.vmap((y: mx.array, i: mx.array) => y.at(i).add(100));
    expect(put(x(), positions).tolist()).toEqual([
      [1, 2, 103],
      [104, 5, 6],
    ]);
  });
});
