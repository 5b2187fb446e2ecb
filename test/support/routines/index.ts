/** What each routine computes, in plain JavaScript: a family's file beside this one, its functions in this table. */

import type { Node } from '../../../lib/graph/node';
import type { RoutineName } from '../../../lib/schedule/opcodes';
import type { Complex } from '../complex';
import type { Value } from '../interpret';
import { attention } from './attention';
import { bitcast } from './bitcast';
import { convolution } from './convolution';
import { fft } from './fourier';
import { hadamard } from './hadamard';
import { cholesky, eig, eigh, lu, luSolve, qr, svd, triangularSolve } from './matrices';
import { norm } from './norms';
import { quantizedMatmul } from './quantized';
import { rope } from './rope';
import { recurrence, scan } from './scan';
import { searchsorted } from './search';
import { partition, topk } from './selection';
import { logsumexp, softmax } from './softmax';

/** The elements of each output in row-major order, also of those that may be left out. */
export type RoutineReference = (
  inputs: readonly Value[],
  ints: readonly number[],
  args: readonly Complex[],
  /** What is computed: its shape and dtype, or its primitive's. */
  node: Node,
) => readonly (readonly Complex[])[];

/** What it computes is what its own source says. */
const custom: RoutineReference = () => {
  throw new Error('a kernel of the user has no reference');
};

const references: { readonly [name in RoutineName]: RoutineReference } = {
  scan,
  recurrence,
  searchsorted,
  hadamard,
  convolution,
  attention,
  bitcast,
  lu,
  luSolve,
  triangularSolve,
  cholesky,
  qr,
  svd,
  eigh,
  eig,
  fft,
  softmax,
  logsumexp,
  norm,
  rope,
  partition,
  topk,
  custom,
  quantizedMatmul,
};

export function runRoutine(
  name: RoutineName,
  inputs: readonly Value[],
  ints: readonly number[],
  args: readonly Complex[],
  node: Node,
): readonly (readonly Complex[])[] {
  return references[name](inputs, ints, args, node);
}
