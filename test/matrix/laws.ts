/** The laws that every operation holds under every transform. Each throws with what differs. */

import * as mx from '../../lib';
import { made, onGpu, widest } from '../support/default';
import type { Judge } from './judge';
import { generator } from './random';
import { type Arrays, differentiable, type Subject } from './subject';

export interface Law {
  readonly name: string;
  /** Whether the law says something about this subject. */
  applies(subject: Subject): boolean;
  check(subject: Subject, seed: number, judge: Judge): void;
}

const lanes = 3;
type Vector = (x: mx.array[]) => mx.array[];
type Scalar = (x: mx.array[]) => mx.array;

const sum = (terms: readonly mx.array[]): mx.array => terms.reduce((a, b) => a.add(b));
const inner = (a: mx.array, b: mx.array): mx.array => mx.real(a.multiply(mx.conjugate(b))).sum();
const dot = (a: Arrays, b: Arrays): mx.array => sum(a.map((x, i) => inner(x, b[i]).astype(widest)));

function noise(shape: readonly number[], dtype: mx.Dtype, random: () => number): mx.array {
  const size = shape.reduce((a, b) => a * b, 1);
  const draw = () => mx.array(Float64Array.from({ length: size }, () => random() * 2 - 1)).reshape([...shape]);
  return dtype === mx.complex64
    ? draw()
        .astype(dtype)
        .add(draw().astype(dtype).multiply({ re: 0, im: 1 }))
    : draw().astype(dtype);
}

const noiseLike = (arrays: Arrays, seed: number): mx.array[] => {
  const random = generator(seed);
  return arrays.map((x) => made(() => noise(x.shape, x.dtype, random)));
};

/** The subject as a function of its differentiable operands alone, giving its outputs that have derivatives. */
function smooth(subject: Subject, arrays: Arrays): { f: Vector; x: mx.array[] } {
  const moving = subject.operands.map(differentiable);
  const f: Vector = (x) => {
    let next = 0;
    return subject.call(arrays.map((array, i) => (moving[i] ? x[next++] : array))).filter((out) => out.dtype.inexact);
  };
  return { f, x: arrays.filter((_, i) => moving[i]) };
}

/** A fixed weighted sum of the outputs of `f`, squared once so that it is never linear. */
function scalarOf(f: Vector, seed: number): Scalar {
  return (x) => {
    const outputs = f(x);
    const weights = noiseLike(outputs, seed);
    return sum(outputs.map((out, i) => inner(out, weights[i]).add(mx.square(mx.abs(out)).sum().multiply(0.25))));
  };
}

const gradient = (s: Scalar, x: mx.array[]): mx.array[] => mx.grad(s)(x) as mx.array[];
const shifted = (x: Arrays, v: Arrays, by: number): mx.array[] => x.map((a, i) => a.add(v[i].multiply(by)));

/** Central differences of order four along v, in the dtype of x. */
function directional(f: Vector, x: mx.array[], v: mx.array[]): mx.array[] {
  const h = x.some((a) => a.dtype === mx.complex64 || a.dtype === mx.float32) ? 2e-2 : 1e-3;
  const [a, b, c, d] = [1, -1, 2, -2].map((k) => f(shifted(x, v, k * h)));
  return a.map((_, i) =>
    a[i]
      .subtract(b[i])
      .multiply(8)
      .subtract(c[i].subtract(d[i]))
      .divide(12 * h),
  );
}

const isComplex = (subject: Subject) => subject.operands.some((operand) => operand.options.dtype === mx.complex64);
/** Whether a subject computes in float32: its tolerance is then for that, and at most a hundredfold one. */
const isSingle = (subject: Subject) => onGpu || isComplex(subject);
const factor = (subject: Subject) => (onGpu ? Math.min(subject.case.tolerance ?? 1, 100) : (subject.case.tolerance ?? 1));
const exact = (subject: Subject) => factor(subject) * (isSingle(subject) ? 2e-5 : 1e-9);
const numeric = (subject: Subject) => factor(subject) * (isSingle(subject) ? 2e-3 : 2e-6);
const hasDerivative = (subject: Subject) => subject.case.differentiable !== false && subject.operands.some(differentiable);
const canTrace = (subject: Subject) => subject.case.readsValues !== true && subject.operands.length > 0;

/** Evaluated results, or the error that is thrown instead. */
function outcome(f: () => mx.array[]): mx.array[] | Error {
  try {
    const results = f();
    mx.eval(results);
    return results;
  } catch (error) {
    return error as Error;
  }
}

/** Stacks the results of `f` on each lane. */
function stackOf(f: (lane: number) => mx.array[], axis = 0): mx.array[] {
  const results = Array.from({ length: lanes }, (_, lane) => f(lane));
  return results[0].map((_, i) =>
    mx.stack(
      results.map((list) => list[i]),
      axis,
    ),
  );
}

/** Lanes of data for every operand, with those in `shared` the same in each. */
function batch(subject: Subject, seed: number, shared: (operand: number) => boolean): mx.array[][] {
  const first = subject.data(seed);
  return Array.from({ length: lanes }, (_, lane) => {
    const data = lane === 0 ? first : subject.data(seed + lane);
    return data.map((x, i) => (shared(i) ? first[i] : x));
  });
}

type Axes = (number | null)[];

/** The arguments of a mapped call and their axes: lanes stacked at 0 or -1, shared operands bare. */
function stacked(data: Arrays[], axes: Axes): mx.array[] {
  return axes.map((axis, i) =>
    axis === null
      ? data[0][i]
      : mx.stack(
          data.map((lane) => lane[i]),
          axis,
        ),
  );
}

/** Every way of mapping that the law of vmap tries: all at 0, all at the end, and each operand alone left out or mapped. */
function* mappings(operands: number): Generator<Axes> {
  yield Array(operands).fill(0) as Axes;
  yield Array(operands).fill(-1) as Axes;
  if (operands < 2) return;
  for (let i = 0; i < operands; i++) {
    yield Array.from({ length: operands }, (_, k) => (k === i ? null : k % 2 === 0 ? 0 : -1));
    yield Array.from({ length: operands }, (_, k) => (k === i ? 0 : null));
  }
}

/** f of a list, as a function of one tree argument for vmap. */
const mapped = (f: Vector, axes: Axes, outAxis = 0) => mx.vmap(f as (x: mx.array[]) => mx.array[], [axes], outAxis) as Vector;

/** Only the operands that move are batched; the others are the same in all lanes. */
function smoothBatch(subject: Subject, seed: number): { f: Vector; data: mx.array[][]; axes: Axes } {
  const all = batch(subject, seed, (i) => !differentiable(subject.operands[i]));
  const { f } = smooth(subject, all[0]);
  const data = all.map((lane) => lane.filter((_, i) => differentiable(subject.operands[i])));
  return { f, data, axes: data[0].map(() => 0) };
}

export const laws: readonly Law[] = [
  {
    name: 'vjp against jvp',
    applies: hasDerivative,
    check(subject, seed, judge) {
      const { f, x } = smooth(subject, subject.data(seed));
      const v = noiseLike(x, seed + 1);
      const [outputs, tangents] = mx.jvp((...x: mx.array[]) => f(x), x, v) as [mx.array[], mx.array[]];
      const u = noiseLike(outputs, seed + 2);
      const [, cotangents] = mx.vjp((...x: mx.array[]) => f(x), x, u) as [mx.array[], mx.array[]];
      for (const [i, ct] of cotangents.entries()) {
        if (String(ct.shape) !== String(x[i].shape) || ct.dtype !== x[i].dtype) {
          throw new Error(
            `cotangent ${i} has shape [${ct.shape}] and dtype ${ct.dtype} where the primal has [${x[i].shape}] and ${x[i].dtype}`,
          );
        }
      }
      judge.all([dot(cotangents, v)], [dot(u, tangents)], exact(subject), '⟨vjp(u), v⟩ and ⟨u, jvp(v)⟩');
    },
  },
  {
    name: 'jvp against central differences',
    applies: hasDerivative,
    check(subject, seed, judge) {
      const { f, x } = smooth(subject, subject.data(seed));
      const v = noiseLike(x, seed + 1);
      const [, tangents] = mx.jvp((...x: mx.array[]) => f(x), x, v) as [mx.array[], mx.array[]];
      judge.all(tangents, directional(f, x, v), numeric(subject), 'jvp');
    },
  },
  {
    name: 'vmap against the stack of slices',
    applies: canTrace,
    check(subject, seed, judge) {
      for (const axes of mappings(subject.operands.length)) {
        const data = batch(subject, seed, (i) => axes[i] === null);
        const expected = stackOf((lane) => subject.call(data[lane]));
        const f: Vector = (x) => subject.call(x);
        const label = `vmap over [${axes}]`;
        judge.all(mapped(f, axes)(stacked(data, axes)), expected, exact(subject), label);
        const last = stackOf((lane) => subject.call(data[lane]), -1);
        judge.all(mapped(f, axes, -1)(stacked(data, axes)), last, exact(subject), `${label} to -1`);
      }
    },
  },
  {
    name: 'vmap∘grad',
    applies: (subject) => hasDerivative(subject) && canTrace(subject),
    check(subject, seed, judge) {
      const { f, data, axes } = smoothBatch(subject, seed);
      const s = scalarOf(f, seed);
      const actual = mapped((x) => gradient(s, x), axes)(stacked(data, axes));
      judge.all(
        actual,
        stackOf((lane) => gradient(s, data[lane])),
        exact(subject),
        'vmap(grad(f))',
      );
    },
  },
  {
    name: 'grad∘grad',
    applies: hasDerivative,
    check(subject, seed, judge) {
      const { f, x } = smooth(subject, subject.data(seed));
      const s = scalarOf(f, seed);
      const v = noiseLike(x, seed + 1);
      const twice = gradient((x) => dot(gradient(s, x), v), x);
      judge.all(
        twice,
        directional((x) => gradient(s, x), x, v),
        20 * numeric(subject),
        'grad(⟨grad(f), v⟩)',
      );
    },
  },
  {
    name: 'jvp∘grad',
    applies: hasDerivative,
    check(subject, seed, judge) {
      const { f, x } = smooth(subject, subject.data(seed));
      const s = scalarOf(f, seed);
      const v = noiseLike(x, seed + 1);
      const [, forward] = mx.jvp((...x: mx.array[]) => gradient(s, x), x, v) as [mx.array[], mx.array[]];
      const reverse = gradient((x) => dot(gradient(s, x), v), x);
      judge.all(forward, reverse, 10 * exact(subject), 'jvp(grad(f)) and grad(⟨grad(f), v⟩)');
    },
  },
  {
    name: 'grad∘vmap',
    applies: (subject) => hasDerivative(subject) && canTrace(subject),
    check(subject, seed, judge) {
      const { f, data, axes } = smoothBatch(subject, seed);
      const one = scalarOf(f, seed);
      const total: Scalar = (x) => (mapped((x) => [one(x)], axes)(x) as mx.array[])[0].sum();
      judge.all(
        gradient(total, stacked(data, axes)),
        stackOf((lane) => gradient(one, data[lane])),
        exact(subject),
        'grad(sum(vmap(f)))',
      );
    },
  },
  {
    name: 'vmap∘jvp',
    applies: (subject) => hasDerivative(subject) && canTrace(subject),
    check(subject, seed, judge) {
      const { f, data, axes } = smoothBatch(subject, seed);
      const directions = data.map((lane, i) => noiseLike(lane, seed + i));
      const tangents = (x: mx.array[], v: mx.array[]) => mx.jvp((...x: mx.array[]) => f(x), x, v)[1] as mx.array[];
      const both = mx.vmap((x: mx.array[], v: mx.array[]) => tangents(x, v), [axes, axes]) as (x: mx.array[], v: mx.array[]) => mx.array[];
      const actual = both(stacked(data, axes), stacked(directions, axes));
      judge.all(
        actual,
        stackOf((lane) => tangents(data[lane], directions[lane])),
        exact(subject),
        'vmap(jvp(f))',
      );
    },
  },
  {
    name: 'compile',
    applies: canTrace,
    check(subject, seed, judge) {
      const compiled = mx.compile((x: mx.array[]) => subject.call(x)) as Vector;
      for (const offset of [0, 7]) {
        const x = subject.data(seed + offset);
        judge.all(compiled(x), subject.call(x), exact(subject), 'compile(f)');
      }
    },
  },
  {
    name: 'compile, shapeless',
    applies: canTrace,
    check(subject, seed, judge) {
      const compiled = mx.compile((x: mx.array[]) => subject.call(x), { shapeless: true }) as Vector;
      for (const x of [subject.data(seed), subject.larger(seed), subject.data(seed + 7)]) {
        const expected = outcome(() => subject.call(x));
        const actual = outcome(() => compiled(x));
        // What does not fit together must not fit compiled.
        if (!Array.isArray(expected) || !Array.isArray(actual)) {
          if (String(actual) !== String(expected)) throw new Error(`compiled: ${actual}; by itself: ${expected}`);
        } else judge.all(actual, expected, exact(subject), 'compile(f, { shapeless: true })');
      }
    },
  },
  {
    name: 'compile∘grad',
    applies: (subject) => hasDerivative(subject) && canTrace(subject),
    check(subject, seed, judge) {
      const { f, x } = smooth(subject, subject.data(seed));
      const s = scalarOf(f, seed);
      const compiled = mx.compile((x: mx.array[]) => gradient(s, x)) as Vector;
      for (const by of [0, 0.01]) {
        const at = shifted(x, x, by);
        judge.all(compiled(at), gradient(s, at), exact(subject), 'compile(grad(f))');
      }
    },
  },
  {
    name: 'grad∘checkpoint',
    applies: hasDerivative,
    check(subject, seed, judge) {
      const { f, x } = smooth(subject, subject.data(seed));
      if (subject.case.readsValues) return;
      const s = scalarOf(f, seed);
      const saved = scalarOf(mx.checkpoint(f as (x: mx.array[]) => mx.array[]) as Vector, seed);
      judge.all(gradient(saved, x), gradient(s, x), exact(subject), 'grad(checkpoint(f))');
    },
  },
  {
    name: 'vmap∘vmap',
    applies: canTrace,
    check(subject, seed, judge) {
      const axes: Axes = subject.operands.map(() => 0);
      const grid = Array.from({ length: 2 }, (_, row) => batch(subject, seed + 10 * row, () => false));
      const rows = grid.map((row) => stacked(row, axes));
      const input = axes.map((_, i) =>
        mx.stack(
          rows.map((row) => row[i]),
          1,
        ),
      );
      const inside = mapped((x) => subject.call(x), axes);
      const actual = mapped(
        inside,
        subject.operands.map(() => 1),
      )(input);
      const expected = grid.map((row) => stackOf((lane) => subject.call(row[lane])));
      judge.all(
        actual,
        expected[0].map((_, i) =>
          mx.stack(
            expected.map((row) => row[i]),
            0,
          ),
        ),
        exact(subject),
        'vmap(vmap(f))',
      );
    },
  },
  {
    name: 'any layout',
    applies: (subject) => subject.operands.length > 0,
    check(subject, seed, judge) {
      const x = subject.data(seed);
      const strided = x.map((a) => {
        const backwards = mx.flip(a).T;
        mx.eval(backwards);
        const stored = mx.contiguous(backwards);
        mx.eval(stored);
        return mx.flip(stored.T);
      });
      judge.all(subject.call(strided), subject.call(x), exact(subject), 'on transposed and reversed operands');
    },
  },
  {
    name: 'half precision',
    applies: (subject) => hasDerivative(subject) && !isComplex(subject),
    check(subject, seed, judge) {
      for (const dtype of [mx.float16, mx.bfloat16]) {
        const half = smooth(subject, subject.data(seed, dtype));
        const full = smooth(
          subject,
          subject.data(seed, dtype).map((x) => (x.dtype === dtype ? x.astype(mx.float32) : x)),
        );
        const tolerance = (subject.case.tolerance ?? 1) * (dtype === mx.float16 ? 1e-2 : 8e-2);
        const [actual, expected] = [half.f(half.x), full.f(full.x)];
        actual.forEach((out, i) => {
          if (out.dtype !== dtype && out.dtype !== expected[i].dtype) throw new Error(`result ${i} of ${dtype} is ${out.dtype}`);
          judge.all([out], [expected[i]], tolerance, `${i} in ${dtype}`, true);
        });
        const [s, t] = [scalarOf(half.f, seed), scalarOf(full.f, seed)];
        const gradients = gradient(s, half.x);
        gradient(t, full.x).forEach((g, i) => {
          if (gradients[i].dtype !== dtype && half.x[i].dtype === dtype)
            throw new Error(`gradient ${i} of ${dtype} is ${gradients[i].dtype}`);
          judge.all([gradients[i]], [g], 4 * tolerance, `gradient ${i} in ${dtype}`, true);
        });
      }
    },
  },
];
