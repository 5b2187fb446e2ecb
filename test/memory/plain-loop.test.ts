import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');

// The example runs 100,000 steps; these are enough to see a step that leaves something behind.
test('the plain loop of the examples holds its memory', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/run.mjs', 'examples/plain-loop.ts', '4000'], {
    cwd: root,
    encoding: 'utf8',
    // The example is about memory that arrays share with nothing else.
    env: { ...process.env, METALGRAD_METAL: '', METALGRAD_TEST_DEVICE: '' },
  });
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  const measured = [...stdout.matchAll(/after step (\d+): ([\d.]+) MB resident, (\d+) live buffers/g)].map((line) =>
    line.slice(1).map(Number),
  );
  expect(measured.map(([step]) => step)).toEqual([1000, 4000]);
  const [[, resident, buffers], [, residentLater, buffersLater]] = measured;
  expect(Math.abs(residentLater / resident - 1)).toBeLessThan(0.05);
  // Both are counted after a full collection, at the same place in a step.
  expect(Math.abs(buffersLater / buffers - 1)).toBeLessThan(0.05);
}, 300_000);
