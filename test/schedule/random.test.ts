import fc from 'fast-check';

import type { Node, Shape } from '../../lib/graph/node';
import { evaluate, planCounters } from '../../lib/runtime/evaluate';
import { toTypedArray } from '../../lib/runtime/read';
import { sizeOf } from '../../lib/shape';
import { onGpu, widest } from '../support/default';
import { upload } from '../support/device';
import { interpret, numbers, type Value, valueOf } from '../support/interpret';
import { buildProgram, Random } from './programs';

type When = 'together' | 'one by one' | 'on the way';

function check(structure: number, data: number, size: number, when: When): void {
  const known = new Map<Node, Value>();
  const expected = (node: Node): number[] => {
    const [value] = interpret([node], known);
    known.set(node, value);
    return numbers(value);
  };
  const values = new Random(data);
  const leaf = (shape: Shape): Node => {
    const elements = Array.from({ length: sizeOf(shape) }, () => values.below(19) - 9);
    const value = valueOf(shape, widest, elements);
    const node = upload(value);
    known.set(node, value);
    return node;
  };
  const moments = new Random(structure);
  const { nodes, outputs } = buildProgram(new Random(structure), values, leaf, size, (made) => {
    // Evaluation drops inputs: the expected values come first.
    for (const node of made.slice(-1)) expected(node);
    if (when === 'on the way' && moments.below(4) === 0)
      evaluate([made[moments.below(made.length)], made[made.length - 1 - moments.below(3)]]);
  });
  if (when === 'together') evaluate(outputs);
  for (const output of outputs) {
    expect([...(toTypedArray(output) as Float64Array)].map((x) => x + 0)).toEqual(expected(output).map((x) => x + 0));
  }
  // Leaves are never written.
  for (const node of nodes.slice(0, 3)) expect([...(toTypedArray(node) as Float64Array)]).toEqual(expected(node));
}

describe('random programs', () => {
  test('evaluate to what they say, outputs together, one by one, and some values on the way', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer(),
        fc.integer({ min: 1, max: 60 }),
        fc.constantFrom<When>('together', 'one by one', 'on the way'),
        check,
      ),
      { numRuns: onGpu ? 30 : 600, seed: 20 },
    );
  });

  test('with other data they take the plans that they took before', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 40 }), (structure, size) => {
        check(structure, 1, size, 'together');
        check(structure, 2, size, 'together');
        const { plans } = planCounters();
        check(structure, 3, size, 'together');
        expect(planCounters().plans).toBe(plans);
      }),
      { numRuns: onGpu ? 8 : 100, seed: 21 },
    );
  });
});
