/** What MLX 0.32 refuses or gets wrong and this library does: a test for each row of the README's table, under the row's name. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import * as mx from '../../lib';
import { useCpu } from '../support/default';
import { expectClose } from '../transforms/support';

// Central differences need float64.
useCpu();

type array = mx.array;

let next = 1;
const draw = (shape: number[], dtype = mx.float64): array => mx.random.normal(shape, mx.float32, 0, 1, mx.random.key(next++)).astype(dtype);
const positive = (shape: number[]): array => draw(shape).abs().add(0.5);
/** Far from singular, with singular values and eigenvalues that differ. */
const regular = (n: number): array =>
  draw([n, n])
    .multiply(0.2)
    .add(mx.diag(mx.arange(1, n + 1)).astype(mx.float64));
const definite = (n: number): array => {
  const a = regular(n);
  return a.matmul(a.T);
};

/** Both modes against central differences, and forward over reverse against reverse over reverse. */
function differentiable(f: (...x: array[]) => array, ...x: array[]): void {
  mx.checkGrads(f as (x: array) => array, x as [array]);
  const argnums = x.map((_, i) => i);
  const loss = (...at: array[]): array =>
    f(...at)
      .square()
      .sum();
  const gradients = mx.grad(loss as (x: array) => array, argnums as [0]) as unknown as (...x: array[]) => array | array[];
  const listed = (...at: array[]): array[] => [gradients(...at)].flat();
  const v = x.map(({ shape }) => draw(shape));
  const [, forward] = mx.jvp((...at: array[]) => listed(...at), x, v) as unknown as [array[], array[]];
  const along = (...at: array[]): array =>
    listed(...at).reduce((total, g, i) => total.add(g.multiply(v[i]).sum()), mx.array(0, mx.float64));
  const reverse = [(mx.grad(along as (x: array) => array, argnums as [0]) as unknown as (...x: array[]) => array | array[])(...x)].flat();
  expectClose(forward, reverse, 1e-6);
}

/** `vmap` against the stack of single calls; null for an argument that all share. */
function mappable(f: (...x: array[]) => array | array[], axes: (number | null)[], ...x: array[]): void {
  const lanes = x[axes.indexOf(0)].shape[0];
  const single = Array.from({ length: lanes }, (_, i) => [f(...x.map((a, k) => (axes[k] === null ? a : a.index(i))))].flat());
  const stacked = single[0].map((_, k) => mx.stack(single.map((results) => results[k])));
  const mapped = [(mx.vmap(f, axes) as unknown as (...x: array[]) => array | array[])(...x)].flat();
  expectClose(mapped, stacked, 1e-6);
}

const rows: Record<string, () => void> = {
  'forward mode through convolutions': () => {
    differentiable((x, w) => mx.conv1d(x, w, 2, 1), draw([2, 7, 2]), draw([3, 3, 2]));
    differentiable((x, w) => mx.conv2d(x, w, 1, 1, 2, 2), draw([1, 5, 5, 4]), draw([2, 3, 3, 2]));
    differentiable((x, w) => mx.convTranspose1d(x, w, 2), draw([1, 4, 2]), draw([3, 3, 2]));
  },
  'forward mode through writes at indices: `at[]`, `indexPut_`, `diag`': () => {
    const rows = mx.array([2, 0, 2], mx.int32);
    differentiable((x, u) => x.at(rows).add(u), draw([4, 2]), draw([3, 2]));
    differentiable((x, u) => x.at(rows).maximum(u), draw([4, 2]), draw([3, 2]));
    differentiable(
      (x, u) => {
        const y = mx.array(x);
        y.indexPut_(mx.Slice(1, 3), u);
        return y;
      },
      draw([4, 2]),
      draw([2, 2]),
    );
    differentiable((x) => mx.diag(x, 1), draw([3]));
  },
  'derivatives of `at[].multiply` and `at[].divide`': () => {
    const rows = mx.array([1, 1, 0], mx.int32);
    differentiable((x, u) => x.at(rows).multiply(u), positive([3]), positive([3]));
    differentiable((x, u) => x.at(rows).divide(u), positive([3]), positive([3]));
  },
  'forward mode through `cumprod`, `cummax`, `cummin`, `logcumsumexp`': () => {
    for (const scan of [mx.cumprod, mx.cummax, mx.cummin, mx.logcumsumexp]) {
      differentiable((x) => scan(x, 0, { reverse: true }), draw([5]));
      differentiable((x) => scan(x, 1, { inclusive: scan !== mx.cumprod }), draw([2, 4]));
    }
  },
  'forward mode through `gatherMM` and quantized products': () => {
    const picked = mx.array([2, 0], mx.uint32);
    differentiable((a, b) => mx.gatherMM(a, b, null, picked), draw([1, 2, 3]), draw([3, 3, 2]));
    const [w] = mx.quantize(draw([4, 64], mx.float32), 32);
    differentiable((x, s, b) => mx.quantizedMatmul(x, w, s, b, true, 32), draw([2, 64]), positive([4, 2]), draw([4, 2]));
  },
  'gradients with respect to scales and biases of quantized weights': () => {
    const [w, scales, biases] = mx.quantize(draw([4, 64], mx.float32), 32);
    const x = draw([2, 64], mx.float32);
    const whole = (s: array, b: array): array =>
      mx
        .matmul(x, mx.dequantize(w, s, b, 32).T)
        .square()
        .sum();
    const quantized = (s: array, b: array): array => mx.quantizedMatmul(x, w, s, b, true, 32).square().sum();
    expectClose(mx.grad(quantized, [0, 1])(scales, biases), mx.grad(whole, [0, 1])(scales, biases), 1e-3);
  },
  'derivatives of every factorization and solver': () => {
    const a = regular(3);
    differentiable((a) => mx.linalg.qr(a)[0].add(mx.linalg.qr(a)[1]), a);
    differentiable((a) => {
      const [u, s, vt] = mx.linalg.svd(a) as [array, array, array];
      return u
        .multiply(s)
        .matmul(vt.multiply(mx.arange(3).add(1).astype(mx.float64)).T)
        .abs();
    }, a);
    differentiable((a) => mx.linalg.inv(a), a);
    differentiable((a) => mx.linalg.pinv(a), draw([4, 2]));
    differentiable((a) => mx.linalg.lu(a)[1].add(mx.linalg.lu(a)[2]), a);
    differentiable((a, b) => mx.linalg.solve(a, b), a, draw([3, 2]));
    differentiable((a, b) => mx.linalg.solveTriangular(mx.triu(a), b, true), a, draw([3, 2]));
    differentiable((a) => mx.linalg.triInv(mx.tril(a), false), a);
    const s = definite(3);
    const symmetric = (a: array): array => a.add(a.T).multiply(0.5);
    differentiable((a) => mx.linalg.cholesky(symmetric(a)), s);
    differentiable((a) => mx.linalg.choleskyInv(mx.linalg.cholesky(symmetric(a))), s);
    differentiable((a) => mx.linalg.eigh(symmetric(a))[0].add(mx.linalg.eigh(symmetric(a))[1].abs()), s);
    // Eigenvalues are complex64: the sum of their squares is the trace of a².
    const single = regular(3).astype(mx.float32);
    expectClose(mx.grad((a: array) => mx.real(mx.linalg.eigvals(a).square().sum()))(single), single.T.multiply(2), 1e-3);
  },
  'a zero, and no refusal, for gradients through indices': () => {
    const a = draw([5]);
    const sorted = (a: array): array => mx.takeAlongAxis(a, mx.argsort(a), 0).multiply(mx.arange(5).astype(mx.float64)).sum();
    expectClose(mx.grad(sorted)(a), mx.argsort(mx.argsort(a)).astype(mx.float64));
    expectClose(mx.grad((x: array) => x.index(mx.argmax(x)))(a), mx.equal(a, a.max()).astype(mx.float64));
  },
  'a bit cast says why it has no derivative': () => {
    const bits = (x: array): array => x.view(mx.int32).astype(mx.float32).sum();
    expect(() => mx.grad((x: array) => x.view(mx.complex64).abs().sum())(mx.ones([2]))).toThrow(/^\[view\] .*derivative/);
    expect(bits(mx.ones([1])).item()).toBe(1065353216);
  },
  'gradients of integers are errors, not wrong numbers': () => {
    expect(() => mx.grad((x: array) => x.multiply(2).sum())(mx.array([1, 2], mx.int32))).toThrow(/^\[grad\] .*int32/);
  },
  '`vmap` of `qr`, `lu`, `solve` and the rest of `linalg`': () => {
    const a = mx.stack([regular(3), regular(3)]);
    mappable((a) => mx.linalg.qr(a), [0], a);
    mappable((a) => mx.linalg.lu(a), [0], a);
    mappable((a, b) => mx.linalg.solve(a, b), [0, null], a, draw([3]));
    mappable((a, b) => mx.linalg.solve(a, b), [null, 0], regular(3), draw([2, 3, 2]));
    mappable((a) => mx.linalg.inv(a), [0], a);
    mappable((a) => mx.linalg.cholesky(a.matmul(a.T)), [0], a);
  },
  '`vmap` of `asStrided`': () => {
    mappable((x) => mx.asStrided(x, [3, 2], [1, 2], 1), [0], draw([3, 8]));
  },
  '`vmap` of masked, gathered and quantized products': () => {
    const mask = mx.array([
      [true, false],
      [true, true],
    ]);
    mappable((a, b) => mx.blockMaskedMM(a, b, 32, mask), [0, null], draw([2, 64, 64]), draw([64, 64]));
    mappable(
      (a, i) => mx.gatherMM(a, a, null, i),
      [null, 0],
      draw([3, 2, 2]),
      mx.array(
        [
          [0, 2, 1],
          [1, 1, 0],
        ],
        mx.uint32,
      ),
    );
    const [w, s, b] = mx.quantize(draw([4, 64], mx.float32), 32);
    mappable((x) => mx.quantizedMatmul(x, w, s, b, true, 32), [0], draw([3, 64], mx.float32));
  },
  '`vmap` of slices and updates with mapped start indices, of `pad` with a mapped value': () => {
    const starts = mx.array(
      [
        [0, 1],
        [2, 0],
        [1, 1],
      ],
      mx.int32,
    );
    const x = draw([4, 3]);
    mappable((i) => mx.slice(x, i, [0, 1], [2, 2]), [0], starts);
    mappable((i, u) => mx.sliceUpdate(x, u, i, [0, 1]), [0, null], starts, draw([2, 2]));
    mappable((v) => mx.pad(x, 1, v), [0], draw([3]));
  },
  '`vmap` of grouped and 3-dimensional convolutions with mapped weights': () => {
    mappable((x, w) => mx.conv2d(x, w, 1, 1, 1, 2), [null, 0], draw([1, 4, 4, 4]), draw([3, 2, 3, 3, 2]));
    mappable((x, w) => mx.conv3d(x, w), [0, 0], draw([2, 1, 3, 3, 3, 2]), draw([2, 2, 2, 2, 2, 2]));
  },
  '`vmap` of custom kernels': () => {
    // The CPU runs none.
    if (!mx.metal.isAvailable()) return;
    using _scope = mx.stream(mx.gpu);
    const kernel = mx.fast.metalKernel('scaled', ['x', 'c'], ['out'], 'uint i = thread_position_in_grid.x; out[i] = c * x[i];');
    const scaled = (x: array, c: array): array =>
      kernel({
        inputs: [x, c],
        grid: [x.size, 1, 1],
        threadgroup: [32, 1, 1],
        outputShapes: [x.shape],
        outputDtypes: [x.dtype],
      })[0];
    mappable(scaled, [0, 0], draw([3, 4], mx.float32), draw([3], mx.float32));
    mappable(scaled, [null, 0], draw([4], mx.float32), draw([3], mx.float32));
  },
  '`vmap(grad(…))` of convolutions and of checkpointed functions': () => {
    const conv = mx.grad((w: array, x: array) => mx.conv2d(x, w).square().sum());
    mappable((w, x) => conv(w, x), [0, null], draw([3, 2, 2, 2, 1]), draw([1, 4, 4, 1]));
    const saved = mx.grad((x: array) =>
      mx
        .checkpoint((x: array) => mx.sin(mx.exp(x)))(x)
        .sum(),
    );
    mappable((x) => saved(x), [0], draw([3, 4]));
  },
  'forward over reverse through all of them': () => {
    const hessian = (f: (x: array) => array, x: array): void => {
      expectClose(mx.hessian(f)(x), mx.jacrev(mx.grad(f))(x), 1e-6);
    };
    hessian(
      (x) =>
        mx
          .conv1d(x.reshape(1, 5, 1), mx.square(x.index(mx.Slice(0, 3))).reshape(1, 3, 1))
          .square()
          .sum(),
      draw([5]),
    );
    hessian((x) => mx.cumprod(x).sum().add(mx.logcumsumexp(x).sum()), draw([4]));
    hessian((x) => mx.linalg.inv(mx.diag(x).add(0.1)).square().sum(), positive([3]));
    hessian(
      (x) =>
        mx
          .zeros([3], mx.float64)
          .at(mx.array([0, 0, 2], mx.int32))
          .add(x.square())
          .square()
          .sum(),
      draw([3]),
    );
  },
  'shapeless compilation of every op': () => {
    const f = (x: array): array => mx.softmax(mx.sort(x.T, 0).reshape(-1)).add(mx.cumsum(x.flatten())).sum().add(mx.linalg.norm(x));
    const compiled = mx.compile(f, { shapeless: true });
    for (const shape of [
      [2, 3],
      [4, 1],
      [3, 5],
    ]) {
      const x = draw(shape);
      expectClose(compiled(x), f(x), 1e-9);
    }
  },
  'control flow as operations, with every transform: `scan`, `whileLoop`, `cond`': () => {
    differentiable((c, x) => mx.scan((c: array, x: array) => [c.multiply(x).sin(), null], c, x)[0], draw([2]), draw([4, 2]));
    const power = (x: array): array =>
      mx.whileLoop(
        (y: array) => y.abs().less(50),
        (y: array) => y.multiply(y),
        x,
        { maxSteps: 9 },
      );
    mappable(power, [0], mx.array([2, 3, 7], mx.float64));
    differentiable(power, mx.array(1.7, mx.float64));
    mappable((p, x) => mx.cond(p, mx.sin, mx.cos, x), [0, 0], mx.array([true, false]), draw([2]));
  },
};

describe('what MLX 0.32 refuses or gets wrong', () => {
  test.each(Object.entries(rows))('%s', (_name, check) => check());
});

test("the README's table has these rows", () => {
  const readme = readFileSync(join(__dirname, '..', '..', 'README.md'), 'utf8');
  const table = readme.slice(readme.indexOf('## Where MLX stops'), readme.indexOf('## What is there'));
  const listed = [...table.matchAll(/^\| (.+?) \|/gm)].map((match) => match[1]).filter((row) => !/^(-+|what)$/.test(row));
  expect(listed).toEqual(Object.keys(rows));
});
