/** The package as users get it: one implementation behind `import` and `require`, and nothing public that is not meant to be. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');

/** What a module prints that uses the package by its name, as its users do. */
function runModule(code: string): unknown {
  const text = execFileSync(process.execPath, ['--input-type=module', '-e', code], { cwd: root, encoding: 'utf8' });
  return JSON.parse(text.trim());
}

beforeAll(() => {
  execFileSync(process.execPath, [join(root, 'scripts', 'build-lib.mjs')], { cwd: root });
}, 60_000);

test('import and require give the same functions and classes', () => {
  const found = runModule(`
    import { createRequire } from 'node:module';
    const required = createRequire(import.meta.url)('metalgrad');
    const imported = await import('metalgrad');
    const names = (space) => Object.keys(space).filter((name) => name !== '__esModule' && name !== 'module.exports').sort();
    console.log(JSON.stringify({
      array: imported.array === required.array,
      instance: required.array(1) instanceof imported.array,
      differing: names(required).filter((name) => !Object.is(imported[name], required[name])),
      extra: names(imported).filter((name) => !names(required).includes(name)),
      core: imported.core === required.core && imported.default === required.default,
      eval: typeof imported.eval === 'function' && imported.default.eval === imported.eval,
      calls: [imported.grad(imported.sin)(imported.array(0)).item(), imported.default.array([1, 2]).tolist()],
    }));`);
  expect(found).toEqual({ array: true, instance: true, differing: [], extra: [], core: true, eval: true, calls: [1, [1, 2]] });
}, 30_000);

test('importing it starts nothing: a program that only imports it ends at once', () => {
  const start = performance.now();
  expect(runModule("import 'metalgrad'; console.log('1');")).toBe(1);
  expect(performance.now() - start).toBeLessThan(10_000);
}, 20_000);
