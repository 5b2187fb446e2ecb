/** The types of transformed functions, which follow the trees of the functions they are made from. */

import type { array } from '../array';

/** A tree as it is, with the integer and other leaves of a gradient keeping their places. */
type GradientTree<T> = T extends array
  ? array
  : T extends (...args: never[]) => unknown
    ? T
    : T extends object
      ? { [K in keyof T]: GradientTree<T[K]> }
      : T;

/** The gradient of an argument: arrays where it has arrays; of a bare number an array. */
export type Gradient<T> = array extends T ? array : T extends number ? array : GradientTree<T>;

/** The gradients for `argnums`: bare for a number and for a list of one, else a list in the order asked. */
export type Gradients<A extends readonly unknown[], N> = N extends number
  ? Gradient<A[N]>
  : N extends readonly [infer Only extends number]
    ? Gradient<A[Only]>
    : N extends readonly number[]
      ? { -readonly [K in keyof N]: N[K] extends number ? Gradient<A[N[K]]> : never }
      : never;

/** The outputs of a function as the list that `jvp` and `vjp` return: a list as it is, anything else as a list of one. */
export type Outputs<R> = R extends array ? [array] : R extends readonly unknown[] ? { -readonly [K in keyof R]: R[K] } : [R];

/** Arrays for the arrays of each entry of a list of trees; a number will do for an array. */
export type Vectors<L extends readonly unknown[]> = { readonly [K in keyof L]: Vector<L[K]> };

type Vector<T> = array extends T
  ? array | number
  : T extends array
    ? array | number
    : T extends number
      ? array | number
      : T extends readonly unknown[] | { readonly [key: string]: unknown }
        ? { readonly [K in keyof T]: Vector<T[K]> }
        : T | null | undefined;

/** The list of gradients or tangents of a list of trees. */
export type VectorResults<L extends readonly unknown[]> = { -readonly [K in keyof L]: Gradient<L[K]> };

/** One alone is passed bare, several as a list. */
export type Bare<L extends readonly unknown[]> = L extends readonly [infer Only] ? Only : L;

/** The derivatives `G` of each output of `R`. */
export type Jacobian<R, G> = R extends array ? G : R extends object ? { [K in keyof R]: Jacobian<R[K], G> } : R;
