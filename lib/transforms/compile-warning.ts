/** Warns, once, when a compiled function is traced again and again because one constant changes. */

import { describe } from '../ops/arguments';
import type { CallKey } from './compile-key';

/** More traces than this for one constant are an oversight. */
const patience = 10;

interface Seen {
  texts: string[];
  readonly changes: number[];
}

export class RetraceWarning {
  private readonly seen = new Map<string, Seen>();
  private warned = false;

  constructor(private readonly name: string) {}

  /** Counts one trace. */
  count({ structure, shapes, constants }: CallKey): void {
    if (this.warned || constants.length === 0) return;
    const key = shapes + structure;
    const texts = constants.map(({ text }) => text);
    const seen = this.seen.get(key);
    if (seen === undefined) {
      this.seen.set(key, { texts, changes: texts.map(() => 0) });
      return;
    }
    texts.forEach((text, i) => {
      if (text === seen.texts[i] || ++seen.changes[i] <= patience || this.warned) return;
      this.warned = true;
      this.seen.clear();
      const { path, value } = constants[i];
      const which = this.name === '' ? 'a function' : `the function ${this.name}`;
      process.emitWarning(
        `[compile] ${which} was traced more than ${patience} times because ${path} changed; it is now ${describe(value)}. ` +
          'Values that are no arrays are constants of a compiled function: pass it as an array to trace once.',
        'MetalgradWarning',
      );
    });
    seen.texts = texts;
  }
}
