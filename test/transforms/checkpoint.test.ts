import * as mx from '../../lib';
import { onCpu } from '../support/default';
import { expectClose, plain } from './support';

const x = () => mx.array([0.3, 0.7]);
const f = (a: mx.array) => mx.sin(mx.exp(mx.sin(a)));
const sum = (g: (a: mx.array) => mx.array) => (a: mx.array) => g(a).sum();

describe('checkpoint', () => {
  test('has the same values and gradients, to any order', () => {
    const g = mx.checkpoint(f);
    expectClose(g(x()), f(x()));
    let a = sum(f);
    let b = sum(g);
    for (let order = 0; order < 3; order++) {
      a = sum(mx.grad(a));
      b = sum(mx.grad(b));
      expectClose(b(x()), a(x()), 1e-4);
    }
    expectClose(mx.jvp(g, [x()], [x()]), mx.jvp(f, [x()], [x()]));
    expectClose(mx.hessian(sum(g))(x()), mx.hessian(sum(f))(x()), 1e-4);
    expectClose(mx.jacfwd(g)(x()), mx.jacrev(f)(x()));
    expectClose(mx.vmap(mx.grad(g))(x()), mx.vmap(mx.grad(f))(x()));
    expectClose(mx.grad(sum(mx.vmap(g)))(x()), mx.grad(sum(f))(x()));
  });

  test('of trees, several outputs, integers and other arguments', () => {
    const net = (p: { w: mx.array; b: mx.array }, n: mx.array, scale: number) => ({
      y: [mx.tanh(p.w.multiply(x()).add(p.b)).multiply(scale)],
      n: n.add(1),
      name: 'net',
    });
    const p = { w: mx.array([1, 2]), b: mx.array([3, 4]) };
    const n = mx.array([5], mx.int32);
    const loss = (g: typeof net) => (q: typeof p) => {
      const out = g(q, n, 2);
      expect(out.name).toBe('net');
      return out.y[0].multiply(out.n).sum();
    };
    expectClose(mx.grad(loss(mx.checkpoint(net)))(p), mx.grad(loss(net))(p));
    expect(plain(mx.checkpoint(net)(p, n, 2).n)).toEqual([6]);
  });

  test('tracers that it captures get gradients', () => {
    const g = (checkpoint: boolean) => (w: mx.array) => {
      const layer = (a: mx.array) => mx.sin(a.multiply(w)).add(w.square());
      return (checkpoint ? mx.checkpoint(layer) : layer)(x()).sum();
    };
    const w = mx.array([2, 3]);
    expectClose(mx.grad(g(true))(w), mx.grad(g(false))(w));
    expectClose(mx.grad(sum(mx.grad(g(true))))(w), mx.grad(sum(mx.grad(g(false))))(w), 1e-4);
    const onlyCaptured = (v: mx.array) => mx.checkpoint(() => mx.sin(v).sum())();
    expectClose(mx.grad(onlyCaptured)(x()), mx.cos(x()));
    expectClose(mx.vmap(mx.grad(g(true)))(mx.array([[2, 3]])), [plain(mx.grad(g(false))(w))] as unknown[]);
  });

  test('nested', () => {
    const inner = mx.checkpoint(f);
    const outer = mx.checkpoint((a: mx.array) => inner(inner(a)).multiply(a));
    const expected = (a: mx.array) => f(f(a)).multiply(a);
    expectClose(mx.grad(sum(outer))(x()), mx.grad(sum(expected))(x()));
    expectClose(mx.grad(sum(mx.grad(sum(outer))))(x()), mx.grad(sum(mx.grad(sum(expected))))(x()), 1e-4);
  });

  test('random draws are the same in both computations', () => {
    const dropout = mx.checkpoint((a: mx.array) => mx.where(mx.random.bernoulli(0.5, [100]), a, 0).multiply(a));
    const [value, gradient] = mx.valueAndGrad((a: mx.array) => dropout(a).sum())(mx.array(3));
    expectClose(gradient, ((value.item() as number) / 9) * 6);
  });

  test('the recomputation waits for its cotangent, so peak memory falls to a quarter or less', () => {
    const block = (a: mx.array, up: mx.array, down: mx.array) => mx.matmul(mx.sin(mx.matmul(a, up)), down).add(a);
    const layer = (a: mx.array, up: mx.array, down: mx.array) => block(block(a, up, down), up, down);
    const run = (g: typeof layer): number => {
      const a = mx.ones([256, 64]);
      const up = mx.full([64, 256], 1 / 64);
      const down = mx.full([256, 64], 1 / 256);
      mx.eval(a, up, down);
      const loss = (v: mx.array) => {
        let y = v;
        for (let i = 0; i < 64; i++) y = g(y, up, down);
        return y.sum();
      };
      mx.eval(mx.grad(loss)(a));
      mx.resetPeakMemory();
      const before = mx.getActiveMemory();
      mx.eval(mx.grad(loss)(a));
      return mx.getPeakMemory() - before;
    };
    // Thousands of products, whose plan is about memory and not about a device.
    const [plainPeak, checkpointPeak] = onCpu(() => [run(layer), run(mx.checkpoint(layer))]);
    expect(checkpointPeak / plainPeak).toBeLessThanOrEqual(0.25);
  });
});
