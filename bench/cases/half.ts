/** The same in 16-bit floats, where the arithmetic is done in float32. */

import * as mx from 'metalgrad';
import type { Line } from '../harness';
import { evaluating, many, matrix, preparing, vector } from './data';
import { gelu } from './elementwise';

const product = (a: mx.array, b: mx.array) => a.matmul(b);

function lines(name: string, dtype: mx.Dtype): Line[] {
  const square = () => [matrix([4096, 4096], dtype)];
  return [
    evaluating(`half: gelu (tanh) of 16M, ${name}`, () => [vector(many, -3, 3, dtype)], gelu),
    evaluating(
      `half: exp of 16M, ${name}`,
      () => [vector(many, -3, 3, dtype)],
      (x) => mx.exp(x),
    ),
    evaluating(
      `half: x + x of 16M, ${name}`,
      () => [vector(many, -3, 3, dtype)],
      (x) => x.add(x),
    ),
    evaluating(`half: sum over axis 1 of [4096, 4096], ${name}`, square, (x) => x.sum(1)),
    evaluating(`half: softmax of [4096, 4096], ${name}`, square, (x) => mx.softmax(x, -1)),
    evaluating(`half: argmax over axis 1 of [4096, 4096], ${name}`, square, (x) => x.argmax(1)),
    evaluating(`half: matmul 512, ${name}`, () => [matrix([512, 512], dtype), matrix([512, 512], dtype)], product, {
      beside: [{ name: 'float32', prepare: preparing(() => [matrix([512, 512]), matrix([512, 512])], product), atMost: 1.5 }],
    }),
  ];
}

export const half: Line[] = [...lines('float16', mx.float16), ...lines('bfloat16', mx.bfloat16)];
