/** Every error that users read is made here: the function in brackets, then what was wrong with which shapes. */

import type { Shape } from './graph/node';

/** Codes of errors that are neither a wrong kind nor a wrong size. */
export type ErrorCode =
  | 'METALGRAD_DISPOSED'
  | 'METALGRAD_TRACER'
  | 'METALGRAD_TRACE_ENDED'
  | 'METALGRAD_OUT_OF_MEMORY'
  | 'METALGRAD_DEVICE'
  | 'METALGRAD_ADDON'
  | 'METALGRAD_DETACHED'
  | 'METALGRAD_TRANSFORM';

/** A wrong kind of argument. */
export function typeError(where: string, message: string): TypeError {
  return new TypeError(`[${where}] ${message}`);
}

/** A wrong size, shape, axis or count. */
export function rangeError(where: string, message: string): RangeError {
  return new RangeError(`[${where}] ${message}`);
}

/** Anything else, told apart by its `code`. */
export function codedError(where: string, code: ErrorCode, message: string): Error & { code: ErrorCode } {
  return Object.assign(new Error(`[${where}] ${message}`), { code });
}

/** `[2, 3]`. */
export function showShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}
