/** Random strided arrays of every dtype, and their elements in plain JavaScript, for tests of single steps. */

import type { Dtype } from '../../lib/dtype';
import type { OperandSpec } from './encode';

/** bigint for integers and bool, number for floats, [re, im] for complex64. */
export type Value = bigint | number | readonly [number, number];

/** Seeded: a failure comes back. */
export class Random {
  constructor(private state: number) {}

  /** An integer from low to high, both included. */
  int(low: number, high: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return low + Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * (high - low + 1));
  }

  chance(one: number): boolean {
    return this.int(1, one) === 1;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.int(0, from.length - 1)];
  }

  shuffled(count: number): number[] {
    const order = Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.int(0, i);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }
}

const float32 = new Float32Array(1);
const float32Bits = new Uint32Array(float32.buffer);

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

/** Nearest even: `value` in units of the last place, rounded by hand. */
function numberToHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude || 2 ** -14)));
  const units = magnitude / 2 ** (exponent - 10);
  const floor = Math.floor(units);
  const rest = units - floor;
  const rounded = floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0);
  return sign | (rounded + (exponent + 14) * 1024);
}

function bfloatToNumber(bits: number): number {
  float32Bits[0] = bits << 16;
  return float32[0];
}

function numberToBfloat(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  float32[0] = value;
  const bits = float32Bits[0];
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** Rounds (wraps) to what the dtype holds. */
export function convert(dtype: Dtype, value: Value): Value {
  const view = new DataView(new ArrayBuffer(8));
  setValue(dtype, view, 0, value);
  return getValue(dtype, view, 0);
}

function getValue(dtype: Dtype, view: DataView, byte: number): Value {
  switch (dtype.name) {
    case 'bool':
    case 'uint8':
      return BigInt(view.getUint8(byte));
    case 'uint16':
      return BigInt(view.getUint16(byte, true));
    case 'uint32':
      return BigInt(view.getUint32(byte, true));
    case 'uint64':
      return view.getBigUint64(byte, true);
    case 'int8':
      return BigInt(view.getInt8(byte));
    case 'int16':
      return BigInt(view.getInt16(byte, true));
    case 'int32':
      return BigInt(view.getInt32(byte, true));
    case 'int64':
      return view.getBigInt64(byte, true);
    case 'float16':
      return halfToNumber(view.getUint16(byte, true));
    case 'bfloat16':
      return bfloatToNumber(view.getUint16(byte, true));
    case 'float32':
      return view.getFloat32(byte, true);
    case 'float64':
      return view.getFloat64(byte, true);
    case 'complex64':
      return [view.getFloat32(byte, true), view.getFloat32(byte + 4, true)];
  }
}

function setValue(dtype: Dtype, view: DataView, byte: number, value: Value): void {
  if (typeof value === 'bigint') {
    if (dtype.name === 'bool') view.setUint8(byte, value === 0n ? 0 : 1);
    else if (dtype.size === 8) view.setBigUint64(byte, BigInt.asUintN(64, value), true);
    else if (dtype.size === 4) view.setUint32(byte, Number(BigInt.asUintN(32, value)), true);
    else if (dtype.size === 2) view.setUint16(byte, Number(BigInt.asUintN(16, value)), true);
    else view.setUint8(byte, Number(BigInt.asUintN(8, value)));
  } else if (typeof value !== 'number') {
    view.setFloat32(byte, value[0], true);
    view.setFloat32(byte + 4, value[1], true);
  } else if (dtype.name === 'float16') view.setUint16(byte, numberToHalf(value), true);
  else if (dtype.name === 'bfloat16') view.setUint16(byte, numberToBfloat(value), true);
  else if (dtype.name === 'float32') view.setFloat32(byte, value, true);
  else view.setFloat64(byte, value, true);
}

/** An array in memory, with any strides. */
export class Strided {
  readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly view: DataView;

  constructor(
    readonly dtype: Dtype,
    readonly shape: readonly number[],
    readonly offset: number,
    readonly strides: readonly number[],
    readonly elements: number,
  ) {
    this.bytes = new Uint8Array(elements * dtype.size);
    this.view = new DataView(this.bytes.buffer);
  }

  /** A random layout: permuted, padded and reversed axes; axes of stride 0 too unless it is to be written. */
  static random(random: Random, dtype: Dtype, shape: readonly number[], writable = false): Strided {
    const strides = new Array<number>(shape.length).fill(0);
    const order = random.chance(2) ? random.shuffled(shape.length) : shape.map((_, i) => i);
    let stride = random.chance(4) ? 2 : 1;
    let [low, high] = [0, 0];
    for (const axis of order.reverse()) {
      if (!writable && random.chance(8)) continue;
      const step = stride + (random.chance(8) ? random.int(1, 3) : 0);
      strides[axis] = random.chance(8) ? -step : step;
      stride = step * Math.max(1, shape[axis]);
      const reach = strides[axis] * Math.max(0, shape[axis] - 1);
      if (reach < 0) low += reach;
      else high += reach;
    }
    const offset = random.int(0, 3) - low;
    return new Strided(dtype, shape, offset, strides, shape.includes(0) ? 0 : high + offset + 1);
  }

  spec(slot: number): OperandSpec {
    return { slot, dtype: this.dtype, offset: this.offset, strides: this.strides };
  }

  private byte(index: readonly number[]): number {
    let position = this.offset;
    for (let axis = 0; axis < index.length; axis++) position += index[axis] * this.strides[axis];
    return position * this.dtype.size;
  }

  get(index: readonly number[]): Value {
    return getValue(this.dtype, this.view, this.byte(index));
  }

  set(index: readonly number[], value: Value): void {
    setValue(this.dtype, this.view, this.byte(index), value);
  }

  /** Fills all of its memory, what lies between the elements too. A large array repeats what its first part holds. */
  fill(make: () => Value): this {
    const part = Math.min(this.elements, 4099);
    for (let i = 0; i < part; i++) setValue(this.dtype, this.view, i * this.dtype.size, make());
    for (let i = part; i < this.elements; i += part) this.bytes.copyWithin(i * this.dtype.size, 0, part * this.dtype.size);
    return this;
  }

  /** The same layout over other memory. */
  over(bytes: Uint8Array): Strided {
    const other = new Strided(this.dtype, this.shape, this.offset, this.strides, this.elements);
    other.bytes.set(bytes);
    return other;
  }

  /** All elements in row-major order. */
  values(): Value[] {
    return Array.from(positions(this.shape), (index) => this.get(index));
  }
}

/** Every index of a shape, in row-major order. */
export function* positions(shape: readonly number[]): Generator<number[]> {
  const size = shape.reduce((a, b) => a * b, 1);
  for (let i = 0; i < size; i++) {
    const index = new Array<number>(shape.length);
    let rest = i;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = rest % shape[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    yield index;
  }
}

/** A small number of the dtype; floats are multiples of 1/4, so that short sums of products are exact in float32. */
export function small(random: Random, dtype: Dtype): Value {
  switch (dtype.kind) {
    case 'bool':
      return BigInt(random.chance(4) ? 1 : 0);
    case 'unsigned':
      return BigInt(random.int(0, 200));
    case 'signed':
      return BigInt(random.int(-100, 100));
    case 'float':
      return random.int(-8, 8) / 4;
    case 'complex':
      return [random.int(-8, 8) / 4, random.int(-8, 8) / 4];
  }
}

const specials = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

/** The same with zeros of both signs, infinities and NaN among the floats, and all bits among the integers. */
export function any(random: Random, dtype: Dtype): Value {
  const float = () => (random.chance(4) ? random.pick(specials) : random.int(-8, 8) / 4);
  if (dtype.kind === 'float') return float();
  if (dtype.kind === 'complex') return [float(), float()];
  if (dtype.kind === 'bool' || random.chance(2)) return small(random, dtype);
  return convert(dtype, (BigInt(random.int(0, 2 ** 32 - 1)) << 32n) | BigInt(random.int(0, 2 ** 32 - 1)));
}

/** The same number, bit for bit except for NaN. */
export function identical(a: Value, b: Value): boolean {
  if (typeof a === 'object' && typeof b === 'object') return Object.is(a[0], b[0]) && Object.is(a[1], b[1]);
  return Object.is(a, b);
}

/** Equal numbers; zeros of both signs are. */
export function equal(a: Value, b: Value): boolean {
  if (typeof a === 'object' && typeof b === 'object') return a[0] === b[0] && a[1] === b[1];
  return a === b;
}
