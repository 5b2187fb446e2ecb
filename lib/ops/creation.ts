/** Arrays from nothing but sizes and numbers. */

import { type ArrayInput, type array, toNode, wrap } from '../array';
import { bool, type Dtype, float32, float64, int32 } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import { type Node, nodeDevice, onDevice, type Shape } from '../graph/node';
import { cpuDevice } from '../graph/placement';
import * as p from '../primitives';
import type { Scalar } from '../primitives/primitive';
import { broadcastShapes, checkShape, sameShape } from '../shape';
import { isComplexValue } from '../values/construct';
import { describe, dtypeArgument, integerArgument, isWeak, numberArgument, shapeArgument } from './arguments';
import { diagonalMask } from './diagonal-mask';
import { type Call, defineOp, defineVariadicOp, type MethodOp, type OpCase, operand, type Placement, type Trailing } from './registry';

type ShapeLike = number | readonly number[];
type WithDtype = { dtype: Dtype };
type ShapeOp = Call<[shape: ShapeLike], [dtype?: Dtype], WithDtype, array>;
type LikeOp = Call<[array: ArrayInput], [dtype?: Dtype], WithDtype, array>;

const onFunction = { method: false } as const;

/** Cases without arrays: only their values can be compared. */
function constantCases(...calls: (readonly unknown[])[]): () => readonly OpCase[] {
  return () => calls.map((args) => ({ args, differentiable: false }));
}

function filledOp(name: string, value: number): ShapeOp {
  return defineOp<ShapeOp>(
    { name, parameters: ['shape', 'dtype?'], ...onFunction, cases: constantCases([[2, 3]], [[], int32], [[2, 0]]) },
    (shape: unknown, dtype: unknown): array => {
      const target = dtypeArgument(name, dtype, float32);
      return wrap(p.full(value, shapeArgument(name, shape, target.size), target));
    },
  );
}

/**
 * Zeros; float32 unless a dtype is named.
 *
 * @example
 * mx.zeros([2], mx.int32); // array([0, 0], dtype=int32)
 */
export const zeros = filledOp('zeros', 0);
/**
 * Ones; float32 unless a dtype is named.
 *
 * @example
 * mx.ones([2]); // array([1, 1], dtype=float32)
 */
export const ones = filledOp('ones', 1);

function likeOp(name: string, value: number): LikeOp {
  const cases = () => [{ args: [operand([2, 3])], differentiable: false }];
  return defineOp<LikeOp>({ name, parameters: ['array', 'dtype?'], ...onFunction, cases }, (array: ArrayInput, dtype: unknown): array => {
    const x = toNode(array, undefined, name);
    return wrap(p.full(value, x.shape, dtypeArgument(name, dtype, x.dtype)));
  });
}

/**
 * Zeros of an array's shape and dtype.
 *
 * @example
 * mx.zerosLike(mx.array([1, 2])); // array([0, 0], dtype=float32)
 */
export const zerosLike = likeOp('zerosLike', 0);
/**
 * Ones of an array's shape and dtype.
 *
 * @example
 * mx.onesLike(mx.array([3, 4])); // array([1, 1], dtype=float32)
 */
export const onesLike = likeOp('onesLike', 1);

/** A value, or an array that broadcasts, over a shape. */
function filled(where: string, shape: Shape, value: unknown, dtype: Dtype | undefined): Node {
  if (isWeak(value) || isComplexValue(value)) {
    const own = toNode(value, undefined, where).dtype;
    const target = dtype ?? own;
    // A complex value loses its imaginary part in a cast, not in an argument.
    if (isComplexValue(value) && target !== own) return p.astype(p.full(value, shape, own), target);
    return p.full(value as Scalar, shape, target);
  }
  const x = toNode(value as ArrayInput, dtype, where);
  if (!sameShape(broadcastShapes(where, x.shape, shape), shape)) {
    throw rangeError(where, `shape ${showShape(x.shape)} does not broadcast to ${showShape(shape)}`);
  }
  return p.broadcastTo(x, shape);
}

/**
 * A shape filled with a value: a number gives float32, a boolean bool, an array its own dtype, unless a dtype is named.
 *
 * @example
 * mx.full([2], 7); // array([7, 7], dtype=float32)
 */
export const full = defineOp<Call<[shape: ShapeLike, fillValue: ArrayInput], [dtype?: Dtype], WithDtype, array>>(
  {
    name: 'full',
    parameters: ['shape', 'fillValue', 'dtype?'],
    ...onFunction,
    cases: () => [{ args: [[2, 3], operand([])] }, { args: [[2, 3], operand([3])] }],
  },
  (shape: unknown, value: unknown, dtype: unknown): array => {
    const target = dtypeArgument('full', dtype);
    return wrap(filled('full', shapeArgument('full', shape, target?.size), value, target));
  },
);

/**
 * A value over an array's shape, in its dtype unless one is named.
 *
 * @example
 * mx.fullLike(mx.array([1, 2]), 5); // array([5, 5], dtype=float32)
 */
export const fullLike = defineOp<Call<[array: ArrayInput, fillValue: ArrayInput], [dtype?: Dtype], WithDtype, array>>(
  {
    name: 'fullLike',
    parameters: ['array', 'fillValue', 'dtype?'],
    ...onFunction,
    cases: () => [{ args: [operand([2, 3]), operand([3])] }],
  },
  (array: ArrayInput, value: unknown, dtype: unknown): array => {
    const x = toNode(array, undefined, 'fullLike');
    return wrap(filled('fullLike', x.shape, value, dtypeArgument('fullLike', dtype, x.dtype)));
  },
);

type Progression = { stop: number; step: number; dtype: Dtype };

interface Arange extends Call<[start: number], [stop?: number, step?: number, dtype?: Dtype], Progression, array> {
  (stop: number, dtype: Dtype, options?: Placement): array;
  (start: number, stop: number, dtype: Dtype, options?: Placement): array;
}

/**
 * Numbers from `start` (0 unless told) up to but without `stop`, `step` apart; float32 unless a dtype is named.
 *
 * @throws RangeError when the number of elements is not finite.
 * @example
 * mx.arange(1, 6, 2); // array([1, 3, 5], dtype=float32)
 */
export const arange = defineOp<Arange>(
  {
    name: 'arange',
    parameters: ['start', 'stop?', 'step?', 'dtype?'],
    ...onFunction,
    cases: constantCases([4], [1, 6, 2], [3, int32], [2, 0]),
  },
  (first: unknown, second: unknown, third: unknown, fourth: unknown): array => {
    const given = [first, second, third, fourth].filter((value) => value !== undefined && value !== null);
    const dtypes = given.filter((value) => !(typeof value === 'number'));
    if (dtypes.length > 1) throw typeError('arange', `start, stop and step must be numbers, not ${describe(dtypes[0])}`);
    const dtype = dtypeArgument('arange', dtypes[0], float32);
    const number = (name: string, value: unknown, fallback: number): number =>
      value === undefined || value === null || value === dtypes[0] ? fallback : numberArgument('arange', name, value);
    const start = number('start', first, 0);
    const onlyStop = second === undefined || second === null || second === dtypes[0];
    return wrap(arangeNode(onlyStop ? 0 : start, onlyStop ? start : number('stop', second, 0), number('step', third, 1), dtype));
  },
);

function arangeNode(start: number, stop: number, step: number, dtype: Dtype): Node {
  if (dtype === bool) throw typeError('arange', 'dtype must be a number, not bool');
  if (step === 0) throw rangeError('arange', 'step must not be 0');
  const count = Math.max(Math.ceil((stop - start) / step), 0);
  if (!Number.isFinite(count)) throw rangeError('arange', `from ${start} to ${stop} by ${step} is no finite number of elements`);
  const shape = checkShape('arange', [count], dtype.size);
  // Integers that no step of integers makes are computed as float64 and truncated.
  if (!dtype.inexact && !(Number.isInteger(start) && Number.isInteger(step)))
    return p.astype(p.arange(start, step, shape, 0, float64), dtype);
  if (dtype.kind === 'complex') return p.astype(p.arange(start, step, shape, 0, float32), dtype);
  return p.arange(start, step, shape, 0, dtype);
}

/**
 * `num` (50 unless told) numbers from `start` to `stop`, both included, at equal distances; float32 unless a dtype is named.
 *
 * @example
 * mx.linspace(0, 1, 5); // array([0, 0.25, 0.5, 0.75, 1], dtype=float32)
 */
export const linspace = defineOp<Call<[start: number, stop: number], [num?: number, dtype?: Dtype], { num: number; dtype: Dtype }, array>>(
  {
    name: 'linspace',
    parameters: ['start', 'stop', 'num?', 'dtype?'],
    ...onFunction,
    cases: constantCases([0, 1, 5], [2, 3, 1], [2, 3, 0]),
  },
  (first: unknown, last: unknown, num: unknown, dtype: unknown): array => {
    const start = numberArgument('linspace', 'start', first);
    const stop = numberArgument('linspace', 'stop', last);
    const count = integerArgument('linspace', 'num', num, 50);
    const target = dtypeArgument('linspace', dtype, float32);
    if (count < 0) throw rangeError('linspace', `num must be at least 0, not ${count}`);
    const shape = checkShape('linspace', [count], target.size);
    const computed = target === float64 ? float64 : float32;
    const fill = (value: number): Node => p.full(value, shape, computed);
    if (count === 1) return wrap(p.full(start, shape, target));
    // A weighted mean, so that both ends are exact. Making an array works with any dtype: only the CPU has them all.
    const mean = onDevice(computed === float64 ? cpuDevice : nodeDevice(), () => {
      const t = p.divide(p.arange(0, 1, shape, 0, computed), fill(count - 1));
      return p.add(p.multiply(p.subtract(fill(1), t), fill(start)), p.multiply(t, fill(stop)));
    });
    return wrap(p.astype(mean, target));
  },
);

function matrixSize(where: string, name: string, value: unknown, fallback?: number): number {
  const size = integerArgument(where, name, value, fallback);
  if (size < 0) throw rangeError(where, `${name} must be at least 0, not ${size}`);
  return size;
}

type MatrixOptions = { m: number; k: number; dtype: Dtype };

/**
 * An n × m matrix (m = n unless told) with ones on the k-th diagonal, zeros elsewhere.
 *
 * @example
 * mx.eye(2); // array([[1, 0],\n       [0, 1]], dtype=float32)
 */
export const eye = defineOp<Call<[n: number], [m?: number | null, k?: number, dtype?: Dtype], MatrixOptions, array>>(
  { name: 'eye', parameters: ['n', 'm?', 'k?', 'dtype?'], ...onFunction, cases: constantCases([3], [2, 3, 1], [0]) },
  (n: unknown, m: unknown, k: unknown, dtype: unknown): array => {
    const rows = matrixSize('eye', 'n', n);
    const columns = matrixSize('eye', 'm', m, rows);
    checkShape('eye', [rows, columns]);
    return wrap(p.astype(diagonalMask(p.equal, rows, columns, integerArgument('eye', 'k', k, 0)), dtypeArgument('eye', dtype, float32)));
  },
);

/**
 * The n × n matrix with ones on its diagonal.
 *
 * @example
 * mx.identity(2); // array([[1, 0],\n       [0, 1]], dtype=float32)
 */
export const identity = defineOp<Call<[n: number], [dtype?: Dtype], WithDtype, array>>(
  { name: 'identity', parameters: ['n', 'dtype?'], ...onFunction, cases: constantCases([3], [2, int32]) },
  (n: unknown, dtype: unknown): array => {
    const size = matrixSize('identity', 'n', n);
    checkShape('identity', [size, size]);
    return wrap(p.astype(diagonalMask(p.equal, size, size, 0), dtypeArgument('identity', dtype, float32)));
  },
);

/**
 * An n × m matrix (m = n unless told) with ones on and below the k-th diagonal.
 *
 * @example
 * mx.tri(2, 3); // array([[1, 0, 0],\n       [1, 1, 0]], dtype=float32)
 */
export const tri = defineOp<Call<[n: number], [m?: number | null, k?: number, dtype?: Dtype], MatrixOptions, array>>(
  { name: 'tri', parameters: ['n', 'm?', 'k?', 'dtype?'], ...onFunction, cases: constantCases([3], [2, 3, -1], [0]) },
  (n: unknown, m: unknown, k: unknown, dtype: unknown): array => {
    const rows = matrixSize('tri', 'n', n);
    const columns = matrixSize('tri', 'm', m, rows);
    checkShape('tri', [rows, columns]);
    return wrap(
      p.astype(diagonalMask(p.greaterEqual, rows, columns, integerArgument('tri', 'k', k, 0)), dtypeArgument('tri', dtype, float32)),
    );
  },
);

type TriangleOp = MethodOp<[array: ArrayInput], [k?: number], { k: number }, array>;

function triangle(name: string, compare: (row: Node, column: Node) => Node): TriangleOp {
  return defineOp<TriangleOp>(
    {
      name,
      parameters: ['array', 'k?'],
      cases: () => [{ args: [operand([3, 3])] }, { args: [operand([2, 2, 3]), 1] }, { args: [operand([3, 2]), -1] }],
    },
    (array: ArrayInput, k: unknown): array => {
      const x = toNode(array, undefined, name);
      const rank = x.shape.length;
      if (rank < 2) throw rangeError(name, `needs at least 2 axes, not shape ${showShape(x.shape)}`);
      const mask = diagonalMask(compare, x.shape[rank - 2], x.shape[rank - 1], integerArgument(name, 'k', k, 0));
      return wrap(p.where(p.broadcastTo(mask, x.shape), x, p.full(0, x.shape, x.dtype)));
    },
  );
}

/**
 * Matrices with zeros above the k-th diagonal.
 *
 * @example
 * mx.tril(mx.ones([2, 2])); // array([[1, 0],\n       [1, 1]], dtype=float32)
 */
export const tril = triangle('tril', p.greaterEqual);
/**
 * Matrices with zeros below the k-th diagonal.
 *
 * @example
 * mx.triu(mx.ones([2, 2])); // array([[1, 1],\n       [0, 1]], dtype=float32)
 */
export const triu = triangle('triu', p.lessEqual);

interface Meshgrid {
  (...arrays: ArrayInput[]): array[];
  (...arraysAndOptions: [...ArrayInput[], Trailing<{ sparse: boolean; indexing: 'xy' | 'ij' }>]): array[];
}

/**
 * Coordinate arrays of the grid that vectors span. `indexing` 'xy' (the default) puts the first vector along columns, 'ij' along rows;
 * `sparse` leaves the other axes at size 1.
 *
 * @example
 * mx.meshgrid(mx.array([1, 2]), mx.array([3, 4]))[0]; // array([[1, 2],\n       [1, 2]], dtype=float32)
 */
export const meshgrid = defineVariadicOp<Meshgrid>(
  {
    name: 'meshgrid',
    parameters: ['arrays', 'sparse?', 'indexing?'],
    ...onFunction,
    cases: () => [{ args: [operand([2]), operand([3])] }],
  },
  0,
  (args, options) => {
    const indexing = options.indexing ?? 'xy';
    if (indexing !== 'xy' && indexing !== 'ij') throw typeError('meshgrid', `indexing must be 'xy' or 'ij', not ${describe(indexing)}`);
    const nodes = args.map((arg) => toNode(arg as ArrayInput, undefined, 'meshgrid'));
    const rank = nodes.length;
    const sparse = nodes.map((x, i) => {
      if (x.shape.length > 1) throw rangeError('meshgrid', `arrays must be vectors, not of shape ${showShape(x.shape)}`);
      const axis = indexing === 'xy' && rank > 1 && i < 2 ? 1 - i : i;
      const shape = new Array<number>(rank).fill(1);
      shape[axis] = x.shape.length === 0 ? 1 : x.shape[0];
      return p.reshape(x, checkShape('meshgrid', shape));
    });
    if (options.sparse === true) return sparse.map(wrap);
    const shape = sparse.reduce<Shape>((common, x) => broadcastShapes('meshgrid', common, x.shape), []);
    return sparse.map((x) => wrap(p.broadcastTo(x, shape)));
  },
);
