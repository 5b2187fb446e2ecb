/** Comparisons of two operands of one shape and dtype; they give bool and have no derivative. */

import { anyDtype } from './domain';
import { comparison } from './elementwise';

export const equal = comparison('equal', anyDtype);
export const notEqual = comparison('notEqual', anyDtype);
export const less = comparison('less', anyDtype);
export const lessEqual = comparison('lessEqual', anyDtype);
export const greater = comparison('greater', anyDtype);
export const greaterEqual = comparison('greaterEqual', anyDtype);
