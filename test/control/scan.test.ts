/** `scan`: the same as a loop, in values, derivatives and random draws. */

import * as mx from '../../lib';
import { planCounters } from '../../lib/runtime/evaluate';
import { made } from '../support/default';
import { expectClose, plain } from '../transforms/support';

type array = mx.array;
type Step = (carry: array, x: array) => readonly [array, array];

const data = (shape: number[], seed: number): array => made(() => mx.random.normal(shape, mx.float32, 0, 1, mx.random.key(seed)));

/** What `scan` is defined as. */
function loop(f: Step, init: array, xs: array, reverse = false): [array, array] {
  const rows = [...xs];
  if (reverse) rows.reverse();
  let carry = init;
  const ys: array[] = [];
  for (const row of rows) {
    const [next, y] = f(carry, row);
    carry = next;
    ys.push(y);
  }
  return [carry, mx.stack(reverse ? ys.reverse() : ys, 0)];
}

const cell =
  (w: array): Step =>
  (h, x) => {
    const next = mx.tanh(h.matmul(w).add(x));
    return [next, next.multiply(x).sum()];
  };

describe('scan', () => {
  const w = data([3, 3], 1);
  const h = data([3], 2);

  test.each([0, 1, 2, 7, 33, 70])('of %d steps is the loop', (length) => {
    const xs = data([length, 3], 3);
    for (const reverse of [false, true]) {
      const actual = mx.scan(cell(w), h, xs, { reverse });
      if (length > 0) expectClose(actual, loop(cell(w), h, xs, reverse), 1e-5);
      else {
        expectClose(actual[0], h);
        expect(actual[1].shape).toEqual([0]);
      }
    }
  });

  test('carries, rows and results are trees; other leaves stay', () => {
    const [carry, ys] = mx.scan(
      (c: { sum: array; count: array }, [x, { y }]: [array, { y: array }]) => [
        { sum: c.sum.add(x.multiply(y)), count: c.count.add(1) },
        { double: x.multiply(2), list: [y, null], name: 'row' },
      ],
      { sum: 0, count: mx.array(0, mx.int32) },
      [mx.array([1, 2, 3]), { y: mx.array([4, 5, 6]) }],
    );
    expect(plain(carry)).toEqual({ sum: 32, count: 3 });
    expect(plain(ys)).toEqual({ double: [2, 4, 6], list: [[4, 5, 6], null], name: 'row' });
  });

  test('without inputs takes as many steps as it is told', () => {
    const [last, powers] = mx.scan((x) => [x.multiply(2), x], mx.array(1), null, { length: 5 });
    expect([last.item(), powers.tolist()]).toEqual([32, [1, 2, 4, 8, 16]]);
    const [nothing, rows] = mx.scan((_, x) => [null, x.square()], null, mx.array([1, 2, 3]));
    expect([nothing, rows.tolist()]).toEqual([null, [1, 4, 9]]);
    expect(mx.scan((c, x) => [c.add(x), 7], 0, mx.array([1, 2]), 2, true)[1].tolist()).toEqual([7, 7]);
  });

  test('keeps the dtype and the layout of anything', () => {
    const xs = mx.arange(12, mx.int32).reshape(3, 4).T;
    const [total, rows] = mx.scan(
      (c, x) => [c.add(x), x.index(mx.Slice(null, null, -1))],
      mx.zeros([3], mx.int32),
      xs.index(mx.Slice(null, null, -2)),
    );
    expect(total.dtype).toBe(mx.int32);
    expect(total.tolist()).toEqual([4, 12, 20]);
    expect(rows.tolist()).toEqual([
      [11, 7, 3],
      [9, 5, 1],
    ]);
  });

  test('gradients are those of the loop, of the carry, the inputs, and what the body captured', () => {
    const xs = data([9, 3], 4);
    const of = (run: (f: Step, init: array, xs: array) => [array, array]) => (h: array, xs: array, w: array) => {
      const [last, ys] = run(cell(w), h, xs);
      return last.sum().add(ys.square().sum());
    };
    const scanned = of((f, init, rows) => mx.scan(f, init, rows) as [array, array]);
    const looped = of(loop);
    expectClose(mx.grad(scanned, [0, 1, 2])(h, xs, w), mx.grad(looped, [0, 1, 2])(h, xs, w), 1e-4);
    const twice = (f: typeof scanned) => mx.grad((w: array) => mx.grad(f, 2)(h, xs, w).square().sum())(w);
    expectClose(twice(scanned), twice(looped), 1e-3);
    const tangents = [data([3], 5), data([9, 3], 6), data([3, 3], 7)];
    expectClose(
      mx.jvp(scanned, [h, xs, w], tangents as [array, array, array]),
      mx.jvp(looped, [h, xs, w], tangents as [array, array, array]),
      1e-4,
    );
    const lanes = mx.stack([w, w.multiply(0.5)]);
    const mapped = (f: typeof scanned) => mx.vmap(mx.valueAndGrad(f, [0, 2]), [null, null, 0])(h, xs, lanes);
    expectClose(mapped(scanned), mapped(looped), 1e-4);
    const hessian = (f: typeof scanned) => mx.hessian((h: array) => f(h, xs, w))(h);
    expectClose(hessian(scanned), hessian(looped), 1e-3);
  });

  test('a scan in a scan, compiled, checkpointed, and all of it differentiated', () => {
    const xs = data([4, 5, 3], 8);
    const inner = mx.checkpoint((c: array, rows: array, w: array) => mx.scan(cell(w), c, rows));
    const f = (w: array) => mx.scan((c: array, rows: array) => inner(c, rows, w), h, xs)[1].sum();
    const g = (w: array) => {
      let c = h;
      let total = mx.array(0);
      for (const rows of xs) {
        const [next, ys] = loop(cell(w), c, rows);
        c = next;
        total = total.add(ys.sum());
      }
      return total;
    };
    expectClose(mx.grad(f)(w), mx.grad(g)(w), 1e-4);
    expectClose(mx.compile(mx.valueAndGrad(f))(w), mx.valueAndGrad(g)(w), 1e-4);
    const lanes = mx.stack([w, w.multiply(0.3)]);
    expectClose(mx.vmap(mx.grad(f))(lanes), mx.vmap(mx.grad(g))(lanes), 1e-4);
  });

  test('draws without a key go on from step to step, as in the loop', () => {
    const f: Step = (c, x) => {
      const noise = mx.random.normal([2]);
      return [c.add(noise).add(x), noise];
    };
    const xs = data([5, 2], 9);
    mx.random.seed(3);
    const expected = plain([loop(f, mx.zeros([2]), xs), mx.random.uniform(0, 1, [2])]);
    mx.random.seed(3);
    expectClose([mx.scan(f, mx.zeros([2]), xs), mx.random.uniform(0, 1, [2])], expected, 1e-6);
    mx.random.seed(3);
    const compiled = mx.compile((xs: array) => mx.scan(f, mx.zeros([2]), xs));
    expectClose([compiled(xs), mx.random.uniform(0, 1, [2])], expected, 1e-6);
  });

  test('is planned once, also where eager code traces its body again and again', () => {
    const xs = data([20, 3], 10);
    const step = () => mx.eval(mx.valueAndGrad((w: array) => mx.scan(cell(w), h, xs)[1].sum())(w));
    for (let i = 0; i < 3; i++) step();
    const { plans } = planCounters();
    for (let i = 0; i < 3; i++) step();
    expect(planCounters().plans).toBe(plans);
  });
});

describe('wrong calls of scan', () => {
  const xs = mx.zeros([3, 2]);
  const wrong: [string, () => unknown, RegExp][] = [
    [
      'a carry of another shape',
      () => mx.scan((c, x) => [c.add(x), null], 0, xs),
      /^\[scan\] the carry that f returns must be float32 of shape \[\], .* not float32 of shape \[2\]$/,
    ],
    [
      'a carry of another dtype',
      () => mx.scan((c) => [c.astype(mx.int32), null], { a: 0 }.a, xs),
      /^\[scan\] the carry that f returns must be float32 .* not int32/,
    ],
    [
      'a carry of another structure',
      () => mx.scan((c) => [{ b: c.a } as never, null], { a: 0 }, xs),
      /^\[scan\] the carry that f returns has the key b/,
    ],
    ['no pair', () => mx.scan((c) => c as never, 0, xs), /^\[scan\] f must return the list \[carry, y\]/],
    [
      'inputs of different lengths',
      () => mx.scan((c) => [c, null], 0, [xs, mx.zeros([4])]),
      /^\[scan\] all inputs must have as many rows .* xs\[0\] says 3, xs\[1\] has 4/,
    ],
    ['another length', () => mx.scan((c) => [c, null], 0, xs, { length: 4 }), /length says 4, xs has 3/],
    ['no length', () => mx.scan((c) => [c, null], 0, null), /^\[scan\] there are no arrays in xs/],
    ['a negative length', () => mx.scan((c) => [c, null], 0, null, -1), /^\[scan\] length must not be negative/],
    ['a scalar input', () => mx.scan((c) => [c, null], 0, mx.array(1)), /^\[scan\] xs must have an axis/],
    ['no function', () => mx.scan(3 as never, 0, xs), /^\[scan\] f must be a function, not/],
    ['an async function', () => mx.scan((async () => [0, 0]) as never, 0, xs), /^\[scan\] the function must not be async/],
    ['a tracer that is read', () => mx.scan((c) => [c.add(c.item() as number), null], 0, xs), /inside scan has no value while scan traces/],
  ];
  test.each(wrong)('%s', (_name, call, message) => {
    expect(call).toThrow(message);
  });

  test('leave the random state as it was', () => {
    mx.random.seed(1);
    const expected = mx.random.uniform(0, 1, [2]).tolist();
    mx.random.seed(1);
    expect(() =>
      mx.scan(
        () => {
          mx.random.normal([2]);
          throw new Error('inside');
        },
        0,
        xs,
      ),
    ).toThrow('inside');
    expect(mx.random.uniform(0, 1, [2]).tolist()).toEqual(expected);
  });
});
