// Formatters and linters: Biome for TypeScript and JavaScript, clang-format and clang-tidy for C++. `--fix` rewrites layout.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const fix = process.argv.includes('--fix');

const sources = readdirSync(join(root, 'native'), { recursive: true })
  .map((name) => join('native', String(name)))
  .filter((name) => /\.(cc|h|mm)$/.test(name));

/** The checkers' versions decide layout, so only the pinned one counts; elsewhere it may carry no version in its name. */
function tool(name) {
  for (const candidate of [`${name}-19`, name]) {
    if (spawnSync('sh', ['-c', `command -v ${candidate}`], { stdio: 'ignore' }).status === 0) return candidate;
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
];
const database = join(root, 'build-cmake', 'default');
if (existsSync(join(database, 'compile_commands.json'))) {
  const logic = sources.filter((name) => /^native\/(addon|program)\/.*\.cc$/.test(name));
  ok.push(run(tool('clang-tidy'), ['-p', database, '--quiet', '--warnings-as-errors=*', ...logic]));
}
process.exit(ok.every(Boolean) ? 0 : 1);
