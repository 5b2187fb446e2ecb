import { bfloat16, type Dtype, float16, float64 } from '../../lib/dtype';
import type { Node, ShapeDtype } from '../../lib/graph/node';
import { identity, placeholder, type Trace } from '../../lib/primitives';
import type { Tangent } from '../../lib/primitives/primitive';
import { evaluate } from '../../lib/runtime/evaluate';
import { batch } from '../../lib/transforms/batch';
import { pushforward } from '../../lib/transforms/forward';
import { linearizeNodes, pullback } from '../../lib/transforms/reverse';
import * as c from '../support/complex';
import { download, upload } from '../support/device';
import { interpret, type Value, valueOf } from '../support/interpret';
import { generator, sample } from '../support/samples';
import { type Case, cases, type Input } from './cases';

const trace: Trace = { transform: 'test', active: true };
const random = generator(2);

function tolerance(dtype: Dtype): number {
  if (!dtype.inexact) return 0;
  if (dtype === float64) return 1e-11;
  if (dtype === float16) return 2e-2;
  return dtype === bfloat16 ? 1e-1 : 2e-5;
}

function input({ shape, dtype, low, high, values }: Input, lead: readonly number[] = []): Node {
  return upload(
    values === undefined || lead.length > 0 ? sample(random, [...lead, ...shape], dtype, low, high) : valueOf(shape, dtype, values),
  );
}

function vector({ shape, dtype }: ShapeDtype): Tangent {
  return dtype.inexact ? upload(sample(random, shape, dtype, -1, 1)) : null;
}

/** The reference computes in double precision: an error is measured against the largest element, or 1. */
function expectClose(actual: Value, expected: Value): void {
  const { dtype } = expected;
  const finite = expected.elements.map(c.abs).filter(Number.isFinite);
  const allowed = tolerance(dtype) * Math.max(1, ...finite);
  expect(actual.shape).toEqual(expected.shape);
  actual.elements.forEach((a, k) => {
    const e = expected.elements[k];
    const same = Object.is(a.re + 0, e.re + 0) && Object.is(a.im + 0, e.im + 0);
    if (!same && !(c.abs(c.subtract(a, e)) <= allowed)) throw new Error(`element ${k} is ${a.re} + ${a.im}i, not ${e.re} + ${e.im}i`);
  });
}

/** The device and the reference agree on nodes made from data. */
function compare(nodes: readonly Tangent[]): void {
  const present = nodes.filter((node) => node !== null);
  const expected = interpret(present, new Map(), download);
  evaluate(present);
  present.forEach((node, k) => {
    expectClose(download(node), expected[k]);
  });
}

function derivatives({ f, inputs }: Case): void {
  const tracers = inputs.map((of) => identity(input(of)));
  const output = f(...tracers);
  const tangents = pushforward([output], tracers, tracers.map(vector), 'result');
  const inexact = tracers.filter(({ dtype }) => dtype.inexact);
  const cotangents = pullback(linearizeNodes([output], inexact, 'test'), [vector(output)]);
  compare([output, ...tangents, ...cotangents]);
}

function batches({ f, inputs }: Case, size: number): void {
  const lanes = inputs.map(({ shape, dtype }) => placeholder(shape, dtype, trace));
  const values = inputs.map((of) => input(of, [size]));
  const all = batch([f(...lanes)], lanes, values, size);
  const fixed = inputs.map((of) => input(of));
  const first = batch([f(lanes[0], ...fixed.slice(1))], lanes.slice(0, 1), values.slice(0, 1), size);
  compare([...all, ...first].map(({ node }) => node));
}

describe.each(cases)('$name', (example) => {
  test('the device computes the value, tangents and cotangents of the reference', () => derivatives(example));
  test('and batches', () => batches(example, 3));
});
