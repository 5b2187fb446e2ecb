/** Building a graph without evaluating it: every check, no native call. */

import * as mx from 'metalgrad';
import type { Line } from '../harness';

const built = 100_000;

/** `built` operations in all, in graphs of `size`, each dropped before the next: a training step has some hundreds. */
function building(size: number): (graph: (operations: number) => unknown) => void {
  return (graph) => {
    for (let i = 0; i < built / size; i++) graph(size);
  };
}

function plain(size: number): Line['prepare'] {
  return () => {
    const x = mx.ones([8]);
    const y = mx.ones([8]);
    return () =>
      building(size)((operations) => {
        let z = x;
        for (let i = 0; i < operations; i++) z = z.add(y);
        return z;
      });
  };
}

function mixed(size: number): Line['prepare'] {
  return () => {
    const x = mx.ones([4, 8]);
    const y = mx.ones([8]);
    return () =>
      building(size)((operations) => {
        let z = x;
        for (let i = 0; i < operations / 4; i++) z = mx.tanh(z.multiply(0.5).add(y)).subtract(x);
        return z;
      });
  };
}

export const graph: Line[] = [
  { name: 'graph: x.add(y), graphs of 1,000', operations: built, limit: 200, prepare: plain(1000) },
  { name: 'graph: mixed operations, graphs of 1,000', operations: built, limit: 200, prepare: mixed(1000) },
  { name: 'graph: x.add(y), one graph of 100,000', operations: built, limit: 200, prepare: plain(built) },
  { name: 'graph: mixed operations, one graph of 100,000', operations: built, limit: 200, prepare: mixed(built) },
];
