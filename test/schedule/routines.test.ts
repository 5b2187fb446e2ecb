/** Routine steps: several outputs, outputs that nobody reads, inputs of any layout, scratch, and arguments of the run. */

import * as mx from '../../lib';
import { nodeOf, wrap } from '../../lib/array';
import { uint32 } from '../../lib/dtype';
import { Node, type ShapeDtype } from '../../lib/graph/node';
import * as p from '../../lib/primitives';
import { definePrimitive } from '../../lib/primitives/primitive';
import { planCounters } from '../../lib/runtime/evaluate';
import { explainSteps, scheduleOf } from '../../lib/schedule/explain';
import { widest } from '../support/default';

const unused = (): never => {
  throw new Error('has no rules');
};

/** Running maxima with their positions along the last axis, as nodes. */
const pairNode = definePrimitive<null>({
  name: 'testMaxima',
  several: true,
  lowering: { kind: 'routine', routine: 'scan', ints: (_attrs, { inputs }) => [2, inputs[0].shape.length - 1, 0, 1], optional: [1] },
  infer: ([x]) => [
    { shape: x.shape, dtype: x.dtype },
    { shape: x.shape, dtype: uint32 },
  ],
  jvp: unused,
  vmap: unused,
});
const maxima = (x: Node, together = false): Node[] => p.projections(new Node(pairNode, [x], null, [], x.dtype), together);

/** The same with positions as scratch, and an input that must be row-major. */
const scratchNode = definePrimitive<null>({
  name: 'testScratch',
  lowering: {
    kind: 'routine',
    routine: 'scan',
    ints: () => [2, 1, 0, 1],
    contiguous: true,
    scratch: (_attrs, { shape }): ShapeDtype[] => [{ shape, dtype: uint32 }],
  },
  infer: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
  jvp: unused,
  vmap: unused,
});

const data = (): mx.array => {
  const x = mx.array([
    [1, 3, 2],
    [4, 0, 5],
  ]);
  mx.eval(x);
  return x;
};

test('one step gives both outputs, each read by its consumer', () => {
  const [values, positions] = maxima(nodeOf(data()));
  const sum = p.add(values, p.astype(positions, values.dtype));
  expect(explainSteps([sum]).filter((line) => line.startsWith('scan'))).toHaveLength(1);
  expect(wrap(sum).tolist()).toEqual([
    [1, 4, 4],
    [4, 4, 7],
  ]);
});

test('an output that nobody reads is left out, one that is needed is not', () => {
  const [values, positions] = maxima(nodeOf(data()));
  expect(explainSteps([values])[0]).toMatch(/^scan [^,]*\[2, 3\] → [^,]*\[2, 3\] : float32$/);
  expect(explainSteps([positions])[0]).toContain('uint32');
  expect(wrap(positions).tolist()).toEqual([
    [0, 1, 1],
    [0, 0, 2],
  ]);
  expect(wrap(values).tolist()).toEqual([
    [1, 3, 3],
    [4, 4, 5],
  ]);
});

test('outputs made together are evaluated together', () => {
  const [values, positions] = maxima(nodeOf(data()), true);
  mx.eval(wrap(positions));
  expect(values.storage).not.toBeNull();
  expect(positions.storage).not.toBeNull();
});

test('requested outputs are written where they stay', () => {
  const [values, positions] = maxima(nodeOf(data()));
  const { memory, outputBytes } = scheduleOf([values, positions]);
  expect(memory.temporaries).toHaveLength(0);
  expect(outputBytes).toEqual([24, 24]);
});

test('inputs come as they lie, or row-major where the routine needs that', () => {
  const x = nodeOf(mx.transpose(data()));
  expect(explainSteps([p.cumulative('sum', x, 1)])).toHaveLength(1);
  const y = new Node(scratchNode, [x], null, x.shape, x.dtype);
  expect(explainSteps([y])).toHaveLength(2);
  expect(wrap(y).tolist()).toEqual([
    [1, 4],
    [3, 3],
    [2, 5],
  ]);
});

test('scratch lies in the arena', () => {
  const x = nodeOf(data());
  const { memory } = scheduleOf([new Node(scratchNode, [x], null, x.shape, x.dtype)]);
  expect(memory.temporaries.map(({ byteLength }) => byteLength)).toEqual([24]);
});

test('what changes from run to run is an argument of one plan', () => {
  const x = mx.array(new Float64Array([1, 2, 3, 4])).astype(widest);
  mx.eval(x);
  const results = [0.5, 1, 2].map((scale) => {
    const before = planCounters().plans;
    const result = mx.hadamardTransform(x, scale).tolist();
    return [result, planCounters().plans - before];
  });
  expect(results).toEqual([
    [[5, -1, -2, 0], 1],
    [[10, -2, -4, 0], 0],
    [[20, -4, -8, 0], 0],
  ]);
});

test('zero-size arrays run nothing', () => {
  const x = p.zeros([0, 3], widest);
  const [values] = maxima(x);
  expect(explainSteps([values])).toEqual([]);
  expect(wrap(values).shape).toEqual([0, 3]);
});

test('a routine reads what a kernel computed, and its output becomes part of a larger array', () => {
  const x = nodeOf(data());
  const scanned = p.cumulative('sum', p.multiply(x, x), 1);
  const joined = wrap(p.concatenate([scanned, p.cumulative('max', scanned, 0)], 0));
  expect(joined.tolist()).toEqual([
    [1, 10, 14],
    [16, 16, 41],
    [1, 10, 14],
    [16, 16, 41],
  ]);
  const updated = wrap(p.sliceUpdate(p.cumulative('max', x, 1), p.zeros([1, 1], x.dtype), [0, 0]));
  expect(updated.tolist()).toEqual([
    [0, 3, 3],
    [4, 4, 5],
  ]);
});

test('inside compiled and mapped functions', () => {
  const f = mx.compile((a: mx.array) => mx.cummax(a, 0).add(mx.cumsum(a, 0)));
  const x = data();
  expect((f(x) as mx.array).tolist()).toEqual(mx.cummax(x, 0).add(mx.cumsum(x, 0)).tolist());
  const g = mx.compile(mx.grad((a: mx.array) => mx.cummax(a, 1).sum()) as (a: mx.array) => mx.array);
  expect((g(x) as mx.array).tolist()).toEqual([
    [1, 2, 0],
    [2, 0, 1],
  ]);
});
