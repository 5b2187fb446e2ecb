/** The native addon's surface, as TypeScript sees it. Every function takes and gives numbers and typed arrays. */

import type { Storage } from './storage';

/** What the device accepts in one step; the scheduler cuts to these limits. */
export interface DeviceLimits {
  /** Loads plus stores plus reductions of one kernel. */
  readonly maxOperands: number;
  /** Instructions of one kernel. */
  readonly maxInstructions: number;
  /** Bytes of the largest allocation. */
  readonly maxBlockBytes: number;
  /** Numbers of one product in a batch from which on an elementwise group is worth being its epilogue. */
  readonly minEpilogue: number;
}

/** A GPU that this build can use. */
export interface GpuDescription {
  readonly limits: DeviceLimits;
  readonly name: string;
  /** It is software that stands for a GPU in tests. */
  readonly emulated: boolean;
  /** Properties for people, in the order in which they are shown. */
  readonly info: Readonly<Record<string, string | number>>;
}

/** Negative results of addon calls. `lastError()` then has the details. */
export const addonStatus = {
  ok: 0,
  invalidProgram: -1,
  invalidHandle: -2,
  outOfMemory: -3,
  outOfBounds: -4,
  detached: -5,
  deviceFailure: -6,
} as const;

export interface Addon {
  /** Names in the order of their codes, so that both sides can be compared; the devices. */
  describe(): {
    formatVersion: number;
    dtypes: string[];
    elementwiseOps: string[];
    reduceOps: string[];
    scatterModes: string[];
    stepKinds: string[];
    routines: string[];
    devices: { cpu: { readonly limits: DeviceLimits }; gpu: GpuDescription | null };
    /** The vector instruction set chosen at run time, the BLAS and its version, the number of threads. */
    simd: string;
    blas: string;
    threads: number;
  };
  /** The text of the last failure in this environment. */
  lastError(): string;
  /** Decodes and validates a program, and compiles its kernels; a positive handle, or a negative status. `label` names it in errors of the GPU. */
  load(words: Int32Array, label?: string): number;
  unload(program: number): void;
  /**
   * Runs a program and waits. `inputs` are buffer handles, `args` the 8-byte arguments; `owners[i]` is the object whose
   * life output i shares, and `outputs[i]` receives its buffer handle. Returns a status.
   */
  run(program: number, inputs: Int32Array, args: Float64Array, owners: readonly Storage[], outputs: Int32Array): number;
  /** The same, but returns at once; `done(status, message)` is called from the event loop. Handles are valid at once: later runs wait. */
  runAsync(
    program: number,
    inputs: Int32Array,
    args: Float64Array,
    owners: readonly Storage[],
    outputs: Int32Array,
    done: (status: number, message: string) => void,
  ): number;
  /** Waits until every asynchronous run of this environment has ended. */
  synchronize(): void;
  /** A new buffer that holds a copy of `bytes`; a handle or a negative status. */
  upload(bytes: Uint8Array, owner: Storage): number;
  /** Copies `target.length` bytes from `byteOffset` on into `target`. Waits for the buffer to be written. */
  download(buffer: number, byteOffset: number, target: Uint8Array): number;
  /** The buffer's own memory as an ArrayBuffer, which keeps it alive. Null where external buffers are refused, or for a failure. */
  view(buffer: number): ArrayBuffer | null;
  /** Frees a buffer now (dispose). Runs in flight and views keep its memory until they end. */
  release(buffer: number): void;
  /** Frees the buffers whose owners were collected; returns how many. */
  collect(): number;
  /** [active bytes, peak bytes, cached bytes, live buffers, live programs, memory limit, cache limit]. */
  memory(): Float64Array;
  resetPeakMemory(): void;
  clearCache(): void;
  /** Records what the GPU does until `stopCapture` into a file that Xcode reads. A status. */
  startCapture(path: string): number;
  stopCapture(): number;
  /** Each returns the former limit. */
  setMemoryLimit(bytes: number): number;
  setCacheLimit(bytes: number): number;
}
