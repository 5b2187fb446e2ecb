/** Programs on a GPU, alone and together with the CPU. Needs one: `npm run test:gpu` has an emulated one. */

import * as mx from '../../lib';
import { nodeOf } from '../../lib/array';
import { addon } from '../../lib/runtime/binding';

const describeGpu = mx.metal.isAvailable() ? describe : describe.skip;

const x = () => mx.array(Float32Array.from({ length: 300 }, (_, i) => Math.sin(i))).reshape([20, 15]);
/** The value of `f` with another default device. */
function on(device: mx.Device, f: () => mx.array): number[] {
  using _scope = mx.stream(device);
  return f().flatten().tolist() as number[];
}

function expectNear(actual: readonly number[], expected: readonly number[], tolerance = 1e-5): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => {
    expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(expected[i])));
  });
}

const bufferCount = (): number => {
  addon().collect();
  return addon().memory()[3];
};

describeGpu('a GPU', () => {
  let scope: Disposable;
  beforeEach(() => {
    scope = mx.stream(mx.gpu);
  });
  afterEach(() => scope[Symbol.dispose]());

  test('says what it is', () => {
    expect(mx.defaultDevice()).toBe(mx.gpu);
    expect(String(mx.defaultStream())).toMatch(/^Stream\(Device\(gpu, 0\), \d+\)$/);
    expect(Object.keys(mx.metal.deviceInfo()).length).toBeGreaterThan(0);
  });

  test('computes what the CPU computes', () => {
    const f = () => mx.softmax(mx.tanh(x()).matmul(x().T).add(mx.arange(20)), -1).sum(0);
    expectNear(on(mx.gpu, f), on(mx.cpu, f));
  });

  test('shares its programs with the CPU, on the same memory', () => {
    const whole = () => mx.exp(mx.sin(x()).add(1)).sum(1);
    const mixed = () => mx.exp(mx.sin(x()).add(1, mx.cpu)).sum(1, { stream: mx.cpu });
    expectNear(on(mx.gpu, mixed), on(mx.cpu, whole));
  });

  test('hands arrays to the CPU and back without a copy', () => {
    const a = mx.exp(x());
    mx.eval(a);
    const buffers = bufferCount();
    const bytes = mx.getActiveMemory();
    const b = a.add(1, mx.cpu);
    mx.eval(b);
    const c = b.multiply(2);
    mx.eval(c);
    // Two results, and nothing else.
    expect(bufferCount() - buffers).toBe(2);
    expect(mx.getActiveMemory() - bytes).toBeLessThanOrEqual(2 * 2048);
    expect(c.index(1, 2).item()).toBeCloseTo(2 * (Math.exp(Math.sin(17)) + 1), 4);
  });

  test('orders steps of both devices one after the other', () => {
    let y = x();
    for (let i = 0; i < 12; i++) y = i % 3 === 0 ? y.multiply(0.9, mx.cpu) : mx.cos(y);
    const expected = on(mx.cpu, () => {
      let z = x();
      for (let i = 0; i < 12; i++) z = i % 3 === 0 ? z.multiply(0.9) : mx.cos(z);
      return z;
    });
    expectNear(y.flatten().tolist() as number[], expected);
  });

  test('gives its own memory as a TypedArray', () => {
    const y = mx.exp(x());
    const elements = y.toTypedArray();
    const buffers = bufferCount();
    expect(elements[0]).toBe(1);
    (elements as Float32Array)[0] = 42;
    expect(y.index(0, 0).item()).toBe(42);
    expect(y.add(1).index(0, 0).item()).toBe(43);
    y.toTypedArray();
    expect(bufferCount()).toBeLessThanOrEqual(buffers + 2);
    const transposed = y.T;
    expect([...transposed.toTypedArray().subarray(0, 2)]).toEqual([42, elements[15]]);
  });

  test('evaluates while JavaScript goes on', async () => {
    const a = mx.exp(x());
    const b = a.add(1, mx.cpu).multiply(2);
    await mx.asyncEval(a, b);
    expect(b.index(0, 0).item()).toBe(4);
  });

  test('gives the random bits that the CPU gives', () => {
    const f = () => mx.random.bits([100], 4, mx.random.key(5));
    expect(on(mx.gpu, f)).toEqual(on(mx.cpu, f));
  });

  test('differentiates, maps and compiles across devices', () => {
    const f = (a: mx.array) => mx.square(mx.sin(a).multiply(3, mx.cpu)).sum();
    const plain = (a: mx.array) => mx.square(mx.sin(a).multiply(3)).sum();
    const expected = on(mx.cpu, () => mx.grad(plain)(x()));
    expectNear(mx.grad(f)(x()).flatten().tolist() as number[], expected, 1e-4);
    expectNear(mx.compile(mx.grad(f))(x()).flatten().tolist() as number[], expected, 1e-4);
    expectNear((mx.vmap(mx.grad(f))(x()) as mx.array).flatten().tolist() as number[], expected, 1e-4);
    expectNear(mx.grad(mx.checkpoint(f))(x()).flatten().tolist() as number[], expected, 1e-4);
    const derivative = mx.grad((a: mx.array) => mx.sin(a, mx.cpu).sum())(x());
    expect(nodeOf(derivative).inputs.length).toBeGreaterThan(0);
  });

  test('refuses float64 when it is asked for it, and holds it', () => {
    const y = mx.array([1.5, 2.5], mx.float64);
    expect(() => y.add(1)).toThrow('[add] float64 is not supported on the GPU: use stream: mx.cpu or astype(float32)');
    expect(() => mx.exp(y, mx.gpu)).toThrow('[exp] float64 is not supported on the GPU');
    expect(y.add(1, mx.cpu).tolist()).toEqual([2.5, 3.5]);
    expect(y.reshape(2, 1).T.tolist()).toEqual([[1.5, 2.5]]);
    expect(mx.flip(y).toTypedArray()).toEqual(new Float64Array([2.5, 1.5]));
    expect(y.astype(mx.float32).add(1).tolist()).toEqual([2.5, 3.5]);
    expect(String(y)).toBe('array([1.5, 2.5], dtype=float64)');
  });

  test('has streams, which run in order', () => {
    const [first, second] = [mx.newStream(mx.gpu), mx.newStream(mx.cpu)];
    const y = mx.add(x(), 1, first);
    const z = y.multiply(2, { stream: second });
    mx.synchronize(first);
    expect(z.index(0, 0).item()).toBe(2);
    expect(() => mx.newStream(new mx.Device('gpu', 1))).toThrow('[newStream] there is no Device(gpu, 1): one GPU device is present');
  });

  test('runs 2,000 steps of a plain loop on as many buffers as 200', () => {
    const data = x();
    const step = mx.valueAndGrad((w: mx.array) => mx.square(mx.tanh(data.matmul(w)).sum(1)).mean());
    let w = mx.random.normal([15, 4], mx.float32, 0, 1, mx.random.key(1));
    let most = 0;
    let early = 0;
    for (let i = 0; i < 2000; i++) {
      const [, gradient] = step(w);
      w = w.subtract(gradient.multiply(1e-3));
      mx.eval(w);
      if (i % 100 === 99) {
        most = Math.max(most, bufferCount());
        if (i === 199) early = most;
      }
    }
    // Those that nobody reaches wait for a collection: that is due at 4096.
    expect(most).toBeLessThanOrEqual(Math.max(early, 4200));
    expect(mx.isfinite(w).all().item()).toBe(true);
  }, 120_000);
});
