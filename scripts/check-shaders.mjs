// Compiles every file of metal/ by itself: with Apple's compiler on macOS, on Linux with both compilations of the emulator.
// Says that it skips where there is no such compiler. Templates of kernels are compiled for every dtype.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { instances } from './shader-instances.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const shaders = join(root, 'metal');
const files = readdirSync(shaders).filter((name) => /\.(metal|h)$/.test(name));

/** Each compiler takes a file of metal/ and gives the messages of what is wrong with it, or an empty text. */
function appleCompiler() {
  const version = spawnSync('xcrun', ['metal', '--version'], { encoding: 'utf8' });
  if (version.status !== 0) return skip(`xcrun has no metal (Xcode and its Metal toolchain bring it): ${version.stderr?.trim() ?? ''}`);
  console.log(version.stdout.split('\n')[0]);
  const folder = mkdtempSync(join(tmpdir(), 'metalgrad-shaders-'));
  process.on('exit', () => rmSync(folder, { recursive: true }));
  return (name) => {
    const file = join(folder, 'shader.metal');
    writeFileSync(file, including(name));
    const args = ['metal', '-std=metal3.1', '-I', shaders, '-c', file, '-o', join(folder, 'shader.air')];
    const { status, stdout, stderr } = spawnSync('xcrun', args, { encoding: 'utf8' });
    return status === 0 ? '' : `${stdout}${stderr}` || `the compiler ended with ${status}`;
  };
}

function emulatorCompiler() {
  const addon = join(root, 'build-cmake', 'emulator', 'Release', 'emulator_shader_tests.node');
  if (!existsSync(addon)) return skip('the emulator is not built: node scripts/build.mjs --emulator');
  const { compile } = createRequire(import.meta.url)(addon);
  return (name) => compile(expanded(including(name))).error;
}

/**
 * A text that is one file of metal/ and instances of its kernels, as the library writes them. Hosts include <cstdint> before
 * what they share with the shaders; here it is Metal's own.
 */
function including(name) {
  const lines = (instances[name] ?? []).map(([template, types], i) => {
    const instance = `${template}<${types}>`;
    return `template [[host_name("${template}_${i}")]] [[kernel]] decltype(${instance}) ${instance};\n`;
  });
  return `#include <metal_stdlib>\n#include "${name}"\n${lines.join('')}`;
}

/** Templates without an instance would be compiled as text alone. */
function missing(name) {
  const text = readFileSync(join(shaders, name), 'utf8');
  const templates = [...text.matchAll(/^\[\[kernel\b.*?\]\] void (\w+)\(/gm)].map((match) => match[1]);
  if (name.endsWith('.metal') && templates.length === 0) return `no kernel is found in metal/${name}`;
  const without = templates.filter((template) => !instances[name]?.some(([known]) => known === template));
  return without.length === 0 ? '' : `scripts/shader-instances.mjs names no instance of ${without.join(', ')}`;
}

/** The text with the files of metal/ in the place of their includes, each once, as the library gives it to the device. */
function expanded(text, place = 'shader', seen = new Set()) {
  const lines = text.split('\n').map((line, i) => {
    if (line === '#pragma once') return '';
    const name = /^#include "(.*)"$/.exec(line)?.[1];
    if (name === undefined) return line;
    const back = `#line ${i + 2} "${place}"`;
    if (seen.has(name)) return back;
    seen.add(name);
    return `#line 1 "${name}"\n${expanded(readFileSync(join(shaders, name), 'utf8'), name, seen)}\n${back}`;
  });
  return lines.join('\n');
}

function skip(reason) {
  console.log(`no shader is compiled: ${reason}`);
}

if (files.length === 0) throw new Error(`${shaders} holds no shader`);
const compile = process.platform === 'darwin' ? appleCompiler() : emulatorCompiler();
if (compile) {
  const wrong = files.filter((name) => {
    const message = missing(name) || compile(name);
    if (message) console.error(`metal/${name} does not compile:\n${message}`);
    return message;
  });
  const count = Object.values(instances).flat().length;
  console.log(`${files.length - wrong.length} of ${files.length} files of metal/ compile, with ${count} instances of their kernels`);
  if (wrong.length > 0) process.exit(1);
}
