// Makes prebuilds/<platform>-<arch>/ for the package: the addon, beside it the SIMD libraries that it loads, and the licences of what
// is in them. `--built` takes the addon as it was built last.

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'prebuilds', `${process.platform}-${process.arch}`);
const addon = join(root, 'build', 'Release', 'metalgrad.node');
const isMac = process.platform === 'darwin';

/** Shared libraries that are neither the C nor the C++ runtime, which every system with Node has. */
const bundled = /lib(sleef|hwy)/;
/** Packages whose code is in the addon or beside it. */
const used = isMac ? ['highway', 'kissfft', 'sleef'] : ['libhwy-dev', 'libkissfft-dev', 'libopenblas-dev', 'libsleef-dev'];

const output = (command, ...args) => execFileSync(command, args, { encoding: 'utf8' });

/** prebuildify names and strips the addon, and moves it: so it is given a copy. It calls node-gyp, but this is built already. */
function placeAddon() {
  const stage = mkdtempSync(join(tmpdir(), 'metalgrad-prebuild-'));
  try {
    const release = join(stage, 'build', 'Release');
    mkdirSync(release, { recursive: true });
    copyFileSync(addon, join(release, 'metalgrad.node'));
    writeFileSync(join(stage, 'package.json'), '{ "name": "metalgrad" }\n');
    const options = ['--napi', '--strip', ...(isMac ? [] : ['--tag-libc'])];
    const prebuildify = join(root, 'node_modules', 'prebuildify', 'bin.js');
    execFileSync(process.execPath, [prebuildify, ...options, '--cwd', stage, '--node-gyp', 'true'], { stdio: 'inherit' });
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const made = join(stage, 'prebuilds', `${process.platform}-${process.arch}`);
    for (const name of readdirSync(made)) copyFileSync(join(made, name), join(folder, name));
  } finally {
    rmSync(stage, { recursive: true });
  }
}

function placeLinuxLibraries() {
  for (const line of output('ldd', addon).split('\n')) {
    const [, name, path] = /^\s*(\S+) => (\S+)/.exec(line) ?? [];
    if (name && bundled.test(name)) copyFileSync(realpathSync(path), join(folder, name));
  }
}

/** What a binary of macOS loads: paths, or names that begin with @rpath or @loader_path. */
function loads(file) {
  const lines = output('otool', '-L', file).split('\n').slice(1);
  return lines.map((line) => /^\s+(\S+) \(/.exec(line)?.[1]).filter((path) => path && bundled.test(path));
}

/** Copies the libraries, and those that they load in turn, and makes all of them look for one another beside themselves. */
function placeMacLibraries() {
  const pending = readdirSync(folder).map((name) => ({ placed: join(folder, name), origin: addon }));
  const origins = new Map();
  for (const { placed, origin } of pending) {
    for (const path of loads(placed)) {
      const name = basename(path);
      const target = join(folder, name);
      if (!path.startsWith('@')) origins.set(name, path);
      if (!existsSync(target)) {
        const found = path.startsWith('@') ? (origins.get(name) ?? join(dirname(realpathSync(origin)), name)) : path;
        copyFileSync(realpathSync(found), target);
        pending.push({ placed: target, origin: found });
      }
      execFileSync('install_name_tool', ['-change', path, `@loader_path/${name}`, placed]);
    }
    if (placed.endsWith('.dylib')) execFileSync('install_name_tool', ['-id', `@loader_path/${basename(placed)}`, placed]);
    execFileSync('codesign', ['--force', '--sign', '-', placed]);
  }
}

function placeLicences() {
  for (const name of used) {
    const source = isMac ? output('brew', '--prefix', name).trim() : join('/usr/share/doc', name);
    const texts = readdirSync(source).filter((file) => /^(copyright|copying|licen[cs]e)/i.test(file));
    if (texts.length === 0) throw new Error(`${source} has no licence of ${name}`);
    for (const file of texts) {
      const text = readFileSync(join(source, file), 'utf8');
      writeFileSync(join(folder, `${name}-${file}.txt`.replace('.txt.txt', '.txt')), text);
      // Debian has one copy of each licence that many packages use.
      for (const [path, licence] of text.matchAll(/\/usr\/share\/common-licenses\/([A-Za-z]+-[\d.]*\d)/g)) {
        copyFileSync(path, join(folder, `${licence}.txt`));
      }
    }
  }
}

if (!process.argv.includes('--built')) execFileSync(process.execPath, [join(root, 'scripts', 'build.mjs')], { stdio: 'inherit' });
placeAddon();
if (isMac) placeMacLibraries();
else placeLinuxLibraries();
placeLicences();
