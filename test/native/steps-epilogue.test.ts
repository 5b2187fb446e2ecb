/** Products with an epilogue against the same in plain JavaScript, on all dtypes and layouts. Sums are exact, so results are compared exactly. */

import { bool, type Dtype, dtypes, float32, float64, int32, int64 } from '../../lib/dtype';
import { contiguous, type OperandSpec, type ProgramSpec, productSlot, rowMajor } from './encode';
import { load, runOnce } from './harness';
import { plus, times, zero } from './steps-arithmetic';
import { convert, equal, positions, Random, Strided, small, type Value } from './steps-arrays';

interface Sizes {
  batch: number[];
  m: number;
  n: number;
  k: number;
}

/** `direct`: results and what is added are contiguous, as the scheduler writes them most of the time. */
function checkEpilogue(random: Random, dtype: Dtype, { batch, m, n, k }: Sizes, direct: boolean, sample = 1): void {
  const shape = [...batch, m, n];
  const whole = (of: Dtype, writable: boolean): Strided =>
    direct
      ? new Strided(of, shape, 0, rowMajor(shape), shape.includes(0) ? 0 : shape.reduce((a, b) => a * b, 1))
      : Strided.random(random, of, shape, writable);
  const a = Strided.random(random, dtype, [...batch, m, k]).fill(() => small(random, dtype));
  const b = Strided.random(random, dtype, [...batch, k, n]).fill(() => small(random, dtype));
  const bias = new Strided(
    dtype,
    shape,
    1,
    shape.map((_, axis) => (axis === shape.length - 1 ? 1 : 0)),
    n + 1,
  ).fill(() => small(random, dtype));
  const other = whole(dtype, false).fill(() => small(random, dtype));
  const outs = [whole(dtype, true), whole(dtype, true), whole(bool, true), whole(int32, true)];
  const product: OperandSpec = { slot: productSlot, dtype, strides: shape.map(() => 0) };
  const position: OperandSpec = { slot: -1, dtype: int64, offset: 3, strides: rowMajor(shape) };
  const results = runOnce(
    {
      inputs: 4,
      outputs: outs.map((out) => out.bytes.length),
      args: 2,
      steps: [
        {
          kind: 'matmul',
          dtype,
          batch,
          m,
          n,
          k,
          a: a.spec(0),
          b: b.spec(1),
          out: {
            loads: [bias.spec(2), other.spec(3), product, position],
            code: [
              { op: 'add', dtype, a: 2, b: 0 },
              { op: 'add', dtype, a: 4, b: 1 },
              { op: 'equal', dtype, to: bool, a: 5, b: 1 },
              { op: 'arange', dtype: int32, a: 3, b: 0, c: 1 },
            ],
            stores: [5, 2, 6, 7].map((value, i) => ({ value, operand: outs[i].spec(4 + i) })),
          },
        },
      ],
    },
    [a.bytes, b.bytes, bias.bytes, other.bytes],
    [-7n, 2n],
  ).map((bytes, i) => outs[i].over(bytes));
  let linear = -1;
  for (const index of positions(shape)) {
    linear++;
    if (sample > 1 && !random.chance(sample)) continue;
    const [row, column] = index.slice(-2);
    const outer = index.slice(0, -2);
    let sum = zero(dtype);
    for (let i = 0; i < k; i++) sum = plus(dtype, sum, times(dtype, a.get([...outer, row, i]), b.get([...outer, i, column])));
    const number = convert(dtype, sum);
    const total = convert(dtype, plus(dtype, convert(dtype, plus(dtype, number, bias.get(index))), other.get(index)));
    const expected: Value[] = [total, number, equal(total, other.get(index)) ? 1n : 0n, BigInt(-7 + 2 * (linear + 3))];
    const found = results.map((result) => result.get(index));
    if (!expected.every((value, i) => equal(found[i], value))) expect({ index, found }).toEqual({ index, found: expected });
  }
}

describe.each(dtypes)('%s', (dtype) => {
  test.each([true, false])('small products, contiguous: %s', (direct) => {
    const random = new Random(dtype.code + 1);
    const size = () => (random.chance(15) ? 0 : random.chance(3) ? 1 : random.int(2, 9));
    for (let i = 0; i < 12; i++) {
      const batch = Array.from({ length: random.int(0, 3) }, () => random.int(1, 3));
      checkEpilogue(random, dtype, { batch, m: size(), n: size(), k: size() }, direct);
    }
  });

  test.each([true, false])('products that several threads share, contiguous: %s', (direct) => {
    const random = new Random(dtype.code + 100);
    const sizes: Sizes[] = [
      { batch: [], m: 130, n: 150, k: 70 },
      { batch: [40], m: 20, n: 25, k: 30 },
      { batch: [3], m: 1, n: 700, k: 500 },
      { batch: [], m: 700, n: 1, k: 500 },
      { batch: [], m: 3, n: 530, k: 520 },
    ];
    for (const size of sizes) checkEpilogue(random, dtype, size, direct, 50);
  });
});

test.each([float32, float64])('long sums of %s that give few numbers', (dtype) => {
  const random = new Random(5);
  checkEpilogue(random, dtype, { batch: [], m: 2, n: 3, k: 70_001 }, true);
  checkEpilogue(random, dtype, { batch: [], m: 2, n: 3, k: 70_001 }, false);
});

test('more rows and columns than are computed at once', () => {
  const random = new Random(6);
  checkEpilogue(random, float32, { batch: [], m: 1100, n: 700, k: 40 }, true, 4000);
});

/** [2, 3] · [3, 2] with a bias into its own memory. */
const valid: ProgramSpec = {
  inputs: 3,
  outputs: [16],
  args: 1,
  steps: [
    {
      kind: 'matmul',
      dtype: float32,
      m: 2,
      n: 2,
      k: 3,
      a: contiguous(0, float32, [2, 3]),
      b: contiguous(1, float32, [3, 2]),
      out: {
        loads: [
          { slot: productSlot, dtype: float32, strides: [0, 0] },
          { slot: 2, dtype: float32, strides: [0, 1] },
        ],
        code: [{ op: 'add', dtype: float32, a: 0, b: 1 }],
        stores: [{ value: 2, operand: contiguous(3, float32, [2, 2]) }],
      },
    },
  ],
};

type Epilogue = { loads: OperandSpec[]; stores: { value: number; operand: OperandSpec }[] };

test.each<[string, (epilogue: Epilogue) => void]>([
  ['an epilogue reads its product once', ({ loads }) => loads.push(loads[0])],
  ['an epilogue reads its product once', ({ loads }) => loads.splice(0, 1, loads[1])],
  ['an epilogue reads its product in another dtype', ({ loads }) => loads.splice(0, 1, { ...loads[0], dtype: int32 })],
  ['a store names no value', ({ stores }) => stores.splice(0, 1, { ...stores[0], value: 9 })],
  [
    'a store has another dtype than its value',
    ({ stores }) => stores.splice(0, 1, { ...stores[0], operand: contiguous(3, int32, [2, 2]) }),
  ],
  ['an operand ends after its slot', ({ stores }) => stores.splice(0, 1, { ...stores[0], operand: contiguous(3, float32, [2, 3]) })],
  ['an input is written', ({ stores }) => stores.splice(0, 1, { ...stores[0], operand: contiguous(2, float32, [2, 2]) })],
  ['a slot is read before it is written', ({ loads }) => loads.splice(1, 1, contiguous(3, float32, [2, 2]))],
  ['an epilogue writes nothing', ({ stores }) => stores.splice(0, 1)],
])('refused: %s', (message, damage) => {
  const program = structuredClone(valid);
  damage((program.steps[0] as unknown as { out: Epilogue }).out);
  expect(() => load(program)).toThrow(message);
});
