/** Runs some lines of JavaScript in a Node process of its own, on the emulated GPU: for what a process decides once, by its environment. */

import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');
const loader = join(root, 'test', 'hostile', 'library.cjs');
const emulator = join(root, 'test', 'support', 'emulator.ts');

/** What `code` gives to `print`; it has the library as `mx` and the emulator's functions as `emulator`. */
export async function onEmulatedGpu<Result>(code: string, settings: Record<string, string> = {}): Promise<Result> {
  const program = `require(${JSON.stringify(loader)});
    const emulator = require(${JSON.stringify(emulator)}).emulator();
    const mx = require(${JSON.stringify(join(root, 'lib'))});
    mx.setDefaultDevice(mx.gpu);
    const print = (value) => console.log(JSON.stringify(value));
    ${code}`;
  const child = spawn(process.execPath, ['-e', program], { env: { ...process.env, METALGRAD_METAL: 'emulator', ...settings } });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (text) => {
    output += text;
  });
  child.stderr.on('data', (text) => {
    errors += text;
  });
  const status = await new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)));
  if (status !== 0) throw new Error(`ended with ${status}: ${errors}`);
  return JSON.parse(output) as Result;
}
