/** Declares public operations: each once, with its options, whether it is a method, and the cases of its law tests. */
// biome-ignore-all lint/complexity/noArguments: a rest parameter would allocate on the path of every operation

import { ArrayHandle } from '../array';
import { Device, deviceNumber, Stream, type StreamOrDevice, streamFor } from '../device';
import type { Dtype } from '../dtype';
import { PlacementError, typeError } from '../errors';
import { onDevice, type Shape } from '../graph/node';
import { count, describe } from './arguments';

/** Where the last argument may say on which device or stream to run. */
export interface StreamOption {
  readonly stream?: StreamOrDevice | undefined;
}

/** What may stand last in a call that has no optional arguments. */
export type Placement = StreamOption | StreamOrDevice;

/** What may stand last in a call: the optional arguments by name, or a stream or device. */
export type Trailing<Options> =
  | ([keyof Options] extends [never] ? StreamOption : { readonly [K in keyof Options]?: Options[K] | undefined } & StreamOption)
  | StreamOrDevice;

/** Every way to stop early in a list of optional arguments and give the rest by name. */
type Cut<Positional extends readonly unknown[], Last> = number extends Positional['length']
  ? [options: Last]
  : Positional extends readonly []
    ? [options: Last]
    : Positional extends readonly [(infer First)?, ...infer Rest]
      ? [options: Last] | [First | undefined, ...Cut<Rest, Last>]
      : never;

/** The type of the property that carries the method form of an operation, for the type of `array`. */
export declare const methodForm: unique symbol;

/** A function with required and optional positional arguments; the optional ones also by name. */
export interface Call<Required extends readonly unknown[], Positional extends readonly unknown[], Options, Result> {
  (...args: [...Required, ...Cut<Positional, Trailing<Options>>]): Result;
  // Last, because transforms infer the type of a function from its last signature.
  (...args: [...Required, ...Positional]): Result;
}

type Rest<T extends readonly unknown[]> = T extends readonly [unknown, ...infer R] ? R : [];

/** An operation that is a function and, on its first argument, a method of `array`. */
export interface MethodOp<Required extends readonly unknown[], Positional extends readonly unknown[], Options, Result>
  extends Call<Required, Positional, Options, Result> {
  readonly [methodForm]: Call<Rest<Required>, Positional, Options, Result>;
}

/** A method operation whose signature is none of the usual ones. */
export type CustomMethodOp<Fn, Method> = Fn & { readonly [methodForm]: Method };

/** How the law tests make one array argument. */
export class Operand {
  constructor(
    readonly shape: Shape,
    readonly options: {
      /** Values are drawn between `low` and `high`, -2 and 2 unless told. */
      readonly low?: number;
      readonly high?: number;
      /** Points where the operation has no derivative: values keep a distance of 0.05 from them. */
      readonly avoid?: readonly number[];
      /** Values differ from one another (and those of other such operands) by at least 0.05. */
      readonly distinct?: boolean;
      /** Of matrices in the last two axes: adds (k + 1) · `diagonal` to element k of the diagonal, so that they are far from singular. */
      readonly diagonal?: number;
      /** The dtype it needs; without one the test chooses a floating dtype. */
      readonly dtype?: Dtype;
      /** False for an argument that has no derivative although its dtype would allow one. */
      readonly differentiable?: boolean;
    } = {},
  ) {}
}

/** An array argument of a law test. */
export function operand(shape: Shape, options?: Operand['options']): Operand {
  return new Operand(shape, options);
}

/** One argument of a law test: an array to make, a list of them, or a value as it is. */
export type CaseArgument = Operand | readonly Operand[] | unknown;

/** One call for the matrix of operations and transforms. The result may be an array or a list of arrays. */
export interface OpCase {
  readonly args: readonly CaseArgument[];
  /** The result has no derivative (comparisons, integers, rounding): only vmap and compile are tested. */
  readonly differentiable?: boolean;
  /** Values are read while it runs, so it works in no vmap and no compile. */
  readonly readsValues?: boolean;
  /** Multiplies the matrix's tolerances, for an ill-conditioned function. */
  readonly tolerance?: number;
}

/** What an operation declares beside its implementation. */
export interface OpDeclaration {
  readonly name: string;
  /** Further names of the same function. */
  readonly aliases?: readonly string[];
  /**
   * The arguments in positional order; a `?` at the end marks an optional one, which may also be given by name.
   * `aMin|min?` may be given by either name.
   */
  readonly parameters: readonly string[];
  /** Whether it is also a method of `array`, on its first argument. True unless told. */
  readonly method?: boolean;
  /** The cases of its law tests, made only when they are asked for. */
  cases?(): readonly OpCase[];
}

/** A declared operation. */
export interface Op extends OpDeclaration {
  readonly call: (...args: never[]) => unknown;
}

const registry = new Map<string, Op>();

/** Every operation declared so far, by name. */
export function ops(): ReadonlyMap<string, Op> {
  return registry;
}

type Implementation = (...args: never[]) => unknown;
type Untyped = (...args: unknown[]) => unknown;

/** The optional arguments of a function and where they stand. */
interface Parameters {
  readonly required: number;
  readonly total: number;
  /** The position of each optional argument, by each of its names. */
  readonly positions: ReadonlyMap<string, number>;
}

function parse(parameters: readonly string[]): Parameters {
  const positions = new Map<string, number>();
  let required = 0;
  parameters.forEach((parameter, index) => {
    if (!parameter.endsWith('?')) required = index + 1;
    else for (const name of parameter.slice(0, -1).split('|')) positions.set(name, index);
  });
  return { required, total: parameters.length, positions };
}

/** Whether an argument in last place can be options, a stream or a device: the cheap test of the fast path. */
function mayTrail(last: unknown): last is object {
  if (typeof last !== 'object' || last === null) return false;
  const prototype: unknown = Object.getPrototypeOf(last);
  return prototype === Object.prototype || prototype === null || last instanceof Stream || last instanceof Device;
}

function isOptions(last: object, positions: ReadonlyMap<string, number>): boolean {
  if (last instanceof Stream || last instanceof Device) return false;
  // Own keys only: what somebody put on Object.prototype is nobody's option.
  return Object.keys(last).every((key) => key === 'stream' || positions.has(key));
}

const noOptions: Readonly<Record<string, unknown>> = Object.freeze(Object.create(null));

/** What stood at the end of a call. */
interface Taken {
  readonly options: Readonly<Record<string, unknown>>;
  /** Where to run; null for the default stream. */
  readonly stream: Stream | null;
}

/** Takes a stream, a device and an object of options off the end of `args`, which keeps what was given by position. */
function takeTrailing(where: string, args: unknown[], required: number, positions: ReadonlyMap<string, number>): Taken {
  let last = args[args.length - 1];
  let stream: Stream | null = null;
  if (args.length > required && (last instanceof Stream || last instanceof Device)) {
    stream = streamFor(where, last);
    args.pop();
    last = args[args.length - 1];
  }
  if (args.length <= required || !mayTrail(last) || !isOptions(last, positions)) return { options: noOptions, stream };
  args.pop();
  const options: Record<string, unknown> = Object.assign(Object.create(null), last);
  if (options.stream !== undefined && options.stream !== null) stream = streamFor(where, options.stream as StreamOrDevice);
  return { options, stream };
}

/** Makes the nodes of a call where it was told to run. */
function placed(stream: Stream | null, body: () => unknown): unknown {
  return stream === null ? body() : onDevice(deviceNumber(stream.device), body);
}

/** The positional arguments of a call whose last argument may be options or a stream. */
function resolve(
  where: string,
  { required, total, positions }: Parameters,
  given: ArrayLike<unknown>,
): { args: unknown[]; stream: Stream | null } {
  const args: unknown[] = [];
  for (let i = 0; i < given.length; i++) args.push(given[i]);
  const { options, stream } = takeTrailing(where, args, required, positions);
  while (args.length > total && args[args.length - 1] === undefined) args.pop();
  if (args.length < required || args.length > total) {
    const takes = required === total ? count(total, 'argument') : `${required} to ${count(total, 'argument')}`;
    const extra = args.length > total ? `; the last is ${describe(args[args.length - 1])}` : '';
    throw typeError(where, `takes ${takes}, not ${args.length}${extra}`);
  }
  for (const key in options) {
    const position = positions.get(key);
    if (position === undefined || options[key] === undefined) continue;
    if (args[position] !== undefined) throw typeError(where, `${key} is given by position and by name`);
    args[position] = options[key];
  }
  return { args, stream };
}

/** A function that takes its optional arguments by position or by name and hands them on by position. */
export function withOptions({ name, parameters: texts }: OpDeclaration, implementation: Implementation): Untyped {
  return optional(name, parse(texts), implementation as Untyped);
}

function optional(name: string, parameters: Parameters, implementation: Untyped): Untyped {
  const { required, total } = parameters;
  return function (this: unknown, a?: unknown, b?: unknown, c?: unknown, d?: unknown, e?: unknown, f?: unknown): unknown {
    const n = arguments.length;
    if (n === required || (n > required && n <= total && n <= 6 && !mayTrail(arguments[n - 1]))) {
      if (n <= 3) return implementation(a, b, c);
      if (n <= 6) return implementation(a, b, c, d, e, f);
    }
    const { args, stream } = resolve(name, parameters, arguments);
    return placed(stream, () => implementation(...args));
  };
}

/** The method form of a function: `this` is its first argument. */
function methodOf(call: Untyped): Untyped {
  return function (this: unknown, a?: unknown, b?: unknown, c?: unknown): unknown {
    switch (arguments.length) {
      case 0:
        return call(this);
      case 1:
        return call(this, a);
      case 2:
        return call(this, a, b);
      case 3:
        return call(this, a, b, c);
      default:
        return call(this, ...arguments);
    }
  };
}

function named<F extends Untyped>(name: string, call: F): F {
  return Object.defineProperty(call, 'name', { value: name });
}

/** When set, called in place of every public operation: a shapeless `compile` records what a function does. */
export const opObserver: { onCall: ((call: Untyped, self: unknown, args: readonly unknown[]) => unknown) | null } = { onCall: null };

/** The same function, seen by the observer, in whose name a dtype is refused. Only a method's `this` is an argument. */
function observable(name: string, call: Untyped, isMethod: boolean): Untyped {
  return function (this: unknown, a?: unknown, b?: unknown, c?: unknown): unknown {
    try {
      if (opObserver.onCall !== null) return opObserver.onCall(call, isMethod ? this : undefined, Array.from(arguments));
      switch (arguments.length) {
        case 0:
          return call.call(this);
        case 1:
          return call.call(this, a);
        case 2:
          return call.call(this, a, b);
        case 3:
          return call.call(this, a, b, c);
        default:
          return call.apply(this, arguments as unknown as unknown[]);
      }
    } catch (error) {
      if (error instanceof PlacementError) error.rename(name);
      throw error;
    }
  };
}

/**
 * Declares an operation whose function handles its arguments itself. `method` is its method form where there is a
 * faster one than calling the function.
 */
export function registerOp<F>(declaration: OpDeclaration, call: Implementation, method?: Implementation): F {
  const { name, aliases = [] } = declaration;
  const untyped = named(name, observable(name, call as Untyped, false));
  registry.set(name, { ...declaration, call: untyped });
  if (declaration.method !== false) {
    const value = named(name, observable(name, (method as Untyped | undefined) ?? methodOf(call as Untyped), true));
    for (const key of [name, ...aliases]) {
      Object.defineProperty(ArrayHandle.prototype, key, { value, writable: true, configurable: true, enumerable: false });
    }
  }
  // The one place where a call gets its public type: the declaration beside it is what the types are written from.
  return untyped as unknown as F;
}

/**
 * Declares an operation. The implementation gets its arguments by position, undefined where one is left out; the
 * returned function takes the optional ones by name too, and a stream or a device last.
 */
export function defineOp<F>(declaration: OpDeclaration, implementation: Implementation): F {
  return registerOp(declaration, withOptions(declaration, implementation));
}

/**
 * Declares an operation that takes any number of arguments, of which the first `required` are always there (and never
 * options). The implementation gets all positional arguments as one list and the options by name.
 */
export function defineVariadicOp<F>(
  declaration: OpDeclaration,
  required: number,
  implementation: (args: unknown[], options: Readonly<Record<string, unknown>>) => unknown,
): F {
  const { name } = declaration;
  const { positions } = parse(declaration.parameters);
  return registerOp(declaration, (...args: unknown[]) => {
    if (args.length < required) throw typeError(name, `takes at least ${count(required, 'argument')}, not ${args.length}`);
    if (!mayTrail(args[args.length - 1])) return implementation(args, noOptions);
    const { options, stream } = takeTrailing(name, args, required, positions);
    return placed(stream, () => implementation(args, options));
  });
}

/** Lets the observer see the operations that the class of arrays has by itself. */
function observeOwn(name: 'astype' | 'T'): void {
  const descriptor = Object.getOwnPropertyDescriptor(ArrayHandle.prototype, name) as PropertyDescriptor;
  const { value, get } = descriptor;
  const seen = get === undefined ? { value: observable(name, value as Untyped, true) } : { get: observable(name, get as Untyped, true) };
  Object.defineProperty(ArrayHandle.prototype, name, { ...descriptor, ...seen });
}

observeOwn('astype');
observeOwn('T');
