import * as mx from '../../lib';
import { errorOf, expectClose, plain } from './support';

const x = () => mx.array([1, 2, 3]);
const sum = (f: (a: mx.array) => mx.array) => (a: mx.array) => f(a).sum();

describe('customFunction', () => {
  test('without rules is the function itself', () => {
    const f = mx.customFunction((a: mx.array) => a.square());
    expectClose(f(x()), [1, 4, 9]);
    expectClose(mx.grad(sum(f))(x()), [2, 4, 6]);
    expectClose(mx.vmap(f)(x()), [1, 4, 9]);
  });

  test('a vjp rule replaces the gradient; one argument and one output are passed bare', () => {
    const seen: unknown[] = [];
    const f = mx
      .customFunction((a: mx.array) => a.square())
      .vjp((primal, cotangent, output) => {
        seen.push(plain([primal, cotangent, output]));
        return cotangent.multiply(10);
      });
    expectClose(f(x()), [1, 4, 9]);
    expectClose(
      mx.grad((a: mx.array) =>
        f(a)
          .multiply(mx.array([1, 2, 3]))
          .sum(),
      )(x()),
      [10, 20, 30],
    );
    expectClose(seen[0], [
      [1, 2, 3],
      [1, 2, 3],
      [1, 4, 9],
    ]);
  });

  test('several arguments and outputs are passed as lists', () => {
    const f = mx
      .customFunction((a: mx.array, b: mx.array): [mx.array, mx.array] => [a.multiply(b), a.add(b)])
      .vjp(([a, b], [product, total], [p, t]) => {
        expectClose([a, b, p, t], [2, 5, 10, 7]);
        return [product.multiply(100).add(total), product.multiply(200).add(total)];
      });
    const loss = (a: mx.array, b: mx.array) => {
      const [p, t] = f(a, b);
      return p.add(t.multiply(3));
    };
    expectClose(mx.grad(loss, [0, 1])(mx.array(2), mx.array(5)), [103, 203]);
  });

  test('a rule may return a single result bare or as a list', () => {
    for (const rule of [(_: mx.array, ct: mx.array) => ct.multiply(7), (_: mx.array, ct: mx.array) => [ct.multiply(7)] as [mx.array]]) {
      const f = mx.customFunction((a: mx.array) => a.square()).vjp(rule);
      expectClose(mx.grad(sum(f))(x()), [7, 7, 7]);
    }
    for (const rule of [(_: mx.array, t: mx.array) => t.multiply(7), (_: mx.array, t: mx.array) => [t.multiply(7)] as [mx.array]]) {
      const f = mx.customFunction((a: mx.array) => a.square()).jvp(rule);
      expectClose(mx.jvp(f, [x()], [x()])[1], [[7, 14, 21]]);
    }
  });

  test('tree arguments: the gradient is a tree, and a list argument may be returned bare', () => {
    const f = mx
      .customFunction((p: { w: mx.array; b: mx.array }) => p.w.multiply(p.b))
      .vjp((p, ct) => ({ w: ct.multiply(p.b).multiply(2), b: ct.multiply(p.w).multiply(3) }));
    expectClose(mx.grad((p: { w: mx.array; b: mx.array }) => f(p))({ w: mx.array(5), b: mx.array(7) }), { w: 14, b: 15 });
    const list = mx
      .customFunction(([a, b]: [mx.array, mx.array]) => a.multiply(b))
      .vjp(([a, b], ct) => [ct.multiply(b), ct.multiply(a)] as never);
    expectClose(mx.grad((p: [mx.array, mx.array]) => list(p))([mx.array(5), mx.array(7)]), [7, 5]);
    const deep = mx
      .customFunction(([a, b]: [mx.array, mx.array]) => a.multiply(b))
      .vjp(([a, b], ct) => [[ct.multiply(b), ct.multiply(a)]] as never);
    expectClose(mx.grad((p: [mx.array, mx.array]) => deep(p))([mx.array(5), mx.array(7)]), [7, 5]);
  });

  test('with only a vjp rule, forward mode differentiates the function', () => {
    const f = mx.customFunction((a: mx.array) => a.square()).vjp((_, ct) => ct.multiply(10));
    expectClose(mx.jvp(f, [x()], [x()])[1], [[2, 8, 18]]);
    expectClose(mx.jacfwd(f)(mx.array([1, 2])), [
      [2, 0],
      [0, 4],
    ]);
    expectClose(mx.jacrev(f)(mx.array([1, 2])), [
      [10, 0],
      [0, 10],
    ]);
  });

  test('with only a jvp rule, reverse mode transposes it', () => {
    const f = mx.customFunction((a: mx.array) => a.square()).jvp((a, t) => t.multiply(a).multiply(5));
    expectClose(mx.jvp(f, [x()], [x()])[1], [[5, 20, 45]]);
    expectClose(mx.grad(sum(f))(x()), [5, 10, 15]);
    expectClose(mx.grad(sum(mx.grad(sum(f))))(x()), [5, 5, 5]);
  });

  test('with both, each mode uses its own', () => {
    const f = mx
      .customFunction((a: mx.array) => a.square())
      .vjp((_, ct) => ct.multiply(10))
      .jvp((_, t) => t.multiply(20));
    expectClose(mx.jvp(f, [x()], [x()])[1], [[20, 40, 60]]);
    expectClose(mx.grad(sum(f))(x()), [10, 10, 10]);
  });

  test.each<[string, (a: mx.array, t: mx.array) => mx.array]>([
    ['multiplies them with one another (multiply)', (_, t) => t.multiply(t)],
    ['applies a nonlinear function to them (sin)', (_, t) => mx.sin(t)],
    ['adds a constant to them (add)', (_, t) => t.add(1)],
    ['divides by them (divide)', (a, t) => a.divide(t)],
    ['adds a constant to them (where)', (a, t) => mx.where(a.greater(1), t, a)],
    ['returns a constant', (a) => a],
  ])('a jvp rule alone must be linear: one that %s is an error', (why, rule) => {
    const f = mx.customFunction((a: mx.array) => a.square()).jvp(rule);
    const error = errorOf(() => mx.grad(sum(f))(x()));
    expect(error.message).toContain('[customFunction] the jvp rule must be linear in its tangents, but ');
    expect(error.message).toContain(why);
  });

  test('linear rules in every shape transpose', () => {
    const rules: ((a: mx.array, t: mx.array) => mx.array)[] = [
      (a, t) => mx.where(a.greater(1), t.multiply(2), 0),
      (_, t) => mx.concatenate([t.index(mx.Slice(1)), mx.zeros([1])]),
      (_, t) => t.add(t.multiply(3)).subtract(t),
      (_, t) => t.multiply(0),
      (_, t) => mx.zerosLike(t),
    ];
    for (const rule of rules) {
      const f = mx.customFunction((a: mx.array) => a.square()).jvp(rule);
      const t = mx.array([1, -1, 2]);
      const ct = mx.array([3, 1, 2]);
      const forward = mx.jvp(f, [x()], [t])[1][0].multiply(ct).sum();
      const reverse = mx.vjp(f, [x()], [ct])[1][0].multiply(t).sum();
      expectClose(forward, reverse);
    }
  });

  test('without a vmap rule the function and each rule are batched, and grad of vmap uses the custom rule', () => {
    const f = mx
      .customFunction((a: mx.array, b: mx.array) => a.multiply(b).sum())
      .vjp(([a, b], ct) => [ct.multiply(b).multiply(10), ct.multiply(a).multiply(20)]);
    const as = mx.array([
      [1, 2],
      [3, 4],
    ]);
    const b = mx.array([5, 6]);
    expectClose(mx.vmap(f, [0, null])(as, b), [17, 39]);
    const both = mx.grad((p: mx.array, q: mx.array) => mx.vmap(f, [0, null])(p, q).sum(), [0, 1])(as, b);
    expectClose(both, [
      [
        [50, 60],
        [50, 60],
      ],
      [80, 120],
    ]);
    expectClose(mx.vmap(mx.grad(f), [0, null])(as, b), both[0]);
    const g = mx.customFunction((a: mx.array) => a.square()).jvp((_, t) => t.multiply(9));
    expectClose(mx.grad((p: mx.array) => mx.vmap(mx.vmap(g))(p).sum())(as), [
      [9, 9],
      [9, 9],
    ]);
    expectClose(mx.jvp(mx.vmap(g), [as], [as])[1][0], as.multiply(9));
  });

  test('a vmap rule gets batched inputs with their axes', () => {
    const seen: unknown[] = [];
    const f = mx
      .customFunction((a: mx.array, b: mx.array) => a.add(b))
      .vmap(([a, b], axes) => {
        seen.push(a.shape, b.shape, axes);
        return [a.add(b).multiply(100).T, 1];
      });
    expectClose(mx.vmap(f, [1, null])(mx.array([[1, 2, 3]]), mx.array([10])), [[1100], [1200], [1300]]);
    expect(seen).toEqual([[3, 1], [1], [0, null]]);
    const single = mx
      .customFunction((a: mx.array) => a.sum())
      .vmap((a, axis) => {
        expect(axis).toBe(0);
        return [a.sum(1).multiply(2), 0];
      });
    expectClose(mx.vmap(single)(mx.ones([2, 3])), [6, 6]);
    expectClose(mx.grad((a: mx.array) => mx.vmap(single)(a).sum())(mx.ones([1, 3])), [[2, 2, 2]]);
    const shared = mx.customFunction((a: mx.array) => a.sum()).vmap(() => [mx.array(5), null]);
    expectClose(mx.vmap(shared)(mx.ones([2, 3])), [5, 5]);
  });

  test('captured tracers get no gradient through a custom rule and the normal one without', () => {
    const through = (rule: boolean) => (w: mx.array) => {
      const f = mx.customFunction((a: mx.array) => a.multiply(w));
      if (rule) f.vjp((_, ct) => ct);
      return f(mx.array([3, 4])).sum();
    };
    const w = mx.array([1, 2]);
    expectClose(mx.grad(through(true))(w), [0, 0]);
    expectClose(mx.grad(through(false))(w), [3, 4]);
    expectClose(mx.jvp(through(true), [w], [mx.array([1, 0])])[1], [3]);
    const withJvp = (v: mx.array) =>
      mx
        .customFunction((a: mx.array) => a.multiply(v))
        .jvp((_, t) => t)(mx.array([3, 4]))
        .sum();
    expectClose(mx.grad(withJvp)(w), [0, 0]);
    const withVmap = (v: mx.array) =>
      mx
        .customFunction((a: mx.array) => a.multiply(v))
        .vmap((a, axis) => [a.multiply(v), axis])(mx.array([3, 4]))
        .sum();
    expectClose(mx.grad(withVmap)(w), [3, 4]);
    expectClose(
      mx.vmap((v: mx.array) => mx.customFunction((a: mx.array) => a.multiply(v)).vjp((_, ct) => ct)(mx.array([3, 4])))(mx.array([1, 2])),
      [
        [3, 4],
        [6, 8],
      ],
    );
  });

  test('integer arguments have no gradient, null is a zero gradient', () => {
    const f = mx
      .customFunction((a: mx.array, n: mx.array) => a.multiply(n))
      .vjp(([, n], ct) => [ct.multiply(n), null as unknown as number]);
    expectClose(mx.grad((a: mx.array) => f(a, mx.array(3, mx.int32)).sum())(x()), [3, 3, 3]);
    const g = mx.customFunction((a: mx.array, b: mx.array) => a.multiply(b)).vjp((_, ct) => [ct, null as unknown as number]);
    expectClose(mx.grad((a: mx.array) => g(a, a).sum())(x()), [1, 1, 1]);
  });

  test.each<[unknown, RegExp]>([
    [[mx.array(1)], /^\[customFunction\] there must be one vjp rule's gradient for each argument: 2, not 1$/],
    [[mx.array(1), mx.array(2), mx.array(3)], /^\[customFunction\] there must be one vjp rule's gradient for each argument: 2, not 3$/],
    [mx.array(1), /^\[customFunction\] vjp rule's gradients must be a list, one for each argument, not an array$/],
    [[mx.array([1]), mx.array(1)], /^\[customFunction\] the vjp rule's gradient for argument 0 must have shape \[\], not \[1\]$/],
    [
      [mx.array(1), mx.array(1, mx.float16)],
      /^\[customFunction\] the vjp rule's gradient for argument 1 must have dtype float32, not float16$/,
    ],
    [['a', mx.array(1)], /^\[customFunction\] the vjp rule's gradient for argument 0 must be an array, not "a"$/],
    [undefined, /^\[customFunction\] vjp rule's gradients must be a list, one for each argument, not undefined$/],
  ])('a vjp rule that returns the wrong number, shape or dtype is an error', (result, message) => {
    const f = mx.customFunction((a: mx.array, b: mx.array) => a.multiply(b)).vjp(() => result as [mx.array, mx.array]);
    expect(errorOf(() => mx.grad(f)(mx.array(1), mx.array(2))).message).toMatch(message);
  });

  test.each<[unknown, RegExp]>([
    [[mx.array(1), mx.array(2)], /^\[customFunction\] there must be one jvp rule's tangent for each output: 1, not 2$/],
    [mx.array([1, 2]), /^\[customFunction\] the jvp rule's tangent for output 0 must have shape \[\], not \[2\]$/],
    [mx.array(1, mx.int32), /^\[customFunction\] the jvp rule's tangent for output 0 must have dtype float32, not int32$/],
  ])('a jvp rule that returns the wrong number, shape or dtype is an error', (result, message) => {
    const f = mx.customFunction((a: mx.array) => a.square()).jvp(() => result as mx.array);
    expect(errorOf(() => mx.jvp(f, [mx.array(1)], [mx.array(2)])).message).toMatch(message);
    const both = mx
      .customFunction((a: mx.array) => a.square())
      .jvp(() => result as mx.array)
      .vjp((_, ct) => ct);
    expect(errorOf(() => mx.jvp(both, [mx.array(1)], [mx.array(2)])).message).toMatch(message);
  });

  test.each<[unknown, RegExp]>([
    [mx.array(1), /^\[customFunction\] the vmap rule must return \[outputs, axes\], but returned an array$/],
    [
      [
        [mx.array([1, 2]), mx.array([1, 2])],
        [0, 0],
      ],
      /^\[customFunction\] the vmap rule must return 1 outputs, not 2$/,
    ],
    [[mx.array([1, 2, 3]), 0], /^\[customFunction\] the vmap rule's output 0 must have shape \[2\], not \[3\]$/],
    [[mx.array([1, 2], mx.int32), 0], /^\[customFunction\] the vmap rule's output 0 must have dtype float32, not int32$/],
    [[mx.array([1, 2]), 1], /^\[customFunction\] the vmap rule's axis 1 is out of range for its output of shape \[2\]$/],
    [[mx.array([1, 2]), null], /^\[customFunction\] the vmap rule's output 0 must have shape \[\], not \[2\]$/],
  ])('a vmap rule that returns the wrong thing is an error', (result, message) => {
    const f = mx.customFunction((a: mx.array) => a.square()).vmap(() => result as [mx.array, number]);
    expect(errorOf(() => mx.vmap(f)(mx.array([1, 2]))).message).toMatch(message);
  });

  test('rules must be functions', () => {
    const f = mx.customFunction((a: mx.array) => a);
    expect(() => f.vjp(3 as never)).toThrow('[customFunction] the vjp rule must be a function, not 3');
  });

  test('rules can be differentiated again', () => {
    const cube = mx.customFunction((a: mx.array) => a.power(3)).vjp((a, ct) => ct.multiply(a.square()).multiply(3));
    expectClose(mx.grad(mx.grad(cube))(mx.array(2)), 12);
    expectClose(mx.grad(mx.grad(mx.grad(cube)))(mx.array(2)), 6);
    expectClose(mx.hessian(sum(cube))(mx.array([1, 2])), [
      [6, 0],
      [0, 12],
    ]);
    expectClose(mx.jvp(mx.grad(sum(cube)), [x()], [x()])[1], [[6, 24, 54]]);
  });
});
