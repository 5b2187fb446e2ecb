import * as mx from '../../lib';
import { float32 } from '../../lib/dtype';
import type { Node } from '../../lib/graph/node';
import * as p from '../../lib/primitives';
import { placeholder } from '../../lib/primitives/control';
import { addon } from '../../lib/runtime/binding';
import { evaluate } from '../../lib/runtime/evaluate';
import { collectEverything } from '../../lib/runtime/policy';
import { readScalar } from '../../lib/runtime/read';
import { explainSteps, scheduleOf } from '../../lib/schedule/explain';
import type { MemoryPlan } from '../../lib/schedule/memory';
import { sizeOf } from '../../lib/shape';
import { widest } from '../support/default';
import { buildProgram, Random } from './programs';

const limit = { maxOperands: 32, maxInstructions: 256, minEpilogue: 1, maxBlockBytes: Infinity };
const limits = [limit, limit];
const trace = { transform: 'test', active: true };
const input = (shape: readonly number[], dtype = float32): Node => placeholder(shape, dtype, trace);

/** The largest sum of the bytes of temporaries that are alive at one step. */
function largestSum({ temporaries }: MemoryPlan): number {
  let largest = 0;
  const last = Math.max(0, ...temporaries.map((buffer) => buffer.last));
  for (let position = 0; position <= last; position++) {
    let sum = 0;
    for (const buffer of temporaries) {
      const end = temporaries.some((other) => other.replaces === buffer && other.first === buffer.last) ? buffer.last - 1 : buffer.last;
      if (buffer.first <= position && position <= end) sum += buffer.byteLength;
    }
    largest = Math.max(largest, sum);
  }
  return largest;
}

/** No two temporaries that are alive together share bytes, unless one replaces the other in place. */
function isSound({ temporaries, arenaBytes }: MemoryPlan): boolean {
  return temporaries.every(
    (a) =>
      a.offset % 64 === 0 &&
      a.offset + a.byteLength <= (a.host === null ? arenaBytes : a.host.byteLength) &&
      (a.host === null || (a.host.output >= 0 && a.last < a.host.first)) &&
      temporaries.every((b) => {
        if (a === b || b.replaces === a || a.replaces === b || a.host !== b.host) return true;
        const together = a.first <= b.last && b.first <= a.last;
        return !together || a.offset >= b.offset + b.byteLength || b.offset >= a.offset + a.byteLength;
      }),
  );
}

describe('the arena', () => {
  test('of random programs gives no byte to two values at once', () => {
    for (let seed = 1; seed <= 150; seed++) {
      const { outputs } = buildProgram(new Random(seed), new Random(1), (shape) => input(shape, widest), 80);
      const { memory } = scheduleOf(outputs, limits);
      expect(isSound(memory)).toBe(true);
    }
  });

  test('has parts where the device has no block that is large enough, and no value lies across two', () => {
    let split = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const { outputs } = buildProgram(new Random(seed), new Random(1), (shape) => input(shape, widest), 80);
      const { memory } = scheduleOf(outputs, limits);
      const own = memory.temporaries.filter(({ host }) => host === null);
      const maxBlockBytes = Math.max(64, ...own.map(({ byteLength }) => Math.ceil(byteLength / 64) * 64));
      if (memory.arenaBytes > maxBlockBytes) split++;
      const parts = scheduleOf(buildProgram(new Random(seed), new Random(1), (shape) => input(shape, widest), 80).outputs, [
        { ...limit, maxBlockBytes },
        limit,
      ]).memory;
      expect(isSound(parts)).toBe(true);
      for (const { byteLength, host, offset } of parts.temporaries) {
        if (host === null) expect((offset % maxBlockBytes) + byteLength).toBeLessThanOrEqual(maxBlockBytes);
      }
    }
    expect(split).toBeGreaterThan(10);
  });

  test('of chains and trees of products of many sizes is at most a tenth larger than what is alive at once', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = new Random(seed);
      const live: Node[] = Array.from({ length: 4 }, () => input([16 * (1 + random.below(8)), 32]));
      for (let i = 0; i < 60; i++) {
        const at = random.below(live.length);
        const x = live[at];
        const columns = 16 * (1 + random.below(12));
        const product = p.matmul(x, input([x.shape[1], columns]));
        if (random.below(3) > 0) live[at] = product;
        else live.push(product);
        if (live.length > 6) live.splice(random.below(live.length), 1);
      }
      const sums = live.map((x) => p.sum(x, [0, 1]));
      const { memory } = scheduleOf(sums, limits);
      expect(isSound(memory)).toBe(true);
      expect(memory.arenaBytes).toBeLessThanOrEqual(1.1 * largestSum(memory));
    }
  });

  test('is two buffers for a chain of products, and one where results replace operands', () => {
    const size = 64 * 64 * 4;
    const w = input([64, 64]);
    let x = input([64, 64]);
    for (let i = 0; i < 10; i++) x = p.matmul(x, w);
    expect(scheduleOf([x], limits).memory.arenaBytes).toBe(2 * size);
    let y = p.matmul(w, w);
    for (let i = 0; i < 10; i++) y = p.exp(p.add(y, p.broadcastTo(p.max(y, [0]), [64, 64])));
    // A row of maxima is beside the matrix.
    expect(scheduleOf([y], limits).memory.arenaBytes).toBeLessThanOrEqual(size + 2 * 256);
  });

  test('layers that are computed again hold a fraction of what layers that are kept hold', () => {
    const shape = [64, 64];
    const layers = 16;
    const w = input(shape);
    const peak = (again: boolean): number => {
      const kept: Node[] = [];
      let x = input(shape);
      for (let i = 0; i < layers; i++) {
        kept.push(x);
        for (let k = 0; k < 4; k++) x = p.sin(p.matmul(x, w));
      }
      let cotangent = x;
      for (let i = layers - 1; i >= 0; i--) {
        let y = again ? p.depends(kept[i], [cotangent]) : kept[i];
        const inner: Node[] = [];
        for (let k = 0; k < 4; k++) {
          const product = p.matmul(y, w);
          inner.push(product);
          y = p.sin(product);
        }
        for (let k = 3; k >= 0; k--) cotangent = p.matmul(p.multiply(cotangent, p.cos(inner[k])), w);
      }
      return scheduleOf([cotangent], limits).memory.arenaBytes;
    };
    // Without ordering every layer's second computation may run early.
    expect(peak(true)).toBeLessThanOrEqual((layers + 12) * sizeOf(shape) * 4);
  });
});

describe('loops', () => {
  const step = (x: Node): Node => p.add(p.multiply(x, p.full(0.5, x.shape, float32)), p.full(1, x.shape, float32));

  test('that only build and evaluate hold memory and buffers flat', () => {
    let x = p.full(0, [1000], float32);
    let most = 0;
    for (let i = 0; i < 30_000; i++) {
      x = step(x);
      evaluate([x]);
      if (i % 500 === 0) most = Math.max(most, addon().memory()[3]);
    }
    expect(most).toBeLessThanOrEqual(4200);
    addon().collect();
    expect(readScalar(p.slice(x, [0], [1]))).toBe(2);
  }, 60_000);

  test.each(['', ', also after much more was live'])(
    'over large arrays stay near their working set%s',
    (after) => {
      const holdMuch = (): void => {
        const held = Array.from({ length: 64 }, () => p.full(1, [1 << 20], float32));
        evaluate(held);
      };
      if (after !== '') holdMuch();
      // What other tests of this process left behind counts as live, and the limit is twice what is live.
      collectEverything();
      const before = addon().memory()[0];
      let x = p.full(0, [1 << 20], float32);
      let most = 0;
      for (let i = 0; i < 400; i++) {
        x = step(x);
        evaluate([x]);
        most = Math.max(most, addon().memory()[0]);
      }
      expect(most).toBeLessThan(2 * before + 160 * 2 ** 20);
    },
    60_000,
  );

  test('that keep the last results, read every step and throw in the middle', () => {
    const last: Node[] = [];
    let x = p.full(0, [100], float32);
    for (let i = 0; i < 20_000; i++) {
      x = step(x);
      const loss = p.sum(x, [0]);
      last.push(x);
      if (last.length > 10) last.shift();
      readScalar(loss);
      if (i % 5000 === 0) expect(() => evaluate([p.exp(placeholder([1], float32, trace))])).toThrow();
    }
    addon().collect();
    expect(addon().memory()[3]).toBeLessThanOrEqual(4200);
  }, 60_000);
});

test('steps are told in words', () => {
  expect(explainSteps([p.sum(p.exp(input([4, 8])), [1])], limits)).toEqual([
    'kernel [4, Σ8]\n  v0 = load input0:float32[0; 8, 1]\n  v1 = exp v0 : float32\n  sum v1 → t2:float32[0; 1]',
  ]);
});

describe('in place', () => {
  test('a result never replaces an operand that a reduction of the same kernel still reads', () => {
    for (const shape of [
      [2, 2],
      [8, 16],
      [300, 400],
    ]) {
      const sorted = mx.sort(mx.random.uniform(0, 1, shape, mx.float32, mx.random.key(1)), -1);
      const total = sorted.sum(0);
      const product = mx.matmul(mx.negative(sorted), mx.eye(shape[1]));
      mx.eval(total, product);
      const difference = mx.max(mx.abs(total.add(product.sum(0)))).item();
      expect(difference).toBeLessThan(1e-3);
    }
  });
});
