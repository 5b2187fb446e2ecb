/** Second derivatives. */

import * as mx from 'metalgrad';
import type { Line } from '../harness';
import { matrix } from './data';

export const hessian: Line[] = [
  {
    name: 'hessian: jacfwd(jacrev(f)) of 256 variables',
    prepare: () => {
      const w = matrix([256, 256]);
      const x = matrix([256]);
      const f = (x: mx.array) => mx.sum(mx.tanh(w.matmul(x)).multiply(x));
      const h = mx.jacfwd(mx.jacrev(f));
      return () => mx.eval(h(x));
    },
  },
];
