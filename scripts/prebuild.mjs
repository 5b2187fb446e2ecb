// Makes prebuilds/<platform>-<arch>/ for the package: the addon, and beside it the SIMD libraries that it loads.

import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'prebuilds', `${process.platform}-${process.arch}`);
const addon = join(root, 'build', 'Release', 'metalgrad.node');

/** Shared libraries that are neither the C nor the C++ runtime, which every system has. */
const bundled = /(sleef|hwy)/;

function linuxLibraries() {
  const lines = execFileSync('ldd', [addon], { encoding: 'utf8' }).split('\n');
  return lines
    .map((line) => /^\s*(\S+) => (\S+)/.exec(line))
    .filter((match) => match && bundled.test(match[1]))
    .map(([, name, path]) => ({ name, path }));
}

function macLibraries() {
  const lines = execFileSync('otool', ['-L', addon], { encoding: 'utf8' }).split('\n');
  return lines
    .map((line) => /^\s+(\S+) \(/.exec(line))
    .filter((match) => match && bundled.test(match[1]))
    .map(([, path]) => ({ name: basename(path), path }));
}

function build() {
  execFileSync(process.execPath, [join(root, 'scripts', 'build.mjs')], { stdio: 'inherit' });
}

build();
rmSync(folder, { recursive: true, force: true });

// prebuildify calls node-gyp to build; what is to be packed was built already.
const built = join(root, 'build', 'node-gyp');
writeFileSync(built, '#!/bin/sh\nexit 0\n');
chmodSync(built, 0o755);
const prebuildify = join(root, 'node_modules', 'prebuildify', 'bin.js');
const options = ['--napi', '--strip', ...(process.platform === 'linux' ? ['--tag-libc'] : [])];
execFileSync(process.execPath, [prebuildify, ...options], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, PREBUILD_NODE_GYP: built },
});
// prebuildify moved the addon; this copies it back.
build();

const isMac = process.platform === 'darwin';
for (const { name, path } of isMac ? macLibraries() : linuxLibraries()) {
  copyFileSync(realpathSync(path), join(folder, name));
  if (!isMac) continue;
  for (const file of readdirSync(folder).map((entry) => join(folder, entry))) {
    execFileSync('install_name_tool', ['-change', path, `@loader_path/${name}`, file]);
    execFileSync('codesign', ['--force', '--sign', '-', file]);
  }
}
