// `npm test`: set-up, formatters and linters, types, the whole jest suite, the packed package. Ends with a line that counts the tests.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setup } from './setup.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules', '.bin', name);

function step(title, command, args, env = {}) {
  console.log(`\n== ${title}`);
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  return status === 0;
}

setup({ checks: true });
const results = join(root, 'build', 'jest.json');
const ok = [
  step('lint', process.execPath, [join(root, 'scripts', 'lint.mjs')]),
  step('types', bin('tsc'), ['-p', root]),
  step('tests', process.execPath, ['--expose-gc', bin('jest'), '--json', `--outputFile=${results}`, ...process.argv.slice(2)]),
  step('package', process.execPath, [join(root, 'scripts', 'check-package.mjs')]),
];
const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(results, 'utf8'));
console.log(`\n${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`);
process.exit(ok.every(Boolean) && numPassedTests > 0 ? 0 : 1);
