/** A fused kernel gives, bit for bit, what its instructions give one kernel each; and the same on any number of threads. */

import { execFileSync } from 'node:child_process';

import { bool, type Dtype, float16, float32 } from '../../lib/dtype';
import type { ElementwiseOp } from '../../lib/schedule/opcodes';
import { contiguous, encode, type InstructionSpec, type KernelSpec, type OperandSpec, type ProgramSpec } from './encode';
import { runOnce } from './harness';
import { random } from './kernel_reference';

const unary: ElementwiseOp[] = [
  'negative',
  'abs',
  'square',
  'sqrt',
  'rsqrt',
  'reciprocal',
  'exp',
  'tanh',
  'sigmoid',
  'floor',
  'ceil',
  'round',
  'trunc',
  'log',
  'sin',
  'sign',
];
const binary: ElementwiseOp[] = ['add', 'subtract', 'multiply', 'divide', 'maximum', 'minimum', 'power'];

/** Random instructions on values 0 to `loads` - 1, mostly on the last value. */
function randomCode(next: () => number, loads: number, length: number, dtype: Dtype): InstructionSpec[] {
  const code: InstructionSpec[] = [0, 1].map((a) => ({ op: 'splat', dtype, a }));
  while (code.length < length) {
    const count = loads + code.length;
    const pick = () => (next() < 0.6 ? count - 1 : Math.floor(next() * count));
    const choice = next();
    if (choice < 0.3) code.push({ op: unary[Math.floor(next() * unary.length)], dtype, a: pick() });
    else if (choice < 0.8) code.push({ op: binary[Math.floor(next() * binary.length)], dtype, a: pick(), b: pick() });
    else if (choice < 0.97) code.push({ op: 'multiplyAdd', dtype, a: pick(), b: pick(), c: pick() });
    else {
      code.push({ op: 'less', dtype, to: bool, a: pick(), b: pick() });
      code.push({ op: 'select', dtype, a: count, b: pick() % count, c: pick() % count });
      if (code[code.length - 1].b === count || code[code.length - 1].c === count) code.length -= 2;
    }
  }
  return code;
}

/** No instruction may take a bool as a float. */
function wellTyped(code: readonly InstructionSpec[], loads: number): boolean {
  const bools = new Set(code.flatMap((c, i) => (c.to === bool ? [loads + i] : [])));
  return code.every((c) => c.op === 'splat' || [c.op === 'select' ? -1 : (c.a ?? -1), c.b ?? -1, c.c ?? -1].every((v) => !bools.has(v)));
}

/** The step's instructions as a kernel each, through temporaries of the whole shape. */
function unfused(program: ProgramSpec, step: KernelSpec, shape: readonly number[]): ProgramSpec {
  const loads = step.loads ?? [];
  const size = shape.reduce((a, b) => a * b, 1);
  const first = program.inputs + program.outputs.length;
  const bytes = Math.ceil((4 * size) / 64) * 64;
  const code = step.code ?? [];
  const dtypeOf = (v: number) => (v < loads.length ? loads[v].dtype : (code[v - loads.length].to ?? code[v - loads.length].dtype));
  const operand = (v: number): OperandSpec => (v < loads.length ? loads[v] : contiguous(first + v - loads.length, dtypeOf(v), shape));
  const steps: KernelSpec[] = code.map((instruction, i) => {
    const values = instruction.op === 'splat' ? [] : [instruction.a, instruction.b, instruction.c].filter((v) => v !== undefined);
    const renamed: InstructionSpec =
      instruction.op === 'splat'
        ? instruction
        : { ...instruction, ...Object.fromEntries(['a', 'b', 'c'].slice(0, values.length).map((k, j) => [k, j])) };
    return {
      kind: 'kernel',
      outer: shape,
      loads: values.map(operand),
      code: [renamed],
      stores: [{ value: values.length, operand: operand(loads.length + i) }],
    };
  });
  for (const { value, operand: target } of step.stores ?? []) {
    steps.push({ kind: 'kernel', outer: shape, loads: [operand(value)], stores: [{ value: 0, operand: target }] });
  }
  const temporaries = code.map((_, i) => ({ offset: i * bytes, byteLength: 4 * size }));
  return { ...program, temporaries, arenaBytes: bytes * code.length, steps };
}

for (const dtype of [float32, float16]) {
  test(`random programs of ${dtype}, fused and not`, () => {
    const next = random(dtype.code);
    for (let round = 0; round < 60; round++) {
      const shape = [[1 + Math.floor(next() * 9000)], [3, 700], [40, 33], [5]][Math.floor(next() * 4)];
      const size = shape.reduce((a, b) => a * b, 1);
      const loads = [
        contiguous(0, dtype, shape),
        contiguous(1, dtype, shape),
        { slot: 2, dtype, strides: shape.map((_, i) => (i === 0 && shape.length > 1 ? 1 : 0)) },
      ];
      const code = randomCode(next, loads.length, 3 + Math.floor(next() * 40), dtype);
      if (!wellTyped(code, loads.length)) continue;
      const isBool = (v: number) => v >= loads.length && code[v - loads.length].to === bool;
      const values = [loads.length + code.length - 1, 0, Math.floor(next() * (loads.length + code.length))].filter((v) => !isBool(v));
      const step: KernelSpec = {
        kind: 'kernel',
        outer: shape,
        loads,
        code,
        stores: values.map((value, i) => ({ value, operand: contiguous(3 + i, dtype, shape) })),
      };
      const program: ProgramSpec = { inputs: 3, outputs: values.map(() => size * dtype.size), args: 2, steps: [step] };
      const inputs = [size, size, shape[0]].map((n) => {
        const numbers = Float32Array.from({ length: n }, () => next() * 4 - 2);
        if (dtype === float32) return numbers;
        // Any finite 16 bits.
        return Uint16Array.from({ length: n }, () => (Math.floor(next() * 2 ** 15) % 0x7c00) | (next() < 0.5 ? 0x8000 : 0));
      });
      const args = [next() * 2, -next()];
      const fused = runOnce(program, inputs, args);
      const separate = runOnce(unfused(program, step, shape), inputs, args);
      fused.forEach((bytes, i) => {
        expect(nanless(bytes, dtype)).toEqual(nanless(separate[i], dtype));
      });
    }
  });
}

/** Bits, with one kind of NaN. */
function nanless(bytes: Uint8Array<ArrayBuffer>, dtype: Dtype): Uint32Array | Uint16Array {
  if (dtype === float32) return new Uint32Array(bytes.buffer).map((x) => ((x & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : x));
  return new Uint16Array(bytes.buffer).map((x) => ((x & 0x7fff) > 0x7c00 ? 0x7e00 : x));
}

/** Run in processes of their own: sums of many shapes, as hex. */
const sums = `
  const path = require('node:path');
  const addon = require('node-gyp-build')(path.resolve('.')).create();
  const programs = JSON.parse(process.argv[1]);
  const data = Float32Array.from({ length: 3_000_000 }, (_, i) => Math.sin(i) * 10 ** (i % 7));
  const owner = {};
  const input = addon.upload(new Uint8Array(data.buffer), owner);
  const digests = programs.map(({ words, bytes }) => {
    const handle = addon.load(Int32Array.from(words));
    const outputs = new Int32Array(1);
    if (addon.run(handle, Int32Array.of(input), new Float64Array(0), [{}], outputs) !== 0) throw new Error(addon.lastError());
    const result = new Uint8Array(bytes);
    addon.download(outputs[0], 0, result);
    return require('node:crypto').createHash('sha256').update(result).digest('hex');
  });
  console.log(digests.join('\\n'));
`;

test('sums do not depend on the number of threads', () => {
  const programs = [
    { outer: [], reduced: [3_000_000], inner: [] },
    { outer: [3], reduced: [1_000_000], inner: [] },
    { outer: [], reduced: [1000], inner: [3000] },
    { outer: [], reduced: [1_000_000], inner: [3] },
    { outer: [3000], reduced: [1000], inner: [] },
  ].map(({ outer, reduced, inner }) => {
    const kept = [...outer, ...inner];
    const bytes = 4 * kept.reduce((a, b) => a * b, 1);
    const step: KernelSpec = {
      kind: 'kernel',
      outer,
      reduced,
      inner,
      loads: [contiguous(0, float32, [...outer, ...reduced, ...inner])],
      reductions: [{ op: 'sum', value: 0, operand: contiguous(1, float32, kept) }],
    };
    return { words: [...encode({ inputs: 1, outputs: [bytes], steps: [step] })], bytes };
  });
  const run = (threads: number) =>
    execFileSync(process.execPath, ['-e', sums, JSON.stringify(programs)], {
      env: { ...process.env, METALGRAD_THREADS: String(threads) },
      encoding: 'utf8',
    });
  const one = run(1);
  expect(one.trim().split('\n')).toHaveLength(5);
  for (const threads of [2, 3, 8]) expect(run(threads)).toBe(one);
});
