/** Bodies that compute the same share their plans; those that differ in anything do not. */

import * as mx from '../../lib';
import { nodeOf, wrap } from '../../lib/array';
import { type Body, cond, traceBody } from '../../lib/primitives/control-flow';
import { choose } from '../../lib/primitives/control-flow/cond';
import { interned, numberOf } from '../../lib/runtime/interning';

type array = mx.array;

const body = (f: (x: array) => array, shape: number[] = [3], dtype = mx.float32): Body =>
  traceBody('test', ([x]) => [nodeOf(f(wrap(x)))], [{ shape, dtype }]).body;

const f = (x: array): array => mx.sin(x.multiply(2)).sum(0, true);

test('the same function traced again is the first one', () => {
  const first = body(f);
  expect(interned(body(f))).toBe(interned(first));
  expect(numberOf(body(f))).toBe(numberOf(first));
});

test.each<[string, Body]>([
  ['a shape', body(f, [4])],
  ['a dtype', body(f, [3], mx.float16)],
  ['a number', body((x) => mx.sin(x.multiply(3)).sum(0, true))],
  ['an operation', body((x) => mx.cos(x.multiply(2)).sum(0, true))],
  ['an option', body((x) => mx.sin(x.multiply(2)).sum(0))],
  ['a start', body((x) => x.index(mx.Slice(1, 3)))],
  ['another start', body((x) => x.index(mx.Slice(0, 2)))],
  ['a sign of zero', body((x) => x.multiply(-0))],
  ['another sign of zero', body((x) => x.multiply(0))],
])('%s makes a difference', (_name, other) => {
  const others = [
    body(f),
    body((x) => x.index(mx.Slice(1, 3))),
    body((x) => x.index(mx.Slice(0, 2))),
    body((x) => x.multiply(0)),
    body((x) => x.multiply(-0)),
  ];
  expect(others.filter((one) => interned(one) === interned(other)).length).toBeLessThanOrEqual(1);
  expect(interned(body(f)) === interned(other)).toBe(false);
});

test('bodies that hold bodies are told apart by them', () => {
  const choosing = (g: (x: array) => array): Body =>
    traceBody(
      'test',
      ([p, x]) => {
        const one = (h: (x: array) => array) => traceBody('test', ([x]) => [nodeOf(h(wrap(x)))], [x]);
        return cond(choose(p, one(g), one(mx.cos), [x]));
      },
      [
        { shape: [], dtype: mx.bool },
        { shape: [2], dtype: mx.float32 },
      ],
    ).body;
  expect(interned(choosing(mx.sin))).toBe(interned(choosing(mx.sin)));
  expect(interned(choosing(mx.sin))).not.toBe(interned(choosing(mx.tan)));
});

test('eager loops that trace their bodies anew take the values of each', () => {
  for (const by of [1, 2, 3]) {
    const [last] = mx.scan((c, x) => [c.add(x.multiply(by)), null], 0, mx.ones([4]));
    expect(last.item()).toBe(4 * by);
    const captured = mx.array(by);
    expect(mx.scan((c, x) => [c.add(x.multiply(captured)), null], 0, mx.ones([4]))[0].item()).toBe(4 * by);
    expect(
      mx
        .whileLoop(
          (x) => x.less(by * 10),
          (x) => x.add(by),
          0,
        )
        .item(),
    ).toBe(10 * by);
  }
});
