/** Arrays put together, taken apart and repeated. */

import { type ArrayInput, type array, toNode, wrap } from '../array';
import { promoteTypes } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import type { Node, Shape } from '../graph/node';
import * as p from '../primitives';
import { checkShape, maxRank, normalizeAxis, sameShape, sizeOf } from '../shape';
import { arraysArgument, axisArgument, checkArrays, integerArgument, integersArgument, operands } from './arguments';
import { piece } from './piece';
import { type Call, defineOp, type MethodOp, operand } from './registry';

type IntegerList = number | readonly number[];
type Arrays = array | readonly ArrayInput[];
type JoinOp = Call<[arrays: Arrays], [axis?: number | null], { axis: number | null }, array>;

/** The nodes of a list of arrays with the dtype that holds all of them. */
function promoted(where: string, arrays: unknown): Node[] {
  const nodes = arraysArgument(where, 'arrays', arrays);
  if (nodes.length === 0) throw rangeError(where, 'the list of arrays is empty');
  const dtype = nodes.reduce((common, x) => promoteTypes(common, x.dtype), nodes[0].dtype);
  return nodes.map((x) => p.astype(x, dtype));
}

function flat(x: Node): Node {
  return p.reshape(x, [sizeOf(x.shape)]);
}

function join(where: string, nodes: readonly Node[], axis: number): Node {
  const first = nodes[0].shape;
  const a = normalizeAxis(where, axis, first.length);
  for (const { shape } of nodes) {
    if (shape.length !== first.length || shape.some((size, i) => i !== a && size !== first[i])) {
      throw rangeError(where, `shapes ${showShape(first)} and ${showShape(shape)} differ in more than axis ${a}`);
    }
  }
  return nodes.length === 1 ? nodes[0] : p.concatenate(nodes, a);
}

function concatenateOp(name: string): JoinOp {
  return defineOp<JoinOp>(
    {
      name,
      parameters: ['arrays', 'axis?'],
      method: false,
      cases: () => [
        { args: [[operand([2, 3]), operand([1, 3])]] },
        { args: [[operand([2, 1]), operand([2, 2]), operand([2, 0])], -1] },
        { args: [[operand([2]), operand([2, 2])], null] },
      ],
    },
    (arrays: unknown, axis: unknown): array => {
      const nodes = promoted(name, arrays);
      if (axis === null) return wrap(join(name, nodes.map(flat), 0));
      return wrap(join(name, nodes, integerArgument(name, 'axis', axis, 0)));
    },
  );
}

/**
 * Arrays one after the other along an existing axis, 0 unless told; `null` flattens them first. Dtypes promote.
 *
 * @example
 * mx.concatenate([mx.array([1, 2]), mx.array([3])]); // array([1, 2, 3], dtype=float32)
 */
export const concatenate = concatenateOp('concatenate');
/**
 * The same as `concatenate`.
 *
 * @example
 * mx.concat([mx.array([[1], [2]]), mx.array([[3], [4]])], 1); // array([[1, 3],\n       [2, 4]], dtype=float32)
 */
export const concat = concatenateOp('concat');

/**
 * Arrays of one shape along a new axis, 0 unless told. Dtypes promote.
 *
 * @example
 * mx.stack([mx.array([1, 2]), mx.array([3, 4])]); // array([[1, 2],\n       [3, 4]], dtype=float32)
 */
export const stack = defineOp<Call<[arrays: Arrays], [axis?: number], { axis: number }, array>>(
  {
    name: 'stack',
    parameters: ['arrays', 'axis?'],
    method: false,
    cases: () => [
      { args: [[operand([3]), operand([3])]] },
      { args: [[operand([2, 3]), operand([2, 3])], -1] },
      { args: [[operand([]), operand([])]] },
    ],
  },
  (arrays: unknown, axis: unknown): array => {
    const nodes = promoted('stack', arrays);
    const { shape } = nodes[0];
    const a = axisArgument('stack', axis, shape.length + 1, 0);
    if (shape.length === maxRank) throw rangeError('stack', `rank ${maxRank + 1} is more than ${maxRank}`);
    for (const x of nodes) {
      if (!sameShape(x.shape, shape)) throw rangeError('stack', `shapes ${showShape(shape)} and ${showShape(x.shape)} differ`);
    }
    return wrap(
      join(
        'stack',
        nodes.map((x) => p.expandDims(x, [a])),
        a,
      ),
    );
  },
);

/**
 * The arrays along an axis, which vanishes: the inverse of `stack`.
 *
 * @example
 * mx.unstack(mx.array([[1, 2], [3, 4]])); // [array([1, 2], dtype=float32), array([3, 4], dtype=float32)]
 */
export const unstack = defineOp<MethodOp<[array: ArrayInput], [axis?: number], { axis: number }, array[]>>(
  { name: 'unstack', parameters: ['array', 'axis?'], cases: () => [{ args: [operand([2, 3])] }, { args: [operand([2, 3]), -1] }] },
  (array: ArrayInput, axis: unknown): array[] => {
    const x = toNode(array, undefined, 'unstack');
    const a = axisArgument('unstack', axis, x.shape.length, 0);
    checkArrays('unstack', x.shape[a]);
    return Array.from({ length: x.shape[a] }, (_, i) => wrap(p.squeeze(piece(x, a, i, 1), [a])));
  },
);

/**
 * An array in equal parts (a number) or cut before the given positions (a list) along an axis, 0 unless told.
 *
 * @throws RangeError when the axis does not divide into that many equal parts.
 * @example
 * mx.split(mx.array([1, 2, 3, 4]), 2); // [array([1, 2], dtype=float32), array([3, 4], dtype=float32)]
 */
export const split = defineOp<
  MethodOp<[array: ArrayInput], [indicesOrSections?: IntegerList, axis?: number], { indicesOrSections: IntegerList; axis: number }, array[]>
>(
  {
    name: 'split',
    parameters: ['array', 'indicesOrSections?', 'axis?'],
    cases: () => [{ args: [operand([4, 3]), 2] }, { args: [operand([2, 5]), [1, 3], -1] }],
  },
  (array: ArrayInput, indicesOrSections: unknown, axis: unknown): array[] => {
    const x = toNode(array, undefined, 'split');
    const a = axisArgument('split', axis, x.shape.length, 0);
    const size = x.shape[a];
    if (typeof indicesOrSections === 'number') {
      const sections = integerArgument('split', 'indicesOrSections', indicesOrSections);
      if (sections <= 0 || size % sections !== 0) {
        throw rangeError('split', `axis ${a} of shape ${showShape(x.shape)} does not divide into ${sections} equal parts`);
      }
      checkArrays('split', sections);
      const each = size / sections;
      return Array.from({ length: sections }, (_, i) => wrap(piece(x, a, i * each, each)));
    }
    const cuts = integersArgument('split', 'indicesOrSections', indicesOrSections);
    const bounds = [0, ...cuts.map((cut) => Math.min(Math.max(cut < 0 ? cut + size : cut, 0), size)), size];
    return bounds.slice(1).map((end, i) => wrap(piece(x, a, bounds[i], Math.max(end - bounds[i], 0))));
  },
);

/**
 * Each element `repeats` times along an axis; without an axis in flattened order.
 *
 * @example
 * mx.repeat(mx.array([1, 2]), 2); // array([1, 1, 2, 2], dtype=float32)
 */
export const repeat = defineOp<
  MethodOp<[array: ArrayInput], [repeats?: number, axis?: number | null], { repeats: number; axis: number | null }, array>
>(
  {
    name: 'repeat',
    parameters: ['array', 'repeats?', 'axis?'],
    cases: () => [{ args: [operand([3]), 2] }, { args: [operand([2, 3]), 3, -1] }, { args: [operand([2, 3]), 0, 0] }],
  },
  (array: ArrayInput, repeats: unknown, axis: unknown): array => {
    let x = toNode(array, undefined, 'repeat');
    const n = integerArgument('repeat', 'repeats', repeats);
    if (n < 0) throw rangeError('repeat', `repeats must be at least 0, not ${n}`);
    if (axis === undefined || axis === null) x = flat(x);
    const a = axisArgument('repeat', axis, x.shape.length, 0);
    const shape = checkShape('repeat', [...x.shape.slice(0, a), x.shape[a] * n, ...x.shape.slice(a + 1)]);
    return wrap(p.reshape(p.broadcastTo(reshapeFor(x, a), [...x.shape.slice(0, a + 1), n, ...x.shape.slice(a + 1)]), shape));
  },
);

function reshapeFor(x: Node, axis: number): Node {
  return p.reshape(x, [...x.shape.slice(0, axis + 1), 1, ...x.shape.slice(axis + 1)]);
}

/**
 * The whole array `reps[i]` times along axis i; a number counts for the last axis.
 *
 * @example
 * mx.tile(mx.array([1, 2]), 2); // array([1, 2, 1, 2], dtype=float32)
 */
export const tile = defineOp<MethodOp<[array: ArrayInput], [reps?: IntegerList], { reps: IntegerList }, array>>(
  {
    name: 'tile',
    parameters: ['array', 'reps?'],
    cases: () => [{ args: [operand([2]), 3] }, { args: [operand([2, 3]), [2, 1, 2]] }, { args: [operand([2]), [2, 2]] }],
  },
  (array: ArrayInput, reps: unknown): array => {
    const x = toNode(array, undefined, 'tile');
    const counts = integersArgument('tile', 'reps', reps);
    if (counts.some((n) => n < 0)) throw rangeError('tile', `reps must be at least 0: [${counts.join(', ')}]`);
    const rank = Math.max(counts.length, x.shape.length);
    const times = [...new Array<number>(rank - counts.length).fill(1), ...counts];
    const shape = [...new Array<number>(rank - x.shape.length).fill(1), ...x.shape];
    const result = checkShape(
      'tile',
      shape.map((size, i) => size * times[i]),
    );
    // Only the axes that repeat need a second axis in front of them, which keeps the rank low.
    const narrow = shape.flatMap((size, i) => (times[i] === 1 ? [size] : [1, size]));
    const wide = shape.flatMap((size, i) => (times[i] === 1 ? [size] : [times[i], size]));
    checkShape('tile', wide);
    return wrap(p.reshape(p.broadcastTo(p.reshape(x, narrow), wide), result));
  },
);

/**
 * The Kronecker product: every element of `a` times the whole of `b`.
 *
 * @example
 * mx.kron(mx.array([1, 10]), mx.array([1, 2])); // array([1, 2, 10, 20], dtype=float32)
 */
export const kron = defineOp<MethodOp<[a: ArrayInput, b: ArrayInput], [], Record<never, never>, array>>(
  {
    name: 'kron',
    parameters: ['a', 'b'],
    cases: () => [
      { args: [operand([2]), operand([3])] },
      { args: [operand([2, 2]), operand([3, 1])] },
      { args: [operand([2]), operand([2, 2])] },
    ],
  },
  (a: ArrayInput, b: ArrayInput): array => {
    const x = toNode(a, undefined, 'kron');
    const y = toNode(b, undefined, 'kron');
    const dtype = promoteTypes(x.dtype, y.dtype);
    const rank = Math.max(x.shape.length, y.shape.length);
    const left = padRank(x.shape, rank);
    const right = padRank(y.shape, rank);
    if (2 * rank > maxRank) throw rangeError('kron', `rank ${rank} is more than ${maxRank / 2}`);
    const [u, v] = operands(
      'kron',
      wrap(
        p.reshape(
          p.astype(x, dtype),
          left.flatMap((size) => [size, 1]),
        ),
      ),
      wrap(
        p.reshape(
          p.astype(y, dtype),
          right.flatMap((size) => [1, size]),
        ),
      ),
    );
    return wrap(
      p.reshape(
        p.multiply(u, v),
        left.map((size, i) => size * right[i]),
      ),
    );
  },
);

function padRank(shape: Shape, rank: number): Shape {
  return [...new Array<number>(rank - shape.length).fill(1), ...shape];
}

/**
 * The differences of neighbours along an axis (the last unless told), taken `n` times.
 *
 * @example
 * mx.diff(mx.array([1, 4, 9, 16])); // array([3, 5, 7], dtype=float32)
 */
export const diff = defineOp<MethodOp<[array: ArrayInput], [n?: number, axis?: number], { n: number; axis: number }, array>>(
  { name: 'diff', parameters: ['array', 'n?', 'axis?'], cases: () => [{ args: [operand([4])] }, { args: [operand([3, 3]), 2, 0] }] },
  (array: ArrayInput, n: unknown, axis: unknown): array => {
    let x = toNode(array, undefined, 'diff');
    const times = integerArgument('diff', 'n', n, 1);
    if (times < 0) throw rangeError('diff', `n must be at least 0, not ${times}`);
    if (x.shape.length === 0) throw typeError('diff', 'an array with 0 dimensions has no neighbours');
    const a = axisArgument('diff', axis, x.shape.length, -1);
    checkArrays('diff', Math.min(times, x.shape[a]));
    // An axis that is empty stays so.
    for (let i = 0; i < times && x.shape[a] > 0; i++) {
      const size = Math.max(x.shape[a] - 1, 0);
      const next = piece(x, a, Math.min(1, x.shape[a]), size);
      const former = piece(x, a, 0, size);
      x = x.dtype.kind === 'bool' ? p.notEqual(next, former) : p.subtract(next, former);
    }
    return wrap(x);
  },
);
