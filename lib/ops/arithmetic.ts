/** Functions of two arrays, element by element: shapes broadcast, dtypes promote, JavaScript numbers take the array's dtype. */

import { type ArrayInput, type array, wrap } from '../array';
import { bool, type Dtype, int32, uint8 } from '../dtype';
import * as p from '../primitives';
import { anyDtype, floating, inexact, integral, numeric, realNumeric } from '../primitives/domain';
import { atLeastFloat, operands } from './arguments';
import { binaryCases, binaryOp } from './pointwise';
import { defineOp, type MethodOp } from './registry';

const boolAsInteger = (dtype: Dtype): Dtype => (dtype === bool ? int32 : dtype);
const integers = { dtype: int32, low: 1, high: 7 };
const noDerivative = { differentiable: false };
const away = { low: 0.5, high: 2 };

/**
 * a + b.
 *
 * @example
 * mx.add(mx.array([1, 2]), 3); // array([4, 5], dtype=float32)
 */
export const add = binaryOp('add', p.add, { domain: anyDtype, cases: binaryCases() });
/**
 * a - b.
 *
 * @example
 * mx.subtract(mx.array([1, 2]), 3); // array([-2, -1], dtype=float32)
 */
export const subtract = binaryOp('subtract', p.subtract, { domain: anyDtype, cases: binaryCases() });
/**
 * a · b.
 *
 * @example
 * mx.multiply(mx.array([1, 2]), mx.array([[3], [4]])); // array([[3, 6],\n       [4, 8]], dtype=float32)
 */
export const multiply = binaryOp('multiply', p.multiply, { domain: anyDtype, cases: binaryCases() });
/**
 * a / b; integers become float32.
 *
 * @example
 * mx.divide(mx.array([1, 2], mx.int32), 2); // array([0.5, 1], dtype=float32)
 */
export const divide = binaryOp('divide', p.divide, { domain: inexact, convert: atLeastFloat, cases: binaryCases({}, away) });
/**
 * ⌊a / b⌋; by integer zero 0.
 *
 * @example
 * mx.floorDivide(mx.array([7, -7], mx.int32), 2); // array([3, -4], dtype=int32)
 */
export const floorDivide = binaryOp('floorDivide', p.floorDivide, {
  domain: realNumeric,
  convert: boolAsInteger,
  cases: binaryCases(integers, integers, noDerivative),
});
/**
 * a - b · ⌊a / b⌋, with the sign of b; by integer zero 0.
 *
 * @example
 * mx.remainder(mx.array([7, -7]), 3); // array([1, 2], dtype=float32)
 */
export const remainder = binaryOp('remainder', p.remainder, {
  domain: realNumeric,
  convert: boolAsInteger,
  cases: binaryCases({ low: 0.1, high: 0.9 }, { low: 1, high: 2 }),
});
/**
 * a to the power of b.
 *
 * @example
 * mx.power(mx.array([2, 3]), 2); // array([4, 9], dtype=float32)
 */
export const power = binaryOp('power', p.power, { domain: numeric, convert: boolAsInteger, cases: binaryCases({ low: 0.3 }) }, [
  'array',
  'exponent',
]);
/**
 * The larger of a and b; NaN where either is. At ties each gets half of the derivative.
 *
 * @example
 * mx.maximum(mx.array([1, 5]), 3); // array([3, 5], dtype=float32)
 */
export const maximum = binaryOp('maximum', p.maximum, { domain: anyDtype, cases: binaryCases({ distinct: true }) });
/**
 * The smaller of a and b; NaN where either is. At ties each gets half of the derivative.
 *
 * @example
 * mx.minimum(mx.array([1, 5]), 3); // array([1, 3], dtype=float32)
 */
export const minimum = binaryOp('minimum', p.minimum, { domain: anyDtype, cases: binaryCases({ distinct: true }) });
/**
 * log(eᵃ + eᵇ) without overflow.
 *
 * @example
 * mx.logaddexp(mx.array([0, 1]), 0); // array([0.693147, 1.31326], dtype=float32)
 */
export const logaddexp = binaryOp('logaddexp', p.logaddexp, { domain: inexact, convert: atLeastFloat, cases: binaryCases() });
/**
 * The angle, in radians, of the point (b, a): the inverse tangent of a / b in the right quadrant.
 *
 * @example
 * mx.arctan2(mx.array([1, -1]), mx.array([-1, -1])); // array([2.35619, -2.35619], dtype=float32)
 */
export const arctan2 = binaryOp('arctan2', p.arctan2, { domain: floating, convert: atLeastFloat, cases: binaryCases({}, away) });

/**
 * Bits that are set in both.
 *
 * @example
 * mx.bitwiseAnd(mx.array([6, 5], mx.int32), 3); // array([2, 1], dtype=int32)
 */
export const bitwiseAnd = binaryOp('bitwiseAnd', p.bitwiseAnd, { domain: integral, cases: binaryCases(integers, integers, noDerivative) });
/**
 * Bits that are set in either.
 *
 * @example
 * mx.bitwiseOr(mx.array([6, 5], mx.int32), 3); // array([7, 7], dtype=int32)
 */
export const bitwiseOr = binaryOp('bitwiseOr', p.bitwiseOr, { domain: integral, cases: binaryCases(integers, integers, noDerivative) });
/**
 * Bits that are set in one of the two.
 *
 * @example
 * mx.bitwiseXor(mx.array([6, 5], mx.int32), 3); // array([5, 6], dtype=int32)
 */
export const bitwiseXor = binaryOp('bitwiseXor', p.bitwiseXor, { domain: integral, cases: binaryCases(integers, integers, noDerivative) });

const boolAsByte = (dtype: Dtype): Dtype => (dtype === bool ? uint8 : dtype);
const shiftable = { ...integral, low: uint8.code, text: 'integer' };

/**
 * a · 2ᵇ, in the integer's width.
 *
 * @example
 * mx.leftShift(mx.array([1, 3], mx.int32), 2); // array([4, 12], dtype=int32)
 */
export const leftShift = binaryOp('leftShift', p.leftShift, {
  domain: shiftable,
  convert: boolAsByte,
  cases: binaryCases(integers, integers, noDerivative),
});
/**
 * ⌊a / 2ᵇ⌋.
 *
 * @example
 * mx.rightShift(mx.array([8, -8], mx.int32), 2); // array([2, -2], dtype=int32)
 */
export const rightShift = binaryOp('rightShift', p.rightShift, {
  domain: shiftable,
  convert: boolAsByte,
  cases: binaryCases(integers, integers, noDerivative),
});

/**
 * The list of `floorDivide(a, b)` and `remainder(a, b)`.
 *
 * @example
 * mx.divmod(mx.array([7, -7]), 3); // [array([2, -3], dtype=float32), array([1, 2], dtype=float32)]
 */
export const divmod = defineOp<MethodOp<[a: ArrayInput, b: ArrayInput], [], Record<never, never>, [array, array]>>(
  { name: 'divmod', parameters: ['a', 'b'], cases: binaryCases(integers, integers, noDerivative) },
  (a: ArrayInput, b: ArrayInput): [array, array] => {
    const [x, y] = operands('divmod', a, b, boolAsInteger);
    return [wrap(p.floorDivide(x, y)), wrap(p.remainder(x, y))];
  },
);
