/** Compiled pipelines are kept in a folder for later processes, which compile nothing again; whatever is wrong there costs time alone. */

import './on-gpu';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onEmulatedGpu } from './gpu-child';

jest.setTimeout(300_000);

// The emulator tells what was compiled.
const onEmulator = process.platform === 'linux' ? describe : describe.skip;

interface Seen {
  readonly compiled: number;
  readonly faults: string;
  readonly value: number;
}

const program = `
  const x = mx.arange(3000).divide(3000);
  const value = mx.matmul(x.reshape([60, 50]), x.reshape([50, 60])).exp().sum().item();
  print({ compiled: emulator.compilations(), faults: emulator.faults(), value });`;
const play = (cache: string, settings: Record<string, string> = {}) =>
  onEmulatedGpu<Seen>(program, { METALGRAD_CACHE: cache, ...settings });

onEmulator('the cache of pipelines on disk', () => {
  const made: string[] = [];
  const folder = (): string => {
    made.push(mkdtempSync(join(tmpdir(), 'metalgrad-cache-')));
    return made.at(-1) as string;
  };
  afterAll(() => {
    for (const each of made) rmSync(each, { recursive: true });
  });

  test('a second process compiles nothing; what is damaged is compiled again, and replaced', async () => {
    const cache = join(folder(), 'made', 'when needed');
    const first = await play(cache);
    expect(first.compiled).toBeGreaterThan(1);
    const files = () =>
      readdirSync(cache)
        .filter((name) => name.endsWith('.archive'))
        .sort();
    expect(readdirSync(cache)).toHaveLength(first.compiled);
    const kept = files();
    expect(kept).toHaveLength(first.compiled);
    expect(await play(cache)).toEqual({ ...first, compiled: 0 });

    writeFileSync(join(cache, kept[0]), '');
    writeFileSync(join(cache, kept[1]), readFileSync(join(cache, kept[1]), 'latin1').replace(/\d/, 'x'));
    expect(await play(cache)).toEqual({ ...first, compiled: 2 });
    expect(files()).toEqual(kept);
    expect(await play(cache)).toEqual({ ...first, compiled: 0 });
    expect(first.faults).toBe('');
  });

  test('processes that start together share a folder', async () => {
    const cache = folder();
    const [one, other] = await Promise.all([play(cache), play(cache)]);
    expect(one.value).toBe(other.value);
    expect(readdirSync(cache).filter((name) => name.startsWith('.'))).toEqual([]);
    expect(await play(cache)).toMatchObject({ compiled: 0, value: one.value });
  });

  test('a folder that cannot be written, or none, changes nothing else', async () => {
    const home = folder();
    const nowhere = await play('/proc/metalgrad');
    expect(nowhere.compiled).toBeGreaterThan(1);
    expect(await play('off')).toEqual(nowhere);
    expect(await play('', { HOME: home, XDG_CACHE_HOME: home })).toEqual(nowhere);
    expect(existsSync(join(home, 'metalgrad'))).toBe(false);
  });
});

describe('the files of the cache', () => {
  const root = mkdtempSync(join(tmpdir(), 'metalgrad-archives-'));
  const executable = join(root, 'archives');
  beforeAll(() => {
    const sources = ['test/native/gpu_archives.cc', 'native/gpu/archives.cc'];
    execFileSync('g++', ['-std=c++20', '-O0', '-Inative', '-o', executable, ...sources], { cwd: join(__dirname, '..', '..') });
  });
  afterAll(() => rmSync(root, { recursive: true }));

  const use = (...keys: string[]): string[] =>
    execFileSync(executable, [join(root, 'files'), ...keys], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.replace('found ', ''));

  test('those that were not used for longest go when there are too many bytes', () => {
    expect(use('a', 'b', 'c')).toEqual([]);
    expect(use('a', 'c')).toEqual(['a', 'c']);
    // 1200 bytes: at most 750 stay.
    expect(use('d')).toEqual([]);
    expect(readdirSync(join(root, 'files'))).toHaveLength(2);
    expect(use('c', 'd')).toEqual(['c', 'd']);
  });
});
