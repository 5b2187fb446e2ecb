import * as mx from '../../lib';
import { type array, nodeOf } from '../../lib/array';
import { limits } from '../../lib/runtime/devices';
import { collectEverything } from '../../lib/runtime/policy';
import { scheduleOf } from '../../lib/schedule/explain';
import { type Buffer, bufferOf } from '../../lib/schedule/memory';

/** The largest sum of the bytes of results and temporaries that are alive at one step of the program for `arrays`. */
function largestSum(arrays: readonly array[]): number {
  const { steps } = scheduleOf(
    arrays.map((x) => nodeOf(x, 'test')),
    limits(),
  );
  const buffers = new Set<Buffer>();
  for (const step of steps) {
    for (const item of step.items) if (item.stored) buffers.add(bufferOf(item));
  }
  let largest = 0;
  for (let position = 0; position < steps.length; position++) {
    let sum = 0;
    for (const buffer of buffers) {
      const replaced = [...buffers].some((other) => other.replaces === buffer && other.first === position);
      const alive = buffer.first <= position && (buffer.output >= 0 || position <= buffer.last) && !replaced;
      if (alive) sum += buffer.byteLength;
    }
    largest = Math.max(largest, sum);
  }
  return largest;
}

function matrix(...shape: number[]): mx.array {
  const x = mx.random.normal(shape);
  mx.eval(x);
  return x;
}

const programs: Record<string, () => mx.array[]> = {
  'a chain of products': () => {
    let x = matrix(512, 512);
    const w = matrix(512, 512);
    for (let i = 0; i < 8; i++) x = mx.tanh(x.matmul(w));
    return [x.sum()];
  },
  'gradients of a multilayer perceptron': () => {
    const weights = Array.from({ length: 6 }, () => matrix(256, 256));
    const x = matrix(1024, 256);
    const loss = (...ws: mx.array[]) => mx.mean(mx.square(ws.reduce((h, w) => mx.tanh(h.matmul(w)), x)));
    return mx.grad(loss, [0, 1, 2, 3, 4, 5])(...weights) as mx.array[];
  },
  'gradients larger than what they are made from': () => {
    const weights = Array.from({ length: 6 }, () => matrix(1024, 1024));
    const x = matrix(16, 1024);
    const loss = (...ws: mx.array[]) => mx.mean(mx.square(ws.reduce((h, w) => mx.tanh(h.matmul(w)), x)));
    return mx.grad(loss, [0, 1, 2, 3, 4, 5])(...weights) as mx.array[];
  },
  'a training step with momentum': () => {
    const weights = Array.from({ length: 12 }, () => matrix(256, 256));
    const x = matrix(512, 256);
    const loss = (...ws: mx.array[]) => mx.mean(mx.square(ws.reduce((h, w) => mx.tanh(h.matmul(w)), x)));
    const gradients = mx.grad(
      loss,
      weights.map((_, i) => i),
    )(...weights) as mx.array[];
    return gradients.flatMap((gradient, i) => {
      const moment = gradient.square().add(weights[i]);
      return [moment, weights[i].subtract(gradient.divide(moment.sqrt().add(1)))];
    });
  },
  'sorts and scans': () => {
    const x = matrix(256, 2048);
    return [mx.cumsum(mx.sort(x, -1), 1).add(mx.argsort(x, -1)), mx.softmax(x, -1)];
  },
};

test.each(Object.keys(programs))('the peak of an evaluation is what its program needs at once: %s', (name) => {
  const arrays = programs[name]();
  collectEverything();
  const needed = largestSum(arrays);
  mx.resetPeakMemory();
  const before = mx.getActiveMemory();
  mx.eval(arrays);
  const used = mx.getPeakMemory() - before;
  expect(needed).toBeGreaterThan(2 ** 20);
  expect(used).toBeLessThanOrEqual(1.1 * needed);
});
