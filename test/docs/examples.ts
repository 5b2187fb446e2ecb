/** Reads the TSDoc of the library's exported declarations and the examples in it. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Declared {
  /** The file, from the top of the project, and the line of the declaration. */
  readonly place: string;
  readonly name: string;
  readonly doc: string;
  readonly examples: readonly string[];
}

const root = join(__dirname, '..', '..');

/** The text of a doc comment without its stars. */
function unstarred(comment: string): string {
  return comment
    .replace(/^\s*\/\*\*/, '')
    .replace(/\*\/\s*$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim();
}

/** Every exported function and constant, and every member of an exported interface that has examples, of a file. */
function declarationsOf(file: string): Declared[] {
  const text = readFileSync(join(root, file), 'utf8');
  const found: Declared[] = [];
  for (const match of text.matchAll(
    /(\/\*\*(?:[^*]|\*(?!\/))*\*\/\n)?((?:export (?:const|(?:async )?function|class) (\w+))|(?:^ {2}new \(value))/gm,
  )) {
    const [, comment = '', , name = 'array'] = match;
    const doc = unstarred(comment);
    const line = text.slice(0, (match.index ?? 0) + comment.length).split('\n').length;
    const examples = doc
      .split(/^@/m)
      .filter((part) => part.startsWith('example'))
      .map((part) => part.slice('example'.length).trim());
    found.push({ place: `${file}:${line}`, name, doc, examples });
  }
  return found;
}

/** The declarations of all files of the library. */
export function declarations(): Declared[] {
  return readdirSync(join(root, 'lib'), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .flatMap((name) => declarationsOf(join('lib', name)));
}
