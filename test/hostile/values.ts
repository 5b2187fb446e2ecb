/** Wild arguments: what nobody should pass, made anew for each call because some of them change when they are used. */

import fc from 'fast-check';

import * as mx from '../../lib';

/** A value with the text that says in a report what it was. */
export interface Wild {
  readonly text: string;
  make(): unknown;
}

function wild(text: string, make: () => unknown): Wild {
  return { text, make };
}

const numbers = [
  ...[0, -0, 1, -1, 2, 3, -3, 7, 33, 0.5, -2.5, 1e-320, 2 ** 16, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 32 - 1, 2 ** 40],
  ...[
    2 ** 53 - 1,
    2 ** 53,
    2 ** 63,
    -(2 ** 63),
    2 ** 64,
    1e308,
    Number.MIN_VALUE,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ],
].map((value) => wild(String(value), () => value));

const smallNumbers = [0, 1, -1, 2, 3, -2, 0.5].map((value) => wild(String(value), () => value));

const primitives = [
  ...[undefined, null, true, false, '', '0', 'float32', '__proto__', 'constructor', '...', 'ij,jk->ik', '->', 'xy', 'edge', 'constant'],
  ...[0n, -1n, 2n ** 63n, 2n ** 64n, -(2n ** 70n)],
  ...[Symbol('odd'), Symbol.iterator],
].map((value) =>
  wild(typeof value === 'string' ? JSON.stringify(value) : typeof value === 'bigint' ? `${value}n` : String(value), () => value),
);

const dtypes = [
  ...[mx.bool, mx.uint8, mx.uint16, mx.uint32, mx.uint64, mx.int8, mx.int16, mx.int32, mx.int64],
  ...[mx.float16, mx.bfloat16, mx.float32, mx.float64, mx.complex64],
];

const shapes: readonly (readonly number[])[] = [
  ...[
    [],
    [0],
    [1],
    [2],
    [3],
    [2, 3],
    [3, 3],
    [0, 3],
    [3, 0, 2],
    [2, 3, 4],
    [1, 1, 1],
    new Array<number>(32).fill(1),
    [2, ...new Array<number>(31).fill(1)],
  ],
  ...[[2 ** 40], [2 ** 40, 0], [0, 2 ** 50], [2 ** 24, 2 ** 24]],
];

const arrays = fc
  .record({
    shape: fc.constantFrom(...shapes),
    dtype: fc.constantFrom(...dtypes),
    fill: fc.constantFrom('zeros', 'ones', 'counted', 'nan'),
  })
  .map(({ shape, dtype, fill }) =>
    wild(`${fill}([${shape}], ${dtype})`, () => {
      const large = shape.reduce((a, b) => a * b, 1) > 1000;
      if (fill === 'counted' && !large)
        return mx
          .arange(shape.reduce((a, b) => a * b, 1))
          .subtract(2)
          .reshape(shape as number[])
          .astype(dtype);
      if (fill === 'nan') return mx.full(shape as number[], Number.NaN).astype(dtype);
      return fill === 'zeros' ? mx.zeros(shape as number[], dtype) : mx.ones(shape as number[], dtype);
    }),
  );

function resizable(bytes: number, after: number, view: (buffer: ArrayBuffer) => unknown): unknown {
  // Newer than the language level of this project, present in every Node that it runs on.
  const Resizable = ArrayBuffer as unknown as new (
    length: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & { resize(n: number): void };
  const buffer = new Resizable(bytes, { maxByteLength: 64 });
  const result = view(buffer);
  buffer.resize(after);
  return result;
}

function detached(view: (buffer: ArrayBuffer) => unknown): unknown {
  const buffer = new ArrayBuffer(16);
  const result = view(buffer);
  structuredClone(buffer, { transfer: [buffer] });
  return result;
}

const buffers = [
  wild('detached Float32Array', () => detached((b) => new Float32Array(b))),
  wild('detached BigInt64Array', () => detached((b) => new BigInt64Array(b))),
  wild('detached DataView', () => detached((b) => new DataView(b))),
  wild('grown Float32Array', () => resizable(16, 64, (b) => new Float32Array(b))),
  wild('shrunk Float32Array', () => resizable(16, 8, (b) => new Float32Array(b))),
  wild('Float32Array out of bounds', () => resizable(16, 4, (b) => new Float32Array(b, 8, 2))),
  wild('Float32Array cut in the middle of an element', () => resizable(16, 6, (b) => new Float32Array(b))),
  wild('shared Int32Array', () => new Int32Array(new SharedArrayBuffer(16))),
  wild('Float64Array', () => Float64Array.of(1, Number.NaN, -3)),
  wild('empty Uint8Array', () => new Uint8Array(0)),
  wild('BigUint64Array', () => BigUint64Array.of(2n ** 64n - 1n)),
  wild('Buffer', () => Buffer.from('abc')),
  wild('ArrayBuffer', () => new ArrayBuffer(8)),
  wild('DataView', () => new DataView(new ArrayBuffer(8))),
];

function throwing(): never {
  throw new Error('[test] thrown by a getter');
}

const throwOnAll = new Proxy({}, { get: () => throwing, has: throwing, ownKeys: throwing, getPrototypeOf: throwing });
const throwing2 = (target: object): object => new Proxy(target, throwOnAll as ProxyHandler<object>);

const objects = [
  wild('{}', () => ({})),
  wild('object without a prototype', () => Object.create(null)),
  wild('{re, im}', () => ({ re: 1, im: 2 })),
  wild('{re: text, im: null}', () => ({ re: 'x', im: null })),
  wild('{axis: 0}', () => ({ axis: 0 })),
  wild('{axis: wrong}', () => ({ axis: {} })),
  wild('{keepdims: 1}', () => ({ keepdims: 1 })),
  wild('{dtype: text}', () => ({ dtype: 'float32' })),
  wild('{shape: [2]}', () => ({ shape: [2] })),
  wild('{stream: cpu}', () => ({ stream: mx.cpu })),
  wild('{stream: gpu}', () => ({ stream: mx.gpu })),
  wild('{stream: 3}', () => ({ stream: 3 })),
  wild('{unknown: 1}', () => ({ unknown: 1 })),
  wild('own __proto__', () => JSON.parse('{"__proto__": {"axis": 1}}')),
  wild('getter that throws', () => ({
    get re() {
      return throwing();
    },
    get axis() {
      return throwing();
    },
    get dtype() {
      return throwing();
    },
  })),
  wild('list with a getter that throws', () => Object.defineProperty([1, 2, 3], 1, { get: throwing, enumerable: true })),
  wild('valueOf that throws', () => ({ valueOf: throwing, toString: throwing, [Symbol.toPrimitive]: throwing })),
  wild('toString of null', () => ({ valueOf: null, toString: null })),
  wild('proxy of an array', () => new Proxy(mx.array([1, 2]), {})),
  wild('proxy of a list', () => new Proxy([1, 2], {})),
  wild('proxy that throws', () => throwing2({})),
  wild('proxy of a list that throws', () => throwing2([])),
  wild('proxy of an array that throws', () => throwing2(mx.array(1))),
  wild('proxy of a function', () => new Proxy(() => mx.array(1), {})),
  wild('list whose length lies', () => new Proxy([1, 2], { get: (list, key) => (key === 'length' ? 1e6 : Reflect.get(list, key)) })),
  wild('disposed array', () => {
    const x = mx.array([1, 2]);
    x.dispose();
    return x;
  }),
  wild('object with the prototype of arrays', () => Object.create(mx.array.prototype)),
  wild('prototype of arrays', () => mx.array.prototype),
  wild('class array', () => mx.array),
  wild('array with the buffer of another', () => {
    const x = mx.array([1, 2]) as unknown as { _node: { storage: { handle: number } } };
    x._node.storage.handle = 123456789;
    return x;
  }),
  wild('array with a handle of no kind', () => {
    const x = mx.array([1, 2]) as unknown as { _node: { storage: { handle: number } } };
    x._node.storage.handle = Number.NaN;
    return x;
  }),
  wild('array of a trace that ended', () => {
    let kept: mx.array = mx.array(1);
    mx.grad((x: mx.array) => {
      kept = x;
      return x.sum();
    })(mx.array(1));
    return kept;
  }),
  wild('list that holds itself', () => {
    const list: unknown[] = [1];
    list.push(list);
    return list;
  }),
  wild('list that begins with itself', () => {
    const list: unknown[] = [];
    list.push(list);
    return list;
  }),
  wild('object that holds itself', () => {
    const tree: Record<string, unknown> = {};
    tree.self = tree;
    return tree;
  }),
  wild('ragged list', () => [[1, 2], [3]]),
  wild('mixed list', () => [1, true, 2n]),
  wild('list of nothing', () => [undefined, null]),
  wild('list of symbols', () => [Symbol('odd')]),
  wild('list of objects without a prototype', () => [Object.create(null)]),
  wild('list of lists of nothing', () => [[], []]),
  wild('list with holes', () => new Array(3)),
  wild('long list with holes', () => new Array(2 ** 32 - 1)),
  wild('list of 33 ones', () => new Array(33).fill(1)),
  wild('33 lists deep', () => Array.from({ length: 33 }).reduce((inner) => [inner], 1 as unknown)),
  wild('Slice', () => mx.Slice(1, null, -1)),
  wild('Slice with a step of 0', () => Object.assign(mx.Slice(0, 5, 1), { step: 0 })),
  wild('Slice with a start of text', () => Object.assign(mx.Slice(0, 5, 1), { start: 'x' })),
  wild('Date', () => new Date(0)),
  wild('Map', () => new Map([[1, 2]])),
  wild('RegExp', () => /x/),
  wild('Promise', () => Promise.resolve(1)),
  wild('class', () => class Odd {}),
  wild('function of nothing', () => () => undefined),
  wild('function that throws', () => throwing),
  wild('function of its first argument', () => (x: unknown) => x),
  wild('async function', () => async () => mx.array(1)),
  wild('sum', () => (x: mx.array) => mx.sum(x)),
  wild('cpu', () => mx.cpu),
  wild('gpu', () => mx.gpu),
  wild('stream', () => mx.defaultStream()),
  ...dtypes.map((dtype) => wild(String(dtype), () => dtype)),
];

const leaf = fc.oneof(
  { arbitrary: fc.constantFrom(...smallNumbers), weight: 3 },
  { arbitrary: fc.constantFrom(...numbers), weight: 3 },
  { arbitrary: arrays, weight: 5 },
  { arbitrary: fc.constantFrom(...primitives), weight: 2 },
  { arbitrary: fc.constantFrom(...buffers), weight: 1 },
  { arbitrary: fc.constantFrom(...objects), weight: 3 },
);

function listOf(entries: fc.Arbitrary<Wild>, maxLength = 4): fc.Arbitrary<Wild> {
  return fc
    .array(entries, { maxLength })
    .map((list) => wild(`[${list.map(({ text }) => text).join(', ')}]`, () => list.map((entry) => entry.make())));
}

/** Any wild value, or a list of some. */
export const anything: fc.Arbitrary<Wild> = fc.oneof(
  { arbitrary: leaf, weight: 8 },
  { arbitrary: listOf(fc.constantFrom(...smallNumbers)), weight: 2 },
  { arbitrary: listOf(fc.constantFrom(...numbers), 33), weight: 1 },
  { arbitrary: listOf(arrays, 3), weight: 1 },
  { arbitrary: listOf(leaf, 3), weight: 1 },
  { arbitrary: leaf.map((value) => wild(`{x: ${value.text}}`, () => ({ x: value.make() }))), weight: 1 },
);

/** An array that is fine by itself, so that calls reach further than their first argument. */
export const someArray = arrays;
