/** `cond`: one of two functions, chosen by a value. */

import { type array, nodeOf, wrap } from '../../array';
import { Device, Stream, streamFor } from '../../device';
import { typeError } from '../../errors';
import type { Node, ShapeDtype } from '../../graph/node';
import { registerOp } from '../../ops/registry';
import { sharing } from '../../primitives/control-flow/attributes';
import { applyBody, type Traced, traceBody } from '../../primitives/control-flow/body';
import { choose, cond as condNodes } from '../../primitives/control-flow/cond';
import { zeros } from '../../primitives/generators';
import { state as randomState } from '../../random/state';
import { arraysOf } from '../../tree';
import type { AnyFunction } from '../tracing';
import { condCases } from './cases';
import { predicateNode } from './predicate';
import { checkFunctionAt, type TracedFunction, traceFunction } from './tracing';
import { type Arrays, avalsOf, nodesLike, refill, withArrays } from './trees';

function call(...args: unknown[]): unknown {
  const last = args[args.length - 1];
  if (args.length > 3 && (last instanceof Stream || last instanceof Device)) {
    streamFor('cond', last);
    args.pop();
  }
  if (args.length < 3) throw typeError('cond', `takes at least 3 arguments, not ${args.length}`);
  const [pred, onTrue, onFalse, ...given] = args;
  checkFunctionAt('cond', 'onTrue', onTrue);
  checkFunctionAt('cond', 'onFalse', onFalse);
  const predicate = predicateNode('cond', 'pred', pred);
  const trees = given.map((tree) => withArrays('cond', tree));
  const templates = trees.map((tree) => ({ tree, avals: avalsOf('cond', tree) }));
  let resultTree: unknown = null;
  let resultAvals: ShapeDtype[] = [];
  const first = traceFunction('cond', onTrue as AnyFunction, templates, (result) => {
    resultTree = withArrays('cond', result);
    resultAvals = avalsOf('cond', resultTree);
    return arraysOf(resultTree).map((leaf) => nodeOf(leaf, 'cond'));
  });
  const names = { where: 'cond', given: 'what onFalse returns', like: 'what onTrue returns' };
  const second = traceFunction('cond', onFalse as AnyFunction, templates, (result) => nodesLike(names, result, resultTree, resultAvals));
  const draws = first.draws || second.draws;
  const count = resultAvals.length;
  if (count === 0 && !draws) return resultTree;
  const n = templates.reduce((total, { avals }) => total + avals.length, 0);
  const operands: Node[] = [...trees.flatMap((tree) => arraysOf(tree).map((leaf) => nodeOf(leaf, 'cond')))];
  if (draws) operands.push(nodeOf(randomState[0]));
  const branch = ({ body, captured }: TracedFunction): Traced => {
    const key = body.inputs[n];
    const own = traceBody(
      'cond',
      (values) => {
        const state = draws ? values[n] : zeros(key.shape, key.dtype);
        const results = applyBody(body, [...values.slice(0, n), state, ...values.slice(operands.length)]);
        return draws ? results : results.slice(0, count);
      },
      [...operands, ...captured],
    );
    return { body: own.body, captured: [...captured, ...own.captured] };
  };
  const chosen = choose(predicate, branch(first), branch(second), operands);
  const { inputs, attrs } = chosen;
  const results = condNodes({ inputs, attrs: { ...attrs, shared: sharing(inputs.length, attrs.outs.length) } });
  if (draws) randomState[0] = wrap(results[count]);
  return refill(resultTree, results.values());
}

type OperandTypes<O extends readonly unknown[]> = { -readonly [K in keyof O]: Arrays<O[K]> };

/** The type of `cond`: see there. */
type Cond = <const O extends readonly unknown[], R>(
  pred: array | boolean | number,
  onTrue: (...operands: OperandTypes<O>) => R,
  onFalse: (...operands: OperandTypes<O>) => NoInfer<R>,
  ...operands: O
) => Arrays<R>;

/**
 * `onTrue(...operands)` where `pred` is true, else `onFalse(...operands)`: only the chosen function is computed. `pred` is a bool without axes;
 * both functions return arrays or trees of them, of one structure, with the same shapes and dtypes. Under `vmap` with a mapped `pred` both are computed,
 * and each example takes its own.
 *
 * @throws where the functions return different structures, shapes or dtypes.
 * @example
 * const x = mx.array(-4);
 * mx.cond(x.less(0), (x) => mx.sqrt(x.negative()), (x) => mx.sqrt(x), x); // array(2, dtype=float32)
 */
export const cond: Cond = registerOp<Cond>(
  { name: 'cond', parameters: ['pred', 'onTrue', 'onFalse', '...operands'], method: false, cases: condCases },
  call,
);
