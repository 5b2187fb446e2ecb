/** Long loops: no stack, no memory beyond what is given back, and no work done twice. */

import * as mx from '../../lib';
import { useCpu } from '../support/default';
import { expectClose } from '../transforms/support';

// Thousands of steps are about the loop that drives a device, and take minutes on an emulated one.
useCpu();

type array = mx.array;
const MB = 2 ** 20;

/** Bytes that evaluating adds at its peak, in megabytes. */
function peak(build: () => unknown): number {
  mx.clearCache();
  const tree = build();
  const before = mx.getActiveMemory();
  mx.resetPeakMemory();
  mx.eval(tree);
  return (mx.getPeakMemory() - before) / MB;
}

const quarter = () => {
  const x = mx.zeros([MB / 4]);
  mx.eval(x);
  return x;
};

test('10,000 steps, forwards and backwards', () => {
  const steps = 10000;
  const f = (x: array, rate: array) => mx.scan((c: array) => [c.add(x.subtract(c).multiply(rate)), c], mx.array(0), null, steps)[1].sum();
  const [value, [gx, gr]] = mx.valueAndGrad(f, [0, 1])(mx.array(2), mx.array(0.001)) as [array, [array, array]];
  // c[t] = x (1 - (1 - r)^t)
  const [x, r] = [2, 0.001];
  const powers = Array.from({ length: steps }, (_, t) => (1 - r) ** t);
  expectClose(value, x * (steps - powers.reduce((a, b) => a + b)), 1e-3);
  expectClose(gx, steps - powers.reduce((a, b) => a + b), 1e-3);
  expectClose(gr, x * powers.reduce((total, _, t) => total + t * (1 - r) ** (t - 1), 0), 2e-3);
  expect(
    mx
      .whileLoop(
        (k) => k.less(steps),
        (k) => k.add(1),
        mx.array(0),
      )
      .item(),
  ).toBe(steps);
});

test('a carry takes the memory of a few of its kind, however many steps there are', () => {
  const x = quarter();
  expect(peak(() => mx.scan((c: array) => [c.multiply(0.5).add(1), c.sum()], x, null, 1000))).toBeLessThan(4);
  expect(
    peak(() =>
      mx.whileLoop(
        ([, k]: [array, array]) => k.less(1000),
        ([c, k]: [array, array]) => [c.multiply(0.5).add(1), k.add(1)],
        [x, mx.array(0)],
      ),
    ),
  ).toBeLessThan(4);
  expect(
    peak(() =>
      mx.scan(
        (c: array) => [
          mx.cond(
            c.sum().less(0),
            (c) => c,
            (c) => c.sin(),
            c,
          ),
          null,
        ],
        x,
        null,
        300,
      ),
    ),
  ).toBeLessThan(5);
});

test('results take their own memory, and as much again while they are put together', () => {
  const x = mx.zeros([MB / 64]);
  mx.eval(x);
  const size = (x.nbytes * 512) / MB;
  expect(peak(() => mx.scan((c: array) => [c.add(1), c.sin()], x, null, 512))).toBeLessThan(2 * size + 2);
});

test('the body of a gradient keeps what it needs, a checkpointed one its carry alone, and forward mode nothing', () => {
  const x = mx.ones([MB / 64]);
  mx.eval(x);
  const row = x.nbytes / MB;
  const steps = 256;
  const body = (c: array): readonly [array, null] => [mx.tanh(mx.exp(mx.sin(mx.exp(mx.sin(c).multiply(0.3))).multiply(0.1))), null];
  const loss = (f: typeof body) => (x: array) => mx.scan(f, x, null, steps)[0].sum();
  const kept = peak(() => mx.grad(loss(body))(x));
  const again = peak(() => mx.grad(loss(mx.checkpoint(body)))(x));
  expect(kept).toBeGreaterThan(3.5 * steps * row);
  expect(again).toBeLessThan(2.2 * steps * row);
  expect(peak(() => mx.jvp(loss(body), [x], [x])[1])).toBeLessThan(10 * row);
  expectClose(
    mx.grad(loss(body))(x).sum(),
    mx
      .grad(loss(mx.checkpoint(body)))(x)
      .sum(),
    1e-4,
  );
});

test('a value and its gradient take the forward steps once', () => {
  let runs = 0;
  const { control } = {
    control: jest.requireActual('../../lib/runtime/stages') as { Stages: { prototype: { run: (...args: unknown[]) => unknown } } },
  };
  const original = control.Stages.prototype.run;
  const x = mx.array([0.1, 0.2]);
  const f = (x: array) => mx.scan((c: array) => [c.sin().multiply(c), c], x, null, 6)[1].sum();
  const count = (g: () => unknown): number => {
    runs = 0;
    control.Stages.prototype.run = function (this: unknown, ...args: unknown[]) {
      runs++;
      return original.apply(this, args);
    };
    try {
      mx.eval(g());
    } finally {
      control.Stages.prototype.run = original;
    }
    return runs;
  };
  expect(count(() => f(x))).toBe(1);
  // The forward steps that store, and the reversed ones.
  expect(count(() => mx.valueAndGrad(f)(x))).toBe(2);
  expect(count(() => mx.jvp(f, [x], [x]))).toBe(1);
  expect(count(() => mx.vmap(mx.valueAndGrad(f))(mx.stack([x, x])))).toBe(2);
});

test('asyncEval runs loops too', async () => {
  const y = mx.scan((c: array) => [c.add(1), c], mx.array(0), null, 100);
  await mx.asyncEval(y);
  expect(y[0].item()).toBe(100);
  const z = mx.whileLoop(
    (x: array) => x.less(50),
    (x: array) => x.add(1),
    mx.array(0),
  );
  await mx.asyncEval(z);
  expect(z.item()).toBe(50);
});
