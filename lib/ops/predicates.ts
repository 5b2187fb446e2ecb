/** Tests of elements, as nodes: what comparisons and reductions share. */

import { bool } from '../dtype';
import type { Node } from '../graph/node';
import * as p from '../primitives';

function constant(x: Node, value: boolean): Node {
  return p.full(value, x.shape, bool);
}

function equalsNumber(x: Node, value: number): Node {
  return p.equal(x, p.full(value, x.shape, x.dtype));
}

/** The test of a complex number from that of its parts. */
function ofParts(x: Node, test: (part: Node) => Node, combine: (a: Node, b: Node) => Node): Node {
  return x.dtype.kind === 'complex' ? combine(test(p.real(x)), test(p.imag(x))) : test(x);
}

/** As bool: whether each element is not 0. */
export function toBool(x: Node): Node {
  return x.dtype === bool ? x : p.notEqual(x, p.full(0, x.shape, x.dtype));
}

export const isNanNode = (x: Node): Node => (x.dtype.inexact ? p.notEqual(x, x) : constant(x, false));
export const isInfNode = (x: Node): Node =>
  x.dtype.inexact ? ofParts(x, (part) => equalsNumber(p.abs(part), Number.POSITIVE_INFINITY), p.bitwiseOr) : constant(x, false);
/** x - x is 0 for finite x and NaN for the others. */
export const isFiniteNode = (x: Node): Node => (x.dtype.inexact ? equalsNumber(p.subtract(x, x), 0) : constant(x, true));
/** Where a floating array is one number, an infinity for example; nowhere in an array of integers. */
export const isNumberNode = (x: Node, value: number): Node => (x.dtype.inexact ? equalsNumber(x, value) : constant(x, false));
