// Makes a fresh clone ready: system packages, npm packages, the native addon, the compiled library.
// Needs only Node and npm. What is already done is skipped, so a second run takes seconds.

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const debian = ['g++', 'make', 'cmake', 'ninja-build', 'pkg-config', 'libopenblas-dev', 'libhwy-dev', 'libsleef-dev', 'libkissfft-dev'];
const debianChecks = ['clang-format-19', 'clang-tidy-19'];
/** For the emulated Metal device; with ccache its build shares the CPU's objects with the other. */
const debianEmulator = ['clang-19', 'libobjc-12-dev', 'libgnustep-base-dev', 'libblocksruntime-dev', 'libboost-context-dev', 'ccache'];
/** Homebrew formula → a command that shows it is there, if it has one. */
const homebrew = { cmake: 'cmake', ninja: 'ninja', 'pkg-config': 'pkg-config', highway: null, sleef: null, kissfft: null };
const homebrewChecks = { 'llvm@19': null };

function commandExists(name) {
  return spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0;
}

function installedDebian(name) {
  const { stdout } = spawnSync('dpkg-query', ['--status', name], { encoding: 'utf8' });
  return stdout.includes('Status: install ok installed');
}

/** Stops with the command that the user has to run. */
function refuse(command) {
  console.error(`metalgrad needs system packages. Run this command, then try again:\n\n    ${command}\n`);
  process.exit(1);
}

function systemPackages(withChecks) {
  if (process.platform === 'darwin') {
    if (!commandExists('c++')) refuse('xcode-select --install');
    const missing = Object.entries(withChecks ? { ...homebrew, ...homebrewChecks } : homebrew)
      .filter(([name, command]) =>
        command ? !commandExists(command) : spawnSync('brew', ['--prefix', '--installed', name], { stdio: 'ignore' }).status !== 0,
      )
      .map(([name]) => name);
    if (missing.length === 0) return;
    if (!commandExists('brew')) refuse(`brew install ${missing.join(' ')}    (Homebrew: https://brew.sh)`);
    execFileSync('brew', ['install', ...missing], { stdio: 'inherit' });
    return;
  }
  const wanted = withChecks ? [...debian, ...debianChecks, ...debianEmulator] : debian;
  if (!commandExists('dpkg-query')) refuse(`the equivalent, on this system, of: apt-get install ${wanted.join(' ')}`);
  const missing = wanted.filter((name) => !installedDebian(name));
  if (missing.length === 0) return;
  const install = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  const isRoot = process.getuid() === 0;
  if (!isRoot && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status !== 0) refuse(`sudo apt-get update && sudo ${install}`);
  console.log(`installing system packages: ${missing.join(' ')}`);
  const prefix = isRoot ? '' : 'sudo ';
  execFileSync('sh', ['-c', `${prefix}apt-get update -q && ${prefix}env DEBIAN_FRONTEND=noninteractive ${install}`], { stdio: 'inherit' });
}

function npmPackages() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.metalgrad-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: root, stdio: 'inherit' });
  writeFileSync(stamp, lock);
}

/** Brings the clone to the point where `dist/` and the addon are current. */
export function setup({ checks = false } = {}) {
  systemPackages(checks);
  npmPackages();
  mkdirSync(join(root, 'build'), { recursive: true });
  const build = (...options) =>
    execFileSync(process.execPath, [join(root, 'scripts', 'build.mjs'), ...options], { cwd: root, stdio: 'inherit' });
  build();
  if (checks && process.platform === 'linux') build('--emulator');
  execFileSync(process.execPath, [join(root, 'scripts', 'build-lib.mjs')], { cwd: root, stdio: 'inherit' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setup({ checks: process.argv.includes('--checks') });
