// `npm run tour`: every example of the function transforms document, run in TypeScript with its printed results.

import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setup } from './setup.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
setup();
execFileSync(process.execPath, [join(root, 'scripts', 'run.mjs'), 'examples/tour.ts'], { cwd: root, stdio: 'inherit' });
