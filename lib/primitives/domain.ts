/** Which dtypes a primitive takes, as a range of dtype codes so that the check costs two comparisons. */

import type { Dtype } from '../dtype';
import { typeError } from '../errors';

export interface Domain {
  readonly low: number;
  readonly high: number;
  /** Completes "x must be …". */
  readonly text: string;
}

export const anyDtype: Domain = { low: 0, high: 13, text: 'of any dtype' };
export const numeric: Domain = { low: 1, high: 13, text: 'numeric' };
export const realNumeric: Domain = { low: 1, high: 12, text: 'integer or floating' };
export const integral: Domain = { low: 0, high: 8, text: 'integer or bool' };
export const floating: Domain = { low: 9, high: 12, text: 'floating' };
export const inexact: Domain = { low: 9, high: 13, text: 'floating or complex' };

/** Throws unless the domain has the dtype. */
export function checkDomain(where: string, domain: Domain, dtype: Dtype): void {
  if (dtype.code < domain.low || dtype.code > domain.high) {
    throw typeError(where, `the operand must be ${domain.text}, not ${dtype.name}`);
  }
}
