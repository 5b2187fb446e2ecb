/**
 * Which device a run of the suite is about: METALGRAD_TEST_DEVICE decides, and everything that tests do differently for it is decided here.
 * A run about the GPU has it as the default device from the beginning (see `default-device.ts`).
 */

import { type array, nodeOf } from '../../lib/array';
import { cpu, setDefaultDevice } from '../../lib/device';
import { type Dtype, float32, float64 } from '../../lib/dtype';
import { onDevice } from '../../lib/graph/node';
import { cpuDevice } from '../../lib/graph/placement';
import { evaluate } from '../../lib/runtime/evaluate';

export const onGpu = process.env.METALGRAD_TEST_DEVICE === 'gpu';

/** The widest floating dtype that the device computes in. */
export const widest: Dtype = onGpu ? float32 : float64;

/** The rows of a table of cases, or the dtypes, that the device computes with. */
export function computable<Row>(rows: readonly Row[]): Row[] {
  return rows.filter((row) => !onGpu || (Array.isArray(row) ? !row.includes(float64) : !Object.is(row, float64)));
}

/** The bound of an error for results of the widest dtype: `double`, which is for float64, or what is left of it in float32. */
export function bound(double: number, single = 2e-5): number {
  return onGpu ? Math.max(double, single) : double;
}

/** Runs `body` with the CPU as the default device: for reference results, and what needs float64. */
export function onCpu<T>(body: () => T): T {
  return onDevice(cpuDevice, body);
}

/** Data for a test: made by the CPU before a GPU sees it, so that no shaders are compiled for that. */
export function made(make: () => array): array {
  if (!onGpu) return make();
  const data = onCpu(make);
  evaluate([nodeOf(data)]);
  return data;
}

/** At the top of a file whose tests are about the CPU, or need float64: it is their default device. (Each file has a library of its own.) */
export function useCpu(): void {
  setDefaultDevice(cpu);
}
