// `npm run test:sanitize`: the suite on an addon that is instrumented. Linux only. Parts, of which some can be named (all by default):
//
//   suite      the jest suite, with a seeded sample of the matrix, under AddressSanitizer and UndefinedBehaviorSanitizer
//   fuzz       1,000,000 damaged programs under both: 5 to 15 minutes, at 3,500 a second on two processors or 1,100 when they are
//              busy; --fuzz=<number> for another number
//   exits      processes and workers that end at awkward moments: no crash, and LeakSanitizer finds nothing that the addon allocated
//   threads    the evaluator's own tests under ThreadSanitizer
//   --jobs=2   for the builds

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const option = (name) => process.argv.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
const named = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
const reports = mkdtempSync(join(tmpdir(), 'metalgrad-sanitize-'));
process.on('exit', () => rmSync(reports, { recursive: true }));

/** Files of the suite that cannot run in an instrumented process, or learn nothing from it, and why. */
const leftOut = {
  '/test/metal': 'the emulator is another build, which checks accesses itself',
  '/test/native/gpu-': 'the same',
  '/test/docs/': 'examples and the package, whose processes have no instrumented addon',
  '/test/surface/': 'no native code',
  '/test/memory/plain-loop': 'bounds resident memory, which freed blocks that are kept for the checks exceed',
  '/test/hostile/loops': 'the same',
  '/test/hostile/fuzz': 'bounds the address space, of which the shadow memory takes terabytes',
  '/test/hostile/detach': 'the same',
};

/** A shared library of the compiler that built the addon. */
function libraryOf(name) {
  const { stdout } = spawnSync('c++', [`-print-file-name=${name}`], { encoding: 'utf8' });
  return stdout.trim();
}

function build(sanitize) {
  const jobs = option('jobs') ? [`--jobs=${option('jobs')}`] : [];
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs'), `--sanitize=${sanitize}`, ...jobs], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
  return join(root, 'build-cmake', sanitize);
}

/** Options of a sanitizer. Its reports are files, because jest and child processes catch what is written to the terminal. */
function options(settings) {
  const format = `stack_trace_format="    #%n %f %S (%m)"`;
  return [...Object.entries(settings).map(([name, value]) => `${name}=${value}`), `log_path=${join(reports, 'report')}`, format].join(':');
}

function environment(prebuild, libraries, settings) {
  const env = { ...process.env, METALGRAD_PREBUILD: prebuild, LD_PRELOAD: libraries.map(libraryOf).join(' '), ...settings };
  delete env.METALGRAD_METAL;
  delete env.METALGRAD_TEST_DEVICE;
  return env;
}

/** An error ends the process with SIGABRT; leaks, which Node has many of, only make a report. An allocation that is too large is refused, not reported. */
function addressEnvironment() {
  const settings = {
    abort_on_error: 1,
    handle_segv: 2,
    exitcode: 0,
    allocator_may_return_null: 1,
    max_allocation_size_mb: 8192,
    detect_leaks: 1,
  };
  return environment(build('address,undefined'), ['libasan.so', 'libstdc++.so.6'], {
    ASAN_OPTIONS: options(settings),
    UBSAN_OPTIONS: options({ abort_on_error: 1, print_stacktrace: 1 }),
  });
}

function threadEnvironment() {
  // Node itself is not instrumented: what its own code does is not judged.
  const settings = { ignore_noninstrumented_modules: 1, exitcode: 66, second_deadlock_stack: 1, history_size: 4 };
  return environment(build('thread'), ['libtsan.so', 'libstdc++.so.6'], {
    TSAN_OPTIONS: options(settings),
  });
}

/** The addon asked for it, by itself or through Node-API. V8's heap, which process.exit leaves, may grow in a call of ours, too. */
function isOurs(leak) {
  const frames = leak.split('\n');
  const ours = frames.findIndex((frame) => frame.includes('metalgrad.node'));
  return ours >= 0 && !frames.slice(0, ours).some((frame) => frame.includes('v8::internal::'));
}

/** What the sanitizers wrote since the last call, without the leaks of others. */
function findings() {
  const found = [];
  for (const name of readdirSync(reports).filter((name) => name.startsWith('report'))) {
    const text = readFileSync(join(reports, name), 'utf8');
    rmSync(join(reports, name));
    if (text.includes('LeakSanitizer: detected memory leaks')) {
      found.push(...text.split('\n\n').filter((block) => /(Direct|Indirect) leak of/.test(block) && isOurs(block)));
    } else if (text.trim()) {
      found.push(text);
    }
  }
  for (const text of found) console.error(`\n${text}`);
  return found.length;
}

/** The addresses of libraries are not random where the system lets us: ThreadSanitizer's shadow has fixed places. */
const fixedAddresses = spawnSync('setarch', ['-R', 'true'], { stdio: 'ignore' }).status === 0 ? ['setarch', '-R'] : [];

let passed = 0;
let failed = 0;

function jest(title, env, patterns, ignored = []) {
  console.log(`\n== ${title}`);
  const file = join(reports, 'jest.json');
  rmSync(file, { force: true });
  const script = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const ignoring = ['/node_modules/', ...ignored].flatMap((pattern) => ['--testPathIgnorePatterns', pattern]);
  // Nothing is timed: an instrumented program takes several times as long.
  const settings = ['--runInBand', '--testTimeout=600000', '--json', `--outputFile=${file}`, ...ignoring];
  const [command, ...args] = [...fixedAddresses, process.execPath, '--expose-gc', script, ...settings, '--testPathPatterns', ...patterns];
  const { status, signal } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], env });
  const count = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { numPassedTests: 0, numFailedTests: 0 };
  passed += count.numPassedTests;
  failed += count.numFailedTests + findings();
  if (signal || (status !== 0 && count.numFailedTests === 0)) {
    console.error(`jest ended with ${signal ?? status}`);
    failed++;
  }
}

const parts = {
  suite: () => {
    for (const [pattern, reason] of Object.entries(leftOut)) console.log(`left out: ${pattern.slice(1)}*: ${reason}`);
    jest('the suite under AddressSanitizer and UndefinedBehaviorSanitizer', addressEnvironment(), ['/test/'], Object.keys(leftOut));
  },
  fuzz: () => {
    const executions = option('fuzz') ?? '1000000';
    const env = { ...addressEnvironment(), METALGRAD_FUZZ: executions };
    const begin = Date.now();
    jest(`${executions} damaged programs under AddressSanitizer and UndefinedBehaviorSanitizer`, env, ['test/native/runtime-fuzz']);
    console.log(`${executions} damaged programs in ${Math.round((Date.now() - begin) / 1000)} s`);
  },
  exits: () => {
    console.log('\n== ends of processes and workers under AddressSanitizer and LeakSanitizer');
    const script = join(root, 'test', 'sanitize', 'exits.cjs');
    const env = addressEnvironment();
    for (const form of createRequire(import.meta.url)(script)) {
      const { status, signal } = spawnSync(process.execPath, [script, form], { stdio: 'inherit', env });
      const ok = findings() === 0 && status === 0;
      if (ok) passed++;
      else failed++;
      console.log(`${ok ? 'ok' : `FAILED (${signal ?? status})`}: ${form}`);
    }
  },
  threads: () => {
    // The damaged programs run on one thread at a time.
    jest('the tests of the evaluator under ThreadSanitizer', threadEnvironment(), ['/test/native/'], ['/test/native/gpu-', 'runtime-fuzz']);
  },
};

const unknown = named.filter((name) => !(name in parts));
if (process.platform !== 'linux' || unknown.length > 0) {
  console.error(unknown.length > 0 ? `no such part: ${unknown.join(', ')}` : 'the instrumented addon is built on Linux');
  process.exit(1);
}
for (const [name, run] of Object.entries(parts)) if (named.length === 0 || named.includes(name)) run();
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
