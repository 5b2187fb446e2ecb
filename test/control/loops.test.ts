/** `whileLoop` and `cond`: what runs, how often, and its derivatives. */

import * as mx from '../../lib';
import { expectClose, plain } from '../transforms/support';
import { codeOf, made } from './support';

type array = mx.array;

describe('whileLoop', () => {
  const collatz = (n: array): array => mx.where(mx.equal(mx.remainder(n, 2), 0), mx.floorDivide(n, 2), n.multiply(3).add(1));

  test('goes on for as long as the condition holds', () => {
    const steps = (n: array): array =>
      mx.whileLoop(
        ([n]: [array, array]) => n.greater(1),
        ([n, k]: [array, array]) => [collatz(n), k.add(1)],
        [n, mx.array(0, mx.int32)],
      )[1];
    expect(steps(mx.array(27, mx.int32)).item()).toBe(111);
    expect(steps(mx.array(1, mx.int32)).item()).toBe(0);
    // Lanes wait for the slowest one, and keep what they have.
    expect(
      mx
        .vmap(steps)(mx.array([1, 2, 27, 6], mx.int32))
        .tolist(),
    ).toEqual([0, 1, 111, 8]);
    expect(mx.compile(steps)(mx.array(97, mx.int32)).item()).toBe(118);
  });

  test('takes trees and numbers, and no more steps than maxSteps', () => {
    const count = (maxSteps?: number): unknown =>
      plain(
        mx.whileLoop(
          (c: { x: array }) => c.x.less(10),
          ({ x }) => ({ x: x.add(1) }),
          { x: 0 },
          { maxSteps: maxSteps as number },
        ),
      );
    expect(count()).toEqual({ x: 10 });
    expect(count(4)).toEqual({ x: 4 });
    expect(count(0)).toEqual({ x: 0 });
    expect(
      mx
        .whileLoop(
          () => true,
          (x) => x.add(1),
          mx.array(0),
          3,
        )
        .item(),
    ).toBe(3);
  });

  test('Newton’s method: derivatives through as many steps as were taken', () => {
    const root = (a: array): array =>
      mx.whileLoop(
        ([x]: [array, array]) => mx.abs(x.square().subtract(a)).greater(1e-4),
        ([x, k]: [array, array]) => [x.add(a.divide(x)).multiply(0.5), k.add(1)],
        [mx.array(3), mx.array(0, mx.int32)],
        { maxSteps: 20 },
      )[0];
    expectClose(root(mx.array(2)), Math.SQRT2, 1e-4);
    expectClose(mx.grad(root)(mx.array(2)), 0.5 / Math.SQRT2, 1e-3);
    expectClose(mx.jvp(root, [mx.array(2)], [mx.array(1)])[1], [0.5 / Math.SQRT2], 1e-3);
    const roots = mx.array([2, 5, 8]);
    expectClose(
      mx.vmap(mx.grad(root))(roots),
      [2, 5, 8].map((a) => 0.5 / Math.sqrt(a)),
      1e-3,
    );
    expectClose(
      mx.grad((a: array) => mx.vmap(root)(a).sum())(roots),
      [2, 5, 8].map((a) => 0.5 / Math.sqrt(a)),
      1e-3,
    );
    expectClose(mx.compile(mx.valueAndGrad(root))(mx.array(2)), [Math.SQRT2, 0.5 / Math.SQRT2], 1e-3);
    const third = (a: array): array => mx.grad(mx.grad(root))(a);
    expectClose(third(mx.array(2)), -0.25 / 2 ** 1.5, 1e-2);
  });

  test('forward mode needs no bound, reverse mode says that it does', () => {
    const f = (x: array): array =>
      mx.whileLoop(
        (x: array) => x.less(10),
        (x: array) => x.multiply(2),
        x,
      );
    expectClose(mx.jvp(f, [mx.array(1.5)], [mx.array(1)]), [[12], [8]]);
    expectClose(mx.jacfwd(f)(mx.array(1.5)), 8);
    expect(() => mx.grad(f)(mx.array(1))).toThrow(/^\[whileLoop\] reverse mode needs a bound on the number of steps: give maxSteps$/);
    expect(codeOf(() => mx.grad(f)(mx.array(1)))).toBe('METALGRAD_TRANSFORM');
    // What does not depend on the loop needs none.
    const steps = (x: array): array =>
      x.multiply(
        mx.whileLoop(
          (k: array) => k.less(5),
          (k: array) => k.add(1),
          mx.array(0),
        ),
      );
    expectClose(mx.grad(steps)(mx.array(1)), 5);
  });

  test('draws go on from step to step, in the condition too', () => {
    const draw = () => mx.random.uniform();
    mx.random.seed(5);
    const expected: number[] = [];
    while ((draw().item() as number) < 0.9 && expected.length < 50) expected.push(draw().item() as number);
    mx.random.seed(5);
    const [total, count] = mx.whileLoop(
      ([, k]: [array, array]) => mx.logicalAnd(draw().less(0.9), k.less(50)),
      ([sum, k]: [array, array]) => [sum.add(draw()), k.add(1)],
      [mx.array(0), mx.array(0, mx.int32)],
    );
    expect(count.item()).toBe(expected.length);
    expectClose(
      total,
      expected.reduce((a, b) => a + b, 0),
      1e-5,
    );
  });

  test.each<[string, () => unknown, RegExp]>([
    [
      'a predicate with axes',
      () =>
        mx.whileLoop(
          (x) => x.less(1),
          (x) => x,
          mx.zeros([2]),
        ),
      /^\[whileLoop\] what cond returns must be a bool without axes, not of shape \[2\]/,
    ],
    [
      'no predicate',
      () => mx.whileLoop((() => 'yes') as never, (x) => x, mx.zeros([2])),
      /^\[whileLoop\] what cond returns must be a bool/,
    ],
    [
      'another shape',
      () =>
        mx.whileLoop(
          () => true,
          (x) => mx.stack([x, x]),
          mx.zeros([2]),
        ),
      /^\[whileLoop\] the carry that body returns must be float32 of shape \[2\], .* \[2, 2\]/,
    ],
    [
      'a bound that is none',
      () =>
        mx.whileLoop(
          () => true,
          (x) => x,
          0,
          { maxSteps: 1.5 },
        ),
      /^\[whileLoop\] maxSteps must be an integer/,
    ],
    [
      'a negative bound',
      () =>
        mx.whileLoop(
          () => true,
          (x) => x,
          0,
          -2,
        ),
      /^\[whileLoop\] maxSteps must not be negative/,
    ],
    [
      'nothing to carry',
      () =>
        mx.whileLoop(
          () => true,
          (x) => x,
          null,
        ),
      /^\[whileLoop\] init must hold at least one array/,
    ],
  ])('%s is an error', (_name, call, message) => {
    expect(call).toThrow(message);
  });
});

describe('cond', () => {
  const yes = (x: array, y: array): array => x.sin().multiply(y);
  const no = (x: array, y: array): array => x.multiply(y).square();
  const [x, y] = [made(() => mx.array([0.3, -1, 2])), made(() => mx.array([1.5, 0.5, -2]))];
  const pick = (p: array, x: array, y: array): array => mx.cond(p, yes, no, x, y);

  test.each([true, false])('computes one function: %s', (p) => {
    const pred = mx.array(p);
    const f = p ? yes : no;
    expectClose(pick(pred, x, y), f(x, y));
    expectClose(mx.cond(p, yes, no, x, y), f(x, y));
    const loss = (g: (x: array, y: array) => array) => (x: array, y: array) => g(x, y).square().sum();
    const chosen = loss((x, y) => pick(pred, x, y));
    expectClose(mx.grad(chosen, [0, 1])(x, y), mx.grad(loss(f), [0, 1])(x, y));
    expectClose(mx.hessian(chosen)(x, y), mx.hessian(loss(f))(x, y), 1e-4);
    expectClose(mx.compile(mx.valueAndGrad(chosen))(x, y), mx.valueAndGrad(loss(f))(x, y));
    expectClose(mx.jvp(chosen, [x, y], [y, x]), mx.jvp(loss(f), [x, y], [y, x]));
  });

  test('with a mapped predicate each example takes its own', () => {
    const preds = mx.array([true, false, true]);
    const each = mx.vmap((p: array, x: array, y: array) => pick(p, x, y));
    expectClose(
      each(preds, x, y),
      [0, 1, 2].map((i) => (i === 1 ? no : yes)(x.index(i), y.index(i)).item()),
    );
    const total = (x: array) => each(preds, x, y).sum();
    expectClose(
      mx.grad(total)(x),
      [0, 1, 2].map((i) =>
        mx
          .grad(i === 1 ? no : yes)(x.index(i), y.index(i))
          .item(),
      ),
    );
    // A shared one still chooses.
    expectClose(mx.vmap(pick, [null, 0, 0])(mx.array(false), x, y), no(x, y));
  });

  test('only the chosen function runs: the other one would never end', () => {
    const forever = (x: array): array =>
      mx.whileLoop(
        () => true,
        (x: array) => x,
        x,
      );
    expectClose(
      mx.cond(mx.array(true), (x) => x.add(1), forever, x),
      x.add(1),
    );
    const f = (x: array): array => mx.cond(x.sum().greater(0), (x) => x.exp(), forever, x);
    expectClose(mx.jvp(f, [x], [y])[1], [x.exp().multiply(y)]);
    // Inside a program too, and at each step of another loop.
    expectClose(mx.compile(f)(x), x.exp());
    expectClose(
      mx.scan((c: array) => [mx.cond(c.sum().greater(-9), (c) => c.multiply(2), forever, c), null], x, null, 3)[0],
      x.multiply(8),
    );
  });

  test('results are trees; captured arrays get gradients; draws move the state', () => {
    const w = mx.array(2);
    const f = (w: array) =>
      mx.cond(
        w.greater(1),
        () => ({ a: w.square(), b: [x] }),
        () => ({ a: w, b: [x.multiply(w)] }),
      ).a;
    expectClose(mx.grad(f)(w), 4);
    mx.random.seed(2);
    const drawn = plain([mx.random.normal([2]), mx.random.normal([2])]);
    mx.random.seed(2);
    expectClose(
      [
        mx.cond(
          mx.array(true),
          () => mx.random.normal([2]),
          () => mx.zeros([2]),
        ),
        mx.random.normal([2]),
      ],
      drawn,
    );
    mx.random.seed(2);
    mx.cond(
      mx.array(false),
      () => mx.random.normal([2]),
      () => mx.zeros([2]),
    );
    expectClose(mx.random.normal([2]), (drawn as unknown[])[0]);
  });

  test.each<[string, () => unknown, RegExp]>([
    [
      'another structure',
      () => mx.cond(true, () => [x, x], (() => [x]) as never),
      /^\[cond\] what onFalse returns must be a list of 2, as what onTrue returns, not of 1/,
    ],
    [
      'another shape',
      () =>
        mx.cond(
          true,
          () => x,
          () => x.sum(),
        ),
      /^\[cond\] what onFalse returns must be float32 of shape \[3\], .* \[\]/,
    ],
    [
      'another dtype',
      () =>
        mx.cond(
          true,
          () => x,
          () => x.astype(mx.int32),
        ),
      /^\[cond\] what onFalse returns must be float32 .* int32/,
    ],
    [
      'a predicate with axes',
      () =>
        mx.cond(
          x.greater(0),
          () => x,
          () => x,
        ),
      /^\[cond\] pred must be a bool without axes/,
    ],
    ['no function', () => mx.cond(true, x as never, () => x), /^\[cond\] onTrue must be a function/],
    ['too few arguments', () => (mx.cond as (...args: unknown[]) => unknown)(true, () => x), /^\[cond\] takes at least 3 arguments, not 2/],
  ])('%s is an error', (_name, call, message) => {
    expect(call).toThrow(message);
  });
});
