import * as mx from '../../lib';
import { computable, onGpu } from '../support/default';

/** Results of this many bytes are written past the caches by the CPU; to a GPU they are like others. */
const large = onGpu ? 2 ** 18 : 26 * 2 ** 20;
const [few, many] = onGpu ? [70, 1001] : [700, 10_001];

test.each(
  computable<readonly [mx.Dtype, number]>([
    [mx.uint8, 7],
    [mx.int16, -300],
    [mx.float32, 1.5],
    [mx.float64, -2.25],
    [mx.complex64, 3],
  ]),
)('a large result of one %s value, from an odd place on', (dtype, value) => {
  const n = large / dtype.size + 3;
  const x = mx.full([n], value, dtype);
  expect(mx.all(mx.equal(x, value)).item()).toBe(true);
  const both = mx.concatenate([mx.zeros([1], dtype), mx.full([n], value, dtype)]);
  expect(mx.sum(mx.notEqual(both, value)).item()).toBe(1);
});

test.each([
  [few, many],
  [many, few],
  [Math.ceil(large / 20), 5],
])('the product of a column of %i and a row of %i', (rows, columns) => {
  const column = mx.arange(rows).astype(mx.float32).subtract(5).expandDims(1);
  const row = mx.arange(columns).astype(mx.float32).subtract(9).expandDims(0);
  const product = column.matmul(row);
  mx.eval(product);
  expect(mx.arrayEqual(product, column.multiply(row)).item()).toBe(true);
  const batch = mx.matmul(mx.stack([column, column.add(1)]), mx.stack([row.T, row.T.multiply(2)]).swapaxes(1, 2));
  expect(mx.arrayEqual(batch.index(1), column.add(1).multiply(row.multiply(2))).item()).toBe(true);
  const turned = row.T.matmul(column.T).T;
  expect(mx.arrayEqual(turned, product).item()).toBe(true);
});

test('a product of a column and a row is a sum that begins with zero', () => {
  const product = mx.array([[-1], [2]]).matmul(mx.array([[0, Number.NaN, Number.POSITIVE_INFINITY]]));
  const values = product.tolist() as number[][];
  expect(Object.is(values[0][0], 0)).toBe(true);
  expect(values[0].slice(1)).toEqual([Number.NaN, Number.NEGATIVE_INFINITY]);
});
