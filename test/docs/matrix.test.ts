/** docs/matrix.md is what the declarations say; `npm run docs` writes it. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { matrixPage, unexplained } from '../matrix/page';
import { onGpu } from '../support/default';

const file = join(__dirname, '..', '..', 'docs', 'matrix.md');

test('the page about the matrix is current: if not, npm run docs', () => {
  // Laws that need float64 are no part of a run about the GPU; the page is about all of them.
  if (onGpu) return;
  expect(unexplained()).toEqual([]);
  const page = matrixPage();
  if (process.env.METALGRAD_DOCS === 'write') writeFileSync(file, page);
  expect(readFileSync(file, 'utf8')).toBe(page);
});
