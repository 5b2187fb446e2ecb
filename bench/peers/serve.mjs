// The JavaScript form of serve.py.

import { createInterface } from 'node:readline';

async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The mean of the runs that count of a turn, after those that do not. */
async function turn(work, warm, counted) {
  for (let spent = 0; spent < warm; ) spent += await timed(work);
  let spent = 0;
  let runs = 0;
  for (; spent < counted; runs++) spent += await timed(work);
  return spent / runs;
}

export function serve(versions, lines) {
  let ready = null;
  createInterface({ input: process.stdin }).on('line', async (text) => {
    const { command, line, warm, counted } = JSON.parse(text);
    let answer;
    try {
      if (command === 'hello') answer = { versions };
      else if (command === 'prepare') {
        if (line in lines) {
          ready = await lines[line]();
          answer = {};
        } else answer = { missing: 'no such line' };
      } else answer = { ms: await turn(ready, warm, counted) };
    } catch (error) {
      answer = { missing: String(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  });
}
