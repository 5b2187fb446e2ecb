import { splitWords, threefry2x32 } from '../../lib/random/threefry';

describe('threefry-2x32', () => {
  test('gives the known answers of Random123', () => {
    const hex = (words: readonly number[]): string[] => words.map((word) => word.toString(16));
    expect(hex(threefry2x32(0, 0, 0, 0))).toEqual(['6b200159', '99ba4efe']);
    expect(hex(threefry2x32(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff))).toEqual(['1cb996fc', 'bb002be7']);
    expect(hex(threefry2x32(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3))).toEqual(['c4923a9c', '483df7a0']);
  });

  test('splits a key into the keys that MLX and JAX split it into', () => {
    expect(splitWords([0, 0])).toEqual([
      [4146024105, 967050713],
      [2718843009, 1272950319],
    ]);
  });
});
