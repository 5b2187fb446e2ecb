import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { aims, type Report } from '../../bench/harness';
import { page } from '../../bench/page';
import { reasons } from '../../bench/reasons';

const docs = join(__dirname, '..', '..', 'docs');
const report = JSON.parse(readFileSync(join(docs, 'benchmarks.json'), 'utf8')) as Report;

test('the page of the benchmarks is what its run measured', () => {
  expect(readFileSync(join(docs, 'benchmarks.md'), 'utf8')).toBe(page(report));
});

test('every aim that was missed has its reason', () => {
  const missed = report.results.filter((result) => aims(result).some(({ met }) => !met)).map(({ name }) => name);
  expect(missed.filter((name) => !(name in reasons))).toEqual([]);
});
