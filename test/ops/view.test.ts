import * as mx from '../../lib';

describe('view', () => {
  const bytes = Uint8Array.from({ length: 48 }, (_, i) => (i * 37 + 11) % 251);

  test.each([
    [mx.int8, Int8Array],
    [mx.uint16, Uint16Array],
    [mx.int32, Int32Array],
    [mx.uint32, Uint32Array],
    [mx.float32, Float32Array],
    [mx.float64, Float64Array],
    [mx.uint64, BigUint64Array],
  ])('reads bytes as %s as a TypedArray does', (dtype, Typed) => {
    const out = mx.array(bytes).reshape(2, 24).view(dtype);
    expect(out.shape).toEqual([2, 24 / dtype.size]);
    expect(out.dtype).toBe(dtype);
    expect([...out.toTypedArray()]).toEqual([...new Typed(bytes.buffer)]);
    expect([...out.view(mx.uint8).toTypedArray()]).toEqual([...bytes]);
  });

  test('reads what a strided array holds in its own order', () => {
    const x = mx.array(bytes).reshape(6, 8).T;
    const expected = Uint8Array.from((x.tolist() as number[][]).flat());
    expect([...x.view(mx.uint16).toTypedArray()]).toEqual([...new Uint16Array(expected.buffer)]);
  });

  test('gives the same array in its own dtype, and truth to bytes that are not 0', () => {
    expect(mx.array([1, 2]).view(mx.float32).tolist()).toEqual([1, 2]);
    expect(mx.view(mx.array(Uint8Array.of(0, 7, 1)), mx.bool).tolist()).toEqual([false, true, true]);
    expect(mx.array(1).view(mx.int32).item()).toBe(0x3f800000);
    expect(mx.array(1, mx.float16).view(mx.uint16).item()).toBe(0x3c00);
  });

  test('needs a whole number of elements', () => {
    const message = '[view] the last axis of shape [3] in uint8 holds no whole number of float32';
    expect(() => mx.array(Uint8Array.of(1, 2, 3)).view(mx.float32)).toThrow(message);
    expect(() => mx.array(1).view(mx.uint8)).toThrow('[view] the last axis of shape [] in float32 holds no whole number of uint8');
    expect(() => mx.view([1], 'int8' as never)).toThrow('[view] dtype must be a Dtype, not "int8"');
  });

  test('has no derivative, and says why; integers have none to begin with', () => {
    const halves = (x: mx.array) => x.view(mx.float16).astype(mx.float32).sum();
    expect(() => mx.grad(halves)(mx.ones([2]))).toThrow(
      '[view] reading the bits of float32 as float16 has no derivative: use astype to convert, or stopGradient where none is wanted',
    );
    expect(
      mx
        .grad((x: mx.array) => halves(mx.stopGradient(x)).add(x.sum()))(mx.ones([2]))
        .tolist(),
    ).toEqual([1, 1]);
    expect(
      mx
        .grad((x: mx.array) => x.view(mx.int32).astype(mx.float32).sum().add(x.sum()))(mx.ones([2]))
        .tolist(),
    ).toEqual([1, 1]);
  });
});
