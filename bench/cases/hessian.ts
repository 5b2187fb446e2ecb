/** Second derivatives. */

import * as mx from 'metalgrad';
import type { Line } from '../harness';
import { matrix } from './data';

function line(variables: number, targets: Readonly<Record<string, number>> = {}): Line {
  return {
    name: `hessian: jacfwd(jacrev(f)) of ${variables} variables`,
    targets,
    prepare: () => {
      const w = matrix([variables, variables]);
      const x = matrix([variables]);
      const f = (x: mx.array) => mx.sum(mx.tanh(w.matmul(x)).multiply(x));
      const h = mx.jacfwd(mx.jacrev(f));
      return () => mx.eval(h(x));
    },
  };
}

// jax-js takes time that grows with the fourth power of the number of variables.
export const hessian: Line[] = [line(64, { jax: 3 }), line(256)];
