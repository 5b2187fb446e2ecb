import * as fc from 'fast-check';

import { array } from '../../lib/array';
import * as mx from '../../lib/ops';
import { contractionPath, pathCost } from '../../lib/ops/einsum-path';
import { einsumReference, nested, sizeOf, type Table } from './reference';

const arrayOf = (x: Table): array => array(x.data as number[]).reshape([...x.shape]);

/** Small positive integers: their products and sums are exact, and no zero has a sign. */
function table(shape: readonly number[], seed: number): Table {
  return { shape, data: Array.from({ length: sizeOf(shape) }, (_, i) => 1 + ((i * 3 + seed * 7) % 5)) };
}

describe('einsum', () => {
  test.each([
    'ij,jk->ik',
    'ij,jk',
    'ji',
    'ii->i',
    'ii',
    'iij->j',
    'iijj->ij',
    'iii->i',
    'ij->ji',
    'ij->',
    'i,i->',
    'i,j->ij',
    'bij,bjk->bik',
    'bij,bj->bi',
    'ij,ij->ij',
    'ij,kj,k->i',
    'ab,bc,cd,de->ae',
    'abc,cd,db->a',
    'i,i,i->i',
    'i,j,k->kji',
    'ijk,ljk->il',
    'aij,jk,ka->ai',
    'ij,j,k->ik',
    ' i j , j k -> i k ',
  ])('%s agrees with a loop', (subscripts) => {
    const [left, right] = subscripts.replaceAll(' ', '').split('->');
    const inputs = left.split(',');
    const letters = [...left.replaceAll(',', '')];
    const output =
      right ??
      [...new Set(letters)]
        .filter((l) => letters.indexOf(l) === letters.lastIndexOf(l))
        .sort()
        .join('');
    const size = (label: string): number => (label.charCodeAt(0) % 3) + 2;
    const operands = inputs.map((labels, i) => table([...labels].map(size), i + 1));
    const expected = einsumReference(inputs, output, operands);
    const got = mx.einsum(subscripts, ...operands.map(arrayOf));
    expect(got.shape).toEqual(expected.shape);
    expect(got.tolist()).toEqual(nested(expected));
    expect(mx.einsum(subscripts, operands.map(arrayOf)).tolist()).toEqual(nested(expected));
  });

  test('agrees with a loop on random subscripts, with axes of size 1 that repeat', () => {
    const labels = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd'), maxLength: 4 });
    fc.assert(
      fc.property(fc.array(labels, { minLength: 1, maxLength: 4 }), fc.nat(), fc.nat({ max: 7 }), (inputs, order, ones) => {
        const used = [...new Set(inputs.join(''))];
        const output = used.filter((_, i) => (order >> i) & 1).sort((a, b) => (order & 16 ? 1 : -1) * a.localeCompare(b));
        const sizes: Record<string, number> = { a: 2, b: 3, c: 1, d: 2 };
        const operands = inputs.map((input, i) => {
          // One operand may have size 1 along some label; the others keep its full size.
          const single = (label: string): boolean => i === ones % 4 && inputs.some((other, j) => j !== i && other.includes(label));
          return table(
            [...input].map((label) => (ones >= 4 && single(label) ? 1 : sizes[label])),
            i,
          );
        });
        const expected = einsumReference(inputs, output.join(''), operands);
        const got = mx.einsum(`${inputs.join(',')}->${output.join('')}`, operands.map(arrayOf));
        expect(got.shape).toEqual(expected.shape);
        expect(got.tolist()).toEqual(nested(expected));
      }),
      { numRuns: 200 },
    );
  });

  test('lets an ellipsis stand for axes that broadcast', () => {
    const a = table([2, 1, 2, 3], 1);
    const b = table([4, 3, 2], 2);
    const got = mx.einsum('...ij,...jk->...ik', arrayOf(a), arrayOf(b));
    expect(got.tolist()).toEqual(mx.matmul(arrayOf(a), arrayOf(b)).tolist());
    expect(mx.einsum('...ij,...jk', arrayOf(a), arrayOf(b)).shape).toEqual([2, 4, 2, 2]);
    expect(mx.einsum('i...->...i', arrayOf(b)).shape).toEqual([3, 2, 4]);
    expect(mx.einsum('...->', arrayOf(b)).item()).toBe(b.data.reduce((x, y) => x + y, 0));
    expect(mx.einsum('...,...', 2, [1, 2]).tolist()).toEqual([2, 4]);
  });

  test('takes numbers, lists and a single operand', () => {
    expect(
      mx
        .einsum('ij->j', [
          [1, 2],
          [3, 4],
        ])
        .tolist(),
    ).toEqual([4, 6]);
    expect(mx.einsum('i,i', [1, 2], [3, 4]).item()).toBe(11);
    expect(
      mx
        .einsum('i,i', [
          [1, 2],
          [3, 4],
        ])
        .item(),
    ).toBe(11);
  });

  test.each([
    [
      'ij,jk',
      [
        [2, 3],
        [4, 5],
      ],
      "[einsum] label 'j' has size 3 in one operand and 4 in operand 1 of shape [4, 5]",
    ],
    ['ij', [[2]], "[einsum] 'ij' names 2 axes of operand 0 of shape [2]"],
    ['i,j', [[2]], "[einsum] 'i,j' names 2 operands, but 1 are given"],
    ['i->j', [[2]], "[einsum] output label 'j' is in no operand of 'i->j'"],
    ['i->ii', [[2]], "[einsum] output label 'i' stands twice in 'i->ii'"],
    ['i->i->i', [[2]], "[einsum] 'i->i->i' has more than one arrow"],
    ['i.', [[2, 2]], "[einsum] '.' is no letter, comma, arrow or ellipsis in 'i.'"],
  ])('%s with shapes %j is an error', (subscripts, operandShapes, message) => {
    expect(() => mx.einsum(subscripts, ...operandShapes.map((shape) => mx.zeros(shape)))).toThrow(message);
  });
});

describe('einsumPath', () => {
  test('contracts small intermediates first', () => {
    const [path, report] = mx.einsumPath('ij,jk,kl->il', mx.zeros([100, 100]), mx.zeros([100, 100]), mx.zeros([100, 2]));
    expect(path).toEqual([
      [1, 2],
      [0, 1],
    ]);
    expect(report).toContain('Optimized multiplications: 40000');
  });

  test('finds the order with the fewest multiplications of all', () => {
    const labels = ['a', 'b', 'c', 'd', 'e'];
    const operands = fc.array(fc.uniqueArray(fc.constantFrom(...labels), { minLength: 1, maxLength: 3 }), { minLength: 3, maxLength: 5 });
    fc.assert(
      fc.property(operands, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 5, maxLength: 5 }), (drawn, lengths) => {
        const problem = { operands: drawn, output: ['a'], sizes: new Map(labels.map((label, i) => [label, lengths[i]])) };
        const every = (n: number): number[][][] => {
          if (n === 1) return [[]];
          const paths: number[][][] = [];
          for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) for (const rest of every(n - 1)) paths.push([[i, j], ...rest]);
          return paths;
        };
        const best = Math.min(...every(drawn.length).map((path) => pathCost(problem, path).multiplications));
        expect(pathCost(problem, contractionPath(problem)).multiplications).toBe(best);
      }),
      { numRuns: 60 },
    );
  });

  test('takes many operands', () => {
    const chain = Array.from({ length: 30 }, (_, i) => [`x${i}`, `x${i + 1}`]);
    const sizes = new Map(Array.from({ length: 31 }, (_, i) => [`x${i}`, 2 + (i % 5)]));
    const problem = { operands: chain, output: ['x0', 'x30'], sizes };
    const path = contractionPath(problem);
    expect(path).toHaveLength(29);
    expect(pathCost(problem, path).largest).toBeLessThanOrEqual(36);
  });
});
