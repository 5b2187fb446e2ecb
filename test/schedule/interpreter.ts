/** Evaluates nodes in plain JavaScript, one after the other, from their declarations: what every schedule must agree with. */

import type { Node, Shape } from '../../lib/graph/node';
import type { Lowering } from '../../lib/primitives/primitive';
import { contiguousStrides, sizeOf } from '../../lib/shape';

/** Row-major elements; booleans as 0 and 1. */
export type Values = number[];

const unary: Record<string, (a: number) => number> = {
  negative: (a) => -a,
  abs: Math.abs,
  square: (a) => a * a,
  floor: Math.floor,
};

const binary: Record<string, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  maximum: Math.max,
  minimum: Math.min,
  greater: (a, b) => Number(a > b),
  less: (a, b) => Number(a < b),
  remainder: (a, b) => a - b * Math.floor(a / b),
};

const reductions: Record<string, (values: number[]) => number> = {
  sum: (values) => values.reduce((a, b) => a + b, 0),
  prod: (values) => values.reduce((a, b) => a * b, 1),
  max: (values) => Math.max(...values),
  min: (values) => Math.min(...values),
  argmax: (values) => values.indexOf(Math.max(...values)),
  argmin: (values) => values.indexOf(Math.min(...values)),
};

const updates: Record<string, (a: number, b: number) => number> = {
  set: (_a, b) => b,
  add: (a, b) => a + b,
  multiply: (a, b) => a * b,
  maximum: Math.max,
  minimum: Math.min,
};

/** Every index of a shape in row-major order. */
function* indices(shape: Shape): Generator<number[]> {
  const index = new Array<number>(shape.length).fill(0);
  for (let count = sizeOf(shape); count > 0; count--) {
    yield index.slice();
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

function at(shape: Shape, index: readonly number[]): number {
  const strides = contiguousStrides(shape);
  return index.reduce((sum, i, axis) => sum + i * strides[axis], 0);
}

function clamp(position: number, size: number, slice: number): number {
  return Math.max(0, Math.min(position, size - slice));
}

/** Arguments as the primitive writes them. */
function argumentsOf(node: Node): number[] {
  const written: number[] = [];
  node.primitive.args?.(
    node.attrs,
    { scalar: (value) => written.push(Number(value)), integer: (value) => written.push(value) },
    node.dtype,
  );
  return written;
}

/** Values of nodes by the values of the leaves. */
export class Interpreter {
  private readonly known = new Map<Node, Values>();

  set(node: Node, values: Values): void {
    this.known.set(node, values);
  }

  /** Nodes must be asked for in the order of their ids. */
  value(node: Node): Values {
    let values = this.known.get(node);
    if (values === undefined) {
      values = this.compute(node);
      this.known.set(node, values);
    }
    return values;
  }

  private compute(node: Node): Values {
    const lowering = node.primitive.lowering as Lowering<unknown>;
    const { attrs, shape, inputs } = node;
    const [x] = inputs;
    const read = (source: Node, index: (out: number[]) => number[]): Values =>
      Array.from(indices(shape), (out) => this.value(source)[at(source.shape, index(out))]);
    switch (lowering.kind) {
      case 'elementwise': {
        const operands = inputs.map((input) => this.value(input));
        if (lowering.op === 'cast') return operands[0].slice();
        if (lowering.op === 'select') return operands[0].map((c, i) => (c ? operands[1][i] : operands[2][i]));
        if (lowering.op in unary) return operands[0].map(unary[lowering.op]);
        return operands[0].map((a, i) => binary[lowering.op](a, operands[1][i]));
      }
      case 'full':
        return new Array<number>(sizeOf(shape)).fill(argumentsOf(node)[0]);
      case 'arange': {
        const [start, step] = argumentsOf(node);
        const axis = lowering.axis(attrs);
        return Array.from(indices(shape), (index) => start + step * index[axis]);
      }
      case 'alias':
      case 'reshape':
        return this.value(x).slice();
      case 'transpose': {
        const permutation = lowering.permutation(attrs);
        return read(x, (out) => {
          const index: number[] = [];
          permutation.forEach((axis, i) => {
            index[axis] = out[i];
          });
          return index;
        });
      }
      case 'broadcast': {
        const missing = shape.length - x.shape.length;
        return read(x, (out) => x.shape.map((size, axis) => (size === 1 ? 0 : out[axis + missing])));
      }
      case 'slice': {
        const starts = argumentsOf(node);
        const steps = lowering.steps(attrs);
        return read(x, (out) => out.map((i, axis) => starts[axis] + i * steps[axis]));
      }
      case 'reduce': {
        const axes = lowering.axes(attrs);
        const groups = Array.from({ length: sizeOf(shape) }, () => [] as number[]);
        for (const index of indices(x.shape)) {
          groups[
            at(
              shape,
              index.filter((_, axis) => !axes.includes(axis)),
            )
          ].push(this.value(x)[at(x.shape, index)]);
        }
        return groups.map(reductions[lowering.op]);
      }
      case 'matmul': {
        const [a, b] = inputs;
        const k = a.shape[a.shape.length - 1];
        return Array.from(indices(shape), (out) => {
          const batch = out.slice(0, -2);
          const [row, column] = out.slice(-2);
          let sum = 0;
          for (let i = 0; i < k; i++)
            sum += this.value(a)[at(a.shape, [...batch, row, i])] * this.value(b)[at(b.shape, [...batch, i, column])];
          return sum;
        });
      }
      case 'gather': {
        const axes = lowering.axes(attrs);
        const sizes = lowering.sliceSizes(attrs);
        const indexShape = inputs.length > 1 ? inputs[1].shape : [];
        return read(x, (out) =>
          this.position(inputs.slice(1), axes, out.slice(0, indexShape.length), out.slice(indexShape.length), x.shape, sizes),
        );
      }
      case 'scatter': {
        const axes = lowering.axes(attrs);
        const [source, update, ...positions] = inputs;
        const indexRank = positions.length > 0 ? positions[0].shape.length : 0;
        const sizes = update.shape.slice(indexRank);
        const result = this.value(source).slice();
        for (const index of indices(update.shape)) {
          const target = at(shape, this.position(positions, axes, index.slice(0, indexRank), index.slice(indexRank), shape, sizes));
          result[target] = updates[lowering.mode(attrs)](result[target], this.value(update)[at(update.shape, index)]);
        }
        return result;
      }
      case 'sort': {
        const length = shape[shape.length - 1];
        const result: Values = [];
        for (let row = 0; row * length < sizeOf(shape); row++) {
          const values = this.value(x).slice(row * length, (row + 1) * length);
          const order = [...values.keys()].sort((i, j) => values[i] - values[j] || i - j);
          result.push(...(lowering.indices ? order : order.map((i) => values[i])));
        }
        return result;
      }
      case 'assemble': {
        const base = lowering.base(attrs);
        const result = typeof base === 'number' ? this.value(inputs[base]).slice() : new Array<number>(sizeOf(shape)).fill(0);
        for (const { input, start, step } of lowering.regions(attrs, node)) {
          for (const index of indices(inputs[input].shape)) {
            const target = index.map((i, axis) => start[axis] + i * step[axis]);
            result[at(shape, target)] = this.value(inputs[input])[at(inputs[input].shape, index)];
          }
        }
        return result;
      }
      default:
        throw new Error(`no value for ${lowering.kind}`);
    }
  }

  private position(
    positions: readonly Node[],
    axes: readonly number[],
    index: readonly number[],
    within: readonly number[],
    shape: Shape,
    sizes: Shape,
  ): number[] {
    const result = within.slice();
    axes.forEach((axis, i) => {
      result[axis] += clamp(this.value(positions[i])[at(positions[i].shape, index)], shape[axis], sizes[axis]);
    });
    return result;
  }
}
