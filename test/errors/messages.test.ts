/** Wrong calls throw errors that begin with the function in brackets, of the right kind, and say which shapes, dtypes or values were wrong. */

import * as mx from '../../lib';

const x = (): mx.array => mx.array([1, 2, 3]);
const ints = (): mx.array => mx.array([1, 2], mx.int32);
const disposed = (): mx.array => {
  const array = x();
  array.dispose();
  return array;
};
const detached = (): Float32Array => {
  const values = new Float32Array(4);
  structuredClone(values.buffer, { transfer: [values.buffer] });
  return values;
};
/** A function whose arguments may be wrong. */
const wrong = (f: unknown): ((...args: unknown[]) => unknown) => f as (...args: unknown[]) => unknown;

type Case = readonly [message: string, body: () => unknown];

const kinds: readonly Case[] = [
  ['[add] string cannot become an array', () => wrong(mx.add)(x(), 'a')],
  [
    '[array] mixed list: [1][1] is a boolean where [0][0] is a number',
    () =>
      wrong(mx.array)([
        [1, 2],
        [3, true],
      ]),
  ],
  ['[array] [1] is null, not a number, boolean, complex number or array', () => wrong(mx.array)([1, null])],
  ['[array] dtype must be a Dtype', () => wrong(mx.array)([1], 'float32')],
  ['[astype] dtype must be a Dtype', () => wrong(x().astype).call(x(), 'float32')],
  ['[zeros] a shape is a list of integers, not [1.5]', () => mx.zeros([1.5])],
  ['[zeros] a shape is a list of integers, not [NaN]', () => mx.zeros([Number.NaN])],
  ['[zeros] a shape is a list of integers, not "2"', () => wrong(mx.zeros)('2')],
  ['[sum] axis must be an integer or a list of integers, not an object with the keys {axes}', () => wrong(mx.sum)(x(), { axes: 0 })],
  ['[sum] axis must be an integer, not 0.5', () => mx.sum(x(), 0.5)],
  ['[sum] axis is given by position and by name', () => wrong(mx.sum)(x(), 0, { axis: 0 })],
  ['[exp] takes 1 argument, not 2; the last is 2', () => wrong(mx.exp)(x(), 2)],
  ['[bitwiseAnd] the operand must be integer or bool, not float32', () => mx.bitwiseAnd(x(), x())],
  ['[take] indices must be integers, not float32', () => mx.take(x(), mx.array([Number.NaN]))],
  ['[random.uniform] a key is uint32, not float32', () => mx.random.uniform(0, 1, [2], mx.float32, mx.array([1, 2]))],
  ['[random.uniform] dtype must be a real floating dtype, not int32', () => mx.random.uniform(0, 1, [2], mx.int32)],
  ['[length] an array with 0 dimensions has no length', () => mx.array(1).length],
  ['[Symbol.iterator] an array with 0 dimensions is not iterable', () => [...mx.array(1)]],
  ['[finfo] an array is not floating or complex', () => wrong(mx.finfo)(x())],
  [
    '[grad] argument 0 has no floating array to differentiate by: it is an array of dtype int32',
    () => mx.grad((a: mx.array) => a.sum())(ints()),
  ],
  [
    '[jvp] the tangent for primal 0 must have dtype float32, not int32',
    () => mx.jvp((a: mx.array) => a, [x()], [mx.array([1, 2, 3], mx.int32)]),
  ],
  ['[vjp] the function must return an array or a tree of arrays, but returned 5', () => wrong(mx.vjp)(() => 5, [x()], [x()])],
  ['[vmap] the function must return at least one array, but returned a list of 0', () => wrong(mx.vmap(() => []))(x())],
  ['[tidy] func must be a function, not 3', () => wrong(mx.tidy)(3)],
  ['[compile] there is no option shapless: only inputs, outputs and shapeless', () => wrong(mx.compile)(() => x(), { shapless: true })],
  ['[Slice] start must be an integer or null, not an object with the keys {}', () => wrong(mx.Slice)({})],
];

const sizes: readonly Case[] = [
  [
    '[matmul] last axis of a (3) must equal second-to-last of b (4): shapes [2, 3] and [4, 5]',
    () => mx.matmul(mx.ones([2, 3]), mx.ones([4, 5])),
  ],
  ['[add] shapes [2] and [3] do not broadcast', () => mx.add(mx.ones([2]), mx.ones([3]))],
  ['[array] ragged list: [1] has length 1 where [0] has 2', () => mx.array([[1, 2], [3]])],
  ['[sum] axis 3 is out of range for an array with 1 dimension', () => mx.sum(x(), 3)],
  ['[sum] axis -2 is out of range for an array with 1 dimension', () => mx.sum(x(), -2)],
  ['[sum] axis 0 is named twice in [0, -2]', () => mx.sum(mx.ones([2, 3]), [0, -2])],
  ['[zeros] rank 33 is more than 32', () => mx.zeros(new Array(33).fill(1))],
  ['[zeros] shape [1099511627776, 1099511627776] is too large', () => mx.zeros([2 ** 40, 2 ** 40])],
  // Strides and batches of an empty array are numbers too.
  ['[zeros] shape [0, 4503599627370496, 4503599627370496] is too large', () => mx.zeros([0, 2 ** 52, 2 ** 52])],
  ['[zeros] negative size in shape [-1]', () => mx.zeros([-1])],
  ['[zeros] rank 4294967295 is more than 32', () => mx.zeros(new Array(2 ** 32 - 1))],
  ['[item] only an array of size 1 has one item, not shape [3]', () => x().item()],
  ['[tolist] shape [1099511627776, 0] is too large for lists, which hold up to 33554432 entries', () => mx.zeros([2 ** 40, 0]).tolist()],
  ['[reshape] cannot reshape [3] (3 elements) to [2, 2] (4)', () => x().reshape(2, 2)],
  [
    "[einsum] label 'j' has size 3 in one operand and 4 in operand 1 of shape [4, 5]",
    () => mx.einsum('ij,jk->ik', mx.ones([2, 3]), mx.ones([4, 5])),
  ],
  ['[index] too many indices: 2 for an array of 1 dimension', () => x().index(0, 0)],
  ['[index] index 7 is out of range for axis 0 of size 3', () => x().index(7)],
  [
    '[indexPut_] a value of shape [3] does not broadcast to the indexed region of shape [2]',
    () => x().indexPut_(mx.Slice(0, 2), mx.ones([3])),
  ],
  ['[stack] shapes [2] and [3] differ', () => mx.stack([mx.ones([2]), mx.ones([3])])],
  ['[stack] would make 16777216 arrays, more than 1048576', () => mx.stack(mx.zeros([2 ** 24, 1]) as unknown as mx.array[])],
  ['[unstack] would make 1099511627776 arrays, more than 1048576', () => mx.unstack(mx.zeros([2 ** 40]))],
  ['[split] would make 1099511627776 arrays, more than 1048576', () => mx.split(mx.zeros([2 ** 40]), 2 ** 40)],
  ['[concatenate] the list of arrays is empty', () => mx.concatenate([])],
  ['[split] axis 0 of shape [3] does not divide into 2 equal parts', () => mx.split(x(), 2)],
  ['[pad] padWidth must be at least 0: [-1, -1]', () => mx.pad(x(), -1)],
  ['[squeeze] axis 0 of shape [3] has size 3, not 1', () => mx.squeeze(x(), 0)],
  ['[max] has no identity: axis 0 of shape [0] is empty', () => mx.max(mx.zeros([0]))],
  ['[random.uniform] a key has shape [2], not [3]', () => mx.random.uniform(0, 1, [2], mx.float32, mx.zeros([3], mx.uint32))],
  ['[random.key] seed must be from 0 to 2^53 - 1 (or a bigint up to 2^64 - 1), not -1', () => mx.random.key(-1)],
  ['[grad] argnums names argument 0 twice', () => mx.grad((a: mx.array) => a.sum(), [0, 0])],
  ['[grad] argnums must not be negative: -1', () => mx.grad((a: mx.array) => a.sum(), -1)],
  ['[grad] argnums is empty', () => mx.grad((a: mx.array) => a.sum(), [])],
  ['[grad] argnums names argument 3, but the function was called with 1', () => wrong(mx.grad((a: mx.array) => a.sum(), 3))(x())],
  [
    '[grad] the function must return a floating scalar array, but returned an array of dtype float32 and shape [3]',
    () => mx.grad((a: mx.array) => a)(x()),
  ],
  ['[vjp] there must be one cotangent for each output: 1, not 2', () => wrong(mx.vjp)((a: mx.array) => a, [x()], [x(), x()])],
  ['[jvp] there must be one tangent for each primal: 1, not 2', () => wrong(mx.jvp)((a: mx.array) => a, [x()], [x(), x()])],
  ['[vmap] no argument is mapped: inAxes must name an axis of at least one array', () => mx.vmap((a: mx.array) => a, null)(x())],
  [
    '[vmap] mapped axes must have one size, but argument 0 has 2 and argument 1 has 3',
    () => mx.vmap((a: mx.array, b: mx.array) => a.add(b))(mx.ones([2]), mx.ones([3])),
  ],
  ['[vmap] axis 3 is out of range for argument 0 of shape [3]', () => mx.vmap((a: mx.array) => a, 3)(x())],
  [
    '[tree] nested more than 1000 deep; does the tree hold itself?',
    () => {
      const tree: Record<string, unknown> = {};
      tree.self = tree;
      wrong(mx.jvp)((a: unknown) => a, [tree], [tree]);
    },
  ],
  [
    '[tree] nested more than 1000 deep; does the tree hold itself?',
    () => {
      const axes: unknown[] = [];
      axes.push(axes);
      mx.vmap((a: mx.array) => a, axes as number[])(x());
    },
  ],
  ['[tree] a list of 4294967295 entries is longer than 67108864', () => mx.eval(new Array(2 ** 32 - 1))],
  [
    '[take] lists are nested more than 32 deep',
    () => {
      const list: unknown[] = [];
      list.push(list);
      wrong(mx.take)(x(), list);
    },
  ],
  [
    '[index] lists are nested more than 32 deep',
    () => {
      const list: unknown[] = [];
      list.push(list);
      wrong(mx.index)(x(), list);
    },
  ],
];

const withoutGpu: readonly (readonly [code: string, ...Case])[] = [
  ['METALGRAD_DEVICE', '[exp] no GPU device is present', () => mx.exp(x(), mx.gpu)],
  ['METALGRAD_DEVICE', '[exp] no GPU device is present', () => mx.exp(x(), { stream: mx.gpu })],
  ['METALGRAD_DEVICE', '[setDefaultDevice] no GPU device is present', () => mx.setDefaultDevice(mx.gpu)],
];

const coded: readonly (readonly [code: string, ...Case])[] = [
  ['METALGRAD_DISPOSED', '[add] the array was disposed', () => disposed().add(1)],
  ['METALGRAD_DISPOSED', '[shape] the array was disposed', () => disposed().shape],
  ['METALGRAD_DISPOSED', '[eval] the array was disposed', () => mx.eval({ a: [disposed()] })],
  ['METALGRAD_DISPOSED', '[tolist] the array was disposed', () => wrong(mx.array.prototype.tolist).call(Object.create(mx.array.prototype))],
  ['METALGRAD_DETACHED', '[array] the memory of the Float32Array is detached', () => mx.array(detached())],
  ['METALGRAD_DETACHED', '[index] the memory of the Float32Array is detached', () => x().index(detached())],
  ['METALGRAD_DETACHED', '[compile] the memory of the Float32Array is detached', () => wrong(mx.compile(() => x()))(detached())],
  ...(mx.metal.isAvailable() ? [] : withoutGpu),
  ['METALGRAD_OUT_OF_MEMORY', '[eval] 140737488355328 bytes could not be allocated', () => mx.eval(mx.zeros([2 ** 45]))],
  [
    'METALGRAD_TRACER',
    '[index] the size of a result indexed by a boolean array depends on the values',
    () => mx.vmap((a: mx.array) => a.index(a.greater(1)))(mx.ones([2, 3])),
  ],
  [
    'METALGRAD_TRACER',
    '[index] the size of a result indexed by a boolean array depends on the values',
    () => mx.compile((a: mx.array) => a.index(a.greater(1)))(x()),
  ],
  [
    'METALGRAD_TRACER',
    '[item] an array inside vmap has no value while vmap traces the function: it was read, at ',
    () => mx.vmap((a: mx.array) => mx.array(a.item()))(x()),
  ],
  [
    'METALGRAD_TRACER',
    '[toString] an array inside compile has no value while compile traces the function: it was read, at ',
    () => mx.compile((a: mx.array) => [a, String(a)])(x()),
  ],
  [
    'METALGRAD_TRANSFORM',
    '[compile] the function must not be async: it returned a Promise',
    () => wrong(mx.compile(async (a: mx.array) => a))(x()),
  ],
];

test.each(kinds)('TypeError: %s', (message, body) => {
  expect(body).toThrow(message);
  expect(body).toThrow(TypeError);
});

test.each(sizes)('RangeError: %s', (message, body) => {
  expect(body).toThrow(message);
  expect(body).toThrow(RangeError);
});

test.each(coded)('%s: %s', (code, message, body) => {
  expect(body).toThrow(message);
  expect(body).toThrow(expect.objectContaining({ code }));
});

test('asyncEval rejects, and never throws, for what eval throws for', async () => {
  await expect(mx.asyncEval(mx.zeros([2 ** 45]))).rejects.toThrow('[asyncEval] 140737488355328 bytes could not be allocated');
  await expect(mx.asyncEval(disposed())).rejects.toThrow('[asyncEval] the array was disposed');
});

test('what somebody put on Object.prototype is no option', () => {
  const polluted = Object.prototype as unknown as Record<string, unknown>;
  const names = { axis: 1, keepdims: true, dtype: 'x', stream: 3, re: 1, im: 2, odd: 0, shape: [7], sparse: true };
  const plain = [mx.sum(mx.ones([2, 3]), { axis: 0 }), mx.zeros([2]), mx.meshgrid(x())[0], mx.random.uniform({ shape: [2] })];
  try {
    for (const [name, value] of Object.entries(names)) polluted[name] = value;
    const now = [mx.sum(mx.ones([2, 3]), { axis: 0 }), mx.zeros([2]), mx.meshgrid(x())[0], mx.random.uniform({ shape: [2] })];
    expect(now.map(({ shape, dtype }) => [shape, dtype])).toEqual(plain.map(({ shape, dtype }) => [shape, dtype]));
    expect(
      mx
        .grad((p: { w: mx.array }) => p.w.sum())({ w: x() })
        .w.tolist(),
    ).toEqual([1, 1, 1]);
    expect(
      mx
        .compile((a: mx.array) => a.add(1))(x())
        .tolist(),
    ).toEqual([2, 3, 4]);
  } finally {
    for (const name of Object.keys(names)) delete polluted[name];
  }
});
