/**
 * A plain synchronous training loop over minibatches: no dispose, no tidy, no await. Memory stays where it was.
 *
 *     node scripts/run.mjs examples/plain-loop.ts [steps]
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as mx from 'metalgrad';

interface Params {
  w1: mx.array;
  b1: mx.array;
  w2: mx.array;
  b2: mx.array;
}

const steps = Number(process.argv[2] ?? 100_000);
const examples = 60_000;
const batch = 32;

const x = mx.random.normal([examples, 784], { key: mx.random.key(0) });
const y = mx.argmax(x.index(mx.Slice(), mx.Slice(0, 10)), 1);
let params: Params = {
  w1: mx.random.normal([784, 32], mx.float32, 0, 0.03, mx.random.key(1)),
  b1: mx.zeros([32]),
  w2: mx.random.normal([32, 10], mx.float32, 0, 0.2, mx.random.key(2)),
  b2: mx.zeros([10]),
};

const loss = (p: Params, x: mx.array, y: mx.array) => {
  const scores = mx.tanh(x.matmul(p.w1).add(p.b1)).matmul(p.w2).add(p.b2);
  return mx.mean(mx.logsumexp(scores, -1).subtract(mx.takeAlongAxis(scores, y.expandDims(1), 1).squeeze(1)));
};
const gradient = mx.valueAndGrad(loss);
const descend = (p: mx.array, g: mx.array) => p.subtract(g.multiply(0.02));

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Resident memory as it is, in megabytes, and the buffers of arrays that something still refers to. */
function measured(): { resident: number; buffers: number } {
  const resident = process.memoryUsage.rss() / 2 ** 20;
  let buffers = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 10; i++) {
    collectGarbage();
    buffers = Math.min(buffers, mx.getWrappersCount());
    // V8 compiles the loop in the background, with the objects that it saw there: they are free once it has finished.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
  return { resident, buffers };
}

/** V8 lets its young generation grow for as long as much survives; this brings it to its full size, so that what grows later is ours. */
function fillYoungGeneration(): void {
  let z = params.b2;
  for (let i = 0; i < 300_000; i++) z = z.add(1);
}

const losses: number[] = [];

function train(step: number): void {
  const start = (step * batch) % examples;
  const part = mx.Slice(start, start + batch);
  const [value, g] = gradient(params, x.index(part), y.index(part));
  params = { w1: descend(params.w1, g.w1), b1: descend(params.b1, g.b1), w2: descend(params.w2, g.w2), b2: descend(params.b2, g.b2) };
  mx.eval(params);
  if (step % Math.max(1, Math.floor(steps / 8)) === 0) losses.push(value.item() as number);
}

/** Goes on to step `last`, and says what is live then. */
function trainUntil(last: number): string {
  for (; done < last; done++) train(done + 1);
  const { resident, buffers } = measured();
  return `after step ${last}: ${resident.toFixed(1)} MB resident, ${buffers} live buffers`;
}

fillYoungGeneration();
let done = 0;
const reports = [Math.min(1000, steps), steps].map(trainUntil);
console.log(`loss ${losses.map((value) => value.toFixed(3)).join(' ')}, over all ${(loss(params, x, y).item() as number).toFixed(3)}`);
for (const report of reports) console.log(report);
