/** Random programs: straight-line code of operations on matrices, with parts wrapped in transforms that keep values. */

import fc from 'fast-check';
import * as mx from '../../lib';

type Pure = (...x: mx.array[]) => mx.array;

/** One line of a program: an operation on earlier values, chosen by number. */
interface Line {
  readonly op: number;
  readonly inputs: readonly [number, number];
  readonly wrap: number;
}

export interface Program {
  readonly lines: readonly Line[];
  readonly arguments: number;
}

export const rows = 3;
export const columns = 4;

/** Operations that are smooth everywhere and keep the shape [rows, columns] and magnitudes bounded. */
const operations: readonly (readonly [string, Pure])[] = [
  ['tanh', (a) => mx.tanh(a)],
  ['sin', (a) => mx.sin(a)],
  ['sigmoid', (a) => mx.sigmoid(a)],
  ['halves', (a) => a.multiply(0.5).add(0.25)],
  ['add', (a, b) => a.add(b).multiply(0.5)],
  ['subtract', (a, b) => a.subtract(b).multiply(0.5)],
  ['multiply', (a, b) => a.multiply(mx.tanh(b))],
  ['divide', (a, b) => a.divide(mx.square(b).add(1))],
  ['softmax', (a) => mx.softmax(a, -1)],
  [
    'logsumexp',
    (a, b) =>
      mx
        .logsumexp(a, 0, true)
        .subtract(mx.logsumexp(b, 1, true))
        .multiply(0.3),
  ],
  ['center', (a) => a.subtract(mx.mean(a, 0, true))],
  ['matmul', (a, b) => mx.tanh(a.matmul(b.T)).matmul(b).multiply(0.3)],
  ['transpose', (a, b) => a.T.reshape([rows, columns]).add(b).multiply(0.5)],
  ['roll', (a) => mx.roll(a, 1, 1)],
  ['reverse', (a) => mx.flip(a, 0)],
  ['slices', (a, b) => mx.concatenate([a.index(mx.Slice(1)), b.index(mx.Slice(0, 1))], 0)],
  ['gather', (a) => a.index([2, 0, 0])],
  ['scatter', (a, b) => a.at([0, 2, 0]).add(b).multiply(0.4)],
  [
    'pad',
    (a) =>
      mx.pad(a.index(mx.Slice(), mx.Slice(1, 3)), [
        [0, 0],
        [1, 1],
      ]),
  ],
  ['select', (a, b) => mx.where(mx.stopGradient(a).greater(mx.stopGradient(b)), mx.sin(a), mx.cos(b))],
  ['broadcast', (a, b) => a.multiply(b.index(0)).multiply(0.5)],
  ['cumulate', (a) => a.add(a.index(mx.Slice(), mx.Slice(0, 1))).multiply(0.5)],
  ['stop', (a, b) => a.multiply(mx.stopGradient(b)).multiply(0.5)],
  ['variance', (a) => a.divide(mx.sqrt(mx.variance(a, 1, true).add(1)))],
];

/** Transforms that leave the value of a function as it is. */
const wrappers: readonly ((f: Pure) => Pure)[] = [
  (f) => f,
  (f) => f,
  (f) => f,
  (f) => mx.checkpoint(f) as Pure,
  (f) => mx.compile(f) as Pure,
  (f) => mx.customFunction(f) as Pure,
  // One lane of a batch of one.
  (f) =>
    (...x) =>
      (mx.vmap(f as (...x: mx.array[]) => mx.array)(...x.map((a) => a.expandDims(0))) as mx.array).squeeze(0),
  (f) =>
    (...x) =>
      (mx.jvp(f, x, x)[0] as mx.array[])[0],
];

/** Random programs of up to `length` lines. */
export function programs(length = 12): fc.Arbitrary<Program> {
  const line = fc.record({ op: fc.nat(operations.length - 1), inputs: fc.tuple(fc.nat(), fc.nat()), wrap: fc.nat(wrappers.length - 1) });
  return fc.record({ lines: fc.array(line, { minLength: 1, maxLength: length }), arguments: fc.integer({ min: 1, max: 3 }) });
}

/** The program as a function of its arguments; `plain` leaves the wrappers out. */
export function toFunction(program: Program, plain = false): Pure {
  return (...x) => {
    const values = [...x];
    for (const { op, inputs, wrap } of program.lines) {
      const [, apply] = operations[op];
      const f = plain ? apply : wrappers[wrap](apply);
      // Later values are preferred, so that programs are deep.
      const pick = (n: number) => values[values.length - 1 - (n % Math.min(values.length, 4))];
      values.push(f(pick(inputs[0]), pick(inputs[1])));
    }
    return values[values.length - 1];
  };
}

/** What a failing program does, for the report. */
export function describe(program: Program): string {
  return program.lines.map(({ op, inputs, wrap }) => `${operations[op][0]}(${inputs}) in ${wrap}`).join('; ');
}
