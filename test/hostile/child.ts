/** Runs a file of this folder, or a few lines of JavaScript, in a Node process of its own, with limited memory where the system can. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { onGpu } from '../support/default';

export interface Outcome {
  readonly status: number | null;
  readonly signal: string | null;
  /** What it wrote. */
  readonly text: string;
  /** The last line on its third channel: what it was about to do when it died. */
  readonly last: string;
}

export const loader = join(__dirname, 'library.cjs');
export const library = join(__dirname, '..', '..', 'lib');

/** What the library and Node take of the address space. */
const kilobytesOfNode = 2_300_000;

/**
 * `code` runs with `mx` there; `kilobytes` limits its address space. The emulated GPU reserves terabytes of that: there, the library itself
 * is told what it may take.
 */
export function runChild(code: string, { kilobytes = 4_000_000, seconds = 60, flags = [] as string[] } = {}): Outcome {
  const told = onGpu ? `mx.setMemoryLimit(${(kilobytes - kilobytesOfNode) * 1024});` : '';
  const program = `require(${JSON.stringify(loader)}); const mx = require(${JSON.stringify(library)}); ${told} ${code}`;
  const limit = process.platform === 'linux' && !onGpu ? `ulimit -v ${kilobytes}; ` : '';
  const { status, signal, stdout, stderr, output } = spawnSync(
    'sh',
    ['-c', `${limit}exec "$@"`, 'sh', process.execPath, ...flags, '-e', program],
    {
      encoding: 'utf8',
      timeout: seconds * 1000,
      killSignal: 'SIGKILL',
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      maxBuffer: 2 ** 26,
    },
  );
  const last = (output?.[3] ?? '').trim().split('\n').at(-1) ?? '';
  return { status, signal, text: stdout + stderr, last };
}
