/** The arguments of a program: those that the walk wrote, then offsets computed from them, then constants of the plan. */

import type { Dtype } from '../dtype';
import { encodeScalar, readInteger, writeInteger } from './collect';
import type { Terms } from './items';

interface Derived {
  readonly at: number;
  readonly terms: Terms;
}

/** Numbers the arguments while a plan is made. */
export class Arguments {
  private readonly derived: Derived[] = [];
  private readonly known = new Map<string, number>();
  private readonly constants: { readonly at: number; readonly words: readonly [number, number] }[] = [];
  private next: number;

  constructor(readonly written: number) {
    this.next = written;
  }

  get count(): number {
    return this.next;
  }

  /** The argument that holds Σ argument · coefficient; -1 for no terms. */
  offset(terms: Terms | null): number {
    if (terms === null) return -1;
    if (terms.length === 2 && terms[1] === 1) return terms[0];
    const key = terms.join();
    let at = this.known.get(key);
    if (at === undefined) {
      at = this.next++;
      this.known.set(key, at);
      this.derived.push({ at, terms });
    }
    return at;
  }

  /** An argument of the same value in every run. */
  constant(value: number, dtype: Dtype): number {
    const [low, high] = encodeScalar(value, dtype);
    const key = `${low} ${high}`;
    let at = this.known.get(key);
    if (at === undefined) {
      at = this.next++;
      this.known.set(key, at);
      this.constants.push({ at, words: [low, high] });
    }
    return at;
  }

  frame(): Frame {
    const frame = new Frame(this.count, this.written, this.derived);
    for (const { at, words } of this.constants) frame.words.set(words, 2 * at);
    return frame;
  }
}

/** The arguments of one plan's runs, filled in before each. */
export class Frame {
  readonly values: Float64Array;
  readonly words: Int32Array;

  constructor(
    count: number,
    private readonly written: number,
    private readonly derived: readonly Derived[],
  ) {
    this.values = new Float64Array(count);
    this.words = new Int32Array(this.values.buffer);
  }

  /** Takes what a walk wrote. Words are copied: a NaN among doubles need not keep the bits that are an integer. */
  fill(words: Int32Array): void {
    const end = 2 * this.written;
    if (end > 256) this.words.set(words.subarray(0, end));
    else for (let i = 0; i < end; i++) this.words[i] = words[i];
  }

  setInteger(at: number, value: number): void {
    writeInteger(this.words, 2 * at, value);
  }

  /** Computes the derived arguments once the others are there. */
  derive(): void {
    for (const { at, terms } of this.derived) writeInteger(this.words, 2 * at, this.total(0, terms));
  }

  /** offset + Σ argument · coefficient. */
  total(offset: number, terms: Terms | null): number {
    let total = offset;
    if (terms !== null) for (let i = 0; i < terms.length; i += 2) total += readInteger(this.words, 2 * terms[i]) * terms[i + 1];
    return total;
  }
}
