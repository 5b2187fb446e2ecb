import { type Node, nextNodeId, type ShapeDtype } from '../../lib/graph/node';
import { placeholder, type Trace } from '../../lib/primitives';
import { primitives, type Tangent } from '../../lib/primitives/primitive';
import { batch } from '../../lib/transforms/batch';
import { pushforward } from '../../lib/transforms/forward';
import { linearizeNodes, pullback } from '../../lib/transforms/reverse';
import * as c from '../support/complex';
import { interpret, type Value, valueOf } from '../support/interpret';
import { generator, sample } from '../support/samples';
import { type Case, cases } from './cases';

const trace: Trace = { transform: 'test', active: true };
const random = generator(1);
const seen = new Set<string>();

interface Point {
  readonly tracers: Node[];
  readonly values: Value[];
}

function tracer({ shape, dtype }: ShapeDtype): Node {
  return placeholder(shape, dtype, trace);
}

function pointOf({ inputs }: Case): Point {
  return {
    tracers: inputs.map(tracer),
    values: inputs.map((input) =>
      input.values === undefined
        ? sample(random, input.shape, input.dtype, input.low, input.high)
        : valueOf(input.shape, input.dtype, input.values),
    ),
  };
}

/** Random directions; null for what has no tangent. */
function directionsOf(nodes: readonly (ShapeDtype | null)[]): (Value | null)[] {
  return nodes.map((node) => (node?.dtype.inexact ? sample(random, node.shape, node.dtype, -1, 1) : null));
}

function evaluate(outputs: readonly Node[], nodes: readonly (Node | null)[], values: readonly (Value | null)[]): Value[] {
  const bindings = new Map<Node, Value>();
  nodes.forEach((node, k) => {
    const value = values[k];
    if (node !== null && value !== null) bindings.set(node, value);
  });
  return interpret(outputs, bindings);
}

/** x + h · t */
function moved(values: readonly Value[], directions: readonly (Value | null)[], h: number): Value[] {
  return values.map((value, k) => {
    const t = directions[k];
    return t === null ? value : { ...value, elements: value.elements.map((x, e) => c.add(x, c.scale(t.elements[e], h))) };
  });
}

/** Re⟨a, b⟩ */
function dot(a: readonly (Value | null)[], b: readonly (Value | null)[]): number {
  let total = 0;
  a.forEach((x, k) => {
    const y = b[k];
    if (x === null || y === null) return;
    x.elements.forEach((e, n) => {
      total += e.re * y.elements[n].re + e.im * y.elements[n].im;
    });
  });
  return total;
}

function expectClose(actual: Value, expected: Value, tolerance: number): void {
  expect(actual.shape).toEqual(expected.shape);
  expect(actual.dtype).toBe(expected.dtype);
  actual.elements.forEach((a, k) => {
    const e = expected.elements[k];
    const error = c.abs(c.subtract(a, e)) / (1 + c.abs(e));
    if (!(error <= tolerance)) throw new Error(`element ${k} is ${a.re} + ${a.im}i, not ${e.re} + ${e.im}i`);
  });
}

/** Central differences of fourth order. */
function difference(f: (values: readonly Value[]) => Value[], values: readonly Value[], directions: readonly (Value | null)[]): Value[] {
  const h = 1e-3;
  const [far, near, nearBack, farBack] = [2, 1, -1, -2].map((by) => f(moved(values, directions, by * h)));
  return near.map((value, k) => ({
    ...value,
    elements: value.elements.map((_, e) => {
      const at = (results: Value[]): c.Complex => results[k].elements[e];
      const inner = c.scale(c.subtract(at(near), at(nearBack)), 8);
      return c.scale(c.subtract(inner, c.subtract(at(far), at(farBack))), 1 / (12 * h));
    }),
  }));
}

/** Tangents of `outputs` along placeholders, one for each inexact tracer that is not constant. */
function forward(
  outputs: readonly Node[],
  tracers: readonly Node[],
  constant: ReadonlySet<Node> = new Set(),
): { directions: Tangent[]; tangents: Tangent[] } {
  const directions = tracers.map((node) => (node.dtype.inexact && !constant.has(node) ? tracer(node) : null));
  return { directions, tangents: pushforward(outputs, tracers, directions, 'result') };
}

/** Cotangents of the inexact tracers, for placeholders as cotangents of the outputs. */
function backward(outputs: readonly Node[], tracers: readonly Node[]): { cotangents: Tangent[]; results: Tangent[]; of: Node[] } {
  const of = tracers.filter((node) => node.dtype.inexact);
  const cotangents = outputs.map((node) => (node.dtype.inexact ? tracer(node) : null));
  return { cotangents, results: pullback(linearizeNodes(outputs, of, 'test'), cotangents), of };
}

const present = (nodes: readonly Tangent[]): Node[] => nodes.filter((node) => node !== null);

/** Every node made since `first`: what `infer` says is what the builder made. */
function checkInference(outputs: readonly Node[], first: number): void {
  const stack = [...outputs];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    seen.add(node.primitive.name);
    if (node.id < first || node.primitive.lowering.kind === 'placeholder') continue;
    // Of a primitive with several outputs the projections say what they are.
    if (!node.primitive.several) {
      const inferred = node.primitive.infer(node.inputs, node.attrs) as ShapeDtype;
      expect(inferred.shape).toEqual(node.shape);
      expect(inferred.dtype).toBe(node.dtype);
    }
    stack.push(...node.inputs);
  }
}

/** The tangent is what differences say, and its transpose is its adjoint, whichever tracers are taken to be constant. */
function checkDerivative(
  outputs: readonly Node[],
  { tracers, values }: Point,
  tolerance: number,
  constant: ReadonlySet<Node> = new Set(),
): void {
  const along = directionsOf(tracers.map((node) => (constant.has(node) ? null : node)));
  const { directions, tangents } = forward(outputs, tracers, constant);
  const inexact = outputs.filter((node) => node.dtype.inexact);
  const given = outputs.map((node, k) => (node.dtype.inexact ? tangents[k] : null));
  const differences = difference((at) => evaluate(inexact, tracers, at), values, along);
  const all = evaluate(present(given), [...tracers, ...directions], [...values, ...along]);
  let next = 0;
  const results = inexact.map((node, k) => {
    const tangent = tangents[outputs.indexOf(node)];
    if (tangent !== null) return all[next++];
    return { ...differences[k], elements: differences[k].elements.map(() => c.complex(0)) };
  });
  results.forEach((result, k) => {
    expectClose(result, differences[k], tolerance);
  });

  const {
    cotangents,
    results: adjoints,
    of,
  } = backward(
    outputs,
    tracers.filter((node) => !constant.has(node)),
  );
  adjoints.forEach((adjoint, k) => {
    if (adjoint === null) return;
    expect(adjoint.shape).toEqual(of[k].shape);
    expect(adjoint.dtype).toBe(of[k].dtype);
  });
  const weights = directionsOf(outputs);
  const computed = evaluate(present(adjoints), [...tracers, ...cotangents], [...values, ...weights]);
  const pulled = adjoints.map((adjoint) => (adjoint === null ? null : (computed.shift() as Value)));
  const expected = dot(
    results,
    weights.filter((weight) => weight !== null),
  );
  const actual = dot(
    pulled,
    along.filter((direction) => direction !== null),
  );
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-9 * (1 + Math.abs(expected)));
}

function slice(value: Value, lane: number): Value {
  const shape = value.shape.slice(1);
  const size = shape.reduce((total, axis) => total * axis, 1);
  return { shape, dtype: value.dtype, elements: value.elements.slice(lane * size, (lane + 1) * size) };
}

/** The batched function gives the stack of what it gives for each lane, whichever inputs are mapped. */
function checkBatching(f: Case['f'], { tracers, values }: Point, input: Case['inputs'], size: number): void {
  for (let choice = 1; choice < 1 << tracers.length; choice++) {
    const mapped = tracers.map((_, k) => (choice & (1 << k)) !== 0);
    const given = values.map((value, k) =>
      mapped[k] ? sample(random, [size, ...value.shape], value.dtype, input[k].low, input[k].high) : value,
    );
    const chosen = tracers.flatMap((_, k) => (mapped[k] ? [k] : []));
    const lanes = tracers.map(tracer);
    const batches = chosen.map((k) => tracer(given[k]));
    const output = f(...lanes);
    const first = nextNodeId();
    const [result] = batch(
      [output],
      chosen.map((k) => lanes[k]),
      batches,
      size,
    );
    expect(result.mapped).toBe(true);
    checkInference([result.node], first);
    const unmapped = lanes.filter((_, k) => !mapped[k]);
    const bound = [...batches, ...unmapped];
    const [actual] = evaluate([result.node], bound, [...chosen.map((k) => given[k]), ...values.filter((_, k) => !mapped[k])]);
    expect(actual.shape).toEqual([size, ...output.shape]);
    for (let lane = 0; lane < size; lane++) {
      const [expected] = evaluate(
        [output],
        lanes,
        given.map((value, k) => (mapped[k] ? slice(value, lane) : value)),
      );
      expectClose(slice(actual, lane), expected, 1e-12);
    }
  }
}

describe.each(cases)('$name', (example) => {
  const { f, inputs } = example;

  test('the derivative is right forwards and backwards', () => {
    const first = nextNodeId();
    const point = pointOf(example);
    const output = f(...point.tracers);
    checkInference([output], first);
    checkDerivative([output], point, 1e-7);
    if (point.tracers.length === 1) return;
    for (const tracer of point.tracers) checkDerivative([output], point, 1e-7, new Set([tracer]));
  });

  test('so is that of the tangent and of the cotangent', () => {
    const point = pointOf(example);
    const output = f(...point.tracers);
    const { directions, tangents } = forward([output], point.tracers);
    const along = directionsOf(point.tracers);
    const { cotangents, results } = backward([output], point.tracers);
    for (const [made, extra, values] of [
      [present(tangents), directions, along],
      [present(results), cotangents, directionsOf([output])],
    ] as const) {
      checkInference(made, 0);
      if (made.length === 0) continue;
      const second: Point = {
        tracers: [...point.tracers, ...present(extra)],
        values: [...point.values, ...values.filter((value) => value !== null)],
      };
      checkDerivative(made, second, 1e-6);
    }
  });

  test('a batch is the stack of its lanes', () => {
    const point = pointOf(example);
    for (const size of [3, 1, 0]) checkBatching(f, point, inputs, size);
  });
});

test('every primitive is in some case', () => {
  // What a user's kernel computes, its source says.
  const elsewhere = ['placeholder', 'data', 'project', 'fast.metalKernel'];
  const families = primitives().filter(
    ({ name, lowering }) => !elsewhere.includes(name) && !['expand', 'compiled', 'control'].includes(lowering.kind),
  );
  expect(families.map(({ name }) => name).filter((name) => !seen.has(name))).toEqual([]);
});
