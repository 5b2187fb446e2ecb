/** Programs, buffers and their failures. */

import { float32, int64 } from '../../lib/dtype';
import { addonStatus } from '../../lib/runtime/addon';
import { addon } from '../../lib/runtime/binding';
import { Storage } from '../../lib/runtime/storage';
import { contiguous, encode, encodeArgs, type ProgramSpec } from './encode';
import { download, load, run, runOnce, upload } from './harness';
import { product, several, window, windowThrough } from './programs';

function floats(bytes: Uint8Array<ArrayBuffer>): number[] {
  return [...new Float32Array(bytes.buffer)];
}

/** The status of loading `program`, and what it says. */
function refusal(program: ProgramSpec): string {
  expect(addon().load(encode(program))).toBe(addonStatus.invalidProgram);
  return addon().lastError();
}

describe('running', () => {
  test('a product', () => {
    const [out] = runOnce(product(2, 3, 2), [Float32Array.of(1, 2, 3, 4, 5, 6), Float32Array.of(1, 0, 0, 1, 1, 1)]);
    expect(floats(out)).toEqual([4, 5, 10, 11]);
  });

  test('several steps through temporaries', () => {
    const program = several();
    const identity = Float32Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? 1 : 0));
    const [sorted, order] = runOnce(program, [identity, Uint32Array.of(0, 7), Int32Array.of(0, 1, 1)]);
    expect(floats(sorted)).toEqual([0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 1]);
    expect([...new Uint32Array(order.buffer)]).toEqual([1, 2, 3, 0, 0, 2, 3, 1, 0, 1, 3, 2, 0, 1, 2, 3]);
  });

  test('an argument moves an operand', () => {
    const source = BigInt64Array.of(10n, 11n, 12n, 13n);
    const program = window(2, int64);
    for (const start of [0n, 1n, 2n]) {
      const [out] = runOnce(program, [source], [start]);
      expect([...new BigInt64Array(out.buffer)]).toEqual([10n + start, 11n + start]);
    }
  });

  test('arrays without elements', () => {
    const [out] = runOnce(product(0, 3, 2), [new Float32Array(0), new Float32Array(6)]);
    expect(out.length).toBe(0);
    const [zeros] = runOnce(product(2, 0, 2), [new Float32Array(0), new Float32Array(0)]);
    expect(floats(zeros)).toEqual([0, 0, 0, 0]);
  });
});

describe('what a run refuses', () => {
  const program = window(2, float32);
  const attempt = (inputs: Int32Array, args: Float64Array, owners: unknown, outputs: Int32Array) =>
    addon().run(load(program), inputs, args, owners as Storage[], outputs);

  test('an argument that moves an operand out of its slot', () => {
    const input = upload(new Float32Array(4));
    for (const start of [-1n, 3n, 2n ** 62n, -(2n ** 63n), 2n ** 63n - 1n]) {
      const status = attempt(Int32Array.of(input.handle), encodeArgs([start]), [new Storage(8)], new Int32Array(1));
      expect(status).toBe(addonStatus.outOfBounds);
      expect(addon().lastError()).toBe('argument 0 moves an operand out of slot 0');
    }
  });

  test('an input that is too small', () => {
    const input = upload(new Float32Array(5));
    const status = addon().run(
      load(product(2, 3, 2)),
      Int32Array.of(input.handle, input.handle),
      new Float64Array(0),
      [new Storage(16)],
      new Int32Array(1),
    );
    expect(status).toBe(addonStatus.outOfBounds);
    expect(addon().lastError()).toBe('input 0 has 20 bytes, 24 are read');
  });

  test('wrong counts', () => {
    const input = upload(new Float32Array(4)).handle;
    const args = encodeArgs([0n]);
    expect(attempt(Int32Array.of(), args, [new Storage(8)], new Int32Array(1))).toBe(addonStatus.outOfBounds);
    expect(attempt(Int32Array.of(input), new Float64Array(2), [new Storage(8)], new Int32Array(1))).toBe(addonStatus.outOfBounds);
    expect(attempt(Int32Array.of(input), args, [], new Int32Array(1))).toBe(addonStatus.outOfBounds);
    expect(attempt(Int32Array.of(input), args, [new Storage(8)], new Int32Array(3))).toBe(addonStatus.outOfBounds);
  });

  test('values of the wrong kind', () => {
    const input = upload(new Float32Array(4)).handle;
    const args = encodeArgs([0n]);
    for (const owners of [null, 7, {}, [1], ['x'], [undefined]]) {
      expect(attempt(Int32Array.of(input), args, owners, new Int32Array(1))).toBe(addonStatus.outOfBounds);
    }
    const anything = addon() as unknown as Record<string, (...args: unknown[]) => number>;
    for (const value of [undefined, null, 'x', {}, [], Number.NaN, 1.5, -1, 2 ** 40, Symbol('s'), new Int8Array(4)]) {
      for (const name of [
        'load',
        'unload',
        'run',
        'runAsync',
        'upload',
        'download',
        'view',
        'release',
        'setMemoryLimit',
        'setCacheLimit',
      ]) {
        if (name.startsWith('set') && typeof value === 'number' && value >= 0) continue;
        const result = anything[name](value, value, value, value, value, value);
        expect(result === null || result <= 0).toBe(true);
      }
    }
    for (const name of Object.keys(anything)) expect(() => anything[name]()).not.toThrow();
  });

  test('a list of owners that detaches the arrays while it is read', () => {
    const input = upload(new Float32Array(4)).handle;
    const outputs = new Int32Array(1);
    const owners = [new Storage(8)];
    Object.defineProperty(owners, 0, {
      get() {
        structuredClone(outputs, { transfer: [outputs.buffer] });
        return new Storage(8);
      },
    });
    expect(attempt(Int32Array.of(input), encodeArgs([0n]), owners, outputs)).toBe(addonStatus.detached);
  });
});

describe('handles', () => {
  test('forged and stale ones find nothing', () => {
    const storage = upload(Uint8Array.of(1, 2, 3));
    const target = new Uint8Array(1);
    for (const forged of [0, -1, storage.handle + 1, storage.handle | (1 << 24), 2 ** 31 - 1, 2 ** 24, Number.NaN, 1e300]) {
      expect(addon().download(forged, 0, target)).toBe(addonStatus.invalidHandle);
      expect(addon().view(forged)).toBeNull();
      addon().release(forged);
    }
    expect(addon().download(storage.handle, 2, target)).toBe(addonStatus.ok);
    addon().release(storage.handle);
    addon().release(storage.handle);
    expect(addon().download(storage.handle, 0, target)).toBe(addonStatus.invalidHandle);
    for (let i = 0; i < 1000; i++) {
      const other = upload(Uint8Array.of(9));
      expect(other.handle).not.toBe(storage.handle);
      addon().release(other.handle);
    }
  });

  test('programs', () => {
    const handle = load(window(2, float32));
    const before = addon().memory()[4];
    addon().unload(handle);
    addon().unload(handle);
    expect(addon().memory()[4]).toBe(before - 1);
    const status = addon().run(handle, new Int32Array(1), new Float64Array(1), [new Storage(8)], new Int32Array(1));
    expect(status).toBe(addonStatus.invalidHandle);
  });
});

describe('memory', () => {
  test('is counted, pooled and cleared', () => {
    const before = addon().memory();
    const storage = upload(new Uint8Array(100_000));
    const [active, peak, , live] = addon().memory();
    expect(active).toBe(before[0] + 100_000);
    expect(peak).toBeGreaterThanOrEqual(active);
    expect(live).toBe(before[3] + 1);
    addon().release(storage.handle);
    expect(addon().memory()[0]).toBe(before[0]);
    expect(addon().memory()[2]).toBeGreaterThanOrEqual(100_000);
    addon().clearCache();
    expect(addon().memory()[2]).toBeLessThan(5e6);
    addon().resetPeakMemory();
    expect(addon().memory()[1]).toBe(before[0]);
  });

  test('absurd sizes are out of memory, and nothing else breaks', () => {
    const bytes = 2 ** 50;
    const huge: ProgramSpec = {
      inputs: 1,
      outputs: [bytes],
      steps: [
        {
          kind: 'gather',
          indexShape: [],
          sourceShape: [bytes / 4],
          sliceShape: [bytes / 4],
          axes: [],
          source: { slot: 0, dtype: float32, strides: [0] },
          indices: [],
          out: contiguous(1, float32, [bytes / 4]),
        },
      ],
    };
    const input = upload(new Float32Array(1));
    expect(() => run(load(huge), huge, [input])).toThrow(/^\[run\] 1125899906842624 bytes could not be allocated: .* are in use$/);
    const arena = windowThrough(2, float32, bytes);
    expect(() => run(load(arena), arena, [upload(new Float32Array(2))], [0n])).toThrow('could not be allocated');
    expect(download(input, new Float32Array(1))).toEqual(new Float32Array(1));
  });

  test('the limit holds', () => {
    const active = addon().memory()[0];
    const former = addon().setMemoryLimit(active + 1000);
    try {
      expect(() => upload(new Uint8Array(2000))).toThrow('[upload] 2000 bytes could not be allocated');
      upload(new Uint8Array(500));
    } finally {
      expect(addon().setMemoryLimit(former)).toBe(active + 1000);
    }
  });

  test('the cache keeps to its limit', () => {
    const former = addon().setCacheLimit(50_000);
    try {
      addon().clearCache();
      for (const storage of [20_000, 20_000, 40_000].map((bytes) => upload(new Uint8Array(bytes)))) addon().release(storage.handle);
      expect(addon().memory()[2]).toBeLessThanOrEqual(50_000 + 5e6);
    } finally {
      addon().setCacheLimit(former);
    }
  });
});

describe('detached memory', () => {
  test('is refused', () => {
    const bytes = new Uint8Array(8);
    structuredClone(bytes, { transfer: [bytes.buffer] });
    expect(addon().upload(bytes, new Storage(8))).toBe(addonStatus.detached);
    const storage = upload(new Uint8Array(8));
    expect(addon().download(storage.handle, 0, bytes)).toBe(addonStatus.detached);
  });
});

describe('programs that are refused', () => {
  const valid = product(2, 3, 2);
  const step = valid.steps[0] as Extract<ProgramSpec['steps'][number], { kind: 'matmul' }>;
  const change = (changes: Partial<typeof step>): ProgramSpec => ({ ...valid, steps: [{ ...step, ...changes }] });

  test.each<[string, ProgramSpec]>([
    ['an input is written', change({ out: { ...step.out, slot: 0 } })],
    ['names no slot', change({ a: { ...step.a, slot: 3 } })],
    ['a slot is read before it is written', change({ a: { ...step.a, slot: 2 } })],
    ['ends after its slot', change({ out: { ...step.out, offset: 1 } })],
    ['begins before its slot', change({ a: { ...step.a, offset: -1 } })],
    ['an element is written twice', change({ out: { ...step.out, strides: [1, 1] } })],
    ['an element is written twice', change({ out: { ...step.out, strides: [0, 1] } })],
    ['one dtype', change({ a: { ...step.a, dtype: int64 } })],
    ['an offset names no argument', change({ a: { ...step.a, offsetArg: 0 } })],
    ['a size is negative', change({ m: -1 })],
    ['a size overflows', change({ m: 2 ** 53, n: 2 ** 53 })],
    ['a size overflows', change({ a: { ...step.a, strides: [2 ** 60, 1] } })],
    ['an output is never written', { ...valid, steps: [] }],
    ['is not inside the arena', { ...valid, temporaries: [{ offset: 64, byteLength: 1 }], arenaBytes: 64 }],
    ['is not inside the output', { ...valid, temporaries: [{ output: 0, offset: 0, byteLength: 1e6 }] }],
    ['an output that does not exist', { ...valid, temporaries: [{ output: 7, offset: 0, byteLength: 1 }] }],
    ['multiple of 64', { ...valid, temporaries: [{ offset: 8, byteLength: 8 }], arenaBytes: 64 }],
    ['absurd', { ...valid, arenaBytes: -64 }],
  ])('%s', (text, program) => {
    expect(refusal(program)).toContain(text);
  });

  test('words that are cut off or appended', () => {
    const words = encode(several());
    for (let length = 0; length < words.length; length++) {
      expect(addon().load(words.slice(0, length))).toBe(addonStatus.invalidProgram);
      const renumbered = words.slice(0, length);
      if (length > 2) renumbered[2] = length;
      expect(addon().load(renumbered)).toBe(addonStatus.invalidProgram);
    }
    const longer = Int32Array.of(...words, 0);
    longer[2] = longer.length;
    expect(addon().load(longer)).toBe(addonStatus.invalidProgram);
  });
});
