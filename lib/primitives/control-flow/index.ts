/** Control flow: scans, loops and choices, as primitives that hold functions. */

export type { CondAttrs, ControlAttrs, ScanAttrs, WhileAttrs } from './attributes';
export { type Body, traceBody } from './body';
export { choose, cond } from './cond';
export { scan } from './scan';
export { whileLoop } from './while-loop';
