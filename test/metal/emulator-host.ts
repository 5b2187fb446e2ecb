/** Plays scenes of host code on the emulated Metal device: test/metal-emulator/tests/ has them, and plants the faults. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export interface Outcome {
  /** What the command buffers of the scene failed with, and what the scene itself found wrong. */
  readonly error: string;
  /** Faults that were counted, and their texts. */
  readonly count: number;
  readonly faults: string;
  /** Objects that the scene left behind. */
  readonly leaked: number;
}

interface Addon {
  run(name: string): Outcome;
  names(): string[];
  live(): number;
  objects(): number;
  hasDevice(): boolean;
}

export const addonFile = join(__dirname, '..', '..', 'build-cmake', 'emulator', 'Release', 'emulator_host_tests.node');

export function addon(): Addon {
  if (!existsSync(addonFile)) throw new Error(`${addonFile} is not there: node scripts/build.mjs --emulator`);
  return require(addonFile) as Addon;
}

/** The same in a process of its own, with other settings of the device. */
export function playApart(name: string, settings: Record<string, string>): Outcome {
  const text = `const addon = require(${JSON.stringify(addonFile)}); console.log(JSON.stringify(addon.run(${JSON.stringify(name)})))`;
  return JSON.parse(output(text, settings)) as Outcome;
}

/** What a script prints that runs with these settings. */
export function output(script: string, settings: Record<string, string>): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
    env: { ...process.env, ...settings },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`ended with ${status}: ${stderr}`);
  return stdout.trim();
}
