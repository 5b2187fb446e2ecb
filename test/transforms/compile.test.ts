import * as mx from '../../lib';
import { errorOf, expectClose, plain } from './support';

const x = () => mx.array([1, 2, 3]);

/** A function that counts its calls, compiled. */
function counted<A extends unknown[], R>(f: (...args: A) => R, options?: boolean | mx.CompileOptions) {
  const counter = { calls: 0 };
  const compiled = mx.compile((...args: A) => {
    counter.calls++;
    return f(...args);
  }, options);
  return { counter, compiled };
}

describe('compile', () => {
  test('traces once for arguments of one kind', () => {
    const { counter, compiled } = counted((a: mx.array, b: mx.array) => mx.exp(a).multiply(b).sum());
    for (const scale of [1, 2, 3]) expectClose(compiled(x().multiply(scale), x()), mx.exp(x().multiply(scale)).multiply(x()).sum());
    expect(counter.calls).toBe(1);
  });

  test('shapes, dtypes, constants and the exact structure tell calls apart', () => {
    const { counter, compiled } = counted((tree: unknown, ..._rest: unknown[]) => {
      const leaves: mx.array[] = [];
      const visit = (t: unknown): void => {
        if (t instanceof mx.array) leaves.push(t as mx.array);
        else if (typeof t === 'object' && t !== null) Object.values(t).forEach(visit);
      };
      visit(tree);
      return leaves.map((leaf) => leaf.multiply(2));
    });
    const [a, b] = [mx.array([1]), mx.array([2])];
    const calls: unknown[][] = [
      [[[a], b]],
      [[a, b]],
      [[[a, b]]],
      [{ a, b }],
      [{ b, a }],
      [{ a, c: b }],
      [[a, mx.array([2, 3])]],
      [[a, mx.array([2], mx.int32)]],
      [[a, b], 1],
      [[a, b], 2],
      [[a, b], '1'],
      [[a, b], true],
      [[a, b], null],
      [[a, b], undefined],
      [[a, b], 0],
      [[a, b], -0],
      [[a, b], 1n],
      [[a, b], Symbol.iterator],
      [[a, b], new Date(0)],
      [[a, b], new Float32Array([1])],
      [[a, b], new Float32Array([2])],
      [
        [a, b],
        [1, 2],
      ],
      [[a, b], ['1,2']],
    ];
    calls.forEach((args, i) => {
      compiled(...(args as [unknown]));
      expect(counter.calls).toBe(i + 1);
    });
    for (const args of calls.slice(0, 17)) compiled(...(args as [unknown]));
    expect(counter.calls).toBe(calls.length);
  });

  test('constants are part of the result', () => {
    const { compiled } = counted((a: mx.array, n: number, words: string[]) => ({ y: a.multiply(n), words }));
    expect(plain(compiled(x(), 2, ['a']))).toEqual({ y: [2, 4, 6], words: ['a'] });
    expect(plain(compiled(x(), 3, ['b']))).toEqual({ y: [3, 6, 9], words: ['b'] });
    expect(plain(compiled(x(), 2, ['a']))).toEqual({ y: [2, 4, 6], words: ['a'] });
  });

  test('an argument that is returned, a captured array and a constant result', () => {
    const captured = mx.array([7, 8]);
    const compiled = mx.compile((a: mx.array) => [a, captured, mx.ones([2]), a.add(1), a]);
    for (let i = 0; i < 2; i++) {
      expectClose(compiled(x()), [
        [1, 2, 3],
        [7, 8],
        [1, 1],
        [2, 3, 4],
        [1, 2, 3],
      ]);
    }
    expectClose(mx.compile((a: mx.array) => a)(x()), [1, 2, 3]);
    expectClose(mx.compile(() => mx.arange(3))(), [0, 1, 2]);
  });

  test('captured arrays are constants, computed once', () => {
    let scale = mx.array([2, 2, 2]).add(1);
    const compiled = mx.compile((a: mx.array) => a.multiply(scale));
    expectClose(compiled(x()), [3, 6, 9]);
    scale = mx.array([100, 100, 100]);
    expectClose(compiled(x()), [3, 6, 9]);
  });

  test('mutating an argument inside never reaches the caller', () => {
    const a = x();
    const compiled = mx.compile((v: mx.array) => {
      v.indexPut_(0, 10);
      return v.add(1);
    });
    expectClose(compiled(a), [11, 3, 4]);
    expectClose(compiled(a), [11, 3, 4]);
    expectClose(a, [1, 2, 3]);
  });

  test('a result that is never read holds no memory of the others', () => {
    const compiled = mx.compile((w: mx.array) => [w.add(1), w.sum()]);
    const [next, loss] = compiled(mx.zeros([3]));
    mx.eval(next);
    expect([next, loss].map((a) => [a._node?.storage === null, a._node?.inputs.length, a._node?.notes])).toEqual([
      [false, 0, null],
      [false, 0, null],
    ]);
    expectClose(loss, 0);
  });

  test('the least recently used trace is forgotten first', () => {
    const { counter, compiled } = counted((a: mx.array, n: number) => a.add(n));
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    for (let n = 0; n < 128; n++) compiled(mx.array(0), n);
    compiled(mx.array(0), 0);
    expect(counter.calls).toBe(128);
    compiled(mx.array(0), 128);
    compiled(mx.array(0), 0);
    expect(counter.calls).toBe(129);
    compiled(mx.array(0), 1);
    expect(counter.calls).toBe(130);
    warn.mockRestore();
  });

  test('more than 10 retraces for one constant warn once, naming it', () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const step = mx.compile(function train(a: mx.array, options: { rate: number }) {
      return a.multiply(options.rate);
    });
    for (let i = 0; i <= 10; i++) step(mx.array(1), { rate: i });
    expect(warn).not.toHaveBeenCalled();
    for (let i = 11; i < 30; i++) step(mx.array(1), { rate: i });
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0][0]).toMatch(
      /^\[compile\] the function train was traced more than 10 times because argument 1\.rate changed; it is now 11\./,
    );
    warn.mockRestore();
    const quiet = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const other = mx.compile((a: mx.array, n: number) => a.add(n));
    for (let i = 0; i < 40; i++) other(mx.ones([i + 1]), 1);
    expect(quiet).not.toHaveBeenCalled();
    quiet.mockRestore();
  });

  test('disableCompile and enableCompile', () => {
    const { counter, compiled } = counted((a: mx.array) => a.add(1));
    compiled(x());
    mx.disableCompile();
    try {
      compiled(x());
      compiled(x());
      expect(counter.calls).toBe(3);
      // Values exist when nothing is traced.
      expectClose(mx.compile((a: mx.array) => a.multiply(a.item() as number))(mx.array(3)), 9);
    } finally {
      mx.enableCompile();
    }
    compiled(x());
    expect(counter.calls).toBe(3);
  });

  test('the environment variable METALGRAD_DISABLE_COMPILE', () => {
    process.env.METALGRAD_DISABLE_COMPILE = '1';
    try {
      jest.isolateModules(() => {
        const fresh = require('../../lib') as typeof mx;
        let calls = 0;
        const f = fresh.compile((a: mx.array) => {
          calls++;
          return a;
        });
        f(fresh.array(1));
        f(fresh.array(1));
        expect(calls).toBe(2);
      });
    } finally {
      delete process.env.METALGRAD_DISABLE_COMPILE;
    }
  });

  test.each<[unknown, string]>([
    [3, 'options must be a boolean (shapeless) or an object, not 3'],
    [{ shape: true }, 'there is no option shape: only inputs, outputs and shapeless'],
    [{ inputs: 3 }, 'inputs must be a list or an object that holds arrays, not 3'],
    [{ outputs: x() }, 'outputs must be a list or an object that holds arrays, not an array'],
  ])('wrong options are errors', (options, message) => {
    expect(() => mx.compile((a: mx.array) => a, options as boolean)).toThrow(`[compile] ${message}`);
  });
});

describe('captured state', () => {
  test('is read from inputs and replaced in outputs', () => {
    const state = { count: mx.array(0), nested: [mx.array([1, 1])] };
    const { counter, compiled } = counted(
      (a: mx.array) => {
        state.count = state.count.add(1);
        state.nested[0] = state.nested[0].multiply(a);
        return state.count.multiply(10);
      },
      { inputs: [state], outputs: [state] },
    );
    expectClose(compiled(mx.array(2)), 10);
    expectClose(compiled(mx.array(3)), 20);
    expect(plain(state)).toEqual({ count: 2, nested: [[6, 6]] });
    state.count = mx.array(100);
    expectClose(compiled(mx.array(1)), 1010);
    expect(counter.calls).toBe(1);
  });

  test('only in inputs: what the function does to it stays inside', () => {
    const state = [mx.array(5)];
    const compiled = mx.compile(
      (a: mx.array) => {
        state[0] = state[0].add(1);
        return a.add(state[0]);
      },
      { inputs: state },
    );
    expectClose(compiled(mx.array(1)), 7);
    state[0] = mx.array(50);
    expectClose(compiled(mx.array(1)), 52);
    expectClose(state, [50]);
  });

  test('only in outputs: keys may come and go', () => {
    const out: Record<string, unknown> = { old: 1 };
    const compiled = mx.compile(
      (a: mx.array) => {
        delete out.old;
        out.doubled = a.multiply(2);
        out.tree = { list: [a.add(1)], name: 'n' };
        return a;
      },
      { outputs: out },
    );
    for (let i = 0; i < 2; i++) {
      compiled(x());
      expect(plain(out)).toEqual({ doubled: [2, 4, 6], tree: { list: [[2, 3, 4]], name: 'n' } });
      out.old = 2;
    }
  });

  test('mutation by indexPut_ of a state array is replaced too', () => {
    const state = { table: mx.zeros([3]) };
    const compiled = mx.compile(
      (i: mx.array) => {
        state.table.indexPut_(i, 7);
        return state.table.sum();
      },
      { inputs: state, outputs: state },
    );
    const before = state.table;
    expectClose(compiled(mx.array(1, mx.int32)), 7);
    expectClose(compiled(mx.array(2, mx.int32)), 14);
    expectClose(state.table, [0, 7, 7]);
    expectClose(before, [0, 0, 0]);
  });

  test('numbers in the state are constants: a change traces again', () => {
    const state = { rate: 2, w: mx.array(1) };
    const { counter, compiled } = counted((a: mx.array) => a.multiply(state.rate).multiply(state.w), { inputs: state });
    expectClose(compiled(mx.array(3)), 6);
    state.rate = 5;
    expectClose(compiled(mx.array(3)), 15);
    expectClose(compiled(mx.array(3)), 15);
    expect(counter.calls).toBe(2);
  });

  test('a training step with captured parameters equals the plain one', () => {
    const data = mx.random.normal([8, 3], mx.float32, 0, 1, mx.random.key(0));
    const target = data.matmul(mx.array([1, -2, 3]));
    const make = (compile: boolean) => {
      const params = { w: mx.zeros([3]), b: mx.array(0) };
      const loss = (p: typeof params) => data.matmul(p.w).add(p.b).subtract(target).square().mean();
      const step = (rate: mx.array) => {
        const [value, grads] = mx.valueAndGrad(loss)(params);
        params.w = params.w.subtract(rate.multiply(grads.w));
        params.b = params.b.subtract(rate.multiply(grads.b));
        return value;
      };
      return { params, step: compile ? mx.compile(step, { inputs: [params], outputs: [params] }) : step };
    };
    const [a, b] = [make(false), make(true)];
    for (let i = 0; i < 20; i++) expectClose(b.step(mx.array(0.1)), a.step(mx.array(0.1)), 1e-4);
    expectClose(b.params, a.params, 1e-4);
  });

  test('the random state works as captured state', () => {
    const draw = () => mx.random.uniform(0, 1, [2]);
    const { counter, compiled } = counted(draw);
    mx.random.seed(5);
    const expected = [draw(), draw(), draw(), draw()].map(plain);
    mx.random.seed(5);
    expect([compiled(), compiled(), draw(), compiled()].map(plain)).toEqual(expected);
    expect(counter.calls).toBe(1);
    mx.random.seed(5);
    const given = mx.compile(draw, { inputs: mx.random.state, outputs: mx.random.state });
    expect([given(), draw(), given()].map(plain)).toEqual(expected.slice(0, 3));
    mx.random.seed(5);
    const nested = mx.compile(draw, { inputs: [mx.random.state, { a: mx.array(1) }], outputs: [mx.random.state] });
    expect([nested(), draw(), nested()].map(plain)).toEqual(expected.slice(0, 3));
    mx.random.seed(5);
    const disabled = [compiled(), compiled()];
    expect(disabled.map(plain)).toEqual(expected.slice(0, 2));
  });

  test('a function that draws nothing leaves the random state alone', () => {
    mx.random.seed(5);
    const expected = plain(mx.random.uniform());
    mx.random.seed(5);
    mx.compile((a: mx.array) => a.add(1))(mx.array(1));
    expect(plain(mx.random.uniform())).toBe(expected);
  });

  test('an exception restores the state', () => {
    const state = { w: mx.array(1), list: [mx.array(2)] };
    const compiled = mx.compile(
      (a: mx.array) => {
        state.w = state.w.add(a);
        state.list.push(a);
        mx.random.uniform();
        throw new Error('mine');
      },
      { inputs: [state], outputs: [state] },
    );
    mx.random.seed(3);
    const expected = plain(mx.random.uniform());
    mx.random.seed(3);
    expect(() => compiled(mx.array(1))).toThrow('mine');
    expect(plain(state)).toEqual({ w: 1, list: [2] });
    expect(plain(mx.random.uniform())).toEqual(expected);
  });
});

describe('inside transforms', () => {
  const f = (a: mx.array) => mx.sin(a).multiply(a);

  test('is plain graph to them', () => {
    const { counter, compiled } = counted(f);
    const sum = (g: typeof f) => (a: mx.array) => g(a).sum();
    for (let i = 0; i < 2; i++) {
      expectClose(mx.grad(sum(compiled))(x()), mx.grad(sum(f))(x()));
      expectClose(mx.grad(sum(mx.grad(sum(compiled))))(x()), mx.grad(sum(mx.grad(sum(f))))(x()));
    }
    expect(counter.calls).toBe(1);
    expectClose(mx.vmap(compiled)(x()), f(x()));
    expectClose(mx.jvp(compiled, [x()], [x()]), mx.jvp(f, [x()], [x()]));
    expectClose(mx.compile(mx.grad(sum(mx.compile(f))))(x()), mx.grad(sum(f))(x()));
    expectClose(mx.checkpoint(compiled)(x()), f(x()));
    expectClose(mx.grad(sum(mx.checkpoint(compiled)))(x()), mx.grad(sum(f))(x()));
  });

  test('captured tracers get gradients, and such a trace is not kept', () => {
    const run = (w: mx.array) => {
      const { counter, compiled } = counted((a: mx.array) => a.multiply(w).sum());
      const y = compiled(x()).add(compiled(x()));
      expect(counter.calls).toBeGreaterThan(0);
      return y;
    };
    expectClose(mx.grad(run)(mx.array(2)), 12);
    let w = mx.array(1);
    const shared = mx.compile((a: mx.array) => a.multiply(w));
    expectClose(
      mx.grad((v: mx.array) => {
        w = v;
        return shared(mx.array(5));
      })(mx.array(3)),
      5,
    );
    w = mx.array(7);
    expectClose(shared(mx.array(5)), 35);
    expectClose(mx.vmap((v: mx.array) => mx.compile((a: mx.array) => a.multiply(v))(mx.array(2)))(mx.array([1, 2])), [2, 4]);
  });

  test('state and random draws are carried inside transforms too', () => {
    const state = { n: mx.array(0) };
    const compiled = mx.compile(
      (a: mx.array) => {
        state.n = state.n.add(1);
        return a.multiply(state.n);
      },
      { inputs: state, outputs: state },
    );
    expectClose(mx.grad((a: mx.array) => compiled(a).add(compiled(a)))(mx.array(5)), 3);
    expectClose(state.n, 2);
    expectClose(compiled(mx.array(5)), 15);
  });

  test('errors inside are those of the function', () => {
    const compiled = mx.compile((a: mx.array) => mx.matmul(a, mx.ones([4, 4])));
    expect(errorOf(() => compiled(mx.ones([2, 3]))).message).toMatch(/^\[matmul\]/);
  });
});
