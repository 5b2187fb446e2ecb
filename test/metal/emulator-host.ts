/**
 * Plays scenes of host code on the emulated Metal device: test/metal-emulator/tests/ has them, and plants the faults. Always in processes
 * of their own: one process has one emulated device, and its settings are the environment's.
 */

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

const addonFile = join(__dirname, '..', '..', 'build-cmake', 'emulator', 'Release', 'emulator_host_tests.node');

/** What a script gives to `print`; it has the `addon`, and its file as `addonFile`. */
export function inProcess<Result>(script: string, settings: Record<string, string> = {}): Result {
  if (!existsSync(addonFile)) throw new Error(`${addonFile} is not there: node scripts/build.mjs --emulator`);
  const text = `const addonFile = ${JSON.stringify(addonFile)};
    const addon = require(addonFile);
    const print = (value) => console.log(JSON.stringify(value));
    ${script}`;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['-e', text], {
    env: { ...process.env, ...settings },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`ended with ${status ?? signal}: ${stderr}`);
  return JSON.parse(stdout) as Result;
}

/** One scene, with settings of the device. */
export function play(scene: string, settings: Record<string, string> = {}): Outcome {
  return inProcess(`print(addon.run(${JSON.stringify(scene)}))`, settings);
}

/** Several scenes, one after another in one process. */
export function playAll(scenes: readonly string[]): Record<string, Outcome> {
  return inProcess(`print(Object.fromEntries(${JSON.stringify(scenes)}.map((scene) => [scene, addon.run(scene)])))`);
}
