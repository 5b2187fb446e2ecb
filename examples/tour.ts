/** The function transforms tour: each example's call and what it gives. Run it with `npm run tour`. */

import * as mx from 'metalgrad';

/** Prints the call as the reader would type it, then its result. */
function show(call: string, result: unknown): void {
  console.log(`> ${call}`);
  console.log(result, '\n');
}

function heading(text: string): void {
  console.log(`── ${text} ${'─'.repeat(Math.max(0, 76 - text.length))}\n`);
}

heading('A transform returns a function');
const dfdx = mx.grad(mx.sin);
show('mx.grad(mx.sin)(mx.array(mx.pi))', dfdx(mx.array(mx.pi)));
show('mx.cos(mx.array(mx.pi))', mx.cos(mx.array(mx.pi)));

heading('which can be transformed again');
const d2fdx2 = mx.grad(mx.grad(mx.sin));
show('mx.grad(mx.grad(mx.sin))(mx.array(mx.pi / 2))', d2fdx2(mx.array(mx.pi / 2)));
show('mx.sin(mx.array(mx.pi / 2))', mx.sin(mx.array(mx.pi / 2)));

heading('Automatic differentiation');
const lossOf = (w: mx.array, x: mx.array, y: mx.array) => mx.mean(mx.square(w.multiply(x).subtract(y)));
const w = mx.array(1);
const x = mx.array([0.5, -0.5]);
const y = mx.array([1.5, -1.5]);
console.log('const loss = (w, x, y) => mx.mean(mx.square(w.multiply(x).subtract(y)))');
console.log('const w = mx.array(1), x = mx.array([0.5, -0.5]), y = mx.array([1.5, -1.5])\n');
show('mx.grad(loss)(w, x, y)', mx.grad(lossOf)(w, x, y));
show('mx.grad(loss, 1)(w, x, y)', mx.grad(lossOf, 1)(w, x, y));

heading('The value and the gradient together');
const [loss, dlossdw] = mx.valueAndGrad(lossOf)(w, x, y);
show('const [value, gradient] = mx.valueAndGrad(loss)(w, x, y); value', loss);
show('gradient', dlossdw);

heading('Gradients of trees of parameters');
interface Params {
  weight: mx.array;
  bias: mx.array;
}
const treeLoss = (params: Params, x: mx.array, y: mx.array) => {
  const h = params.weight.multiply(x).add(params.bias);
  return mx.mean(mx.square(h.subtract(y)));
};
const params: Params = { weight: mx.array(1), bias: mx.array(0) };
console.log('const loss = (params, x, y) => mx.mean(mx.square(params.weight.multiply(x).add(params.bias).subtract(y)))');
show('mx.grad(loss)({ weight: mx.array(1), bias: mx.array(0) }, x, y)', mx.grad(treeLoss)(params, x, y));

heading('Stopping a gradient');
const stopped = (w: mx.array, x: mx.array, y: mx.array) => mx.mean(mx.square(mx.stopGradient(w.multiply(x)).subtract(y).multiply(w)));
console.log('const loss = (w, x, y) => mx.mean(mx.square(mx.stopGradient(w.multiply(x)).subtract(y).multiply(w)))');
show('mx.grad(loss)(w, x, y)', mx.grad(stopped)(w, x, y));

heading('Automatic vectorization');
const xs = mx.random.uniform({ shape: [4096, 100] });
const ys = mx.random.uniform({ shape: [100, 4096] });
const naiveAdd = (xs: mx.array, ys: mx.array) => Array.from({ length: xs.shape[0] }, (_, i) => xs.index(i).add(ys.index(mx.Slice(), i)));
const vmapAdd = mx.vmap((x: mx.array, y: mx.array) => x.add(y), [0, 1]);
// The document maps over xs's second axis and ys's first; this is its naive loop's form, one result a row of xs.
const documentAdd = mx.vmap((x: mx.array, y: mx.array) => x.add(y), [1, 0]);
mx.eval(xs, ys);

console.log('const xs = mx.random.uniform({ shape: [4096, 100] }), ys = mx.random.uniform({ shape: [100, 4096] })');
console.log('const naive = (xs, ys) => Array.from({ length: 4096 }, (_, i) => xs.index(i).add(ys.index(mx.Slice(), i)))');
show('mx.vmap((x, y) => x.add(y), [1, 0])(xs, ys).shape', documentAdd(xs, ys).shape);
show(
  'mx.arrayEqual(mx.vmap((x, y) => x.add(y), [0, 1])(xs, ys), mx.stack(naive(xs, ys)))',
  mx.arrayEqual(vmapAdd(xs, ys), mx.stack(naiveAdd(xs, ys))),
);

/** Median milliseconds of one call, after a warm-up, the candidates taken in turn so that they meet the same weather. */
function medians(candidates: readonly (() => unknown)[], rounds: number): number[] {
  const times: number[][] = candidates.map(() => []);
  for (let round = -3; round < rounds; round++) {
    candidates.forEach((candidate, i) => {
      const start = performance.now();
      candidate();
      if (round >= 0) times[i].push(performance.now() - start);
    });
  }
  return times.map((list) => list.sort((a, b) => a - b)[list.length >> 1]);
}

// The list is timed by itself: the garbage of its 4096 results would be collected in the others' time.
const [naive] = medians([() => mx.eval(naiveAdd(xs, ys))], 21);
const [vectorized, direct] = medians([() => mx.eval(documentAdd(xs, ys)), () => mx.eval(xs.add(ys.T))], 101);
const ms = (value: number) => `${value.toFixed(3)} ms`;
console.log(`naive list of 4096 slices   ${ms(naive)}`);
console.log(`mx.vmap(add, [1, 0])        ${ms(vectorized)}   ${(naive / vectorized).toFixed(1)} times faster than the list`);
console.log(`xs.add(ys.T)                ${ms(direct)}   vmap takes ${(vectorized / direct).toFixed(2)} times this`);
