// `npm test`: set-up, formatters and linters, types, shaders, the whole jest suite on each device, the packed package and its installation. Ends
// with a line that counts the tests.

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
/** The suite with one device as the default one; its results are a file for the count at the end. */
function suite(device, env = {}) {
  const file = join(root, 'build', `jest-${device}.json`);
  const passed = step(
    `tests with the ${device.toUpperCase()} as the default device`,
    process.execPath,
    // A worker a core: a process that runs every file keeps what each left behind.
    ['--expose-gc', bin('jest'), '--maxWorkers=100%', '--json', `--outputFile=${file}`, ...process.argv.slice(2)],
    { METALGRAD_TEST_DEVICE: device, ...env },
  );
  return { file, passed };
}

const ok = [
  step('lint', process.execPath, [join(root, 'scripts', 'lint.mjs')]),
  step('types', bin('tsc'), ['-p', root]),
  step('shaders', process.execPath, [join(root, 'scripts', 'check-shaders.mjs')]),
];
const suites = [suite('cpu')];
// On Linux the GPU is an emulated one; a Mac has its own.
if (process.platform === 'linux') suites.push(suite('gpu', { METALGRAD_METAL: 'emulator' }));
else if (process.platform === 'darwin') suites.push(suite('gpu'));
ok.push(...suites.map(({ passed }) => passed));
ok.push(step('package', process.execPath, [join(root, 'scripts', 'check-package.mjs')]));
ok.push(step('installed package', process.execPath, [join(root, 'scripts', 'verify-package.mjs'), '--built']));
const counts = suites.map(({ file }) => JSON.parse(readFileSync(file, 'utf8')));
const total = (name) => counts.reduce((sum, count) => sum + count[name], 0);
console.log(`\n${total('numPassedTests')} passed, ${total('numFailedTests')} failed, ${total('numPendingTests')} skipped`);
process.exit(ok.every(Boolean) && counts.every(({ numPassedTests }) => numPassedTests > 0) ? 0 : 1);
