/** The addon in worker threads: several at once, terminated at any moment, and several instances in one environment. */

import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { addon } from '../../lib/runtime/binding';
import { encode } from './encode';
import { product } from './programs';

const root = join(__dirname, '..', '..');

/** What a worker does: plain JavaScript, because workers do not go through jest's transform. */
const body = `
  const { parentPort, workerData } = require('node:worker_threads');
  const addon = require('node-gyp-build')(workerData.root).create();
  const { words, size, mode } = workerData;
  const bytes = new Uint8Array(new Float32Array(size * size).fill(1).buffer);
  const owner = () => ({});
  const held = [owner(), owner()];
  const program = addon.load(words);
  const a = addon.upload(bytes, held[0]), b = addon.upload(bytes, held[1]);
  const keep = [];
  function once(start) {
    const outputs = new Int32Array(1), owners = [owner()];
    keep.push(owners[0]);
    return [start(program, Int32Array.of(a, b), new Float64Array(0), owners, outputs), outputs[0]];
  }
  if (mode === 'work') {
    const out = new Uint8Array(4);
    let wrong = 0;
    for (let i = 0; i < 50; i++) {
      const [status, handle] = once(addon.run);
      addon.download(handle, 4 * i, out);
      if (status !== 0 || new Float32Array(out.buffer)[0] !== size) wrong++;
      addon.release(handle);
    }
    let left = 20;
    for (let i = 0; i < 20; i++) {
      once((...args) => addon.runAsync(...args, (status) => {
        if (status !== 0) wrong++;
        if (--left === 0) parentPort.postMessage(wrong);
      }));
    }
  } else {
    const view = addon.view(a);
    const flood = () => { for (let i = 0; i < 20; i++) once((...args) => addon.runAsync(...args, () => {})); };
    flood();
    parentPort.postMessage(view.byteLength);
    if (mode === 'sync') for (;;) { const [, handle] = once(addon.run); addon.release(handle); keep.length = 0; }
    else setInterval(flood, 5);
  }
`;

function start(size: number, mode: 'work' | 'sync' | 'async'): { worker: Worker; message: Promise<number> } {
  const worker = new Worker(body, { eval: true, workerData: { root, words: encode(product(size, size, size)), size, mode } });
  const message = new Promise<number>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  return { worker, message };
}

test('several workers compute at once', async () => {
  const workers = Array.from({ length: 4 }, () => start(64, 'work'));
  expect(await Promise.all(workers.map(({ message }) => message))).toEqual([0, 0, 0, 0]);
  await Promise.all(workers.map(({ worker }) => worker.terminate()));
});

test.each(['async', 'sync'] as const)(
  'workers are terminated in the middle of %s runs',
  async (mode) => {
    for (let round = 0; round < 6; round++) {
      const workers = Array.from({ length: 2 }, () => start(96, mode));
      await Promise.all(workers.map(({ message }) => message));
      await new Promise((resolve) => setTimeout(resolve, round * 3));
      await Promise.all(workers.map(({ worker }) => worker.terminate()));
    }
    expect(addon().describe().threads).toBeGreaterThan(0);
  },
  30_000,
);

test('a worker ends by itself once its runs have ended', async () => {
  const { worker, message } = start(64, 'work');
  const exit = new Promise<number>((resolve) => worker.once('exit', resolve));
  expect(await message).toBe(0);
  expect(await exit).toBe(0);
});

test('instances in one environment share nothing', () => {
  const file = require('node-gyp-build')(root) as { create(): ReturnType<typeof addon> };
  const other = file.create();
  const live = addon().memory()[3];
  const owner = {} as Parameters<typeof other.upload>[1];
  const handle = other.upload(Uint8Array.of(1), owner);
  expect(handle).toBeGreaterThan(0);
  expect(other.memory()[3]).toBe(1);
  expect(addon().memory()[3]).toBe(live);
  expect(other.load(new Int32Array(3))).toBeLessThan(0);
  expect(other.lastError()).toContain('no program');
  expect(addon().lastError()).not.toContain('no program');
});
