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

const sizes = [784, 512, 512, 10];
const batch = 128;

/** What a step evaluates: the state alone, the state and then the loss as it is read, or both at once. */
type Asked = 'state' | 'state, then loss' | 'state and loss';

function trainingSteps(compiled: boolean, asked: Asked = 'state'): Line['prepare'] {
  return () => {
    const params = layers(sizes);
    const zeros = () => params.map(({ w, b }) => ({ w: mx.zerosLike(w), b: mx.zerosLike(b) }));
    let state: State = { params, m: zeros(), v: zeros() };
    const x = mx.random.normal([batch, 784]);
    const y = mx.random.randint(0, 10, [batch]);
    mx.eval(state, x, y);
    const step = compiled ? mx.compile(adam) : adam;
    let t = 0;
    return () => {
      t++;
      const correction: [number, number] = [1 / (1 - beta1 ** t), 1 / (1 - beta2 ** t)];
      // A compiled function takes a changing number as an array: a bare one would be a constant of the recording.
      const [next, loss] = step(state, x, y, compiled ? [mx.array(correction[0]), mx.array(correction[1])] : correction);
      state = next;
      if (asked === 'state and loss') mx.eval(state, loss);
      else mx.eval(state);
      if (asked !== 'state') loss.item();
    };
  };
}

/** What a step cannot do without: its matrix products, and copies of what Adam reads and writes. */
function necessary(): () => void {
  const params = layers(sizes);
  const inputs = sizes.map((size) => mx.random.normal([batch, size]));
  const arrays = [params, params, params].flatMap((set) => set.flatMap(({ w, b }) => [w.add(0.5), b.add(0.5)]));
  mx.eval(params, inputs, arrays);
  return () => {
    const forward = params.map(({ w }, i) => inputs[i].matmul(w));
    const toWeights = params.map((_, i) => inputs[i].T.matmul(inputs[i + 1]));
    const toInputs = params.slice(1).map(({ w }, i) => inputs[i + 2].matmul(w.T));
    const copies = arrays.map((x) => x.negative());
    mx.eval(forward, toWeights, toInputs, copies);
  };
}

export const training: Line[] = [
  {
    name: 'training: MLP 784-512-512-10 with Adam, eager',
    prepare: trainingSteps(false),
    targets: { torch: 1.5, tfjs: 3, jax: 3 },
    beside: [
      { name: 'compiled', prepare: trainingSteps(true), atMost: 1 / 0.85 },
      { name: 'its products and copies', prepare: necessary, atMost: 1.15 },
    ],
  },
  {
    name: 'training: MLP 784-512-512-10 with Adam, compiled',
    prepare: trainingSteps(true),
    targets: { torch: 1.5, tfjs: 3, jax: 3 },
    beside: [{ name: 'its products and copies', prepare: necessary, atMost: 1.15 }],
  },
  {
    name: 'training: the same, eval(params) and then loss.item()',
    prepare: trainingSteps(false, 'state, then loss'),
    beside: [{ name: 'eval(params, loss)', prepare: trainingSteps(false, 'state and loss'), atMost: 1.05 }],
  },
];

const examples = 256;

export const perExample: Line[] = [
  {
    name: 'per-example gradients: 784-128-10, batch 256',
    targets: { torch: 20, jax: 3 },
    prepare: () => {
      const params = layers([784, 128, 10]);
      const x = mx.random.normal([examples, 784]);
      const y = mx.random.randint(0, 10, [examples]);
      mx.eval(params, x, y);
      const one = (params: Layer[], x: mx.array, y: mx.array) => crossEntropy(params, x.expandDims(0), y.expandDims(0));
      const each = mx.vmap(mx.grad(one), [null, 0, 0]);
      return () => mx.eval(each(params, x, y));
    },
    beside: [
      {
        name: 'writing the result',
        // Not of zeros: some processors write lines of them several times as fast as others.
        prepare: () => () => mx.eval([[784, 128], [128], [128, 10], [10]].map((shape) => mx.full([examples, ...shape], 0.5))),
        atMost: 1.5,
      },
    ],
  },
];
