/** Every transform inside and around every other one gives what the plain function gives. */

import * as mx from '../../lib';
import { expectClose } from './support';

type Unary = (x: mx.array) => mx.array;

const base: Unary = (x) =>
  mx
    .sin(x)
    .multiply(mx.exp(x.multiply(0.3)))
    .add(x.square());
const slope = (x: mx.array) =>
  mx
    .cos(x)
    .add(mx.sin(x).multiply(0.3))
    .multiply(mx.exp(x.multiply(0.3)))
    .add(x.multiply(2));

/** Each gives the same function again. */
const wrappers: Record<string, (f: Unary) => Unary> = {
  compile: (f) => mx.compile(f),
  shapeless: (f) => mx.compile(f, true),
  checkpoint: (f) => mx.checkpoint(f),
  custom: (f) => mx.customFunction(f),
  'custom with vjp': (f) => mx.customFunction(f).vjp((x, ct) => mx.vjp(f, [x], [ct])[1][0]),
  'custom with jvp': (f) => mx.customFunction(f).jvp((x, t) => mx.jvp(f, [x], [t])[1][0]),
  'custom with vmap': (f) => mx.customFunction(f).vmap((x, axis) => [mx.vmap(f, axis as number)(x), 0]),
  'vmap of one': (f) => (x) =>
    mx
      .vmap(f)(x.reshape([1, ...x.shape]))
      .index(0),
};

/** Each takes an elementwise function on vectors and gives another, which does not depend on how the function is wrapped. */
const transforms: Record<string, (f: Unary) => Unary> = {
  grad: (f) => mx.grad((x: mx.array) => f(x).sum()),
  valueAndGrad: (f) => (x) => {
    const [value, gradient] = mx.valueAndGrad((y: mx.array) => f(y).sum())(x);
    return gradient.add(value);
  },
  vjp: (f) => (x) => mx.vjp(f, [x], [mx.cos(x)])[1][0],
  jvp: (f) => (x) => mx.jvp(f, [x], [mx.cos(x)])[1][0],
  linearize: (f) => (x) => mx.linearize(f, [x])[1]([mx.cos(x)])[0],
  vmap: (f) => (x) => mx.vmap((v: mx.array) => f(v).multiply(v))(x),
  'vmap of grad': (f) => (x) => mx.vmap(mx.grad((v: mx.array) => f(v).multiply(v)))(x),
  jacfwd: (f) => (x) => mx.jacfwd(f)(x).sum(0),
  jacrev: (f) => (x) => mx.jacrev(f)(x).sum(0),
};

const x = () => mx.array([0.2, -0.5, 1.1]);

describe.each(Object.keys(wrappers))('%s', (outer) => {
  const wrap = wrappers[outer];

  test('leaves value and derivatives as they are', () => {
    expectClose(wrap(base)(x()), base(x()));
    expectClose(mx.grad((v: mx.array) => wrap(base)(v).sum())(x()), slope(x()));
  });

  test.each(Object.keys(transforms))('inside and around %s', (name) => {
    const transform = transforms[name];
    const expected = transform(base)(x());
    expectClose(transform(wrap(base))(x()), expected);
    expectClose(wrap(transform(base))(x()), expected);
    expectClose(wrap(transform(wrap(base)))(x()), expected);
  });

  test.each(Object.keys(wrappers))('inside %s, under two transforms', (inner) => {
    const both = (f: Unary) => wrap(wrappers[inner](f));
    for (const [first, second] of [
      ['grad', 'grad'],
      ['jvp', 'vjp'],
      ['vmap', 'grad'],
      ['vjp', 'vmap of grad'],
      ['jacfwd', 'jacrev'],
    ]) {
      const expected = transforms[second](transforms[first](base))(x());
      expectClose(transforms[second](transforms[first](both(base)))(x()), expected, 1e-4);
      expectClose(transforms[second](both(transforms[first](base)))(x()), expected, 1e-4);
    }
  });

  test('under three derivatives', () => {
    const third = (f: Unary) => transforms.grad(transforms.grad(transforms.grad(f)));
    expectClose(third(wrap(base))(x()), third(base)(x()), 1e-4);
  });
});

describe('compositions', () => {
  test('every pair of transforms equals the elementwise calculus', () => {
    // The transforms whose result is again an elementwise function.
    for (const name of ['grad', 'vjp', 'jvp', 'linearize', 'jacfwd', 'jacrev', 'vmap of grad']) {
      const f = transforms[name](base);
      const slopes = [...x()].map((v) => mx.grad((w: mx.array) => f(w.reshape([1])).sum())(v));
      expectClose(mx.grad((v: mx.array) => f(v).sum())(x()), mx.stack(slopes), 1e-4);
      expectClose(
        mx
          .vmap((v: mx.array) => f(v.reshape([1])))(x())
          .reshape([3]),
        f(x()),
        1e-4,
      );
    }
  });

  test('vmap of vmap of grad', () => {
    const data = mx.random.normal([2, 3, 4], mx.float32, 0, 1, mx.random.key(0));
    const w = mx.random.normal([4], mx.float32, 0, 1, mx.random.key(1));
    const loss = (p: mx.array, v: mx.array) => mx.tanh(p.multiply(v).sum()).square();
    const batched = mx.vmap(mx.vmap(mx.grad(loss), [null, 0]), [null, 0])(w, data);
    const each = mx.stack([...data].map((rows) => mx.stack([...rows].map((row) => mx.grad(loss)(w, row)))));
    expectClose(batched, each);
    expectClose(mx.vmap(mx.vmap(mx.grad(loss), [null, 0]), [null, 1])(w, data.swapaxes(0, 1)), each);
  });

  test('jvp of vjp of vmap', () => {
    const f = mx.vmap((a: mx.array, b: mx.array) => mx.sin(a.multiply(b)).sum(), [0, null]);
    const a = mx.random.normal([3, 4], mx.float32, 0, 1, mx.random.key(2));
    const b = mx.random.normal([4], mx.float32, 0, 1, mx.random.key(3));
    const ct = mx.array([1, -2, 3]);
    const pull = (p: mx.array, q: mx.array) => mx.vjp(f, [p, q], [ct])[1];
    const [outputs, tangents] = mx.jvp(pull, [a, b], [a.multiply(0.1), b]);
    const direct = (p: mx.array, q: mx.array) => mx.sin(p.multiply(q)).sum(1).multiply(ct).sum();
    expectClose(outputs, mx.grad(direct, [0, 1])(a, b));
    const step = 1e-2;
    const at = (s: number) => mx.grad(direct, [0, 1])(a.add(a.multiply(0.1 * s)), b.add(b.multiply(s)));
    const [above, below] = [at(step), at(-step)];
    expectClose(
      tangents,
      above.map((g, i) => g.subtract(below[i]).divide(2 * step)),
      5e-3,
    );
  });

  test('transforms of functions that capture tracers of every level', () => {
    const f = (w: mx.array) =>
      mx
        .vmap((v: mx.array) =>
          mx.grad((u: mx.array) =>
            mx
              .checkpoint((t: mx.array) => mx.sin(t.multiply(v)).multiply(w))(u)
              .sum(),
          )(v),
        )(x())
        .sum();
    const slopeAt = [...x()].map((v) => mx.cos(v.multiply(v)).multiply(v)).reduce((a, b) => a.add(b));
    expectClose(mx.grad(f)(mx.array(2)), slopeAt);
    expectClose(mx.grad(mx.compile(f))(mx.array(2)), slopeAt);
    expectClose(mx.jvp(f, [mx.array(2)], [mx.array(1)])[1], [slopeAt]);
  });

  test('grad nested 6 deep, with a wrapper at every level', () => {
    for (const wrap of [wrappers.compile, wrappers.checkpoint, wrappers['custom with jvp']]) {
      let f: Unary = (v) => mx.sin(v);
      for (let i = 0; i < 6; i++) f = mx.grad(wrap(f));
      expectClose(f(mx.array(0.7)), -Math.sin(0.7), 1e-4);
    }
  });
});
