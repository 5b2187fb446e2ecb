/** Runs that do not block: their order, what waits for them, and how they end. */

import { float32 } from '../../lib/dtype';
import { addonStatus } from '../../lib/runtime/addon';
import { addon, check } from '../../lib/runtime/binding';
import { Storage } from '../../lib/runtime/storage';
import { encodeArgs, type ProgramSpec } from './encode';
import { download, load, run, upload } from './harness';
import { product, window, windowThrough } from './programs';

interface Pending {
  owner: Storage;
  done: Promise<[status: number, message: string]>;
}

function start(handle: number, program: ProgramSpec, inputs: readonly Storage[], args: readonly bigint[] = []): Pending {
  const owner = new Storage(program.outputs[0]);
  const outputs = new Int32Array(1);
  const handles = Int32Array.from(inputs, (input) => input.handle);
  const done = new Promise<[number, string]>((resolve) => {
    const settle = (status: number, message: string) => resolve([status, message]);
    check('runAsync', addon().runAsync(handle, handles, encodeArgs(args), [owner], outputs, settle));
  });
  owner.handle = outputs[0];
  return { owner, done };
}

const size = 192;
const program = product(size, size, size);
/** A product with this doubles. */
const twice = Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 2 : 0));
const ones = new Float32Array(size * size).fill(1);

test('a chain of runs gives its last value, and reading waits', async () => {
  const handle = load(program);
  const factor = upload(twice);
  let current = upload(ones);
  const pending: Pending[] = [];
  for (let i = 0; i < 10; i++) {
    pending.push(start(handle, program, [current, factor]));
    current = pending[i].owner;
  }
  expect(download(current, new Float32Array(size * size))[5]).toBe(1024);
  expect(await Promise.all(pending.map(({ done }) => done))).toEqual(pending.map(() => [addonStatus.ok, '']));
});

test('a synchronous run waits for its inputs, and a view for its buffer', async () => {
  const handle = load(program);
  const factor = upload(twice);
  const first = start(handle, program, [upload(ones), factor]);
  const [second] = run(handle, program, [first.owner, factor]);
  expect(download(second, new Float32Array(size * size))[7]).toBe(4);
  const third = start(handle, program, [second, factor]);
  const view = addon().view(third.owner.handle) as ArrayBuffer;
  expect(new Float32Array(view)[9]).toBe(8);
  await Promise.all([first.done, third.done]);
});

test('callbacks come in order, after the call that started them', async () => {
  const handle = load(program);
  const [input, factor] = [upload(ones), upload(twice)];
  const order: number[] = [];
  const all = [0, 1, 2, 3].map((i) => start(handle, program, [input, factor]).done.then(() => order.push(i)));
  addon().synchronize();
  expect(order).toEqual([]);
  await Promise.all(all);
  expect(order).toEqual([0, 1, 2, 3]);
});

test('buffers released while a run needs them live until it ends', async () => {
  const handle = load(program);
  const before = addon().memory()[3];
  const inputs = [upload(ones), upload(twice)];
  const { owner, done } = start(handle, program, inputs);
  for (const input of inputs) addon().release(input.handle);
  addon().unload(handle);
  expect(await done).toEqual([addonStatus.ok, '']);
  expect(download(owner, new Float32Array(size * size))[0]).toBe(2);
  addon().release(owner.handle);
  expect(addon().memory()[3]).toBe(before);
});

test('what a run refuses is a status, not a callback', () => {
  const small = window(2, float32);
  const handle = load(small);
  const input = upload(new Float32Array(2));
  const outputs = new Int32Array(1);
  const done = jest.fn();
  const attempt = (args: bigint[]) =>
    addon().runAsync(handle, Int32Array.of(input.handle), encodeArgs(args), [new Storage(8)], outputs, done);
  expect(attempt([1n])).toBe(addonStatus.outOfBounds);
  expect(attempt([])).toBe(addonStatus.outOfBounds);
  addon().synchronize();
  expect(done).not.toHaveBeenCalled();
});

test('a failed run fails what depends on it, and nothing else', async () => {
  const failing = windowThrough(2, float32, 2 ** 50);
  const [bad, good] = [load(failing), load(window(2, float32))];
  const input = upload(Float32Array.of(3, 4));
  const first = start(bad, failing, [input], [0n]);
  const second = start(good, window(2, float32), [first.owner], [0n]);
  const third = start(good, window(2, float32), [input], [0n]);
  expect((await first.done)[0]).toBe(addonStatus.outOfMemory);
  expect((await first.done)[1]).toContain('could not be allocated');
  expect((await second.done)[0]).toBe(addonStatus.deviceFailure);
  expect(addon().download(second.owner.handle, 0, new Uint8Array(8))).toBe(addonStatus.deviceFailure);
  expect(() => run(good, window(2, float32), [first.owner], [0n])).toThrow('[run] the asynchronous evaluation');
  expect(addon().view(first.owner.handle)).toBeNull();
  expect(await third.done).toEqual([addonStatus.ok, '']);
  expect(download(third.owner, new Float32Array(2))).toEqual(Float32Array.of(3, 4));
});
