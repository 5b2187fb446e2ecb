/** Makes nodes from JavaScript values: numbers, nested lists, TypedArrays, complex numbers, and arrays inside lists. */

import {
  bool,
  complex64,
  type Dtype,
  float32,
  float64,
  int8,
  int16,
  int32,
  int64,
  promoteTypes,
  uint8,
  uint16,
  uint32,
  uint64,
} from '../dtype';
import { codedError, rangeError, showShape, typeError } from '../errors';
import { type Node, onDevice, type Shape } from '../graph/node';
import { cpuDevice } from '../graph/placement';
import { concatenate } from '../primitives/assemble';
import { astype } from '../primitives/cast';
import { full } from '../primitives/generators';
import { expandDims, reshape } from '../primitives/movement';
import { fromBytes } from '../runtime/upload';
import { maxRank, sameShape } from '../shape';
import { encodeComplex, encodeReal } from './encode';

/** A complex number as a plain object. */
export interface ComplexValue {
  readonly re: number;
  readonly im: number;
}

interface ComplexConstructor {
  /** The complex number re + im·i, as the plain object `{ re, im }`. */
  (re: number, im?: number): ComplexValue;
  new (re: number, im?: number): ComplexValue;
}

/**
 * The complex number re + im·i, as the plain object `{ re, im }`; with or without `new`.
 *
 * @example
 * mx.array([mx.Complex(1, -2)]); // array([1-2j], dtype=complex64)
 */
export const Complex = ((re: number, im = 0): ComplexValue => {
  if (typeof re !== 'number' || typeof im !== 'number') throw typeError('Complex', 're and im must be numbers');
  return { re, im };
}) as ComplexConstructor;

/** The typed arrays that hold elements. */
export type TypedArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** What the lists of one array hold. */
type LeafKind = 'number' | 'boolean' | 'bigint' | 'complex' | 'array';

const typedArrayDtypes: Readonly<Record<string, Dtype>> = {
  Int8Array: int8,
  Uint8Array: uint8,
  Uint8ClampedArray: uint8,
  Int16Array: int16,
  Uint16Array: uint16,
  Int32Array: int32,
  Uint32Array: uint32,
  Float32Array: float32,
  Float64Array: float64,
  BigInt64Array: int64,
  BigUint64Array: uint64,
};

export function isComplexValue(value: unknown): value is ComplexValue {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as ComplexValue).re === 'number' &&
    typeof (value as ComplexValue).im === 'number'
  );
}

/** Whether a view has lost its memory: transferred, or cut off by a resize. */
function isDetached(view: ArrayBufferView): boolean {
  try {
    if (view instanceof DataView) return view.byteLength < 0;
    // The only question that every kind of lost TypedArray answers with an error.
    if (view.byteLength === 0) Uint8Array.prototype.keys.call(view);
    return false;
  } catch {
    return true;
  }
}

/** Throws for a view whose memory was taken away. */
export function checkAttached(where: string, view: ArrayBufferView): void {
  if (!isDetached(view)) return;
  const name = Object.prototype.toString.call(view).slice(8, -1);
  throw codedError(where, 'METALGRAD_DETACHED', `the memory of the ${name} is detached`);
}

/** The bytes behind a view, for a copy. */
export function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function uploaded(values: ArrayBufferView, shape: Shape, dtype: Dtype): Node {
  return fromBytes(bytesOf(values), shape, dtype);
}

/** The node of a typed array, with its own dtype. */
export function fromTypedArray(where: string, values: ArrayBufferView): Node {
  const name = Object.prototype.toString.call(values).slice(8, -1);
  const dtype = typedArrayDtypes[name];
  if (dtype === undefined) throw typeError(where, `a ${name} cannot become an array`);
  checkAttached(where, values);
  return uploaded(values, [values.byteLength / dtype.size], dtype);
}

function leafKind(value: unknown, isArray: (value: unknown) => boolean): LeafKind | null {
  switch (typeof value) {
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'bigint':
      return 'bigint';
    default:
      if (isArray(value) || ArrayBuffer.isView(value)) return 'array';
      return isComplexValue(value) ? 'complex' : null;
  }
}

const kindNames: Readonly<Record<LeafKind, string>> = {
  number: 'a number',
  boolean: 'a boolean',
  bigint: 'a bigint',
  complex: 'a complex number',
  array: 'an array',
};

function showPosition(position: readonly number[]): string {
  return position.map((index) => `[${index}]`).join('');
}

/** Collects the leaves of a nested list in order, and checks that the nesting is regular. */
class ListReader {
  readonly shape: number[] = [];
  readonly leaves: unknown[] = [];
  kind: LeafKind | null = null;
  private readonly position: number[] = [];
  private kindPosition = '';
  private leafDepth = -1;
  /** Where each axis got its length, for the error text. */
  private readonly origins: string[] = [];

  constructor(
    private readonly where: string,
    private readonly isArray: (value: unknown) => boolean,
  ) {}

  read(list: readonly unknown[], depth: number): void {
    if (depth >= maxRank) throw rangeError(this.where, `lists are nested more than ${maxRank} deep`);
    const here = showPosition(this.position);
    if (depth === this.shape.length) {
      if (this.leafDepth !== -1)
        throw rangeError(this.where, `ragged list: ${here} is a list where ${this.kindPosition} is ${this.kindText()}`);
      this.shape.push(list.length);
      this.origins.push(here);
    } else if (list.length !== this.shape[depth]) {
      throw rangeError(this.where, `ragged list: ${here} has length ${list.length} where ${this.origins[depth]} has ${this.shape[depth]}`);
    }
    for (let i = 0; i < list.length; i++) {
      const value = list[i];
      this.position.push(i);
      if (Array.isArray(value)) this.read(value, depth + 1);
      else this.leaf(value, depth + 1);
      this.position.pop();
    }
  }

  private leaf(value: unknown, depth: number): void {
    const kind = leafKind(value, this.isArray);
    if (kind === null) {
      const text = value === null || value === undefined ? String(value) : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
      throw typeError(this.where, `${showPosition(this.position)} is ${text}, not a number, boolean, complex number or array`);
    }
    if (this.leafDepth === -1) {
      if (this.shape.length > depth) {
        throw rangeError(
          this.where,
          `ragged list: ${showPosition(this.position)} is ${kindNames[kind]} where ${this.origins[depth]} is a list`,
        );
      }
      this.leafDepth = depth;
      this.kind = kind;
      this.kindPosition = showPosition(this.position);
    } else if (depth !== this.leafDepth) {
      throw rangeError(
        this.where,
        `ragged list: ${showPosition(this.position)} is ${kindNames[kind]} where ${this.origins[depth]} is a list`,
      );
    } else if (kind !== this.kind) {
      this.mix(kind);
    }
    this.leaves.push(value);
  }

  /** Numbers may stand among complex numbers, and weak values among arrays; nothing else mixes. */
  private mix(kind: LeafKind): void {
    const kinds = [kind, this.kind];
    if (kinds.includes('array')) this.kind = 'array';
    else if (kinds.includes('complex') && kinds.includes('number')) this.kind = 'complex';
    else
      throw typeError(
        this.where,
        `mixed list: ${showPosition(this.position)} is ${kindNames[kind]} where ${this.kindPosition} is ${this.kindText()}`,
      );
  }

  private kindText(): string {
    return this.kind === null ? 'empty' : kindNames[this.kind];
  }
}

const defaultDtypes: Readonly<Record<Exclude<LeafKind, 'array'>, Dtype>> = {
  number: float32,
  boolean: bool,
  bigint: int64,
  complex: complex64,
};

/** The node of a nested list. `toNode` makes nodes of the arrays inside it. */
export function fromList(
  where: string,
  list: readonly unknown[],
  dtype: Dtype | undefined,
  isArray: (value: unknown) => boolean,
  toNode: (value: unknown) => Node,
): Node {
  const reader = new ListReader(where, isArray);
  reader.read(list, 0);
  const { shape, leaves, kind } = reader;
  if (kind === 'array') return fromArrays(where, shape, leaves, dtype, toNode);
  const target = dtype ?? defaultDtypes[kind ?? 'number'];
  if (kind === 'complex') {
    const pairs = uploaded(encodeComplex(leaves), shape, complex64);
    return target === complex64 ? pairs : astype(pairs, target);
  }
  return uploaded(encodeReal(leaves, target), shape, target);
}

/** Arrays inside lists: stacked along the axes of the lists. Numbers among them take their dtype. */
function fromArrays(
  where: string,
  shape: readonly number[],
  leaves: readonly unknown[],
  dtype: Dtype | undefined,
  toNode: (value: unknown) => Node,
): Node {
  const weak = (leaf: unknown): boolean => typeof leaf === 'number' || typeof leaf === 'boolean' || typeof leaf === 'bigint';
  const strong = leaves.filter((leaf) => !weak(leaf)).map(toNode);
  let common = dtype ?? strong[0].dtype;
  if (dtype === undefined) {
    for (const node of strong) common = promoteTypes(common, node.dtype);
    for (const leaf of leaves) if (typeof leaf === 'number' && !common.inexact && !Number.isInteger(leaf)) common = float32;
  }
  const inner = strong[0].shape;
  let next = 0;
  const rows = leaves.map((leaf, index) => {
    const node = weak(leaf) ? full(leaf as number, [], common) : strong[next++];
    if (!sameShape(node.shape, inner)) {
      throw rangeError(where, `ragged list: array ${index} in it has shape ${showShape(node.shape)} where another has ${showShape(inner)}`);
    }
    return expandDims(node.dtype === common ? node : astype(node, common), [0]);
  });
  // Making an array works with any dtype: only the CPU has them all.
  const stacked = common === float64 ? onDevice(cpuDevice, () => concatenate(rows, 0)) : concatenate(rows, 0);
  if (shape.length + inner.length > maxRank) throw rangeError(where, `rank ${shape.length + inner.length} is more than ${maxRank}`);
  return shape.length === 1 ? stacked : reshape(stacked, [...shape, ...inner]);
}

/** The node of one number, boolean, bigint or complex number: no memory, an argument of the plans that use it. */
export function fromScalar(value: number | boolean | bigint | ComplexValue, dtype: Dtype | undefined): Node {
  switch (typeof value) {
    case 'number':
      return full(value, [], dtype ?? float32);
    case 'boolean':
      return full(value, [], dtype ?? bool);
    case 'bigint':
      return full(value, [], dtype ?? int64);
    default:
      return full(value, [], dtype ?? complex64);
  }
}
