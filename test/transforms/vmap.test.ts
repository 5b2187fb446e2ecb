import * as mx from '../../lib';
import { errorOf, expectClose, plain } from './support';

const rows = () =>
  mx.array([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);

describe('vmap', () => {
  test('the example of the document', () => {
    const xs = mx.random.uniform(0, 1, [5, 7], mx.float32, mx.random.key(0));
    const ys = mx.random.uniform(0, 1, [7, 5], mx.float32, mx.random.key(1));
    const added = mx.vmap((x: mx.array, y: mx.array) => x.add(y), [1, 0]);
    expectClose(added(xs, ys), xs.T.add(ys));
  });

  test('maps over the first axis of every argument unless told', () => {
    expectClose(mx.vmap((x: mx.array, y: mx.array) => x.multiply(y).sum())(rows(), rows()), [5, 25, 61]);
  });

  test('null shares an argument, negative axes count from the end', () => {
    const dot = (x: mx.array, y: mx.array) => x.multiply(y).sum();
    expectClose(mx.vmap(dot, [0, null])(rows(), mx.array([1, 10])), [21, 43, 65]);
    expectClose(mx.vmap(dot, [-1, null])(rows(), mx.array([1, 0, 1])), [6, 8]);
  });

  test('trees of axes match the arguments as far as they go', () => {
    const f = (p: { w: mx.array; b: mx.array }, [x, y]: [mx.array, mx.array]) => ({ sum: p.w.add(p.b).add(x), rest: [y] });
    const result = mx.vmap(f, [{ w: 1, b: null }, 0])({ w: mx.array([[1, 2, 3]]), b: mx.array([10]) }, [
      mx.array([1, 2, 3]),
      mx.array([[1], [2], [3]]),
    ]);
    expectClose(result, { sum: [[12], [14], [16]], rest: [[[1], [2], [3]]] });
    const nested = mx.vmap(f, [{ w: 1, b: null }, [null, 1]])({ w: mx.array([[1, 2, 3]]), b: mx.array([10]) }, [
      mx.array(1),
      mx.array([[1, 2, 3]]),
    ]);
    expectClose(nested, { sum: [[12], [13], [14]], rest: [[[1], [2], [3]]] });
  });

  test('outAxes places the batch axis, also by trees and negative', () => {
    expect(mx.vmap((x: mx.array) => x, 0, 1)(rows()).shape).toEqual([2, 3]);
    const f = (x: mx.array) => ({ a: x, b: [x.sum(), mx.array(7)] });
    expectClose(mx.vmap(f, 0, { a: -1, b: [0, null] })(rows()), {
      a: [
        [1, 3, 5],
        [2, 4, 6],
      ],
      b: [[3, 7, 11], 7],
    });
  });

  test('arguments that are no arrays pass through, and so do results', () => {
    const f = (x: mx.array, n: number, name: string) => ({ y: x.multiply(n), name });
    expect(plain(mx.vmap(f)(mx.array([1, 2]), 3, 'a'))).toEqual({ y: [3, 6], name: 'a' });
  });

  test('an output that depends on no mapped input is repeated', () => {
    expectClose(mx.vmap((x: mx.array, y: mx.array) => [x, y, mx.array(5)], [0, null])(mx.array([1, 2]), mx.array([7, 8])), [
      [1, 2],
      [
        [7, 8],
        [7, 8],
      ],
      [5, 5],
    ]);
  });

  test.each<[() => unknown, RegExp]>([
    [
      () => mx.vmap((x: mx.array, _: { b: mx.array }) => x)(rows(), { b: mx.array([1, 2]) }),
      /^\[vmap\] mapped axes must have one size, but argument 0 has 3 and argument 1\.b has 2$/,
    ],
    [() => mx.vmap((x: mx.array) => x, 2)(rows()), /^\[vmap\] axis 2 is out of range for argument 0 of shape \[3, 2\]$/],
    [() => mx.vmap((x: mx.array) => x, -3)(rows()), /^\[vmap\] axis -3 is out of range for argument 0 of shape \[3, 2\]$/],
    [() => mx.vmap((x: mx.array) => x)(mx.array(1)), /^\[vmap\] axis 0 is out of range for argument 0 of shape \[\]$/],
    [() => mx.vmap((x: mx.array) => x, null)(rows()), /^\[vmap\] no argument is mapped: inAxes must name an axis of at least one array$/],
    [() => mx.vmap((x: mx.array) => x, [null])(rows()), /^\[vmap\] no argument is mapped/],
    [() => mx.vmap((x: number) => mx.array(x))(3), /^\[vmap\] no argument is mapped/],
    [() => mx.vmap((x: mx.array) => x, [0, 0])(rows()), /^\[vmap\] inAxes has 2 entries for 1 argument$/],
    [() => mx.vmap((x: mx.array) => x, [[0]])(rows()), /^\[vmap\] inAxes has a list for argument 0, which is an array$/],
    [() => mx.vmap((x: unknown) => x, [[0, 0]])([rows()]), /^\[vmap\] inAxes has 2 entries for argument 0, which has 1$/],
    [() => mx.vmap((x: unknown) => x, [{ a: 0 }])({ b: rows() }), /^\[vmap\] inAxes has the key a for argument 0, which does not$/],
    [() => mx.vmap((x: unknown) => x, [{}])({ b: rows() }), /^\[vmap\] inAxes lacks the key b of argument 0$/],
    [() => mx.vmap((x: mx.array) => x, 0.5)(rows()), /^\[vmap\] inAxes must be an integer, null, or a tree of them, not 0\.5$/],
    [
      () => mx.vmap((x: mx.array) => x, { a: 0 })(rows()),
      /^\[vmap\] inAxes must be an axis, null, or a list with an entry for each argument, not an object$/,
    ],
    [
      () => mx.vmap((x: mx.array) => x, 0, 'a' as unknown as number)(rows()),
      /^\[vmap\] outAxes must be an integer, null, or a tree of them, not "a"$/,
    ],
    [
      () => mx.vmap((x: mx.array) => x, 0, 2)(rows()),
      /^\[vmap\] axis 2 of outAxes is out of range for the result, whose batch has shape \[3, 2\]$/,
    ],
    [() => mx.vmap((x: mx.array) => x, 0, null)(rows()), /^\[vmap\] outAxes is null for the result, which depends on a mapped argument$/],
    [() => mx.vmap((x: mx.array) => [x], 0, [0, 0])(rows()), /^\[vmap\] outAxes has 2 entries for the result, which has 1$/],
    [() => mx.vmap((_: mx.array) => 3)(rows()), /^\[vmap\] the function must return at least one array, but returned 3$/],
  ])('errors say where: %#', (body, message) => {
    expect(errorOf(body).message).toMatch(message);
  });

  test('a draw without a key is shared by the lanes, mapped keys give each lane its own', () => {
    const shared = mx.vmap((x: mx.array) => x.multiply(0).add(mx.random.uniform()))(mx.array([1, 2, 3]));
    const [a, b, c] = shared.tolist() as number[];
    expect([b, c]).toEqual([a, a]);
    const keys = mx.random.split(mx.random.key(3), 4);
    const own = mx.vmap((key: mx.array) => mx.random.uniform(0, 1, [2], mx.float32, key))(keys);
    const lanes = [...keys].map((key) => mx.random.uniform(0, 1, [2], mx.float32, key).tolist());
    expect(plain(own)).toEqual(lanes);
  });

  test('of a batch of size 0 and of size 1', () => {
    const f = (x: mx.array) => mx.sin(x).sum();
    expect(mx.vmap(f)(mx.zeros([0, 3])).shape).toEqual([0]);
    expect(
      mx
        .vmap(f)(mx.zeros([1, 0]))
        .tolist(),
    ).toEqual([0]);
  });

  test('vmap of vmap', () => {
    const x = mx.arange(24).reshape([2, 3, 4]);
    const f = mx.vmap(
      mx.vmap((a: mx.array, b: mx.array) => a.multiply(b).sum(), [0, null]),
      [0, null],
    );
    expectClose(f(x, mx.array([1, 0, 0, 1])), x.multiply(mx.array([1, 0, 0, 1])).sum(-1));
    expectClose(
      mx.vmap(
        mx.vmap((a: mx.array) => mx.exp(a), 1),
        2,
      )(x),
      mx.exp(x).transpose(2, 1, 0),
    );
  });

  test('per-example gradients equal a loop', () => {
    const loss = (w: mx.array, x: mx.array, y: mx.array) => mx.square(mx.tanh(mx.matmul(x, w)).subtract(y)).sum();
    const w = mx.random.normal([3, 2], mx.float32, 0, 1, mx.random.key(0));
    const xs = mx.random.normal([5, 4, 3], mx.float32, 0, 1, mx.random.key(1));
    const ys = mx.random.normal([5, 4, 2], mx.float32, 0, 1, mx.random.key(2));
    const batched = mx.vmap(mx.grad(loss), [null, 0, 0])(w, xs, ys);
    const each = [...xs].map((x, i) => mx.grad(loss)(w, x, ys.index(i)));
    expectClose(batched, mx.stack(each), 1e-4);
    const total = mx.grad((p: mx.array) => mx.vmap(loss, [null, 0, 0])(p, xs, ys).sum())(w);
    expectClose(total, mx.stack(each).sum(0), 1e-4);
  });

  test('mutating an argument inside never reaches the caller', () => {
    const x = rows();
    const y = mx.array([1, 2]);
    const f = (a: mx.array, b: mx.array) => {
      a.indexPut_(0, 100);
      b.indexPut_(0, 100);
      return a.add(b);
    };
    expectClose(mx.vmap(f, [0, null])(x, y), [
      [200, 4],
      [200, 6],
      [200, 8],
    ]);
    expect(plain([x, y])).toEqual([plain(rows()), [1, 2]]);
  });
});
