/** Products over the elements that share a place, with their tangents: what a multiplying scatter needs. */

import { bool } from '../dtype';
import type { Node } from '../graph/node';
import { sizeOf } from '../shape';
import { concatenate, pad } from './assemble';
import { add, multiply } from './binary';
import { equal, notEqual } from './compare';
import { full, zeros } from './generators';
import { gather, scatter } from './indexing';
import { reshape, slice } from './movement';
import { zerosLike } from './rules';
import { where } from './select';
import { argsort } from './sorting';

/**
 * For each place below `count`, the tangent of the product of the values there; 0 where there are none.
 * The values are sorted by place, and a segmented scan doubles its reach at each step, carrying (product, tangent) by the
 * product rule. Linear in the tangents, and made of products alone, so it is exact at zeros and differentiates again.
 */
export function segmentedProductTangent(values: Node, tangents: Node, places: Node, count: number): Node {
  const length = sizeOf(values.shape);
  if (length === 0) return zeros([count], tangents.dtype);
  const flatPlaces = reshape(places, [length]);
  const order = argsort(flatPlaces);
  const sorted = (x: Node): Node => reshape(gather(reshape(x, [length]), [order], [0], [1]), [length]);
  const place = sorted(flatPlaces);
  let product = sorted(values);
  let tangent = sorted(tangents);
  for (let reach = 1; reach < length; reach *= 2) {
    const together = sameAsBefore(place, reach);
    const earlier = where(together, shiftRight(product, reach), full(1, [length], product.dtype));
    const earlierTangent = where(together, shiftRight(tangent, reach), zerosLike(tangent));
    tangent = add(multiply(tangent, earlier), multiply(product, earlierTangent));
    product = multiply(product, earlier);
  }
  // The last of each segment has seen the whole of it.
  const head = slice(place, [0], [length - 1]);
  const tail = slice(place, [1], [length - 1]);
  const isLast = concatenate([notEqual(head, tail), full(true, [1], bool)], 0);
  const last = where(isLast, tangent, zerosLike(tangent));
  return scatter(zeros([count], tangent.dtype), reshape(last, [length, 1]), [place], [0], 'add');
}

/** Whether the element `reach` before lies in the same segment. */
function sameAsBefore(place: Node, reach: number): Node {
  const rest = place.shape[0] - reach;
  const same = equal(slice(place, [reach], [rest]), slice(place, [0], [rest]));
  return concatenate([full(false, [reach], bool), same], 0);
}

/** Each element moved `reach` to the right, zeros in front. */
function shiftRight(x: Node, reach: number): Node {
  return pad(slice(x, [0], [x.shape[0] - reach]), [reach], [0]);
}
