// The JavaScript form of serve.py.

import { createInterface } from 'node:readline';

export function serve(versions, lines) {
  let ready = null;
  createInterface({ input: process.stdin }).on('line', async (text) => {
    const { command, line } = JSON.parse(text);
    let answer;
    try {
      if (command === 'hello') answer = { versions };
      else if (command === 'prepare') {
        if (line in lines) {
          ready = await lines[line]();
          answer = {};
        } else answer = { missing: 'no such line' };
      } else {
        const start = performance.now();
        await ready();
        answer = { ms: performance.now() - start };
      }
    } catch (error) {
      answer = { missing: String(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  });
}
