/** What a primitive declares: its result, its derivative, its batching and how it lowers to program steps. */

import type { Dtype } from '../dtype';
import type { Node, Shape, ShapeDtype } from '../graph/node';
import type { ElementwiseOp, ReduceOp, RoutineName, ScatterMode } from '../schedule/opcodes';

/** A tangent or a cotangent; null is a zero that was never computed. */
export type Tangent = Node | null;

/** Collects the integers that tell two plans apart. */
export interface KeyWriter {
  int(value: number): void;
  ints(values: readonly number[]): void;
}

/** Collects what a plan takes as an argument at each run: scalar values and slice starts, 8 bytes each. */
export interface ArgWriter {
  /** A scalar in the representation of `dtype`. Returns nothing; the order of calls is the arguments' order. */
  scalar(value: Scalar, dtype: Dtype): void;
  /** An element count or position. */
  integer(value: number): void;
}

/** A JavaScript value of one element. */
export type Scalar = number | bigint | boolean | { readonly re: number; readonly im: number };

/** A region of an output that one input fills: `step` counts elements of the output between two of the input's. */
export interface Region {
  readonly input: number;
  readonly start: readonly number[];
  readonly step: readonly number[];
}

/** How the scheduler turns a node into program steps. */
export type Lowering<A> =
  /** One instruction a element; inputs and output have the same shape. */
  | { readonly kind: 'elementwise'; readonly op: ElementwiseOp }
  /** The same value everywhere: `args` writes it. */
  | { readonly kind: 'full' }
  /** start + step · (index along `axis`): `args` writes start, then step. */
  | { readonly kind: 'arange'; readonly axis: (attrs: A) => number }
  /** The input's own elements in the same order and shape: no work. Further inputs only order the evaluation. */
  | { readonly kind: 'alias' }
  | { readonly kind: 'reshape' }
  | { readonly kind: 'transpose'; readonly permutation: (attrs: A) => readonly number[] }
  /** Input axes are aligned with the last output axes; a size-1 axis repeats. */
  | { readonly kind: 'broadcast' }
  /** `args` writes the starts, one an axis; a step may be negative. The output's shape may leave out axes of size 1. */
  | { readonly kind: 'slice'; readonly sizes: (attrs: A) => Shape; readonly steps: (attrs: A) => readonly number[] }
  | { readonly kind: 'reduce'; readonly op: ReduceOp; readonly axes: (attrs: A) => readonly number[] }
  | { readonly kind: 'matmul' }
  /** inputs: source, then one index array an entry of `axes`. */
  | { readonly kind: 'gather'; readonly axes: (attrs: A) => readonly number[]; readonly sliceSizes: (attrs: A) => readonly number[] }
  /** inputs: source, updates, then one index array an entry of `axes`. */
  | { readonly kind: 'scatter'; readonly mode: (attrs: A) => ScatterMode; readonly axes: (attrs: A) => readonly number[] }
  /** inputs: keys of shape […, 2]. */
  | { readonly kind: 'randomBits' }
  /** Sorts along the last axis; `indices` gives the permutation instead of the values. */
  | { readonly kind: 'sort'; readonly indices: boolean }
  /**
   * The output is written region by region: first `base` (an input of the output's shape, or zeros), then each region
   * in order. Regions may overlap `base` but not one another.
   * A primitive with `args` writes the regions' starts there, region by region, one an axis: `start` is then not read.
   */
  | {
      readonly kind: 'assemble';
      readonly base: (attrs: A) => number | 'zeros' | 'none';
      readonly regions: (attrs: A, node: Node) => readonly Region[];
    }
  /**
   * One function of the device computes all outputs of the primitive, which may have several: each gets a buffer of its own. `ints` are
   * what the function needs to know beside shapes and dtypes, so `key` must tell them apart, too; what `args` writes are its
   * arguments.
   */
  | {
      readonly kind: 'routine';
      readonly routine: RoutineName;
      readonly ints?: (attrs: A, node: Node) => readonly number[];
      /** Inputs are row-major in memory: others are copied before. Without this they come with any strides, 0 and negative ones included. */
      readonly contiguous?: boolean;
      /** Memory that the function needs while it runs: it comes after the outputs. */
      readonly scratch?: (attrs: A, node: Node) => readonly ShapeDtype[];
      /** Outputs that the function leaves out where nobody reads them. */
      readonly optional?: readonly number[];
    }
  /** Replaced, before scheduling, by the graph that it stands for: one node an output. */
  | { readonly kind: 'expand'; readonly expand: (inputs: readonly Node[], attrs: A, node: Node) => readonly Node[] }
  /** A compiled function: runs as a plan of its own once its inputs are evaluated. */
  | { readonly kind: 'compiled' }
  /** Control flow: its attributes hold functions that run as plans of their own, as often as values say, once its inputs are evaluated. */
  | { readonly kind: 'control' }
  /** One output of a primitive that has several: attrs is { index }. */
  | { readonly kind: 'project' }
  /** Stands for a value that does not exist while a function is traced; reading it is an error that this text tells. */
  | { readonly kind: 'placeholder' }
  /** An array made from data: always evaluated. */
  | { readonly kind: 'data' };

interface Declaration<A> {
  readonly name: string;
  readonly lowering: Lowering<A>;
  /** Writes the attributes that make two plans different. Absent: the output shape and dtype say it all. */
  key?(attrs: A, key: KeyWriter): void;
  /** Writes the attributes that are arguments of a plan. */
  args?(attrs: A, args: ArgWriter, dtype: Dtype): void;
}

/** A primitive with one output. `A` is the type of its attributes. */
export interface PrimitiveDeclaration<A> extends Declaration<A> {
  readonly several?: false;
  /** Shape and dtype of the result; throws the error that the user reads. */
  infer(inputs: readonly ShapeDtype[], attrs: A): ShapeDtype;
  /**
   * The tangent of `out` from the tangents of its inputs; at least one is not null, and `out` is inexact. The result
   * is linear in the tangents, made of primitives that are linear in them too.
   */
  jvp(out: Node, tangents: readonly Tangent[], attrs: A): Tangent;
  /**
   * For a primitive that is linear in the inputs marked in `linear` (taken together): the cotangents of those inputs,
   * null elsewhere, from the cotangent of `out`. The adjoint is taken under Re⟨a, b⟩. Values of inputs marked linear
   * must not be read, only their shapes and dtypes.
   */
  transpose?(cotangent: Node, out: Node, linear: readonly boolean[], attrs: A): readonly Tangent[];
  /**
   * The batched result. Inputs marked in `mapped` carry a batch axis of length `size` in front, the others none; the
   * result carries it in front. At least one input is mapped.
   */
  vmap(inputs: readonly Node[], mapped: readonly boolean[], size: number, attrs: A, out: Node): Node;
}

/** A primitive with several outputs: its node has no value of its own, `project` nodes pick from it. */
export interface SeveralDeclaration<A> extends Declaration<A> {
  readonly several: true;
  infer(inputs: readonly ShapeDtype[], attrs: A): readonly ShapeDtype[];
  jvp(node: Node, tangents: readonly Tangent[], attrs: A): readonly Tangent[];
  transpose?(cotangents: readonly Tangent[], node: Node, linear: readonly boolean[], attrs: A): readonly Tangent[];
  /** Each result with whether it is mapped. */
  vmap(inputs: readonly Node[], mapped: readonly boolean[], size: number, attrs: A, node: Node): readonly { node: Node; mapped: boolean }[];
}

/** A declared primitive with its attribute type erased, and the number that stands for it in plan keys. */
export type Primitive = (PrimitiveDeclaration<unknown> | SeveralDeclaration<unknown>) & { readonly code: number };

const registry: Primitive[] = [];

/** Every primitive declared so far, at the index of its code. */
export function primitives(): readonly Primitive[] {
  return registry;
}

/** Declares a primitive. The returned object is what nodes refer to. */
export function definePrimitive<A>(declaration: PrimitiveDeclaration<A> | SeveralDeclaration<A>): Primitive {
  // The one place where the attribute type is erased: a node pairs a primitive only with attributes it was built with.
  // All have the same fields in the same order, so that walks over many primitives read them fast.
  const { name, several, lowering, key, args, infer, jvp, transpose, vmap } = declaration;
  const primitive = { name, several, lowering, key, args, infer, jvp, transpose, vmap, code: registry.length } as unknown as Primitive;
  registry.push(primitive);
  return primitive;
}

/** A shape with the batch axis in front. */
export function batched(size: number, shape: Shape): Shape {
  return [size, ...shape];
}
