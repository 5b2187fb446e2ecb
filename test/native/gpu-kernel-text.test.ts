/** The text of fused GPU kernels depends on instructions, dtypes and the class of the layout, and on no number. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { bool, type Dtype, float16, float32, int32, int64, uint32 } from '../../lib/dtype';
import { contiguous, encode, type KernelSpec, type OperandSpec } from './encode';

const root = path.resolve(__dirname, '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'metalgrad-text-'));
const executable = path.join(folder, 'text');

beforeAll(() => {
  const sources = ['accumulators', 'constants', 'elements', 'form', 'layout', 'reductions', 'source', 'writer'].map(
    (name) => `native/gpu/kernel_${name}.cc`,
  );
  execFileSync(
    'g++',
    ['-std=c++20', '-O0', '-Inative', '-o', executable, 'test/native/gpu_kernel_text.cc', ...sources, 'native/program/decode.cc'],
    {
      cwd: root,
    },
  );
}, 120_000);

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function textsOf(step: KernelSpec, outputs = 1): string[] {
  const words = encode({ inputs: 2, outputs: Array.from({ length: outputs }, () => 0), args: 4, steps: [step] });
  const text = execFileSync(executable, { input: Buffer.from(words.buffer), encoding: 'utf8' });
  return text.split('\f').slice(0, -1);
}

const textOf = (step: KernelSpec) => textsOf(step)[0];

/** (x · w + s) as an elementwise group, or summed along the last axis. */
function group(shape: number[], x: OperandSpec, w: OperandSpec, dtype: Dtype = float32, s = 0): KernelSpec {
  return {
    kind: 'kernel',
    outer: shape,
    loads: [x, w],
    code: [
      { op: 'splat', dtype, a: s },
      { op: 'multiply', dtype, a: 0, b: 1 },
      { op: 'add', dtype, a: 3, b: 2 },
    ],
    stores: [{ value: 4, operand: contiguous(2, dtype, shape) }],
  };
}

function sum(outer: number[], reduced: number[], inner: number[], dtype: Dtype = float32): KernelSpec {
  return {
    kind: 'kernel',
    outer,
    reduced,
    inner,
    loads: [contiguous(0, dtype, [...outer, ...reduced, ...inner])],
    code: [{ op: 'square', dtype, a: 0 }],
    reductions: [{ op: 'sum', value: 1, operand: contiguous(2, dtype, [...outer, ...inner]) }],
  };
}

const plain = (shape: number[]) => group(shape, contiguous(0, float32, shape), contiguous(1, float32, shape));

test('sizes, strides, offsets and arguments are not in the text', () => {
  const texts = [
    plain([10]),
    plain([7, 130]),
    group([7, 13], { slot: 0, dtype: float32, strides: [1, 7], offset: 1234 }, { slot: 1, dtype: float32, strides: [0, 3] }),
    group(
      [5, 6, 7],
      { slot: 0, dtype: float32, strides: [-1, 977, 31], offset: 4 },
      { slot: 1, dtype: float32, strides: [0, 3, 1] },
      float32,
      3,
    ),
  ].map(textOf);
  expect(new Set(texts).size).toBe(1);
  for (const number of ['130', '1234', '977', '31']) expect(texts[0]).not.toContain(number);

  const large = [plain([8192]), plain([1_000_003]), plain([100, 5000]), plain([64, 64, 64])].map(textOf);
  expect(new Set(large).size).toBe(1);
  const rows = (n: number, m: number) => group([n, m], contiguous(0, float32, [n, m]), { slot: 1, dtype: float32, strides: [0, 1] });
  expect(textOf(rows(100, 1000))).toBe(textOf(rows(512, 4096)));
  expect(textOf(rows(100, 1001))).not.toBe(textOf(rows(100, 1000)));
});

test('reductions share texts by their form', () => {
  const one = (outer: number[], reduced: number[], inner: number[]) => textOf(sum(outer, reduced, inner));
  expect(one([100], [1000], [])).toBe(one([37], [801], []));
  expect(one([2], [100_000], [])).toBe(one([], [1_000_000], []));
  expect(one([], [1000], [1000])).toBe(one([], [900], [70]));
  expect(one([3], [5], [])).toBe(one([], [7], [2]));
  expect(textsOf(sum([], [1_000_000], []))).toHaveLength(2);
  expect(textsOf(sum([], [1_000_000], []))[1]).toBe(textsOf(sum([], [50_000], [30]))[1]);
  for (const text of textsOf(sum([], [1_000_000], []))) expect(text).not.toMatch(/1000000|1e6/);
});

test('dtypes, instructions and wiring are in the text', () => {
  const texts = [float32, float16, int32, int64, uint32].map((dtype) =>
    textOf(group([10], contiguous(0, dtype, [10]), contiguous(1, dtype, [10]), dtype)),
  );
  expect(new Set(texts).size).toBe(5);
  const other = plain([10]);
  const swapped: KernelSpec = { ...other, code: (other.code ?? []).map((c) => (c.op === 'add' ? { ...c, a: 2, b: 3 } : c)) };
  expect(textOf(swapped)).not.toBe(textOf(other));
  const compared: KernelSpec = {
    ...other,
    code: [{ op: 'less', dtype: float32, to: bool, a: 0, b: 1 }],
    stores: [{ value: 2, operand: contiguous(2, bool, [10]) }],
  };
  expect(textOf(compared)).toContain('mg::less(v0, v1)');
});

test('64-bit indices are for what needs them', () => {
  expect(textOf(plain([1000]))).toContain('typedef int index_t');
  expect(textOf(plain([3_000_000_000]))).toContain('typedef int64_t index_t');
  const far = group([2, 2], { slot: 0, dtype: float32, strides: [2 ** 32, 1] }, contiguous(1, float32, [2, 2]));
  expect(textOf(far)).toContain('typedef int64_t index_t');
});
