/** The emulated Metal device's own answers, where METALGRAD_METAL=emulator has it loaded: objects alive, faults seen. */

import { join } from 'node:path';

export interface Emulator {
  /** Live objects of a protocol of Metal (`MTLBuffer`) or of a class (`NSError`); of all protocols without a name. */
  live(name?: string): number;
  /** Live Objective-C objects of whatever class. */
  objects(): number;
  faultCount(): number;
  /** Their texts, one a line. */
  faults(): string;
  clearFaults(): void;
  /** The next `count` command buffers fail with this MTLCommandBufferError. */
  fail(error: number, count: number): void;
}

/** Null where the GPU is not the emulated one. */
export function emulator(): Emulator | null {
  if (process.env.METALGRAD_METAL !== 'emulator') return null;
  const file = join(__dirname, '..', '..', 'build-cmake', 'emulator', 'build', 'Release', 'metalgrad.node');
  return (require(file) as { emulator: Emulator }).emulator;
}
