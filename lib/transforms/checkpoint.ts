/** `checkpoint`: intermediates are computed again for the gradient instead of kept. */

import { wrap } from '../array';
import type { Node } from '../graph/node';
import { traceDepth } from '../graph/trace';
import { checkpoint as checkpointCall } from '../primitives/call';
import { mapArrays } from '../tree';
import { traceCall } from './call';
import { replay } from './recording';
import { type AnyFunction, callTraced, checkFunction, ownCopy } from './tracing';

/**
 * The same function, whose intermediate values are not kept for its gradient but computed again when it is needed:
 * more computation for less memory.
 *
 * @example
 * const gradient = mx.grad(mx.checkpoint((x) => mx.sin(mx.sin(x))));
 */
export function checkpoint<A extends readonly unknown[], R>(f: (...args: A) => R): (...args: A) => R {
  checkFunction('checkpoint', f);
  return (...args) => {
    // Nothing outside of every transform is ever differentiated.
    if (traceDepth() === 0) return callTraced('checkpoint', f as AnyFunction, args.map(ownCopy)) as R;
    const { result, recording, inputs, outputs } = traceCall('checkpoint', f as AnyFunction, args);
    if (outputs.length === 0) return result as R;
    const nodes = [...inputs, ...recording.captured];
    const run = (given: readonly Node[]): Node[] => replay(recording, given.slice(0, inputs.length), given.slice(inputs.length));
    const results = checkpointCall(
      run,
      nodes,
      outputs.map(({ shape, dtype }) => ({ shape, dtype })),
    );
    return mapArrays(result, (_, i) => wrap(results[i])) as R;
  };
}
