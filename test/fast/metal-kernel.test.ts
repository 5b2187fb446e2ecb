/** Kernels of the user's own. Those that run need a GPU: METALGRAD_METAL=emulator has an emulated one. */

import * as mx from '../../lib';
import { expectClose } from '../transforms/support';

type array = mx.array;

const whereGpu = mx.metal.isAvailable() ? describe : describe.skip;

const exp = mx.fast.metalKernel(
  'myexp',
  ['inp'],
  ['out'],
  `
    uint elem = thread_position_in_grid.x;
    T tmp = inp[elem];
    out[elem] = metal::exp(tmp);
  `,
);
/** A call for each element of `x`. */
const elementwise = (x: array, dtype = x.dtype) => ({
  inputs: [x],
  grid: [x.size, 1, 1] as const,
  threadgroup: [32, 1, 1] as const,
  outputShapes: [x.shape],
  outputDtypes: [dtype],
});
const myexp = (x: array): array => exp({ ...elementwise(x), template: [['T', x.dtype]] })[0];
const kernel = (source: string, options?: { header?: string; ensureRowContiguous?: boolean; atomicOutputs?: boolean }) =>
  mx.fast.metalKernel('k', ['x'], ['out'], source, options ?? {});
const values = (x: array): unknown => x.flatten().tolist();
const x = (): array => mx.arange(12).astype(mx.float32).divide(7).reshape(3, 4);

describe('bad calls are errors', () => {
  const make = mx.fast.metalKernel as unknown as (...args: unknown[]) => (call?: unknown) => array[];
  test.each<[string, unknown[], RegExp]>([
    ['a name', [3, ['x'], ['y'], ''], /^\[fast\.metalKernel\] name must be a string/],
    ['a name in Metal', ['a b', ['x'], ['y'], ''], /^\[fast\.metalKernel\] name must be a name in Metal/],
    ['input names', ['k', 'x', ['y'], ''], /^\[fast\.metalKernel\] inputNames must be a list/],
    ['an output', ['k', ['x'], [], ''], /^\[fast\.metalKernel\] a kernel needs at least 1 output/],
    ['different names', ['k', ['x'], ['x'], ''], /^\[fast\.metalKernel\] two parameters have the name x/],
    ['a source', ['k', ['x'], ['y']], /^\[fast\.metalKernel\] takes 4 to 7 arguments/],
    ['so many arrays', ['k', Array.from({ length: 30 }, (_, i) => `x${i}`), ['y'], ''], /^\[fast\.metalKernel\] a kernel takes at most 30/],
  ])('%s', (_, args, message) => {
    expect(() => make(...args)).toThrow(message);
  });

  test('the CPU does not run Metal', () => {
    expect(() => exp({ ...elementwise(x()), stream: mx.cpu })).toThrow(/^\[fast\.metalKernel\] needs a GPU/);
    expect(() => (exp as (call: unknown) => unknown)(x())).toThrow(/^\[fast\.metalKernel\] a kernel is called with/);
    expect(() => (exp as (call: unknown) => unknown)({ ...elementwise(x()), output: 1 })).toThrow(/has no option "output"/);
  });
});

whereGpu('on a GPU', () => {
  let scope: Disposable;
  beforeEach(() => {
    scope = mx.stream(mx.gpu);
  });
  afterEach(() => scope[Symbol.dispose]());

  test('elementwise', () => {
    expectClose(myexp(x()), mx.exp(x()), 1e-6);
    expectClose(myexp(x().astype(mx.float16)), mx.exp(x().astype(mx.float16)), 1e-3);
  });

  test('a value is used by what comes after, and comes from what was before', () => {
    expectClose(myexp(x().multiply(2)).log().sum(), x().multiply(2).sum(), 1e-5);
  });

  test('template arguments are types, integers and booleans', () => {
    const scaled = kernel('uint i = thread_position_in_grid.x; out[i] = U(x[i] * N) + (plus ? U(1) : U(0));');
    const call = (n: number, plus: boolean) =>
      scaled({
        ...elementwise(mx.array([1, 2, 3]), mx.int32),
        template: [
          ['U', mx.int32],
          ['N', n],
          ['plus', plus],
        ],
      })[0];
    expect(values(call(2, false))).toEqual([2, 4, 6]);
    expect(values(call(-3, true))).toEqual([-2, -5, -8]);
  });

  test('inputs are row-major, or come with their strides', () => {
    const flat = kernel('uint i = thread_position_in_grid.x; out[i] = x[i];');
    expect(values(flat(elementwise(x().T))[0])).toEqual(values(x().T));
    const strided = kernel('uint i = thread_position_in_grid.x; out[i] = x[elem_to_loc(i, x_shape, x_strides, x_ndim)];', {
      ensureRowContiguous: false,
    });
    const base = mx.arange(24).astype(mx.float32).reshape(4, 6);
    mx.eval(base);
    for (const view of [base, base.T, base.index(mx.Slice(1, 4, 2), mx.Slice(null, null, -1)), mx.broadcastTo(base.index(2), [3, 6])]) {
      expect(values(strided(elementwise(view))[0])).toEqual(values(view));
    }
    const strides = kernel('for (int i = 0; i < x_ndim; i++) out[i] = int(x_strides[i]);', { ensureRowContiguous: false });
    const one = { grid: [1, 1, 1], threadgroup: [1, 1, 1], outputShapes: [[2]], outputDtypes: [mx.int32] } as const;
    expect(values(strides({ ...one, inputs: [base.T] })[0])).toEqual([1, 6]);
  });

  test('an input without axes is a value', () => {
    const add = mx.fast.metalKernel('add', ['x', 'c'], ['out'], 'uint i = thread_position_in_grid.x; out[i] = x[i] + c;');
    expect(values(add({ ...elementwise(mx.array([1, 2])), inputs: [mx.array([1, 2]), 0.5] })[0])).toEqual([1.5, 2.5]);
  });

  test('several outputs, an initial value, and a grid that ends inside a threadgroup', () => {
    const both = mx.fast.metalKernel(
      'both',
      ['x'],
      ['a', 'b'],
      'uint2 at = thread_position_in_grid.xy; uint i = at.y * threads_per_grid.x + at.x; if (x[i] > 2) { a[i] = x[i]; b[i] = true; }',
    );
    const [a, b] = both({
      inputs: [mx.arange(6).astype(mx.float32)],
      grid: [3, 2, 1],
      threadgroup: [2, 2, 1],
      outputShapes: [[6], [2, 3]],
      outputDtypes: [mx.float32, mx.bool],
      initValue: 0,
    });
    expect(a.tolist()).toEqual([0, 0, 0, 3, 4, 5]);
    expect(b.tolist()).toEqual([
      [false, false, false],
      [true, true, true],
    ]);
  });

  test('a header, threadgroup memory and barriers', () => {
    const reversed = kernel(
      `
        threadgroup float rows[8];
        uint i = thread_position_in_threadgroup.x, first = threadgroup_position_in_grid.x * 8;
        rows[i] = twice(x[first + i]);
        threadgroup_barrier(mem_flags::mem_threadgroup);
        out[first + i] = rows[7 - i];
      `,
      { header: 'inline float twice(float value) { return 2 * value; }' },
    );
    const data = mx.arange(16).astype(mx.float32);
    const call = { ...elementwise(data), threadgroup: [8, 1, 1] as const };
    expect(values(reversed(call)[0])).toEqual([14, 12, 10, 8, 6, 4, 2, 0, 30, 28, 26, 24, 22, 20, 18, 16]);
    expect(() => reversed({ ...call, grid: [15, 1, 1] })).toThrow(/is no multiple of a threadgroup of \[8, 1, 1\]/);
  });

  test('atomic outputs', () => {
    const counts = kernel('atomic_fetch_add_explicit(&out[x[thread_position_in_grid.x]], 1, memory_order_relaxed);', {
      atomicOutputs: true,
    });
    const digits = mx.array([1, 0, 2, 1, 1, 2], mx.uint32);
    const call = { ...elementwise(digits), outputShapes: [[3]], outputDtypes: [mx.int32], initValue: 0 };
    expect(counts(call)[0].tolist()).toEqual([1, 3, 2]);
    expect(() => counts({ ...call, outputDtypes: [mx.float32] })).toThrow(/atomic outputs are int32 or uint32/);
  });

  test('vmap calls it once a lane', () => {
    expectClose(mx.vmap(myexp)(x()), mx.exp(x()), 1e-6);
    const cube = x().reshape(3, 2, 2);
    expectClose(mx.vmap(mx.vmap(myexp, 1, 1))(cube), mx.exp(cube), 1e-6);
    expect(mx.vmap(myexp)(mx.zeros([0, 3])).shape).toEqual([0, 3]);
  });

  test('compiled and checkpointed functions call it', () => {
    const compiled = mx.compile((a: array) => myexp(a.add(1)).multiply(2));
    for (const scale of [1, 2]) expectClose(compiled(x().multiply(scale)), mx.exp(x().multiply(scale).add(1)).multiply(2), 1e-6);
    const shapeless = mx.compile((a: array) => myexp(a).add(1), { shapeless: true });
    for (const shape of [[12], [2, 6]]) expectClose(shapeless(x().reshape(shape)), mx.exp(x().reshape(shape)).add(1), 1e-6);
    expectClose(mx.checkpoint(myexp)(x()), mx.exp(x()), 1e-6);
  });

  test('customFunction gives it a derivative', () => {
    const f = mx.customFunction(myexp).vjp((_x, cotangent, output) => cotangent.multiply(output));
    expectClose(mx.grad((a: array) => f(a).sum())(x()), mx.exp(x()), 1e-6);
    expectClose(mx.vmap(mx.grad((a: array) => f(a).sum()))(x()), mx.exp(x()), 1e-6);
    expect(() => mx.grad((a: array) => myexp(a).sum())(x())).toThrow(/^\[fast\.metalKernel\] has no derivative: wrap .* in customFunction/);
    expect(() => mx.jvp(myexp, [x()], [x()])).toThrow(/\.vjp or a \.jvp/);
  });

  test('integer outputs have no tangent', () => {
    const signs = kernel('uint i = thread_position_in_grid.x; out[i] = x[i] > 1 ? 1 : 0;');
    const f = (a: array): array => a.multiply(signs(elementwise(a, mx.int32))[0]).sum();
    expectClose(mx.grad(f)(x()), x().greater(1).astype(mx.float32), 0);
  });

  test('nothing runs where there is nothing to do', () => {
    expect(myexp(mx.zeros([0])).tolist()).toEqual([]);
    const none = { ...elementwise(x()), grid: [0, 1, 1] as const, template: [['T', mx.float32]] as const, initValue: 3 };
    expect(values(exp(none)[0])).toEqual(new Array(12).fill(3));
  });

  test('what does not compile is an error with the line of the source', () => {
    const broken = kernel('uint i = thread_position_in_grid.x;\nout[i] = missing;');
    const [out] = broken(elementwise(x()));
    expect(() => mx.eval(out)).toThrow(/k:2:.*missing/);
    // What follows is not disturbed.
    expectClose(myexp(x()), mx.exp(x()), 1e-6);
  });

  test('the text is shown on request', () => {
    const written: unknown[] = [];
    const write = jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => written.push(chunk) > 0);
    exp({ ...elementwise(x()), template: [['T', mx.float32]], verbose: true });
    write.mockRestore();
    expect(written.join('')).toContain('[[kernel]] void custom_kernel_myexp(');
  });

  const call = exp as unknown as (call: Record<string, unknown>) => array[];
  const good = (): Record<string, unknown> => ({ ...elementwise(x()), template: [['T', mx.float32]] });
  test.each<[string, () => Record<string, unknown>, RegExp]>([
    ['inputs', () => ({ inputs: [] }), /inputs must have 1 entry, not 0/],
    ['float64', () => ({ inputs: [mx.ones([2], mx.float64)] }), /input inp is float64/],
    ['template', () => ({ template: [['T', 1.5]] }), /template parameter T must be a dtype, a 32-bit integer or a boolean, not 1\.5/],
    ['names', () => ({ template: [['inp', 1]] }), /two parameters have the name inp/],
    ['grid', () => ({ grid: [1, 2] }), /grid must have 3 entries, not 2/],
    ['no grid', () => ({ grid: undefined }), /grid must be a list/],
    ['a grid of -1', () => ({ grid: [1, -1, 1] }), /grid\[1\] must be at least 0/],
    ['threadgroup', () => ({ threadgroup: [0, 1, 1] }), /threadgroup\[0\] must be at least 1/],
    ['threads', () => ({ grid: [9999, 9, 1], threadgroup: [1024, 2, 1] }), /\[1024, 2, 1\] has more than 1024 threads/],
    ['shapes', () => ({ outputShapes: [[2], [2]] }), /outputShapes must have 1 entry, not 2/],
    ['a shape', () => ({ outputShapes: [[-2]] }), /-2/],
    ['dtypes', () => ({ outputDtypes: ['float32'] }), /outputDtypes\[0\] must be a Dtype/],
    ['the initial value', () => ({ outputDtypes: [mx.int32], initValue: 0.5 }), /initValue 0\.5 is no int32/],
  ])('bad %s', (_, change, message) => {
    const run = (): unknown => call({ ...good(), ...change() });
    expect(run).toThrow(message);
    expect(run).toThrow(/^\[fast\.metalKernel\] /);
  });
});
