import * as mx from '../../lib';
import { errorOf, expectClose, plain } from './support';

const square = (x: mx.array) => x.square().sum();

describe('grad and valueAndGrad', () => {
  test('the examples of the document', () => {
    expect(String(mx.grad(mx.sin)(mx.array(Math.PI)))).toBe('array(-1, dtype=float32)');
    expect(String(mx.grad(mx.grad(mx.sin))(mx.array(Math.PI / 2)))).toBe('array(-1, dtype=float32)');
    const loss = (w: mx.array, x: mx.array, y: mx.array) => mx.mean(mx.square(w.multiply(x).subtract(y)));
    const w = mx.array(1);
    const x = mx.array([0.5, -0.5]);
    const y = mx.array([1.5, -1.5]);
    expect(String(mx.grad(loss)(w, x, y))).toBe('array(-1, dtype=float32)');
    expect(String(mx.grad(loss, 1)(w, x, y))).toBe('array([-1, 1], dtype=float32)');
    const [value, gradient] = mx.valueAndGrad(loss)(w, x, y);
    expect([value, gradient].map(String)).toEqual(['array(1, dtype=float32)', 'array(-1, dtype=float32)']);
    const params = { weight: mx.array(1), bias: mx.array(0) };
    const byParams = (p: typeof params, a: mx.array, b: mx.array) => mx.mean(mx.square(p.weight.multiply(a).add(p.bias).subtract(b)));
    const grads = mx.grad(byParams)(params, x, y);
    expect(plain(grads)).toEqual({ weight: -1, bias: 0 });
  });

  test('argnums as a list gives a list in the order asked, as a list of one the bare gradient', () => {
    const f = (a: mx.array, b: mx.array) => a.square().multiply(b).sum();
    const [a, b] = [mx.array([1, 2]), mx.array([3, 4])];
    expectClose(mx.grad(f, [1, 0])(a, b), [
      [1, 4],
      [6, 16],
    ]);
    expectClose(mx.grad(f, [1])(a, b), [1, 4]);
    const [value, grads] = mx.valueAndGrad(f, [0, 1])(a, b);
    expectClose(value, 19);
    expectClose(grads, [
      [6, 16],
      [1, 4],
    ]);
  });

  test.each([
    [-1, /^\[grad\] argnums must not be negative: -1/, RangeError],
    [[0, -2], /^\[grad\] argnums must not be negative: -2/, RangeError],
    [[0, 0], /^\[grad\] argnums names argument 0 twice/, RangeError],
    [[], /^\[grad\] argnums is empty/, RangeError],
    [0.5, /^\[grad\] argnums must be an integer or a list of integers, not 0.5/, TypeError],
    ['a', /^\[grad\] argnums must be an integer or a list of integers, not "a"/, TypeError],
  ])('argnums %p is an error', (argnums, message, kind) => {
    const error = errorOf(() => mx.grad(square, argnums as number));
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toMatch(message);
  });

  test('argnums out of range is an error that says which', () => {
    expect(() => mx.grad(square, 1 as 0)(mx.array([1]))).toThrow('[grad] argnums names argument 1, but the function was called with 1');
  });

  test('trees keep their shape, integer leaves give zeros and other leaves stay', () => {
    const tree = {
      layers: [{ w: mx.array([1, 2]) }, { w: mx.array([3, 4]) }],
      step: mx.array([7, 8], mx.int32),
      name: 'net',
      rate: 0.5,
      none: null,
    };
    const f = (t: typeof tree) => t.layers[0].w.multiply(t.layers[1].w).multiply(t.rate).sum();
    const gradient = mx.grad(f)(tree);
    expect(plain(gradient)).toEqual({ layers: [{ w: [1.5, 2] }, { w: [0.5, 1] }], step: [0, 0], name: 'net', rate: 0.5, none: null });
    expect(gradient.step.dtype).toBe(mx.int32);
  });

  test('a bare number is a float32 array', () => {
    const gradient = mx.grad((x: mx.array | number) => mx.square(x))(3);
    expect(String(gradient)).toBe('array(6, dtype=float32)');
  });

  test.each([
    [mx.array([1, 2], mx.int32), 'argument 0 has no floating array to differentiate by: it is an array of dtype int32'],
    ['text', 'argument 0 has no floating array to differentiate by: it is "text"'],
    [{ a: mx.array(true) }, 'argument 0 has no floating array to differentiate by: it is an object with the keys {a} of dtype bool'],
    [undefined, 'argument 0 has no floating array to differentiate by: it is undefined'],
  ])('an argument without a floating array is an error', (arg, message) => {
    expect(() => mx.grad((_: unknown) => mx.array(1))(arg)).toThrow(`[grad] ${message}`);
  });

  test.each([
    [() => mx.array([1, 2]), 'but returned an array of dtype float32 and shape [2]'],
    [() => mx.array(1, mx.int32), 'but returned an array of dtype int32 and shape []'],
    [() => mx.array({ re: 1, im: 2 }), 'but returned an array of dtype complex64 and shape []'],
    [() => 3, 'but returned 3'],
    [() => undefined, 'but returned undefined'],
    [() => [mx.array(1), mx.array(2)], 'but returned a list of 2'],
    [() => ({ loss: mx.array(1) }), 'but returned an object with the keys {loss}'],
  ])('a result that is no floating scalar is an error that says what was returned', (f, message) => {
    const error = errorOf(() => mx.grad(f as unknown as (x: mx.array) => mx.array)(mx.array(1)));
    expect(error.message).toBe(`[grad] the function must return a floating scalar array, ${message}`);
  });

  test.each([
    [() => [], 'but returned an empty list'],
    [() => [mx.array([1]), 2], 'but returned a list that begins with an array of dtype float32 and shape [1]'],
    [() => 'x', 'but returned "x"'],
  ])('valueAndGrad says what was returned too', (f, message) => {
    const error = errorOf(() => mx.valueAndGrad(f as unknown as (x: mx.array) => mx.array)(mx.array(1)));
    expect(error.message).toBe(
      `[valueAndGrad] the function must return a floating scalar array, or a list that begins with one, ${message}`,
    );
  });

  test('valueAndGrad passes the rest of a list through, whatever it is', () => {
    const f = (x: mx.array): [mx.array, { doubled: mx.array; name: string }, mx.array] => [
      square(x),
      { doubled: x.multiply(2), name: 'aux' },
      x,
    ];
    const x = mx.array([1, 2]);
    const [result, gradient] = mx.valueAndGrad(f)(x);
    expect(plain(result)).toEqual([5, { doubled: [2, 4], name: 'aux' }, [1, 2]]);
    expect(plain(gradient)).toEqual([2, 4]);
  });

  test('arguments that are not differentiated may be anything', () => {
    const f = (x: mx.array, options: { power: number }, g: (y: mx.array) => mx.array) => g(x.power(options.power)).sum();
    expectClose(
      mx.grad(f)(mx.array([1, 2]), { power: 3 }, (y) => y.multiply(2)),
      [6, 24],
    );
  });

  test('mutating an argument inside never reaches the caller', () => {
    const x = mx.array([1, 2]);
    const y = mx.array([3, 4]);
    const tree = { w: mx.array([5, 6]) };
    const f = (a: mx.array, b: mx.array, t: typeof tree) => {
      a.indexPut_(0, 10);
      b.indexPut_(0, 10);
      t.w = t.w.multiply(2);
      return a.multiply(b).multiply(t.w).sum();
    };
    expectClose(mx.grad(f, [0, 2])(x, y, tree), [[0, 48], { w: [200, 16] }]);
    expect(plain([x, y, tree])).toEqual([[1, 2], [3, 4], { w: [5, 6] }]);
  });

  test('an output that does not depend on the argument has a zero gradient', () => {
    expect(plain(mx.grad((_: mx.array) => mx.array(2))(mx.array([1, 2])))).toEqual([0, 0]);
    expect(plain(mx.grad((x: mx.array) => mx.stopGradient(x).sum())(mx.array([1, 2])))).toEqual([0, 0]);
    expect(plain(mx.grad((x: mx.array) => x.multiply(mx.stopGradient(x)).sum())(mx.array([1, 2])))).toEqual([1, 2]);
  });

  test('captured values are constants, and their gradient is that of the outer transform', () => {
    const f = (x: mx.array) =>
      mx
        .grad((y: mx.array) => y.multiply(x).sum())(mx.array([1, 1]))
        .square()
        .sum();
    expectClose(mx.grad(f)(mx.array([3, 4])), [6, 8]);
  });

  test('ties share, and kinks have the gradient 0', () => {
    const g = (f: (x: mx.array) => mx.array) => plain(mx.grad((x: mx.array) => f(x).sum())(mx.array([2, 0, 2])));
    expect(g((x) => x.max())).toEqual([0.5, 0, 0.5]);
    expect(g((x) => x.min())).toEqual([0, 1, 0]);
    expect(g((x) => mx.maximum(x, 2))).toEqual([0.5, 0, 0.5]);
    expect(g((x) => mx.minimum(x, 2))).toEqual([0.5, 1, 0.5]);
    expect(g((x) => mx.abs(x))).toEqual([1, 0, 1]);
    expect(g((x) => mx.sign(x))).toEqual([0, 0, 0]);
    expect(g((x) => mx.clip(x, 0, 2))).toEqual([1, 1, 1]);
  });

  test('the conjugate convention: the gradient of |z|² is 2z', () => {
    const z = mx.array({ re: 1, im: 2 });
    const gradient = mx.grad((x: mx.array) => mx.real(x.multiply(mx.conjugate(x))).sum())(z);
    expect(gradient.item()).toEqual({ re: 2, im: 4 });
  });

  test('nested six deep', () => {
    let f = mx.sin as (x: mx.array) => mx.array;
    for (let i = 0; i < 6; i++) f = mx.grad(f);
    expectClose(f(mx.array(0.7)), -Math.sin(0.7));
    let g = (x: mx.array): mx.array => x.power(7);
    for (let i = 0; i < 6; i++) g = mx.grad(g);
    expectClose(g(mx.array(1.5)), 5040 * 1.5);
  });

  test('the first argument must be a function', () => {
    expect(() => mx.grad(3 as unknown as typeof square)).toThrow('[grad] the first argument must be a function, not 3');
    expect(() => mx.valueAndGrad(mx.array(1) as unknown as typeof square)).toThrow(
      '[valueAndGrad] the first argument must be a function, not an array',
    );
  });

  test('evaluating the gradient evaluates the value and the auxiliary results', () => {
    const f = (x: mx.array): [mx.array, mx.array] => [square(x), x.add(1)];
    const [[value, aux], gradient] = mx.valueAndGrad(f)(mx.array([1, 2]));
    mx.eval(gradient);
    expect([value, aux].map((a) => a._node?.storage === null)).toEqual([false, false]);
  });

  test('a tree that holds itself is an error, not an overflow', () => {
    const tree: unknown[] = [];
    tree.push(tree);
    expect(() => mx.grad((_: unknown) => mx.array(1))(tree)).toThrow('[tree] nested more than 1000 deep; does the tree hold itself?');
  });
});
