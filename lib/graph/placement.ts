/** Where nodes are computed: a device is a small integer, and GPUs have no float64. */

import { type Dtype, float64 } from '../dtype';
import { PlacementError } from '../errors';
import type { Primitive } from '../primitives/primitive';

/** The devices by number, as programs have them: the first processor, and the first GPU. */
export const cpuDevice = 0;
export const gpuDevice = 1;

/** Ways to make, hold, show and convert an array: these take float64 wherever they are asked for, and the CPU does what there is to do. */
const anywhere = new Set<string>([
  ...['data', 'placeholder', 'full', 'arange'],
  ...['alias', 'reshape', 'transpose', 'broadcast', 'slice', 'project'],
]);
const conversions = new Set(['astype', 'copy', 'bitcast']);
/** These hold graphs whose nodes have devices of their own. */
const composites = new Set<string>(['expand', 'compiled', 'control']);

/** The device of a node that is about to be made while `device` is asked for: that, or the CPU, or an error. */
export function deviceOf(primitive: Primitive, inputs: readonly { readonly dtype: Dtype }[], dtype: Dtype, device: number): number {
  let double = dtype === float64;
  for (let i = 0; i < inputs.length; i++) if (inputs[i].dtype === float64) double = true;
  if (device === cpuDevice || !double || composites.has(primitive.lowering.kind)) return device;
  if (anywhere.has(primitive.lowering.kind) || conversions.has(primitive.name)) return cpuDevice;
  throw new PlacementError(primitive.name);
}
