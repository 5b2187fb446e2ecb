/** From `require` to the first result, in a new process. */

import { spawnSync } from 'node:child_process';
import type { Line } from '../harness';

const program = `
const start = performance.now();
const mx = require('metalgrad');
if (mx.add(1, 2).item() !== 3) process.exit(1);
process.stdout.write(String(performance.now() - start));
`;

export const startup: Line[] = [
  {
    name: 'start-up: require to first result',
    limit: 60,
    prepare: () => () => {
      const { status, stdout, stderr } = spawnSync(process.execPath, ['--eval', program], { encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
      return Number(stdout);
    },
  },
];
