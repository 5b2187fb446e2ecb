/** Graphs of functions with control flow, as text and as drawings. */

import * as mx from '../../lib';

const f = function looped(x: mx.array): mx.array {
  const [carry, ys] = mx.scan((c, row) => [c.add(row).sin(), c], x.index(0).multiply(2), x);
  return mx.cond(
    ys.sum().greater(0),
    (c) => c.exp(),
    (c) =>
      mx.whileLoop(
        (c) => c.sum().less(1),
        (c) => c.add(1),
        c,
        5,
      ),
    carry,
  );
};
const x = mx.ones([4, 3]);

test('the text has the functions inside', () => {
  const text = String(mx.makeGraph(f)(x));
  for (const part of ['looped(a: float32[4, 3])', 'scan', 'step(', 'length=4', 'onTrue(', 'onFalse(', 'while(', 'maxSteps=5'])
    expect(text).toContain(part);
  expect(String(mx.makeGraph(mx.grad((x: mx.array) => f(x).sum()))(x))).toContain('reverse=true');
});

test('drawings show plans with loops and choices between them', () => {
  expect(mx.makeGraph(f)(x).toSVG()).toContain('scan');
  const fused = mx.makeGraph(f)(x).toSVG({ fused: true });
  expect(fused).toContain('scan of 4 steps');
  expect(fused).toContain('cond');
  // The start of the carry, the scan, the sum, what decides by it, the choice.
  expect(fused).toContain('looped: 5 steps');
});
