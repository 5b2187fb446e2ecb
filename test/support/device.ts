/** Moves reference values to the device and back. */

import { bfloat16, float16 } from '../../lib/dtype';
import type { Node } from '../../lib/graph/node';
import { toTypedArray } from '../../lib/runtime/read';
import { fromBytes } from '../../lib/runtime/upload';
import { elementArray, fromBfloat16, fromFloat16 } from '../../lib/values/elements';
import { toBfloat16, toFloat16 } from '../../lib/values/half';
import { type Complex, complex } from './complex';
import { type Value, valueOf } from './interpret';

/** An array that holds the value, rounded to its dtype. */
export function upload({ shape, dtype, elements }: Value): Node {
  const bytes = new Uint8Array(elements.length * dtype.size);
  const target = elementArray(dtype, bytes.buffer, 0, elements.length);
  elements.forEach(({ re, im }, k) => {
    if (dtype.kind === 'complex') {
      target[2 * k] = re;
      target[2 * k + 1] = im;
    } else if (target instanceof BigInt64Array || target instanceof BigUint64Array) {
      target[k] = BigInt(re);
    } else if (dtype === float16) {
      target[k] = toFloat16(re);
    } else {
      target[k] = dtype === bfloat16 ? toBfloat16(re) : re;
    }
  });
  return fromBytes(bytes, shape, dtype);
}

/** The value of an array, evaluated if it was not. */
export function download(node: Node): Value {
  const { shape, dtype } = node;
  const source = toTypedArray(node);
  const at = (k: number): number => Number(source[k]);
  const element = (k: number): Complex => {
    if (dtype.kind === 'complex') return complex(at(2 * k), at(2 * k + 1));
    if (dtype === float16) return complex(fromFloat16(at(k)));
    return complex(dtype === bfloat16 ? fromBfloat16(at(k)) : at(k));
  };
  const count = shape.reduce((size, axis) => size * axis, 1);
  return valueOf(
    shape,
    dtype,
    Array.from({ length: count }, (_, k) => element(k)),
  );
}
