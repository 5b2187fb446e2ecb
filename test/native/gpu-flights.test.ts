/** Runs that are in flight on the GPU: what is given to it while it works, what waits for what, and what a failure reaches. */

import './on-gpu';
import { float32 } from '../../lib/dtype';
import { addonStatus } from '../../lib/runtime/addon';
import { addon, check } from '../../lib/runtime/binding';
import { Storage } from '../../lib/runtime/storage';
import { emulator } from '../support/emulator';
import { contiguous, type DeviceName, encode, encodeArgs, type ProgramSpec, type StepSpec } from './encode';
import { download, run, upload } from './harness';

jest.setTimeout(300_000);

const plus = (count: number, from: number, to: number): StepSpec => ({
  kind: 'kernel',
  outer: [count],
  loads: [contiguous(from, float32, [count])],
  code: [
    { op: 'splat', dtype: float32, a: 0 },
    { op: 'add', dtype: float32, a: 0, b: 1 },
  ],
  stores: [{ value: 2, operand: contiguous(to, float32, [count]) }],
});

/** Adds the argument once for each device. */
function chain(count: number, devices: readonly DeviceName[]): ProgramSpec {
  const last = devices.length - 1;
  const byteLength = 4 * count;
  return {
    inputs: 1,
    outputs: [byteLength],
    temporaries: [
      { offset: 0, byteLength },
      { offset: Math.ceil(byteLength / 64) * 64, byteLength },
    ],
    arenaBytes: 2 * Math.ceil(byteLength / 64) * 64,
    args: 1,
    steps: devices.map((_, i) => plus(count, i === 0 ? 0 : 2 + ((i - 1) % 2), i === last ? 1 : 2 + (i % 2))),
    devices,
  };
}

const onGpu = (steps: number): DeviceName[] => Array.from({ length: steps }, () => 'gpu');

let labels = 0;
/** A loaded program under a name that no other has. */
function loadNamed(program: ProgramSpec): { handle: number; label: string; program: ProgramSpec } {
  const label = `flight ${++labels}.`;
  return { handle: check('load', addon().load(encode(program), label)), label, program };
}
type Loaded = ReturnType<typeof loadNamed>;

/** Starts a run that adds 1 with each step; its output, and how it ends. */
function start({ handle, program }: Loaded, input: Storage): { output: Storage; done: Promise<[number, string]> } {
  const output = new Storage(program.outputs[0]);
  const outputs = new Int32Array(1);
  const done = new Promise<[number, string]>((resolve, reject) => {
    const status = addon().runAsync(handle, Int32Array.of(input.handle), encodeArgs([1]), [output], outputs, (...end) => resolve(end));
    if (status !== addonStatus.ok) reject(new Error(addon().lastError()));
  });
  output.handle = outputs[0];
  return { output, done };
}

// The emulator tells when command buffers were committed, began and ended.
const onEmulator = process.platform === 'linux' ? describe : describe.skip;

/** Events of a program's command buffers, with where they stand among all. */
function eventsOf({ label }: Loaded, what: string): number[] {
  return emulator()
    .events()
    .split('\n')
    .flatMap((event, i) => (event.startsWith(what) && event.includes(label) ? [i] : []));
}

onEmulator('runs in flight', () => {
  const { clearFaults, fail, faults, live } = emulator();

  test('a long program is running before the last of it is encoded', () => {
    // A queue has room for 64 command buffers: later ones are made when the first have ended.
    const long = loadNamed(chain(64, onGpu(3100)));
    const [output] = run(long.handle, long.program, [upload(new Float32Array(64))], [1]);
    expect(download(output, new Float32Array(64))).toEqual(new Float32Array(64).fill(3100));
    expect(eventsOf(long, 'committed').length).toBeGreaterThan(64);
    expect(eventsOf(long, 'ended')[0]).toBeLessThan(eventsOf(long, 'committed').at(-1) as number);
    addon().unload(long.handle);
  });

  test('a program that reads what another one computes is given to the GPU while that runs', async () => {
    const count = 100_000;
    const first = loadNamed(chain(count, onGpu(60)));
    const second = loadNamed(chain(count, onGpu(2)));
    const one = start(first, upload(new Float32Array(count)));
    const other = start(second, one.output);
    expect(await Promise.all([one.done, other.done])).toEqual([
      [addonStatus.ok, ''],
      [addonStatus.ok, ''],
    ]);
    expect(download(other.output, new Float32Array(count))).toEqual(new Float32Array(count).fill(62));
    expect(eventsOf(second, 'committed')[0]).toBeLessThan(eventsOf(first, 'ended').at(-1) as number);
    expect(faults()).toBe('');
  });

  test('two runs of one program are in flight, each with an arena of its own', async () => {
    const count = 50_000;
    const program = loadNamed(chain(count, onGpu(40)));
    const inputs = [3, 7].map((value) => upload(new Float32Array(count).fill(value)));
    const runs = inputs.map((input) => start(program, input));
    for (const { done } of runs) expect(await done).toEqual([addonStatus.ok, '']);
    expect(runs.map(({ output }) => download(output, new Float32Array(count))[9])).toEqual([43, 47]);
    const [committed, ended] = [eventsOf(program, 'committed'), eventsOf(program, 'ended')];
    expect(committed[1]).toBeLessThan(ended[0]);
    expect(faults()).toBe('');
  });

  test('what the CPU does waits for what the GPU computes, and the other way round', async () => {
    const count = 20_000;
    let value = upload(new Float32Array(count));
    const ends: Promise<[number, string]>[] = [];
    for (const devices of [
      onGpu(30),
      ['cpu'],
      onGpu(3),
      ['gpu', 'cpu', 'gpu'],
      ['cpu', 'gpu'],
      ['gpu', 'cpu'],
      onGpu(2),
    ] as DeviceName[][]) {
      const { output, done } = start(loadNamed(chain(count, devices)), value);
      ends.push(done);
      value = output;
    }
    for (const end of await Promise.all(ends)) expect(end).toEqual([addonStatus.ok, '']);
    expect(download(value, new Float32Array(count))).toEqual(new Float32Array(count).fill(43));
    expect(faults()).toBe('');
  });

  test('a failure reaches the runs that read what failed, in flight or not, and no others', async () => {
    const program = loadNamed(chain(1000, onGpu(2)));
    const mixed = loadNamed(chain(1000, ['cpu', 'gpu']));
    const input = upload(new Float32Array(1000));
    fail(2, 1);
    const failed = start(program, input);
    const readers = [start(program, failed.output), start(mixed, failed.output)];
    const apart = start(program, input);
    expect(await failed.done).toEqual([addonStatus.deviceFailure, expect.stringMatching(/flight \d+\.: the GPU failed/)]);
    for (const { done } of readers) {
      expect(await done).toEqual([addonStatus.deviceFailure, 'an input was computed by a run that failed']);
    }
    expect(await apart.done).toEqual([addonStatus.ok, '']);
    expect(download(apart.output, new Float32Array(1000))).toEqual(new Float32Array(1000).fill(2));
    // The emulator saw a reader read what was never written.
    clearFaults();
  });

  test('a run that finds no memory while others are in flight waits for theirs', async () => {
    const count = 100_000;
    const program = loadNamed(chain(count, onGpu(20)));
    const input = upload(new Float32Array(count));
    addon().clearCache();
    // Room for both outputs and one arena.
    const former = addon().setMemoryLimit(addon().memory()[0] + 4 * 4 * count + (1 << 18));
    try {
      const runs = [start(program, input), start(program, input)];
      for (const { done } of runs) expect(await done).toEqual([addonStatus.ok, '']);
    } finally {
      addon().setMemoryLimit(former);
    }
  });

  test('a flood of runs leaves nothing behind', async () => {
    const program = loadNamed(chain(1000, onGpu(3)));
    const input = upload(new Float32Array(1000));
    const flood = async () => {
      let value = input;
      const runs = [];
      for (let i = 0; i < 40; i++) {
        const next = start(program, value);
        runs.push(next);
        value = next.output;
      }
      await Promise.all(runs.map(({ done }) => done));
      expect(download(value, new Float32Array(1000))[0]).toBe(120);
      for (const { output } of runs) addon().release(output.handle);
    };
    await flood();
    const buffers = live('MTLBuffer');
    await flood();
    expect(live('MTLBuffer')).toBe(buffers);
    expect(live('MTLCommandBuffer')).toBe(0);
    expect(faults()).toBe('');
  });
});
