import * as mx from '../../lib';
import { errorOf, expectClose } from './support';

const x = () => mx.array([1, 2]);
type Unary = (a: mx.array) => mx.array;

describe('reading a tracer', () => {
  test('works inside grad and never cuts the gradient', () => {
    const seen: unknown[] = [];
    const f = (a: mx.array) => {
      const b = a.square();
      seen.push(a.tolist(), String(b), b.index(0).item());
      mx.eval(b);
      const c = b.multiply(a).sum();
      seen.push(c.item());
      return c;
    };
    expectClose(mx.grad(f)(x()), [3, 12]);
    expect(seen).toEqual([[1, 2], 'array([1, 4], dtype=float32)', 1, 9]);
    const inner = (a: mx.array) => {
      const gradient = mx.grad(f)(a);
      seen.push(gradient.tolist());
      return gradient.sum();
    };
    expectClose(mx.grad(inner)(x()), [6, 12]);
    expect(seen[seen.length - 1]).toEqual([3, 12]);
  });

  test('works inside jvp, vjp, checkpoint and customFunction too', () => {
    const read: Unary = (a) => (a.index(0).item() === 1 ? a.square() : a);
    expectClose(mx.jvp(read, [x()], [x()])[1], [[2, 8]]);
    expectClose(mx.vjp(read, [x()], [x()])[1], [[2, 8]]);
    expectClose(mx.grad((a: mx.array) => mx.checkpoint(read)(a).sum())(x()), [2, 4]);
    const custom = mx.customFunction(read).vjp((_, cotangent) => cotangent.multiply(10));
    expectClose(mx.grad((a: mx.array) => custom(a).sum())(x()), [10, 10]);
  });

  test('branches on values differentiate the branch taken', () => {
    const f = (a: mx.array) => ((a.sum().item() as number) > 2 ? a.square().sum() : a.sum());
    expectClose(mx.grad(f)(x()), [2, 4]);
    expectClose(mx.grad(f)(mx.array([0, 1])), [1, 1]);
  });

  test.each<[string, (f: Unary) => unknown]>([
    ['vmap', (f) => mx.vmap(f)(x())],
    ['compile', (f) => mx.compile(f)(x())],
    ['vmap', (f) => mx.vmap((a: mx.array) => mx.grad((b: mx.array) => f(b).sum())(a))(x())],
    ['vmap', (f) => mx.grad((a: mx.array) => mx.vmap(f)(a).sum())(x())],
  ])('inside %s is an error that names the line of the user', (transform, run) => {
    for (const read of [
      (a: mx.array) => a.sum().item(),
      (a: mx.array) => a.tolist(),
      (a: mx.array) => String(a),
      (a: mx.array) => a.toTypedArray(),
    ]) {
      const error = errorOf(() =>
        run((a) => {
          read(a.add(1));
          return a;
        }),
      );
      expect(error.code).toBe('METALGRAD_TRACER');
      expect(error.message).toContain(`an array inside ${transform} has no value`);
      expect(error.message).toMatch(/tracers\.test\.ts:\d+:\d+/);
    }
  });
});

describe('after the trace', () => {
  test.each<[string, (f: Unary) => unknown]>([
    ['grad', (f) => mx.grad((a: mx.array) => f(a).sum())(x())],
    ['jvp', (f) => mx.jvp(f, [x()], [x()])],
    ['vjp', (f) => mx.vjp(f, [x()], [x()])],
    ['vmap', (f) => mx.vmap(f)(x())],
    ['compile', (f) => mx.compile(f)(x())],
    ['checkpoint', (f) => mx.grad((a: mx.array) => mx.checkpoint(f)(a).sum())(x())],
  ])('using a tracer of %s is an error', (_, run) => {
    let leaked: mx.array | undefined;
    run((a) => {
      leaked = a;
      return a.add(1);
    });
    for (const use of [() => leaked?.add(1), () => leaked?.tolist(), () => leaked?.shape]) {
      const error = errorOf(use);
      expect(error.code).toBe('METALGRAD_TRACE_ENDED');
      expect(error.message).toContain('the array belongs to a transform that has ended');
    }
  });

  test('what was computed from a tracer of vmap or compile never has a value', () => {
    for (const transform of [mx.vmap, mx.compile] as ((f: Unary) => Unary)[]) {
      let leaked: mx.array | undefined;
      transform((a) => {
        leaked = a.add(1);
        return a;
      })(x());
      expect(errorOf(() => leaked?.tolist()).code).toBe('METALGRAD_TRACE_ENDED');
    }
  });

  test('what was computed from a tracer of grad keeps its value', () => {
    let leaked: mx.array | undefined;
    mx.grad((a: mx.array) => {
      leaked = a.add(1);
      return a.sum();
    })(x());
    expectClose(leaked, [2, 3]);
  });
});

describe('what cannot be traced', () => {
  const transforms: [string, (f: Unary) => unknown][] = [
    ['grad', (f) => mx.grad(f)(x())],
    ['valueAndGrad', (f) => mx.valueAndGrad(f)(x())],
    ['jvp', (f) => mx.jvp(f, [x()], [x()])],
    ['vjp', (f) => mx.vjp(f, [x()], [x()])],
    ['linearize', (f) => mx.linearize(f, [x()])],
    ['vmap', (f) => mx.vmap(f)(x())],
    ['compile', (f) => mx.compile(f)(x())],
    ['checkpoint', (f) => mx.checkpoint(f)(x())],
    ['customFunction', (f) => mx.customFunction(f)(x())],
    ['jacfwd', (f) => mx.jacfwd(f)(x())],
    ['jacrev', (f) => mx.jacrev(f)(x())],
    ['hessian', (f) => mx.hessian(f)(x())],
    ['checkGrads', (f) => mx.checkGrads(f, [x()])],
    ['makeGraph', (f) => mx.makeGraph(f)(x())],
  ];

  test.each(transforms)('an async function in %s is an error', async (name, run) => {
    const f = (async (a: mx.array) => a.sum()) as unknown as Unary;
    const error = errorOf(() => run(f));
    expect(error.message).toBe(`[${name}] the function must not be async: it returned a Promise`);
    expect(error.code).toBe('METALGRAD_TRANSFORM');
    await new Promise((resolve) => setTimeout(resolve, 1));
  });

  test.each(transforms)('%s takes a function', (name, run) => {
    expect(() => run(5 as unknown as Unary)).toThrow(`[${name}] the first argument must be a function, not 5`);
  });

  test('asyncEval inside a trace is an error', async () => {
    let promise: Promise<void> | undefined;
    mx.grad((a: mx.array) => {
      promise = mx.asyncEval(a.add(1));
      return a.sum();
    })(x());
    await expect(promise).rejects.toThrow('[asyncEval] cannot run inside a transformed function');
  });

  test('an exception restores all state', () => {
    const broken = () => {
      throw new Error('mine');
    };
    for (const [, run] of transforms) expect(() => run(broken)).toThrow('mine');
    expect(() =>
      mx.grad((a: mx.array) =>
        mx
          .vmap(mx.compile(broken as unknown as Unary))(a)
          .sum(),
      )(x()),
    ).toThrow('mine');
    // Outside of every trace evaluated arrays drop what they were made from.
    const y = x().add(1);
    mx.eval(y);
    expect(y._node?.inputs).toEqual([]);
    expectClose(mx.grad((a: mx.array) => a.square().sum())(x()), [2, 4]);
  });
});

describe('eval', () => {
  test('evaluates trees, asyncEval gives a promise', async () => {
    const tree = { a: x().add(1), b: [x().multiply(2), 'text'] };
    mx.eval(tree, x().add(3));
    expect(tree.a._node?.storage).not.toBeNull();
    const y = x().add(5);
    await mx.asyncEval([y], 'text');
    expectClose(y, [6, 7]);
  });

  test('disposed arrays are errors', () => {
    const y = x();
    y.dispose();
    expect(errorOf(() => mx.eval([y])).message).toBe('[eval] the array was disposed');
  });
});
