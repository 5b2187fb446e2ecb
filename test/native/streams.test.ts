import * as mx from 'metalgrad';

/** More elements than the caches are worth filling with, at a place and in a number that fit no vector. */
const size = 8 * 1024 * 1024 + 13;

function same(actual: mx.array, expected: (i: number) => number): void {
  const values = actual.toTypedArray() as Float32Array | Uint8Array;
  let wrong = 0;
  for (let i = 0; i < values.length; i++) if (values[i] !== expected(i)) wrong++;
  expect(wrong).toBe(0);
}

describe('results too large for the caches', () => {
  test('are whole when their operands start anywhere', () => {
    const x = mx.arange(size).astype(mx.float32);
    mx.eval(x);
    same(x.index(mx.Slice(3)).add(1), (i) => Math.fround(i + 4));
    same(x.index(mx.Slice(null, null, -1)).negative(), (i) => -Math.fround(size - 1 - i));
  });

  test('are whole when several are stored at once, of different sizes', () => {
    const x = mx.arange(4 * size, mx.int32).astype(mx.uint8);
    const y = x.add(1);
    const z = y.astype(mx.float32);
    mx.eval(y, z);
    same(y, (i) => (i + 1) & 255);
    same(z, (i) => (i + 1) & 255);
  });

  test('may replace their operand', () => {
    let x = mx.arange(size).astype(mx.float32);
    mx.eval(x);
    for (let step = 0; step < 3; step++) {
      const next = x.multiply(2);
      x.dispose?.();
      mx.eval(next);
      x = next;
    }
    same(x, (i) => Math.fround(i) * 8);
  });

  test('softmax of many rows', () => {
    const x = mx.broadcastTo(mx.arange(8).astype(mx.float32), [1024 * 1024, 8]);
    const row = mx.softmax(mx.arange(8).astype(mx.float32)).tolist() as number[];
    same(mx.softmax(x, -1), (i) => row[i % 8]);
  });
});
