/** The loop of a kernel: as few axes as its accesses allow, and reductions along rows or along columns. */

import type { Shape } from '../graph/node';
import { reduceOps } from './opcodes';
import type { Access, KernelCode, KernelGroup } from './steps';

type Reductions = KernelCode['reductions'];

/** Orders and merges the axes of a group's loop. */
export function arrange({ loop: shape, axes, loads, code, stores, reductions }: KernelGroup): KernelCode {
  const accesses = [...loads, ...stores.map((store) => store.access), ...reductions.map((reduction) => reduction.access)];
  const { order, outer, reduced } = axes === null ? keepOrder(shape) : reductionOrder(shape, axes, loads, reductions);

  // Merge neighbours of one kind that every access walks with one stride.
  const sizes: number[] = [];
  const kinds: number[] = [];
  const strides: number[][] = accesses.map(() => []);
  for (let i = 0; i < order.length; i++) {
    const axis = order[i];
    if (shape[axis] === 1) continue;
    const kind = i < outer ? 0 : i < outer + reduced ? 1 : 2;
    const last = sizes.length - 1;
    let merges = last >= 0 && kinds[last] === kind;
    for (let k = 0; merges && k < accesses.length; k++) merges = strides[k][last] === accesses[k].strides[axis] * shape[axis];
    if (merges) {
      sizes[last] *= shape[axis];
      for (let k = 0; k < accesses.length; k++) strides[k][last] = accesses[k].strides[axis];
    } else {
      sizes.push(shape[axis]);
      kinds.push(kind);
      for (let k = 0; k < accesses.length; k++) strides[k].push(accesses[k].strides[axis]);
    }
  }
  // A reduction has at least one reduced axis.
  if (axes !== null && !kinds.includes(1)) {
    const at = kinds.indexOf(2) < 0 ? kinds.length : kinds.indexOf(2);
    sizes.splice(at, 0, 1);
    kinds.splice(at, 0, 1);
    for (const list of strides) list.splice(at, 0, 0);
  }
  const count = (kind: number): number => kinds.filter((other) => other === kind).length;
  const moved = (k: number): Access => ({ ...accesses[k], strides: strides[k] });
  const kept = (k: number): Access => ({ ...accesses[k], strides: strides[k].filter((_, i) => kinds[i] !== 1) });
  return {
    shape: sizes,
    outer: count(0),
    reduced: count(1),
    inner: count(2),
    loads: loads.map((_, i) => moved(i)),
    code,
    stores: stores.map((store, i) => ({ value: store.value, access: moved(loads.length + i) })),
    reductions: reductions.map((reduction, i) => ({ ...reduction, access: kept(loads.length + stores.length + i) })),
  };
}

interface Order {
  /** Axes of the loop: `outer` kept ones, `reduced` ones, then kept ones inside. */
  readonly order: readonly number[];
  readonly outer: number;
  readonly reduced: number;
}

function keepOrder(shape: Shape): Order {
  return { order: shape.map((_, axis) => axis), outer: shape.length, reduced: 0 };
}

/** Rows (reduced axes innermost) or columns (kept axes inside), as the largest array that is read lies in memory. */
function reductionOrder(shape: Shape, axes: readonly number[], loads: readonly Access[], reductions: Reductions): Order {
  const isReduced = (axis: number): boolean => axes.includes(axis);
  const keptAxes = shape.map((_, axis) => axis).filter((axis) => !isReduced(axis));
  const largest = largestLoad(shape, loads);
  const stride = (axis: number): number => {
    if (largest === null) return 0;
    const step = Math.abs(largest.strides[axis]);
    // What does not move in the largest array is best kept outside.
    return step === 0 ? Number.MAX_VALUE : step;
  };
  const positions = reductions.some(({ op }) => reduceOps[op] === 'argmax' || reduceOps[op] === 'argmin');
  // Positions count the reduced axes in row-major order; a sum does not care.
  const reduced = positions || largest === null ? [...axes] : [...axes].sort((a, b) => stride(b) - stride(a) || a - b);
  const along = shape
    .map((_, axis) => axis)
    .filter((axis) => shape[axis] > 1)
    .sort((a, b) => stride(b) - stride(a) || a - b);
  const inside: number[] = [];
  if (largest !== null) for (let i = along.length - 1; i >= 0 && !isReduced(along[i]); i--) inside.unshift(along[i]);
  const outside = keptAxes.filter((axis) => !inside.includes(axis));
  // Nothing is left to reduce around if all axes that count are kept.
  if (inside.length === along.length)
    return { order: [...outside, ...inside, ...reduced], outer: keptAxes.length, reduced: reduced.length };
  return { order: [...outside, ...reduced, ...inside], outer: outside.length, reduced: reduced.length };
}

/** The load that touches the most elements. */
function largestLoad(shape: Shape, loads: readonly Access[]): Access | null {
  let largest: Access | null = null;
  let most = 0;
  for (const load of loads) {
    if (load.item === null) continue;
    let elements = 1;
    for (let axis = 0; axis < shape.length; axis++) if (load.strides[axis] !== 0) elements *= shape[axis];
    if (elements > most) {
      most = elements;
      largest = load;
    }
  }
  return largest;
}
