/** Convolutions by their definition: for each result the sum over the kernel's elements and a group's channels. */

import { type Complex, complex } from '../complex';
import { binary } from '../scalars';
import type { RoutineReference } from '.';

/** Every index of a shape, in row-major order. */
function* indices(shape: readonly number[]): Generator<number[]> {
  const size = shape.reduce((a, b) => a * b, 1);
  for (let flat = 0; flat < size; flat++) {
    const index = new Array<number>(shape.length);
    let rest = flat;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = rest % shape[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    yield index;
  }
}

const flatten = (index: readonly number[], shape: readonly number[]): number => index.reduce((at, i, axis) => at * shape[axis] + i, 0);

/** ints: groups, flip, then lists over the spatial axes: strides, padding in front, kernel dilation, input dilation. */
export const convolution: RoutineReference = ([x, w], [groups, flip, ...lists], _args, node) => {
  const spatial = x.shape.length - 2;
  const [strides, low, kernelDilation, inputDilation] = [0, 1, 2, 3].map((k) => lists.slice(k * spatial, (k + 1) * spatial));
  const kernel = w.shape.slice(1, -1);
  const channels = w.shape[spatial + 1];
  const outputs = w.shape[0] / groups;
  const results: Complex[] = [];
  for (const [example, ...rest] of indices(node.shape)) {
    const output = rest[spatial];
    const group = Math.floor(output / outputs);
    let total = complex(0);
    for (const k of indices(kernel)) {
      const dilated = k.map((at, axis) => rest[axis] * strides[axis] + at * kernelDilation[axis] - low[axis]);
      const position = dilated.map((at, axis) => at / inputDilation[axis]);
      if (!position.every((at, axis) => Number.isInteger(at) && at >= 0 && at < x.shape[axis + 1])) continue;
      const tap = k.map((at, axis) => (flip === 1 ? kernel[axis] - 1 - at : at));
      for (let channel = 0; channel < channels; channel++) {
        const a = x.elements[flatten([example, ...position, group * channels + channel], x.shape)];
        const b = w.elements[flatten([output, ...tap, channel], w.shape)];
        total = binary('add', total, binary('multiply', a, b, x.dtype), x.dtype);
      }
    }
    results.push(total);
  }
  return [results];
};
