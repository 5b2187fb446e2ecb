// jax-js's form of each line, jitted, on its wasm backend.

import { readFileSync } from 'node:fs';
import { defaultDevice, grad, init, jacfwd, jacrev, jit, nn, numpy as np, random, tree, valueAndGrad, vmap } from '@jax-js/jax';
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

function layers(sizes) {
  return sizes.slice(1).map((size, i) => ({ w: matrix(sizes[i], size).mul(1 / Math.sqrt(sizes[i])), b: np.zeros([size]) }));
}

const classes = (count) =>
  nn.oneHot(
    np.array(
      Array.from({ length: count }, (_, i) => i % 10),
      { dtype: np.int32 },
    ),
    10,
  );

function crossEntropy(params, x, y) {
  const scores = params.reduce((h, { w, b }, i) => np.add(np.matmul(i === 0 ? x : nn.relu(h), w), b), null);
  return np.mean(nn.logsumexp(scores.ref, -1).sub(np.sum(scores.mul(y), -1)));
}

/** A training step of a multilayer perceptron with Adam. */
async function training() {
  const params = layers([784, 512, 512, 10]);
  const zeros = () => params.map(({ w, b }) => ({ w: np.zeros(w.shape), b: np.zeros(b.shape) }));
  const x = matrix(128, 784);
  const y = classes(128);
  const gradients = valueAndGrad(crossEntropy);
  const step = jit((params, m, v, x, y, c1, c2) => {
    const [loss, grads] = gradients(tree.ref(params), x, y);
    const mean = tree.map((a, g) => a.mul(0.9).add(g.mul(0.1)), m, tree.ref(grads));
    const square = tree.map((a, g) => a.mul(0.999).add(np.square(g).mul(0.001)), v, grads);
    const update = (p, a, b) =>
      p.sub(
        a
          .mul(c1.ref)
          .div(np.sqrt(b.mul(c2.ref)).add(1e-8))
          .mul(1e-3),
      );
    const next = tree.map(update, params, tree.ref(mean), tree.ref(square));
    c1.dispose();
    c2.dispose();
    return [next, mean, square, loss];
  });
  let state = [params, zeros(), zeros()];
  let t = 0;
  return async () => {
    t++;
    const [next, mean, square, loss] = step(...state, x.ref, y.ref, np.array(1 / (1 - 0.9 ** t)), np.array(1 / (1 - 0.999 ** t)));
    state = [next, mean, square];
    await loss.data();
  };
}

/** The gradient of each example of a batch. */
async function perExample() {
  const params = layers([784, 128, 10]);
  const x = matrix(256, 784);
  const y = classes(256);
  const one = (params, x, y) => crossEntropy(params, x.reshape([1, 784]), y.reshape([1, 10]));
  const each = jit(vmap(grad(one), [null, 0, 0]));
  return async () => {
    const grads = each(tree.ref(params), x.ref, y.ref);
    for (const leaf of tree.leaves(grads)) await leaf.blockUntilReady();
    tree.dispose(grads);
  };
}

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
  'reduce: max over axis 0 of [4096, 4096]': on(square, (x) => np.max(x, 0)),
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
  'training: MLP 784-512-512-10 with Adam, eager': training,
  'training: MLP 784-512-512-10 with Adam, compiled': training,
  'per-example gradients: 784-128-10, batch 256': perExample,
  'hessian: jacfwd(jacrev(f)) of 64 variables': on(
    () => [matrix(64, 64), matrix(64)],
    (w, x) => {
      const f = (x) => np.sum(np.tanh(np.matmul(w.ref, x.ref)).mul(x));
      return jacfwd(jacrev(f))(x);
    },
  ),
});
