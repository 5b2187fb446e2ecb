import * as mx from '../../lib';
import { expectClose, plain } from './support';

/** A function that counts its calls, compiled without shapes. */
function shapeless<A extends unknown[], R>(f: (...args: A) => R, options: mx.CompileOptions = {}) {
  const counter = { calls: 0 };
  const compiled = mx.compile(
    (...args: A) => {
      counter.calls++;
      return f(...args);
    },
    { ...options, shapeless: true },
  );
  return { counter, compiled, plain: f };
}

const input = (n: number, m = 4) => mx.random.normal([n, m], mx.float32, 0, 1, mx.random.key(n));

describe('shapeless compile', () => {
  test('means, broadcasts, reshapes and softmax are inferred again for other shapes', () => {
    const {
      counter,
      compiled,
      plain: f,
    } = shapeless((x: mx.array, w: mx.array) => {
      const centered = x.subtract(x.mean(0, true)).divide(x.std(0, true).add(1e-3));
      return {
        y: mx.softmax(mx.matmul(centered, w).add(1), -1),
        total: x.flatten().sum(),
        like: mx.onesLike(x),
        rows: mx.reshape(x, [-1]),
      };
    });
    const w = mx.random.normal([4, 3], mx.float32, 0, 1, mx.random.key(9));
    for (const n of [2, 3, 5, 2, 8]) expectClose(compiled(input(n), w), f(input(n), w), 1e-4);
    expect(counter.calls).toBe(1);
  });

  test('true in second place is shapeless', () => {
    let calls = 0;
    const f = mx.compile((x: mx.array) => {
      calls++;
      return x.mean();
    }, true);
    expectClose(f(mx.array([1, 2])), 1.5);
    expectClose(f(mx.array([[1, 2, 6]])), 3);
    expect(calls).toBe(1);
  });

  test.each<[string, (x: mx.array) => mx.array]>([
    ['shape', (x) => x.sum().divide(x.shape[0])],
    ['size', (x) => x.sum().divide(x.size)],
    ['length', (x) => x.sum().divide(x.length)],
    ['iteration', (x) => [...x].reduce((a, b) => a.add(b))],
    ['the shape of an intermediate', (x) => x.sum().multiply(x.transpose().add(1).shape[1])],
    ['the number of results', (x) => mx.concatenate(mx.split(x, 2).map((part, i) => part.multiply(i)))],
  ])('a read %s is guarded: other values trace again, and never give a stale result', (_, f) => {
    const { counter, compiled } = shapeless(f);
    for (const n of [2, 4, 6, 4, 2]) expectClose(compiled(input(n)), f(input(n)), 1e-4);
    expect(counter.calls).toBeGreaterThanOrEqual(1);
    expect(counter.calls).toBeLessThanOrEqual(3);
  });

  test('a guard that still holds does not trace again', () => {
    const { counter, compiled, plain: f } = shapeless((x: mx.array, w: mx.array) => mx.matmul(x, w).divide(w.shape[0]));
    const w = input(4);
    for (const n of [1, 2, 3]) expectClose(compiled(input(n), w), f(input(n), w));
    expect(counter.calls).toBe(1);
  });

  test('what cannot be repeated traces again: transforms inside', () => {
    const functions: ((x: mx.array) => mx.array)[] = [
      (x) => mx.grad((y: mx.array) => mx.sin(y).mean())(x),
      (x) => mx.vmap((y: mx.array) => y.mean())(x),
      (x) => mx.checkpoint((y: mx.array) => y.mean())(x),
      (x) => mx.compile((y: mx.array) => y.mean())(x),
    ];
    for (const f of functions) {
      const { compiled } = shapeless(f);
      for (const n of [2, 3, 2]) expectClose(compiled(input(n)), f(input(n)), 1e-4);
    }
  });

  test('an operation that refuses the new shape gives its own error', () => {
    const { compiled } = shapeless((x: mx.array) => mx.matmul(x, mx.ones([4, 2])));
    compiled(input(3));
    expect(() => compiled(input(3, 5))).toThrow(/^\[matmul\]/);
    expectClose(compiled(input(2)), mx.matmul(input(2), mx.ones([4, 2])));
  });

  test('dtypes, structure and constants still tell calls apart', () => {
    const { counter, compiled } = shapeless((x: mx.array, n: number) => x.multiply(n).sum());
    expectClose(compiled(mx.array([1, 2]), 2), 6);
    expectClose(compiled(mx.array([1, 2]), 3), 9);
    expectClose(compiled(mx.array([1, 2, 3], mx.int32), 3), 18);
    expect(counter.calls).toBe(3);
  });

  test('writing into arguments, options by name, lists and results that are arguments are repeated', () => {
    const {
      counter,
      compiled,
      plain: f,
    } = shapeless((x: mx.array) => {
      const parts = mx.stack([x, x.multiply(2)], { axis: 1 });
      const sum = mx.sum(mx.matmul(x.T, x).add(parts.sum()), { axis: [0, 1], keepdims: true });
      return [sum, x.astype(mx.float16), mx.concatenate([x, mx.zeros([1, 4])])];
    });
    for (const n of [2, 3]) expectClose(compiled(input(n)), f(input(n)));
    expect(counter.calls).toBe(1);
    const written = shapeless((x: mx.array) => {
      x.indexPut_(0, 5);
      return x.sum();
    });
    for (const n of [2, 3]) expectClose(written.compiled(mx.ones([n])), n + 4);
  });

  test('captured state and random draws', () => {
    const state = { total: mx.array(0) };
    const { counter, compiled } = shapeless(
      (x: mx.array) => {
        state.total = state.total.add(x.sum());
        return mx.random.uniform(0, 1, [2]).add(x.mean());
      },
      { inputs: state, outputs: state },
    );
    mx.random.seed(1);
    const draws = [mx.random.uniform(0, 1, [2]), mx.random.uniform(0, 1, [2])].map(plain) as number[][];
    mx.random.seed(1);
    expectClose(
      compiled(mx.array([1, 1])),
      draws[0].map((v) => v + 1),
    );
    expectClose(
      compiled(mx.array([1, 1, 1])),
      draws[1].map((v) => v + 1),
    );
    expectClose(state.total, 5);
    expect(counter.calls).toBe(1);
  });

  test('captured arrays are those of the trace', () => {
    let w = mx.array([1, 2, 3, 4]);
    const { counter, compiled } = shapeless((x: mx.array) => x.multiply(w));
    expectClose(compiled(mx.ones([1, 4])), [[1, 2, 3, 4]]);
    w = mx.zeros([4]);
    expectClose(compiled(mx.ones([2, 4])), [
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ]);
    expect(counter.calls).toBe(1);
  });

  test('inside transforms', () => {
    const f = (x: mx.array) => mx.tanh(x.subtract(x.mean())).square().mean();
    const { compiled } = shapeless(f);
    for (const n of [2, 3, 4]) expectClose(mx.grad(compiled)(input(n)), mx.grad(f)(input(n)), 1e-4);
  });
});
