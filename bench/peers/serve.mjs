// The JavaScript form of serve.py.

import { createInterface } from 'node:readline';

async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The mean of the runs of a turn; the first counts if it fills the turn by itself. */
async function turn(work, milliseconds) {
  const first = await timed(work);
  if (first >= milliseconds) return first;
  let spent = 0;
  let runs = 0;
  for (; spent < milliseconds; runs++) spent += await timed(work);
  return spent / runs;
}

export function serve(versions, lines) {
  let ready = null;
  createInterface({ input: process.stdin }).on('line', async (text) => {
    const { command, line, milliseconds } = JSON.parse(text);
    let answer;
    try {
      if (command === 'hello') answer = { versions };
      else if (command === 'prepare') {
        if (line in lines) {
          ready = await lines[line]();
          answer = {};
        } else answer = { missing: 'no such line' };
      } else answer = { ms: await turn(ready, milliseconds) };
    } catch (error) {
      answer = { missing: String(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  });
}
