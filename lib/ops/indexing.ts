/** Indexing with `x.index(...)`, `x.indexPut_(index, value)` and `x.at(...index).add(value)`. */

import { ArrayHandle, type ArrayInput, type array, nodeOf, rebind, wrap } from '../array';
import { int32 } from '../dtype';
import { typeError } from '../errors';
import type { Node } from '../graph/node';
import { astype } from '../primitives/cast';
import { describe, toNodeLike } from './arguments';
import { readBasic } from './index-basic';
import { type Index, readIndex } from './index-expression';
import { readAt } from './index-read';
import { type WriteMode, writeAt } from './index-write';
import { type CustomMethodOp, operand, registerOp } from './registry';
import { Slice } from './slice-range';

export type { Index } from './index-expression';
export { Slice } from './slice-range';

function arrayNode(where: string, x: unknown): Node {
  if (x instanceof ArrayHandle) return nodeOf(x as unknown as array, where);
  throw typeError(where, `the first argument must be an array, not ${describe(x)}`);
}

function read(x: unknown, parts: readonly unknown[]): array {
  const node = arrayNode('index', x);
  const basic = readBasic(node, parts);
  if (basic !== null) return wrap(basic);
  return wrap(readAt('index', node, readIndex('index', parts, node.shape)));
}

/**
 * The part of an array that an index names, by NumPy's rules. Each part of the index is
 * - a number: one element of an axis, which is left out; negative ones count from the end;
 * - `mx.Slice(start?, stop?, step?)`: a range of an axis;
 * - `null`: a new axis of size 1; `'...'`: as many whole axes as are left over;
 * - an integer array, TypedArray or nested list: a gather. Several are broadcast together; their axes stand where they stood when they stand side
 *   by side, and first otherwise. Negative positions count from the end; positions outside are clamped to the axis;
 * - a boolean array, of as many axes as it masks: the elements where it is true. The size of the result depends on the mask's values, so an array is
 *   evaluated, and an error inside `vmap` and `compile`; a list of booleans is not. A single boolean keeps everything or nothing, along a new axis.
 *
 * @throws RangeError for too many parts, a number outside its axis, a mask of another shape; TypeError for anything else as a part.
 * @example
 * const x = mx.arange(6).reshape(2, 3);
 * x.index(0, mx.Slice(1)); // array([1, 2], dtype=float32)
 * x.index('...', [2, 0]); // array([[2, 0],\n       [5, 3]], dtype=float32)
 */
export const index = registerOp<CustomMethodOp<(x: array, ...index: Index[]) => array, (...index: Index[]) => array>>(
  {
    name: 'index',
    parameters: ['array', '...index'],
    cases: () => [
      { args: [operand([3, 4]), 1] },
      { args: [operand([3, 4]), Slice(null, null, -2), null] },
      { args: [operand([3, 4]), '...', -1] },
      { args: [operand([3, 4]), [2, 0, 2]] },
      { args: [operand([2, 3, 4]), Slice(), [[0, 2]], [[1], [3]]] },
      { args: [operand([2, 3, 4]), [1, 0], Slice(0, 2), [3, 0]] },
      { args: [operand([3]), [true, false, true]] },
      { args: [operand([4, 3]), operand([2, 2], { low: 0, high: 3, dtype: int32 })] },
      { args: [operand([3, 0]), Slice(1, 3)] },
    ],
  },
  (x: unknown, ...parts: unknown[]): array => read(x, parts),
  function (this: unknown, ...parts: unknown[]): array {
    return read(this, parts);
  },
);

/** The value to write, in the dtype of what it is written to. */
function valueNode(where: string, value: ArrayInput, x: Node): Node {
  if (value === undefined) throw typeError(where, 'value is missing');
  return astype(toNodeLike(value, x.dtype, where), x.dtype);
}

function indexPutImplementation(x: unknown, index: unknown, value: ArrayInput): array {
  const node = arrayNode('indexPut_', x);
  // A list is the parts of an index; a list inside it is a gather.
  const parts = Array.isArray(index) ? (index as unknown[]) : [index];
  const expression = readIndex('indexPut_', parts, node.shape);
  rebind(x as array, writeAt('indexPut_', node, expression, 'set', valueNode('indexPut_', value, node)));
  return x as array;
}

/**
 * Writes a value into the part of an array that an index names. Only this handle changes: arrays computed from it before keep
 * what they were computed from. The value is broadcast to the part and cast to the array's dtype.
 *
 * `index` is one part of an index, as in `index`, or a list of them: `x.indexPut_([0, 1], v)` writes the one element at row 0, column 1, and
 * `x.indexPut_([[0, 1]], v)` writes the rows 0 and 1. Of repeated positions the last one stays. A boolean array is not evaluated; when the value has an
 * axis of its own for the mask, the k-th true element takes the k-th value (the last value, when there are too few).
 *
 * @throws RangeError when the value does not broadcast to the part.
 * @returns The same array.
 * @example
 * const x = mx.zeros([2, 2]);
 * const y = x.add(1);
 * x.indexPut_(0, 5);
 * x; // array([[5, 5],\n       [0, 0]], dtype=float32)
 * y; // array([[1, 1],\n       [1, 1]], dtype=float32)
 */
export const indexPut_ = registerOp<
  CustomMethodOp<
    (x: array, index: Index | readonly Index[], value: ArrayInput) => array,
    (index: Index | readonly Index[], value: ArrayInput) => array
  >
>(
  {
    name: 'indexPut_',
    parameters: ['array', 'index', 'value'],
    cases: () => [
      { args: [operand([3, 4]), 1, operand([4])] },
      { args: [operand([3, 4]), [Slice(0, 2), -1], operand([2])] },
      { args: [operand([3, 4]), [Slice(null, null, -1), null, [0, 2, 0]], operand([3])] },
      { args: [operand([3, 4]), [[1, 0]], operand([4])] },
      { args: [operand([3]), [[true, false, true]], operand([])] },
    ],
  },
  indexPutImplementation,
);

type Combination = Exclude<WriteMode, 'set'>;

/** The function behind one method of `At`: registered, so that it has law tests and is recorded like every operation. */
function combination(mode: Combination): (x: array, index: readonly Index[], value: ArrayInput) => array {
  const name = `at.${mode}`;
  const extremum = mode === 'maximum' || mode === 'minimum';
  // Where two elements tie an extremum has no derivative: the values lie in a gap between the array's elements.
  const value = extremum ? { low: 0.4, high: 0.6, distinct: true } : mode === 'divide' ? { low: 0.5 } : {};
  const source = extremum ? { distinct: true, avoid: [0.4, 0.45, 0.5, 0.55, 0.6] } : {};
  return registerOp<(x: array, index: readonly Index[], value: ArrayInput) => array>(
    {
      name,
      parameters: ['array', 'index', 'value'],
      method: false,
      cases: () => [
        { args: [operand([3, 2], source), [1], operand([2], value)] },
        { args: [operand([4], source), [[0, 2, 0, 3]], operand([4], value)] },
        { args: [operand([3, 4], source), [Slice(null, null, -2), [1, 1]], operand([2], value)] },
        {
          args: [
            operand([2, 2], source),
            [
              [
                [true, false],
                [false, true],
              ] as readonly boolean[][],
            ],
            operand([], value),
          ],
        },
      ],
    },
    (x: unknown, index: readonly unknown[], given: ArrayInput): array => {
      const node = arrayNode(name, x);
      return wrap(writeAt(name, node, readIndex(name, index, node.shape), mode, valueNode(name, given, node)));
    },
  );
}

const combinations = {
  add: combination('add'),
  subtract: combination('subtract'),
  multiply: combination('multiply'),
  divide: combination('divide'),
  maximum: combination('maximum'),
  minimum: combination('minimum'),
};

/** A part of an array that waits for a value to be combined with: what `x.at(...index)` gives. */
class At {
  readonly #array: array;
  readonly #node: Node;
  readonly #index: readonly Index[];

  /** @internal */
  constructor(x: array, index: readonly Index[]) {
    this.#array = x;
    this.#node = arrayNode('at', x);
    this.#index = index;
  }

  /** The array as it was: writing to it afterwards does not change what this names. */
  #source(): array {
    return this.#array._node === this.#node ? this.#array : wrap(this.#node);
  }

  /** A new array with `value` added to the part; repeated positions add up. */
  add(value: ArrayInput): array {
    return combinations.add(this.#source(), this.#index, value);
  }

  /** A new array with `value` subtracted from the part; repeated positions add up. */
  subtract(value: ArrayInput): array {
    return combinations.subtract(this.#source(), this.#index, value);
  }

  /** A new array with the part multiplied by `value`; repeated positions multiply. */
  multiply(value: ArrayInput): array {
    return combinations.multiply(this.#source(), this.#index, value);
  }

  /** A new array with the part divided by `value`, once for each repeated position; integers as `floorDivide` does. */
  divide(value: ArrayInput): array {
    return combinations.divide(this.#source(), this.#index, value);
  }

  /** A new array with the larger of the part and `value`. */
  maximum(value: ArrayInput): array {
    return combinations.maximum(this.#source(), this.#index, value);
  }

  /** A new array with the smaller of the part and `value`. */
  minimum(value: ArrayInput): array {
    return combinations.minimum(this.#source(), this.#index, value);
  }
}

/**
 * The part of an array that an index names, to be combined with a value into a new array.
 *
 * @example
 * mx.zeros([3]).at([0, 0, 2]).add(1); // array([2, 0, 1], dtype=float32)
 */
export const at = ((x: array, ...index: Index[]): At => new At(x, index)) as CustomMethodOp<
  (x: array, ...index: Index[]) => At,
  (...index: Index[]) => At
>;
// Its result is no array, so it is no operation of the registry; the functions behind the methods of the result are.
Object.defineProperty(ArrayHandle.prototype, 'at', {
  value(this: array, ...index: Index[]): At {
    return new At(this, index);
  },
  writable: true,
  configurable: true,
  enumerable: false,
});
