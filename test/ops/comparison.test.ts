import * as mx from '../../lib';
import { onCpu } from '../support/default';

const inf = Number.POSITIVE_INFINITY;
const nan = Number.NaN;

test('comparisons give bool and follow IEEE', () => {
  const a = mx.array([1, 2, nan, inf]);
  const b = mx.array([2, 2, nan, -inf]);
  expect(mx.equal(a, b).tolist()).toEqual([false, true, false, false]);
  expect(mx.notEqual(a, b).tolist()).toEqual([true, false, true, true]);
  expect(mx.less(a, b).tolist()).toEqual([true, false, false, false]);
  expect(mx.lessEqual(a, b).tolist()).toEqual([true, true, false, false]);
  expect(mx.greater(a, b).tolist()).toEqual([false, false, false, true]);
  expect(a.greaterEqual(b).tolist()).toEqual([false, true, false, true]);
  expect(a.less(2).dtype).toBe(mx.bool);
});

test('logic takes anything that is not 0 as true', () => {
  const a = [0, 0, 2, 0.5];
  const b = [0, 1, 0, -1];
  expect(mx.logicalAnd(a, b).tolist()).toEqual([false, false, false, true]);
  expect(mx.logicalOr(a, b).tolist()).toEqual([false, true, true, true]);
  expect(mx.logicalXor(a, b).tolist()).toEqual([false, true, true, false]);
  expect(mx.logicalAnd([true], 3).tolist()).toEqual([true]);
});

describe('isclose', () => {
  test('allows rtol and atol', () => {
    expect(mx.isclose([1, 1, 100], [1 + 1e-6, 1.1, 100.0005]).tolist()).toEqual([true, false, true]);
    expect(mx.isclose([1], [1.1], 0.2).tolist()).toEqual([true]);
    expect(mx.isclose([0], [0.05], { atol: 0.1 }).tolist()).toEqual([true]);
  });
  test('infinities equal themselves, NaN itself only with equalNan', () => {
    expect(mx.isclose([inf, inf, -inf, 1, nan], [inf, -inf, -inf, inf, nan]).tolist()).toEqual([true, false, true, false, false]);
    expect(mx.isclose([nan, 1], [nan, nan], { equalNan: true }).tolist()).toEqual([true, false]);
  });
  test('unsigned integers do not wrap around', () => {
    const a = mx.array([1, 255], mx.uint8);
    const b = mx.array([2, 1], mx.uint8);
    expect(mx.isclose(a, b).tolist()).toEqual([false, false]);
    expect(mx.isclose(a, b, 0, 1).tolist()).toEqual([true, false]);
  });
});

test('allclose and arrayEqual give one bool', () => {
  expect(mx.allclose([1, 2], [1, 2 + 1e-6]).item()).toBe(true);
  expect(mx.allclose([1, 2], [1, 3]).item()).toBe(false);
  expect(mx.allclose(mx.zeros([0]), mx.zeros([0])).item()).toBe(true);
  expect(mx.arrayEqual([1, 2], [1, 2]).item()).toBe(true);
  expect(mx.arrayEqual([1, 2], [1, 3]).item()).toBe(false);
  expect(mx.arrayEqual([1, 2], [[1, 2]]).item()).toBe(false);
  expect(mx.arrayEqual([nan], [nan]).item()).toBe(false);
  expect(mx.arrayEqual([nan], [nan], true).item()).toBe(true);
  expect(mx.arrayEqual(mx.array([1], mx.int32), [1]).item()).toBe(true);
});

describe('where and clip', () => {
  test('where chooses and broadcasts', () => {
    expect(mx.where([true, false], 1, [5, 6]).tolist()).toEqual([1, 6]);
    expect(mx.where([[1], [0]], [1, 2], 0).tolist()).toEqual([
      [1, 2],
      [0, 0],
    ]);
    expect(mx.where(true, 1, 2).item()).toBe(1);
    expect(() => mx.where([true, false], [1, 2, 3], 0)).toThrow('[where] shapes [2] and [3] do not broadcast');
  });
  test('clip', () => {
    expect(mx.clip([-2, 0.5, 3], -1, 1).tolist()).toEqual([-1, 0.5, 1]);
    expect(mx.clip([-2, 0.5, 3], null, 1).tolist()).toEqual([-2, 0.5, 1]);
    expect(mx.clip([-2, 0.5, 3], { aMin: 0 }).tolist()).toEqual([0, 0.5, 3]);
    expect(
      mx
        .array([-2, 3])
        .clip({ min: [0, 1], max: 2 })
        .tolist(),
    ).toEqual([0, 2]);
    expect(mx.clip([nan], 0, 1).tolist()).toEqual([nan]);
    expect(mx.clip([0.5], [nan], null).tolist()).toEqual([nan]);
    expect(mx.clip(mx.array([5], mx.int32), 0, 3).dtype).toBe(mx.int32);
    expect(() => mx.clip([1])).toThrow(new TypeError('[clip] needs min or max'));
  });
  test('the derivative of clip passes inside and at its bounds', () => {
    const f = (x: mx.array) => mx.sum(mx.clip(x, -1, 1));
    expect(
      mx
        .grad(f)(mx.array([-2, -1, 0, 1, 2]))
        .tolist(),
    ).toEqual([0, 1, 1, 1, 0]);
  });
  test('nanToNum', () => {
    expect(mx.nanToNum([nan, inf, -inf, 1]).tolist()).toEqual([0, 3.4028234663852886e38, -3.4028234663852886e38, 1]);
    expect(mx.nanToNum([nan, inf, -inf], 1, 2, 3).tolist()).toEqual([1, 2, 3]);
    expect(mx.nanToNum(mx.array([3], mx.int32)).dtype).toBe(mx.int32);
    expect(mx.nanToNum({ re: nan, im: inf }, 0, 5).item()).toEqual({ re: 0, im: 5 });
  });
  test('round to decimals, ties to even', () => {
    expect(mx.round([0.5, 1.5, 2.5, -0.5]).tolist()).toEqual([0, 2, 2, -0]);
    expect(onCpu(() => mx.round(mx.array([1.25, 2.345], mx.float64), 1)).tolist()).toEqual([1.2, 2.3]);
    expect(mx.round([1250, 149], -2).tolist()).toEqual([1200, 100]);
    expect(mx.round(mx.array([15, 25, 149, -15, -25], mx.int32), -1).tolist()).toEqual([20, 20, 150, -20, -20]);
    expect(mx.round(mx.array([15], mx.int32), { decimals: 2 }).tolist()).toEqual([15]);
    expect(mx.round(mx.array([100], mx.int8), -3).tolist()).toEqual([0]);
    expect(mx.round({ re: 1.6, im: -0.6 }).item()).toEqual({ re: 2, im: -1 });
  });
});
