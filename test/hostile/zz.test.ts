import { join } from 'node:path';

import { runChild } from './child';

test('no call ends the process, hangs, or throws anything but an error that begins with a function in brackets', () => {
  const seed = 77;
  const runs = 400;
  const { status, signal, text, last } = runChild(
    `process.argv = ['', '', '${seed}', '${runs}']; require(${JSON.stringify(join(__dirname, 'fuzz.ts'))});`,
    {
      seconds: 170,
    },
  );
  expect({ status, signal, text, last: status === 0 ? '' : last }).toEqual({ status: 0, signal: null, text: '', last: '' });
}, 180_000);
