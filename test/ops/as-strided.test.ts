import fc from 'fast-check';
import * as mx from '../../lib';

describe('asStrided', () => {
  test('reads the flattened array at offset + Σ index · stride', () => {
    const axes = fc.array(fc.record({ size: fc.integer({ min: 0, max: 4 }), stride: fc.integer({ min: -3, max: 3 }) }), { maxLength: 3 });
    fc.assert(
      fc.property(axes, fc.integer({ min: 0, max: 19 }), (list, offset) => {
        let positions = [offset];
        for (const { size, stride } of list) {
          positions = positions.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * stride));
        }
        fc.pre(positions.every((at) => at >= 0 && at < 20));
        const x = mx
          .arange(40)
          .reshape(4, 10)
          .index(mx.Slice(), mx.Slice(null, null, 2));
        const flat = x.flatten().tolist() as number[];
        const [shape, strides] = [list.map(({ size }) => size), list.map(({ stride }) => stride)];
        const out = mx.asStrided(x, shape, strides, offset);
        expect(out.shape).toEqual(shape);
        expect(out.flatten().tolist()).toEqual(positions.map((at) => flat[at]));
      }),
      { numRuns: 200 },
    );
  });

  test('adds the gradients of elements that occur several times', () => {
    const windows = (x: mx.array) => mx.asStrided(x, [3, 2], [1, 1]).sum();
    expect(
      mx
        .grad(windows)(mx.ones([4]))
        .tolist(),
    ).toEqual([1, 2, 2, 1]);
  });

  test('never reads outside', () => {
    expect(() => mx.asStrided([1, 2, 3], [2, 2], [2, 1])).toThrow('[asStrided] elements 0 to 3 do not lie in an array of 3 elements');
    expect(() => mx.asStrided([1, 2, 3], [2], [-1])).toThrow('[asStrided] elements -1 to 0 do not lie in an array of 3 elements');
    expect(() => mx.asStrided([1, 2, 3], [2], [1, 1])).toThrow('[asStrided] shape [2] needs 1 strides, not 2');
  });
});
