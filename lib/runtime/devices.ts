/** The devices that the addon has, as it describes them when it is first asked. */

import type { Addon, DeviceLimits } from './addon';
import { addon } from './binding';

type Devices = ReturnType<Addon['describe']>['devices'];

let known: Devices | undefined;

export function devices(): Devices {
  known ??= addon().describe().devices;
  return known;
}

let knownLimits: readonly DeviceLimits[] | undefined;

/** What each device accepts in one step, by its number in programs. */
export function limits(): readonly DeviceLimits[] {
  const { cpu, gpu } = devices();
  knownLimits ??= gpu === null ? [cpu.limits] : [cpu.limits, gpu.limits];
  return knownLimits;
}
