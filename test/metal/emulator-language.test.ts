/** The emulator's Metal Shading Language: what its functions compute, what it refuses, and what it keeps on disk. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compute, header, kernelText, shaderAddon, shaderAddonFile } from './emulator-shader';

// The emulator exists on Linux.
const onLinux = process.platform === 'linux' ? describe : describe.skip;

const floats = (...values: number[]) => new Float32Array(values);
const words = (...values: number[]) => new Uint32Array(values);
const count = (n: number) => Float32Array.from({ length: n }, (_, i) => i);

onLinux('functions of a SIMD group', () => {
  const lanes = Float32Array.from({ length: 32 }, (_, i) => i + 1);
  const ofLanes = (expression: string) => [...compute(`out[i] = ${expression};`, lanes, new Float32Array(32))];

  test.each<[string, (lane: number) => number]>([
    ['simd_sum(in[i])', () => 528],
    ['simd_max(in[i])', () => 32],
    ['simd_min(in[i])', () => 1],
    ['simd_product(in[i] > 3 ? 1.0f : in[i])', () => 6],
    ['simd_prefix_inclusive_sum(in[i])', (k) => ((k + 1) * (k + 2)) / 2],
    ['simd_prefix_exclusive_sum(in[i])', (k) => (k * (k + 1)) / 2],
    ['simd_shuffle(in[i], ushort(31 - lane))', (k) => 32 - k],
    ['simd_shuffle_xor(in[i], ushort(5))', (k) => (k ^ 5) + 1],
    ['simd_shuffle_down(in[i], ushort(4))', (k) => (k + 4 < 32 ? k + 5 : k + 1)],
    ['simd_shuffle_up(in[i], ushort(4))', (k) => (k >= 4 ? k - 3 : k + 1)],
    ['simd_shuffle_rotate_down(in[i], ushort(4))', (k) => ((k + 4) % 32) + 1],
    ['simd_broadcast(in[i], ushort(7))', () => 8],
    ['simd_broadcast_first(in[i])', () => 1],
    ['float(ulong(simd_ballot(lane < 3)))', () => 7],
    ['simd_all(in[i] > 0) ? 1.0f : 0.0f', () => 1],
    ['simd_any(in[i] > 32) ? 1.0f : 0.0f', () => 0],
    ['simd_is_first() ? 1.0f : 0.0f', (k) => (k === 0 ? 1 : 0)],
    ['float(simd_or(1u << lane))', () => 2 ** 32],
    ['float(simd_and(lane | 8u))', () => 8],
    ['float(simd_xor(lane))', () => 0],
    ['simd_sum(float2{in[i], 1.0f}).y', () => 32],
    ['float(simd_sum(half(in[i])))', () => 528],
  ])('%s', (expression, expected) => {
    expect(ofLanes(expression)).toEqual(Array.from({ length: 32 }, (_, k) => Math.fround(expected(k))));
  });

  test('lanes that are not there do not count', () => {
    expect([...compute('out[i] = simd_sum(in[i]);', floats(1, 2, 3, 4, 5), new Float32Array(5))]).toEqual([15, 15, 15, 15, 15]);
  });
});

onLinux('matrices of a SIMD group', () => {
  const input = Float32Array.from({ length: 64 }, (_, i) => ((i * 7) % 11) - 5);
  const at = (m: Float32Array, r: number, c: number) => m[r * 8 + c]!;
  const product = (left: Float32Array, right: Float32Array, transposed: boolean) =>
    Float32Array.from({ length: 64 }, (_, i) => {
      let sum = 0;
      for (let k = 0; k < 8; k++) sum += at(left, i >> 3, k) * (transposed ? at(right, i & 7, k) : at(right, k, i & 7));
      return sum;
    });
  const both = (body: string, type = 'float') =>
    compute(
      `if (sg > 0) return;\nsimdgroup_matrix<${type}, 8, 8> a, b;\nsimdgroup_matrix<float, 8, 8> c;\n${body}\nsimdgroup_store(c, out, 8);`,
      input,
      new Float32Array(64),
    );

  test('product, with and without transposition', () => {
    const multiply = 'simdgroup_load(a, in, 8);\nsimdgroup_load(b, in, 8, ulong2(0), TRANSPOSED);\nsimdgroup_multiply(c, a, b);';
    expect(both(multiply.replace('TRANSPOSED', 'false'))).toEqual(product(input, input, false));
    expect(both(multiply.replace('TRANSPOSED', 'true'))).toEqual(product(input, input, true));
  });

  test('accumulation onto a filled matrix, of halves into floats', () => {
    const halves =
      'threadgroup half tile[64];\ntile[lane * 2] = half(in[lane * 2]);\ntile[lane * 2 + 1] = half(in[lane * 2 + 1]);\nsimdgroup_barrier(mem_flags::mem_threadgroup);\n' +
      'simdgroup_load(a, tile, 8);\nsimdgroup_load(b, tile, 8);\nc = make_filled_simdgroup_matrix<float, 8, 8>(2.0f);\nsimdgroup_multiply_accumulate(c, a, b, c);';
    expect(both(halves, 'half')).toEqual(product(input, input, false).map((x) => x + 2));
  });

  test('each lane holds two neighbours of a row', () => {
    const out = compute(
      'if (sg > 0) return;\nsimdgroup_matrix<float, 8, 8> a;\nsimdgroup_load(a, in, 8);\nout[lane * 2] = a.thread_elements()[0];\nout[lane * 2 + 1] = a.thread_elements()[1];',
      count(64),
      new Float32Array(64),
    );
    for (let lane = 0; lane < 32; lane++) {
      const row = ((lane >> 2) & 4) + ((lane >> 1) & 3);
      const column = ((lane >> 2) & 2) * 2 + (lane & 1) * 2;
      expect([out[lane * 2], out[lane * 2 + 1]]).toEqual([row * 8 + column, row * 8 + column + 1]);
    }
  });
});

onLinux('numbers', () => {
  const one = (expression: string, ...input: number[]) => compute(`out[i] = ${expression};`, floats(...input), new Float32Array(1))[0];
  const oneWord = (expression: string, ...input: number[]) =>
    compute(`out[i] = ${expression};`, words(...input), new Uint32Array(1), 'uint')[0];

  test.each<[string, number, number]>([
    ['float(half(in[0]))', 1.00048828125, 1],
    ['float(half(in[0]))', 1.0014648438, 1.001953125],
    ['float(half(in[0]))', 70000, Infinity],
    ['float(half(in[0]) + half(0.0004f))', 1, 1],
    ['float(half(in[0]) * half(in[0]))', 300, Infinity],
    ['float(half(in[0] * 0.0000001f))', 1, 2 ** -24 * 2],
    ['float(bfloat(in[0]))', 1.00390625, 1],
    ['float(bfloat(in[0]))', 1.01171875, 1.015625],
    ['float(bfloat(in[0]) + bfloat(0.001f))', 1, 1],
    ['in[0] * 0x1p-100f', 2 ** -40, 0],
    ['(in[0] * 0x1p-126f) * 0x1p126f', 0.5, 0],
    ['fma(in[0], in[0], -1.0f)', 1 + 2 ** -23, 2 ** -22 + 2 ** -46],
    ['in[0] * in[0] - 1.0f', 1 + 2 ** -23, 2 ** -22],
    ['min(in[0], NAN)', 3, 3],
    ['max(NAN, in[0])', 3, 3],
    ['sign(in[0])', -3, -1],
    ['clamp(in[0], 0.0f, 1.0f)', 3, 1],
    ['select(1.0f, 2.0f, in[0] > 0)', 3, 2],
    ['rint(in[0])', 2.5, 2],
    ['round(in[0])', 2.5, 3],
    ['1.5h + in[0]', 1, 2.5],
    ['float(int(in[0]) / 2)', -7, -3],
    ['float(int(in[0]) % 4)', -7, -3],
    ['as_type<float>(as_type<uint>(in[0]) + 1u)', 1, 1 + 2 ** -23],
    ['1.0 / in[0]', 3, Math.fround(1 / 3)],
    ['dot(float2{in[0], 2.0f}, float2{3.0f, 4.0f})', 1, 11],
    ['precise::exp(in[0])', 0, 1],
    ['float4(float2(in[0], 2.0f), 3.0f, 4.0f).w', 1, 4],
    ['float(int2(float2(in[0])).y)', -2.7, -2],
  ])('%s of %p is %p', (expression, input, expected) => {
    if (expression.startsWith('1.0 /')) {
      expect(shaderAddon().compile(kernelText(`out[i] = ${expression};`)).error).toMatch(/shader:8.*double/);
      return;
    }
    expect(one(expression, input)).toBe(Math.fround(expected));
  });

  test.each<[string, number, number]>([
    ['mulhi(in[0], 0x80000000u)', 6, 3],
    ['uint(mulhi(int(in[0]), 1 << 30))', -8 >>> 0, -2 >>> 0],
    ['popcount(in[0])', 0xf0f0, 8],
    ['clz(in[0])', 1, 31],
    ['clz(in[0])', 0, 32],
    ['uint(clz(ushort(in[0])))', 1, 15],
    ['ctz(in[0])', 8, 3],
    ['rotate(in[0], 4u)', 0xf0000001, 0x1f],
    ['reverse_bits(in[0])', 1, 0x80000000],
    ['uint(abs(int(in[0])))', -5 >>> 0, 5],
    ['in[0] + 1u', 0xffffffff, 0],
    ['uint(int(in[0]) + 1)', 0x7fffffff, 0x80000000],
    ['uint(char(in[0]))', 0x80, 0xffffff80],
    ['uint(uchar4{1, 2, 3, uchar(in[0])}.wzyx.x)', 9, 9],
  ])('%s of %p is %p', (expression, input, expected) => {
    expect(oneWord(expression, input)).toBe(expected);
  });

  test('function constants are told to the kernel, and asked for', () => {
    const source = `${header}constant bool twice [[function_constant(0)]];\nconstant int more [[function_constant(1)]];\nconstant float rest [[function_constant(2)]];
kernel void k(device float* out [[buffer(0)]]) { out[0] = (twice ? 2.0f : 1.0f) + float(more) + (is_function_constant_defined(rest) ? rest : 100.0f); }\n`;
    const run = (constants: { index: number; type: string; value: number }[]) => {
      const out = new Float32Array(1);
      const { error, faults } = shaderAddon().run({ source, kernel: 'k', buffers: [out], constants });
      expect(faults).toEqual([]);
      return error || out[0];
    };
    const [twice, more, rest] = [
      { index: 0, type: 'bool', value: 1 },
      { index: 1, type: 'int', value: -5 },
      { index: 2, type: 'float', value: 0.5 },
    ];
    expect(run([twice, more, rest])).toBe(-2.5);
    expect(run([{ ...twice, value: 0 }, more])).toBe(96);
    expect(run([more])).toMatch(/function constant twice \(0\) has no value/);
    expect(run([{ ...twice, type: 'int' }, more])).toMatch(/another type/);
  });

  test('the offset of a buffer is a multiple of what its parameter points to, and of 4 for constants', () => {
    const source = `${header}
struct Three { float3 x; uchar y; };
template <typename T> [[kernel]] void k(device const T* a [[buffer(0)]], constant uchar* b [[buffer(1)]], constant Three& c [[buffer(2)]],
    device uchar* d [[buffer(3)]], const device half4* e [[buffer(4)]], constant T& f [[buffer(5)]], device const float& g [[buffer(6)]],
    device uint* h [[buffer(7)]], threadgroup float4* shared [[threadgroup(0)]], uint i [[thread_position_in_grid]]) {
  d[i] = uchar(a[i]) + b[i] + uchar(f);
}
template [[host_name("shorts")]] [[kernel]] decltype(k<short>) k<short>;
template [[host_name("longs")]] [[kernel]] decltype(k<long>) k<long>;
`;
    const alignments = (kernel: string) => {
      const buffers = [8, 4, 32, 1, 8, 8, 4, 4].map((bytes) => new Uint8Array(bytes));
      return shaderAddon().run({ source, kernel, buffers, threadgroupBytes: 16 }).alignments;
    };
    expect(alignments('shorts')).toEqual([2, 4, 16, 1, 8, 4, 4, 4]);
    expect(alignments('longs')).toEqual([8, 4, 16, 1, 8, 8, 4, 4]);
  });

  test('instances of kernel templates, and threadgroup memory that the host sizes', () => {
    const source = `${header}template <typename T, int N> [[kernel]] void fill(device T* out [[buffer(0)]], threadgroup T* room [[threadgroup(0)]],
    uint t [[thread_index_in_threadgroup]]) { threadgroup T own[N]; own[t] = T(N); room[t] = own[t]; out[t] = room[t] + own[t]; }
template [[host_name("fill_a")]] [[kernel]] decltype(fill<float, 4>) fill<float, 4>;
template [[host_name("fill_b")]] [[kernel]] decltype(fill<uint, 8>) fill<uint, 8>;
[[max_total_threads_per_threadgroup(8)]] kernel void plain(device float* out [[buffer(0)]]) { out[0] = 1; }\n`;
    expect(shaderAddon().compile(source)).toEqual({ error: '', names: ['fill_a', 'fill_b', 'plain'] });
    const run = (kernel: string, out: Float32Array | Uint32Array, bytes: number) =>
      shaderAddon().run({ source, kernel, buffers: [out], threads: [4], threadgroupBytes: bytes });
    const a = new Float32Array(4);
    expect(run('fill_a', a, 16)).toMatchObject({ faults: [], staticBytes: 16, maxThreads: 1024 });
    expect([...a]).toEqual([8, 8, 8, 8]);
    expect(run('fill_b', new Uint32Array(4), 16)).toMatchObject({ faults: [], staticBytes: 32 });
    expect(run('fill_a', a, 8).faults.join()).toMatch(/out of bounds in fill_a at shader:5: .* threadgroup memory of 8/);
    expect(run('plain', a, 0).maxThreads).toBe(8);
    expect(run('none', a, 0).error).toMatch(/no function of the name none/);
  });
});

onLinux('what Metal has no room for', () => {
  const message = (body: string, before = '') => shaderAddon().compile(kernelText(body, 'float', before)).error;

  test.each<[string, RegExp]>([
    ['const float* p = in;', /shader:8.*(address space)/],
    ['thread const float* p = in;', /shader:8.*cannot initialize/],
    ['float x = 1; float* p = &x;', /shader:8.*address space/],
    ['float x = 1; float& r = x;', /shader:8.*address space/],
    ['double x = 1;', /shader:8.*double/],
    ['out[i] = in[i] * 1.0;', /shader:8.*double/],
    ['auto f = [](float x) { return x; };', /shader:8.*lambda/],
    ['auto f = [&] { return 1; };', /shader:8.*lambda/],
    ['goto end; end: out[i] = 1;', /shader:8.*goto/],
    ['thread int* p = new int;', /shader:8.*new/],
    ['try { out[i] = 1; } catch (int) {}', /shader:8.*exceptions/],
    ['throw 1;', /shader:8.*exceptions/],
    ['std::size_t n = 0;', /shader:8.*std/],
    ['if constexpr (sizeof(float) == 4) out[i] = 1;', /shader:8.*constexpr/],
    ['long long n = 0;', /shader:8.*long long/],
    ['out[i] = exp(1);', /shader:8.*ambiguous/],
    ['out[i] = max(in[i], 1);', /shader:8/],
    ['out[i] = expm1(in[i]);', /shader:8.*expm1/],
    ['out[i] = simd_sum(bfloat(1));', /shader:8.*simd_sum/],
    ['out[i] = simd_sum(1ul);', /shader:8.*simd_sum/],
    ['out[i] = float(exp(bfloat(1)));', /shader:8.*exp/],
    ['float4 v = float4(1.0f, 2.0f, 3.0f);', /as many components/],
    ['in[i] = 1;', /shader:8.*not assignable/],
    ['static float s = 0; out[i] = s;', /shader:8/],
    ['threadgroup float x = 1;', /shader:8.*initial value/],
  ])('%s', (body, error) => {
    expect(message(body)).toMatch(error);
  });

  test.each<[string, RegExp]>([
    ['float global_value = 1;', /shader:4.*constant address space/],
    ['struct A { float x; }; struct B : A {};', /shader:4.*derived/],
    ['struct A { virtual float f() { return 1; } };', /shader:4.*virtual/],
    ['float f(int n) { return n == 0 ? 1.0f : f(n - 1); }', /shader:4.*recursion/],
    ['float g(int n); float f(int n) { return n == 0 ? 1.0f : g(n - 1); } float g(int n) { return f(n); }', /shader:4.*recursion/],
    ['float f(float* p) { return *p; }', /shader:4.*address space/],
    ['typedef float (*F)(float); ', /shader:4/],
    ['#include <vector>', /shader:4.*header/],
    [
      'inline float f(thread float& x) { return x; } kernel void l(device float* o [[buffer(0)]], uint i) { o[0] = 1; }',
      /shader:4.*attribute/,
    ],
    ['kernel void l(device float* o [[buffer(0)]], uint i [[thread_position]]) { o[0] = 1; }', /shader:4.*unknown attribute/],
    ['kernel void l(device float* o [[buffer(0)]], device float* p [[buffer(0)]]) { o[0] = 1; }', /shader:4.*two parameters/],
  ])('%s', (before, error) => {
    expect(message('out[i] = in[i];', before)).toMatch(error);
  });

  test('what Metal has room for passes', () => {
    const before = `struct Pair { float a, b; float sum() const { return a + b; } };
template <typename T> inline T twice(T x) { return x + x; }
inline float twice(half x) { return twice(float(x)); }
constant float table[3] = {1, 2, 3};
inline void exchange(thread float& a, thread float& b) { const float c = a; a = b; b = c; }
template <typename T, int N> inline T total(threadgroup const T (&x)[N]) { T s = 0; for (int k = 0; k < N; k++) s += x[k]; return s; }
inline float first(device const float* x) { return *x; }
template <int N> inline float power(float x) { return x * power<N - 1>(x); }
template <> inline float power<0>(float) { return 1.0f; }`;
    const body = `threadgroup Pair tile[64]; threadgroup float flat[2][32];
Pair p{in[i], table[i % 3]};
tile[t] = p;
Pair q = tile[t];
flat[t / 32][t % 32] = q.sum();
exchange(q.a, q.b);
out[i] = twice(q.a) + twice(half(q.b)) + first(in) + power<3>(q.a) + flat[t / 32][t % 32];`;
    expect(message(body, before)).toBe('');
  });

  test('messages name the file and line that #line names', () => {
    expect(message('out[i] = missing;', '#line 40 "some.h"')).toMatch(/some\.h:43.*missing/);
    const seen = shaderAddon().run({
      source: kernelText('out[i] = in[i + 64];', 'float', '#line 40 "some.h"'),
      kernel: 'k',
      buffers: [new Float32Array(1), new Float32Array(1)],
    });
    expect(seen.faults.join()).toMatch(/out of bounds in k at some\.h:43: /);
  });
});

onLinux('the cache of compiled shaders', () => {
  const script = (body: string) => `
    const addon = require(${JSON.stringify(shaderAddonFile)});
    const out = new Float32Array(1);
    const { error } = addon.run({ source: ${JSON.stringify(kernelText(body))}, kernel: 'k', buffers: [new Float32Array([3]), out] });
    console.log(error || out[0]);`;
  const run = (folder: string, body: string, path = process.env.PATH) =>
    spawnSync(process.execPath, ['-e', script(body)], {
      env: { ...process.env, METALGRAD_EMULATOR_CACHE: folder, PATH: path },
      encoding: 'utf8',
    });

  test('a shader is compiled once, by whichever process comes first', () => {
    const folder = mkdtempSync(join(tmpdir(), 'shaders-'));
    try {
      expect(run(folder, 'out[i] = in[i] * 2;').stdout).toBe('6\n');
      const objects = () => readdirSync(folder).filter((name) => name.endsWith('.so'));
      const before = objects();
      expect(before.length).toBe(1);
      expect(run(folder, 'out[i] = in[i] * 2;').stdout).toBe('6\n');
      expect(objects()).toEqual(before);
      expect(run(folder, 'out[i] = in[i] * 3;').stdout).toBe('9\n');
      expect(objects().length).toBe(2);
      expect(readdirSync(folder).filter((name) => name.includes('.tmp'))).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 60000);

  test('without a compiler the message says so', () => {
    const folder = mkdtempSync(join(tmpdir(), 'shaders-'));
    try {
      expect(run(folder, 'out[i] = in[i] * 2;', '/nowhere').stdout).toMatch(/cannot start clang\+\+-19: No such file/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
