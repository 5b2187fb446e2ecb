// `npm run docs`: writes the pages in docs/ that are made from declarations. The tests that hold them to these write them.

import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { status } = spawnSync(join(root, 'node_modules', '.bin', 'jest'), ['test/docs/matrix'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, METALGRAD_DOCS: 'write' },
});
process.exit(status ?? 1);
