/** `whileLoop`: a function applied to its own result for as long as a condition on it holds. */

import { type array, nodeOf, wrap } from '../../array';
import { rangeError, typeError } from '../../errors';
import type { Node } from '../../graph/node';
import { describe } from '../../ops/arguments';
import { defineOp, type Trailing } from '../../ops/registry';
import { sharing } from '../../primitives/control-flow/attributes';
import { applyBody, traceBody } from '../../primitives/control-flow/body';
import { whileLoop as whileNodes } from '../../primitives/control-flow/while-loop';
import { zeros } from '../../primitives/generators';
import { state as randomState } from '../../random/state';
import { arraysOf } from '../../tree';
import type { AnyFunction } from '../tracing';
import { whileCases } from './cases';
import { predicateNode } from './predicate';
import { checkFunctionAt, type TracedFunction, traceFunction } from './tracing';
import { type Arrays, avalsOf, type Loose, nodesLike, refill, withArrays } from './trees';

function call(cond: unknown, body: unknown, init: unknown, maxSteps: unknown): unknown {
  checkFunctionAt('whileLoop', 'cond', cond);
  checkFunctionAt('whileLoop', 'body', body);
  if (maxSteps !== undefined && maxSteps !== null && (typeof maxSteps !== 'number' || !Number.isInteger(maxSteps))) {
    throw typeError('whileLoop', `maxSteps must be an integer, not ${describe(maxSteps)}`);
  }
  if (typeof maxSteps === 'number' && maxSteps < 0) throw rangeError('whileLoop', `maxSteps must not be negative, but is ${maxSteps}`);
  const carryTree = withArrays('whileLoop', init);
  const avals = avalsOf('whileLoop', carryTree);
  const n = avals.length;
  if (n === 0) throw typeError('whileLoop', 'init must hold at least one array');
  const carry = { tree: carryTree, avals };
  const test = traceFunction('whileLoop', cond as AnyFunction, [carry], (result) => [
    predicateNode('whileLoop', 'what cond returns', result),
  ]);
  const names = { where: 'whileLoop', given: 'the carry that body returns', like: 'the carry that it is given' };
  const step = traceFunction(
    'whileLoop',
    body as AnyFunction,
    [carry],
    (result) => nodesLike(names, result, carryTree, avals),
    // Where the condition draws too, the body goes on with the key that it left.
    test.draws ? (inputs) => applyBody(test.body, [...inputs, ...test.captured])[1] : undefined,
  );

  // Both take the carry, the random key if either draws, what the condition captured, what the body did.
  const carried = test.draws || step.draws ? n + 1 : n;
  const inputs: Node[] = [
    ...arraysOf(carryTree).map((leaf) => nodeOf(leaf, 'whileLoop')),
    ...(carried > n ? [nodeOf(randomState[0])] : []),
    ...test.captured,
    ...step.captured,
  ];
  const keyOf = (given: readonly Node[]): Node => (carried > n ? given[n] : zeros(step.body.inputs[n].shape, step.body.inputs[n].dtype));
  const on = ({ body: own, captured }: TracedFunction, given: readonly Node[], from: number): Node[] =>
    applyBody(own, [...given.slice(0, n), keyOf(given), ...given.slice(from, from + captured.length)]);
  const condition = traceBody('whileLoop', (given) => on(test, given, carried).slice(0, 1), inputs).body;
  const stepBody = traceBody('whileLoop', (given) => on(step, given, carried + test.captured.length).slice(0, carried), inputs).body;
  const results = whileNodes({
    inputs,
    attrs: {
      kind: 'whileLoop',
      condition,
      body: stepBody,
      carry: carried,
      maxSteps: (maxSteps as number | null | undefined) ?? null,
      outs: stepBody.outputs,
      shared: sharing(inputs.length, stepBody.outputs.length),
    },
  });
  if (carried > n) randomState[0] = wrap(results[n]);
  return refill(carryTree, results.values());
}

interface WhileOptions {
  readonly maxSteps: number;
}

/** The type of `whileLoop`: see there. */
interface WhileLoop {
  <const C>(
    cond: (carry: Arrays<C>) => array | boolean,
    body: (carry: Arrays<C>) => Loose<C>,
    init: C,
    options?: Trailing<WhileOptions>,
  ): Arrays<C>;
  <const C>(
    cond: (carry: Arrays<C>) => array | boolean,
    body: (carry: Arrays<C>) => Loose<C>,
    init: C,
    maxSteps?: number,
    options?: Trailing<WhileOptions>,
  ): Arrays<C>;
}

/**
 * Applies `body` to its own result, at first to `init`, for as long as `cond` of it is true, but no more often than `maxSteps`; gives the last
 * carry, an array or a tree of them. `cond` returns a bool without axes; its value decides, so evaluating the result waits for each of them.
 *
 * Forward mode and `vmap` need nothing else (lanes whose condition is false wait for the others); reverse mode needs `maxSteps`.
 *
 * @throws where the carry changes its structure, shape or dtype; in reverse mode without `maxSteps`.
 * @example
 * const collatz = (n) => mx.where(mx.equal(mx.remainder(n, 2), 0), mx.floorDivide(n, 2), n.multiply(3).add(1));
 * const [, steps] = mx.whileLoop(([n]) => n.greater(1), ([n, k]) => [collatz(n), k.add(1)], [mx.array(27, mx.int32), mx.array(0, mx.int32)]);
 * steps; // array(111, dtype=int32)
 */
export const whileLoop: WhileLoop = defineOp<WhileLoop>(
  { name: 'whileLoop', parameters: ['cond', 'body', 'init', 'maxSteps?'], method: false, cases: whileCases },
  call,
);
