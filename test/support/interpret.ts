/**
 * The reference: evaluates graphs of nodes in plain JavaScript, in double precision whatever the floating dtype, from nothing but what
 * each primitive declares in its lowering. Slow, short, and independent of the scheduler and of native code.
 */

import type { Dtype } from '../../lib/dtype';
import type { Graph } from '../../lib/graph/graph';
import type { Node, Shape } from '../../lib/graph/node';
import type { Lowering, Region, Scalar } from '../../lib/primitives/primitive';
import type { ElementwiseOp, ReduceOp } from '../../lib/schedule/opcodes';
import * as c from './complex';
import { type Complex, complex } from './complex';
import { runRoutine } from './routines';
import { binary, cast, compare, unary, wrap } from './scalars';
import { randomBytes } from './special';

/** An array in row-major order; bool is 0 and 1. */
export interface Value {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly elements: readonly Complex[];
}

/** Values of nodes that have none of their own: placeholders and data. */
export type Bindings = ReadonlyMap<Node, Value>;

/** Reads a node that has storage: data, or one that was evaluated and has dropped its inputs. */
export type ReadStored = (node: Node) => Value;

/** The values of `outputs`. Nodes with storage are recomputed, or read if `read` is given; data must be bound or read. */
export function interpret(outputs: readonly Node[], bindings: Bindings = new Map(), read?: ReadStored): Value[] {
  const values = new Map<Node, Value>(bindings);
  const several = new Map<Node, readonly Value[]>();
  for (const node of inOrder(outputs, bindings, read !== undefined)) {
    const lowering = node.primitive.lowering as Lowering<unknown>;
    if (read !== undefined && node.storage !== null) {
      values.set(node, read(node));
    } else if (lowering.kind === 'expand') {
      const results = interpret(lowering.expand(node.inputs, node.attrs, node), values, read);
      several.set(node, results);
      if (!node.primitive.several) values.set(node, results[0]);
    } else if (lowering.kind === 'compiled') {
      const { graph } = node.attrs as { readonly graph: Graph };
      const inputs = node.inputs.map((input) => found(values.get(input), input));
      const given = graph.inputs.map((input, k): [Node, Value] => [input, inputs[k]]);
      several.set(node, interpret(graph.outputs, new Map([...bindings, ...given]), read));
    } else if (node.primitive.several && lowering.kind === 'routine') {
      const outs = node.primitive.infer(node.inputs, node.attrs);
      const results = evaluateRoutine(
        node,
        lowering,
        node.inputs.map((input) => found(values.get(input), input)),
      );
      several.set(
        node,
        outs.map(({ shape, dtype }, k) => ({ shape, dtype, elements: results[k] })),
      );
    } else if (lowering.kind === 'project') {
      values.set(node, found(several.get(node.inputs[0]), node)[(node.attrs as { index: number }).index]);
    } else {
      const inputs = node.inputs.map((input) => found(values.get(input), input));
      values.set(node, value(node, evaluate(node, lowering, inputs)));
    }
  }
  return outputs.map((node) => found(values.get(node), node));
}

/** A value from plain numbers, pairs for complex. */
export function valueOf(shape: Shape, dtype: Dtype, numbers: ArrayLike<number | Complex>): Value {
  const elements = Array.from(numbers, (x) => (typeof x === 'number' ? complex(x) : x));
  if (elements.length !== count(shape)) throw new Error(`[interpret] ${elements.length} elements for shape [${shape.join(', ')}]`);
  return { shape, dtype, elements };
}

/** The real parts. */
export function numbers(value: Value): number[] {
  return value.elements.map((x) => x.re);
}

function found<T>(x: T | undefined, node: Node): T {
  if (x === undefined) throw new Error(`[interpret] ${node.primitive.name} ${node.id} has no value`);
  return x;
}

/** The nodes under `outputs` that are not bound, in order of id: inputs before consumers. */
function inOrder(outputs: readonly Node[], bindings: Bindings, stopAtStorage: boolean): Node[] {
  const seen = new Set<Node>();
  const stack = [...outputs];
  while (stack.length > 0) {
    const node = stack.pop() as Node;
    if (seen.has(node) || bindings.has(node)) continue;
    seen.add(node);
    if (stopAtStorage && node.storage !== null) continue;
    for (const input of node.inputs) stack.push(input);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}

function value(node: Node, elements: readonly Complex[]): Value {
  if (elements.length !== count(node.shape)) {
    throw new Error(`[interpret] ${node.primitive.name} gave ${elements.length} elements for shape [${node.shape.join(', ')}]`);
  }
  return { shape: node.shape, dtype: node.dtype, elements };
}

function count(shape: Shape): number {
  return shape.reduce((size, axis) => size * axis, 1);
}

/** Every index of a shape, in row-major order. */
function indicesOf(shape: Shape): number[][] {
  let all: number[][] = [[]];
  for (const size of shape) all = all.flatMap((index) => Array.from({ length: size }, (_, i) => [...index, i]));
  return all;
}

function position(index: readonly number[], shape: Shape): number {
  return index.reduce((at, i, axis) => at * shape[axis] + i, 0);
}

function at(x: Value, index: readonly number[]): Complex {
  return x.elements[position(index, x.shape)];
}

function scalarOf(value: Scalar, dtype: Dtype): Complex {
  if (typeof value === 'object') return value;
  if (dtype.kind === 'signed' || dtype.kind === 'unsigned') {
    return complex(wrap(typeof value === 'bigint' ? value : BigInt(Math.trunc(Number(value))), dtype));
  }
  return complex(dtype.kind === 'bool' ? Number(Boolean(value)) : Number(value));
}

/** What a primitive gives a plan as arguments. */
function argumentsOf(node: Node): Complex[] {
  const collected: Complex[] = [];
  node.primitive.args?.(
    node.attrs,
    { scalar: (value, dtype) => collected.push(scalarOf(value, dtype)), integer: (integer) => collected.push(complex(integer)) },
    node.dtype,
  );
  return collected;
}

function evaluate(node: Node, lowering: Lowering<unknown>, inputs: readonly Value[]): readonly Complex[] {
  const { attrs, shape, dtype } = node;
  const [x] = inputs;
  switch (lowering.kind) {
    case 'elementwise':
      return elementwise(lowering.op, inputs, dtype);
    case 'full':
      return new Array<Complex>(count(shape)).fill(argumentsOf(node)[0]);
    case 'arange': {
      const [start, step] = argumentsOf(node);
      const axis = lowering.axis(attrs);
      return indicesOf(shape).map((index) => binary('add', start, binary('multiply', step, complex(index[axis]), dtype), dtype));
    }
    case 'alias':
    case 'reshape':
      return x.elements;
    case 'transpose': {
      const permutation = lowering.permutation(attrs);
      return indicesOf(shape).map((index) => {
        const source = new Array<number>(index.length);
        permutation.forEach((axis, k) => {
          source[axis] = index[k];
        });
        return at(x, source);
      });
    }
    case 'broadcast': {
      const lead = shape.length - x.shape.length;
      return indicesOf(shape).map((index) =>
        at(
          x,
          x.shape.map((size, axis) => (size === 1 ? 0 : index[lead + axis])),
        ),
      );
    }
    case 'slice': {
      const starts = argumentsOf(node).map((start) => start.re);
      const steps = lowering.steps(attrs);
      return indicesOf(shape).map((index) =>
        at(
          x,
          index.map((i, axis) => starts[axis] + i * steps[axis]),
        ),
      );
    }
    case 'reduce':
      return reduce(lowering.op, x, lowering.axes(attrs), dtype);
    case 'matmul':
      return matmul(inputs[0], inputs[1], shape, dtype);
    case 'gather':
      return gather(x, inputs.slice(1), lowering.axes(attrs), lowering.sliceSizes(attrs));
    case 'scatter': {
      const [source, updates, ...indices] = inputs;
      const mode = lowering.mode(attrs);
      const op = mode === 'set' ? null : mode;
      return scatter(source, updates, indices, lowering.axes(attrs), (old, update) =>
        op === null ? update : binary(op, old, update, dtype),
      );
    }
    case 'randomBits':
      return randomBits(x, node);
    case 'sort':
      return sort(x, lowering.indices);
    case 'assemble':
      return assemble(node, lowering.base(attrs), lowering.regions(attrs, node), inputs);
    case 'routine':
      return evaluateRoutine(node, lowering, inputs)[0];
    case 'placeholder':
    case 'data':
    case 'compiled':
    case 'control':
    case 'expand':
    case 'project':
      throw new Error(`[interpret] a node of kind ${lowering.kind} must be bound to a value`);
    default:
      return lowering satisfies never;
  }
}

function evaluateRoutine(
  node: Node,
  lowering: Lowering<unknown> & { kind: 'routine' },
  inputs: readonly Value[],
): readonly (readonly Complex[])[] {
  return runRoutine(lowering.routine, inputs, lowering.ints?.(node.attrs, node) ?? [], argumentsOf(node), node);
}

function elementwise(op: ElementwiseOp, inputs: readonly Value[], dtype: Dtype): Complex[] {
  const [a, b, third] = inputs;
  const operands = inputs.map((input) => input.elements);
  return operands[0].map((_, k) => {
    const x = operands[0][k];
    if (op === 'cast') return cast(x, a.dtype, dtype);
    if (op === 'select') return x.re !== 0 ? operands[1][k] : operands[2][k];
    if (third !== undefined) throw new Error(`[interpret] ${op} with three operands`);
    if (b === undefined) return unary(op, x, a.dtype);
    const holds = compare(op, x, operands[1][k]);
    return holds === undefined ? binary(op, x, operands[1][k], a.dtype) : complex(Number(holds));
  });
}

const hasNaN = (x: Complex): boolean => Number.isNaN(x.re) || Number.isNaN(x.im);

function reduce(op: ReduceOp, x: Value, axes: readonly number[], dtype: Dtype): Complex[] {
  const kept = x.shape.filter((_, axis) => !axes.includes(axis));
  const groups: Complex[][] = Array.from({ length: count(kept) }, () => []);
  for (const index of indicesOf(x.shape)) {
    groups[
      position(
        index.filter((_, axis) => !axes.includes(axis)),
        kept,
      )
    ].push(at(x, index));
  }
  return groups.map((group) => {
    if (op === 'sum') return group.reduce((total, y) => binary('add', total, y, dtype), complex(0));
    if (op === 'prod') return group.reduce((total, y) => binary('multiply', total, y, dtype), complex(1));
    const better = op === 'max' || op === 'argmax' ? (p: Complex, q: Complex) => c.less(q, p) : c.less;
    let best = 0;
    group.forEach((y, k) => {
      if (!hasNaN(group[best]) && (hasNaN(y) || better(y, group[best]))) best = k;
    });
    return op === 'max' || op === 'min' ? group[best] : complex(best);
  });
}

function matmul(a: Value, b: Value, shape: Shape, dtype: Dtype): Complex[] {
  const inner = a.shape[a.shape.length - 1];
  return indicesOf(shape).map((index) => {
    const batch = index.slice(0, -2);
    const [row, column] = index.slice(-2);
    let total = complex(0);
    for (let k = 0; k < inner; k++) {
      total = binary('add', total, binary('multiply', at(a, [...batch, row, k]), at(b, [...batch, k, column]), dtype), dtype);
    }
    return total;
  });
}

/** Where each slice begins in the source: along `axes` as the indices say, clamped so that the slice lies inside; 0 along the others. */
function origin(index: readonly number[], indices: readonly Value[], axes: readonly number[], source: Shape, sliceSizes: Shape): number[] {
  const start = source.map(() => 0);
  axes.forEach((axis, k) => {
    start[axis] = Math.max(0, Math.min(at(indices[k], index).re, source[axis] - sliceSizes[axis]));
  });
  return start;
}

function gather(source: Value, indices: readonly Value[], axes: readonly number[], sliceSizes: Shape): Complex[] {
  const indexShape = indices.length === 0 ? [] : indices[0].shape;
  return indicesOf(indexShape).flatMap((index) => {
    const start = origin(index, indices, axes, source.shape, sliceSizes);
    return indicesOf(sliceSizes).map((offset) =>
      at(
        source,
        offset.map((o, axis) => o + start[axis]),
      ),
    );
  });
}

function scatter(
  source: Value,
  updates: Value,
  indices: readonly Value[],
  axes: readonly number[],
  combine: (old: Complex, update: Complex) => Complex,
): Complex[] {
  const indexShape = indices.length === 0 ? [] : indices[0].shape;
  const sliceSizes = updates.shape.slice(indexShape.length);
  const result = [...source.elements];
  for (const index of indicesOf(indexShape)) {
    const start = origin(index, indices, axes, source.shape, sliceSizes);
    for (const offset of indicesOf(sliceSizes)) {
      const target = position(
        offset.map((o, axis) => o + start[axis]),
        source.shape,
      );
      result[target] = combine(result[target], at(updates, [...index, ...offset]));
    }
  }
  return result;
}

function randomBits(keys: Value, node: Node): Complex[] {
  const batch = keys.shape.slice(0, -1);
  const perKey = count(node.shape.slice(batch.length));
  return indicesOf(batch).flatMap((index) => {
    const bytes = randomBytes([at(keys, [...index, 0]).re, at(keys, [...index, 1]).re], perKey * node.dtype.size);
    return Array.from({ length: perKey }, (_, k) => {
      let bits = 0;
      for (let byte = node.dtype.size - 1; byte >= 0; byte--) bits = bits * 256 + bytes[k * node.dtype.size + byte];
      return complex(bits);
    });
  });
}

function sort(x: Value, indices: boolean): Complex[] {
  const length = x.shape[x.shape.length - 1];
  const result: Complex[] = [];
  for (let row = 0; row < x.elements.length; row += length) {
    const entries = x.elements.slice(row, row + length).map((y, k) => ({ y, k }));
    entries.sort((p, q) => {
      if (hasNaN(p.y) || hasNaN(q.y)) return Number(hasNaN(p.y)) - Number(hasNaN(q.y)) || p.k - q.k;
      return c.less(p.y, q.y) ? -1 : c.less(q.y, p.y) ? 1 : p.k - q.k;
    });
    result.push(...entries.map(({ y, k }) => (indices ? complex(k) : y)));
  }
  return result;
}

function assemble(node: Node, base: number | 'zeros' | 'none', regions: readonly Region[], inputs: readonly Value[]): Complex[] {
  const empty: Complex | undefined = base === 'none' ? undefined : complex(0);
  const result: (Complex | undefined)[] = typeof base === 'number' ? [...inputs[base].elements] : new Array(count(node.shape)).fill(empty);
  for (const region of regions) {
    const input = inputs[region.input];
    for (const index of indicesOf(input.shape)) {
      result[
        position(
          index.map((i, axis) => region.start[axis] + i * region.step[axis]),
          node.shape,
        )
      ] = at(input, index);
    }
  }
  return result.map((x) => found(x, node));
}
