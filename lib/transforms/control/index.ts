/** Control flow inside programs. */

export { cond } from './cond';
export { scan } from './scan';
export { whileLoop } from './while-loop';
