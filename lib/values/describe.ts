/** What error messages call values, whatever they are: reading them must not fail. */

/** `3`, `"text"`, `an array`, `a list of 2`, `float32`, `an object with the keys {a, b}`, `a Map`. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'symbol') return 'a symbol';
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return `an object with the keys {${Object.keys(value).join(', ')}}`;
  const name: unknown = (value.constructor as { name?: unknown } | undefined)?.name;
  if (name === 'Dtype') return String(value);
  if (typeof name !== 'string' || name === '') return 'an object';
  return `${/^[aeio]/i.test(name) ? 'an' : 'a'} ${name}`;
}
