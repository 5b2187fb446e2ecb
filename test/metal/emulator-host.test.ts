/** Each fault that host code can make is planted, and the emulated device must see it; what is right must pass. */

import { inProcess, type Outcome, play, playAll } from './emulator-host';

// The emulator exists on Linux.
const onLinux = process.platform === 'linux' ? describe : describe.skip;

const passing = [
  'nothing wrong',
  'inline bytes',
  'read after read',
  'ranges apart',
  'barrier',
  'serial encoder',
  'encoders of a tracked buffer',
  'encoders with fence',
  'command buffers, and the CPU waits',
  'command buffers with event',
  'queues with event',
  'fence across command buffers',
  'enqueued before it is committed',
  'event that the CPU signals',
  'buffer that the command buffer retains',
  'CPU writes beside it',
  'CPU reads what is read',
  'memory given back after the handler',
  'device removed',
  'function constants',
  'macOS 15',
  'capture',
  'binary archive',
  'options are counted',
  '100,000 calls',
];

/** Faults that fail the command buffer that they are in. */
const failing: [scene: string, fault: RegExp][] = [
  ['no pipeline', /no pipeline at command buffer/],
  ['missing binding', /missing binding in kernel 'k'.*nothing is bound at index 1/],
  ['missing threadgroup memory', /missing binding in kernel 'k'.*no threadgroup memory at index 0/],
  ['inline bytes above 4 KB', /inline bytes in kernel 'k'.*4097 bytes at index 0, where 1 to 4096/],
  ['inline bytes that are written', /inline bytes in kernel 'k'.*writes to index 0/],
  ['32nd buffer', /too many buffers in kernel 'k'.*index 31, where 0 to 30/],
  ['offset beyond the buffer', /binding out of range in kernel 'k'.*offset 256 at index 0 of a buffer of 256 bytes/],
  ['misaligned offset', /misaligned binding in kernel 'k'.*offset 2 at index 0, where a multiple of 4/],
  ['beyond the bound array', /out of bounds in kernel 'k' at script:1/],
  ['bound array beyond the buffer', /binding out of range in kernel 'k'.*129 bytes at index 0, where 128 bytes are bound/],
  ['1025 threads', /threadgroup too large in kernel 'k'.*41 × 25 × 1 threads.*is 1024/],
  ["threads above the pipeline's limit", /threadgroup too large in kernel 'k'.*513 × 1 × 1 threads.*is 512/],
  ['no threadgroups', /empty dispatch in kernel 'k'.*0 × 1 × 1 threadgroups/],
  ['grid above 32 bits', /grid too large in kernel 'k'/],
  ['threadgroup memory above 32 KB', /threadgroup memory in kernel 'k'.*32784 bytes, where 32768/],
  ['threadgroup memory of 20 bytes', /threadgroup memory in kernel 'k'.*20 bytes, which is no multiple of 16/],
  ['fault of the shader', /race in kernel 'k' at script:1: threads 0 and 1/],
  ['memory that nothing wrote', /uninitialized read in kernel 'k'/],
  ['memory that was forgotten', /uninitialized read in kernel 'k'/],
  ['copy of memory that nothing wrote', /uninitialized read in kernel 'k'/],
  ['encoder used after endEncoding', /encoder used after endEncoding.*setComputePipelineState:/],
  ['commit without endEncoding', /encoder not ended.*committed without endEncoding/],
  ['two open encoders', /encoder not ended.*another encoder/],
  ['unbalanced debug group', /debug group.*never pushed/],
  ['copy out of bounds', /out of bounds.*copyFromBuffer.*36 bytes at 32 of a buffer of 64 bytes/],
  ['fill of 3 bytes', /misaligned blit.*3 bytes at 0/],
  [
    'read after write',
    /missing barrier in kernel 'k' at script:1: reads bytes 0 to 64, which k of compute encoder of command buffer \d+ writes/,
  ],
  ['write after read', /missing barrier in kernel 'k' at script:1: writes.*reads/],
  ['write after write', /missing barrier in kernel 'k'.*writes.*writes/],
  ['ranges that overlap', /missing barrier in kernel 'k' at script:1: reads bytes 0 to 4/],
  ['barrier for textures', /missing barrier in kernel 'k'/],
  ['encoders without fence', /missing barrier in kernel 'k'/],
  ['fence waited for too late', /missing barrier in kernel 'k'/],
  ['fence updated too early', /missing barrier in kernel 'k'/],
  [
    'command buffers without event',
    /missing barrier in kernel 'k' at script:1: .*command buffer \d+ writes.*, in compute encoder of command buffer \d+/,
  ],
  ['event signalled too early', /missing barrier in kernel 'k'/],
  ['queues without event', /missing barrier in kernel 'k'/],
  ['copies without order', /missing barrier in kernel '(fillBuffer|copyFromBuffer)'/],
  ['fence across queues', /fence of another queue/],
  ['wait for a fence that the encoder updated', /fence order/],
];

/** Faults of what stands outside of command buffers, or comes when they are committed. */
const counted: [scene: string, fault: RegExp][] = [
  ['committed twice', /command buffer used after commit: commit/],
  ['encoder after commit', /command buffer used after commit: compute encoder/],
  ['wait before commit', /wait before commit.*waitUntilCompleted/],
  ['private storage', /storage mode/],
  ['fast math', /fast math/],
  ['buffer released in use', /buffer released while in use in kernel 'k' at compute encoder of command buffer/],
  ['buffer released before anybody waited', /buffer released while in use in kernel 'k'/],
  ['pipeline released in use', /pipeline released while in use in kernel 'k'/],
  ['CPU writes what is read', /CPU write while in use in kernel 'k'.*bytes 60 to 68/],
  ['CPU reads what is written', /CPU read while in use in kernel 'k'.*bytes 0 to 4/],
  ['memory given back in use', /memory given back while in use in kernel 'k'.*bytes 0 to 64/],
  ['65 command buffers', /too many command buffers/],
];

/** Errors that are no faults. */
const refused: [scene: string, error: RegExp][] = [
  ['compile error', /script:2error unknown type/],
  ['static threadgroup memory above 32 KB', /'k' needs 32784 bytes of threadgroup memory, where 32768/],
];

const apart = ['random order', 'leaked buffer', 'out of memory', 'event that nobody signals'];

onLinux('the emulated Metal device', () => {
  const together = [...passing, ...[...failing, ...counted, ...refused].map(([scene]) => scene)];
  let outcomes: Record<string, Outcome>;
  beforeAll(() => {
    outcomes = playAll(together);
  });

  test('every scene is played here', () => {
    expect([...together, ...apart].sort()).toEqual(inProcess<string[]>('print(addon.names())').sort());
  });

  test.each(passing)('%s: passes, and leaves nothing behind', (scene) => {
    expect(outcomes[scene]).toEqual({ error: '', count: 0, faults: '', leaked: 0 });
  });

  test.each(failing)('%s: fails the command buffer', (scene, fault) => {
    const outcome = outcomes[scene]!;
    expect(outcome.error).toMatch(fault);
    expect(outcome.faults).toMatch(fault);
    expect(outcome.leaked).toBe(0);
  });

  test.each(counted)('%s: is counted', (scene, fault) => {
    const outcome = outcomes[scene]!;
    expect(outcome.faults).toMatch(fault);
    expect(outcome.count).toBeGreaterThan(0);
    expect(outcome.leaked).toBe(0);
  });

  test.each(refused)('%s: is an error', (scene, error) => {
    const outcome = outcomes[scene]!;
    expect(outcome.error).toMatch(error);
    expect(outcome).toMatchObject({ count: 0, leaked: 0 });
  });

  test('100,000 calls leave no object of whatever class behind', () => {
    const grown = inProcess<number>(`
      const count = () => (addon.run('100,000 calls'), addon.emulator.objects());
      count(); // GNUstep itself makes objects when it is first asked.
      print(count() - count());`);
    expect(Math.abs(grown)).toBeLessThan(20);
  });

  test('an object that nobody releases is counted', () => {
    // The buffer, and the device that it holds.
    expect(play('leaked buffer')).toMatchObject({ count: 0, leaked: 2 });
  });

  test.each(['1', '2', '3'])('unordered dispatches run in either order (seed %s)', (seed) => {
    expect(play('random order', { METALGRAD_EMULATOR_SEED: seed })).toMatchObject({ error: '', count: 64, leaked: 0 });
  });

  test('memory ends where the environment says', () => {
    const limits = { METALGRAD_EMULATOR_MEMORY: String(1 << 20) };
    expect(play('out of memory', limits)).toEqual({ error: '', count: 0, faults: '', leaked: 0 });
    expect(play('out of memory', { METALGRAD_EMULATOR_BUFFERS: '0' }).error).toBe('the memory did not come back');
  });

  test('a wait that nobody ends is a timeout', () => {
    const outcome = play('event that nobody signals', { METALGRAD_EMULATOR_TIMEOUT: '50' });
    expect(outcome.error).toMatch(/timeout at command buffer 1: waits for an event's value 1, which is 0/);
  });

  test('calls of macOS 15 can be hidden', () => {
    expect(play('macOS 15', { METALGRAD_EMULATOR_MACOS: '14' })).toEqual({ error: '', count: 0, faults: '', leaked: 0 });
  });

  test('there may be no device', () => {
    expect(inProcess('print(addon.hasDevice())')).toBe(true);
    expect(inProcess('print(addon.hasDevice())', { METALGRAD_EMULATOR_DEVICES: '0' })).toBe(false);
  });

  test('workers use it together, and leave nothing behind', () => {
    const scenes = ['nothing wrong', '100,000 calls', 'fence across command buffers', 'queues with event', 'barrier'];
    const result = inProcess<{ errors: string[][]; left: number }>(`
      const { Worker } = require('node:worker_threads');
      const scenes = ${JSON.stringify(scenes)};
      const text = "const { parentPort, workerData } = require('node:worker_threads');" +
        'const addon = require(workerData.addonFile);' +
        'parentPort.postMessage(workerData.scenes.map((scene) => addon.run(scene).error));';
      const errors = [];
      for (let i = 0; i < 3; i++) {
        const worker = new Worker(text, { eval: true, workerData: { addonFile, scenes } });
        worker.once('message', (message) => errors.push(message));
      }
      process.once('beforeExit', () => print({ errors, left: addon.emulator.live() }));`);
    expect(result).toEqual({ errors: [0, 1, 2].map(() => scenes.map(() => '')), left: 0 });
  });

  test('the process may end while commands run', () => {
    expect(inProcess(`addon.leave(); print('left')`)).toBe('left');
  });
});
