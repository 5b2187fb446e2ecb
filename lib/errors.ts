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

/** An operation on a device that does not have its dtype. */
export class PlacementError extends Error {
  readonly code: ErrorCode = 'METALGRAD_DEVICE';

  constructor(private where: string) {
    super(`[${where}] float64 is not supported on the GPU: use stream: mx.cpu or astype(float32)`);
  }

  /** Says that `where` was called: what the user knows of a primitive is the function around it. */
  rename(where: string): void {
    const [former, name] = [`[${this.where}]`, `[${where}]`];
    this.message = this.message.replace(former, name);
    this.stack = this.stack?.replace(former, name) ?? '';
    this.where = where;
  }
}

/** `[2, 3]`. */
export function showShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}
