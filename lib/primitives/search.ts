/** Binary search in sorted rows. */

import { uint32 } from '../dtype';
import { rangeError, showShape, typeError } from '../errors';
import { Node, type ShapeDtype } from '../graph/node';
import { sameShape } from '../shape';
import { definePrimitive } from './primitive';
import { batchedInput, noTangent } from './rules';

interface SearchAttrs {
  /** Behind equal elements instead of before them. */
  readonly right: boolean;
}

const searchNode = definePrimitive<SearchAttrs>({
  name: 'searchsorted',
  lowering: { kind: 'routine', routine: 'searchsorted', ints: ({ right }) => [Number(right)] },
  key: ({ right }, key) => key.int(Number(right)),
  infer([sorted, values]) {
    if (sorted.dtype !== values.dtype) throw typeError('searchsorted', `${sorted.dtype.name} and ${values.dtype.name} differ`);
    const rank = sorted.shape.length;
    if (rank === 0 || rank !== values.shape.length || !sameShape(sorted.shape.slice(0, -1), values.shape.slice(0, -1))) {
      throw rangeError('searchsorted', `shapes ${showShape(sorted.shape)} and ${showShape(values.shape)} differ before the last axis`);
    }
    return { shape: values.shape, dtype: uint32 };
  },
  jvp: noTangent,
  vmap: ([sorted, values], [sortedMapped, valuesMapped], size, { right }) =>
    searchsorted(batchedInput(sorted, sortedMapped, size), batchedInput(values, valuesMapped, size), right),
});

/** Where in the rows of `sorted` (shape […, n]) each of `values` (shape […, m]) belongs: uint32, before equal elements or behind them. */
export function searchsorted(sorted: Node, values: Node, right: boolean): Node {
  const attrs: SearchAttrs = { right };
  const { shape } = searchNode.infer([sorted, values], attrs) as ShapeDtype;
  return new Node(searchNode, [sorted, values], attrs, shape, uint32);
}
