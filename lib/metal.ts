/** The functions that concern Metal alone. */

import { codedError, typeError } from './errors';
import type { GpuDescription } from './runtime/addon';
import { addon, check } from './runtime/binding';
import { devices } from './runtime/devices';
import { describe } from './values/describe';

function device(where: string): GpuDescription {
  const { gpu } = devices();
  if (gpu === null) throw codedError(where, 'METALGRAD_DEVICE', 'no Metal device is present');
  return gpu;
}

/** What MLX has under `mx.metal`. */
export const metal = {
  /** Whether a Metal device is present. */
  isAvailable(): boolean {
    return devices().gpu !== null;
  },
  /** Properties of the Metal device: its name, and sizes in bytes. */
  deviceInfo(): Record<string, string | number> {
    return { ...device('metal.deviceInfo').info };
  },
  /** Starts to record GPU work into a file at `path`, which ends in .gputrace and must not exist. */
  startCapture(path: string): void {
    device('metal.startCapture');
    if (typeof path !== 'string') throw typeError('metal.startCapture', `path must be a string, not ${describe(path)}`);
    check('metal.startCapture', addon().startCapture(path));
  },
  /** Ends the recording. */
  stopCapture(): void {
    device('metal.stopCapture');
    check('metal.stopCapture', addon().stopCapture());
  },
};
