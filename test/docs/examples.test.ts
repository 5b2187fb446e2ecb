/** The examples of the library's documentation, run: what a comment says is the result is what comes out. */

import { transformSync } from '@swc/core';

import * as mx from '../../lib';
import { ops } from '../../lib/ops/registry';
import { type Declared, declarations } from './examples';
import { show } from './show';

/** What examples may name beside `mx`. */
function given(): Record<string, unknown> {
  const x = mx.array([1, 2, 3]);
  const pair = mx.array([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  return {
    x,
    y: mx.array([4, 5, 6]),
    w: mx.array([1, 1, 1]),
    b: mx.array(1),
    loss: mx.array(2),
    weights: x,
    bias: mx.array(0),
    xs: pair.T,
    ys: pair,
  };
}

/** A comment that is a value, and no remark. */
const valueLike = /^(array\(|\[|\{|-?\d|true$|false$|"|Device|Stream|(bool|u?int\d+|b?float\d+|complex64)$)/;

/** The example with each `expression; // value` made a check. */
function instrumented(example: string): string {
  const lines = example.split('\n').map((line) => {
    const match = /^(?!\s*(?:const|let|using|import|\/\/|for|if|\}))(.*\S);? \/\/ (.*)$/.exec(line);
    if (match === null) return line;
    const [, expression, comment] = match;
    // A remark may follow a value: `array(2, dtype=float32), computed by …`.
    const value = /^(array\(.*?dtype=\w+\))(?:, .*)?$/.exec(comment)?.[1] ?? comment;
    if (!valueLike.test(comment)) return line;
    return `check(${expression.replace(/;$/, '')}, ${JSON.stringify(value)});`;
  });
  const source = lines.map((line) => line.replace(/^import .*$/, '')).join('\n');
  return transformSync(`async function example() {\n${source}\n}`, {
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    isModule: false,
  }).code;
}

async function run(example: string): Promise<number> {
  let checks = 0;
  const check = (value: unknown, expected: string): void => {
    checks++;
    expect(show(value).replaceAll('\n', '\\n')).toBe(expected);
  };
  const names = { mx, check, console: { log: () => {} }, ...given() };
  await new Function(...Object.keys(names), `${instrumented(example)}\nreturn example();`)(...Object.values(names));
  return checks;
}

const all = declarations();
const documented = all.filter(({ examples }) => examples.length > 0);

test.each(documented.map((entry): [string, Declared] => [`${entry.name} (${entry.place})`, entry]))('%s', async (_, { examples }) => {
  for (const example of examples) await run(example);
});

test('most examples say what comes out', async () => {
  const checks = await Promise.all(documented.flatMap(({ examples }) => examples.map(run)));
  expect(checks.filter((count) => count > 0).length).toBeGreaterThan(150);
});

test('every public function has a description and an example', () => {
  const byName = new Map<string, Declared[]>();
  for (const entry of all) byName.set(entry.name, [...(byName.get(entry.name) ?? []), entry]);
  const members: [string, unknown][] = [
    ['', mx.core],
    ...Object.entries(mx.core).map(([name, member]): [string, unknown] => [`${name}.`, member]),
  ];
  const namespaces = members.filter((entry): entry is [string, object] => typeof entry[1] === 'object' && entry[1] !== null);
  const bare = namespaces.flatMap(([prefix, space]) =>
    Object.keys(space)
      .filter((name) => typeof (space as Record<string, unknown>)[name] === 'function')
      // Classes are documented by their members, and `eval` is exported under another name than its own.
      .filter((name) => !prefix.startsWith('metal') && !['Stream', 'DtypeCategory', 'Dtype', 'array'].includes(name))
      .map((name) => (name === 'eval' ? 'evaluate' : name))
      .filter((name) => !(byName.get(name) ?? []).some(({ doc, examples }) => doc !== '' && examples.length > 0))
      .map((name) => prefix + name),
  );
  expect(bare).toEqual([]);
});

test('the operations of the registry are public functions', () => {
  const missing = [...ops().keys()].filter(
    (name) => !name.includes('.') && !(name in mx.core) && !['index', 'indexPut_', 'at'].includes(name),
  );
  expect(missing).toEqual([]);
});
