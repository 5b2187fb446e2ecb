/** Every promised name is there, callable, and takes its arguments in the promised order. */

import * as mx from '../../lib';
import { ops } from '../../lib/ops/registry';
import * as names from './names';

/** `sum(array, axis?)` as its name and parameters; null where the list gives none. */
function parse(entry: string): { name: string; parameters: string[] | null } {
  const match = /^([\w.]+)(?:\((.*)\))?$/.exec(entry);
  if (match === null) throw new Error(`${entry} is no signature`);
  const [, name, parameters] = match;
  return { name, parameters: parameters === undefined ? null : parameters === '' ? [] : parameters.split(', ') };
}

function find(path: string): unknown {
  return path.split('.').reduce((value: unknown, key) => (value as Record<string, unknown> | undefined)?.[key], mx);
}

const under = (space: string, list: readonly string[]): string[] => list.map((entry) => `${space}.${entry}`);
const functions: readonly string[] = [
  ...names.functions,
  ...names.beyond,
  ...under('random', names.random),
  ...under('fft', names.fft),
  ...under('linalg', names.linalg),
  ...under('fast', names.fast),
];

test('every function is callable', () => {
  const missing = functions.map((entry) => parse(entry).name).filter((name) => typeof find(name) !== 'function');
  expect(missing).toEqual([]);
  expect(new Set(functions.map((entry) => parse(entry).name)).size).toBeGreaterThan(270);
});

test('every method and property of arrays is there', () => {
  const x = mx.array([[1, 2]]) as unknown as Record<string, unknown>;
  expect(names.methods.map((entry) => parse(entry).name).filter((name) => typeof x[name] !== 'function')).toEqual([]);
  expect(names.properties.filter((name) => !(name in x))).toEqual([]);
});

test('every unary, binary and comparison function is a method too', () => {
  const taking = (list: string) => names.functions.map(parse).filter(({ parameters }) => parameters?.join() === list);
  const elementwise = [...taking('array'), ...taking('a,b')].map(({ name }) => name);
  const others = ['issubdtype', 'stopGradient', 'onesLike', 'zerosLike'];
  const prototype = mx.array.prototype as unknown as Record<string, unknown>;
  expect(elementwise.filter((name) => !others.includes(name) && typeof prototype[name] !== 'function')).toEqual([]);
});

test('every constant, device and dtype is there', () => {
  expect(names.values.filter((name) => find(name) === undefined && name !== 'newaxis')).toEqual([]);
  expect([mx.newaxis, mx.infty, mx.NINF, mx.PZERO, mx.bool_]).toEqual([null, Infinity, -Infinity, 0, mx.bool]);
  expect(Object.is(mx.NZERO, -0)).toBe(true);
});

test('the names by themselves, `core` and the default export agree', () => {
  for (const { name } of functions.map(parse)) {
    const [first] = name.split('.');
    const own = (mx as unknown as Record<string, unknown>)[first];
    expect([name, (mx.default as unknown as Record<string, unknown>)[first] === own]).toEqual([name, true]);
    expect([name, (mx.core as unknown as Record<string, unknown>)[first] === own]).toEqual([name, true]);
  }
});

test('arguments are where the list has them', () => {
  const wrong: string[] = [];
  const longest = new Map<string, number>();
  for (const { name, parameters } of functions.map(parse)) {
    longest.set(name, Math.max(longest.get(name) ?? 0, parameters?.length ?? 0));
  }
  for (const { name, parameters } of functions.map(parse)) {
    // Of several forms the longest has every argument; in the others the type of one says which it is.
    if (parameters !== null && parameters.length < (longest.get(name) as number)) continue;
    const declared = ops().get(name)?.parameters;
    // A list of arrays may be given as several arguments, and a shape spread.
    if (parameters === null || declared === undefined || [...parameters, ...declared].some((p) => p.startsWith('...'))) continue;
    if (declared.length < parameters.length) wrong.push(`${name} takes ${declared}, not ${parameters}`);
    const bare = (parameter: string): string[] => parameter.replace('?', '').split('|');
    parameters.forEach((parameter, at) => {
      const own = declared.findIndex((entry) => bare(entry).includes(bare(parameter)[0]));
      // The words of a quantized matrix may come first: their dtype tells them apart.
      if (own >= 0 && own !== at && name !== 'quantizedMatmul') wrong.push(`${name} has ${parameter} at ${own}, not ${at}`);
      // What the list lets one leave out may be left out.
      if (parameter.endsWith('?') && at < declared.length && !declared[at].endsWith('?') && at > 0 && name !== 'convGeneral') {
        wrong.push(`${name} needs ${declared[at]}`);
      }
    });
  }
  expect(wrong).toEqual([]);
});

test('where there are several forms, the type of an argument tells which it is', () => {
  const x = mx.array([
    [1, 2],
    [3, 4],
  ]);
  for (const reduce of [mx.sum, mx.prod, mx.max, mx.min, mx.mean, mx.all, mx.any, mx.argmax, mx.argmin]) {
    const name = reduce.name as 'sum';
    expect([name, reduce(x, true).shape, reduce(x, 0, true).shape, reduce(x, 1).shape]).toEqual([name, [1, 1], [1, 2], [2]]);
    expect([name, x[name](true).shape, x[name]({ axis: 0, keepdims: true }).shape]).toEqual([name, [1, 1], [1, 2]]);
  }
  expect([mx.arange(3).tolist(), mx.arange(3, mx.int32).dtype, mx.arange(1, 3).tolist()]).toEqual([[0, 1, 2], mx.int32, [1, 2]]);
  const key = mx.random.key(1);
  expect(mx.random.permutation(x, key).tolist()).toEqual(mx.random.permutation(x, 0, key).tolist());
  expect(mx.linalg.svd(x, false)).toBeInstanceOf(mx.array);
  expect(mx.reshape(x, [4]).shape).toEqual(mx.reshape(x, 4).shape);
});
