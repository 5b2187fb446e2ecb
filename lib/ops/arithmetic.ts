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

/** a + b. */
export const add = binaryOp('add', p.add, { domain: anyDtype, cases: binaryCases() });
/** a - b. */
export const subtract = binaryOp('subtract', p.subtract, { domain: anyDtype, cases: binaryCases() });
/** a · b. */
export const multiply = binaryOp('multiply', p.multiply, { domain: anyDtype, cases: binaryCases() });
/** a / b; integers become float32. */
export const divide = binaryOp('divide', p.divide, { domain: inexact, convert: atLeastFloat, cases: binaryCases({}, away) });
/** ⌊a / b⌋; by integer zero 0. */
export const floorDivide = binaryOp('floorDivide', p.floorDivide, {
  domain: realNumeric,
  convert: boolAsInteger,
  cases: binaryCases(integers, integers, noDerivative),
});
/** a - b · ⌊a / b⌋, with the sign of b; by integer zero 0. */
export const remainder = binaryOp('remainder', p.remainder, {
  domain: realNumeric,
  convert: boolAsInteger,
  cases: binaryCases({ low: 0.1, high: 0.9 }, { low: 1, high: 2 }),
});
/** a to the power of b. */
export const power = binaryOp('power', p.power, { domain: numeric, convert: boolAsInteger, cases: binaryCases({ low: 0.3 }) }, [
  'array',
  'exponent',
]);
/** The larger of a and b; NaN where either is. At ties each gets half of the derivative. */
export const maximum = binaryOp('maximum', p.maximum, { domain: anyDtype, cases: binaryCases({ distinct: true }) });
/** The smaller of a and b; NaN where either is. At ties each gets half of the derivative. */
export const minimum = binaryOp('minimum', p.minimum, { domain: anyDtype, cases: binaryCases({ distinct: true }) });
/** log(eᵃ + eᵇ) without overflow. */
export const logaddexp = binaryOp('logaddexp', p.logaddexp, { domain: inexact, convert: atLeastFloat, cases: binaryCases() });
/** The angle, in radians, of the point (b, a): the inverse tangent of a / b in the right quadrant. */
export const arctan2 = binaryOp('arctan2', p.arctan2, { domain: floating, convert: atLeastFloat, cases: binaryCases({}, away) });

/** Bits that are set in both. */
export const bitwiseAnd = binaryOp('bitwiseAnd', p.bitwiseAnd, { domain: integral, cases: binaryCases(integers, integers, noDerivative) });
/** Bits that are set in either. */
export const bitwiseOr = binaryOp('bitwiseOr', p.bitwiseOr, { domain: integral, cases: binaryCases(integers, integers, noDerivative) });
/** Bits that are set in one of the two. */
export const bitwiseXor = binaryOp('bitwiseXor', p.bitwiseXor, { domain: integral, cases: binaryCases(integers, integers, noDerivative) });

const boolAsByte = (dtype: Dtype): Dtype => (dtype === bool ? uint8 : dtype);
const shiftable = { ...integral, low: uint8.code, text: 'integer' };

/** a · 2ᵇ, in the integer's width. */
export const leftShift = binaryOp('leftShift', p.leftShift, {
  domain: shiftable,
  convert: boolAsByte,
  cases: binaryCases(integers, integers, noDerivative),
});
/** ⌊a / 2ᵇ⌋. */
export const rightShift = binaryOp('rightShift', p.rightShift, {
  domain: shiftable,
  convert: boolAsByte,
  cases: binaryCases(integers, integers, noDerivative),
});

/** The list of `floorDivide(a, b)` and `remainder(a, b)`. */
export const divmod = defineOp<MethodOp<[a: ArrayInput, b: ArrayInput], [], Record<never, never>, [array, array]>>(
  { name: 'divmod', parameters: ['a', 'b'], cases: binaryCases(integers, integers, noDerivative) },
  (a: ArrayInput, b: ArrayInput): [array, array] => {
    const [x, y] = operands('divmod', a, b, boolAsInteger);
    return [wrap(p.floorDivide(x, y)), wrap(p.remainder(x, y))];
  },
);
