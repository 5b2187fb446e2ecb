/** Which elements of a matrix lie on, above or below a diagonal. */

import { int32, int64 } from '../dtype';
import type { Node } from '../graph/node';
import * as p from '../primitives';

/** bool: where `row + k` compares with `column` in an n × m matrix. */
export function diagonalMask(compare: (row: Node, column: Node) => Node, n: number, m: number, k: number): Node {
  const dtype = Math.max(n, m) + Math.abs(k) < 2 ** 31 ? int32 : int64;
  return compare(p.arange(k, 1, [n, m], 0, dtype), p.arange(0, 1, [n, m], 1, dtype));
}
