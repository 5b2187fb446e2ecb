/** Finds the line of the user's code that called into the library, for errors about values that do not exist yet. */

import { dirname, sep } from 'node:path';

/** The folder that holds the library's own files. */
const library = dirname(__dirname) + sep;

/** `file:line:column` of the first stack frame outside the library; empty when there is none. */
export function callerLine(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 30;
  const frames = (new Error().stack ?? '').split('\n').slice(1);
  Error.stackTraceLimit = limit;
  for (const frame of frames) {
    const location = /\(?((?:file:\/\/)?[^()\s][^()]*:\d+:\d+)\)?$/.exec(frame.trim().replace(/^at (async )?/, ''))?.[1];
    if (location === undefined) continue;
    const path = location.replace(/^file:\/\//, '');
    if (path.startsWith(library) || path.startsWith('node:') || path.includes(`${sep}internal${sep}`)) continue;
    return path;
  }
  return '';
}
