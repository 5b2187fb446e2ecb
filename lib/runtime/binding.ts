/** Loads the addon, one instance for each instance of the library, and turns its statuses into errors. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { codedError } from '../errors';
import { type Addon, addonStatus } from './addon';

/** What the addon's file exports: state belongs to an instance, not to the file, which Node loads once a thread. */
interface AddonFile {
  create(): Addon;
}

let instance: Addon | undefined;

/** The addon of this library instance, loaded at the first call. */
export function addon(): Addon {
  instance ??= load().create();
  return instance;
}

/**
 * Both `lib/runtime` in the checkout and `dist/runtime` in the package lie two folders below the package. In a checkout,
 * METALGRAD_METAL=emulator loads the build whose GPU is emulated.
 */
function load(): AddonFile {
  const root = join(__dirname, '..', '..');
  const emulator = join(root, 'build-cmake', 'emulator');
  const emulated = process.env.METALGRAD_METAL === 'emulator';
  if (emulated && !existsSync(join(emulator, 'build', 'Release', 'metalgrad.node'))) {
    const reason = 'METALGRAD_METAL=emulator, but the emulator is not built: run `node scripts/build.mjs --emulator` in a checkout';
    throw codedError('metalgrad', 'METALGRAD_ADDON', reason);
  }
  try {
    const find: (root: string) => unknown = require('node-gyp-build');
    return find(emulated ? emulator : root) as AddonFile;
  } catch (error) {
    const reason = error instanceof Error ? error.message.trim() : String(error);
    throw codedError('metalgrad', 'METALGRAD_ADDON', `the native addon could not be loaded: ${reason}`);
  }
}

/** Passes results (handles, `ok`) through; throws what a negative status of the last call on this instance says. */
export function check(where: string, status: number): number {
  if (status >= 0) return status;
  throw statusError(where, status, addon().lastError());
}

/** The error for a negative status with its text. */
export function statusError(where: string, status: number, message: string): Error {
  switch (status) {
    case addonStatus.outOfMemory:
      return codedError(where, 'METALGRAD_OUT_OF_MEMORY', message);
    case addonStatus.detached:
      return codedError(where, 'METALGRAD_DETACHED', message);
    case addonStatus.invalidHandle:
      return codedError(where, 'METALGRAD_DISPOSED', message);
    default:
      return codedError(where, 'METALGRAD_DEVICE', message);
  }
}
