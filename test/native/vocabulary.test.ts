/** Both sides of the addon speak the same language. */

import { dtypes } from '../../lib/dtype';
import { addon } from '../../lib/runtime/binding';
import { limits } from '../../lib/runtime/devices';
import { elementwiseOps, reduceOps, routines, scatterModes, stepKinds } from '../../lib/schedule/opcodes';
import { formatVersion } from './encode';

test('names and their codes agree', () => {
  const described = addon().describe();
  expect(described.formatVersion).toBe(formatVersion);
  expect(described.dtypes).toEqual(dtypes.map((dtype) => dtype.name));
  expect(described.elementwiseOps).toEqual([...elementwiseOps]);
  expect(described.reduceOps).toEqual([...reduceOps]);
  expect(described.scatterModes).toEqual([...scatterModes]);
  expect(described.stepKinds).toEqual([...stepKinds]);
  expect(described.routines).toEqual([...routines]);
});

test('the devices say what it computes with', () => {
  const { simd, blas, threads } = addon().describe();
  for (const { maxOperands, maxInstructions } of limits()) {
    expect(maxOperands).toBeGreaterThanOrEqual(8);
    expect(maxInstructions).toBeGreaterThanOrEqual(32);
  }
  expect(simd).not.toBe('');
  expect(blas).not.toBe('');
  expect(threads).toBeGreaterThanOrEqual(1);
});
