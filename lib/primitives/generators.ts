/** Arrays from nothing: constants and progressions, whose values are arguments of a plan. */

import type { Dtype } from '../dtype';
import { Node, type Shape } from '../graph/node';
import { definePrimitive, type Scalar } from './primitive';
import { neverMapped, noTangent } from './rules';

export interface FullAttrs {
  readonly value: Scalar;
  readonly shape: Shape;
  readonly dtype: Dtype;
}

const noInputs: readonly Node[] = [];

const fullNode = definePrimitive<FullAttrs>({
  name: 'full',
  lowering: { kind: 'full' },
  args: ({ value }, args, dtype) => args.scalar(value, dtype),
  infer: (_inputs, { shape, dtype }) => ({ shape, dtype }),
  jvp: noTangent,
  vmap: neverMapped,
});

/** The same value everywhere. */
export function full(value: Scalar, shape: Shape, dtype: Dtype): Node {
  return new Node(fullNode, noInputs, { value, shape, dtype } satisfies FullAttrs, shape, dtype);
}

/** The value of a node made by `full`, else undefined. */
export function fullValue(x: Node): Scalar | undefined {
  return x.primitive === fullNode ? (x.attrs as FullAttrs).value : undefined;
}

export function zeros(shape: Shape, dtype: Dtype): Node {
  return full(0, shape, dtype);
}

export function ones(shape: Shape, dtype: Dtype): Node {
  return full(1, shape, dtype);
}

export interface ArangeAttrs {
  readonly start: Scalar;
  readonly step: Scalar;
  readonly shape: Shape;
  readonly axis: number;
  readonly dtype: Dtype;
}

const arangeNode = definePrimitive<ArangeAttrs>({
  name: 'arange',
  lowering: { kind: 'arange', axis: ({ axis }) => axis },
  key: ({ axis }, key) => key.int(axis),
  args({ start, step }, args, dtype) {
    args.scalar(start, dtype);
    args.scalar(step, dtype);
  },
  infer: (_inputs, { shape, dtype }) => ({ shape, dtype }),
  jvp: noTangent,
  vmap: neverMapped,
});

/** start + step · (index along `axis`). */
export function arange(start: Scalar, step: Scalar, shape: Shape, axis: number, dtype: Dtype): Node {
  return new Node(arangeNode, noInputs, { start, step, shape, axis, dtype } satisfies ArangeAttrs, shape, dtype);
}
