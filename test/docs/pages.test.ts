/** What the pages for users and contributors say is true: their code runs, and what they name exists. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from '@swc/core';

import mx from '../../lib';
import { reduceOps, routines, stepKinds } from '../../lib/schedule/opcodes';

const root = join(__dirname, '..', '..');
const read = (page: string): string => readFileSync(join(root, page), 'utf8');

function codeBlocks(page: string, language: string): string[] {
  return [...read(page).matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map((match) => match[1]);
}

test("README's training loop runs as it is, and its loss falls", () => {
  const [program] = codeBlocks('README.md', 'ts');
  expect(program).toContain("import mx from 'metalgrad'");
  const { code } = transformSync(
    program
      .replace(/^import .*$/m, '')
      .replace('i < 500', 'i < 120')
      .replace('i % 100', 'i % 20'),
    {
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
      isModule: false,
    },
  );
  const losses: number[] = [];
  const log = (step: number, loss: number): void => {
    expect(step).toBe(20 * losses.length);
    losses.push(loss);
  };
  new Function('mx', 'console', code)(mx, { log });
  expect(losses.length).toBe(6);
  for (let i = 1; i < losses.length; i++) expect(losses[i]).toBeLessThan(losses[i - 1]);
  expect(losses[5]).toBeLessThan(0.6 * losses[0]);
});

test("README's training loop is 20 lines", () => {
  const lines = codeBlocks('README.md', 'ts')[0]
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('import'));
  expect(lines.length).toBeLessThanOrEqual(20);
});

describe.each(['README.md', 'CONTRIBUTING.md', 'docs/internals.md'])('%s', (page) => {
  const text = read(page);

  test('names files that exist', () => {
    const paths = new Set<string>();
    for (const [, link] of text.matchAll(/\]\(([^)#]+)\)/g)) if (!/^https?:/.test(link)) paths.add(link);
    for (const [, name] of text.matchAll(/`((?:lib|native|test|docs|scripts|bench|examples|metal)\/[\w./-]*)`/g)) paths.add(name);
    const missing = [...paths].filter((path) => !existsSync(join(root, path)) && !existsSync(join(root, page, '..', path)));
    expect(missing).toEqual([]);
  });

  test('names scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...text.matchAll(/npm (?:run )?([\w:]+)/g)]
      .map((match) => match[1])
      .filter((name) => !['ci', 'install', 'installs', 'builds'].includes(name));
    expect(named.filter((name) => !(name in scripts) && !/^(and|or)$/.test(name))).toEqual([]);
  });
});

test('the scripts of the package run files that exist', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const files = Object.values(scripts).flatMap((script) =>
    [...script.matchAll(/node (\S+\.mjs)|(bench\/\S+\.ts)/g)].map((match) => match[1] ?? match[2]),
  );
  expect(files.length).toBeGreaterThan(5);
  expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});

test('the page on devices knows every step, and which routines have kernels', () => {
  const page = read('docs/devices.md');
  const cells = page.split('\n').flatMap((line) => (line.startsWith('| ') ? [line.split('|').map((cell) => cell.trim())] : []));
  const onGpu = new Set([...read('native/gpu/routines.cc').matchAll(/Routine::(\w+)[:)]/g)].map(([, name]) => name));
  expect(onGpu.size).toBeGreaterThan(0);
  const rows = cells.flatMap(([, step, where]) => {
    const name = /^routine `(\w+)`$/.exec(step)?.[1];
    return name === undefined ? [] : [[name, where.startsWith('kernel') || where.startsWith('SIMD-group') ? 'GPU' : where]];
  });
  expect(rows).toEqual(rows.map(([name]) => [name, onGpu.has(name) ? 'GPU' : 'CPU']));
  expect(rows.map(([name]) => name).sort()).toEqual([...routines].sort());
  for (const kind of stepKinds)
    if (kind !== 'kernel' && kind !== 'routine') expect(page).toContain(kind === 'sort' ? '`sort argsort`' : `\`${kind}\``);
  for (const op of reduceOps) expect(page).toMatch(new RegExp(`\\| \`[a-z ]*\\b${op}\\b`));
});
