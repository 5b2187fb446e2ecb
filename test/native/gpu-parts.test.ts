/** Temporaries that need more bytes together than the longest buffer has: the arena is several buffers. */

import { onEmulatedGpu } from './gpu-child';

jest.setTimeout(300_000);

// The emulator has a limit that can be set.
const onEmulator = process.platform === 'linux' ? describe : describe.skip;

const length = 160_000;
/** Five sums of 640 kB each that are alive at once; both devices, since all arrays lie in memory that they share. */
const program = `
  const sums = (device) => {
    mx.setDefaultDevice(device);
    const x = mx.arange(${length}).remainder(7).astype(mx.float32);
    const each = [1, 2, 3, 4, 5].map((factor) => mx.cumsum(x.add(factor)));
    const [a, b, c, d, e] = each;
    return a.multiply(e).subtract(b.multiply(d)).add(mx.flip(c)).max().item();
  };
  const failure = (make) => {
    try {
      return String(make().item());
    } catch (error) {
      return error.message;
    }
  };
  print({
    gpu: sums(mx.gpu),
    cpu: sums(mx.cpu),
    tooLarge: failure(() => mx.cumsum(mx.arange(${2 * length})).max()),
    faults: emulator.faults(),
  });`;

interface Seen {
  readonly gpu: number;
  readonly cpu: number;
  readonly tooLarge: string;
  readonly faults: string;
}

onEmulator('an arena that is larger than any buffer', () => {
  test('lies in several, with the same results; a single array that is larger is an error', async () => {
    const whole = await onEmulatedGpu<Seen>(program);
    const parts = await onEmulatedGpu<Seen>(program, { METALGRAD_EMULATOR_BUFFER_BYTES: String(1 << 20) });
    expect(parts).toEqual({ ...whole, tooLarge: expect.stringMatching(/could not be allocated/) });
    expect(parts.faults).toBe('');
    expect(parts.gpu / parts.cpu).toBeCloseTo(1, 5);
  });
});
