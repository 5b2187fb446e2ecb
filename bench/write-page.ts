/** `npm run bench:page`: keeps the last run of `npm run bench` as docs/benchmarks.json and writes the page and its plots from it. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Report, writeJson } from './harness';
import { groupsOf, page } from './page';
import { plot } from './plots';

async function main(): Promise<void> {
  const docs = join(process.cwd(), 'docs');
  const kept = join(docs, 'benchmarks.json');
  const last = join(process.cwd(), 'build', 'bench.json');
  const report = JSON.parse(readFileSync(existsSync(last) ? last : kept, 'utf8')) as Report;
  writeJson(kept, report);
  writeFileSync(join(docs, 'benchmarks.md'), page(report));
  mkdirSync(join(docs, 'benchmarks'), { recursive: true });
  for (const group of groupsOf(report)) writeFileSync(join(docs, 'benchmarks', `${group}.svg`), await plot(report, group));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
