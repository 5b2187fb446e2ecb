/** Discrete Fourier transforms in any length and over any number of axes. Results are complex64, or float32 where they are real. */

import { type ArrayInput, type array, toNode, wrap } from './array';
import { complex64, type Dtype, float64 } from './dtype';
import { rangeError, showShape } from './errors';
import type { Node, Shape } from './graph/node';
import { integerArgument, integersArgument } from './ops/arguments';
import { type Call, defineOp, type OpCase, operand } from './ops/registry';
import * as p from './primitives';
import { fourier } from './primitives/fourier';
import { scale } from './primitives/rules';
import { normalizeAxis } from './shape';

type OneAxis = Call<[array: ArrayInput], [n?: number | null, axis?: number], { n: number | null; axis: number }, array>;
type Sizes = readonly number[] | null;
type ManyAxes = Call<
  [array: ArrayInput],
  [n?: Sizes, axes?: readonly number[] | null],
  { n: Sizes; axes: readonly number[] | null },
  array
>;
type Shift = Call<[array: ArrayInput], [axes?: number | readonly number[] | null], { axes: number | readonly number[] | null }, array>;

/** An axis to transform, and the length it is cut or filled up with zeros to. */
interface Along {
  readonly axis: number;
  readonly length: number | undefined;
}

/** `x` with `length` elements along `axis`: cut, or zeros at the end. */
function resized(x: Node, axis: number, length: number): Node {
  const { shape } = x;
  if (length === shape[axis]) return x;
  const none = shape.map(() => 0);
  if (length < shape[axis])
    return p.slice(
      x,
      none,
      shape.map((size, k) => (k === axis ? length : size)),
    );
  return p.pad(
    x,
    none,
    shape.map((size, k) => (k === axis ? length - size : 0)),
  );
}

function checkLength(where: string, length: number): number {
  if (!(length >= 1)) throw rangeError(where, `an axis to transform has at least 1 element, not ${length}`);
  return length;
}

/** One axis of a complex transform; the inverse is scaled by 1 / n. */
function transformed(where: string, x: Node, { axis, length }: Along, inverse: boolean): Node {
  const n = checkLength(where, length ?? x.shape[axis]);
  const result = fourier(resized(p.astype(x, complex64), axis, n), axis, inverse);
  return inverse ? scale(result, 1 / n) : result;
}

/** The n / 2 + 1 first results of a real axis; the others are their conjugates. */
function realTransformed(where: string, x: Node, { axis, length }: Along): Node {
  const n = checkLength(where, length ?? x.shape[axis]);
  return resized(fourier(p.astype(resized(x, axis, n), complex64), axis, false), axis, Math.floor(n / 2) + 1);
}

/** The real axis that n / 2 + 1 results come from; an imaginary part of the first, and of the last where n is even, does not count. */
function realRestored(where: string, x: Node, { axis, length }: Along): Node {
  const n = checkLength(where, length ?? 2 * (x.shape[axis] - 1));
  const half = resized(p.astype(x, complex64), axis, Math.floor(n / 2) + 1);
  // Σ over all k is the real part of the sum over half of them, those that have a partner twice.
  const doubled = p.slice(
    half,
    half.shape.map((_, k) => (k === axis ? 1 : 0)),
    half.shape.map((size, k) => (k === axis ? Math.floor((n - 1) / 2) : size)),
  );
  const total = p.add(resized(half, axis, n), shiftedBy(resized(doubled, axis, n), axis, 1));
  return scale(p.real(fourier(total, axis, true)), 1 / n);
}

/** Rolls by `by` places, 0 ≤ by ≤ length: the last elements come first. */
function shiftedBy(x: Node, axis: number, by: number): Node {
  const size = x.shape[axis];
  const shift = size === 0 ? 0 : by % size;
  if (shift === 0) return x;
  const part = (from: number, length: number): Node =>
    p.slice(
      x,
      x.shape.map((_, k) => (k === axis ? from : 0)),
      x.shape.map((whole, k) => (k === axis ? length : whole)),
    );
  return p.concatenate([part(size - shift, shift), part(0, size - shift)], axis);
}

function oneAxis(where: string, x: Node, n: unknown, axis: unknown): Along {
  const along = normalizeAxis(where, integerArgument(where, 'axis', axis, -1), x.shape.length);
  return { axis: along, length: n === undefined || n === null ? undefined : checkLength(where, integerArgument(where, 'n', n)) };
}

/** The axes to transform, in the order given; without a list those of `n`'s lengths, at the end, or `standard`. */
function manyAxes(where: string, x: Node, n: unknown, axes: unknown, standard: readonly number[]): Along[] {
  const sizes = n === undefined || n === null ? undefined : integersArgument(where, 'n', n);
  const rank = x.shape.length;
  let list = standard;
  if (axes !== undefined && axes !== null) list = integersArgument(where, 'axes', axes);
  else if (sizes !== undefined && sizes.length !== standard.length) list = sizes.map((_, k) => k - sizes.length);
  if (sizes !== undefined && sizes.length !== list.length) {
    throw rangeError(where, `n has ${sizes.length} lengths for ${list.length} axes of shape ${showShape(x.shape)}`);
  }
  if (list.length === 0) throw rangeError(where, `there is no axis to transform: shape ${showShape(x.shape)}`);
  return list.map((axis, k) => ({
    axis: normalizeAxis(where, axis, rank),
    length: sizes === undefined ? undefined : checkLength(where, sizes[k]),
  }));
}

const allAxes = (x: Node): number[] => x.shape.map((_, axis) => axis);
const lastTwo = (): number[] => [-2, -1];

// Their results are complex64, so float64 arrays are checked at that precision.
const coarse = 2e4;
const real = (shape: Shape) => operand(shape, { dtype: float64 });
const complex = (shape: Shape) => operand(shape, { dtype: complex64 });

function cases(
  make: (shape: Shape) => ReturnType<typeof operand>,
  tolerance: number,
  list: readonly (readonly [Shape, ...unknown[]])[],
): OpCase[] {
  return list.map(([shape, ...rest]) => ({ args: [make(shape), ...rest], tolerance }));
}

const oneAxisShapes: readonly (readonly [Shape, ...unknown[]])[] = [
  [[5]],
  [[4, 3]],
  [[3, 4], null, 0],
  [[2, 5], 3],
  [[6], 8],
  [[1], 1],
  [[2, 3, 2], 4, 1],
];
const twoAxesShapes: readonly (readonly [Shape, ...unknown[]])[] = [
  [[3, 4]],
  [[2, 4, 3]],
  [
    [3, 4],
    [2, 5],
  ],
  [[3, 2, 4], null, [0, 2]],
];

function declareOne(name: string, dtype: Dtype, apply: (where: string, x: Node, along: Along) => Node): OneAxis {
  const declared = (): OpCase[] =>
    dtype === complex64 ? [...cases(complex, 2, oneAxisShapes), ...cases(real, coarse, [[[5]]])] : cases(real, coarse, oneAxisShapes);
  return defineOp<OneAxis>(
    { name, method: false, parameters: ['array', 'n?', 'axis?'], cases: declared },
    (array: ArrayInput, n: unknown, axis: unknown): array => {
      const x = toNode(array, undefined, name);
      return wrap(apply(name, x, oneAxis(name, x, n, axis)));
    },
  );
}

function declareMany(
  name: string,
  dtype: Dtype,
  standard: (x: Node) => number[],
  apply: (where: string, x: Node, axes: Along[]) => Node,
): ManyAxes {
  const declared = (): OpCase[] =>
    dtype === complex64 ? [...cases(complex, 2, twoAxesShapes), ...cases(real, coarse, [[[3, 2]]])] : cases(real, coarse, twoAxesShapes);
  return defineOp<ManyAxes>(
    { name, method: false, parameters: ['array', 'n?', 'axes?'], cases: declared },
    (array: ArrayInput, n: unknown, axes: unknown): array => {
      const x = toNode(array, undefined, name);
      return wrap(apply(name, x, manyAxes(name, x, n, axes, standard(x))));
    },
  );
}

const overAll =
  (inverse: boolean) =>
  (where: string, x: Node, axes: Along[]): Node =>
    axes.reduce((y, along) => transformed(where, y, along, inverse), p.astype(x, complex64));

function realOverAll(where: string, x: Node, axes: Along[]): Node {
  checkReal(where, x);
  const last = axes[axes.length - 1];
  return axes.slice(0, -1).reduce((y, along) => transformed(where, y, along, false), realTransformed(where, x, last));
}

function restoredOverAll(where: string, x: Node, axes: Along[]): Node {
  const last = axes[axes.length - 1];
  const others = axes.slice(0, -1).reduce((y, along) => transformed(where, y, along, true), p.astype(x, complex64));
  return realRestored(where, others, last);
}

function checkReal(where: string, x: Node): void {
  if (x.dtype === complex64) throw rangeError(where, 'transforms real arrays, not complex64');
}

/**
 * The discrete Fourier transform X[k] = Σ x[j] · exp(-2πi j k / n) along `axis`, the last unless told, which is cut or filled up with zeros to
 * `n` elements first. Any length takes O(n log n); it is computed in double precision and gives complex64.
 *
 * @throws RangeError for an axis without elements.
 * @example
 * mx.fft.fft([1, 0, 0]); // array([1+0j, 1+0j, 1+0j], dtype=complex64)
 */
export const fft = declareOne('fft.fft', complex64, (where, x, along) => transformed(where, x, along, false));

/**
 * The inverse of `fft`: x[j] = (1 / n) Σ X[k] · exp(2πi j k / n).
 *
 * @example
 * mx.fft.ifft([1, 1]); // array([1+0j, 0+0j], dtype=complex64)
 */
export const ifft = declareOne('fft.ifft', complex64, (where, x, along) => transformed(where, x, along, true));

/**
 * The first n / 2 + 1 elements of the transform of a real axis; the others are their conjugates in reverse.
 *
 * @example
 * mx.fft.rfft([1, 0, 0]); // array([1+0j, 1+0j], dtype=complex64)
 */
export const rfft = declareOne('fft.rfft', float64, (where, x, along) => {
  checkReal(where, x);
  return realTransformed(where, x, along);
});

/**
 * The inverse of `rfft`: a real axis of `n` elements, 2 · (length - 1) unless told, as float32.
 *
 * @example
 * mx.fft.irfft([1, 1]); // array([1, 0], dtype=float32)
 */
export const irfft = declareOne('fft.irfft', complex64, realRestored);

/**
 * `fft` over `axes`, all of them unless told, each of the length that `n` lists.
 *
 * @example
 * mx.fft.fftn(mx.array([[1, 2], [3, 4]])); // array([[10+0j, -2+0j],\n       [-4+0j, 0+0j]], dtype=complex64)
 */
export const fftn = declareMany('fft.fftn', complex64, allAxes, overAll(false));

/**
 * The inverse of `fftn`.
 *
 * @example
 * mx.fft.ifftn(mx.fft.fftn(mx.array([[1, 2], [3, 4]]))); // array([[1+0j, 2+0j],\n       [3+0j, 4+0j]], dtype=complex64)
 */
export const ifftn = declareMany('fft.ifftn', complex64, allAxes, overAll(true));

/**
 * `fft` over two axes, the last two unless told.
 *
 * @example
 * mx.fft.fft2(mx.array([[1, 2], [3, 4]])); // array([[10+0j, -2+0j],\n       [-4+0j, 0+0j]], dtype=complex64)
 */
export const fft2 = declareMany('fft.fft2', complex64, lastTwo, overAll(false));

/**
 * The inverse of `fft2`.
 *
 * @example
 * mx.fft.ifft2(mx.fft.fft2(mx.array([[1, 2], [3, 4]]))); // array([[1+0j, 2+0j],\n       [3+0j, 4+0j]], dtype=complex64)
 */
export const ifft2 = declareMany('fft.ifft2', complex64, lastTwo, overAll(true));

/**
 * `rfft` over the last of `axes`, `fft` over the others.
 *
 * @example
 * mx.fft.rfftn(mx.ones([2, 3, 4])).shape; // [2, 3, 3]
 */
export const rfftn = declareMany('fft.rfftn', float64, allAxes, realOverAll);

/**
 * The inverse of `rfftn`.
 *
 * @example
 * mx.fft.irfftn(mx.fft.rfftn(mx.ones([2, 3, 4]))).shape; // [2, 3, 4]
 */
export const irfftn = declareMany('fft.irfftn', complex64, allAxes, restoredOverAll);

/**
 * `rfftn` over two axes, the last two unless told.
 *
 * @example
 * mx.fft.rfft2(mx.array([[1, 2], [3, 4]])); // array([[10+0j, -2+0j],\n       [-4+0j, 0+0j]], dtype=complex64)
 */
export const rfft2 = declareMany('fft.rfft2', float64, lastTwo, realOverAll);

/**
 * The inverse of `rfft2`.
 *
 * @example
 * mx.fft.irfft2(mx.fft.rfft2(mx.array([[1, 2], [3, 4]]))); // array([[1, 2],\n       [3, 4]], dtype=float32)
 */
export const irfft2 = declareMany('fft.irfft2', complex64, lastTwo, restoredOverAll);

function declareShift(name: string, by: (size: number) => number): Shift {
  return defineOp<Shift>(
    {
      name,
      method: false,
      parameters: ['array', 'axes?'],
      cases: () => [
        { args: [operand([5])] },
        { args: [operand([4, 3]), 0] },
        { args: [operand([2, 3, 4]), [0, 2]] },
        { args: [operand([0, 2])] },
      ],
    },
    (array: ArrayInput, axes: unknown): array => {
      const x = toNode(array, undefined, name);
      const list = axes === undefined || axes === null ? allAxes(x) : integersArgument(name, 'axes', axes);
      const shift = (y: Node, axis: number): Node => {
        const along = normalizeAxis(name, axis, x.shape.length);
        return shiftedBy(y, along, by(x.shape[along]));
      };
      return wrap(list.reduce(shift, x));
    },
  );
}

/**
 * Moves the element of frequency 0 from the front to the middle of `axes`, all of them unless told.
 *
 * @example
 * mx.fft.fftshift([0, 1, 2, 3]); // array([2, 3, 0, 1], dtype=float32)
 */
export const fftshift = declareShift('fft.fftshift', (size) => Math.floor(size / 2));

/**
 * The inverse of `fftshift`, which differs from it in odd lengths.
 *
 * @example
 * mx.fft.ifftshift(mx.array([-2, -1, 0, 1])); // array([0, 1, -2, -1], dtype=float32)
 */
export const ifftshift = declareShift('fft.ifftshift', (size) => Math.ceil(size / 2));
