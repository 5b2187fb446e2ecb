/** Faults planted in shaders, which the emulator must see with the kernel, the line and the threads; what is right must pass. */

import { Worker } from 'node:worker_threads';
import { header, kernelText, play, shaderAddon, shaderAddonFile } from './emulator-shader';

// The emulator exists on Linux.
const onLinux = process.platform === 'linux' ? describe : describe.skip;

// Bodies begin on line 8.
const line = 8;

interface Planted {
  readonly body: string;
  readonly fault: RegExp;
  readonly request?: Parameters<typeof play>[1];
  readonly type?: string;
}

const thread = String.raw`thread \(\d+, 0, 0\) of threadgroup \(\d+, 0, 0\)`;

const faults: Record<string, Planted> = {
  'two threads of a threadgroup write one element': {
    body: 'out[i / 2] = 1.0f;',
    fault: RegExp(`^race in k at shader:${line}: ${thread} writes 4 bytes at byte \\d+ of buffer\\(1\\), which ${thread} wrote`),
  },
  'threads of two threadgroups write one element': {
    body: 'out[t] = 1.0f;',
    fault: RegExp(`^race in k at shader:${line}: ${thread} writes .* of buffer\\(1\\), which ${thread} wrote`),
    request: { groups: [2], threads: [32] },
  },
  'a thread reads what another one writes': {
    body: 'out[i] = 1.0f;\nout[i] += out[(i + 1) % 64];',
    fault: RegExp(`^race in k at shader:${line + 1}: ${thread} (reads|writes) .* which ${thread} (wrote|\\(among others\\) read|read)`),
  },
  'a barrier orders threadgroup memory, not device memory': {
    body: 'out[i] = 1.0f;\nthreadgroup_barrier(mem_flags::mem_threadgroup);\nfloat x = out[63 - i];\nthreadgroup_barrier(mem_flags::mem_device);\nout[i] = x;',
    fault: RegExp(`^race in k at shader:${line + 2}: ${thread} reads .* of buffer\\(1\\), which ${thread} wrote`),
  },
  'a barrier is missing between writing and reading threadgroup memory': {
    body: 'threadgroup float tile[64];\ntile[t] = in[i];\nout[i] = tile[63 - t];',
    fault: RegExp(`^(race|uninitialized read) in k at shader:${line + (1 + 1)}: ${thread} reads .* of threadgroup variable 0`),
  },
  'a barrier is missing after reading threadgroup memory': {
    body: 'threadgroup float tile[64];\ntile[t] = in[i];\nthreadgroup_barrier(mem_flags::mem_threadgroup);\nfloat x = tile[63 - t];\ntile[t] = x;\nout[i] = x;',
    fault: RegExp(`^race in k at shader:${line + 3}|^race in k at shader:${line + 4}: ${thread} writes .* of threadgroup variable 0`),
  },
  'a SIMD-group barrier does not order two SIMD groups': {
    body: 'threadgroup float tile[64];\ntile[t] = in[i];\nsimdgroup_barrier(mem_flags::mem_threadgroup);\nout[i] = tile[63 - t];',
    fault: RegExp(`^(race|uninitialized read) in k at shader:${line + 3}: ${thread} reads`),
  },
  'a race of bytes in one word': {
    body: 'out[i / 2 * 2] = uchar(i);',
    fault: /^race in k at shader:8: .* writes 1 bytes at byte \d+ of buffer\(1\)/,
    type: 'uchar',
  },
  'a plain write races with an atomic one': {
    body: 'if (i == 0) ((device uint*)out)[0] = 1u;\natomic_fetch_add_explicit((device atomic_uint*)out, 1u, memory_order_relaxed);',
    fault: /^race in k at shader:(8|9): /,
  },
  'two bindings of one array race': {
    body: 'out[i] = in[(i + 1) % 64];',
    fault: /^race in k at shader:8: /,
    request: (() => {
      const shared = new Float32Array(64);
      return { buffers: [shared, shared] };
    })(),
  },
  'some threads return before a barrier': {
    body: 'if (t > 40) return;\nthreadgroup_barrier(mem_flags::mem_none);\nout[i] = 0.0f;',
    fault: RegExp(`^divergent barrier in k at shader:${line + 1}: ${thread} waits at a barrier, and ${thread} has ended`),
  },
  'threads wait at two barriers': {
    body: 'if (t > 31) {\nthreadgroup_barrier(mem_flags::mem_none);\n} else {\nthreadgroup_barrier(mem_flags::mem_none);\n}\nout[i] = 0.0f;',
    fault: RegExp(`^divergent barrier in k at shader:(9|11): ${thread} waits at a barrier, and ${thread} waits at another one`),
  },
  'a lane does not reach a SIMD-group operation': {
    body: 'if (lane != 3) {\nout[i] = simd_sum(in[i]);\n} else {\nthreadgroup_barrier(mem_flags::mem_none);\n}',
    fault: RegExp(`^divergent SIMD-group operation in k at shader:9: ${thread} waits for its SIMD group, and ${thread} waits at a barrier`),
  },
  'lanes are at two SIMD-group operations': {
    body: 'if (lane < 16) {\nout[i] = simd_sum(in[i]);\n} else {\nout[i] = simd_max(in[i]);\n}',
    fault: RegExp(`^divergent SIMD-group operation in k at shader:(9|11): ${thread} .* is at another operation`),
  },
  'a shuffle reads a lane that has ended': {
    body: 'if (lane == 31) return;\nout[i] = simd_shuffle(in[i], ushort(31));',
    fault: RegExp(`^divergent SIMD-group operation in k at shader:9: ${thread} reads the value of a lane that takes no part`),
  },
  'a matrix in a SIMD group of 16 threads': {
    body: 'simdgroup_matrix<float, 8, 8> m;\nsimdgroup_load(m, in, 8);\nout[i] = m.thread_elements()[0];',
    fault: /^divergent SIMD-group operation in k at shader:9: .* SIMD group of 16 threads/,
    request: { threads: [16] },
  },
  'a read beyond a buffer that lands in the next one': {
    body: 'out[i] = in[i + 1];',
    fault: RegExp(
      `^out of bounds in k at shader:${line}: thread \\(63, 0, 0\\) of threadgroup \\(0, 0, 0\\) reads 4 bytes at byte 256 of buffer\\(0\\), which has 256`,
    ),
  },
  'a read before a buffer': {
    body: 'out[i] = in[int(i) - 1];',
    fault: /^out of bounds in k at shader:8: thread \(0, 0, 0\) .* at byte -4 of buffer\(0\)/,
  },
  'a write beyond a buffer': {
    body: 'out[i + 1] = 0.0f;',
    fault: /^out of bounds in k at shader:8: thread \(63, 0, 0\) .* writes 4 bytes at byte 256 of buffer\(1\)/,
  },
  'a write far away': {
    body: 'out[i * 123456789u] = 0.0f;',
    fault: /^out of bounds in k at shader:8: .* of buffer\(1\)/,
  },
  'a buffer that is not bound': {
    body: 'out[i] = in[i];',
    fault: /^out of bounds in k at shader:8: .* reads buffer\(0\), to which nothing is bound/,
    request: { buffers: [null, new Float32Array(64)] },
  },
  'a null pointer': {
    body: 'device float* p = i == 5 ? (device float*)0 : out + i;\n*p = 1.0f;',
    fault: /^out of bounds in k at shader:9: thread \(5, 0, 0\) .* writes through a null pointer/,
  },
  'an index beyond threadgroup memory': {
    body: 'threadgroup float a[64];\nthreadgroup float b[64];\nthreadgroup float* p = a;\np[t + 1] = in[i];\nb[t] = 1.0f;\nout[i] = b[t];',
    fault: /^out of bounds in k at shader:11: thread \(63, 0, 0\) .* at byte 256 of threadgroup memory of 256/,
  },
  'an index beyond a local array': {
    body: 'float a[4] = {1, 2, 3, 4};\nout[i] = a[i];',
    fault: RegExp(`^undefined operation in k at shader:9: ${thread} uses an index outside of an array`),
  },
  'an integer divided by zero': {
    body: 'out[i] = float(10 / int(in[i] - 1.0f));',
    fault: RegExp(`^undefined operation in k at shader:8: ${thread} divides an integer by zero`),
  },
  'a shift by 32': {
    body: 'out[i] = float(1u << (i + 31u));',
    fault: RegExp(`^undefined operation in k at shader:8: ${thread} shifts by more bits than there are`),
  },
  'device memory that nothing wrote': {
    body: 'out[i] = in[i];',
    fault: /^uninitialized read in k at shader:8: thread \(9, 0, 0\) .* reads 4 bytes at byte 36 of buffer\(0\), which nothing wrote/,
    request: (() => {
      const input = new Float32Array(64);
      new Uint32Array(input.buffer)[9] = 0xffffffff;
      return { buffers: [input, new Float32Array(64)], unwritten: true };
    })(),
  },
  'threadgroup memory that nothing wrote': {
    body: 'threadgroup float tile[65];\ntile[t] = in[i];\nthreadgroup_barrier(mem_flags::mem_threadgroup);\nout[i] = tile[t + 1];',
    fault: /^uninitialized read in k at shader:11: thread \(63, 0, 0\) .* reads 4 bytes at byte 256 of threadgroup variable 0/,
  },
  'threadgroup memory that the threadgroup before wrote': {
    body: 'threadgroup float tile[64];\nif (group == 0) tile[t] = in[i];\nthreadgroup_barrier(mem_flags::mem_threadgroup);\nout[i] = tile[t];',
    fault: /^uninitialized read in k at shader:11: .* of threadgroup \([12], 0, 0\)/,
    request: { groups: [3], buffers: [new Float32Array(192), new Float32Array(192)] },
  },
  'more threadgroup memory than there is': {
    body: 'threadgroup float tile[8193];\ntile[t] = in[i];\nout[i] = tile[t];',
    fault: /^threadgroup memory in k at .*: 32772 bytes are more than 32768/,
  },
  'recursion without end': {
    body: 'out[i] = down(float(i));',
    fault: RegExp(`^(stack overflow) in k at shader:\\d+: ${thread} has used up its stack`),
  },
  'a parameter that is longer than its buffer': {
    body: '',
    fault: /^out of bounds in k at : buffer\(0\) has 256 bytes of the 1024 of its parameter/,
  },
};
// Functions that these need before the kernel.
const before: Record<string, string> = {
  'recursion without end':
    'template <typename T> T down(T x) { float a[64]; a[int(x) % 64] = x; return down<T>(x + 1.0f) + a[int(x) % 7]; }',
};

onLinux('the checks of shaders', () => {
  test.each(Object.entries(faults))('%s', (name, { body, fault, request, type }) => {
    if (name === 'a parameter that is longer than its buffer') {
      const source = `${header}struct P { float x[256]; };\nkernel void k(constant P& p [[buffer(0)]], device float* out [[buffer(1)]]) { out[0] = p.x[0]; }\n`;
      const seen = shaderAddon().run({ source, kernel: 'k', buffers: [new Float32Array(64), new Float32Array(64)] });
      expect(seen.faults).toEqual([expect.stringMatching(fault)]);
      return;
    }
    const seen = play(body, request, type, before[name]);
    expect(seen.faults).toEqual(expect.arrayContaining([expect.stringMatching(fault)]));
    for (const text of seen.faults) expect(text).toMatch(/ in k at /);
  });

  const right: Record<string, Planted['body']> = {
    'one element a thread': 'out[i] = in[i];',
    'all read one element': 'out[i] = in[7];',
    'reads after a barrier':
      'threadgroup float tile[64];\ntile[t] = in[i];\nthreadgroup_barrier(mem_flags::mem_threadgroup);\nout[i] = tile[63 - t];',
    'writes after a barrier':
      'threadgroup float tile[64];\ntile[t] = in[i];\nthreadgroup_barrier(mem_flags::mem_threadgroup);\nfloat x = tile[63 - t];\nthreadgroup_barrier(mem_flags::mem_threadgroup);\ntile[t] = x;\nout[i] = tile[t];',
    'device memory after a barrier':
      'out[i] = 1.0f;\nthreadgroup_barrier(mem_flags::mem_device);\nfloat x = out[63 - i];\nthreadgroup_barrier(mem_flags::mem_device);\nout[i] = x;',
    'a SIMD group and its barrier':
      'threadgroup float tile[64];\ntile[t] = in[i];\nsimdgroup_barrier(mem_flags::mem_threadgroup);\nout[i] = tile[sg * 32 + 31 - lane];',
    'a barrier in a loop':
      'threadgroup float s;\nfor (uint k = 0; k < 64; k++) {\nif (t == k) s = float(k);\nthreadgroup_barrier(mem_flags::mem_threadgroup);\nout[i] = s;\nthreadgroup_barrier(mem_flags::mem_threadgroup);\n}',
    'SIMD groups that go apart': 'if (sg == 0) {\nout[i] = simd_sum(in[i]);\n} else {\nout[i] = simd_max(in[i]);\n}',
    'lanes that have ended take no part': 'if (lane > 9) return;\nout[i] = simd_sum(in[i]);',
    'atomics do not race':
      'atomic_fetch_add_explicit((device atomic_uint*)out, 1u, memory_order_relaxed);\natomic_fetch_max_explicit((device atomic_int*)out + 1, int(i), memory_order_relaxed);',
    'a threadgroup atomic':
      'threadgroup atomic_uint n;\nif (t == 0) atomic_store_explicit(&n, 0u, memory_order_relaxed);\nthreadgroup_barrier(mem_flags::mem_threadgroup);\natomic_fetch_add_explicit(&n, 1u, memory_order_relaxed);\nthreadgroup_barrier(mem_flags::mem_threadgroup);\nout[i] = float(atomic_load_explicit(&n, memory_order_relaxed));',
    'a pointer into a local array': 'float a[4] = {1, 2, 3, 4};\nthread float* p = a + i % 4;\nout[i] = *p;',
  };
  test.each(Object.entries(right))('%s: nothing is wrong', (_name, body) => {
    for (let seed = 1; seed <= 3; seed++) expect(play(body, { seed }).faults).toEqual([]);
  });

  test('an endless loop ends', () => {
    const text = `
      const addon = require(${JSON.stringify(shaderAddonFile)});
      const seen = addon.run({ source: ${JSON.stringify(kernelText('uint x = i;\nwhile (x != 1u) x = x * 2u + 2u;\nout[i] = float(x);'))},
        kernel: 'k', buffers: [new Float32Array(64), new Float32Array(64)], threads: [64], seed: 1 });
      console.log(JSON.stringify(seen.faults));`;
    const { stdout, status } = require('node:child_process').spawnSync(process.execPath, ['-e', text], {
      env: { ...process.env, METALGRAD_EMULATOR_SECONDS: '1' },
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual([expect.stringMatching(/^endless loop in k at shader:9: thread/)]);
  });

  test('the process goes on after a fault, and finds the same again', () => {
    const plant = () =>
      play(
        'threadgroup float tile[64];\ntile[t] = in[i];\nthreadgroup_barrier(mem_flags::mem_threadgroup);\nout[i] = in[i + uint(tile[t])];',
      ).faults;
    expect(plant()).toEqual(plant());
    expect(play('out[i] = simd_sum(in[i]);').faults).toEqual([]);
  });

  test('ranges that were touched are told exactly', () => {
    const { ranges } = play('if (i < 8) out[i * 2] = in[i + 4];');
    expect(ranges.filter(([index]) => index === 0)).toEqual([[0, 16, 32, false]]);
    expect(ranges.filter(([index]) => index === 1)).toEqual(Array.from({ length: 8 }, (_, k) => [1, k * 8, 4, true]));
  });

  test('orders are random, and a seed gives the same one again', () => {
    const counted = (seed: number) => {
      const out = new Uint32Array(65);
      play(
        'out[i + 1] = atomic_fetch_add_explicit((device atomic_uint*)out, 1u, memory_order_relaxed);',
        { seed, buffers: [new Uint32Array(65), out] },
        'uint',
      );
      return [...out].join();
    };
    expect(counted(1)).toBe(counted(1));
    expect(counted(1)).not.toBe(counted(2));
  });

  test('it works in several workers at once', async () => {
    const source = kernelText(
      'threadgroup float tile[64];\ntile[t] = in[i];\nthreadgroup_barrier(mem_flags::mem_threadgroup);\nout[i] = simd_sum(tile[63 - t]);',
    );
    const script = `
      const { workerData, parentPort } = require('node:worker_threads');
      const addon = require(${JSON.stringify(shaderAddonFile)});
      let wrong = 0;
      for (let k = 0; k < 20; k++) {
        const out = new Float32Array(64 * 50);
        const seen = addon.run({ source: workerData, kernel: 'k', buffers: [new Float32Array(64 * 50).fill(1), out], groups: [50], threads: [64], seed: k });
        if (seen.faults.length > 0 || out.some((x) => x !== 32)) wrong++;
        const bad = addon.run({ source: workerData, kernel: 'k', buffers: [new Float32Array(64), out], groups: [50], threads: [64], seed: k });
        if (!/out of bounds/.test(bad.faults.join())) wrong++;
      }
      parentPort.postMessage(wrong);`;
    const results = Array.from(
      { length: 4 },
      () =>
        new Promise((resolve, reject) => {
          const worker = new Worker(script, { eval: true, workerData: source });
          worker.on('message', resolve);
          worker.on('error', reject);
        }),
    );
    expect(await Promise.all(results)).toEqual([0, 0, 0, 0]);
  });
});
