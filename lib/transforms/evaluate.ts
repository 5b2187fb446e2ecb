/** `eval` and `asyncEval`: computes the arrays of trees. */

import { nodeOf } from '../array';
import { evaluateAsync, evaluate as evaluateNodes } from '../runtime/evaluate';
import { arraysOf } from '../tree';

/**
 * Computes all arrays in the trees, and waits for them.
 *
 * @example
 * mx.eval(loss, { weights, bias });
 */
export function evaluate(...trees: readonly unknown[]): void {
  evaluateNodes(
    arraysOf(trees).map((leaf) => nodeOf(leaf, 'eval')),
    'eval',
  );
}

/**
 * Starts to compute all arrays in the trees; the promise is fulfilled when their values are there. The event loop is
 * not blocked meanwhile.
 *
 * @throws (rejects) for a disposed array, for memory that cannot be had, and inside a transform, where evaluation is synchronous.
 * @example
 * await mx.asyncEval(loss, { weights, bias });
 */
export async function asyncEval(...trees: readonly unknown[]): Promise<void> {
  // An async function itself, so that wrong arguments reject too.
  await evaluateAsync(
    arraysOf(trees).map((leaf) => nodeOf(leaf, 'asyncEval')),
    'asyncEval',
  );
}
