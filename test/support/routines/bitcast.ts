/** Bits read as another dtype, through a buffer. */

import { bfloat16, bool, type Dtype, float16 } from '../../../lib/dtype';
import { elementArray, fromBfloat16, fromFloat16 } from '../../../lib/values/elements';
import { toBfloat16, toFloat16 } from '../../../lib/values/half';
import { type Complex, complex } from '../complex';
import type { RoutineReference } from '.';

function bytesOf(elements: readonly Complex[], dtype: Dtype): ArrayBuffer {
  const buffer = new ArrayBuffer(elements.length * dtype.size);
  const target = elementArray(dtype, buffer, 0, elements.length);
  elements.forEach(({ re, im }, k) => {
    if (dtype.kind === 'complex') {
      target[2 * k] = re;
      target[2 * k + 1] = im;
    } else if (target instanceof BigInt64Array || target instanceof BigUint64Array) target[k] = BigInt(re);
    else if (dtype === float16) target[k] = toFloat16(re);
    else target[k] = dtype === bfloat16 ? toBfloat16(re) : re;
  });
  return buffer;
}

function elementsOf(buffer: ArrayBuffer, dtype: Dtype): Complex[] {
  const count = buffer.byteLength / dtype.size;
  const source = elementArray(dtype, buffer, 0, count);
  return Array.from({ length: count }, (_, k) => {
    if (dtype.kind === 'complex') return complex(Number(source[2 * k]), Number(source[2 * k + 1]));
    const value = Number(source[k]);
    if (dtype === float16) return complex(fromFloat16(value));
    if (dtype === bool) return complex(value === 0 ? 0 : 1);
    return complex(dtype === bfloat16 ? fromBfloat16(value) : value);
  });
}

export const bitcast: RoutineReference = ([x], _ints, _args, node) => [elementsOf(bytesOf(x.elements, x.dtype), node.dtype)];
