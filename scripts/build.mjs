// Builds the native addon with cmake-js and puts it where node-gyp-build looks. Incremental: seconds when nothing changed.
//
//   node scripts/build.mjs                       build/Release/metalgrad.node
//   node scripts/build.mjs --sanitize=address    build-cmake/address/build/Release/metalgrad.node; scripts/sanitize.mjs
//                                                loads it with METALGRAD_PREBUILD=<that folder> and the sanitizer's LD_PRELOAD
//   node scripts/build.mjs --emulator            build-cmake/emulator/build/Release/metalgrad.node, with a GPU that is
//                                                emulated; METALGRAD_METAL=emulator makes the library load it
//   … --jobs=2
//   … --headers=<folder>                         in the installed package, which has no cmake-js: node-gyp knows Node's headers

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const option = (name) => process.argv.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);

const sanitize = option('sanitize');
const emulator = process.argv.includes('--emulator');
const headers = option('headers');
const variant = [...(emulator ? ['emulator'] : []), ...(sanitize ? [sanitize] : [])].join('-');
const jobs = option('jobs') ?? String(availableParallelism());
// A folder of its own: node-gyp deletes build/.
const work = join(root, 'build-cmake', variant || (headers ? 'node-gyp' : 'default'));
const place = join(variant ? work : root, 'build', 'Release');

/** Two builds in one folder would spoil each other: the second waits for the first. */
function lock() {
  const file = join(work, '.lock');
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (abandoned(file)) rmSync(file, { force: true });
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
}

function abandoned(file) {
  try {
    const owner = Number(readFileSync(file, 'utf8'));
    if (owner === 0) return Date.now() - statSync(file).mtimeMs > 5000;
    process.kill(owner, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

function cmakeJs(...args) {
  const script = join(root, 'node_modules', 'cmake-js', 'bin', 'cmake-js');
  const cmake = ['--directory', root, '--out', work, '--config', 'Release', '--log-level', 'error', '--parallel', jobs];
  if (sanitize) cmake.push(`--CDMETALGRAD_SANITIZE=${sanitize}`);
  if (emulator) cmake.push('--CDMETALGRAD_EMULATOR=ON');
  return spawnSync(process.execPath, [script, ...args, ...cmake], { cwd: root, stdio: 'inherit' }).status ?? 1;
}

/** What cmake-js does, with headers that are there. */
function cmake() {
  const addonApi = dirname(createRequire(import.meta.url).resolve('node-addon-api/package.json'));
  const settings = {
    CMAKE_BUILD_TYPE: 'Release',
    CMAKE_JS_INC: `${headers};${addonApi}`,
    CMAKE_LIBRARY_OUTPUT_DIRECTORY: join(work, 'Release'),
  };
  const run = (...args) => spawnSync('cmake', args, { cwd: root, stdio: 'inherit' }).status ?? 1;
  const defined = Object.entries(settings).map(([name, value]) => `-D${name}=${value}`);
  return run('-S', root, '-B', work, '--log-level=WARNING', ...defined) || run('--build', work, '--parallel', jobs);
}

function modified(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

mkdirSync(work, { recursive: true });
const unlock = lock();
try {
  const status = headers ? cmake() : cmakeJs('build');
  if (status !== 0) {
    console.error('[build] the native addon did not build; the messages above say why');
    process.exitCode = status;
  } else {
    const built = join(work, 'Release', 'metalgrad.node');
    const placed = join(place, 'metalgrad.node');
    if (modified(placed) < modified(built)) {
      mkdirSync(place, { recursive: true });
      // Renamed into place, because a process may have the old file mapped.
      copyFileSync(built, `${placed}.${process.pid}`);
      renameSync(`${placed}.${process.pid}`, placed);
    }
  }
} finally {
  unlock();
}
