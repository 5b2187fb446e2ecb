/** Lines that train: a step of a multilayer perceptron with Adam, and gradients for each example of a batch. */

import * as mx from 'metalgrad';
import type { Line } from '../harness';

interface Layer {
  w: mx.array;
  b: mx.array;
}

function layers(sizes: readonly number[]): Layer[] {
  return sizes.slice(1).map((size, i) => ({
    w: mx.random.normal([sizes[i], size], mx.float32, 0, 1 / Math.sqrt(sizes[i])),
    b: mx.zeros([size]),
  }));
}

function logits(params: readonly Layer[], x: mx.array): mx.array {
  return params.reduce((h, { w, b }, i) => (i === 0 ? x : mx.maximum(h, 0)).matmul(w).add(b), x);
}

function crossEntropy(params: Layer[], x: mx.array, y: mx.array): mx.array {
  const scores = logits(params, x);
  const picked = mx.takeAlongAxis(scores, y.reshape([-1, 1]), -1).squeeze(-1);
  return mx.mean(mx.logsumexp(scores, -1).subtract(picked));
}

type State = { params: Layer[]; m: Layer[]; v: Layer[] };

const rate = 1e-3;
const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];
const gradients = mx.valueAndGrad(crossEntropy);

/** One step of Adam; `correction` holds 1 / (1 - β₁ᵗ) and 1 / (1 - β₂ᵗ). */
function adam(state: State, x: mx.array, y: mx.array, correction: [mx.array | number, mx.array | number]): [State, mx.array] {
  const [loss, grads] = gradients(state.params, x, y);
  const next: State = { params: [], m: [], v: [] };
  state.params.forEach((layer, i) => {
    const [p, m, v] = [{ ...layer }, { ...layer }, { ...layer }];
    for (const name of ['w', 'b'] as const) {
      const g = grads[i][name];
      m[name] = state.m[i][name].multiply(beta1).add(g.multiply(1 - beta1));
      v[name] = state.v[i][name].multiply(beta2).add(mx.square(g).multiply(1 - beta2));
      const scaled = m[name].multiply(correction[0]).divide(mx.sqrt(v[name].multiply(correction[1])).add(epsilon));
      p[name] = layer[name].subtract(scaled.multiply(rate));
    }
    next.params.push(p);
    next.m.push(m);
    next.v.push(v);
  });
  return [next, loss];
}

function trainingLine(name: string, compiled: boolean, targets: Record<string, number>): Line {
  return {
    name,
    targets,
    prepare: () => {
      const params = layers([784, 512, 512, 10]);
      const zeros = () => params.map(({ w, b }) => ({ w: mx.zerosLike(w), b: mx.zerosLike(b) }));
      let state: State = { params, m: zeros(), v: zeros() };
      const x = mx.random.normal([128, 784]);
      const y = mx.random.randint(0, 10, [128]);
      mx.eval(state, x, y);
      const step = compiled ? mx.compile(adam) : adam;
      let t = 0;
      return () => {
        t++;
        const correction: [number, number] = [1 / (1 - beta1 ** t), 1 / (1 - beta2 ** t)];
        // A compiled function takes a changing number as an array: a bare one would be a constant of the recording.
        const [next] = step(state, x, y, compiled ? [mx.array(correction[0]), mx.array(correction[1])] : correction);
        state = next;
        mx.eval(state);
      };
    },
  };
}

export const training: Line[] = [
  trainingLine('training: MLP 784-512-512-10 with Adam, eager', false, { torch: 1.5 }),
  trainingLine('training: MLP 784-512-512-10 with Adam, compiled', true, { torch: 1.5 }),
];

export const perExample: Line[] = [
  {
    name: 'per-example gradients: 784-128-10, batch 256',
    targets: { torch: 20 },
    prepare: () => {
      const params = layers([784, 128, 10]);
      const x = mx.random.normal([256, 784]);
      const y = mx.random.randint(0, 10, [256]);
      mx.eval(params, x, y);
      const one = (params: Layer[], x: mx.array, y: mx.array) => crossEntropy(params, x.expandDims(0), y.expandDims(0));
      const each = mx.vmap(mx.grad(one), [null, 0, 0]);
      return () => mx.eval(each(params, x, y));
    },
  },
];
