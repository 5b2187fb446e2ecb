/** Everything public that can be called, by name. */

import * as mx from '../../lib';
import { ops } from '../../lib/ops/registry';

type Untyped = (this: unknown, ...args: unknown[]) => unknown;

/** A call with any arguments, and how many it knows. */
export interface Subject {
  readonly name: string;
  readonly arity: number;
  call(args: readonly unknown[]): unknown;
}

/** These change the process for whoever comes next. */
const skipped = new Set(['setMemoryLimit', 'setCacheLimit', 'setWiredLimit', 'disableCompile', 'enableCompile', 'setDefaultStream']);

function plain(name: string, f: Untyped, arity = 4): Subject {
  return { name, arity, call: (args) => f(...args) };
}

function namespace(prefix: string, members: object, arity?: (name: string) => number): Subject[] {
  return Object.entries(members).flatMap(([name, member]) => {
    if (typeof member !== 'function' || skipped.has(name) || (name[0] !== name[0].toLowerCase() && name !== 'Slice' && name !== 'Complex'))
      return [];
    return [plain(prefix + name, member as Untyped, arity?.(name) ?? 4)];
  });
}

/** Calls the function that a transform gives with the rest of the arguments. */
function applied(name: string, transform: (f: Untyped, option: unknown) => unknown): Subject {
  return {
    name: `${name}()`,
    arity: 4,
    call: ([f, option, ...rest]) => (transform(f as Untyped, option) as Untyped)(...rest),
  };
}

/** Every public function, every method of arrays, every transform with its result called, and rules that are wrong. */
export function subjects(): Subject[] {
  const operations = ops();
  const own = Object.getOwnPropertyNames(mx.array.prototype).filter((name) => name !== 'constructor' && !name.startsWith('_'));
  const methods = own.map((name): Subject => {
    const { value, get } = Object.getOwnPropertyDescriptor(mx.array.prototype, name) as PropertyDescriptor;
    return { name: `array.${name}`, arity: 3, call: ([self, ...args]) => ((get ?? value) as Untyped).call(self ?? mx.array(1), ...args) };
  });
  const custom = (rule: 'vjp' | 'jvp' | 'vmap', run: (f: Untyped, args: unknown[]) => unknown): Subject => ({
    name: `customFunction.${rule}`,
    arity: 3,
    call: ([outcome, ...args]) => {
      const f = mx.customFunction((...xs: never[]) => mx.sum((xs as unknown[])[0] as mx.array)) as unknown as Record<
        string,
        (f: Untyped) => Untyped
      >;
      return run(
        f[rule](() => outcome),
        args,
      );
    },
  });
  const spaces = (Object.entries(mx.core) as [string, unknown][]).filter((entry): entry is [string, object] => {
    const member = entry[1];
    return typeof member === 'object' && member !== null && Object.values(member).some((value) => typeof value === 'function');
  });
  const any = mx as unknown as Record<string, (...args: unknown[]) => unknown>;
  return [
    ...namespace('', mx.core, (name) => (operations.get(name)?.parameters.length ?? 3) + 1),
    ...spaces.flatMap(([space, members]) =>
      namespace(`${space}.`, members, (name) => (operations.get(`${space}.${name}`)?.parameters.length ?? 3) + 1),
    ),
    plain('array', mx.array as unknown as Untyped, 2),
    plain('Device', ((a: never, b: never) => new mx.Device(a, b)) as unknown as Untyped, 2),
    ...methods,
    {
      name: 'at',
      arity: 4,
      call: ([x, index, value, name]) =>
        (mx.array(x as number).at(index as number) as unknown as Record<string, Untyped>)[
          ['add', 'multiply', 'maximum'][Number(typeof name === 'number')]
        ](value),
    },
    {
      name: 'iteration',
      arity: 1,
      call: ([x]) =>
        mx
          .array(x as number)
          [Symbol.iterator]()
          .next().value,
    },
    ...['grad', 'valueAndGrad', 'jacfwd', 'jacrev', 'hessian', 'vmap', 'compile', 'checkpoint', 'customFunction', 'makeGraph'].map((name) =>
      applied(name, (f, option) => any[name](f, option)),
    ),
    { name: 'linearize()', arity: 3, call: ([f, primals, tangents]) => (any.linearize(f, primals) as [unknown, Untyped])[1](tangents) },
    custom('vjp', (f, args) => (any.grad(f) as Untyped)(...args)),
    custom('jvp', (f, args) => any.jvp(f, args, args)),
    custom('vmap', (f, args) => (any.vmap(f) as Untyped)(...args)),
    {
      name: 'compile state',
      arity: 3,
      call: ([inputs, outputs, x]) => (any.compile((y: unknown) => mx.sum(y as mx.array), { inputs, outputs }) as Untyped)(x),
    },
  ];
}
