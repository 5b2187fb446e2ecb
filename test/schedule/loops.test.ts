/** Loops as users write them plan what they do once: afterwards only numbers change. */

import * as mx from '../../lib';
import { addon } from '../../lib/runtime/binding';
import { planCounters } from '../../lib/runtime/evaluate';

/** Runs `step` for a number of steps; gives how many plans each made, and how many evaluations found theirs. */
function counted(steps: number, step: (i: number) => void): { plans: number; hits: number }[] {
  return Array.from({ length: steps }, (_, i) => {
    const { plans, hits } = planCounters();
    step(i);
    return { plans: planCounters().plans - plans, hits: planCounters().hits - hits };
  });
}

test('decoding with a key-value cache', () => {
  const [width, capacity] = [16, 200];
  const weights = Array.from({ length: 4 }, (_, i) => mx.random.normal([width, width], { key: mx.random.key(i) }).multiply(0.3));
  const keys = mx.zeros([1, 2, capacity, width / 2]);
  const values = mx.zeros([1, 2, capacity, width / 2]);
  mx.eval(weights, keys, values);
  const heads = (x: mx.array): mx.array => x.reshape(1, 1, 2, width / 2).transpose(0, 2, 1, 3);
  let token = mx.ones([1, width]);
  const seen: mx.array[] = [];
  const made = counted(capacity, (i) => {
    const [q, k, v] = weights.slice(0, 3).map((w) => heads(token.matmul(w)));
    keys.indexPut_([mx.Slice(), mx.Slice(), mx.Slice(i, i + 1)], k);
    values.indexPut_([mx.Slice(), mx.Slice(), mx.Slice(i, i + 1)], v);
    const visible = mx.lessEqual(mx.arange(capacity, mx.int32), i);
    const attended = mx.fast.scaledDotProductAttention(q, keys, values, Math.sqrt(2 / width), visible);
    token = mx.tanh(attended.transpose(0, 2, 1, 3).reshape(1, width).matmul(weights[3]));
    mx.eval(token, keys, values);
    seen.push(token);
  });
  expect(made.slice(2).every(({ plans, hits }) => plans === 0 && hits === 1)).toBe(true);
  expect(new Set(seen.map((x) => x.sum().item())).size).toBeGreaterThan(capacity / 2);
});

test('training on minibatches that are slices', () => {
  const x = mx.random.normal([256, 8], { key: mx.random.key(0) });
  const y = x.sum(1);
  mx.eval(x, y);
  let w = mx.zeros([8]);
  const gradient = mx.grad((w: mx.array, x: mx.array, y: mx.array) => mx.mean(mx.square(x.matmul(w).subtract(y))));
  const made = counted(60, (i) => {
    const start = (i * 16) % 256;
    w = w.subtract(gradient(w, x.index(mx.Slice(start, start + 16)), y.index(mx.Slice(start, start + 16))).multiply(0.1 / (1 + i / 20)));
    mx.eval(w);
  });
  expect(made.slice(2).every(({ plans, hits }) => plans === 0 && hits === 1)).toBe(true);
  expect(mx.allclose(w, mx.ones([8]), 0.1, 0.1).item()).toBe(true);
});

describe('parameters evaluated, then the loss read', () => {
  const x = mx.random.normal([64, 8], { key: mx.random.key(0) });
  mx.eval(x);
  const lossOf = (w: mx.array): mx.array => mx.mean(mx.square(x.matmul(w)));
  const transformed = mx.valueAndGrad(lossOf);
  /** A loss and new parameters: by a transform, and by hand, where the loss is a node like others. */
  const steps: Record<string, (w: mx.array) => [mx.array, mx.array]> = {
    'of valueAndGrad': (w) => {
      const [loss, gradient] = transformed(w);
      return [loss, w.subtract(gradient.multiply(0.1))];
    },
    'by hand': (w) => {
      const y = x.matmul(w);
      const loss = mx.sqrt(mx.sum(mx.square(y)));
      return [loss, w.subtract(x.transpose().matmul(y.divide(loss)).multiply(0.01))];
    },
  };

  const programs = new Map<number, number[]>();
  beforeAll(() => {
    const { load } = addon();
    jest.spyOn(addon(), 'load').mockImplementation((words, label) => {
      const program = load(words, label);
      programs.set(program, [...words.subarray(2, 8)]);
      return program;
    });
  });
  afterAll(() => jest.restoreAllMocks());

  test.each(Object.keys(steps))('one plan a step from the third on: %s', (name) => {
    let w = mx.ones([8]);
    mx.eval(w);
    const losses: number[] = [];
    const made = counted(10, () => {
      const [loss, next] = steps[name](w);
      w = next;
      mx.eval(w);
      losses.push(loss.item() as number);
    });
    expect(made.slice(2).every(({ plans, hits }) => plans === 0 && hits === 1)).toBe(true);
    expect(losses[9]).toBeLessThan(losses[0]);
  });

  test.each(Object.keys(steps))('from the third step on the work of evaluating both at once: %s', (name) => {
    const runs = jest.spyOn(addon(), 'run');
    /** Of each run of the last steps: how many words its program has, and the counts of inputs, outputs, temporaries, arguments and steps. */
    const work = (evaluated: (w: mx.array, loss: mx.array) => void): number[][] => {
      let w = mx.ones([8]);
      mx.eval(w);
      for (let i = 0; i < 6; i++) {
        runs.mockClear();
        const [loss, next] = steps[name](w);
        w = next;
        evaluated(w, loss);
      }
      return runs.mock.calls.map(([program]) => programs.get(program) as number[]);
    };
    const separately = work((w, loss) => {
      mx.eval(w);
      loss.item();
    });
    const together = work((w, loss) => {
      mx.eval(w, loss);
      loss.item();
    });
    runs.mockRestore();
    expect(separately).toHaveLength(1);
    expect(separately).toEqual(together);
  });
});
