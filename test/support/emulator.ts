/** The emulated GPU as tests use it: imported first, it makes this the GPU that the library loads; it answers what Metal does not tell. */

import { join } from 'node:path';

export interface Emulator {
  /** Live objects of a protocol of Metal ('MTLBuffer', …), or of all. */
  live(protocol?: string): number;
  /** Functions that were compiled for the device, and not found in an archive. */
  compilations(): number;
  /** What happened to command buffers, one a line: `committed <name>`, `began <name>`, `ended <name>`. */
  events(): string;
  /** What a GPU would not have forgiven, one a line. */
  faults(): string;
  clearFaults(): void;
  /** The next `count` command buffers fail with this MTLCommandBufferError, without running. */
  fail(error: number, count: number): void;
  /** Compiles MSL text for a function of it: the compiler's message, or an empty text. */
  compile(source: string, name: string): string;
}

process.env.METALGRAD_METAL = 'emulator';

export function emulator(): Emulator {
  const find: (root: string) => unknown = require('node-gyp-build');
  return (find(join(__dirname, '..', '..', 'build-cmake', 'emulator')) as { emulator: Emulator }).emulator;
}
