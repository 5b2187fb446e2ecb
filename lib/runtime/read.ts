/** Values back from the device: TypedArrays without a copy, single elements, and elements one by one for printing. */

import { type Node, onDevice } from '../graph/node';
import { copy } from '../schedule/copy';
import { contiguousStrides, sizeOf } from '../shape';
import { type Element, type ElementArray, elementArray, readElement } from '../values/elements';
import { addon, check } from './binding';
import { evaluate, storageOf } from './evaluate';

export type { Element, ElementArray } from '../values/elements';

/**
 * The elements in row-major order: a window on the array's own memory where that is contiguous, else on that of a
 * contiguous copy. float16 and bfloat16 come as their bits, bool as bytes, complex64 as pairs, 64-bit integers as bigints.
 */
export function toTypedArray(node: Node, where = 'toTypedArray'): ElementArray {
  evaluate([node], where);
  let source = node;
  if (!isContiguous(node)) {
    source = onDevice(node.device, () => copy(node));
    evaluate([source], where);
  }
  const count = sizeOf(source.shape);
  const { size } = source.dtype;
  if (count === 0) return elementArray(source.dtype, new ArrayBuffer(0), 0, 0);
  const storage = storageOf(source, where);
  const byteOffset = (source.layout?.offset ?? 0) * size;
  const memory = addon().view(storage.handle);
  if (memory !== null) {
    storage.view = memory;
    return elementArray(source.dtype, memory, byteOffset, count);
  }
  const bytes = new Uint8Array(count * size);
  check(where, addon().download(storage.handle, byteOffset, bytes));
  return elementArray(source.dtype, bytes.buffer, 0, count);
}

const scalarBytes = new Uint8Array(8);
const scalarView = new DataView(scalarBytes.buffer);
const scalarTargets = [1, 2, 4, 8].map((size) => scalarBytes.subarray(0, size));

/** The value of an array with one element. */
export function readScalar(node: Node, where = 'item'): Element {
  evaluate([node], where);
  const storage = storageOf(node, where);
  const { dtype, layout } = node;
  return download(storage.handle, layout === null ? 0 : layout.offset, node, where, dtype.size);
}

function download(handle: number, position: number, node: Node, where: string, size: number): Element {
  check(where, addon().download(handle, position * size, scalarTargets[31 - Math.clz32(size)]));
  return readElement(node.dtype, scalarView, 0);
}

/** Elements of an evaluated array by their position `offset + Σ index · stride`. */
export interface Elements {
  readonly offset: number;
  readonly strides: readonly number[];
  at(position: number): Element;
}

/** Arrays of at most this many bytes are fetched whole even if only a corner is wanted. */
const cornerBytes = 1 << 16;

/**
 * Access to the elements of an array, evaluated first. With `corner`, only what is read is fetched, element by element: for printing
 * a few elements of a large array; else all of them are fetched at once.
 */
export function elementsOf(node: Node, where: string, corner = false): Elements {
  evaluate([node], where);
  const storage = storageOf(node, where);
  const { dtype, shape } = node;
  const strides = node.layout?.strides ?? contiguousStrides(shape);
  const offset = node.layout?.offset ?? 0;
  if (sizeOf(shape) === 0) return { offset, strides, at: () => 0 };
  let low = offset;
  let high = offset;
  for (let axis = 0; axis < shape.length; axis++) {
    const reach = (shape[axis] - 1) * strides[axis];
    if (reach < 0) low += reach;
    else high += reach;
  }
  const byteLength = (high - low + 1) * dtype.size;
  if (corner && byteLength > cornerBytes) {
    return { offset, strides, at: (position) => download(storage.handle, position, node, where, dtype.size) };
  }
  const bytes = new Uint8Array(byteLength);
  check(where, addon().download(storage.handle, low * dtype.size, bytes));
  const view = new DataView(bytes.buffer);
  return { offset, strides, at: (position) => readElement(dtype, view, (position - low) * dtype.size) };
}

function isContiguous(node: Node): boolean {
  if (node.layout === null) return true;
  let stride = 1;
  for (let axis = node.shape.length - 1; axis >= 0; axis--) {
    if (node.shape[axis] !== 1 && node.layout.strides[axis] !== stride) return sizeOf(node.shape) === 0;
    stride *= node.shape[axis];
  }
  return true;
}
