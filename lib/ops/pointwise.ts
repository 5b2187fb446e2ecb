/** Makes the public functions of elementwise primitives: the fast path for arrays that fit, and the conversions for the rest. */
// biome-ignore-all lint/complexity/noArguments: a rest parameter would allocate on the path of every operation

import { ArrayHandle, type ArrayInput, type array, toNode, wrap } from '../array';
import { type Dtype, float16 } from '../dtype';
import type { Node } from '../graph/node';
import { checkDomain, type Domain } from '../primitives/domain';
import { full } from '../primitives/generators';
import { sameShape } from '../shape';
import { operands } from './arguments';
import { type MethodOp, type OpCase, type OpDeclaration, operand, registerOp, withOptions } from './registry';

/** A function of one array. */
export type UnaryOp = MethodOp<[x: ArrayInput], [], Record<never, never>, array>;
/** A function of two arrays, which broadcast and promote. */
export type BinaryOp = MethodOp<[a: ArrayInput, b: ArrayInput], [], Record<never, never>, array>;

interface Common {
  readonly aliases?: readonly string[];
  readonly method?: boolean;
  /** What `build` takes once dtypes are converted; anything else is an error. */
  readonly domain: Domain;
  /** The dtype to compute in, for one that `domain` lacks. */
  readonly convert?: (dtype: Dtype) => Dtype;
  readonly cases?: () => readonly OpCase[];
}

export interface UnaryDeclaration extends Common {
  /** The operand itself is the result where the domain lacks its dtype and this says so: ⌊n⌋ = n. */
  readonly unchanged?: (dtype: Dtype) => boolean;
}

/** Declares y = f(x). */
export function unaryOp(name: string, build: (x: Node) => Node, declaration: UnaryDeclaration): UnaryOp {
  const { domain, convert, unchanged } = declaration;
  const { low, high } = domain;
  const op: OpDeclaration = { name, parameters: ['x'], ...shared(declaration) };
  const general = withOptions(op, (x: ArrayInput): array => {
    const node = toNode(x, undefined, name);
    const { dtype } = node;
    if (dtype.code >= low && dtype.code <= high) return wrap(build(node));
    if (unchanged?.(dtype)) return wrap(node);
    const target = convert === undefined ? dtype : convert(dtype);
    checkDomain(name, domain, target);
    return wrap(build(toNode(wrap(node), target, name)));
  });
  return registerOp<UnaryOp>(
    op,
    function (x: unknown): unknown {
      if (arguments.length === 1 && x instanceof ArrayHandle) {
        const node = x._node;
        if (node !== null && node.dtype.code >= low && node.dtype.code <= high) return new ArrayHandle(build(node));
      }
      return general(...(arguments as unknown as unknown[]));
    },
    function (this: unknown): unknown {
      if (arguments.length === 0 && this instanceof ArrayHandle) {
        const node = this._node;
        if (node !== null && node.dtype.code >= low && node.dtype.code <= high) return new ArrayHandle(build(node));
      }
      return general(this, ...(arguments as unknown as unknown[]));
    },
  );
}

/** Declares y = f(a, b). `parameters` names the operands where they have names of their own. */
export function binaryOp(name: string, build: (a: Node, b: Node) => Node, declaration: Common, parameters = ['a', 'b']): BinaryOp {
  const { domain, convert } = declaration;
  const { low, high } = domain;
  const fit = (dtype: Dtype): Dtype => {
    if (dtype.code >= low && dtype.code <= high) return dtype;
    const target = convert === undefined ? dtype : convert(dtype);
    checkDomain(name, domain, target);
    return target;
  };
  const op: OpDeclaration = { name, parameters, ...shared(declaration) };
  const general = withOptions(op, (a: unknown, b: unknown): array => {
    const [x, y] = operands(name, a, b, fit);
    return wrap(build(x, y));
  });
  return registerOp<BinaryOp>(
    op,
    function (a: unknown, b: unknown): unknown {
      if (arguments.length === 2 && a instanceof ArrayHandle && b instanceof ArrayHandle) {
        const x = a._node;
        const y = b._node;
        if (x !== null && y !== null && fits(x, y, low, high)) return new ArrayHandle(build(x, y));
      } else if (arguments.length === 2 && typeof b === 'number' && a instanceof ArrayHandle) {
        const x = a._node;
        if (x !== null && takes(x.dtype, b, low, high)) return new ArrayHandle(build(x, full(b, x.shape, x.dtype)));
      }
      return general(...(arguments as unknown as unknown[]));
    },
    function (this: unknown, b: unknown): unknown {
      if (arguments.length === 1 && this instanceof ArrayHandle && b instanceof ArrayHandle) {
        const x = this._node;
        const y = b._node;
        if (x !== null && y !== null && fits(x, y, low, high)) return new ArrayHandle(build(x, y));
      } else if (arguments.length === 1 && typeof b === 'number' && this instanceof ArrayHandle) {
        const x = this._node;
        if (x !== null && takes(x.dtype, b, low, high)) return new ArrayHandle(build(x, full(b, x.shape, x.dtype)));
      }
      return general(this, ...(arguments as unknown as unknown[]));
    },
  );
}

/** Whether two nodes are operands as they are. */
function fits(x: Node, y: Node, low: number, high: number): boolean {
  const { dtype } = x;
  return dtype === y.dtype && dtype.code >= low && dtype.code <= high && (x.shape === y.shape || sameShape(x.shape, y.shape));
}

/** Whether a number can take a dtype that is in the domain. */
function takes(dtype: Dtype, value: number, low: number, high: number): boolean {
  const { code } = dtype;
  return code >= low && code <= high && (code >= float16.code || (code > 0 && Number.isSafeInteger(value)));
}

function shared({ aliases, method, cases }: Common): Pick<OpDeclaration, 'aliases' | 'method' | 'cases'> {
  return { ...(aliases && { aliases }), ...(method !== undefined && { method }), ...(cases && { cases }) };
}

type Draw = NonNullable<ConstructorParameters<typeof import('./registry').Operand>[1]>;

/** Cases of a function of one array: a scalar, a matrix and an empty array. */
export function unaryCases(draw: Draw = {}, rest: Omit<OpCase, 'args'> = {}): () => readonly OpCase[] {
  return () => [[], [2, 3], [2, 0]].map((shape) => ({ args: [operand(shape, draw)], ...rest }));
}

/** Cases of a function of two arrays: equal shapes, broadcast ones, a number on either side, and empty arrays. */
export function binaryCases(a: Draw = {}, b: Draw = a, rest: Omit<OpCase, 'args'> = {}): () => readonly OpCase[] {
  return () => {
    const cases: OpCase[] = [
      [
        [2, 3],
        [2, 3],
      ],
      [[3], [2, 1]],
      [[], [4]],
      [[0, 2], [2]],
    ].map(([left, right]) => ({ args: [operand(left, a), operand(right, b)], ...rest }));
    const number = ((b.low ?? -2) + (b.high ?? 2)) / 2 + 0.25;
    return [...cases, { args: [operand([3], { ...a, avoid: [number, ...(a.avoid ?? [])] }), b.dtype === undefined ? number : 2], ...rest }];
  };
}
