// jax-js's form of each line, jitted, on its wasm backend.

import { readFileSync } from 'node:fs';
import { defaultDevice, init, jit, nn, numpy as np, random } from '@jax-js/jax';
import { serve } from './serve.mjs';

await init('wasm');
defaultDevice('wasm');

const M = 16 * 1024 * 1024;
let seed = 0;
const vector = (n = M, low = -3, high = 3) => random.uniform(random.key(seed++), [n], { minval: low, maxval: high });
const matrix = (...shape) => random.normal(random.key(seed++), shape);
const square = () => [matrix(4096, 4096)];

/** Data made once; `f` is given fresh references each run, and its result is waited for and freed. */
const on = (make, f) => async () => {
  const data = make();
  for (const x of data) await x.ref.blockUntilReady?.();
  const jitted = jit(f);
  return async () => {
    const result = jitted(...data.map((x) => x.ref));
    await result.blockUntilReady();
    result.dispose();
  };
};

const { version } = JSON.parse(readFileSync(new URL('./node_modules/@jax-js/jax/package.json', import.meta.url), 'utf8'));
serve(`jax-js ${version} wasm`, {
  'vectorize: vmap': on(
    () => [matrix(4096, 100), matrix(100, 4096)],
    (x, y) => np.add(x, np.transpose(y)),
  ),
  'elementwise: exp of 16M': on(
    () => [vector()],
    (x) => np.exp(x),
  ),
  'elementwise: x + x of 16M': on(
    () => [vector()],
    (x) => np.add(x.ref, x),
  ),
  'elementwise: gelu (tanh) of 16M': on(
    () => [vector()],
    (x) => nn.gelu(x, { approximate: true }),
  ),
  'elementwise: 100-op multiply-add chain on 1M': on(
    () => [vector(1e6)],
    (x) => {
      let y = x;
      for (let i = 0; i < 50; i++) y = y.mul(1.0001).add(0.0001);
      return y;
    },
  ),
  'elementwise: Adam-like update of 16M': on(
    () => [vector(), vector(), vector(M, 0.1, 1)],
    (w, m, v) => w.sub(m.div(np.sqrt(v).add(1e-8)).mul(1e-3)),
  ),
  'reduce: sum over axis 0 of [4096, 4096]': on(square, (x) => np.sum(x, 0)),
  'reduce: sum over axis 1 of [4096, 4096]': on(square, (x) => np.sum(x, 1)),
  'reduce: sum of [4096, 4096]': on(square, (x) => np.sum(x)),
  'reduce: mean(square(w * x - y)) of 16M': on(
    () => [vector(), vector(), vector()],
    (w, x, y) => np.mean(np.square(w.mul(x).sub(y))),
  ),
  'reduce: softmax of [4096, 4096]': on(square, (x) => nn.softmax(x, -1)),
  'reduce: logsumexp of [4096, 4096]': on(square, (x) => nn.logsumexp(x, -1)),
  'reduce: argmax over axis 0 of [4096, 4096]': on(square, (x) => np.argmax(x, 0)),
  'reduce: argmax over axis 1 of [4096, 4096]': on(square, (x) => np.argmax(x, 1)),
  'reduce: sort of 1M': on(
    () => [vector(1 << 20)],
    (x) => np.sort(x),
  ),
  'reduce: argsort of 1M': on(
    () => [vector(1 << 20)],
    (x) => np.argsort(x),
  ),
  'matmul: 1024': on(
    () => [matrix(1024, 1024), matrix(1024, 1024)],
    (a, b) => np.matmul(a, b),
  ),
  'matmul: 2048': on(
    () => [matrix(2048, 2048), matrix(2048, 2048)],
    (a, b) => np.matmul(a, b),
  ),
  'matmul: batched 64 of 128': on(
    () => [matrix(64, 128, 128), matrix(64, 128, 128)],
    (a, b) => np.matmul(a, b),
  ),
  'matmul: [1, 4096] by [4096, 4096]': on(
    () => [matrix(1, 4096), matrix(4096, 4096)],
    (a, b) => np.matmul(a, b),
  ),
  'matmul: 1024 with bias and relu': on(
    () => [matrix(1024, 1024), matrix(1024, 1024), matrix(1024)],
    (a, b, bias) => nn.relu(np.matmul(a, b).add(bias)),
  ),
});
