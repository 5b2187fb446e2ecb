import * as fc from 'fast-check';

import { array } from '../../lib/array';
import { bfloat16, bool, complex64, type Dtype, float16, float32, float64, int8, int32 } from '../../lib/dtype';
import * as mx from '../../lib/ops';
import { computable, onCpu } from '../support/default';
import { broadcast, indicesOf, nested, sizeOf, type Table, tableAt } from './reference';

/** Small integers, which every dtype multiplies exactly. */
function table(shape: readonly number[], seed = 1): Table {
  return { shape, data: Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 7 + seed * 5) % 11) - 5) };
}

const arrayOf = (x: Table, dtype: Dtype = float32): array => array(x.data as number[], dtype).reshape([...x.shape]);

/** NumPy's matmul in loops. */
function matmulReference(a: Table, b: Table): Table {
  const left = a.shape.length === 1 ? [1, ...a.shape] : a.shape;
  const right = b.shape.length === 1 ? [...b.shape, 1] : b.shape;
  const batch = broadcast([left.slice(0, -2), right.slice(0, -2)]);
  const [m, k] = left.slice(-2);
  const n = right[right.length - 1];
  const data = indicesOf([...batch, m, n]).map((index) => {
    const [row, column] = index.slice(-2);
    const at = index.slice(0, -2);
    let total = 0;
    for (let i = 0; i < k; i++) {
      total += tableAt({ shape: left, data: a.data }, [...at, row, i]) * tableAt({ shape: right, data: b.data }, [...at, i, column]);
    }
    return total;
  });
  const shape = [...batch, ...(a.shape.length === 1 ? [] : [m]), ...(b.shape.length === 1 ? [] : [n])];
  return { shape, data };
}

describe('matmul', () => {
  const size = fc.integer({ min: 0, max: 4 });
  const operands = fc.record({
    m: size,
    k: size,
    n: size,
    batch: fc.array(size, { maxLength: 2 }),
    a: fc.nat({ max: 15 }),
    b: fc.nat({ max: 15 }),
  });

  test('agrees with loops for every rank, broadcast batches and empty axes', () => {
    fc.assert(
      fc.property(operands, fc.boolean(), fc.boolean(), ({ m, k, n, batch, a, b }, aVector, bVector) => {
        // Each operand drops leading batch axes and repeats along some.
        const part = (bits: number): number[] => batch.slice(bits & 3).map((length, axis) => (bits & (4 << axis) ? 1 : length));
        const left = table(aVector ? [k] : [...part(a), m, k], 1);
        const right = table(bVector ? [k] : [...part(b), k, n], 2);
        const expected = matmulReference(left, right);
        const got = mx.matmul(arrayOf(left), arrayOf(right));
        expect(got.shape).toEqual(expected.shape);
        expect(got.tolist()).toEqual(nested(expected));
      }),
      { numRuns: 200 },
    );
  });

  test.each(computable([float16, bfloat16, float32, float64, int32, int8]))('multiplies %s', (dtype) => {
    const a = table([3, 4], 1);
    const b = table([4, 2], 2);
    const got = mx.matmul(arrayOf(a, dtype), arrayOf(b, dtype));
    expect(got.dtype).toBe(dtype);
    expect(got.tolist()).toEqual(nested(matmulReference(a, b)));
  });

  test('promotes dtypes; bool counts', () => {
    expect(mx.matmul(array([[1]], float16), array([[2]], int32)).dtype).toBe(float16);
    expect(onCpu(() => mx.matmul(array([[1]], float32), array([[2]], float64))).dtype).toBe(float64);
    const truth = array([[true, true]], bool);
    expect(mx.matmul(truth, truth.T).tolist()).toEqual([[2]]);
    expect(mx.matmul([[1, 2]], [[3], [4]]).tolist()).toEqual([[11]]);
  });

  test('multiplies complex numbers', () => {
    const a = array(
      [
        [
          { re: 1, im: 2 },
          { re: 0, im: -1 },
        ],
      ],
      complex64,
    );
    const b = array([[{ re: 3, im: 0 }], [{ re: 2, im: 2 }]], complex64);
    expect(mx.matmul(a, b).tolist()).toEqual([[{ re: 5, im: 4 }]]);
  });

  test('takes transposed and sliced operands as they are', () => {
    const a = table([5, 4], 3);
    const b = table([5, 3], 4);
    const transposed = { shape: [4, 5], data: indicesOf([4, 5]).map(([i, j]) => a.data[j * 4 + i]) };
    expect(mx.matmul(arrayOf(a).T, arrayOf(b)).tolist()).toEqual(nested(matmulReference(transposed, b)));
    const reversed = { shape: [5, 3], data: indicesOf([5, 3]).map(([i, j]) => b.data[(4 - i) * 3 + j]) };
    expect(mx.matmul(arrayOf(a).T, arrayOf(b).index(mx.Slice(null, null, -1))).tolist()).toEqual(
      nested(matmulReference(transposed, reversed)),
    );
  });

  test.each([
    [[2, 3], [4, 5], '[matmul] last axis of a (3) must equal second-to-last of b (4): shapes [2, 3] and [4, 5]'],
    [[3], [4], '[matmul] last axis of a (3) must equal axis of b (4): shapes [3] and [4]'],
    [[2, 1, 3], [3, 3, 1], '[matmul] batch axes do not broadcast: shapes [2, 1, 3] and [3, 3, 1]'],
    [[], [3], '[matmul] operands need at least 1 dimension: shapes [] and [3]'],
  ])('of shapes %j and %j is an error', (a, b, message) => {
    expect(() => mx.matmul(mx.zeros(a), mx.zeros(b))).toThrow(message);
  });
});

describe('addmm', () => {
  test('is alpha a @ b + beta c', () => {
    const a = array([
      [1, 2],
      [3, 4],
    ]);
    expect(
      mx
        .addmm(
          [1, 1],
          a,
          [
            [1, 0],
            [0, 1],
          ],
          2,
          10,
        )
        .tolist(),
    ).toEqual([
      [12, 14],
      [16, 18],
    ]);
    expect(mx.addmm(1, a, a).tolist()).toEqual([
      [8, 11],
      [16, 23],
    ]);
    expect(mx.addmm(1, a, a, { beta: -1 }).tolist()).toEqual([
      [6, 9],
      [14, 21],
    ]);
    expect(() => mx.addmm(mx.zeros([3, 1, 2]), a, a)).toThrow('[addmm] c does not broadcast to a @ b: shapes [3, 1, 2] and [2, 2]');
  });
});

describe('inner, outer, tensordot and vecdot', () => {
  test('inner sums over the last axes', () => {
    expect(mx.inner([1, 2, 3], [0, 1, 2]).item()).toBe(8);
    expect(
      mx
        .inner(
          [
            [1, 2],
            [3, 4],
          ],
          [[1, 1]],
        )
        .tolist(),
    ).toEqual([[3], [7]]);
    expect(mx.inner(2, [1, 2]).tolist()).toEqual([2, 4]);
    expect(() => mx.inner([1, 2], [1, 2, 3])).toThrow('[inner] last axis of a (2) must equal last axis of b (3): shapes [2] and [3]');
  });

  test('outer multiplies every pair', () => {
    expect(mx.outer([1, 2], [3, 4]).tolist()).toEqual([
      [3, 4],
      [6, 8],
    ]);
    expect(mx.outer([[1], [2]], 3).tolist()).toEqual([[3], [6]]);
  });

  test('tensordot sums over axes that a number or two lists name', () => {
    const a = array(table([2, 3, 4]).data as number[]).reshape(2, 3, 4);
    const b = array(table([4, 3, 2], 2).data as number[]).reshape(4, 3, 2);
    expect(
      mx
        .tensordot(a, b, [
          [2, 1],
          [0, 1],
        ])
        .tolist(),
    ).toEqual(mx.einsum('ijk,kjl->il', a, b).tolist());
    expect(mx.tensordot(a, b, 1).shape).toEqual([2, 3, 3, 2]);
    expect(mx.tensordot(a, a.reshape(3, 4, 2)).shape).toEqual([2, 2]);
    expect(mx.tensordot(a, b, { axes: 0 }).shape).toEqual([2, 3, 4, 4, 3, 2]);
    expect(mx.tensordot(a, b, [-1, 0]).tolist()).toEqual(mx.tensordot(a, b, 1).tolist());
    expect(() => mx.tensordot(a, b, 2)).toThrow('[tensordot] axis 1 of a (3) must equal axis 0 of b (4): shapes [2, 3, 4] and [4, 3, 2]');
    expect(() => mx.tensordot(a, b, 4)).toThrow('[tensordot] axes must be an integer from 0 to 3, not 4');
    expect(() =>
      mx.tensordot(a, b, [
        [0, 0],
        [0, 1],
      ]),
    ).toThrow('[tensordot] axes names an axis twice');
  });

  test('vecdot conjugates its first operand', () => {
    expect(
      mx
        .vecdot(
          [
            [1, 2],
            [3, 4],
          ],
          [1, 1],
        )
        .tolist(),
    ).toEqual([3, 7]);
    expect(
      mx
        .vecdot(
          [
            [1, 2],
            [3, 4],
          ],
          [[1], [1]],
          { axis: 0 },
        )
        .tolist(),
    ).toEqual([4, 6]);
    const z = array([{ re: 0, im: 1 }], complex64);
    expect(mx.vecdot(z, z).item()).toEqual({ re: 1, im: 0 });
  });
});
