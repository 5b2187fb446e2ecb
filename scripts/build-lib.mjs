// Compiles lib/ to dist/ as CommonJS, all in one file so that it loads at once, with declarations; and writes the ESM entry that
// re-exports it, so that there is one implementation.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');

function newest(folder) {
  return Math.max(...readdirSync(folder, { recursive: true }).map((name) => statSync(join(folder, String(name))).mtimeMs));
}

const entry = join(dist, 'index.mjs');
const configured = Math.max(...['tsconfig.build.json', 'scripts/build-lib.mjs'].map((name) => statSync(join(root, name)).mtimeMs));
if (!existsSync(entry) || statSync(entry).mtimeMs < Math.max(newest(join(root, 'lib')), configured)) {
  rmSync(dist, { recursive: true, force: true });
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });
  buildSync({
    entryPoints: [join(root, 'lib', 'index.ts')],
    // Two folders below the package, as lib's files are: they find the addon from there.
    outfile: join(dist, 'bundle', 'metalgrad.js'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['node-gyp-build'],
    legalComments: 'none',
  });
  const library = createRequire(import.meta.url)(join(dist, 'bundle', 'metalgrad.js'));
  const names = Object.keys(library).filter((name) => name !== 'default' && name !== '__esModule');
  // Name by name, as the declarations have them: tools that read this file see a default export beside the others.
  const exported = ['default', ...names].map((name) => `exports.${name} = library.${name};`);
  const marked = "Object.defineProperty(exports, '__esModule', { value: true });";
  writeFileSync(
    join(dist, 'index.js'),
    `'use strict';\n${marked}\nconst library = require('./bundle/metalgrad.js');\n${exported.join('\n')}\n`,
  );
  const locals = names.map((name) => `const _${name} = library.${name};`);
  const list = names.map((name) => `_${name} as ${name}`).join(', ');
  writeFileSync(entry, `import library from './index.js';\n${locals.join('\n')}\nexport { ${list} };\nexport default library.default;\n`);
  writeFileSync(
    join(dist, 'index.d.mts'),
    "export * from './index.js';\nimport library from './index.js';\nexport default library.default;\n",
  );
}
