/** Plain synchronous loops that never dispose, tidy or await: memory stays flat, whatever the loop keeps, reads or throws. */

import { runChild } from './child';

const setup = `
  const { rss } = process.memoryUsage;
  const size = 192;
  const x = mx.random.normal([size, size], { key: mx.random.key(0) });
  const y = mx.sin(x.sum(1));
  const loss = (p) => mx.mean(mx.square(mx.tanh(x.matmul(p.w)).sum(1).add(p.b).subtract(y)));
  const step = mx.valueAndGrad(loss);
  const fresh = () => ({ w: mx.random.normal([size, size], mx.float32, 0, 0.01, mx.random.key(1)), b: mx.zeros([size]) });
  const update = (p, g) => ({ w: p.w.subtract(g.w.multiply(1e-3)), b: p.b.subtract(g.b.multiply(1e-3)) });
  let params = fresh();
  const kept = [];
  const forms = {
    training(i) {
      const [, grads] = step(params);
      params = update(params, grads);
      mx.eval(params);
    },
    building(i) {
      mx.eval(x.multiply(i).add(1).matmul(x));
    },
    reading(i) {
      const [value, grads] = step(params);
      params = update(params, grads);
      mx.eval(params);
      if (!Number.isFinite(value.item())) throw new Error('no number');
    },
    keeping(i) {
      const [value, grads] = step(params);
      params = update(params, grads);
      mx.eval(params);
      kept.push([value, params]);
      if (kept.length > 10) kept.shift();
    },
    throwing(i) {
      try {
        mx.grad((p) => {
          const value = loss(p);
          mx.eval(value);
          if (i % 2 === 0) throw new Error('in the middle');
          return value;
        })(params);
        mx.eval(x.matmul(x));
        x.matmul(mx.ones([3, 3]));
      } catch (error) {
        if (error.message !== 'in the middle' && !error.message.startsWith('[matmul]')) throw error;
      }
    },
  };
  const run = (name) => {
    params = fresh();
    kept.length = 0;
    for (let i = 0; i < 300; i++) forms[name](i);
    const [active, resident] = [mx.getActiveMemory(), rss()];
    for (let i = 0; i < 1700; i++) forms[name](i);
    console.log(JSON.stringify({ name, active: mx.getActiveMemory() - active, resident: rss() - resident, count: mx.getWrappersCount() }));
  };
`;

const megabyte = 2 ** 20;

// A step makes at least 150 kB that nobody frees: 1700 of them would be 250 MB.
test.each(['training', 'building', 'reading', 'keeping', 'throwing'])(
  '2,000 steps: %s',
  (name) => {
    const { status, text } = runChild(`${setup} run('${name}');`);
    expect({ status, text: status === 0 ? '' : text }).toEqual({ status: 0, text: '' });
    const { active, resident, count } = JSON.parse(text.trim().split('\n').at(-1) ?? '') as Record<string, number>;
    expect(active).toBeLessThan(80 * megabyte);
    expect(resident).toBeLessThan(100 * megabyte);
    expect(count).toBeLessThan(4200);
  },
  90_000,
);

test('a loop that reads only its loss, and one that keeps every loss unread, hold scalars', () => {
  const { status, text } = runChild(`${setup}
    const losses = [];
    for (let i = 0; i < 1000; i++) {
      const [value, grads] = step(params);
      params = update(params, grads);
      losses.push(value);
      mx.eval(params);
    }
    console.log(JSON.stringify({ active: mx.getActiveMemory(), last: losses[999].item(), first: losses[0].item() }));`);
  expect({ status, text: status === 0 ? '' : text }).toEqual({ status: 0, text: '' });
  const { active, first, last } = JSON.parse(text.trim().split('\n').at(-1) ?? '') as Record<string, number>;
  expect(active).toBeLessThan(100 * megabyte);
  expect(last).toBeLessThan(first);
}, 90_000);

test('what a compiled step gave goes with the next minor collection, as what an eager step gave', () => {
  const { status, text } = runChild(`
    const run = (wrapped) => {
      const step = wrapped((state) => state.map((x) => x.multiply(0.5).add(1)));
      let state = Array.from({ length: 8 }, () => mx.zeros([512, 512]));
      mx.eval(state);
      mx.resetPeakMemory();
      for (let i = 0; i < 200; i++) mx.eval((state = step(state)));
      return mx.getPeakMemory();
    };
    console.log(JSON.stringify([run((f) => f), run(mx.compile)]));
  `);
  expect({ status, text: status === 0 ? '' : text }).toEqual({ status: 0, text: '' });
  const [eager, compiled] = JSON.parse(text.trim().split('\n').at(-1) ?? '') as [number, number];
  expect(eager).toBeLessThan(100 * megabyte);
  expect(compiled).toBeLessThan(100 * megabyte);
});

test('a program that waits between its steps makes few full collections', () => {
  const { status, text } = runChild(
    `
    const { constants, PerformanceObserver } = require('node:perf_hooks');
    let full = 0;
    new PerformanceObserver((list) => {
      for (const { detail } of list.getEntries()) full += detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
    }).observe({ entryTypes: ['gc'] });
    const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
    let state = Array.from({ length: 8 }, () => mx.zeros([512, 512]));
    const round = async () => {
      for (let i = 0; i < 10; i++) mx.eval((state = state.map((x) => x.multiply(0.5).add(1))));
      // Collections between tasks: the state that lives then grows old.
      for (let i = 0; i < 2; i++) globalThis.gc({ type: 'minor' });
      await wait(200);
    };
    (async () => {
      for (let i = 0; i < 15; i++) await round();
      console.log(full);
    })();
  `,
    { flags: ['--expose-gc'] },
  );
  expect({ status, text: status === 0 ? '' : text }).toEqual({ status: 0, text: '' });
  expect(Number(text.trim().split('\n').at(-1))).toBeLessThan(5);
});
