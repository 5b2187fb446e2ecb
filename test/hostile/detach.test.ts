/** Memory that was taken away, forged buffers and allocations that fail, each in a process that must survive. */

import { onGpu } from '../support/default';
import { runChild } from './child';

/** Runs lines that print what they found. */
function lines(code: string, options?: Parameters<typeof runChild>[1]): string[] {
  const { status, text } = runChild(
    `const told = (f) => { try { console.log(String(f())); } catch (error) { console.log(error.message); } }; ${code}`,
    options,
  );
  expect({ status, text: status === 0 ? '' : text }).toEqual({ status: 0, text: '' });
  return text.trim().split('\n');
}

test('detaching the memory of an array makes later reads throw', () => {
  const found = lines(
    `
    for (const size of [3, 100000]) {
      const x = mx.ones([size]).add(1);
      const values = x.toTypedArray();
      %ArrayBufferDetach(values.buffer);
      told(() => x.tolist());
      told(() => x.toTypedArray());
      told(() => x);
      told(() => mx.ones([size]).sum().item());
    }`,
    { flags: ['--allow-natives-syntax'] },
  );
  for (const [i, line] of found.entries()) {
    if (i % 4 === 3) expect(line).toBe(i < 4 ? '3' : '100000');
    else expect(line).toMatch(/^\[\w+\] .*detached/);
  }
  expect(found.length).toBe(8);
});

test('a view keeps its memory after its array was disposed, collected or overwritten', () => {
  const found = lines(
    `
    const views = [];
    for (let i = 0; i < 200; i++) {
      const x = mx.full([1000], i);
      views.push(x.toTypedArray());
      if (i % 2 === 0) x.dispose();
    }
    gc();
    for (let i = 0; i < 200; i++) mx.eval(mx.full([1000], -1));
    told(() => views.every((view, i) => view.every((value) => value === i)));`,
    { flags: ['--expose-gc'] },
  );
  expect(found).toEqual(['true']);
});

test('forged buffers read as disposed', () => {
  const found = lines(`
    for (const handle of [0, -1, 123456789, 2 ** 31, 2 ** 40, NaN, 0.5, 'x', null, {}]) {
      const x = mx.array([1, 2]);
      x._node.storage.handle = handle;
      told(() => x.add(1).tolist());
      told(() => x.tolist());
      told(() => x.toTypedArray());
    }`);
  expect(found.length).toBe(30);
  for (const line of found) expect(line).toMatch(/^\[\w+\] /);
});

(process.platform === 'linux' ? test : test.skip)('an allocation that fails is an error, and what was there before goes on', () => {
  // The emulated GPU takes seconds for large arrays: there the limit is small instead.
  const [size, kilobytes] = onGpu ? [2 ** 16, 2_304_000] : [2 ** 24, 3_500_000];
  const found = lines(
    `
    const kept = mx.arange(10);
    const held = [];
    told(() => { for (let i = 0; i < 100; i++) { held.push(mx.ones([${size}]).add(i)); mx.eval(held); } });
    held.length = 0;
    told(() => mx.add(kept, 1).sum().item());
    told(() => mx.grad((x) => mx.sum(x.square()))(kept).tolist());
    mx.asyncEval(mx.zeros([2 ** 30]).add(1)).catch((error) => { console.log(error.message); console.log(kept.sum().item()); });`,
    { kilobytes },
  );
  expect(found[0]).toMatch(/^\[eval\] \d+ bytes could not be allocated/);
  expect(found.slice(1, 3)).toEqual(['55', '0,2,4,6,8,10,12,14,16,18']);
  expect(found[3]).toMatch(/^\[asyncEval\] \d+ bytes could not be allocated/);
  expect(found[4]).toBe('45');
});
