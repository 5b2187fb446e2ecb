/** The handle that users hold: it names a node of the graph, reads its values and carries the operations as methods. */

import { complex64, Dtype } from './dtype';
import { codedError, rangeError, typeError } from './errors';
import type { Node, Shape } from './graph/node';
import { traceDepth } from './graph/trace';
import type * as Operations from './ops';
import type { methodForm } from './ops/registry';
import { astype } from './primitives/cast';
import { slice, transpose } from './primitives/movement';
import { type Element, type ElementArray, type Elements, elementsOf, readScalar, toTypedArray } from './runtime/read';
import { dispose as disposeStorage } from './runtime/storage';
import { sizeOf } from './shape';
import { type ComplexValue, fromList, fromScalar, fromTypedArray, isComplexValue, type TypedArray } from './values/construct';
import { formatArray } from './values/format';

export type { ComplexValue, TypedArray } from './values/construct';

/** Whatever is accepted where an array is: numbers are float32 (or take the dtype of the array they meet). */
export type ArrayInput = array | number | boolean | bigint | ComplexValue | TypedArray | readonly ArrayInput[];

/** One element as a JavaScript value; a 64-bit integer that no number holds exactly is a bigint. */
export type Item = Element;
/** Elements in nested lists, one level an axis. */
export type NestedItems = Item | NestedItems[];

/** The operations that declare a method form, by name: adding one to `lib/ops` adds it here. */
type Methods = {
  readonly [Name in keyof typeof Operations as (typeof Operations)[Name] extends { readonly [methodForm]: unknown }
    ? Name
    : never]: (typeof Operations)[Name] extends { readonly [methodForm]: infer Method } ? Method : never;
};

/**
 * Called with the node whenever code outside the library reads a shape, size, length or rank: `compile` guards
 * what a traced function read.
 */
export const shapeObserver: { onRead: ((node: Node) => void) | null } = { onRead: null };

/** Called with each new handle while a `tidy` is running, and with a handle that was made to name another node. */
export const handleObserver: { onCreate: ((handle: ArrayHandle) => void) | null; onRebind: ((handle: ArrayHandle) => void) | null } = {
  onCreate: null,
  onRebind: null,
};

function unusable(handle: ArrayHandle, where: string): Error {
  if (handle._ended === true) return codedError(where, 'METALGRAD_TRACE_ENDED', 'the array belongs to a transform that has ended');
  return codedError(where, 'METALGRAD_DISPOSED', 'the array was disposed');
}

/** The class behind `array`, with one field so that handles are cheap and alike. */
export class ArrayHandle {
  /** @internal Null once disposed, or once the trace it belonged to has ended. Only declared: the constructor sets it, once. */
  declare _node: Node | null;
  /** @internal Says that the trace has ended. Arrays in use do not have it, so that they stay alike. */
  declare _ended?: true;

  constructor(node: Node) {
    this._node = node;
    node.uses++;
    if (handleObserver.onCreate !== null) handleObserver.onCreate(this);
  }

  /** The element type. */
  get dtype(): Dtype {
    return (this._node ?? missing(this, 'dtype')).dtype;
  }

  /** The size of each axis, as a list of the caller's own. */
  get shape(): number[] {
    return observed(this, 'shape').shape.slice();
  }

  /** The number of axes. */
  get ndim(): number {
    return observed(this, 'ndim').shape.length;
  }

  /** The number of elements. */
  get size(): number {
    return sizeOf(observed(this, 'size').shape);
  }

  /** The size of the first axis. */
  get length(): number {
    const { shape } = observed(this, 'length');
    if (shape.length === 0) throw typeError('length', 'an array with 0 dimensions has no length');
    return shape[0];
  }

  /** Bytes an element. */
  get itemsize(): number {
    return (this._node ?? missing(this, 'itemsize')).dtype.size;
  }

  /** Bytes of all elements. */
  get nbytes(): number {
    const node = observed(this, 'nbytes');
    return sizeOf(node.shape) * node.dtype.size;
  }

  /** The transpose: all axes in reverse. */
  get T(): array {
    const node = this._node ?? missing(this, 'T');
    const rank = node.shape.length;
    const permutation: number[] = [];
    for (let axis = rank - 1; axis >= 0; axis--) permutation.push(axis);
    return wrap(transpose(node, permutation));
  }

  /** The array's own kind of value, for `util.inspect` and `Object.prototype.toString`. */
  get [Symbol.toStringTag](): string {
    return 'array';
  }

  /** The only element. Throws a RangeError when there is not exactly one. */
  item(): Item {
    const node = this._node ?? missing(this, 'item');
    if (sizeOf(node.shape) !== 1) throw rangeError('item', `only an array of size 1 has one item, not shape [${node.shape.join(', ')}]`);
    return readScalar(node, 'item');
  }

  /** All elements in nested lists; for an array with no axes its element. Throws a RangeError for more than 2^25 elements. */
  tolist(): NestedItems {
    const node = this._node ?? missing(this, 'tolist');
    if (node.shape.length === 0) return readScalar(node, 'tolist');
    checkListSize(node.shape);
    const elements = elementsOf(node, 'tolist');
    return nest(elements, node.shape, 0, elements.offset);
  }

  /**
   * The elements in row-major order, without a copy where the array is contiguous: float16 and bfloat16 as their bits
   * in a Uint16Array, bool as Uint8Array, complex64 as pairs in a Float32Array, 64-bit integers as BigInt arrays.
   */
  toTypedArray(): ElementArray {
    return toTypedArray(this._node ?? missing(this, 'toTypedArray'));
  }

  /** The same values as another dtype: floating to integer truncates, integers wrap. */
  astype(dtype: Dtype): array {
    const node = this._node ?? missing(this, 'astype');
    if (!(dtype instanceof Dtype)) throw typeError('astype', 'dtype must be a Dtype');
    return wrap(astype(node, dtype));
  }

  /** The rows along the first axis. */
  *[Symbol.iterator](): IterableIterator<array> {
    const node = observed(this, 'Symbol.iterator');
    const { shape } = node;
    if (shape.length === 0) throw typeError('Symbol.iterator', 'an array with 0 dimensions is not iterable');
    const rowShape = shape.slice(1);
    const sizes = [1, ...rowShape];
    const rest = new Array<number>(rowShape.length).fill(0);
    for (let row = 0; row < shape[0]; row++) {
      yield wrap(slice(node, [row, ...rest], sizes, undefined, rowShape));
    }
  }

  /**
   * Gives the memory back: now, unless arrays that have no value yet are computed from it. Using the array afterwards is an error; arrays
   * computed from it keep what they need.
   */
  dispose(): void {
    const node = this._node;
    if (!node) return;
    this._node = null;
    // A running transform may still want the value.
    if (--node.uses === 0 && traceDepth() === 0) disposeStorage(node);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** As MLX prints: `array([1, 2], dtype=float32)`. */
  toString(): string {
    const node = this._node ?? missing(this, 'toString');
    return formatArray(elementsOf(node, 'toString', true), node.shape, node.dtype);
  }

  /** The nested lists of `tolist`. */
  toJSON(): NestedItems {
    return ArrayHandle.prototype.tolist.call(this);
  }

  /**
   * A number where JavaScript needs one, for an array with one real element, as NumPy does; a larger array is a
   * TypeError there, and prints where a string will do.
   */
  [Symbol.toPrimitive](hint: 'number' | 'string' | 'default'): string | number | bigint | boolean {
    const node = this._node ?? missing(this, 'Symbol.toPrimitive');
    if (hint === 'string') return this.toString();
    if (sizeOf(node.shape) === 1 && node.dtype !== complex64) return readScalar(node, 'Symbol.toPrimitive') as number | bigint | boolean;
    if (hint === 'default') return this.toString();
    throw typeError('Symbol.toPrimitive', `an array of shape [${node.shape.join(', ')}] and dtype ${node.dtype} is not a number`);
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this._node === null ? 'array(<disposed>)' : this.toString();
  }
}

/** Throws for a handle without a node. */
function missing(handle: ArrayHandle, where: string): never {
  throw unusable(handle, where);
}

/** The node of a handle whose shape the user is about to learn. */
function observed(handle: ArrayHandle, where: string): Node {
  const node = handle._node ?? missing(handle, where);
  if (shapeObserver.onRead !== null) shapeObserver.onRead(node);
  return node;
}

/** More entries than these, in all lists together, are more than JavaScript's heap is sure to hold. */
const maxListEntries = 2 ** 25;

function checkListSize(shape: Shape): void {
  let lists = 1;
  for (const size of shape) {
    lists *= size;
    if (lists > maxListEntries) {
      throw rangeError(
        'tolist',
        `shape [${shape.join(', ')}] is too large for lists, which hold up to ${maxListEntries} entries: see toTypedArray`,
      );
    }
  }
}

function nest(elements: Elements, shape: Shape, axis: number, start: number): NestedItems[] {
  const last = axis === shape.length - 1;
  const stride = elements.strides[axis];
  return Array.from({ length: shape[axis] }, (_, i) => {
    const position = start + i * stride;
    return last ? elements.at(position) : nest(elements, shape, axis + 1, position);
  });
}

/** An array: lazy, immutable values in native memory, with every operation as a method. */
export interface array extends ArrayHandle, Methods {}

interface ArrayConstructor {
  /**
   * Makes an array from a number (float32), a boolean (bool), a bigint (int64), `{re, im}` (complex64), a TypedArray or
   * Buffer (its own dtype), an array, or nested lists of these. `dtype` overrides the dtype.
   *
   * @throws RangeError for a ragged list, TypeError for a mixed one; the text names the position.
   * @example
   * mx.array([[1, 2], [3, 4]]); // array([[1, 2],\n       [3, 4]], dtype=float32)
   */
  new (value: ArrayInput, dtype?: Dtype | { readonly dtype?: Dtype | undefined }): array;
  (value: ArrayInput, dtype?: Dtype | { readonly dtype?: Dtype | undefined }): array;
  readonly prototype: array;
}

function construct(value: ArrayInput, dtype?: Dtype | { readonly dtype?: Dtype | undefined }): array {
  if (value === undefined) throw typeError('array', 'takes a value');
  const target = dtype === undefined || dtype === null || dtype instanceof Dtype || typeof dtype !== 'object' ? dtype : dtype.dtype;
  if (target !== undefined && target !== null && !(target instanceof Dtype)) throw typeError('array', 'dtype must be a Dtype');
  return wrap(toNode(value, target ?? undefined, 'array'));
}

Object.defineProperty(construct, 'name', { value: 'array' });
construct.prototype = ArrayHandle.prototype;
// What has the prototype but was not made here reads as disposed.
Object.defineProperty(ArrayHandle.prototype, '_node', { value: null, writable: true, configurable: true, enumerable: false });
Object.defineProperty(ArrayHandle.prototype, 'constructor', { value: construct, writable: true, configurable: true, enumerable: false });

// A function that returns an object may be called with `new` too, and shares its prototype with the handles.
export const array = construct as unknown as ArrayConstructor;

/** A new handle for a node. */
export function wrap(node: Node): array {
  return new ArrayHandle(node) as unknown as array;
}

/** True for arrays. */
export function isArray(value: unknown): value is array {
  return value instanceof ArrayHandle;
}

/** The node that an array names; an error that begins with `[where]` when it was disposed or its trace has ended. */
export function nodeOf(value: array, where = 'array'): Node {
  return value._node ?? missing(value, where);
}

/** Makes an array unusable because the trace it belongs to has ended. */
export function endTrace(value: array): void {
  value._node = null;
  value._ended = true;
}

/** Makes a handle name another node. Only this handle changes. */
export function rebind(handle: array, node: Node): void {
  if (handle._node !== null) handle._node.uses--;
  handle._node = node;
  node.uses++;
  if (handleObserver.onRebind !== null) handleObserver.onRebind(handle);
}

/** The node of anything accepted as an array. Without `dtype` the value's own. */
export function toNode(value: ArrayInput, dtype?: Dtype, where = 'array'): Node {
  if (value instanceof ArrayHandle) {
    const node = nodeOf(value as unknown as array, where);
    return dtype === undefined || node.dtype === dtype ? node : astype(node, dtype);
  }
  switch (typeof value) {
    case 'number':
    case 'boolean':
    case 'bigint':
      return fromScalar(value, dtype);
    default:
  }
  if (Array.isArray(value)) return fromList(where, value, dtype, isArray, (entry) => toNode(entry as ArrayInput, undefined, where));
  if (ArrayBuffer.isView(value)) {
    const node = fromTypedArray(where, value);
    return dtype === undefined || node.dtype === dtype ? node : astype(node, dtype);
  }
  if (isComplexValue(value)) {
    const node = fromScalar(value, complex64);
    return dtype === undefined || dtype === complex64 ? node : astype(node, dtype);
  }
  const text = value === null ? 'null' : typeof value === 'object' ? 'an object' : typeof value;
  throw typeError(where, `${text} cannot become an array`);
}
