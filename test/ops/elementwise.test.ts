import * as mx from '../../lib';
import { widest } from '../support/default';

const library: Record<string, unknown> = mx.core;

type Unary = (x: mx.ArrayInput) => mx.array;
const finite = [-2.5, -1, -0.7, -0.2, 0, 0.3, 0.5, 0.9, 1, 1.5, 2.5, 3.7];
const positive = [0.001, 0.3, 1, 1.5, 2, 10, 1000];
const unit = [-0.99, -0.5, -0.1, 0, 0.2, 0.7, 0.99];

/** Abramowitz & Stegun's series for erf, in double precision. */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

function halfEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor === 0.5) return floor % 2 === 0 ? floor : floor + 1;
  return Math.round(x);
}

const references: [string, (x: number) => number, number[]][] = [
  ['abs', Math.abs, finite],
  ['negative', (x) => -x, finite],
  ['sign', Math.sign, finite],
  ['square', (x) => x * x, finite],
  ['reciprocal', (x) => 1 / x, positive],
  ['sqrt', Math.sqrt, positive],
  ['rsqrt', (x) => 1 / Math.sqrt(x), positive],
  ['exp', Math.exp, finite],
  ['expm1', Math.expm1, [...finite, 1e-6]],
  ['log', Math.log, positive],
  ['log2', Math.log2, positive],
  ['log10', Math.log10, positive],
  ['log1p', Math.log1p, [...positive, -0.5, 1e-6]],
  ['sin', Math.sin, [...finite, 100]],
  ['cos', Math.cos, [...finite, 100]],
  ['tan', Math.tan, finite],
  ['sinh', Math.sinh, finite],
  ['cosh', Math.cosh, finite],
  ['tanh', Math.tanh, finite],
  ['arcsin', Math.asin, unit],
  ['arccos', Math.acos, unit],
  ['arctan', Math.atan, finite],
  ['arcsinh', Math.asinh, finite],
  ['arccosh', Math.acosh, [1, 1.5, 2, 50]],
  ['arctanh', Math.atanh, unit],
  ['erf', erf, finite],
  ['sigmoid', (x) => 1 / (1 + Math.exp(-x)), finite],
  ['floor', Math.floor, finite],
  ['ceil', Math.ceil, finite],
  ['trunc', Math.trunc, finite],
  ['round', halfEven, finite],
  ['degrees', (x) => (x * 180) / Math.PI, finite],
  ['radians', (x) => (x * Math.PI) / 180, finite],
];

describe('functions of one array agree with double precision', () => {
  test.each(references)('%s', (name, reference, values) => {
    const inputs = values.map(Math.fround);
    const f = library[name] as Unary;
    const result = f(inputs);
    expect(result.dtype).toBe(mx.float32);
    (result.tolist() as number[]).forEach((value, i) => {
      const exact = reference(inputs[i]);
      expect(Math.abs(value - exact)).toBeLessThanOrEqual(Math.abs(exact) * 4 * 2 ** -23 + 1e-38);
    });
    expect((mx.array(inputs) as mx.array)[name as 'sin']().tolist()).toEqual(result.tolist());
    expect(f(mx.array(inputs, widest)).dtype).toBe(widest);
  });

  test('erfinv inverts erf', () => {
    const y = [-0.9, -0.3, 0, 0.5, 0.99];
    for (const [i, value] of (mx.erf(mx.erfinv(y)).tolist() as number[]).entries()) expect(value).toBeCloseTo(y[i], 5);
  });
});

describe('dtypes of results', () => {
  test('integers and bool become float32 where the function has fractions', () => {
    for (const f of [mx.exp, mx.sin, mx.sqrt, mx.sigmoid, mx.erf, mx.degrees, mx.log1p]) {
      expect(f(mx.array([1, 0], mx.int32)).dtype).toBe(mx.float32);
      expect(f(mx.array([true])).dtype).toBe(mx.float32);
      expect(f(mx.array([1], mx.float16)).dtype).toBe(mx.float16);
    }
  });

  test('integers stay where the function has none', () => {
    const x = mx.array([-3, 4], mx.int8);
    for (const f of [mx.abs, mx.negative, mx.sign, mx.square, mx.floor, mx.ceil, mx.trunc, mx.round]) expect(f(x).dtype).toBe(mx.int8);
    expect(mx.abs(x).tolist()).toEqual([3, 4]);
    expect(mx.floor(x).tolist()).toEqual([-3, 4]);
    expect(mx.abs(mx.array([true])).dtype).toBe(mx.bool);
  });

  test('what has no meaning is a TypeError that names the function', () => {
    expect(() => mx.negative(mx.array([true]))).toThrow('[negative] the operand must be numeric, not bool');
    expect(() => mx.floor(mx.array({ re: 1, im: 1 }))).toThrow(TypeError);
    expect(() => mx.bitwiseInvert(mx.array([1.5]))).toThrow('[bitwiseInvert] the operand must be integer or bool, not float32');
    expect(() => mx.sin('a' as unknown as mx.array)).toThrow(new TypeError('[sin] string cannot become an array'));
  });
});

describe('complex numbers', () => {
  const z = mx.array([
    { re: 3, im: -4 },
    { re: 0, im: 1 },
  ]);
  test('parts, magnitude and conjugate', () => {
    expect(mx.abs(z).tolist()).toEqual([5, 1]);
    expect(mx.abs(z).dtype).toBe(mx.float32);
    expect(mx.real(z).tolist()).toEqual([3, 0]);
    expect(mx.imag(z).tolist()).toEqual([-4, 1]);
    expect(mx.conj(z).tolist()).toEqual([
      { re: 3, im: 4 },
      { re: 0, im: -1 },
    ]);
    expect(z.conjugate().tolist()).toEqual(z.conj().tolist());
    expect(mx.imag([1, 2]).tolist()).toEqual([0, 0]);
  });
  test('square', () => {
    expect(mx.square(z).tolist()).toEqual([
      { re: -7, im: -24 },
      { re: -1, im: 0 },
    ]);
  });
});

describe('tests of elements', () => {
  const x = mx.array([1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]);
  test('NaN and infinities', () => {
    expect(mx.isnan(x).tolist()).toEqual([false, true, false, false, false]);
    expect(mx.isinf(x).tolist()).toEqual([false, false, true, true, false]);
    expect(mx.isfinite(x).tolist()).toEqual([true, false, false, false, true]);
    expect(mx.isposinf(x).tolist()).toEqual([false, false, true, false, false]);
    expect(mx.isneginf(x).tolist()).toEqual([false, false, false, true, false]);
    expect(mx.logicalNot(x).tolist()).toEqual([false, false, false, false, true]);
  });
  test('integers are finite', () => {
    const n = mx.array([1, 0], mx.int32);
    expect(mx.isnan(n).tolist()).toEqual([false, false]);
    expect(mx.isinf(n).tolist()).toEqual([false, false]);
    expect(mx.isfinite(n).tolist()).toEqual([true, true]);
    expect(mx.isposinf(n).tolist()).toEqual([false, false]);
  });
  test('complex numbers by their parts', () => {
    const z = mx.array([
      { re: Number.NaN, im: 0 },
      { re: 0, im: Number.NEGATIVE_INFINITY },
      { re: 1, im: 1 },
    ]);
    expect(mx.isnan(z).tolist()).toEqual([true, false, false]);
    expect(mx.isinf(z).tolist()).toEqual([false, true, false]);
    expect(mx.isfinite(z).tolist()).toEqual([false, false, true]);
  });
});
