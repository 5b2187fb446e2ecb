/** Element types: their sizes, categories, promotion, and the TypedArrays that carry them. */

export type DtypeKind = 'bool' | 'unsigned' | 'signed' | 'float' | 'complex';

export type DtypeName =
  | 'bool'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'float16'
  | 'bfloat16'
  | 'float32'
  | 'float64'
  | 'complex64';

/** An element type. The instances exported by this module are the only ones. */
export class Dtype {
  /** Use the exported instances (`float32`, `int8`, …) instead of constructing one. */
  constructor(
    readonly name: DtypeName,
    /** Bytes an element. */
    readonly size: number,
    readonly kind: DtypeKind,
    /** The number that stands for this dtype in programs. */
    readonly code: number,
  ) {
    Object.freeze(this);
  }

  /** True for floating and complex dtypes: the ones that have derivatives. */
  get inexact(): boolean {
    return this.code >= 9;
  }

  toString(): string {
    return this.name;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.name;
  }
}

export const bool = new Dtype('bool', 1, 'bool', 0);
export const uint8 = new Dtype('uint8', 1, 'unsigned', 1);
export const uint16 = new Dtype('uint16', 2, 'unsigned', 2);
export const uint32 = new Dtype('uint32', 4, 'unsigned', 3);
export const uint64 = new Dtype('uint64', 8, 'unsigned', 4);
export const int8 = new Dtype('int8', 1, 'signed', 5);
export const int16 = new Dtype('int16', 2, 'signed', 6);
export const int32 = new Dtype('int32', 4, 'signed', 7);
export const int64 = new Dtype('int64', 8, 'signed', 8);
export const float16 = new Dtype('float16', 2, 'float', 9);
export const bfloat16 = new Dtype('bfloat16', 2, 'float', 10);
export const float32 = new Dtype('float32', 4, 'float', 11);
export const float64 = new Dtype('float64', 8, 'float', 12);
export const complex64 = new Dtype('complex64', 8, 'complex', 13);

/** Every dtype, at the index of its code. */
export const dtypes: readonly Dtype[] = [
  bool,
  uint8,
  uint16,
  uint32,
  uint64,
  int8,
  int16,
  int32,
  int64,
  float16,
  bfloat16,
  float32,
  float64,
  complex64,
];

/** The dtype that holds both: MLX's (and JAX's) promotion table. */
export function promoteTypes(a: Dtype, b: Dtype): Dtype {
  if (a === b) return a;
  const [low, high] = a.code < b.code ? [a, b] : [b, a];
  if (low.kind === 'bool') return high;
  if (high.kind === 'complex') return high;
  if (high.kind === 'float') {
    if (low.kind !== 'float') return high;
    if (low === float16 && high === bfloat16) return float32;
    return high;
  }
  if (low.kind === high.kind) return high;
  // Unsigned with signed: the narrowest signed type that holds both, else float32.
  if (low.size < high.size) return high;
  return [int16, int32, int64, float32][Math.log2(low.size)] as Dtype;
}
