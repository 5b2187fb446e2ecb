import { constants, PerformanceObserver } from 'node:perf_hooks';

import * as mx from '../../lib';

/** How often V8 collected its whole heap while `work` ran. */
async function fullCollections(work: () => void): Promise<number> {
  let count = 0;
  const observer = new PerformanceObserver((list) => {
    // Node's types leave out what entries of the collector have.
    for (const { detail } of list.getEntries() as unknown as { detail: { kind: number } }[]) {
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) count++;
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  work();
  // Entries are told once the loop is over.
  await new Promise((resolve) => setTimeout(resolve, 50));
  observer.disconnect();
  return count;
}

test('a loop over large arrays does not collect the whole heap of the program again and again', async () => {
  const heap = Array.from({ length: 200_000 }, (_, i) => ({ i, text: `object ${i}` }));
  const x = mx.zeros([2 ** 22]).add(1);
  mx.eval(x);
  const steps = 120;
  const before = mx.getActiveMemory();
  mx.resetPeakMemory();
  const count = await fullCollections(() => {
    for (let step = 0; step < steps; step++) mx.eval(x.add(step));
  });
  expect(heap).toHaveLength(200_000);
  // 1.9 GB went through; V8 itself starts a collection for each 64 MB that it is told of.
  expect(count).toBeLessThanOrEqual(steps / 20);
  expect(mx.getPeakMemory() - before).toBeLessThan(512 * 2 ** 20);
});
