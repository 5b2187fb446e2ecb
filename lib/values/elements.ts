/** Single elements out of raw bytes, and the TypedArrays over them. */

import type { Dtype } from '../dtype';

/** A JavaScript value of one element; a bigint only where a 64-bit integer does not fit a number exactly. */
export type Element = number | bigint | boolean | { re: number; im: number };

/** The TypedArrays that carry arrays, by dtype: raw bits for the 16-bit floats, pairs for complex numbers. */
export type ElementArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

interface ElementArrayConstructor {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): ElementArray;
}

/** At the index of the dtype's code. */
const constructors: readonly ElementArrayConstructor[] = [
  Uint8Array,
  Uint8Array,
  Uint16Array,
  Uint32Array,
  BigUint64Array,
  Int8Array,
  Int16Array,
  Int32Array,
  BigInt64Array,
  Uint16Array,
  Uint16Array,
  Float32Array,
  Float64Array,
  Float32Array,
];

/** The TypedArray of `count` elements of `dtype` at `byteOffset`. */
export function elementArray(dtype: Dtype, buffer: ArrayBufferLike, byteOffset: number, count: number): ElementArray {
  return new constructors[dtype.code](buffer, byteOffset, dtype.kind === 'complex' ? 2 * count : count);
}

/** The value of IEEE half-precision bits. */
export function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

const word = new DataView(new ArrayBuffer(4));

/** The value of bfloat16 bits: the upper half of a float32. */
export function fromBfloat16(bits: number): number {
  word.setUint16(0, bits);
  return word.getFloat32(0);
}

/** The element of `dtype` at a byte offset. */
export function readElement(dtype: Dtype, view: DataView, at: number): Element {
  switch (dtype.name) {
    case 'bool':
      return view.getUint8(at) !== 0;
    case 'uint8':
      return view.getUint8(at);
    case 'uint16':
      return view.getUint16(at, true);
    case 'uint32':
      return view.getUint32(at, true);
    case 'uint64':
      return exactInteger(view.getBigUint64(at, true));
    case 'int8':
      return view.getInt8(at);
    case 'int16':
      return view.getInt16(at, true);
    case 'int32':
      return view.getInt32(at, true);
    case 'int64':
      return exactInteger(view.getBigInt64(at, true));
    case 'float16':
      return fromFloat16(view.getUint16(at, true));
    case 'bfloat16':
      return fromBfloat16(view.getUint16(at, true));
    case 'float32':
      return view.getFloat32(at, true);
    case 'float64':
      return view.getFloat64(at, true);
    case 'complex64':
      return { re: view.getFloat32(at, true), im: view.getFloat32(at + 4, true) };
    default:
      return dtype.name satisfies never;
  }
}

function exactInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
