/** What decides in loops and choices: a bool without axes. */

import { type array, isArray, nodeOf, toNode } from '../../array';
import { bool } from '../../dtype';
import { rangeError, showShape, typeError } from '../../errors';
import type { Node } from '../../graph/node';
import { describe } from '../../ops/arguments';
import { astype } from '../../primitives/cast';

/** The node of a predicate. Numbers are true where they are not 0. */
export function predicateNode(where: string, name: string, value: unknown): Node {
  if (!isArray(value) && typeof value !== 'boolean' && typeof value !== 'number') {
    throw typeError(where, `${name} must be a bool without axes, not ${describe(value)}`);
  }
  const node = isArray(value) ? nodeOf(value as array, where) : toNode(value, undefined, where);
  if (node.shape.length > 0) throw rangeError(where, `${name} must be a bool without axes, not of shape ${showShape(node.shape)}`);
  if (node.dtype.kind === 'complex') throw typeError(where, `${name} must be a bool without axes, not ${node.dtype}`);
  return astype(node, bool);
}
