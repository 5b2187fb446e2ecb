import * as mx from '../../lib';
import { errorOf, expectClose, plain } from './support';

const x = () => mx.array([1, 2, 3]);

describe('jvp', () => {
  test('gives lists of outputs and tangents', () => {
    const [outputs, tangents] = mx.jvp((a: mx.array) => a.square(), [x()], [mx.array([1, 0, 1])]);
    expectClose(outputs, [[1, 4, 9]]);
    expectClose(tangents, [[2, 0, 6]]);
  });

  test('of trees and several outputs', () => {
    const f = (p: { w: mx.array; n: mx.array }, y: mx.array) => [p.w.multiply(y), { second: y.sum() }, p.n];
    const [outputs, tangents] = mx.jvp(
      f as (p: { w: mx.array; n: mx.array }, y: mx.array) => unknown[],
      [{ w: mx.array(2), n: mx.array(5, mx.int32) }, x()],
      [{ w: 1, n: null as unknown as number }, mx.array([0, 1, 0])],
    );
    expectClose(outputs, [[2, 4, 6], { second: 6 }, 5]);
    expectClose(tangents, [[1, 4, 3], { second: 1 }, 0]);
  });

  test('an output that does not depend on the primals has a zero tangent', () => {
    expectClose(mx.jvp((_: mx.array) => mx.array([1, 2]), [x()], [x()])[1], [[0, 0]]);
  });

  test.each<[unknown, unknown, RegExp]>([
    [[x()], [], /^\[jvp\] there must be one tangent for each primal: 1, not 0$/],
    [[x()], [x(), x()], /^\[jvp\] there must be one tangent for each primal: 1, not 2$/],
    [[x()], [mx.array([1])], /^\[jvp\] the tangent for primal 0 must have shape \[3\], not \[1\]$/],
    [[x()], [mx.array([1, 2, 3], mx.float16)], /^\[jvp\] the tangent for primal 0 must have dtype float32, not float16$/],
    [[x()], x(), /^\[jvp\] tangents must be a list, one for each primal, not an array$/],
    [x(), [x()], /^\[jvp\] primals must be the list of arguments, not an array$/],
    [[{ a: x() }], [{ b: x() }], /^\[jvp\] the tangent for primal 0 has the key b, which the primal does not have$/],
    [[{ a: x() }], [{}], /^\[jvp\] the tangent for primal 0 lacks the key a$/],
    [[[x(), x()]], [[x()]], /^\[jvp\] the tangent for primal 0 must be a list of 2, not of 1$/],
    [[x()], [null], /^\[jvp\] the tangent for primal 0 must be an array, not null$/],
    [[[x()]], [['a']], /^\[jvp\] the tangent for primal 0\[0\] must be an array, not "a"$/],
  ])('wrong counts, structures, shapes and dtypes are errors', (primals, tangents, message) => {
    const error = errorOf(() => mx.jvp((...args: unknown[]) => mx.array(args.length), primals as [unknown], tangents as [mx.array]));
    expect(error.message).toMatch(message);
  });
});

describe('vjp', () => {
  test('gives lists of outputs and gradients', () => {
    const [outputs, gradients] = mx.vjp((a: mx.array, b: mx.array) => a.multiply(b), [x(), mx.array([4, 5, 6])], [mx.array([1, 1, 2])]);
    expectClose(outputs, [[4, 10, 18]]);
    expectClose(gradients, [
      [4, 5, 12],
      [1, 2, 6],
    ]);
  });

  test('of several outputs and trees, with zeros for integers', () => {
    const f = (p: { w: mx.array; n: mx.array }): [mx.array, mx.array] => [p.w.multiply(2), p.w.sum()];
    const [outputs, gradients] = mx.vjp(f, [{ w: x(), n: mx.array([1], mx.int32) }], [mx.array([1, 0, 0]), 10]);
    expectClose(outputs, [[2, 4, 6], 6]);
    expectClose(gradients, [{ w: [12, 10, 10], n: [0] }]);
  });

  test.each<[unknown, RegExp]>([
    [[], /^\[vjp\] there must be one cotangent for each output: 1, not 0$/],
    [[x(), x()], /^\[vjp\] there must be one cotangent for each output: 1, not 2$/],
    [[mx.array([1, 2])], /^\[vjp\] the cotangent for output 0 must have shape \[3\], not \[2\]$/],
    [[mx.array([1, 2, 3], mx.int32)], /^\[vjp\] the cotangent for output 0 must have dtype float32, not int32$/],
    [x(), /^\[vjp\] cotangents must be a list, one for each output, not an array$/],
  ])('wrong counts, shapes and dtypes are errors', (cotangents, message) => {
    expect(errorOf(() => mx.vjp((a: mx.array) => a.square(), [x()], cotangents as [mx.array])).message).toMatch(message);
  });

  test.each([
    [() => 3, 'the function must return an array or a tree of arrays, but returned 3'],
    [() => [], 'the function must return at least one array, but returned a list of 0'],
    [() => undefined, 'the function must return an array or a tree of arrays, but returned undefined'],
  ])('a function that returns no array is an error', (f, message) => {
    expect(() => mx.vjp(f as unknown as () => mx.array, [], [1])).toThrow(`[vjp] ${message}`);
  });

  test('a captured tracer of an outer transform gets its gradient', () => {
    const f = (w: mx.array) =>
      mx
        .vjp((a: mx.array) => a.multiply(w), [x()], [mx.array([1, 1, 1])])[1][0]
        .square()
        .sum();
    expectClose(mx.grad(f)(mx.array([1, 2, 3])), [2, 4, 6]);
  });
});

describe('linearize', () => {
  test('runs the function once and applies to many tangents', () => {
    let calls = 0;
    const [outputs, tangent] = mx.linearize(
      (a: mx.array) => {
        calls++;
        return mx.sin(a).multiply(a);
      },
      [mx.array([0.5, 1])],
    );
    const slope = (v: number) => Math.cos(v) * v + Math.sin(v);
    expectClose(outputs, [[0.5 * Math.sin(0.5), Math.sin(1)]]);
    expectClose(tangent([mx.array([1, 0])]), [[slope(0.5), 0]]);
    expectClose(tangent([mx.array([0, 2])]), [[0, 2 * slope(1)]]);
    expect(calls).toBe(1);
  });

  test('still works after its outputs were evaluated, and inside transforms', () => {
    const [outputs, tangent] = mx.linearize((a: mx.array) => mx.exp(mx.sin(a)), [mx.array([0.3])]);
    mx.eval(outputs);
    const expected = Math.exp(Math.sin(0.3)) * Math.cos(0.3);
    expectClose(mx.vmap((t: mx.array) => tangent([t])[0])(mx.array([[1], [2]])), [[expected], [2 * expected]]);
    expectClose(mx.grad((t: mx.array) => tangent([t])[0].sum())(mx.array([5])), [expected]);
  });

  test('wrong tangents are errors', () => {
    const [, tangent] = mx.linearize((a: mx.array) => a.square(), [x()]);
    expect(() => tangent([mx.array([1])])).toThrow('[linearize] the tangent for primal 0 must have shape [3], not [1]');
  });
});

test('results of a trace are new handles, so a function may return its argument', () => {
  expect(plain(mx.jvp((a: mx.array) => a, [x()], [x()]))).toEqual([[[1, 2, 3]], [[1, 2, 3]]]);
  expect(plain(mx.vjp((a: mx.array) => a, [x()], [x()]))).toEqual([[[1, 2, 3]], [[1, 2, 3]]]);
});
