/** Views as arithmetic on strides: reshape, transpose, broadcast and slice without moving an element. */

import type { Shape } from '../graph/node';
import { contiguousStrides, sizeOf } from '../shape';
import { type Ref, type Terms, viewOf } from './items';

/** Null where the elements do not lie so that strides can tell them in the new shape. */
export function reshapeView(ref: Ref, shape: Shape): Ref | null {
  if (ref.strides === null) return viewOf(ref, shape, contiguousStrides(shape), 0, null);
  const strides = reshapeStrides(ref.shape, ref.strides, shape);
  return strides === null ? null : viewOf(ref, shape, strides, ref.offset, ref.terms);
}

export function transposeView(ref: Ref, shape: Shape, permutation: readonly number[]): Ref {
  const strides = ref.allStrides;
  return viewOf(
    ref,
    shape,
    permutation.map((axis) => strides[axis]),
    ref.offset,
    ref.terms,
  );
}

/** Axes are aligned at the end; axes of size 1 repeat. */
export function broadcastView(ref: Ref, shape: Shape): Ref {
  const from = ref.allStrides;
  const missing = shape.length - ref.shape.length;
  const strides = new Array<number>(shape.length);
  for (let axis = 0; axis < shape.length; axis++) {
    const source = axis - missing;
    strides[axis] = source < 0 || (ref.shape[source] === 1 && shape[axis] !== 1) ? 0 : from[source];
  }
  return viewOf(ref, shape, strides, ref.offset, ref.terms);
}

/** `sizes` elements an axis, shown as `shape`, which may leave out axes of size 1. The starts are the walk's arguments from `start` on. */
export function sliceView(ref: Ref, shape: Shape, sizes: Shape, steps: readonly number[], start: number): Ref {
  const from = ref.allStrides;
  const strides = new Array<number>(shape.length);
  const terms: number[] = [...(ref.terms ?? [])];
  for (let axis = 0, shown = 0; axis < sizes.length; axis++) {
    if (sizes[axis] === shape[shown]) strides[shown++] = from[axis] * steps[axis];
    // Where the size is that of the source and the step 1, the start can only be 0.
    if (from[axis] === 0 || (sizes[axis] === ref.shape[axis] && steps[axis] === 1)) continue;
    terms.push(start + axis, from[axis]);
  }
  return viewOf(ref, shape, strides, ref.offset, combined(terms));
}

/** One term an argument; null if none is left. */
function combined(terms: number[]): Terms | null {
  return terms.length === 0 ? null : terms;
}

/** Strides that show the same elements in row-major order of `to`; null if there are none. */
export function reshapeStrides(shape: Shape, strides: readonly number[], to: Shape): number[] | null {
  if (sizeOf(shape) === 0) return contiguousStrides(to);
  // Runs of axes that one stride describes, outermost first.
  const sizes: number[] = [];
  const steps: number[] = [];
  for (let axis = 0; axis < shape.length; axis++) {
    if (shape[axis] === 1) continue;
    const last = sizes.length - 1;
    if (last >= 0 && steps[last] === strides[axis] * shape[axis]) {
      sizes[last] *= shape[axis];
      steps[last] = strides[axis];
    } else {
      sizes.push(shape[axis]);
      steps.push(strides[axis]);
    }
  }
  const result = new Array<number>(to.length).fill(0);
  let run = sizes.length;
  let left = 1;
  let step = 0;
  for (let axis = to.length - 1; axis >= 0; axis--) {
    if (to[axis] === 1) continue;
    if (left === 1) {
      run--;
      left = sizes[run];
      step = steps[run];
    }
    if (left % to[axis] !== 0) return null;
    result[axis] = step;
    step *= to[axis];
    left /= to[axis];
  }
  return result;
}
