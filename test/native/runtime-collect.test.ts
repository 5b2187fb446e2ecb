/** Buffers follow their owners' lives, without a turn of the event loop. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { float32 } from '../../lib/dtype';
import { addon } from '../../lib/runtime/binding';
import { Storage } from '../../lib/runtime/storage';
import { download, load, run, upload } from './harness';
import { window } from './programs';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as (options?: { type: 'minor' }) => void;
const tick = () => new Promise((resolve) => setImmediate(resolve));

test('a synchronous loop that drops its arrays holds memory flat', () => {
  const program = window(1000, float32);
  const handle = load(program);
  const input = upload(new Float32Array(1000));
  const before = addon().memory()[3];
  let freed = 0;
  let most = 0;
  for (let i = 0; i < 20_000; i++) {
    run(handle, program, [input], [0n]);
    if (i % 1000 === 999) {
      gc({ type: 'minor' });
      freed += addon().collect();
      most = Math.max(most, addon().memory()[3] - before);
    }
  }
  expect(freed).toBeGreaterThan(18_000);
  expect(most).toBeLessThan(2000);
  expect(download(input, new Float32Array(1000))[999]).toBe(0);
});

test('reachable owners keep their buffers', () => {
  const storages = Array.from({ length: 500 }, (_, i) => upload(Int32Array.of(i)));
  for (let i = 0; i < 3; i++) {
    gc();
    addon().collect();
  }
  storages.forEach((storage, i) => {
    expect(download(storage, new Int32Array(1))[0]).toBe(i);
  });
});

test('polling without a collection looks at nothing', () => {
  const storages = Array.from({ length: 20_000 }, () => upload(new Uint8Array(1)));
  gc();
  addon().collect();
  const started = process.hrtime.bigint();
  for (let i = 0; i < 1000; i++) addon().collect();
  const nanoseconds = Number(process.hrtime.bigint() - started) / 1000;
  expect(storages.length).toBe(20_000);
  // Looking at every owner takes more than 500 µs.
  expect(nanoseconds).toBeLessThan(100_000);
});

describe('views', () => {
  test('share the memory, and are one ArrayBuffer', () => {
    const storage = upload(Float32Array.of(1, 2, 3));
    const view = addon().view(storage.handle) as ArrayBuffer;
    expect([...new Float32Array(view)]).toEqual([1, 2, 3]);
    expect(addon().view(storage.handle)).toBe(view);
    new Float32Array(view)[1] = 7;
    expect(download(storage, new Float32Array(3))[1]).toBe(7);
  });

  test('keep memory alive that nobody else gets', async () => {
    const bytes = 300_000;
    let view: ArrayBuffer | null = addon().view(upload(new Uint8Array(bytes).fill(5)).handle);
    gc();
    addon().collect();
    const bytesBefore = addon().memory()[0];
    for (let i = 0; i < 50; i++) addon().release(upload(new Uint8Array(bytes).fill(9)).handle);
    expect(new Uint8Array(view as ArrayBuffer).every((byte) => byte === 5)).toBe(true);
    expect(addon().memory()[0]).toBe(bytesBefore);
    view = null;
    for (let i = 0; i < 10 && addon().memory()[0] === bytesBefore; i++) {
      gc();
      await tick();
    }
    expect(addon().memory()[0]).toBeLessThan(bytesBefore);
  });

  test('cannot be taken away from under the array', () => {
    const storage = upload(Uint8Array.of(1, 2, 3, 4));
    const view = addon().view(storage.handle) as ArrayBuffer;
    try {
      structuredClone(view, { transfer: [view] });
    } catch {
      // Node refuses to transfer it; detaching it in another way is as good.
    }
    expect(download(storage, new Uint8Array(4))).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(new Uint8Array(addon().view(storage.handle) as ArrayBuffer)).toEqual(Uint8Array.of(1, 2, 3, 4));
  });

  test('in a synchronous loop hold memory flat', () => {
    const before = addon().memory()[0];
    let most = 0;
    const data = new Uint8Array(2 ** 24);
    for (let i = 0; i < 48; i++) {
      const storage = new Storage(data.length);
      storage.handle = addon().upload(data, storage);
      expect(new Uint8Array(addon().view(storage.handle) as ArrayBuffer)[i]).toBe(0);
      if (i % 4 === 3) gc();
      addon().collect();
      most = Math.max(most, addon().memory()[0] - before);
    }
    expect(most).toBeLessThan(2 ** 29);
  });

  test('of nothing are empty', () => {
    expect((addon().view(upload(new Uint8Array(0)).handle) as ArrayBuffer).byteLength).toBe(0);
  });
});
