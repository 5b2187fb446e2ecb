/** `scan`: a function applied step by step along the first axis of its inputs. */

import { nodeOf, wrap } from '../../array';
import { rangeError, showShape, typeError } from '../../errors';
import type { Node, ShapeDtype } from '../../graph/node';
import { describe } from '../../ops/arguments';
import { defineOp, type Trailing } from '../../ops/registry';
import { sharing } from '../../primitives/control-flow/attributes';
import { scan as scanNodes } from '../../primitives/control-flow/scan';
import { scanOuts } from '../../primitives/control-flow/scan-split';
import { state as randomState } from '../../random/state';
import { arrayPath, arraysOf } from '../../tree';
import type { AnyFunction } from '../tracing';
import { scanCases, scanInside } from './cases';
import { arranged, checkFunctionAt, range, traceFunction } from './tracing';
import { type Arrays, avalsOf, type Loose, nodesLike, refill, withArrays } from './trees';

/** How many steps there are: what is given, else the length of the inputs. */
function lengthOf(xs: unknown, given: unknown): number {
  if (given !== undefined && (typeof given !== 'number' || !Number.isInteger(given))) {
    throw typeError('scan', `length must be an integer, not ${describe(given)}`);
  }
  if (typeof given === 'number' && given < 0) throw rangeError('scan', `length must not be negative, but is ${given}`);
  let length = given as number | undefined;
  let from = 'length';
  for (const [i, leaf] of arraysOf(xs).entries()) {
    const { shape } = nodeOf(leaf, 'scan');
    const name = `xs${arrayPath(xs, i)}`;
    if (shape.length === 0) throw rangeError('scan', `${name} must have an axis to scan along, but has shape ${showShape(shape)}`);
    if (length === undefined) [length, from] = [shape[0], name];
    else if (shape[0] !== length) {
      throw rangeError('scan', `all inputs must have as many rows as there are steps: ${from} says ${length}, ${name} has ${shape[0]}`);
    }
  }
  if (length === undefined) throw typeError('scan', 'there are no arrays in xs to tell the number of steps: give length');
  return length;
}

function call(f: unknown, init: unknown, xs: unknown, length: unknown, reverse: unknown): unknown {
  checkFunctionAt('scan', 'f', f);
  if (reverse !== undefined && typeof reverse !== 'boolean') throw typeError('scan', `reverse must be a boolean, not ${describe(reverse)}`);
  const carryTree = withArrays('scan', init);
  const xsTree = withArrays('scan', xs);
  const steps = lengthOf(xsTree, length);
  const carryAvals = avalsOf('scan', carryTree);
  const rowAvals = avalsOf('scan', xsTree).map(({ shape, dtype }): ShapeDtype => ({ shape: shape.slice(1), dtype }));
  let resultTree: unknown = null;
  const names = { where: 'scan', given: 'the carry that f returns', like: 'the carry that it is given' };
  const traced = traceFunction(
    'scan',
    f as AnyFunction,
    [
      { tree: carryTree, avals: carryAvals },
      { tree: xsTree, avals: rowAvals },
    ],
    (result) => {
      if (!Array.isArray(result) || result.length !== 2) {
        throw typeError('scan', `f must return the list [carry, y], but returned ${describe(result)}`);
      }
      const carry = nodesLike(names, result[0], carryTree, carryAvals);
      resultTree = withArrays('scan', result[1]);
      return [...carry, ...arraysOf(resultTree).map((leaf) => nodeOf(leaf, 'scan'))];
    },
  );

  const [n, m] = [carryAvals.length, rowAvals.length];
  const outputs = traced.body.outputs.length - 1;
  if (outputs === 0) return [carryTree, resultTree];
  const key = traced.draws ? [n + m] : [];
  const body = arranged(
    traced.body,
    [...range(0, n), ...key, ...range(n, n + m), ...range(n + m + 1, traced.body.inputs.length)],
    [...range(0, n), ...key.map(() => outputs), ...range(n, outputs)],
  );
  const carry = n + key.length;
  const nodes = (tree: unknown): Node[] => arraysOf(tree).map((leaf) => nodeOf(leaf, 'scan'));
  const inputs = [...nodes(carryTree), ...key.map(() => nodeOf(randomState[0])), ...nodes(xsTree), ...traced.captured];
  const outs = scanOuts(body.outputs.slice(0, carry), body.outputs.slice(carry), steps);
  const results = scanNodes({
    inputs,
    attrs: {
      kind: 'scan',
      body,
      carry,
      xs: m,
      length: steps,
      reverse: reverse === true,
      outs,
      shared: sharing(inputs.length, outs.length),
    },
  });
  if (traced.draws) randomState[0] = wrap(results[n]);
  return [refill(carryTree, results.slice(0, n).values()), refill(resultTree, results.slice(carry).values())];
}

interface ScanOptions {
  readonly length: number;
  readonly reverse: boolean;
}

/** The type of `scan`: see there. */
interface Scan {
  <const C, const X, Y>(
    f: (carry: Arrays<C>, x: Arrays<X>) => readonly [carry: Loose<C>, y: Y],
    init: C,
    xs: X,
    options?: Trailing<ScanOptions>,
  ): [carry: Arrays<C>, ys: Arrays<Y>];
  <const C, const X, Y>(
    f: (carry: Arrays<C>, x: Arrays<X>) => readonly [carry: Loose<C>, y: Y],
    init: C,
    xs: X,
    length: number | undefined,
    options?: Trailing<ScanOptions>,
  ): [carry: Arrays<C>, ys: Arrays<Y>];
  <const C, const X, Y>(
    f: (carry: Arrays<C>, x: Arrays<X>) => readonly [carry: Loose<C>, y: Y],
    init: C,
    xs: X,
    length?: number,
    reverse?: boolean,
    options?: Trailing<ScanOptions>,
  ): [carry: Arrays<C>, ys: Arrays<Y>];
}

/**
 * Applies `f` step by step: to a carry, at first `init`, and to the rows of `xs` along their first axis. `f` returns the next carry and a
 * result; `scan` gives the last carry, and the results of all steps stacked along a new first axis. Carry, inputs and results
 * are arrays or trees of them; `xs` may be null where `length` says how many steps there are. `reverse` starts at the last row.
 *
 * The body is one program however many steps there are, and every transform goes through it; its gradient keeps what the steps need of
 * their own intermediate values, or nothing but their carries where `f` is a `checkpoint`.
 *
 * @throws where the carry changes its structure, shape or dtype, or inputs differ in length.
 * @example
 * const [total, sums] = mx.scan((sum, x) => [sum.add(x), sum.add(x)], 0, mx.array([1, 2, 3]));
 * sums; // array([1, 3, 6], dtype=float32)
 */
export const scan: Scan = defineOp<Scan>(
  { name: 'scan', parameters: ['f', 'init', 'xs', 'length?', 'reverse?'], method: false, cases: scanCases },
  call,
);

scanInside((f, init, xs) => scan(f, init, xs));
