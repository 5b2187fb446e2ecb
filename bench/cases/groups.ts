/** Every line of the benchmarks, our side of it. A line's name is what the peers know the same work by. */

import type { Line } from '../harness';
import { chain } from './chain';
import { elementwise } from './elementwise';
import { graph } from './graph';
import { half } from './half';
import { hessian } from './hessian';
import { matmul } from './matmul';
import { quantized } from './quantized';
import { reduce } from './reduce';
import { startup } from './startup';
import { perExample, training } from './training';
import { vectorize } from './vectorize';

/** Groups by the name that `npm run bench -- name` takes. */
export const groups: Readonly<Record<string, readonly Line[]>> = {
  vectorize,
  graph,
  chain,
  elementwise,
  reduce,
  matmul,
  training,
  perExample,
  hessian,
  half,
  quantized,
  startup,
};
