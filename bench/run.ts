/** `npm run bench [-- group …]`: our time, each peer's time and the ratio, in one run; the results also as JSON. */

import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import * as mx from 'metalgrad';
import { groups } from './cases/groups';
import { measure, type Result, show, writeJson } from './harness';
import { Peer } from './peer';

const root = process.cwd();
const peersFolder = join(root, 'bench', 'peers');

/** Peer → the commands that may start it; the first that works is taken. */
const candidates: Readonly<Record<string, readonly (readonly [string, ...string[]])[]>> = {
  numpy: [
    ['python3', join(peersFolder, 'numpy_peer.py')],
    ['/usr/bin/python3', join(peersFolder, 'numpy_peer.py')],
  ],
  blas: [['/usr/bin/python3', join(peersFolder, 'numpy_peer.py'), 'matmul']],
  torch: [
    ['python3', join(peersFolder, 'torch_peer.py')],
    ['/usr/bin/python3', join(peersFolder, 'torch_peer.py')],
  ],
  tfjs: [[process.execPath, join(peersFolder, 'tfjs_peer.mjs')]],
  jax: [[process.execPath, join(peersFolder, 'jax_peer.mjs')]],
};

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((name) => !(name in groups));
  if (unknown.length > 0) throw new Error(`no group ${unknown.join(', ')}; there are ${Object.keys(groups).join(', ')}`);
  const peers: Peer[] = [];
  const { simd, blas, threads } = mx.deviceInfo(mx.cpu);
  const versions: Record<string, string> = {
    node: process.version,
    processor: `${cpus()[0].model}, ${threads} threads, ${simd}`,
    metalgrad: String(blas),
  };
  for (const [name, commands] of Object.entries(candidates)) {
    let reason = '';
    for (const [command, ...args] of commands) {
      if (args[0] !== undefined && !existsSync(args[0])) {
        reason = 'not written for';
        continue;
      }
      const started = await Peer.start(name, command, args);
      if ('peer' in started) {
        peers.push(started.peer);
        versions[name] = started.versions;
        break;
      }
      reason = started.missing;
    }
    console.log(`${name.padEnd(8)} ${versions[name] ?? `missing: ${reason}`}`);
  }
  console.log();
  const results: Result[] = [];
  for (const name of asked.length > 0 ? asked : Object.keys(groups)) {
    for (const line of groups[name]) {
      const result = await measure(line, peers);
      results.push(result);
      console.log(show(result));
    }
  }
  writeJson(join(root, 'build', 'bench.json'), { versions, results });
  for (const peer of peers) peer.stop();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
