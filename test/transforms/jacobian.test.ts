import * as mx from '../../lib';
import { errorOf, expectClose, plain } from './support';

describe('jacfwd, jacrev and hessian', () => {
  const matrix = () =>
    mx.array([
      [1, 2, 3],
      [4, 5, 6],
    ]);

  test('agree with one another and with the known Jacobian', () => {
    const f = (x: mx.array) => mx.matmul(matrix(), mx.sin(x));
    const x = mx.array([0.1, 0.2, 0.3]);
    const expected = matrix().multiply(mx.cos(x));
    expectClose(mx.jacfwd(f)(x), expected);
    expectClose(mx.jacrev(f)(x), expected);
  });

  test('have shape [...output, ...input]', () => {
    const f = (x: mx.array) => mx.stack([x.sum(0), x.prod(0), x.max(0)]);
    for (const jacobian of [mx.jacfwd, mx.jacrev]) expect(jacobian(f)(matrix()).shape).toEqual([3, 3, 2, 3]);
    expectClose(mx.jacfwd(f)(matrix()), mx.jacrev(f)(matrix()));
    expect(mx.jacrev((x: mx.array) => x)(mx.array(2)).shape).toEqual([]);
    expect(mx.jacfwd((x: mx.array) => x)(mx.zeros([0])).shape).toEqual([0, 0]);
  });

  test('of trees and argnums', () => {
    const f = (p: { w: mx.array; n: mx.array }, x: mx.array) => ({ y: p.w.multiply(x), z: [x.sum()] });
    const args: Parameters<typeof f> = [{ w: mx.array([1, 2]), n: mx.array(1, mx.int32) }, mx.array([3, 4])];
    const expected = {
      y: [
        {
          w: [
            [3, 0],
            [0, 4],
          ],
          n: [0, 0],
        },
        [
          [1, 0],
          [0, 2],
        ],
      ],
      z: [[{ w: [0, 0], n: 0 }, [1, 1]]],
    };
    expect(plain(mx.jacfwd(f, [0, 1])(...args))).toEqual(expected);
    expect(plain(mx.jacrev(f, [0, 1])(...args))).toEqual(expected);
    expect(plain(mx.jacrev(f, 1)(...args).z[0])).toEqual([1, 1]);
  });

  test('the Hessian, also of trees', () => {
    const f = (x: mx.array) => x.power(3).sum().add(x.prod());
    expectClose(mx.hessian(f)(mx.array([1, 2])), [
      [6, 1],
      [1, 12],
    ]);
    const g = (p: { a: mx.array; b: mx.array }) => p.a.multiply(p.b.square()).sum();
    expectClose(mx.hessian(g)({ a: mx.array(2), b: mx.array(3) }), { a: { a: 0, b: 6 }, b: { a: 6, b: 4 } });
  });

  test('transform again', () => {
    const f = (x: mx.array) => mx.sin(x).multiply(x);
    const x = mx.array([0.4, 0.8]);
    const diagonal = (v: mx.array) => mx.jacrev(f)(v).sum();
    expectClose(mx.grad(diagonal)(x), mx.cos(x).multiply(2).subtract(mx.sin(x).multiply(x)));
    expectClose(
      mx
        .vmap(mx.jacfwd(f))(mx.array([[0.4], [0.8]]))
        .reshape([-1]),
      mx.grad((v: mx.array) => f(v).sum())(x),
    );
    expectClose(mx.compile(mx.hessian((v: mx.array) => f(v).sum()))(x), mx.hessian((v: mx.array) => f(v).sum())(x));
  });

  test('errors name them', () => {
    expect(() => mx.jacfwd((x: mx.array) => x, 1 as 0)(mx.array(1))).toThrow(
      '[jacfwd] argnums names argument 1, but the function was called with 1',
    );
    expect(() => mx.jacrev((x: mx.array) => x)(mx.array([1], mx.int32))).toThrow(
      '[jacrev] argument 0 has no floating array to differentiate by',
    );
    expect(() => mx.hessian((_: mx.array) => 3 as unknown as mx.array)(mx.array([1]))).toThrow(
      '[hessian] the function must return an array',
    );
  });
});

describe('checkGrads', () => {
  test('accepts right derivatives, of trees, in any number of arguments', () => {
    mx.checkGrads((x: mx.array) => mx.sin(x).multiply(x), [mx.array([0.5, 1.5])]);
    mx.checkGrads(
      (p: { w: mx.array; n: mx.array }, x: mx.array) => [mx.tanh(mx.matmul(x, p.w)), { s: x.sum(), n: p.n }],
      [
        { w: mx.random.normal([3, 4], mx.float32, 0, 1, mx.random.key(0)), n: mx.array(2, mx.int32) },
        mx.random.normal([5, 3], mx.float32, 0, 1, mx.random.key(1)),
      ],
    );
    mx.checkGrads((x: mx.array | number) => mx.exp(x), [1]);
    mx.checkGrads(
      (z: mx.array) => mx.real(z.multiply(mx.conjugate(z))),
      [
        mx.array([
          { re: 1, im: 2 },
          { re: -1, im: 0.5 },
        ]),
      ],
    );
  });

  test('says where and how much a wrong rule differs', () => {
    const reverse = mx.customFunction((x: mx.array) => x.square()).vjp((x, ct) => ct.multiply(x).multiply(mx.array([2, 3])));
    const error = errorOf(() => mx.checkGrads((p: { w: mx.array }) => reverse(p.w), [{ w: mx.array([1, 2]) }]));
    expect(error.message).toMatch(
      /^\[checkGrads\] reverse mode is wrong for element \[1\] of argument 0\.w: it gives \S+, central differences \S+, which differ by \S+$/,
    );
    const forward = mx
      .customFunction((x: mx.array) => x.square())
      .jvp((x, t) => t.multiply(x).multiply(3))
      .vjp((x, ct) => ct.multiply(x).multiply(2));
    const other = errorOf(() => mx.checkGrads((x: mx.array) => [x, forward(x)], [mx.array([1, 2])]));
    expect(other.message).toMatch(
      /^\[checkGrads\] forward mode is wrong for element 0 of output 1 along element \[0\] of argument 0: it gives 3, central differences 2\.0000\d*, which differ by /,
    );
  });

  test('args must be a list', () => {
    expect(() => mx.checkGrads((x: mx.array) => x, mx.array(1) as unknown as [mx.array])).toThrow(
      '[checkGrads] args must be the list of arguments, not an array',
    );
  });
});
