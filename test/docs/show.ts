/** How the comments of examples write values. */

import * as mx from '../../lib';

/** Arrays as they print, lists of them in brackets, anything else as JSON or by its own text. */
export function show(value: unknown): string {
  if (value instanceof mx.array) return String(value);
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return `{ ${Object.entries(value)
      .map(([key, entry]) => `${key}: ${show(entry)}`)
      .join(', ')} }`;
  }
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
