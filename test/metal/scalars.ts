/** Calls the functions of metal/scalars.h, compiled for this machine against the emulator's metal_stdlib. */

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Dtype } from '../../lib/dtype';

const root = resolve(__dirname, '../..');
const folders = ['metal', 'test/metal-emulator/shader/stdlib'];
const driver = 'test/metal/scalars_driver.cc';

let built: string | undefined;

/** The compiled driver, made again only when a source of it changed. */
function executable(): string {
  if (built) return built;
  const sources = folders.flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(folder, name)));
  const hash = createHash('sha256');
  for (const source of [driver, ...sources.filter((name) => !name.endsWith('.metal')).sort()]) {
    hash.update(source).update(readFileSync(join(root, source)));
  }
  const folder = join(root, 'build-cmake/shader-scalars');
  built = join(folder, hash.digest('hex').slice(0, 32));
  if (!existsSync(built)) {
    mkdirSync(folder, { recursive: true });
    const partial = `${built}.${process.pid}`;
    const includes = folders.map((name) => `-I${name}`);
    const flags = ['-std=c++20', '-march=native', '-ffp-contract=off', '-Wall', '-Wextra', '-Werror'];
    execFileSync('clang++-19', [...flags, ...includes, driver, '-o', partial], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
    renameSync(partial, built);
  }
  return built;
}

/** The result of an operation on `count` elements; operands are their bytes. */
export function callShader(op: string, dtype: Dtype, to: Dtype, operands: readonly Uint8Array[], count: number): Uint8Array<ArrayBuffer> {
  const run = spawnSync(executable(), [op, dtype.name, to.name, String(count)], {
    input: Buffer.concat(operands),
    maxBuffer: 2 ** 30,
  });
  if (run.status !== 0) throw new Error(`${op} of ${dtype.name} does not run: ${run.stderr}`);
  return new Uint8Array(run.stdout);
}
