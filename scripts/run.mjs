// Runs a TypeScript file of examples/ or bench/ against the library, compiled if need be: node scripts/run.mjs examples/tour.ts

import { execFileSync, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [file, ...rest] = process.argv.slice(2);
if (!file) throw new Error('usage: node scripts/run.mjs <file.ts> [arguments]');
execFileSync(process.execPath, [join(root, 'scripts', 'build-lib.mjs')], { stdio: 'inherit' });
execFileSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', join(root, 'tsconfig.programs.json')], {
  stdio: 'inherit',
});
const compiled = join(root, 'build', 'programs', file.replace(/\.ts$/, '.js'));
const { status } = spawnSync(process.execPath, [compiled, ...rest], { stdio: 'inherit' });
process.exit(status ?? 1);
