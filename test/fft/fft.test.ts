/** Fourier transforms against the definition, in every length to 64 and in large primes, over any axes. */

import * as mx from '../../lib';
import { generator } from '../matrix/random';
import type { Complex } from '../support/complex';
import { transformOf } from '../support/routines/fourier';

const { fft } = mx;

function signal(n: number, seed = 1): Complex[] {
  const random = generator(seed);
  return Array.from({ length: n }, () => ({ re: Math.fround(random() * 2 - 1), im: Math.fround(random() * 2 - 1) }));
}

const toArray = (x: readonly Complex[]): mx.array =>
  mx.array(Float32Array.from(x, ({ re }) => re)).add(mx.array(Float32Array.from(x, ({ im }) => im)).multiply({ re: 0, im: 1 }));
const toList = (x: mx.array): Complex[] => x.tolist() as unknown as Complex[];

/** The largest difference, relative to the largest value. */
function error(actual: readonly Complex[], expected: readonly Complex[]): number {
  expect(actual.length).toBe(expected.length);
  const size = Math.max(...expected.map(({ re, im }) => Math.hypot(re, im)), 1e-30);
  return Math.max(...actual.map(({ re, im }, k) => Math.hypot(re - expected[k].re, im - expected[k].im))) / size;
}

const lengths = Array.from({ length: 64 }, (_, k) => k + 1);

test.each([...lengths, 97, 101, 127, 211, 257, 360, 509, 512, 1009, 1024, 1500, 2039])('length %i', (n) => {
  const x = signal(n, n);
  const direct = transformOf(x, false);
  expect(error(toList(fft.fft(toArray(x))), direct)).toBeLessThan(1e-6);
  const back = transformOf(x, true).map(({ re, im }) => ({ re: re / n, im: im / n }));
  expect(error(toList(fft.ifft(toArray(x))), back)).toBeLessThan(1e-6);
});

test.each(lengths)('real transforms of length %i', (n) => {
  const x = signal(n, n).map(({ re }) => ({ re, im: 0 }));
  const real = mx.array(Float32Array.from(x, ({ re }) => re));
  const half = fft.rfft(real);
  expect(error(toList(half), transformOf(x, false).slice(0, Math.floor(n / 2) + 1))).toBeLessThan(1e-6);
  const restored = fft.irfft(half, n);
  expect(restored.dtype).toBe(mx.float32);
  expect(mx.abs(restored.subtract(real)).max().item()).toBeLessThan(1e-6);
});

test.each([7919, 65537, 104729])('the inverse gives back what was transformed, in the prime length %i', (n) => {
  const x = toArray(signal(n, n));
  expect(
    mx
      .abs(fft.ifft(fft.fft(x)).subtract(x))
      .max()
      .item(),
  ).toBeLessThan(2e-6);
  // One element of the result by the definition.
  const values = toList(x);
  const k = 1234;
  const exact = values.reduce(
    (sum, { re, im }, j) => {
      const angle = (-2 * Math.PI * ((j * k) % n)) / n;
      return { re: sum.re + re * Math.cos(angle) - im * Math.sin(angle), im: sum.im + re * Math.sin(angle) + im * Math.cos(angle) };
    },
    { re: 0, im: 0 },
  );
  const [given] = toList(fft.fft(x).index(mx.Slice(k, k + 1)));
  expect(Math.hypot(given.re - exact.re, given.im - exact.im) / Math.sqrt(n)).toBeLessThan(1e-6);
});

test('the imaginary part of what must be real does not count in irfft', () => {
  const half = mx.array([1, 2, 3]).add(mx.array([5, 0, 7]).multiply({ re: 0, im: 1 }));
  expect(fft.irfft(half).tolist()).toEqual(fft.irfft(mx.array([1, 2, 3])).tolist());
  expect(fft.irfft([2, 4]).tolist()).toEqual([3, -1]);
});

test('several axes are one after the other', () => {
  const x = toArray(signal(2 * 3 * 5)).reshape(2, 3, 5);
  const close = (a: mx.array, b: mx.array): void => {
    expect(a.shape).toEqual(b.shape);
    expect(mx.abs(a.subtract(b)).max().item()).toBeLessThan(1e-5);
  };
  close(fft.fftn(x), fft.fft(fft.fft(fft.fft(x, null, 0), null, 1), null, 2));
  close(fft.fft2(x), fft.fftn(x, null, [1, 2]));
  close(fft.fft2(x, [4, 2]), fft.fft(fft.fft(x, 4, 1), 2, 2));
  close(fft.fftn(x, { axes: [0, 1] }), fft.fft(fft.fft(x, { axis: 0 }), { axis: 1 }));
  close(fft.ifft2(fft.fft2(x)), x);
  close(fft.ifftn(fft.fftn(x)), x);
  const real = mx.real(x);
  close(fft.rfftn(real), fft.fftn(real).index('...', mx.Slice(0, 3)));
  close(fft.irfftn(fft.rfftn(real), [2, 3, 5]), real);
  close(fft.irfft2(fft.rfft2(real), [3, 5]), real);
  close(fft.fft(x.T, null, 0), fft.fft(x).T);
});

test('shifts', () => {
  expect(fft.fftshift([0, 1, 2, 3, 4]).tolist()).toEqual([3, 4, 0, 1, 2]);
  expect(fft.ifftshift([3, 4, 0, 1, 2]).tolist()).toEqual([0, 1, 2, 3, 4]);
  expect(
    fft
      .fftshift(
        [
          [0, 1],
          [2, 3],
        ],
        1,
      )
      .tolist(),
  ).toEqual([
    [1, 0],
    [3, 2],
  ]);
  expect(fft.ifftshift(fft.fftshift(mx.arange(12).reshape(3, 4))).tolist()).toEqual(mx.arange(12).reshape(3, 4).tolist());
});

test('batches without elements, and axes without', () => {
  expect(fft.fft(mx.zeros([0, 3])).shape).toEqual([0, 3]);
  expect(() => fft.fft(mx.zeros([0]))).toThrow('[fft.fft] an axis to transform has at least 1 element, not 0');
  expect(() => fft.fft([1, 2], 0)).toThrow('[fft.fft] an axis to transform has at least 1 element, not 0');
  expect(() => fft.fft(1)).toThrow('[fft.fft]');
  expect(() => fft.fft2(mx.ones([3]))).toThrow('[fft.fft2]');
  expect(() => fft.fftn(mx.ones([3, 3]), [2], [0, 1])).toThrow('[fft.fftn] n has 1 lengths for 2 axes');
  expect(() => fft.rfft(mx.ones([3]).astype(mx.complex64))).toThrow('[fft.rfft]');
  expect(fft.fft(mx.ones([2, 0]), 3).tolist()).toEqual([0, 0].map(() => [0, 0, 0].map(() => ({ re: 0, im: 0 }))));
});
