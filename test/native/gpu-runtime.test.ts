/** Programs on the GPU and on both devices: what waits for what, what a failure reaches, and what is left when it is over. */

import './on-gpu';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { float32 } from '../../lib/dtype';
import { addonStatus } from '../../lib/runtime/addon';
import { addon } from '../../lib/runtime/binding';
import { Storage } from '../../lib/runtime/storage';
import { emulator } from '../support/emulator';
import { contiguous, type DeviceName, encode, type ProgramSpec, type StepSpec } from './encode';
import { download, load, run, runOnce, upload } from './harness';
import { several } from './programs';

jest.setTimeout(120_000);

const count = 1000;
/** `to` = `from` + argument `arg`. */
const plus = (from: number, to: number, arg: number): StepSpec => ({
  kind: 'kernel',
  outer: [count],
  loads: [contiguous(from, float32, [count])],
  code: [
    { op: 'splat', dtype: float32, a: arg },
    { op: 'add', dtype: float32, a: 0, b: 1 },
  ],
  stores: [{ value: 2, operand: contiguous(to, float32, [count]) }],
});

/** Adds the argument once for each device, through two temporaries that take turns. */
function chain(devices: readonly DeviceName[]): ProgramSpec {
  const last = devices.length - 1;
  return {
    inputs: 1,
    outputs: [4 * count],
    temporaries: [
      { offset: 0, byteLength: 4 * count },
      { offset: 4096, byteLength: 4 * count },
    ],
    arenaBytes: 8192,
    args: 1,
    steps: devices.map((_, i) => plus(i === 0 ? 0 : 2 + ((i - 1) % 2), i === last ? 1 : 2 + (i % 2), 0)),
    devices,
  };
}

const zeros = new Float32Array(count);
const filled = (value: number): Float32Array => new Float32Array(count).fill(value);
const floats = (bytes: Uint8Array<ArrayBuffer>): Float32Array => new Float32Array(bytes.buffer);

test('the addon describes its GPU', () => {
  const { gpu } = addon().describe().devices;
  expect(gpu?.name).not.toBe('');
  expect(gpu?.limits.maxOperands).toBe(30);
});

test.each<[string, DeviceName[]]>([
  ['the GPU alone', ['gpu', 'gpu', 'gpu']],
  ['the CPU between', ['gpu', 'cpu', 'gpu']],
  ['the CPU first', ['cpu', 'gpu']],
  ['the CPU last', ['gpu', 'gpu', 'cpu']],
  ['many turns', Array.from({ length: 150 }, (_, i): DeviceName => (i % 7 === 3 ? 'cpu' : 'gpu'))],
  ['more dispatches than one command buffer takes', Array.from({ length: 200 }, (): DeviceName => 'gpu')],
])('a chain of dependent steps: %s', (_, devices) => {
  expect(floats(runOnce(chain(devices), [zeros], [1])[0])).toEqual(filled(devices.length));
});

test('steps of every kind that take turns on the devices give what the CPU gives', () => {
  const program = several();
  const inputs = [Float32Array.from({ length: 16 }, (_, i) => (i * 7) % 5), Uint32Array.of(1, 2), Int32Array.of(0, 2, 2)];
  const on = (devices: DeviceName[]) => runOnce({ ...program, devices }, inputs);
  const expected = on(program.steps.map(() => 'cpu'));
  expect(on(program.steps.map(() => 'gpu'))).toEqual(expected);
  expect(on(program.steps.map((_, i) => (i % 2 === 0 ? 'gpu' : 'cpu')))).toEqual(expected);
  expect(on(program.steps.map((_, i) => (i % 2 === 0 ? 'cpu' : 'gpu')))).toEqual(expected);
});

test('a run that does not block, and one that waits for it', async () => {
  const program = chain(['gpu', 'gpu']);
  const handle = load(program);
  const owner = new Storage(4 * count);
  const outputs = new Int32Array(1);
  const done = new Promise<[number, string]>((resolve) => {
    addon().runAsync(handle, Int32Array.of(upload(zeros).handle), Float64Array.of(2), [owner], outputs, (...result) => resolve(result));
  });
  owner.handle = outputs[0];
  const [second] = run(handle, program, [owner], [3]);
  expect(download(second, new Float32Array(count))).toEqual(filled(10));
  expect(await done).toEqual([addonStatus.ok, '']);
});

test('what is too much for the device is an error, and the next run is well', () => {
  const words = encode(chain(['gpu']));
  const former = addon().setMemoryLimit(1 << 20);
  try {
    const program = { ...chain(['gpu', 'gpu']), temporaries: [{ offset: 0, byteLength: 1 << 22 }], arenaBytes: 1 << 22 };
    const handle = load(program);
    expect(() => run(handle, program, [upload(zeros)], [1])).toThrow(/could not be allocated/);
  } finally {
    addon().setMemoryLimit(former);
  }
  expect(addon().load(words)).toBeGreaterThan(0);
  expect(floats(runOnce(chain(['gpu']), [zeros], [4])[0])).toEqual(filled(4));
});

const emulated = emulator();
const onEmulator = emulated === null ? describe.skip : describe;

onEmulator('on the emulated device', () => {
  const { live, fail, faults, clearFaults } = emulated as NonNullable<typeof emulated>;

  test.each([
    [8, 'METALGRAD_OUT_OF_MEMORY'],
    [2, 'METALGRAD_DEVICE'],
    [11, 'METALGRAD_DEVICE'],
  ])('a command buffer that fails with %i fails its run alone, by the name of its program', (error, code) => {
    const program = chain(['gpu', 'cpu', 'gpu']);
    const handle = addon().load(encode(program), 'step of the training loop');
    const input = upload(zeros);
    fail(error, 1);
    let thrown: unknown;
    try {
      run(handle, program, [input], [1]);
    } catch (failure) {
      thrown = failure;
    }
    expect(thrown).toMatchObject({ code, message: expect.stringContaining('step of the training loop: the GPU') });
    const [output] = run(handle, program, [input], [1]);
    expect(download(output, new Float32Array(count))).toEqual(filled(3));
    clearFaults();
  });

  test('a failure reaches whoever waits for an asynchronous run, and what reads its result', async () => {
    const program = chain(['gpu']);
    const handle = load(program);
    const owner = new Storage(4 * count);
    const outputs = new Int32Array(1);
    fail(2, 1);
    const [status, message] = await new Promise<[number, string]>((resolve) => {
      addon().runAsync(handle, Int32Array.of(upload(zeros).handle), Float64Array.of(2), [owner], outputs, (...result) => resolve(result));
    });
    expect(status).toBe(addonStatus.deviceFailure);
    expect(message).toMatch(/the GPU failed/);
    owner.handle = outputs[0];
    expect(() => run(handle, program, [owner], [1])).toThrow(/failed/);
    clearFaults();
  });

  test('a shader that does not compile names its line', () => {
    const file = join(__dirname, '..', '..', 'build-cmake', 'emulator', 'build', 'Release', 'metalgrad.node');
    const { compileShader } = require(file) as { compileShader(source: string, name: string): string };
    const source =
      '#include <metal_stdlib>\nusing namespace metal;\nkernel void broken(device float* a [[buffer(0)]]) {\n  a[0] = nonsense;\n}\n';
    expect(compileShader(source, 'broken')).toMatch(/does not compile[\s\S]*4:\d+[\s\S]*nonsense/);
    const fixed = source.replace('nonsense', '1.0f');
    expect(compileShader(fixed, 'broken')).toBe('');
    expect(compileShader(fixed, 'other')).toMatch(/no function other/);
  });

  test('runs leave no object behind, and a loop holds the number of buffers flat', () => {
    const program = chain(['gpu', 'cpu', 'gpu']);
    const handle = load(program);
    const input = upload(zeros);
    const once = () => addon().release(run(handle, program, [input], [1])[0].handle);
    once();
    const [objects, buffers] = [live(), live('MTLBuffer')];
    for (let i = 0; i < 100; i++) once();
    expect(live('MTLBuffer')).toBe(buffers);
    expect(live('MTLCommandBuffer')).toBe(0);
    expect(live()).toBeLessThanOrEqual(objects);
    addon().unload(handle);
    addon().release(input.handle);
  });

  test('a worker that is terminated with GPU work in flight takes its objects with it', async () => {
    const before = live('MTLBuffer');
    const body = `
      const { parentPort, workerData } = require('node:worker_threads');
      const addon = require('node-gyp-build')(workerData.folder).create();
      const keep = [{}];
      const program = addon.load(workerData.words);
      const input = addon.upload(new Uint8Array(4000), keep[0]);
      const flood = () => {
        for (let i = 0; i < 20; i++) {
          const owner = {};
          keep.push(owner);
          addon.runAsync(program, Int32Array.of(input), Float64Array.of(1), [owner], new Int32Array(1), () => {});
        }
      };
      flood();
      parentPort.postMessage(0);
      setInterval(flood, 5);
    `;
    const folder = join(__dirname, '..', '..', 'build-cmake', 'emulator');
    for (let i = 0; i < 3; i++) {
      const worker = new Worker(body, {
        eval: true,
        workerData: { folder, words: encode(chain(Array.from({ length: 60 }, () => 'gpu'))) },
      });
      await new Promise((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
      await new Promise((resolve) => setTimeout(resolve, 20 * i));
      await worker.terminate();
    }
    expect(live('MTLCommandBuffer')).toBe(0);
    expect(live('MTLBuffer')).toBe(before);
    expect(floats(runOnce(chain(['gpu']), [zeros], [4])[0])).toEqual(filled(4));
  });

  afterAll(() => expect(faults()).toBe(''));
});
