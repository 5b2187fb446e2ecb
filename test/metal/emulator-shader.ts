/** Runs MSL texts on the emulator, without a device around them. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';

export type Memory = Float32Array | Uint32Array | Int32Array | Uint16Array | Uint8Array | BigInt64Array;

export interface Request {
  readonly source: string;
  readonly kernel: string;
  /** At index 0, 1, …: side by side in memory. Null where nothing is bound. */
  readonly buffers: readonly (Memory | null)[];
  readonly groups?: readonly number[];
  readonly threads?: readonly number[];
  readonly threadgroupBytes?: number;
  readonly seed?: number;
  readonly constants?: readonly { index: number; type: string; value: number }[];
  /** Bytes of what is bound at `index` that an earlier command uses, which nothing says has ended. */
  readonly hazards?: readonly { index: number; offset: number; bytes: number; written: boolean }[];
  /** Bytes of 0xff count as memory that nothing wrote. */
  readonly unwritten?: boolean;
}

export interface Seen {
  /** `<kind> in <kernel> at <file>:<line>: <detail>` */
  readonly faults: string[];
  /** Index, offset, bytes, written. */
  readonly ranges: [number, number, number, boolean][];
  readonly error: string;
  readonly staticBytes: number;
  readonly maxThreads: number;
  /** What the offset of each buffer must be a multiple of. */
  readonly alignments: number[];
}

interface Addon {
  compile(source: string): { error: string; names: string[] };
  run(request: Request): Seen;
}

export const shaderAddonFile = join(__dirname, '..', '..', 'build-cmake', 'emulator', 'Release', 'emulator_shader_tests.node');

export function shaderAddon(): Addon {
  if (!existsSync(shaderAddonFile)) throw new Error(`${shaderAddonFile} is not there: node scripts/build.mjs --emulator`);
  return require(shaderAddonFile) as Addon;
}

export const header = '#include <metal_stdlib>\n#include <metal_simdgroup_matrix>\nusing namespace metal;\n';

/** A kernel `k` over `in` (index 0) and `out` (index 1), with names for where a thread is. `body` begins on line 8. */
export function kernelText(body: string, type = 'float', before = ''): string {
  return `${header}${before}
kernel void k(device const ${type}* in [[buffer(0)]], device ${type}* out [[buffer(1)]],
    uint i [[thread_position_in_grid]], uint t [[thread_index_in_threadgroup]],
    uint lane [[thread_index_in_simdgroup]], uint sg [[simdgroup_index_in_threadgroup]], uint group [[threadgroup_position_in_grid]]) {
${body}
}
`;
}

/** Runs `kernelText(body)`, and says what it saw. */
export function play(body: string, request: Partial<Request> = {}, type = 'float', before = ''): Seen {
  const seen = shaderAddon().run({
    source: kernelText(body, type, before),
    kernel: 'k',
    buffers: [new Float32Array(64).fill(1), new Float32Array(64)],
    threads: [64],
    seed: 1,
    ...request,
  });
  if (seen.error !== '') throw new Error(seen.error);
  return seen;
}

/** What `body` computes: one element of `out` for each of `input`, in threadgroups of at most 64. */
export function compute<T extends Memory>(body: string, input: Memory, out: T, type = 'float', before = ''): T {
  const threads = Math.min(64, out.length);
  const seen = play(body, { buffers: [input, out], threads: [threads], groups: [Math.ceil(out.length / threads)] }, type, before);
  if (seen.faults.length > 0) throw new Error(seen.faults.join('\n'));
  return out;
}
