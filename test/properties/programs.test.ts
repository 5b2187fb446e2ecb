/** Laws that hold for every program, whatever it is made of and whatever transforms stand around its parts. */

import fc from 'fast-check';
import * as mx from '../../lib';
import { type Judge, judge } from '../matrix/judge';
import { generator } from '../matrix/random';
import { made, onGpu, widest } from '../support/default';
import { columns, type Program, programs, rows, toFunction } from './programs';

// Every program of a GPU has shaders of its own to compile.
const runs = process.env.METALGRAD_MATRIX === 'full' ? 1000 : onGpu ? 12 : 60;
const check = (law: (program: Program, seed: number, judge: Judge) => void, length?: number) =>
  fc.assert(
    fc.property(programs(length), fc.nat(100000), (program, seed) => judge((judge) => law(program, seed, judge))),
    { numRuns: runs, seed: 20240607 },
  );
/** A bound for float64; a GPU's float32 keeps to that of float32. */
const within = (double: number) => (onGpu ? 2e-5 : double);

function matrices(count: number, seed: number, lead: number[] = []): mx.array[] {
  const random = generator(seed);
  const size = lead.reduce((a, b) => a * b, rows * columns);
  return Array.from({ length: count }, () =>
    made(() =>
      mx
        .array(Float64Array.from({ length: size }, () => random() * 2 - 1))
        .reshape([...lead, rows, columns])
        .astype(widest),
    ),
  );
}

const loss = (f: (...x: mx.array[]) => mx.array) => (x: mx.array[]) => {
  const y = f(...x);
  return mx.sum(y.multiply(mx.cos(y.multiply(3))));
};
const gradient = (f: (...x: mx.array[]) => mx.array, x: mx.array[]) => mx.grad(loss(f))(x);
const dot = (a: mx.array[], b: mx.array[]) => a.map((x, i) => x.multiply(b[i]).sum()).reduce((x, y) => x.add(y));

it('transforms around parts of a program keep its value', () => {
  check((program, seed, judge) => {
    const x = matrices(program.arguments, seed);
    judge.all([toFunction(program)(...x)], [toFunction(program, true)(...x)], within(1e-12), 'value');
  });
});

it('transforms around parts of a program keep its gradient', () => {
  check((program, seed, judge) => {
    const x = matrices(program.arguments, seed);
    const expected = gradient(toFunction(program, true), x);
    for (const [i, g] of gradient(toFunction(program), x).entries()) judge.all([g], [expected[i]], within(1e-10), `gradient ${i}`);
  });
});

it('reverse and forward mode agree', () => {
  check((program, seed, judge) => {
    const f = toFunction(program);
    const x = matrices(program.arguments, seed);
    const v = matrices(program.arguments, seed + 1);
    const [u] = matrices(1, seed + 2);
    const [, [tangent]] = mx.jvp(f, x, v) as [mx.array[], mx.array[]];
    const [, cotangents] = mx.vjp(f, x, [u]) as [mx.array[], mx.array[]];
    judge.all([dot(cotangents, v)], [dot([u], [tangent])], within(1e-9), '⟨vjp(u), v⟩ = ⟨u, jvp(v)⟩');
  });
});

it('forward mode is the derivative', () => {
  check((program, seed, judge) => {
    // The plain program: stopGradient is no derivative, so it is left out of this law.
    const stop = program.lines.some(({ op }) => op === 22);
    fc.pre(!stop);
    const f = toFunction(program);
    const x = matrices(program.arguments, seed);
    const v = matrices(program.arguments, seed + 1);
    const at = (h: number) => toFunction(program, true)(...x.map((a, i) => a.add(v[i].multiply(h))));
    const h = 1e-4;
    const [left, right] = [at(0).subtract(at(-h)).divide(h), at(h).subtract(at(0)).divide(h)];
    // Away from the jumps of `select`: the two sides must agree to first order, else the program is passed over. A GPU's is compared with nothing but the CPU's.
    if (!onGpu) fc.pre((mx.max(mx.abs(left.subtract(right))).item() as number) < 0.01);
    const [, [tangent]] = mx.jvp(f, x, v) as [mx.array[], mx.array[]];
    const slope = at(h)
      .subtract(at(-h))
      .divide(2 * h);
    judge.all([tangent], [slope], within(1e-5), 'jvp');
  });
});

it('vmap gives the stack of the results of each lane', () => {
  check((program, seed, judge) => {
    const f = toFunction(program);
    const x = matrices(program.arguments, seed, [3]);
    const expected = mx.stack([0, 1, 2].map((lane) => f(...x.map((a) => a.index(lane)))));
    judge.all([mx.vmap(f)(...x) as mx.array], [expected], within(1e-12), 'vmap');
  });
});

it('vmap of gradients gives the gradients of each lane, and so does the gradient of vmap', () => {
  check((program, seed, judge) => {
    const f = toFunction(program);
    const x = matrices(program.arguments, seed, [3]);
    const each = [0, 1, 2].map((lane) =>
      gradient(
        f,
        x.map((a) => a.index(lane)),
      ),
    );
    const expected = x.map((_, i) => mx.stack(each.map((g) => g[i])));
    const inside = mx.vmap((x: mx.array[]) => gradient(f, x))(x) as mx.array[];
    const outside = mx.grad((x: mx.array[]) => mx.sum(mx.vmap((x: mx.array[]) => loss(f)(x))(x) as mx.array))(x);
    expected.forEach((g, i) => {
      judge.all([inside[i]], [g], within(1e-10), `vmap(grad), ${i}`);
      judge.all([outside[i]], [g], within(1e-10), `grad(vmap), ${i}`);
    });
  });
});

it('second derivatives agree in every order of modes', () => {
  check((program, seed, judge) => {
    const f = toFunction(program);
    const x = matrices(program.arguments, seed);
    const v = matrices(program.arguments, seed + 1);
    const [, forward] = mx.jvp((...x: mx.array[]) => gradient(f, x), x, v) as [mx.array[], mx.array[]];
    const reverse = mx.grad((x: mx.array[]) => dot(gradient(f, x), v))(x);
    const mixed = mx.grad((x: mx.array[]) => (mx.jvp((...x: mx.array[]) => loss(f)(x), x, v)[1] as mx.array[])[0])(x);
    forward.forEach((h, i) => {
      judge.all([reverse[i]], [h], within(1e-8), `grad of ⟨grad, v⟩, ${i}`);
      judge.all([mixed[i]], [h], within(1e-8), `grad of jvp, ${i}`);
    });
  }, 6);
});

it('a compiled gradient is the gradient, at a second call too', () => {
  check((program, seed, judge) => {
    const f = toFunction(program);
    const compiled = mx.compile((x: mx.array[]) => gradient(f, x));
    for (const shift of [0, 50]) {
      const x = matrices(program.arguments, seed + shift);
      const expected = gradient(f, x);
      for (const [i, g] of compiled(x).entries()) judge.all([g], [expected[i]], within(1e-12), `gradient ${i}`);
    }
  });
});
