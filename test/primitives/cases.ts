/** Functions of a few arrays, each mainly one primitive, on which the laws of the rules are checked. */

import { bfloat16, bool, complex64, type Dtype, float16, float32, int32, uint8, uint32 } from '../../lib/dtype';
import type { Node, Shape } from '../../lib/graph/node';
import * as p from '../../lib/primitives';
import { copy } from '../../lib/schedule/copy';
import { widest } from '../support/default';
import { attentionCases } from './attention-cases';
import { convolutionCases } from './convolution-cases';
import { linalgCases } from './linalg-cases';
import { normCases } from './norm-cases';
import { quantizedCases } from './quantized-cases';

export interface Input {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly low?: number;
  readonly high?: number;
  /** Instead of random ones. */
  readonly values?: readonly number[];
}

export interface Case {
  readonly name: string;
  readonly inputs: readonly Input[];
  readonly f: (...nodes: Node[]) => Node;
}

const real = (shape: Shape, low?: number, high?: number): Input => input(shape, widest, low, high);
const complexInput = (shape: Shape, low?: number, high?: number): Input => input(shape, complex64, low, high);
const index = (shape: Shape, high: number, low = 0): Input => input(shape, int32, low, high);

function input(shape: Shape, dtype: Dtype, low?: number, high?: number): Input {
  return { shape, dtype, ...(low !== undefined && { low }), ...(high !== undefined && { high }) };
}

const shapes: readonly Shape[] = [[], [3], [2, 3], [0], [2, 0, 3], [1, 1]];

type Unary = (x: Node) => Node;
type Binary = (a: Node, b: Node) => Node;

function unaryCases(): Case[] {
  const whole: Record<string, Unary> = {
    negative: p.negative,
    square: p.square,
    exp: p.exp,
    expm1: p.expm1,
    sin: p.sin,
    cos: p.cos,
    sinh: p.sinh,
    cosh: p.cosh,
  };
  Object.assign(whole, {
    tanh: p.tanh,
    sigmoid: p.sigmoid,
    arctan: p.arctan,
    arcsinh: p.arcsinh,
    abs: p.abs,
    sign: p.sign,
    reciprocal: p.reciprocal,
  });
  Object.assign(whole, { identity: p.identity });
  const realOnly: Record<string, Unary> = { erf: p.erf, floor: p.floor, ceil: p.ceil, round: p.round, trunc: p.trunc };
  const positive: Record<string, Unary> = { log: p.log, log2: p.log2, log10: p.log10, log1p: p.log1p, sqrt: p.sqrt, rsqrt: p.rsqrt };
  const unit: Record<string, Unary> = { arcsin: p.arcsin, arccos: p.arccos, arctanh: p.arctanh, tan: p.tan };
  const of = (table: Record<string, Unary>, make: (shape: Shape) => Input, kind: string): Case[] =>
    Object.entries(table).flatMap(([name, f]) =>
      shapes.map((shape) => ({ name: `${name} ${kind} [${shape.join(', ')}]`, inputs: [make(shape)], f })),
    );
  const upperRight = (shape: Shape): Input => complexInput(shape, 0.3, 0.8);
  return [
    ...of(whole, (shape) => real(shape), widest.name),
    ...of(realOnly, (shape) => real(shape), widest.name),
    ...of(positive, (shape) => real(shape, 0.2, 3), widest.name),
    ...of(unit, (shape) => real(shape, -0.9, 0.9), widest.name),
    ...of({ arccosh: p.arccosh }, (shape) => real(shape, 1.2, 3), widest.name),
    ...of({ erfinv: p.erfinv }, (shape) => real(shape, -0.9, 0.9), widest.name),
    ...of(whole, upperRight, 'complex64'),
    ...of(positive, (shape) => complexInput(shape, -2, -0.2), 'complex64'),
    ...of(unit, upperRight, 'complex64'),
    ...of({ arccosh: p.arccosh }, upperRight, 'complex64'),
    ...of({ real: p.real, imag: p.imag, conjugate: p.conjugate }, (shape) => complexInput(shape), 'complex64'),
    ...of({ invert: p.invert, negative: p.negative, abs: p.abs, sign: p.sign, square: p.square }, (shape) => index(shape, 9, -9), 'int32'),
    ...of({ invert: p.invert }, (shape) => input(shape, bool), 'bool'),
  ];
}

function binaryCases(): Case[] {
  const both: Record<string, Binary> = { add: p.add, subtract: p.subtract, multiply: p.multiply, divide: p.divide };
  const realOnly: Record<string, Binary> = {
    maximum: p.maximum,
    minimum: p.minimum,
    arctan2: p.arctan2,
    remainder: p.remainder,
    floorDivide: p.floorDivide,
    logaddexp: p.logaddexp,
  };
  const integers: Record<string, Binary> = {
    bitwiseAnd: p.bitwiseAnd,
    bitwiseOr: p.bitwiseOr,
    bitwiseXor: p.bitwiseXor,
    add: p.add,
    multiply: p.multiply,
  };
  Object.assign(integers, { floorDivide: p.floorDivide, remainder: p.remainder, maximum: p.maximum });
  const comparisons: Record<string, Binary> = { equal: p.equal, notEqual: p.notEqual, less: p.less, lessEqual: p.lessEqual };
  Object.assign(comparisons, { greater: p.greater, greaterEqual: p.greaterEqual });
  const of = (table: Record<string, Binary>, a: (shape: Shape) => Input, b: (shape: Shape) => Input, kind: string): Case[] =>
    Object.entries(table).flatMap(([name, f]) =>
      shapes.map((shape) => ({ name: `${name} ${kind} [${shape.join(', ')}]`, inputs: [a(shape), b(shape)], f })),
    );
  const small = (shape: Shape): Input => index(shape, 5);
  return [
    ...of(
      { ...both, ...realOnly },
      (shape) => real(shape),
      (shape) => real(shape, 0.3, 1.7),
      widest.name,
    ),
    ...of(
      { ...both, logaddexp: p.logaddexp },
      (shape) => complexInput(shape),
      (shape) => complexInput(shape, 0.3, 1.2),
      'complex64',
    ),
    ...of(
      { power: p.power },
      (shape) => real(shape, 0.3, 2),
      (shape) => real(shape),
      widest.name,
    ),
    ...of(
      { power: p.power },
      (shape) => complexInput(shape, 0.3, 2),
      (shape) => complexInput(shape),
      'complex64',
    ),
    ...of({ leftShift: p.leftShift, rightShift: p.rightShift, power: p.power, ...integers }, small, small, 'int32'),
    ...of(comparisons, small, small, 'int32'),
    ...of(
      comparisons,
      (shape) => real(shape),
      (shape) => real(shape),
      widest.name,
    ),
    ...shapes.map((shape) => ({
      name: `where [${shape.join(', ')}]`,
      inputs: [input(shape, bool), real(shape), real(shape)],
      f: p.where,
    })),
    { name: 'where complex64', inputs: [input([2, 3], bool), complexInput([2, 3]), complexInput([2, 3])], f: p.where },
    ...[float16, bfloat16, float32].flatMap((dtype) =>
      Object.entries({ multiply: p.multiply, power: p.power, arctan2: p.arctan2, maximum: p.maximum, logaddexp: p.logaddexp }).map(
        ([name, f]) => ({
          name: `${name} ${dtype.name}`,
          inputs: [input([3], dtype, 0.3, 2), input([3], dtype, 0.3, 2)],
          f,
        }),
      ),
    ),
    { name: 'x · x', inputs: [real([3])], f: (x) => p.multiply(x, x) },
    { name: 'x^x', inputs: [real([3], 0.4, 2)], f: (x) => p.power(x, x) },
    { name: 'x³ of negative x', inputs: [real([4], -2, -0.1)], f: (x) => p.power(x, p.full(3, x.shape, widest)) },
    // A constant wherever it is read, such as in what is locally constant.
    { name: 'stopGradient', inputs: [real([2, 3])], f: (x) => p.multiply(x, p.floor(p.stopGradient(x))) },
    { name: 'depends', inputs: [real([2]), real([3])], f: (x, after) => p.depends(x, [after]) },
  ];
}

function castCases(): Case[] {
  const pairs: readonly [Dtype, Dtype][] = [
    [widest, float32],
    [widest, complex64],
    [complex64, widest],
    [widest, int32],
    [int32, widest],
    [uint8, bool],
    [bool, complex64],
    [widest, widest],
  ];
  return pairs.map(([from, to]) => ({
    name: `astype ${from.name} to ${to.name}`,
    inputs: [input([2, 3], from, 0, 7)],
    f: (x) => p.astype(x, to),
  }));
}

function movementCases(): Case[] {
  return [
    { name: 'reshape', inputs: [real([2, 6])], f: (x) => p.reshape(x, [3, 4]) },
    { name: 'reshape of a scalar', inputs: [real([])], f: (x) => p.reshape(x, [1, 1]) },
    { name: 'reshape of nothing', inputs: [real([0, 3])], f: (x) => p.reshape(x, [2, 0]) },
    { name: 'transpose', inputs: [real([2, 3, 4])], f: (x) => p.transpose(x, [2, 0, 1]) },
    { name: 'transpose complex64', inputs: [complexInput([2, 3])], f: (x) => p.transpose(x, [1, 0]) },
    { name: 'broadcastTo more axes', inputs: [real([3])], f: (x) => p.broadcastTo(x, [2, 3]) },
    { name: 'broadcastTo of ones', inputs: [real([3, 1, 2])], f: (x) => p.broadcastTo(x, [2, 3, 4, 2]) },
    { name: 'broadcastTo of a scalar', inputs: [complexInput([])], f: (x) => p.broadcastTo(x, [2, 2]) },
    { name: 'broadcastTo to nothing', inputs: [real([1, 2])], f: (x) => p.broadcastTo(x, [3, 0, 2]) },
    { name: 'broadcastTo of one to one', inputs: [real([1, 2])], f: (x) => p.broadcastTo(x, [1, 1, 2]) },
    { name: 'slice', inputs: [real([5, 4])], f: (x) => p.slice(x, [1, 0], [2, 4]) },
    { name: 'slice by steps', inputs: [real([7, 4])], f: (x) => p.slice(x, [1, 3], [3, 2], [2, -2]) },
    { name: 'slice backwards by 3', inputs: [real([8])], f: (x) => p.slice(x, [7], [3], [-3]) },
    { name: 'slice of nothing', inputs: [real([4])], f: (x) => p.slice(x, [4], [0], [2]) },
    { name: 'slice of one by a long step', inputs: [real([4])], f: (x) => p.slice(x, [2], [1], [-9]) },
    { name: 'pad', inputs: [real([2, 3])], f: (x) => p.pad(x, [1, 0], [0, 2]) },
    { name: 'pad inside', inputs: [real([2, 3])], f: (x) => p.pad(x, [1, 0], [0, 2], [0, 2]) },
    { name: 'pad of a copy', inputs: [real([2, 3, 5])], f: (x) => p.pad(p.reshape(p.transpose(x, [1, 0, 2]), [3, 10]), [0, 1], [0, 6]) },
    { name: 'pad of nothing', inputs: [real([0, 2])], f: (x) => p.pad(x, [2, 1], [1, 0], [3, 0]) },
    { name: 'pad of a scalar', inputs: [real([])], f: (x) => p.pad(x, [], []) },
    { name: 'concatenate', inputs: [real([2, 3]), real([2, 0]), real([2, 2])], f: (a, b, c) => p.concatenate([a, b, c], 1) },
    {
      name: 'concatenate of copies',
      inputs: [real([2, 3]), real([4, 3])],
      f: (a, b) => p.concatenate([p.reshape(p.transpose(a, [1, 0]), [2, 3]), p.reshape(p.transpose(b, [1, 0]), [4, 3])], 0),
    },
    { name: 'concatenate along 0', inputs: [complexInput([1, 2]), complexInput([3, 2])], f: (a, b) => p.concatenate([a, b], 0) },
    { name: 'concatenate with itself', inputs: [real([2])], f: (a) => p.concatenate([a, a], 0) },
    { name: 'sliceUpdate', inputs: [real([5, 3]), real([2, 3])], f: (x, u) => p.sliceUpdate(x, u, [2, 0]) },
    { name: 'sliceUpdate by steps', inputs: [real([7, 3]), real([3, 2])], f: (x, u) => p.sliceUpdate(x, u, [6, 0], [-2, 2]) },
    { name: 'sliceUpdate with nothing', inputs: [real([4]), real([0])], f: (x, u) => p.sliceUpdate(x, u, [4]) },
    { name: 'expandDims', inputs: [real([2, 3])], f: (x) => p.expandDims(x, [0, 2, 4]) },
    { name: 'squeeze', inputs: [real([1, 2, 1])], f: (x) => p.squeeze(x, [0, 2]) },
    { name: 'moveaxis', inputs: [real([2, 3, 4])], f: (x) => p.moveaxis(x, 0, 2) },
    { name: 'swapaxes', inputs: [real([2, 3, 4])], f: (x) => p.swapaxes(x, 0, 2) },
    { name: 'flip', inputs: [real([2, 3, 1])], f: (x) => p.flip(x, [0, 1, 2]) },
    { name: 'flip of nothing', inputs: [real([0, 3])], f: (x) => p.flip(x, [0, 1]) },
  ];
}

function reductionCases(): Case[] {
  const axes: readonly [Shape, readonly number[]][] = [
    [[4], [0]],
    [[2, 3], [1]],
    [
      [2, 3, 5],
      [0, 2],
    ],
    [
      [2, 1],
      [0, 1],
    ],
    [[3], []],
  ];
  const empty: readonly [Shape, readonly number[]][] = [
    [[0], [0]],
    [[2, 0, 3], [1]],
  ];
  const none: readonly [Shape, readonly number[]][] = [[[0, 3], [1]]];
  type Reduction = (x: Node, axes: readonly number[]) => Node;
  const of = (name: string, f: Reduction, make: (shape: Shape) => Input, list: readonly [Shape, readonly number[]][]): Case[] =>
    list.map(([shape, over]) => {
      const of = make(shape);
      return { name: `${name} ${of.dtype.name} [${shape.join(', ')}] over [${over.join(', ')}]`, inputs: [of], f: (x) => f(x, over) };
    });
  const reals = (shape: Shape): Input => real(shape);
  return [
    ...of('sum', p.sum, reals, [...axes, ...empty, ...none]),
    ...of('sum', p.sum, complexInput, axes),
    ...of('sum', p.sum, (shape) => index(shape, 9), axes),
    ...of('prod', p.prod, reals, [...axes, ...empty, ...none]),
    ...of('prod', p.prod, complexInput, axes),
    ...of('max', p.max, reals, [...axes, ...none]),
    ...of('min', p.min, reals, [...axes, ...none]),
    ...of('argmax', (x, [axis]) => p.argmax(x, axis), reals, [axes[0], axes[1], none[0]]),
    ...of('argmin', (x, [axis]) => p.argmin(x, axis), reals, [axes[0], axes[1], none[0]]),
    ...[float16, bfloat16, float32].flatMap((dtype) => [
      ...of('max', p.max, (shape) => input(shape, dtype), [axes[1]]),
      ...of('prod', p.prod, (shape) => input(shape, dtype), [axes[1]]),
    ]),
    { name: 'prod with zeros', inputs: [{ ...real([2, 5]), values: [1, 0, 2, 3, 4, 0, 2, 0, 3, 5] }], f: (x) => p.prod(x, [1]) },
    { name: 'prod of 7', inputs: [real([7])], f: (x) => p.prod(x, [0]) },
  ];
}

function matmulCases(): Case[] {
  const of = (a: Shape, b: Shape, make: (shape: Shape) => Input = real): Case => ({
    name: `matmul [${a.join(', ')}] [${b.join(', ')}] ${make([]).dtype.name}`,
    inputs: [make(a), make(b)],
    f: p.matmul,
  });
  return [
    of([2, 3], [3, 4]),
    of([2, 3], [3, 4], complexInput),
    of([1, 3], [3, 1]),
    of([2, 2, 3], [2, 3, 2]),
    of([2, 0], [0, 3]),
    of([0, 2], [2, 3]),
  ];
}

function indexingCases(): Case[] {
  const rows: Case['f'] = (x, i) => p.gather(x, [i], [0], [1, x.shape[1]]);
  const elements: Case['f'] = (x, i, j) => p.gather(x, [i, j], [0, 1], [1, 1]);
  const windows: Case['f'] = (x, i) => p.gather(x, [i], [1], [2, 2]);
  const repeated: Input = { ...index([4], 3), values: [1, 0, 1, 1] };
  const cases: Case[] = [
    { name: 'gather rows', inputs: [real([4, 3]), index([2, 2], 4)], f: rows },
    { name: 'gather complex rows', inputs: [complexInput([4, 3]), index([2], 4)], f: rows },
    { name: 'gather elements', inputs: [real([4, 3]), index([5], 4), input([5], uint32, 0, 3)], f: elements },
    { name: 'gather windows out of range', inputs: [real([2, 5]), index([4], 9, -5)], f: windows },
    { name: 'gather one', inputs: [real([4, 3]), index([], 4)], f: rows },
    { name: 'gather without indices', inputs: [real([4, 3])], f: (x) => p.gather(x, [], [], [2, 3]) },
    { name: 'gather nothing', inputs: [real([4, 3]), index([0], 4)], f: rows },
    { name: 'gather nothing of nothing', inputs: [real([0, 3]), index([0], 4)], f: rows },
    { name: 'randomBits 3 × uint32', inputs: [input([2], uint32, 0, 2 ** 32)], f: (keys) => p.randomBits(keys, [3], uint32) },
    { name: 'randomBits 2 keys × uint8', inputs: [input([2, 2], uint32, 0, 2 ** 32)], f: (keys) => p.randomBits(keys, [5], uint8) },
    { name: 'sort', inputs: [real([2, 5])], f: p.sort },
    { name: 'sort of three axes', inputs: [real([2, 2, 3])], f: p.sort },
    { name: 'sort of nothing', inputs: [real([2, 0])], f: p.sort },
    { name: 'argsort', inputs: [real([2, 5])], f: p.argsort },
  ];
  for (const mode of ['set', 'add', 'multiply', 'maximum', 'minimum'] as const) {
    const into: Case['f'] = (x, u, i) => p.scatter(x, u, [i], [0], mode);
    cases.push(
      { name: `scatter ${mode} rows`, inputs: [real([4, 3]), real([2, 1, 3]), { ...index([2], 4), values: [3, 1] }], f: into },
      { name: `scatter ${mode} repeated`, inputs: [real([3]), real([4, 1]), repeated], f: into },
      { name: `scatter ${mode} overlapping windows`, inputs: [real([6]), real([3, 4]), { ...index([3], 3), values: [0, 9, 1] }], f: into },
      {
        name: `scatter ${mode} two indices`,
        inputs: [real([2, 3]), real([2, 2, 1, 1]), index([2, 2], 2), index([2, 2], 3)],
        f: (x, u, i, j) => p.scatter(x, u, [i, j], [0, 1], mode),
      },
      { name: `scatter ${mode} nothing`, inputs: [real([3]), real([0, 1]), index([0], 3)], f: into },
      { name: `scatter ${mode} without indices`, inputs: [real([3]), real([2])], f: (x, u) => p.scatter(x, u, [], [], mode) },
    );
  }
  cases.push(
    {
      name: 'scatter add complex64',
      inputs: [complexInput([3]), complexInput([4, 1]), repeated],
      f: (x, u, i) => p.scatter(x, u, [i], [0], 'add'),
    },
    {
      name: 'scatter multiply complex64',
      inputs: [complexInput([3]), complexInput([4, 1]), repeated],
      f: (x, u, i) => p.scatter(x, u, [i], [0], 'multiply'),
    },
    {
      name: 'scatter multiply with zeros',
      inputs: [
        { ...real([2]), values: [0, 2] },
        { ...real([5, 1]), values: [0, 3, 0, 2, 0] },
        { ...index([5], 2), values: [0, 1, 1, 1, 0] },
      ],
      f: (x, u, i) => p.scatter(x, u, [i], [0], 'multiply'),
    },
  );
  return cases;
}

function routineCases(): Case[] {
  const list: Case[] = [];
  const numbers: readonly [string, Input][] = [
    // Apart from one another, so that differences meet no tie.
    [widest.name, { ...real([2, 4, 3]), values: Array.from({ length: 24 }, (_, k) => ((k * 7) % 24) / 5 - 2.3) }],
    ['with zeros', { ...real([1, 4, 2]), values: [2, 0, -1, 3, 0, 1, 0.5, 0] }],
    ['of nothing', real([2, 0, 3])],
    ['of one', real([1, 1, 1])],
    ['complex64', complexInput([1, 3, 2])],
  ];
  for (const op of ['sum', 'prod', 'max', 'min', 'logaddexp'] as const) {
    for (const [kind, of] of numbers) {
      if (kind === 'with zeros' && (op === 'max' || op === 'min')) continue;
      for (const [reverse, inclusive] of [
        [false, true],
        [true, true],
        [false, false],
        [true, false],
      ]) {
        const way = `${reverse ? 'reverse ' : ''}${inclusive ? 'inclusive' : 'exclusive'}`;
        // What comes of nothing may be infinite, which no difference can be taken of.
        const some = (y: Node): Node => {
          if (inclusive || y.shape[1] === 0 || op === 'sum' || op === 'prod') return y;
          return p.slice(y, [0, reverse ? 0 : 1, 0], [y.shape[0], y.shape[1] - 1, y.shape[2]]);
        };
        list.push({ name: `scan ${op} ${kind} ${way}`, inputs: [of], f: (x) => some(p.cumulative(op, x, 1, reverse, inclusive)) });
      }
    }
    list.push({ name: `scan ${op} along the last axis`, inputs: [real([2, 5])], f: (x) => p.cumulative(op, x, 1) });
    if (op === 'logaddexp') continue;
    for (const dtype of [int32, uint8])
      list.push({ name: `scan ${op} ${dtype.name}`, inputs: [input([2, 3], dtype, 0, 9)], f: (x) => p.cumulative(op, x, 0) });
  }
  for (const dtype of [widest, complex64]) {
    for (const reverse of [false, true]) {
      const inputs = [input([2, 4], dtype), input([2, 4], dtype)];
      list.push({ name: `recurrence ${dtype.name}${reverse ? ' reverse' : ''}`, inputs, f: (a, b) => p.recurrence(a, b, 1, reverse) });
    }
  }
  for (const right of [false, true]) {
    const sorted: Input = { ...real([2, 4]), values: [-1, 0, 0, 2, -3, 1, 1, 1] };
    const values: Input = { ...real([2, 3]), values: [0, 3, -2, 1, 0, 5] };
    list.push({
      name: `searchsorted ${right ? 'right' : 'left'}`,
      inputs: [sorted, values],
      f: (a, b) => p.searchsorted(p.sort(a), b, right),
    });
  }
  for (const kth of [0, 2, 3]) {
    const sorted: Input = { ...real([2, 4]), values: [3, -1, 0.5, 2, 1, 4, -2, 0] };
    list.push({ name: `partition at ${kth}`, inputs: [sorted], f: (x) => p.partition(x, kth) });
    list.push({ name: `argpartition at ${kth}`, inputs: [sorted], f: (x) => p.argpartition(x, kth) });
    list.push({ name: `topk of ${kth}`, inputs: [sorted], f: (x) => p.topk(x, kth) });
  }
  list.push({ name: 'partition of equals', inputs: [index([3, 5], 2)], f: (x) => p.partition(x, 2) });
  for (const [name, f] of Object.entries({ softmax: p.softmax, logsumexp: p.logsumexp })) {
    list.push({ name, inputs: [real([2, 5])], f });
    list.push({ name: `${name} of one`, inputs: [real([3, 1])], f });
  }
  list.push({ name: 'copy', inputs: [real([2, 3])], f: (x) => copy(p.transpose(x, [1, 0])) });
  for (const length of [1, 8, 12, 24, 20, 28]) {
    list.push({ name: `hadamardTransform ${length}`, inputs: [real([2, length])], f: (x) => p.hadamardTransform(x, 0.5) });
  }
  list.push({ name: 'hadamardTransform complex64', inputs: [complexInput([4])], f: (x) => p.hadamardTransform(x, 1) });
  list.push({ name: 'hadamardTransform of nothing', inputs: [real([2, 0])], f: (x) => p.hadamardTransform(x, 1) });
  return list;
}

function generatorCases(): Case[] {
  return [
    { name: 'full', inputs: [real([2, 3])], f: (x) => p.multiply(x, p.full(2.5, [2, 3], widest)) },
    { name: 'complex full', inputs: [complexInput([2])], f: (x) => p.multiply(x, p.full({ re: 1, im: -2 }, [2], complex64)) },
    { name: 'arange', inputs: [real([2, 3])], f: (x) => p.multiply(x, p.arange(1, 0.5, [2, 3], 1, widest)) },
    { name: 'full broadcast', inputs: [real([2, 3])], f: (x) => p.add(x, p.broadcastTo(p.ones([3], widest), [2, 3])) },
  ];
}

function bitcastCases(): Case[] {
  return [
    { name: 'bitcast to smaller', inputs: [input([2, 3], uint32, 0, 2 ** 32)], f: (x) => p.bitcast(x, uint8) },
    { name: 'bitcast to larger', inputs: [input([2, 8], uint8, 0, 60)], f: (x) => p.bitcast(x, int32) },
    { name: 'bitcast of a number', inputs: [input([], float32)], f: (x) => p.bitcast(x, int32) },
    { name: 'bitcast to floats', inputs: [input([2, 4], uint8, 0, 60)], f: (x) => p.bitcast(x, float32) },
  ];
}

export const cases: readonly Case[] = [
  ...unaryCases(),
  ...binaryCases(),
  ...castCases(),
  ...movementCases(),
  ...reductionCases(),
  ...matmulCases(),
  ...indexingCases(),
  ...routineCases(),
  ...generatorCases(),
  ...bitcastCases(),
  ...convolutionCases(),
  ...attentionCases(),
  ...normCases(),
  ...quantizedCases(),
  ...linalgCases(),
];
