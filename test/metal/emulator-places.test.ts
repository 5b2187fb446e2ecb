/** Faults that one thread of one threadgroup makes, somewhere in a grid of three axes: they are reported with exactly those, and the line. */

import { header, type Request, type Seen, shaderAddon } from './emulator-shader';

// The emulator exists on Linux.
const onLinux = process.platform === 'linux' ? describe : describe.skip;

const groups = [2, 3, 2];
const threads = [8, 4, 2];
const perGroup = 64;
const count = perGroup * 12;

/** `here` is true in threadgroup (1, 2, 1) alone; `i` counts all threads, `t` those of the threadgroup. */
const before = `${header}kernel void k(device const float* in [[buffer(0)]], device float* out [[buffer(1)]],
    uint3 group [[threadgroup_position_in_grid]], uint3 groups [[threadgroups_per_grid]], uint t [[thread_index_in_threadgroup]]) {
  const uint place = group.x + groups.x * (group.y + groups.y * group.z), i = place * 64 + t;
  const bool here = group.x == 1 && group.y == 2 && group.z == 1;
`;
const line = before.split('\n').length;

function play(body: string, request: Partial<Request> = {}): Seen {
  const buffers = [new Float32Array(count).fill(1), new Float32Array(count)];
  const seen = shaderAddon().run({ source: `${before}${body}\n}\n`, kernel: 'k', buffers, groups, threads, seed: 1, ...request });
  if (seen.error !== '') throw new Error(seen.error);
  return seen;
}

const group = String.raw`threadgroup \(1, 2, 1\)`;
const anyThread = String.raw`thread \(\d, \d, \d\)`;

const faults: Record<string, readonly [body: string, fault: string, request?: Partial<Request>]> = {
  'a race in device memory within one threadgroup': [
    'if (here && t > 61) out[0] = float(t);',
    `^race in k at shader:${line}: thread \\([67], 3, 1\\) of ${group} writes 4 bytes at byte 0 of buffer\\(1\\), which thread \\([67], 3, 1\\) of ${group} wrote`,
  ],
  'a race in threadgroup memory': [
    'threadgroup float tile[64];\ntile[t] = in[i];\nif (here && t == 63) tile[9] = 2.0f;\nthreadgroup_barrier(mem_flags::mem_threadgroup);\nout[i] = tile[t];',
    `^race in k at shader:(${line + 1}|${line + 2}): thread \\((1, 1, 0|7, 3, 1)\\) of ${group} writes 4 bytes at byte 36 of threadgroup variable 0, which thread \\((1, 1, 0|7, 3, 1)\\) of ${group} wrote`,
  ],
  'a read that comes too early': [
    'threadgroup float tile[64];\ntile[t] = in[i];\nif (!here) threadgroup_barrier(mem_flags::mem_threadgroup);\nelse threadgroup_barrier(mem_flags::mem_device);\nout[i] = tile[63 - t];',
    `^race in k at shader:${line + 4}: ${anyThread} of ${group} reads 4 bytes .* of threadgroup variable 0, which ${anyThread} of ${group} wrote`,
  ],
  'a race between two threadgroups': [
    'if (t == 13 && (here || (group.x == 0 && group.y == 1 && group.z == 0))) out[2] = 1.0f;',
    `^race in k at shader:${line}: thread \\(5, 1, 0\\) of threadgroup \\((1, 2, 1|0, 1, 0)\\) writes 4 bytes at byte 8 of buffer\\(1\\), which thread \\(5, 1, 0\\) of threadgroup \\((1, 2, 1|0, 1, 0)\\) wrote`,
  ],
  'a barrier that one thread does not reach': [
    'if (here && t == 41) return;\nthreadgroup_barrier(mem_flags::mem_none);\nout[i] = in[i];',
    `^divergent barrier in k at shader:${line + 1}: ${anyThread} of ${group} waits at a barrier, and thread \\(1, 1, 1\\) of ${group} has ended`,
  ],
  'a SIMD-group operation that one lane does not reach': [
    'if (!(here && t == 41)) {\nout[i] = simd_sum(in[i]);\n} else {\nthreadgroup_barrier(mem_flags::mem_none);\n}',
    `^divergent SIMD-group operation in k at shader:${line + 1}: thread \\(\\d, \\d, 1\\) of ${group} waits for its SIMD group, and thread \\(1, 1, 1\\) of ${group} waits at a barrier`,
  ],
  'a shuffle from a lane that has ended': [
    'if (here && t == 41) return;\nout[i] = simd_shuffle(in[i], ushort(9));',
    `^divergent SIMD-group operation in k at shader:${line + 1}: thread \\(\\d, \\d, 1\\) of ${group} reads the value of a lane that takes no part`,
  ],
  'an access out of bounds': [
    'out[i + (here && t == 63 ? 1 : 0)] = in[i];',
    `^out of bounds in k at shader:${line}: thread \\(7, 3, 1\\) of ${group} writes 4 bytes at byte ${4 * count} of buffer\\(1\\), which has ${4 * count}`,
  ],
  'a read of threadgroup memory that nothing wrote': [
    'threadgroup float tile[64];\nif (!here || t != 20) tile[t] = in[i];\nthreadgroup_barrier(mem_flags::mem_threadgroup);\nout[i] = tile[t];',
    `^uninitialized read in k at shader:${line + 3}: thread \\(4, 2, 0\\) of ${group} reads 4 bytes at byte 80 of threadgroup variable 0`,
  ],
  'a plain write, and another thread uses the word as an atomic one': [
    'if (group.x == 0 && group.y == 0 && group.z == 0 && t == 7) out[0] = 1.0f;\nif (here && t == 9) atomic_fetch_add_explicit((device atomic_uint*)out, 1u, memory_order_relaxed);',
    `^race in k at shader:(${line}|${line + 1}): thread \\((7, 0, 0|1, 1, 0)\\) of threadgroup \\((0, 0, 0|1, 2, 1)\\) .* atomic word`,
  ],
  'a plain read of a word that another thread changes atomically': [
    'if (here && t < 32) atomic_fetch_add_explicit((device atomic_uint*)out, 1u, memory_order_relaxed);\nif (here && t == 40) out[i] = out[0];',
    `^race in k at shader:(${line}|${line + 1}): ${anyThread} of ${group} .* atomic word`,
  ],
  'a plain write of a word that another thread loads atomically': [
    'if (here && t < 32) out[i] = float(atomic_load_explicit((device atomic_uint*)out, memory_order_relaxed));\nif (here && t == 40) out[0] = 1.0f;',
    `^race in k at shader:(${line}|${line + 1}): ${anyThread} of ${group} .* atomic word`,
  ],
  'a read of what an earlier kernel writes': [
    'out[i] = here && t == 13 ? in[3] : 0.0f;',
    `^missing barrier in k at shader:${line}: thread \\(5, 1, 0\\) of ${group} reads 4 bytes at byte 12 of buffer\\(0\\), which an earlier kernel writes, and no barrier`,
    { hazards: [{ index: 0, offset: 8, bytes: 8, written: true }] },
  ],
  'a write of what an earlier kernel reads': [
    'if (!here || t == 13) out[i] = in[i];',
    `^missing barrier in k at shader:${line}: thread \\(5, 1, 0\\) of ${group} writes 4 bytes at byte ${4 * (11 * 64 + 13)} of buffer\\(1\\), which an earlier kernel reads, and no barrier`,
    { hazards: [{ index: 1, offset: 4 * 11 * 64, bytes: 256, written: false }] },
  ],
};

onLinux('faults of one thread in a grid', () => {
  test.each(Object.entries(faults))('%s', (_name, [body, fault, request]) => {
    expect(play(body, request).faults).toEqual(expect.arrayContaining([expect.stringMatching(fault)]));
  });

  const right: Record<string, readonly [body: string, request?: Partial<Request>]> = {
    'atomic words that are read as plain ones after a barrier': [
      'threadgroup atomic_uint n;\nif (t == 0) atomic_store_explicit(&n, 0u, memory_order_relaxed);\nthreadgroup_barrier(mem_flags::mem_threadgroup);\natomic_fetch_add_explicit(&n, 1u, memory_order_relaxed);\nthreadgroup_barrier(mem_flags::mem_threadgroup);\nout[i] = float(*(threadgroup uint*)&n);',
    ],
    'atomic words of other threadgroups': [
      'atomic_fetch_add_explicit((device atomic_uint*)out + place, 1u, memory_order_relaxed);\nthreadgroup_barrier(mem_flags::mem_device);\nif (t == 0) out[place] = out[place] + 1.0f;',
    ],
    'a read of what an earlier kernel reads': ['out[i] = in[i];', { hazards: [{ index: 0, offset: 0, bytes: 4 * count, written: false }] }],
    'an access beside what an earlier kernel writes': [
      'if (i != 3) out[i] = in[i];',
      { hazards: [{ index: 1, offset: 12, bytes: 4, written: true }] },
    ],
  };
  test.each(Object.entries(right))('%s: nothing is wrong', (_name, [body, request]) => {
    for (let seed = 1; seed <= 3; seed++) expect(play(body, { ...request, seed }).faults).toEqual([]);
  });
});
