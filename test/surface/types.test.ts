/** Every promised name has a type, and none of them is `any`: this file is checked by tsc; running it only shows that it exists. */

import type * as mx from '../../lib';
import type * as names from './names';

type Library = typeof mx;
type array = mx.array;

/** The name in a signature: `sum(array, axis?)` is `sum`. */
type NameOf<S> = S extends `${infer N}(${string}` ? N : S;
type Names<L extends readonly string[]> = NameOf<L[number]>;

type IsAny<T> = 0 extends 1 & T ? true : false;
type Or<A, B> = A extends true ? true : B;
/** Whether a type, or as a function a parameter or the result of it, is `any`. */
type HasAny<T> = Or<
  IsAny<T>,
  T extends (...args: infer A) => infer R
    ? Or<IsAny<A>, Or<IsAny<R>, true extends { [K in keyof A]: IsAny<A[K]> }[number & keyof A] ? true : false>>
    : false
>;

/** What `path` names in `T`. */
type At<T, Path> = Path extends `${infer First}.${infer Rest}`
  ? First extends keyof T
    ? At<T[First], Rest>
    : 'missing'
  : Path extends keyof T
    ? T[Path]
    : 'missing';

/** The names that are missing, or are any. */
type Wrong<T, L extends readonly string[]> = {
  [N in Names<L>]: At<T, N> extends 'missing' ? N : HasAny<At<T, N>> extends true ? N : never;
}[Names<L>];

/** Compiles only where nothing is wrong. */
function expectNone<_T extends never>(): void {}
function expectType<_T extends true>(): void {}

function checked(): void {
  expectNone<Wrong<Library, typeof names.functions>>();
  expectNone<Wrong<Library, typeof names.beyond>>();
  expectNone<Wrong<Library, typeof names.values>>();
  expectNone<Wrong<Library['random'], typeof names.random>>();
  expectNone<Wrong<Library['fft'], typeof names.fft>>();
  expectNone<Wrong<Library['linalg'], typeof names.linalg>>();
  expectNone<Wrong<Library['fast'], typeof names.fast>>();
  expectNone<Wrong<array, typeof names.methods>>();
  expectNone<Wrong<array, typeof names.properties>>();
  // What the check finds: a missing name, and any in each place.
  expectType<Wrong<{ a: number }, readonly ['a', 'b(x)']> extends 'b' ? true : false>();
  // biome-ignore-start lint/suspicious/noExplicitAny: the check must see what it is there to find
  expectType<HasAny<any>>();
  expectType<HasAny<() => any>>();
  expectType<HasAny<(x: number, y: any) => number>>();
  // biome-ignore-end lint/suspicious/noExplicitAny: see above
}

function scans(): void {
  const w = {} as array;
  const [carry, ys] = {} as ReturnType<typeof scanned>;
  function scanned() {
    return ({} as Library).scan((c, [x]) => [{ h: c.h.add(x) }, [x, null]], { h: 0 }, [w]);
  }
  expectType<typeof carry extends { h: array } ? true : false>();
  expectType<typeof ys extends (array | null)[] ? true : false>();
  const looped = ({} as Library).whileLoop(
    ([x]) => x.less(1),
    ([x, y]) => [x.add(y), y],
    [w, 2],
  );
  expectType<typeof looped extends [array, array] ? true : false>();
  const chosen = ({} as Library).cond(
    true,
    (x, { y }) => x.add(y),
    (x) => x,
    w,
    { y: 1 },
  );
  expectType<typeof chosen extends array ? true : false>();
  // @ts-expect-error the carry is an array and no tree
  (({}) as Library).scan((c) => [c.h, null], w, w);
}

test('the types of the surface are checked by the compiler', () => {
  expect([typeof checked, typeof scans]).toEqual(['function', 'function']);
});
