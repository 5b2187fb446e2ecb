/** Numbers by name. */

/** Positive infinity. */
export const inf = Number.POSITIVE_INFINITY;
export { inf as infty, inf as Infinity, inf as Inf, inf as PINF };
/** Negative infinity. */
export const NINF = Number.NEGATIVE_INFINITY;
/** Not a number. */
export const nan = Number.NaN;
export { nan as NaN, nan as NAN };
/** Positive zero. */
export const PZERO = 0;
/** Negative zero. */
export const NZERO = -0;
/** Euler's number. */
export const e = Math.E;
/** The ratio of a circle's circumference to its diameter. */
export const pi = Math.PI;
/** The Euler–Mascheroni constant. */
export const eulerGamma = 0.5772156649015329;
/** A new axis in an index: `null`. */
export const newaxis = null;
