// Packs the library with this platform's prebuilt binary, installs it into an empty folder as a user without a compiler would, and
// runs the README's training loop there: from ESM, from CommonJS, and from TypeScript.
//
//   node scripts/verify-package.mjs              builds the addon if need be
//   node scripts/verify-package.mjs --built      takes the addon as it was built last
//   node scripts/verify-package.mjs --release    they need no newer system than the README says
//   node scripts/verify-package.mjs --source     also builds the packed sources, as npm does where no prebuilt binary fits

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const isMac = process.platform === 'darwin';
const prebuilt = `prebuilds/${process.platform}-${process.arch}`;
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'metalgrad-verify-')));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** The C and the C++ runtime, which Node itself needs; on macOS what belongs to the system. */
const runtime = isMac ? /^(\/usr\/lib\/|\/System\/Library\/)/ : /^(ld-linux.*|lib(c|m|dl|pthread|rt|stdc\+\+|gcc_s))\.so\.\d+$/;

function check(holds, message) {
  if (!holds) throw new Error(`[verify-package] ${message}`);
}

const output = (command, args, options = {}) => execFileSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });

function which(name) {
  for (const place of process.env.PATH.split(delimiter)) {
    try {
      return realpathSync(join(place, name));
    } catch {}
  }
  throw new Error(`[verify-package] ${name} is not on the PATH`);
}

/** A folder to be the whole PATH: Node, npm, a shell, a few tools of the system, and no compiler. */
function tools() {
  const place = join(folder, 'tools');
  mkdirSync(place);
  symlinkSync(process.execPath, join(place, 'node'));
  for (const name of ['npm', 'sh', 'env', 'cat', 'cp', 'dirname', 'ls', 'mkdir', 'mv', 'rm', 'uname'])
    symlinkSync(which(name), join(place, name));
  return { PATH: place, HOME: folder, npm_config_cache: join(folder, 'cache'), npm_config_update_notifier: 'false' };
}

function needed(file) {
  if (isMac) {
    const lines = output('otool', ['-L', file]).split('\n').slice(1);
    return lines.map((line) => /^\s+(\S+) \(/.exec(line)?.[1]).filter(Boolean);
  }
  return [...output('readelf', ['--dynamic', '--wide', file]).matchAll(/\(NEEDED\).*\[(.*)\]/g)].map((match) => match[1]);
}

/** Every binary needs only the system's runtime and what lies beside it. */
function checkBinaries() {
  const place = join(root, prebuilt);
  const names = readdirSync(place).filter((name) => !name.endsWith('.txt'));
  for (const name of names) {
    for (const path of needed(join(place, name))) {
      const beside = names.includes(basename(path)) && (isMac ? path.startsWith('@loader_path/') : true);
      check(beside || runtime.test(path), `${prebuilt}/${name} needs ${path}`);
    }
  }
  console.log(`${names.join(', ')}: nothing else is needed but the ${isMac ? "system's libraries" : 'C and C++ runtime'}`);
  const system = isMac ? 'macOS' : 'glibc';
  const [command, pattern] = isMac ? [['otool', '-l'], /minos ([\d.]+)/g] : [['readelf', '--version-info'], /GLIBC_([\d.]+)/g];
  const tables = names.map((name) => output(command[0], [command[1], join(place, name)]));
  const versions = tables.flatMap((table) => [...table.matchAll(pattern)].map((match) => match[1]));
  const least = versions.reduce((a, b) => (isNewer(a, b) ? a : b));
  console.log(`they need ${system} ${least}`);
  const promised = new RegExp(`${system} (\\d[\\d.]*)`).exec(readme)?.[1];
  check(promised, `the README does not say which ${system} is needed`);
  // A contributor's system may be newer than the one that releases are made on.
  const isRelease = process.argv.includes('--release');
  check(!isRelease || !isNewer(least, promised), `the binaries need ${system} ${least}, the README says ${promised}`);
}

/** Whether version a is after version b. */
function isNewer(a, b) {
  const [first, second] = [a, b].map((version) => version.split('.').map(Number));
  const at = first.findIndex((number, i) => number !== (second[i] ?? 0));
  return at >= 0 && first[at] > (second[at] ?? 0);
}

/** What is in the package: all that running it or building it takes, and nothing else. */
function checkContents(paths) {
  const allowed = [
    /^(package\.json|README\.md|LICENSE|CMakeLists\.txt|binding\.gyp|scripts\/build\.mjs)$/,
    /^dist\/.*\.(js|mjs|d\.ts|d\.mts)$/,
    /^native\/.*\.(cc|h|mm|cmake|map)$/,
    /^metal\/\w+\.(metal|h)$/,
    /^prebuilds\/[a-z]+-[a-z0-9]+\/([\w.-]+\.txt|lib(hwy|sleef)[\w.]*|metalgrad(\.glibc)?\.node)$/,
  ];
  for (const path of paths) {
    check(allowed.some((pattern) => pattern.test(path)) && !/emulator|test/i.test(path), `${path} is in the package, and should not be`);
  }
  const files = ['native', 'metal'].flatMap((name) => readdirSync(join(root, name), { recursive: true }).map((path) => `${name}/${path}`));
  const sources = files.filter((path) => /\.(cc|h|mm|metal|cmake|map)$/.test(path) && !path.includes('emulator'));
  const wanted = ['CMakeLists.txt', 'binding.gyp', 'scripts/build.mjs', 'dist/index.js', 'dist/index.mjs', 'dist/index.d.ts', ...sources];
  for (const path of wanted) check(paths.includes(path), `${path} is not in the package`);
  check(
    paths.some((path) => path.startsWith(prebuilt) && path.endsWith('.node')),
    `${prebuilt} is not in the package`,
  );
  console.log(`${paths.length} files are in the package`);
}

/** Tarballs of the library and of the packages that it depends on, so that nothing is downloaded. */
function pack() {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const places = [root, ...Object.keys(dependencies).map((name) => join(root, 'node_modules', name))];
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder, ...places];
  const packed = JSON.parse(output('npm', args, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] }));
  checkContents(packed[0].files.map(({ path }) => path));
  console.log(`${packed[0].filename}: ${(packed[0].size / 2 ** 20).toFixed(1)} MiB`);
  return packed.map(({ filename }) => join(folder, filename));
}

function install(name, tarballs, env) {
  const place = join(folder, name);
  mkdirSync(place);
  writeFileSync(join(place, 'package.json'), '{ "private": true }\n');
  const args = ['install', '--offline', '--no-audit', '--no-fund', '--loglevel=error', '--foreground-scripts', ...tarballs];
  execFileSync('npm', args, { cwd: place, env, stdio: 'inherit' });
  return place;
}

/** The README's loop as a program of each kind; TypeScript is checked strictly, the package's declarations included. */
function writePrograms(place) {
  const loop = /## A training loop\n+```ts\n(.*?)```/s.exec(readme)?.[1];
  check(loop, 'the README has no training loop');
  const script = transformSync(loop, { loader: 'ts', format: 'esm', target: 'node20' }).code;
  const required = script.replace(/^import mx from ["']metalgrad["'];$/m, "const { default: mx } = require('metalgrad');");
  check(required !== script, "the README's loop does not import the library");
  writeFileSync(join(place, 'esm.mjs'), script);
  writeFileSync(join(place, 'commonjs.cjs'), required);
  writeFileSync(join(place, 'typescript-esm.mts'), loop);
  writeFileSync(join(place, 'typescript-commonjs.cts'), loop);
  const compilerOptions = {
    target: 'es2022',
    module: 'node16',
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    typeRoots: [join(root, 'node_modules', '@types')],
    types: ['node'],
  };
  const files = ['typescript-esm.mts', 'typescript-commonjs.cts'];
  writeFileSync(join(place, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  execFileSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', place], { stdio: 'inherit' });
  return ['esm.mjs', 'commonjs.cjs', 'typescript-esm.mjs', 'typescript-commonjs.cjs'];
}

/** Writes the shared objects of its process to a file at the end. */
const probe = `process.on('exit', () => {
  process.report.excludeNetwork = true;
  require('node:fs').writeFileSync(process.env.LOADED, JSON.stringify(process.report.getReport().sharedObjects));
});\n`;

function run(place, args, env) {
  const loaded = join(place, 'loaded.json');
  const options = { cwd: place, env: { ...env, LOADED: loaded }, stdio: ['ignore', 'pipe', 'inherit'] };
  const text = output(process.execPath, ['--require', join(place, 'probe.cjs'), ...args], options);
  const objects = JSON.parse(readFileSync(loaded, 'utf8')).filter((path) => path.startsWith('/'));
  return { text, objects: objects.map((path) => (isMac ? path : realpathSync(path))) };
}

/** Runs every program; what it loads comes from `origin`, a folder of the installed package, or from what the system may give. */
function checkPrograms(place, origin, system, env) {
  writeFileSync(join(place, 'probe.cjs'), probe);
  const before = new Set(run(place, ['--eval', '0'], env).objects);
  for (const program of writePrograms(place)) {
    const { text, objects } = run(place, [program], env);
    const losses = text
      .trim()
      .split('\n')
      .map((line) => Number(line.split(' ')[1]));
    check(losses.length > 1 && losses.at(-1) < losses[0] / 2, `${program} does not learn:\n${text}`);
    const inside = join(place, 'node_modules', 'metalgrad', origin) + sep;
    const added = objects.filter((path) => !before.has(path));
    const foreign = added.filter((path) => !path.startsWith(inside) && !system.test(isMac ? path : basename(path)));
    check(foreign.length === 0, `${program} loads ${foreign.join(', ')}`);
    check(
      added.some((path) => path.startsWith(inside) && path.endsWith('.node')),
      `${program} loads no addon of ${inside}`,
    );
    const own = added.filter((path) => path.startsWith(inside)).map((path) => basename(path));
    console.log(`${program}: the loss falls from ${losses[0]} to ${losses.at(-1)}; loads ${own.join(', ')}`);
  }
}

try {
  const built = process.argv.includes('--built') ? ['--built'] : [];
  execFileSync(process.execPath, [join(root, 'scripts', 'prebuild.mjs'), ...built], { stdio: ['ignore', 'ignore', 'inherit'] });
  execFileSync(process.execPath, [join(root, 'scripts', 'build-lib.mjs')], { stdio: 'inherit' });
  checkBinaries();
  const tarballs = pack();
  const bare = tools();
  checkPrograms(install('prebuilt', tarballs, bare), prebuilt, runtime, bare);
  if (process.argv.includes('--source')) {
    const env = { ...process.env, npm_config_cache: bare.npm_config_cache, npm_config_build_from_source: 'true' };
    const place = install('source', tarballs, env);
    rmSync(join(place, 'node_modules', 'metalgrad', 'prebuilds'), { recursive: true });
    // It was linked with the libraries of this system.
    checkPrograms(place, 'build', new RegExp(`${runtime.source}|lib(hwy|sleef)`), env);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
