/** `checkGrads`: forward and reverse mode of a function against central differences. */

import { type array, nodeOf, toNode, wrap } from '../array';
import { complex64, float64 } from '../dtype';
import { codedError, typeError } from '../errors';
import { type Node, onDevice } from '../graph/node';
import { cpuDevice } from '../graph/placement';
import { describe } from '../ops/arguments';
import { add } from '../primitives/binary';
import { astype } from '../primitives/cast';
import { full, zeros } from '../primitives/generators';
import { reshape } from '../primitives/movement';
import { timesI } from '../primitives/rules';
import { contiguousStrides, sizeOf } from '../shape';
import { arrayPath, arraysOf, mapArrays, showKey } from '../tree';
import { asTree, outputList } from './arguments';
import { type AnyFunction, callTraced, checkFunction } from './tracing';
import { jvp, vjp } from './vjp';

/** How many elements of an array are varied one by one. */
const sampled = 8;

/** Numbers between -1 and 1 that are the same in every run. */
function* pseudoRandom(): Generator<number, never> {
  for (let state = 12345; ; state = (Math.imul(state, 1103515245) + 12345) >>> 0) yield (state >>> 8) / 2 ** 23 - 1;
}

/** Elements as real numbers; a complex one is two. */
function components(value: array): number[] {
  const node = nodeOf(value);
  if (node.dtype === complex64) return Array.from(value.toTypedArray() as Float32Array);
  return Array.from(wrap(astype(node, float64)).toTypedArray() as Float64Array);
}

function fromComponents(numbers: readonly number[], like: Node): array {
  const part = (start: number, step: number): Node => {
    const values = Float64Array.from({ length: numbers.length / step }, (_, i) => numbers[start + i * step]);
    return reshape(toNode(values), like.shape);
  };
  if (like.dtype !== complex64) return wrap(astype(part(0, 1), like.dtype));
  return wrap(add(astype(part(0, 2), complex64), timesI(astype(part(1, 2), complex64))));
}

/** A direction in which one array is varied. */
interface Direction {
  readonly name: string;
  readonly numbers: readonly number[];
}

function* directions(node: Node, path: string, random: Iterator<number, never>): Generator<Direction> {
  const parts = node.dtype === complex64 ? 2 : 1;
  const length = sizeOf(node.shape) * parts;
  const strides = contiguousStrides(node.shape);
  const count = Math.min(length, sampled);
  for (let i = 0; i < count; i++) {
    const at = Math.floor((i * length) / count);
    const element = Math.floor(at / parts);
    const index = node.shape.map((size, axis) => Math.floor(element / strides[axis]) % size);
    const numbers = new Array<number>(length).fill(0);
    numbers[at] = 1;
    yield { name: `element [${index.join(', ')}]${at % parts === 1 ? ' (imaginary part)' : ''} of ${path}`, numbers };
  }
  if (length > sampled) yield { name: `a random direction of ${path}`, numbers: Array.from({ length }, () => random.next().value) };
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i], 0);

/**
 * Compares the derivatives of `f` at `args`, by forward and by reverse mode, with central differences. Real arguments
 * are taken in float64, so `f` should compute in the dtype of its arguments; the default device is the CPU meanwhile, which has that.
 *
 * @throws Error that says which derivative is wrong, where, and by how much.
 * @example
 * mx.checkGrads((x) => mx.sin(x).multiply(x), [mx.array([0.5, 1.5])]);
 */
export function checkGrads<A extends readonly unknown[]>(f: (...args: A) => unknown, args: readonly [...A]): void {
  checkFunction('checkGrads', f);
  if (!Array.isArray(args)) throw typeError('checkGrads', `args must be the list of arguments, not ${describe(args)}`);
  onDevice(cpuDevice, () => compare(f as AnyFunction, args));
}

function compare(run: AnyFunction, args: readonly unknown[]): void {
  const random = pseudoRandom();
  const primals = args.map((arg: unknown) =>
    mapArrays(asTree(arg, 'checkGrads'), (leaf) => (leaf.dtype.kind === 'float' ? leaf.astype(float64) : leaf)),
  );
  const leaves = primals.flatMap((tree, i) => arraysOf(tree).map((leaf, k) => ({ leaf, path: `argument ${i}${arrayPath(tree, k)}` })));
  const outputsAt = (trees: readonly unknown[]): array[] => arraysOf(outputList('checkGrads', callTraced('checkGrads', run, trees)));
  /** The arguments with one array replaced, or all. */
  const replaced = (replace: (leaf: array, index: number) => array): unknown[] => mapArrays(primals, replace) as unknown[];
  const list = outputList(
    'checkGrads',
    callTraced(
      'checkGrads',
      run,
      replaced((leaf) => wrap(nodeOf(leaf))),
    ),
  );
  const outputs = arraysOf(list);
  const outputPaths = outputs.map((_, j) => `output ${arrayPath(list, j).replace(/^\[(\d+)\]/, '$1') || showKey(j)}`);
  const exact = [...outputs, ...leaves.map(({ leaf }) => leaf)].every(({ dtype }) => !dtype.inexact || dtype === float64);
  const [step, tolerance] = exact ? [1e-5, 1e-6] : [1e-2, 3e-2];

  const fail = (mode: string, place: string, got: number, expected: number): never => {
    const text = `${mode} is wrong for ${place}: it gives ${got}, central differences ${expected}, which differ by ${Math.abs(got - expected)}`;
    throw codedError('checkGrads', 'METALGRAD_TRANSFORM', text);
  };
  const agree = (a: number, b: number): boolean => Object.is(a, b) || Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a), Math.abs(b));

  const inexact = outputs.map(({ dtype }) => dtype.inexact);
  const weights = outputs.map((output) => (output.dtype.inexact ? components(output).map(() => random.next().value) : []));
  const cotangents = mapArrays(list, (output, j) => {
    const node = nodeOf(output);
    return inexact[j] ? fromComponents(weights[j], node) : wrap(zeros(node.shape, node.dtype));
  });
  const gradients = arraysOf((vjp as Untyped)(run, primals, cotangents)[1]);

  leaves.forEach(({ leaf, path }, i) => {
    const node = nodeOf(leaf);
    if (!node.dtype.inexact) return;
    const gradient = components(gradients[i]);
    for (const { name, numbers } of directions(node, path, random)) {
      const moved = (sign: number): number[][] => {
        const difference = fromComponents(
          numbers.map((x) => x * sign * step),
          node,
        );
        return outputsAt(replaced((other, k) => (k === i ? wrap(add(node, nodeOf(difference))) : wrap(nodeOf(other))))).map(components);
      };
      const above = moved(1);
      const below = moved(-1);
      const slopes = above.map((values, j) => values.map((value, e) => (value - below[j][e]) / (2 * step)));
      const tangents = replaced((other, k) => {
        const { shape, dtype } = nodeOf(other);
        return k === i ? fromComponents(numbers, node) : wrap(full(0, shape, dtype));
      });
      const forward = arraysOf((jvp as Untyped)(run, primals, tangents)[1]).map(components);
      let expected = 0;
      slopes.forEach((slope, j) => {
        if (!inexact[j]) return;
        slope.forEach((value, e) => {
          if (!agree(forward[j][e], value)) fail('forward mode', `element ${e} of ${outputPaths[j]} along ${name}`, forward[j][e], value);
        });
        expected += dot(weights[j], slope);
      });
      const got = dot(gradient, numbers);
      if (!agree(got, expected)) fail('reverse mode', name, got, expected);
    }
  });
}

/** The two derivatives as they are called with trees whose types are not known. */
type Untyped = (f: AnyFunction, primals: readonly unknown[], vectors: unknown) => [unknown[], unknown[]];
