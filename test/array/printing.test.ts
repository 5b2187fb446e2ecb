import { inspect } from 'node:util';

import * as mx from '../../lib';
import { formatNumber } from '../../lib/values/format';

describe('numbers print with six significant digits, as C++ streams do', () => {
  const cases: [number, string][] = [
    [2.367879441, '2.36788'],
    [1, '1'],
    [-1, '-1'],
    [0, '0'],
    [-0, '-0'],
    [1e10, '1e+10'],
    [1e-5, '1e-05'],
    [0.0001, '0.0001'],
    [0.00012345678, '0.000123457'],
    [0.000012345678, '1.23457e-05'],
    [123456, '123456'],
    [1234567, '1.23457e+06'],
    [999999.5, '1e+06'],
    [100000, '100000'],
    [1e6, '1e+06'],
    [12345.678, '12345.7'],
    [1.5e-310, '1.5e-310'],
    [1e300, '1e+300'],
    [0.1, '0.1'],
    [Number.POSITIVE_INFINITY, 'inf'],
    [Number.NEGATIVE_INFINITY, '-inf'],
    [Number.NaN, 'nan'],
    [3.24159265, '3.24159'],
    [99999.96, '100000'],
    [1000005, '1e+06'],
    [1000015, '1.00002e+06'],
    [0.5000005, '0.5'],
    [1234565, '1.23456e+06'],
    [0.99999951, '1'],
  ];
  test.each(cases)('%p prints %p', (value, text) => expect(formatNumber(value)).toBe(text));
});

describe('arrays print as MLX prints them', () => {
  test('scalars', () => {
    expect(String(mx.array(-1))).toBe('array(-1, dtype=float32)');
    expect(String(mx.array(Math.fround(0.1)))).toBe('array(0.1, dtype=float32)');
    expect(String(mx.array(true))).toBe('array(True, dtype=bool)');
    expect(String(mx.array({ re: 1, im: 2 }))).toBe('array(1+2j, dtype=complex64)');
    expect(String(mx.array({ re: -0.5, im: -2 }))).toBe('array(-0.5-2j, dtype=complex64)');
    expect(String(mx.array({ re: 0, im: Number.NaN }))).toBe('array(0+nanj, dtype=complex64)');
    expect(String(mx.array(2n ** 62n))).toBe('array(4611686018427387904, dtype=int64)');
    expect(String(mx.array(1.5, mx.float16))).toBe('array(1.5, dtype=float16)');
    expect(String(mx.array(0.1, mx.bfloat16))).toBe('array(0.100098, dtype=bfloat16)');
    expect(String(mx.array(0.1, mx.float64))).toBe('array(0.1, dtype=float64)');
  });

  test('vectors and matrices: rows on new lines, indented by 7 and one for each depth', () => {
    expect(String(mx.array([1, 2.5, -3]))).toBe('array([1, 2.5, -3], dtype=float32)');
    expect(String(mx.array([true, false]))).toBe('array([True, False], dtype=bool)');
    expect(
      String(
        mx.array(
          [
            [1, 2],
            [3, 4],
          ],
          mx.int32,
        ),
      ),
    ).toBe('array([[1, 2],\n       [3, 4]], dtype=int32)');
    expect(String(mx.arange(8).reshape(2, 2, 2))).toBe(
      'array([[[0, 1],\n        [2, 3]],\n       [[4, 5],\n        [6, 7]]], dtype=float32)',
    );
  });

  test('an axis longer than 6 shows three, ..., three', () => {
    expect(String(mx.arange(6))).toBe('array([0, 1, 2, 3, 4, 5], dtype=float32)');
    expect(String(mx.arange(7))).toBe('array([0, 1, 2, ..., 4, 5, 6], dtype=float32)');
    expect(String(mx.arange(100, mx.int32).reshape(10, 10))).toBe(
      [
        'array([[0, 1, 2, ..., 7, 8, 9],',
        '       [10, 11, 12, ..., 17, 18, 19],',
        '       [20, 21, 22, ..., 27, 28, 29],',
        '       ...,',
        '       [70, 71, 72, ..., 77, 78, 79],',
        '       [80, 81, 82, ..., 87, 88, 89],',
        '       [90, 91, 92, ..., 97, 98, 99]], dtype=int32)',
      ].join('\n'),
    );
  });

  test('empty arrays', () => {
    expect(String(mx.array([]))).toBe('array([], dtype=float32)');
    expect(String(mx.zeros([0, 3]))).toBe('array([], dtype=float32)');
    expect(String(mx.zeros([2, 0]))).toBe('array([[],\n       []], dtype=float32)');
  });

  test('transposed and strided arrays print their own order', () => {
    expect(String(mx.arange(4).reshape(2, 2).T)).toBe('array([[0, 2],\n       [1, 3]], dtype=float32)');
  });

  test('console.log, toString and template strings print the same', () => {
    const x = mx.array([1, 2]);
    const text = 'array([1, 2], dtype=float32)';
    expect(inspect(x)).toBe(text);
    expect(x.toString()).toBe(text);
    expect(`${x}`).toBe(text);
    expect(inspect({ w: x })).toBe(`{ w: ${text} }`);
  });

  test('dtypes, devices and categories print their names', () => {
    expect(inspect(mx.float32)).toBe('float32');
    expect(inspect(mx.cpu)).toBe('Device(cpu, 0)');
    expect(String(mx.defaultStream(mx.cpu))).toBe('Stream(Device(cpu, 0), 0)');
    expect(inspect(mx.floating)).toBe('floating');
  });
});
