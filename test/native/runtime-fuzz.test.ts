/**
 * Programs that were damaged at random are refused or run within their memory: nothing else may happen. METALGRAD_FUZZ is how many programs are tried
 * in all.
 */

import { bool, float16, float32, int64, uint32 } from '../../lib/dtype';
import { addonStatus } from '../../lib/runtime/addon';
import { addon } from '../../lib/runtime/binding';
import { Storage } from '../../lib/runtime/storage';
import { stepKinds } from '../../lib/schedule/opcodes';
import { contiguous, encode, encodeArgs, type ProgramSpec } from './encode';
import { upload } from './harness';
import {
  attentions,
  bitcasts,
  convolutions,
  epilogues,
  factorizations,
  norms,
  product,
  quantizedProducts,
  routines,
  selections,
  several,
  window,
} from './programs';

/** mulberry32. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** A mean of exponentials with a comparison, through a temporary, with a moved operand. */
function kernels(): ProgramSpec {
  const shape = [4, 6];
  return {
    inputs: 2, // [30] float32, [6] float16
    outputs: [16, 24],
    temporaries: [{ offset: 64, byteLength: 96 }],
    arenaBytes: 192,
    args: 4,
    steps: [
      {
        kind: 'kernel',
        outer: shape,
        loads: [
          { slot: 0, dtype: float32, offsetArg: 3, strides: [6, 1] },
          { slot: 1, dtype: float16, strides: [0, 1] },
          { slot: -1, dtype: int64, strides: [0, 1] },
        ],
        code: [
          { op: 'cast', dtype: float16, to: float32, a: 1 },
          { op: 'multiply', dtype: float32, a: 0, b: 3 },
          { op: 'arange', dtype: float32, a: 2, b: 0, c: 1 },
          { op: 'less', dtype: float32, to: bool, a: 4, b: 5 },
          { op: 'splat', dtype: float32, a: 2 },
          { op: 'select', dtype: float32, a: 6, b: 4, c: 7 },
        ],
        stores: [
          { value: 8, operand: contiguous(4, float32, shape) },
          { value: 6, operand: { slot: 3, dtype: bool, strides: [1, 4] } },
        ],
      },
      {
        kind: 'kernel',
        outer: [4],
        reduced: [6],
        loads: [contiguous(4, float32, shape)],
        code: [{ op: 'exp', dtype: float32, a: 0 }],
        reductions: [{ op: 'sum', value: 1, operand: contiguous(2, float32, [4]) }],
      },
    ],
  };
}

/** How many elements the steps of a valid program go through: damage may ask for more than a test can wait for. */
function work(words: Int32Array): number {
  let position = 10 + 2 * words[4] + 5 * words[5];
  let total = 0;
  const sizes = (from: number, count: number) => {
    let size = 1;
    for (let i = 0; i < count; i++) size *= (words[from + 2 * i] >>> 0) + words[from + 2 * i + 1] * 2 ** 32;
    return size;
  };
  for (let step = 0; step < words[7]; step++) {
    const at = position + 2;
    switch (stepKinds[words[position]]) {
      case 'kernel':
        total += sizes(at + 3, words[at] + words[at + 1] + words[at + 2]);
        break;
      case 'matmul':
        total += sizes(at + 2, words[at + 1] + 3);
        break;
      case 'gather':
        total += sizes(at + 2, words[at]) * sizes(at + 2 + 2 * (words[at] + words[at + 1]), words[at + 1]);
        break;
      case 'scatter':
        total += sizes(at + 3, words[at + 1]) * sizes(at + 3 + 2 * (words[at + 1] + words[at + 2]), words[at + 2]);
        break;
      case 'randomBits':
        total += sizes(at + 1, words[at] + 1);
        break;
      case 'sort':
        total += sizes(at + 2, words[at + 1] + 1);
        break;
      case 'routine': {
        let array = at + 2 + 2 * words[at + 1];
        array += 1 + words[array];
        for (let list = 0; list < 2; list++) {
          const count = words[array++];
          for (let i = 0; i < count; i++) {
            total += sizes(array + 1, words[array]);
            array += 6 + 4 * words[array];
          }
        }
      }
    }
    position += words[position + 1];
  }
  return total;
}

function damage(words: Int32Array, random: (below: number) => number): Int32Array {
  let list = [...words];
  for (let count = 1 + random(3); count > 0; count--) {
    const at = random(list.length);
    switch (random(8)) {
      case 0:
        list[at] = random(2 ** 32) | 0;
        break;
      case 1:
        list[at] += random(2) * 2 - 1;
        break;
      case 2:
        list[at] ^= 1 << random(32);
        break;
      case 3:
        list[at] = list[random(list.length)];
        break;
      case 4:
        list[at] = [0, -1, 1, 2, 63, 64, 2 ** 31 - 1, -(2 ** 31)][random(8)];
        break;
      case 5:
        list[at] = random(16);
        break;
      case 6:
        list = [...list.slice(0, at), random(16), ...list.slice(at)];
        list[2] = list.length;
        break;
      default:
        if (list.length > 11) list.splice(at, 1);
        list[2] = list.length;
    }
  }
  return Int32Array.from(list);
}

const subjects: [name: string, program: ProgramSpec, inputs: ArrayBufferView<ArrayBuffer>[], args: number[] | bigint[]][] = [
  ['every step but kernels', several(), [new Float32Array(16).fill(1), new Uint32Array(2), Int32Array.of(0, 1, 9)], []],
  ['a product', product(3, 4, 5), [new Float32Array(12).fill(1), new Float32Array(20).fill(2)], []],
  [
    'a product with an epilogue',
    epilogues(),
    [new Float32Array(24).fill(1), new Float32Array(20).fill(2), new Float32Array(10).fill(0.5)],
    [],
  ],
  ['a moved operand', window(3, uint32), [new Uint32Array(8)], [2n]],
  ['routines', routines(), [new Float32Array(12).fill(1), new Float32Array(12).fill(2)], [0.5]],
  ['convolutions', convolutions(), [new Float32Array(24).fill(1), new Float32Array(12).fill(2)], []],
  ['quantized products', quantizedProducts(), [new Float32Array(64).fill(1.7), new Float32Array(4).fill(2), new Uint32Array([1, 7])], []],
  ['attention', attentions(), [new Float32Array(12).fill(1), new Float32Array(9).fill(2)], [0.5]],
  ['norms', norms(), [new Float32Array(24).fill(1), new Float32Array(8).fill(2)], [0.5, 1, 2]],
  ['selections', selections(), [Float32Array.of(3, 1, 2, Number.NaN, 0, 1, 1, 5)], []],
  ['factorizations', factorizations(), [Float32Array.of(4, 1, 1, 3), Float32Array.of(1, 2, 3, 4), new Float32Array(8).fill(1)], []],
  ['bit casts', bitcasts(), [new Float32Array(6).fill(1)], []],
  ['kernels', kernels(), [new Float32Array(30).fill(0.5), new Uint16Array(6).fill(0x3c00)], []],
];

/** Programs tried for each subject. */
const executions = Math.ceil(Number(process.env.METALGRAD_FUZZ ?? 135_000) / subjects.length);

test.each(subjects)('%s', (_name, program, data, args) => {
  const words = encode(program);
  const inputs = data.map(upload);
  const handles = Int32Array.from(inputs, (input) => input.handle);
  const values = encodeArgs(program.args === 4 ? [0, 0.25, -1, 5n] : args);
  const limit = addon().setMemoryLimit(2 ** 29);
  const random = generator(20_000);
  const seen = { refused: 0, ran: 0 };
  try {
    for (let i = 0; i < executions; i++) {
      const damaged = damage(words, random);
      const handle = addon().load(damaged);
      if (handle < 0) {
        expect(handle).toBe(addonStatus.invalidProgram);
        seen.refused++;
        continue;
      }
      if (work(damaged) < 1e6) {
        const owners = Array.from({ length: damaged[4] }, () => new Storage(0));
        const outputs = new Int32Array(damaged[4]);
        const status = addon().run(handle, handles, values, owners, outputs);
        // A factorization may find its matrix singular.
        expect([addonStatus.ok, addonStatus.outOfBounds, addonStatus.outOfMemory, addonStatus.deviceFailure]).toContain(status);
        if (status === addonStatus.ok) seen.ran++;
        for (const output of outputs) addon().release(output);
      }
      addon().unload(handle);
    }
  } finally {
    addon().setMemoryLimit(limit);
  }
  expect(seen.refused).toBeGreaterThan(executions / 3);
  expect(seen.ran).toBeGreaterThan(executions / 150);
});
