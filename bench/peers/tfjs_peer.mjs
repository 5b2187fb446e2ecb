// TensorFlow.js's form of each line, on its wasm backend.

import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { serve } from './serve.mjs';

const require = createRequire(import.meta.url);
const log = console.log;
console.log = () => {};
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
wasm.setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'))}/dist/`);
await tf.setBackend('wasm');
await tf.ready();
console.log = log;

const M = 16 * 1024 * 1024;
const vector = (n = M, low = -3, high = 3) => tf.randomUniform([n], low, high);
const square = () => tf.randomNormal([4096, 4096]);

/** Runs f, waits for its result and frees it. */
const timed = (f) => () => {
  const result = tf.tidy(f);
  for (const tensor of Array.isArray(result) ? result : [result]) {
    tensor.dataSync();
    tensor.dispose();
  }
};
const on = (make, f) => () => {
  const data = make();
  return timed(() => f(...data));
};

/** A training step of a multilayer perceptron with Adam. */
function training() {
  const sizes = [784, 512, 512, 10];
  const layers = sizes.slice(1).map((size, i) => ({
    w: tf.variable(tf.randomNormal([sizes[i], size], 0, 1 / Math.sqrt(sizes[i]))),
    b: tf.variable(tf.zeros([size])),
  }));
  const x = tf.randomNormal([128, 784]);
  const y = tf.oneHot(tf.randomUniform([128], 0, 10, 'int32'), 10);
  const optimizer = tf.train.adam(1e-3);
  const logits = () => layers.reduce((h, { w, b }, i) => (i === 0 ? x : h.relu()).matMul(w).add(b), x);
  return () => {
    const loss = optimizer.minimize(() => tf.losses.softmaxCrossEntropy(y, logits()), true);
    loss.dataSync();
    loss.dispose();
  };
}

serve(`TensorFlow.js ${tf.version_core} wasm`, {
  'vectorize: vmap': on(
    () => [tf.randomNormal([4096, 100]), tf.randomNormal([100, 4096])],
    (x, y) => x.add(y.transpose()),
  ),
  'elementwise: exp of 16M': on(
    () => [vector()],
    (x) => x.exp(),
  ),
  'elementwise: x + x of 16M': on(
    () => [vector()],
    (x) => x.add(x),
  ),
  'elementwise: gelu (tanh) of 16M': on(
    () => [vector()],
    (x) =>
      x.mul(0.5).mul(
        x
          .pow(3)
          .mul(0.044715)
          .add(x)
          .mul(Math.sqrt(2 / Math.PI))
          .tanh()
          .add(1),
      ),
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
    (w, m, v) => w.sub(m.div(v.sqrt().add(1e-8)).mul(1e-3)),
  ),
  'reduce: sum over axis 0 of [4096, 4096]': on(
    () => [square()],
    (x) => x.sum(0),
  ),
  'reduce: sum over axis 1 of [4096, 4096]': on(
    () => [square()],
    (x) => x.sum(1),
  ),
  'reduce: sum of [4096, 4096]': on(
    () => [square()],
    (x) => x.sum(),
  ),
  'reduce: mean(square(w * x - y)) of 16M': on(
    () => [vector(), vector(), vector()],
    (w, x, y) => w.mul(x).sub(y).square().mean(),
  ),
  'reduce: softmax of [4096, 4096]': on(
    () => [square()],
    (x) => x.softmax(),
  ),
  'reduce: logsumexp of [4096, 4096]': on(
    () => [square()],
    (x) => x.logSumExp(1),
  ),
  'reduce: max over axis 0 of [4096, 4096]': on(
    () => [square()],
    (x) => x.max(0),
  ),
  'reduce: argmax over axis 0 of [4096, 4096]': on(
    () => [square()],
    (x) => x.argMax(0),
  ),
  'reduce: argmax over axis 1 of [4096, 4096]': on(
    () => [square()],
    (x) => x.argMax(1),
  ),
  'reduce: sort of 1M': on(
    () => [vector(1 << 20)],
    (x) => tf.topk(x, 1 << 20).values,
  ),
  'reduce: argsort of 1M': on(
    () => [vector(1 << 20)],
    (x) => tf.topk(x, 1 << 20).indices,
  ),
  'matmul: 1024': on(
    () => [tf.randomNormal([1024, 1024]), tf.randomNormal([1024, 1024])],
    (a, b) => a.matMul(b),
  ),
  'matmul: 2048': on(
    () => [tf.randomNormal([2048, 2048]), tf.randomNormal([2048, 2048])],
    (a, b) => a.matMul(b),
  ),
  'matmul: batched 64 of 128': on(
    () => [tf.randomNormal([64, 128, 128]), tf.randomNormal([64, 128, 128])],
    (a, b) => a.matMul(b),
  ),
  'matmul: [1, 4096] by [4096, 4096]': on(
    () => [tf.randomNormal([1, 4096]), tf.randomNormal([4096, 4096])],
    (a, b) => a.matMul(b),
  ),
  'matmul: 1024 with bias and relu': on(
    () => [tf.randomNormal([1024, 1024]), tf.randomNormal([1024, 1024]), tf.randomNormal([1024])],
    (a, b, bias) => tf.fused.matMul({ a, b, bias, activation: 'relu' }),
  ),
  'training: MLP 784-512-512-10 with Adam, eager': training,
  'training: MLP 784-512-512-10 with Adam, compiled': training,
});
