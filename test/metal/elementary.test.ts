/** Errors of the shaders' elementary functions, in units of the last place, over all exponents. */

import { type Dtype, float32 } from '../../lib/dtype';
import type { ElementwiseOp } from '../../lib/schedule/opcodes';
import { evaluate } from '../native/kernel_reference';
import { between, errorInUlps, everywhere, intervals, limits } from '../support/elementary';
import { generator } from '../support/samples';
import { callShader } from './scalars';

// Inside jest's contexts a global is slow to look up, which tells where every element takes several.
const { Math, Number } = globalThis;

const leastNormal = 2 ** -126;

function apply(op: ElementwiseOp, operands: readonly Float32Array[], dtype: Dtype = float32): Float32Array {
  const bytes = operands.map((x) => new Uint8Array(x.buffer, x.byteOffset, x.byteLength));
  return new Float32Array(callShader(op, dtype, dtype, bytes, operands[0].length).buffer);
}

/** The error; subnormal results may be 0. */
const error = (got: number, wanted: number): number => (Math.abs(wanted) < leastNormal && got === 0 ? 0 : errorInUlps(got, wanted));

const isSubnormal = (x: number): boolean => x !== 0 && Math.abs(x) < leastNormal;
/** What the operands may count as: subnormal ones also as 0. */
function readings(operands: readonly number[]): number[][] {
  return operands.reduce<number[][]>(
    (lists, x) =>
      lists.flatMap((list) =>
        isSubnormal(x)
          ? [
              [...list, x],
              [...list, Math.sign(x) * 0],
            ]
          : [[...list, x]],
      ),
    [[]],
  );
}

/** The cases beyond `limit`, at most ten. */
function failures(op: ElementwiseOp, operands: readonly Float32Array[], limit: number, slack = 0): string[] {
  const got = apply(op, operands);
  const bad: string[] = [];
  for (let i = 0; i < got.length && bad.length < 10; i++) {
    const args = operands.map((x) => x[i]);
    const wanted = evaluate(op, float32, float32, args) as number;
    let least = error(got[i], wanted);
    if (least > limit && args.some(isSubnormal)) {
      least = Math.min(...readings(args).map((list) => error(got[i], evaluate(op, float32, float32, list) as number)));
    }
    if (!(least <= limit + 0.01 || Math.abs(got[i] - wanted) <= slack)) bad.push(`${op}(${args}) = ${got[i]}, not ${wanted}: ${least} ulp`);
  }
  return bad;
}

// The emulator, and with it the driver's metal_stdlib, exists on Linux.
const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('float32 in shaders', () => {
  for (const [op, limit] of Object.entries(limits) as [ElementwiseOp, number][]) {
    test(`${op} within ${limit} ulp`, () => {
      const samples = [everywhere(20, 1), ...intervals.map(([a, b]) => between(a, b, 1500))];
      const all = Float32Array.from(samples.flatMap((x) => [...x]));
      expect(failures(op, [all], limit)).toEqual([]);
    });
  }

  /** Every special number with every other, then `count` pairs. */
  function pairs(count: number, draw: (next: () => number) => [number, number]): Float32Array[] {
    const specials = [0, -0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 2.5, -2.5, 1e-30, 3e38, -3e38, 16777217, Infinity, -Infinity, Number.NaN];
    const next = generator(7);
    const list = specials.flatMap((a) => specials.map((b) => [a, b]));
    for (let i = 0; i < count; i++) list.push(draw(next));
    return [0, 1].map((k) => Float32Array.from(list, (pair) => pair[k]));
  }
  const signed = (next: () => number): number => 2 * next() - 1;
  const ofAnyExponent = (next: () => number, most: number): number => signed(next) * 2 ** (most * signed(next));

  test('power within 4 ulp', () => {
    const operands = pairs(20000, (next) => {
      const base = next() < 0.5 ? 2 ** (126 * signed(next)) : 0.5 + next();
      const exponent = next() < 0.2 ? Math.round(20 * signed(next)) : (signed(next) * 100) / Math.abs(Math.log(base));
      return [next() < 0.2 ? -base : base, exponent];
    });
    expect(failures('power', operands, 4)).toEqual([]);
  });

  test('arctan2 within 2 ulp', () => {
    const operands = pairs(20000, (next) => [ofAnyExponent(next, 60), ofAnyExponent(next, 60)]);
    expect(failures('arctan2', operands, 2)).toEqual([]);
  });

  // Where the terms cancel, what is left of them has an error of 2^-38.
  test('logaddexp within 2 ulp', () => {
    const operands = pairs(20000, (next) => {
      const a = next() < 0.3 ? ofAnyExponent(next, 100) : signed(next) * 3;
      return [a, next() < 0.3 ? ofAnyExponent(next, 100) : a + 40 * signed(next)];
    });
    expect(failures('logaddexp', operands, 2, 2 ** -38)).toEqual([]);
  });

  test('circular functions of numbers beside multiples of π/2, up to the largest', () => {
    const near: number[] = [];
    for (let k = 1; k < 4000; k++) near.push(Math.fround((k * Math.PI) / 2), Math.fround(k * 25735.9270128));
    // Of all float32 numbers, 16367173 · 2^72 is nearest to a multiple of π/2.
    for (let e = 0; e < 104; e++) near.push(16367173 * 2 ** e, 11295079 * 2 ** e);
    const x = Float32Array.from(near);
    for (const op of ['sin', 'cos'] as const) expect(failures(op, [x], 2)).toEqual([]);
    expect(failures('tan', [x], 4)).toEqual([]);
  });
});
