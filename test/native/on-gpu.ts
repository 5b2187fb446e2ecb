/**
 * For tests of steps on the GPU: makes it the device of programs that name none. METALGRAD_METAL=emulator must be set for
 * the whole process, since native code reads it too; a Mac has a GPU of its own.
 */

import { setDefaultDevice } from './encode';

/** Whether there is a GPU. */
export const hasGpu = process.platform === 'darwin' || process.env.METALGRAD_METAL === 'emulator';

/** Runs the tests of a file on the GPU, or skips them. */
export function onGpu(load: () => unknown): void {
  if (hasGpu) {
    setDefaultDevice('gpu');
    load();
  } else {
    test.skip('needs a GPU', () => undefined);
  }
}
