import { bool, complex64, type Dtype, float16, float32, float64, int32, uint32 } from '../../lib/dtype';
import type { Node, Shape } from '../../lib/graph/node';
import * as p from '../../lib/primitives';
import { pushforward } from '../../lib/transforms/forward';
import { linearizeNodes, pullback } from '../../lib/transforms/reverse';
import type { Complex } from '../support/complex';
import { download, upload } from '../support/device';
import { interpret, numbers, valueOf } from '../support/interpret';

const trace: p.Trace = { transform: 'test', active: true };
const { POSITIVE_INFINITY: inf } = Number;

interface Argument {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly values: readonly (number | Complex)[];
}

const of = (...values: number[]): Argument => ({ shape: [values.length], dtype: float64, values });
const indices = (...values: number[]): Argument => ({ ...of(...values), dtype: int32 });

/** The gradient of the sum of f's elements, `order` times over (each time again of the sum), with respect to argument `k`. */
function gradients(f: (...nodes: Node[]) => Node, args: readonly Argument[], order = 1, k = 0): number[] {
  const tracers = args.map(tracer);
  let result = f(...tracers);
  for (let i = 0; i < order; i++) {
    const [gradient] = pullback(linearizeNodes([result], [tracers[k]], 'test'), [p.ones(result.shape, result.dtype)]);
    result = gradient ?? p.zeros(args[k].shape, args[k].dtype);
  }
  return evaluate(result);
}

function tracer({ shape, dtype, values }: Argument): Node {
  return p.identity(upload(valueOf(shape, dtype, values)));
}

/** On the device, which must agree with the reference. */
function evaluate(result: Node): number[] {
  const reference = numbers(interpret([result], new Map(), download)[0]);
  const computed = numbers(download(result));
  computed.forEach((value, k) => {
    if (!Object.is(value + 0, reference[k] + 0)) expect(value / reference[k]).toBeCloseTo(1, 6);
  });
  return computed;
}

/** The derivative along ones, `order` times over. */
function tangents(f: (...nodes: Node[]) => Node, args: readonly Argument[], order = 1, k = 0): number[] {
  const tracers = args.map(tracer);
  let result = f(...tracers);
  for (let i = 0; i < order; i++) {
    const [tangent] = pushforward([result], [tracers[k]], [p.ones(args[k].shape, args[k].dtype)], 'result');
    result = tangent ?? p.zeros(result.shape, result.dtype);
  }
  return evaluate(result);
}

function both(f: (...nodes: Node[]) => Node, args: readonly Argument[], order: number, expected: readonly number[], k = 0): void {
  for (const derivative of [gradients, tangents]) {
    derivative(f, args, order, k).forEach((value, i) => {
      if (Object.is(expected[i] + 0, value + 0)) return;
      expect(value).toBeCloseTo(expected[i], 9);
    });
  }
}

describe('at ties', () => {
  test('max and min share the tangent evenly', () => {
    expect(gradients((x) => p.max(x, [0]), [of(1, 3, 3, 2)])).toEqual([0, 0.5, 0.5, 0]);
    expect(gradients((x) => p.min(x, [0]), [of(1, 1, 3, 1)]).map((g) => g * 3)).toEqual([1, 1, 0, 1]);
    expect(gradients((x) => p.max(x, [0]), [of(inf, inf)])).toEqual([0.5, 0.5]);
  });

  test('max counts ties beyond what 16 bits hold', () => {
    const x = p.placeholder([70000], float16, trace);
    const [g] = pullback(linearizeNodes([p.max(x, [0])], [x], 'test'), [p.ones([], float16)]);
    const counts: Dtype[] = [];
    const stack = [g as Node];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (node.primitive.name === 'sum') counts.push(node.dtype);
      stack.push(...node.inputs);
    }
    expect(g?.dtype).toBe(float16);
    expect(counts).toEqual([float32]);
  });

  test('maximum and minimum halve it', () => {
    const args = [of(1, 2, 3), of(2, 2, 2)];
    expect(gradients(p.maximum, args)).toEqual([0, 0.5, 1]);
    expect(gradients(p.maximum, args, 1, 1)).toEqual([1, 0.5, 0]);
    expect(gradients(p.minimum, args)).toEqual([1, 0.5, 0]);
    expect(gradients((x) => p.maximum(x, x), [of(4)])).toEqual([1]);
  });

  test('a scatter of extrema shares it between the array and the updates', () => {
    const f = (x: Node, u: Node, i: Node): Node => p.scatter(x, u, [i], [0], 'maximum');
    const args = [of(2, 5, 0), { ...of(2, 2, 1, 4), shape: [4, 1] }, indices(0, 0, 0, 1)];
    expect(gradients(f, args).map((g) => g * 3)).toEqual([1, 3, 3]);
    expect(gradients(f, args, 1, 1).map((g) => g * 3)).toEqual([1, 1, 0, 0]);
  });

  test('abs and sign have derivative 0 at 0', () => {
    both(p.abs, [of(-2, 0, 3)], 1, [-1, 0, 1]);
    both(p.sign, [of(-2, 0, 3)], 1, [0, 0, 0]);
    const zero: Argument = { shape: [1], dtype: complex64, values: [{ re: 0, im: 0 }] };
    both((x) => p.abs(x), [zero], 1, [0]);
    both((x) => p.abs(x), [zero], 2, [0]);
  });
});

describe('power', () => {
  test('of zero and by zero, at any order', () => {
    const args = [of(0, 0, 0, 0, 2, -2, 0), of(0, 1, 2, 3, 0, 0, 0.5)];
    both(p.power, args, 1, [0, 1, 0, 0, 0, 0, inf]);
    const finite = [of(0, 0, 0, 0, 2, -2), of(0, 1, 2, 3, 0, 0)];
    both(p.power, finite, 2, [0, 0, 2, 0, 0, 0]);
    both(p.power, finite, 3, [0, 0, 0, 6, 0, 0]);
  });

  test('by the exponent: 0 for base 0', () => {
    const args = [of(0, 0, 1, 2, Math.E), of(1, 2, 5, 0, 1)];
    both(p.power, args, 1, [0, 0, 0, Math.log(2), Math.E], 1);
    both(p.power, args, 2, [0, 0, 0, Math.log(2) ** 2, Math.E], 1);
  });

  test('of negative bases by whole exponents, constant or not', () => {
    both(p.power, [of(-2, -2, -3), of(3, 2, -1)], 1, [12, -4, -1 / 9]);
    both((x) => p.power(x, p.full(3, [2], float64)), [of(-2, 0)], 1, [12, 0]);
    both((x) => p.power(x, p.full(3, [2], float64)), [of(-2, 0)], 3, [6, 6]);
    both((x) => p.power(x, p.full(1, [2], float64)), [of(-2, 0)], 2, [0, 0]);
    both((x) => p.power(x, p.full(0, [2], float64)), [of(-2, 0)], 1, [0, 0]);
  });

  test('a zero base does not spoil the gradient of the other operand', () => {
    const f = (a: Node, b: Node): Node => p.power(p.multiply(a, b), b);
    expect(gradients(f, [of(0, 2), of(2, 1)], 1, 1).every(Number.isFinite)).toBe(true);
  });
});

describe('products are exact with zeros', () => {
  const cubic = [2, 3, 5];

  test.each([0, 1, 2, 3])('prod with %i zeros, three orders', (zeros) => {
    const values = [...cubic];
    values.fill(0, 0, zeros);
    const [a, b, c] = values;
    const prod = (x: Node): Node => p.prod(x, [0]);
    expect(gradients(prod, [of(...values)])).toEqual([b * c, a * c, a * b]);
    expect(gradients(prod, [of(...values)], 2)).toEqual([b + c, a + c, a + b]);
    expect(gradients(prod, [of(...values)], 3)).toEqual([2, 2, 2]);
  });

  test('scatter multiply with repeated indices and zeros, two orders', () => {
    const f = (x: Node, u: Node, i: Node): Node => p.scatter(x, u, [i], [0], 'multiply');
    const args = [of(2, 7), { ...of(0, 3, 0), shape: [3, 1] }, indices(0, 1, 0)];
    expect(gradients(f, args)).toEqual([0, 3]);
    expect(gradients(f, args, 1, 1)).toEqual([0, 7, 0]);
    expect(gradients(f, args, 2, 1)).toEqual([2, 0, 2]);
  });
});

test('scatter set gives the cotangent to the last writer only', () => {
  const f = (x: Node, u: Node, i: Node): Node => p.scatter(x, u, [i], [0], 'set');
  const args = [of(1, 2, 3), { ...of(5, 6, 7, 8), shape: [4, 1] }, indices(1, 0, 1, 0)];
  expect(gradients(f, args)).toEqual([0, 0, 1]);
  expect(gradients(f, args, 1, 1)).toEqual([0, 0, 1, 1]);
});

describe('infinities and the ends of the range', () => {
  test('logaddexp', () => {
    const args = [of(inf, -inf, -inf, 0, inf, 800, 1), of(0, 0, -inf, 0, inf, 0, -inf)];
    both(p.logaddexp, args, 1, [1, 0, 0.5, 0.5, 0.5, 1, 1]);
    both(p.logaddexp, args, 2, [0, 0, 0, 0.25, 0, 0, 0]);
  });

  test('sigmoid, tanh, exp, log1p, arctan, arcsinh', () => {
    both(p.sigmoid, [of(1000, -1000, inf, -inf)], 1, [0, 0, 0, 0]);
    both(p.tanh, [of(1000, -1000)], 2, [0, 0]);
    both(p.arctan, [of(1e200)], 1, [0]);
    expect(gradients(p.arcsinh, [of(1e200, -1e200, 0)]).map((g, i) => g * [1e200, 1e200, 1][i])).toEqual([1, 1, 1]);
    expect(gradients(p.arctan2, [of(1e200), of(1e200)]).map((g) => g * 1e200)).toEqual([0.5]);
    both(p.arctan2, [of(0), of(0)], 1, [0]);
  });

  test('sqrt at 0 has the infinite slope that it has', () => {
    both(p.sqrt, [of(0, 4)], 1, [inf, 0.25]);
  });
});

describe('what is constant has no tangent', () => {
  const steps = { floor: p.floor, ceil: p.ceil, round: p.round, trunc: p.trunc, sign: p.sign, stopGradient: p.stopGradient };
  test.each(Object.entries(steps))('%s', (_name, f) => {
    const x = p.placeholder([2], float64, trace);
    expect(pushforward([f(x)], [x], [p.ones([2], float64)], 'result')).toEqual([null]);
  });
});

test('linear functions of real numbers into complex ones and back', () => {
  const x: Argument = { shape: [1], dtype: float64, values: [3] };
  const z: Argument = { shape: [1], dtype: complex64, values: [{ re: 3, im: 4 }] };
  expect(gradients((a) => p.real(p.astype(a, complex64)), [x])).toEqual([1]);
  expect(gradients((a) => p.abs(p.astype(a, complex64)), [x])).toEqual([1]);
  // The gradient of |z| is z / |z|: its real part here.
  expect(gradients((a) => p.abs(a), [z])[0]).toBeCloseTo(0.6, 6);
});

describe('random bits', () => {
  const uniform = (seed: readonly [number, number], shape: Shape): number[] => {
    const keys = tracer({ shape: [2], dtype: uint32, values: seed });
    return evaluate(p.randomBits(keys, shape, uint32)).map((bits) => bits / (2 ** 32 - 1));
  };

  test.each([
    { count: 'even', seed: [0, 0], shape: [4], begins: [0.965321, 0.225159, 0.63303, 0.296382], within: 5e-7 },
    { count: 'odd', seed: [0, 7], shape: [3, 5], begins: [0.8523597, 0.5207238, 0.0435386, 0.1747583, 0.6938942], within: 1e-7 },
  ] as const)('are those of MLX for an $count count', ({ seed, shape, begins, within }) => {
    const drawn = uniform(seed, shape);
    begins.forEach((expected, k) => {
      expect(Math.abs(drawn[k] - expected)).toBeLessThan(within);
    });
  });
});

describe('errors say which shapes and dtypes', () => {
  const f = (shape: Shape, dtype: Dtype = float32): Node => p.placeholder(shape, dtype, trace);
  const errors: readonly [string, () => Node, string][] = [
    ['add of two shapes', () => p.add(f([2, 3]), f([4])), '[add] operands must have one shape, not [2, 3] and [4]'],
    ['add of two dtypes', () => p.add(f([2]), f([2], int32)), '[add] operands must have one dtype, not float32 and int32'],
    ['exp of integers', () => p.exp(f([2], int32)), '[exp] the operand must be floating or complex, not int32'],
    ['erf of complex', () => p.erf(f([2], complex64)), '[erf] the operand must be floating, not complex64'],
    ['where by a float', () => p.where(f([2]), f([2]), f([2])), '[where] the condition must be bool, not float32'],
    [
      'where of three shapes',
      () => p.where(f([3], bool), f([2]), f([2])),
      '[where] condition and operands must have one shape: [3], [2], [2]',
    ],
    ['reshape', () => p.reshape(f([2, 3]), [4]), '[reshape] cannot reshape [2, 3] (6 elements) to [4] (4)'],
    ['transpose', () => p.transpose(f([2, 3]), [0, 0]), '[transpose] [0, 0] is no permutation of the 2 axes of shape [2, 3]'],
    ['broadcastTo', () => p.broadcastTo(f([2, 3]), [3, 3]), '[broadcastTo] shape [2, 3] does not broadcast to [3, 3]'],
    ['slice of everything from 1 on', () => p.slice(f([4]), [1], [4]), '[slice] 4 elements from 1 by 1 do not lie in axis 0 of shape [4]'],
    ['slice', () => p.slice(f([4]), [2], [2], [2]), '[slice] 2 elements from 2 by 2 do not lie in axis 0 of shape [4]'],
    ['pad', () => p.pad(f([4]), [-1], [0]), '[pad] widths must not be negative: low [-1], high [0]'],
    ['concatenate', () => p.concatenate([f([2, 3]), f([3, 3])], 1), '[concatenate] shapes [2, 3] and [3, 3] differ beyond axis 1'],
    ['sliceUpdate', () => p.sliceUpdate(f([4]), f([3]), [2]), '[sliceUpdate] an update of shape [3] from [2] does not lie in shape [4]'],
    ['max', () => p.max(f([2, 0]), [1]), '[max] shape [2, 0] has no elements along axes [1]'],
    ['sum', () => p.sum(f([2]), [1]), '[sum] axes [1] are no ascending axes of shape [2]'],
    [
      'matmul',
      () => p.matmul(f([2, 3]), f([4, 5])),
      '[matmul] last axis of a (3) must equal second-to-last of b (4): shapes [2, 3] and [4, 5]',
    ],
    ['gather by floats', () => p.gather(f([4]), [f([2])], [0], [1]), '[gather] indices must be integers, not float32'],
    ['gather of too much', () => p.gather(f([4]), [f([2], int32)], [0], [5]), '[gather] slices of shape [5] do not lie in shape [4]'],
    [
      'scatter',
      () => p.scatter(f([4]), f([3, 1]), [f([2], int32)], [0], 'add'),
      "[scatter] updates of shape [3, 1] must begin with the indices' shape [2]",
    ],
    ['sort', () => p.sort(f([])), '[sort] a scalar has no axis to sort along'],
    ['randomBits', () => p.randomBits(f([3], uint32), [2], uint32), '[random.bits] the last axis of keys has size 2: shape [3]'],
  ];
  test.each(errors)('%s', (_name, build, message) => {
    expect(build).toThrow(message);
  });
});
