import { bfloat16, bool, complex64, type Dtype, dtypes, float16, float32, float64, int32, int64, uint32, uint64 } from '../../lib/dtype';
import { type Node, notesOf } from '../../lib/graph/node';
import { inTrace } from '../../lib/graph/trace';
import * as p from '../../lib/primitives';
import { compiledCall } from '../../lib/primitives/call';
import { placeholder } from '../../lib/primitives/control';
import { evaluate, evaluateAsync, planCounters } from '../../lib/runtime/evaluate';
import { elementsOf, readScalar, toTypedArray } from '../../lib/runtime/read';
import { dispose } from '../../lib/runtime/storage';
import { fromBytes } from '../../lib/runtime/upload';
import { explainSteps } from '../../lib/schedule/explain';

const floats = (values: number[], shape = [values.length]): Node =>
  fromBytes(new Uint8Array(Float32Array.from(values).buffer), shape, float32);
const list = (node: Node): (number | bigint)[] => [...(toTypedArray(node) as Float32Array)];
const scalar = (value: number, shape: number[] = []): Node => p.full(value, shape, float32);
/** How many plans `body` makes. */
const plansOf = (body: () => void): number => {
  const { plans } = planCounters();
  body();
  return planCounters().plans - plans;
};

describe('plans', () => {
  test('are found again when scalars, slice starts and data change', () => {
    const run = (k: number): (number | bigint)[] => {
      const x = floats(Array.from({ length: 20 }, (_, i) => i * k));
      const part = p.slice(x, [k], [4]);
      return list(p.add(p.multiply(part, scalar(k, [4])), p.arange(k, 1, [4], 0, float32)));
    };
    run(1);
    expect(plansOf(() => expect(run(3)).toEqual([30, 40, 50, 60]))).toBe(0);
  });

  test('are found for slices of an evaluated array, whatever their offset', () => {
    const x = floats(Array.from({ length: 20 }, (_, i) => i));
    const views = [0, 5, 9].map((start) => p.slice(x, [start], [4]));
    evaluate(views);
    expect(list(p.negative(views[1]))).toEqual([-5, -6, -7, -8]);
    expect(plansOf(() => expect(list(p.negative(views[2]))).toEqual([-9, -10, -11, -12]))).toBe(0);
  });

  test('are found for slice updates at another position', () => {
    let cache = p.zeros([8, 2], float32);
    evaluate([cache]);
    const write = (row: number): void => {
      cache = p.sliceUpdate(cache, scalar(row + 1, [1, 2]), [row, 0]);
      evaluate([cache]);
    };
    write(0);
    expect(
      plansOf(() => {
        write(5);
        write(7);
      }),
    ).toBe(0);
    expect(list(p.sum(cache, [1]))).toEqual([2, 0, 0, 0, 0, 12, 0, 16]);
  });

  test('differ where strides, dtypes, wiring or outputs differ', () => {
    const x = floats([1, 2, 3, 4], [2, 2]);
    const t = p.transpose(x, [1, 0]);
    evaluate([t]);
    expect(list(p.exp(p.log(x))).length).toBe(4);
    expect(plansOf(() => expect(list(p.add(x, t))).toEqual([2, 5, 5, 8]))).toBe(1);
    expect(plansOf(() => expect(list(p.add(x, x))).toEqual([2, 4, 6, 8]))).toBe(1);
    expect(plansOf(() => expect(list(p.add(t, x))).toEqual([2, 5, 5, 8]))).toBe(1);
  });
});

describe('what an evaluation keeps', () => {
  test('a node inside a plan that is read later is an output of that plan from then on', () => {
    const step = (): [Node, Node] => {
      const inside = p.sum(p.square(floats([1, 2, 3])), [0]);
      return [p.exp(p.broadcastTo(inside, [3])), inside];
    };
    const [first, read] = step();
    evaluate([first]);
    expect(read.storage).toBeNull();
    expect(readScalar(read)).toBe(14);
    const [second, known] = step();
    evaluate([second]);
    expect(known.storage).not.toBeNull();
    const { plans, hits } = planCounters();
    expect(readScalar(known)).toBe(14);
    const [third] = step();
    evaluate([third]);
    expect(planCounters()).toEqual({ plans, hits: hits + 1 });
  });

  test('a loop that reads only its loss neither computes its past again nor plans for ever', () => {
    let w = floats([1, 1, 1]);
    const step = (): Node => {
      const h = p.sin(p.multiply(w, scalar(0.5, [3])));
      const loss = p.sum(p.square(h), [0]);
      w = p.subtract(w, p.multiply(p.multiply(h, p.cos(h)), scalar(0.1, [3])));
      return loss;
    };
    for (let i = 0; i < 20; i++) readScalar(step());
    expect(plansOf(() => Array.from({ length: 20 }, () => readScalar(step())))).toBe(0);
    const { length } = explainSteps([step()]);
    readScalar(step());
    expect(explainSteps([step()]).length).toBeLessThanOrEqual(length + 1);
  });

  test('companions are evaluated with what they accompany, unless they cannot be', () => {
    const x = floats([1, 2]);
    const value = p.sum(p.square(x), [0]);
    const lost = p.exp(placeholder([2], float32, { transform: 'vmap', active: true }));
    const gradient = p.multiply(x, scalar(2, [2]));
    notesOf(gradient).companions = { nodes: [lost, value] };
    const parameter = p.subtract(x, gradient);
    evaluate([parameter]);
    expect(value.storage).not.toBeNull();
    expect(lost.storage).toBeNull();
    expect(list(parameter)).toEqual([-1, -2]);
    expect(readScalar(value)).toBe(5);
  });

  test('evaluated nodes drop their inputs, inside a trace when that ends', () => {
    const y = p.exp(floats([1]));
    const z = p.exp(floats([1]));
    inTrace(() => {
      evaluate([y]);
      expect(y.inputs).toHaveLength(1);
    });
    expect(y.inputs).toHaveLength(0);
    evaluate([z]);
    expect(z.inputs).toHaveLength(0);
  });
});

describe('compiled functions', () => {
  const trace = { transform: 'compile', active: true };
  const make = (shape: number[], body: (x: Node) => Node[]): ((x: Node) => Node[]) => {
    const x = placeholder(shape, float32, trace);
    const graph = { inputs: [x], outputs: body(x) };
    return (input) => compiledCall(graph, ([given]) => body(given), [input]);
  };

  test('run as a plan of their own, planned once', () => {
    const captured = floats([10, 20, 30, 40], [2, 2]);
    const f = make([2, 2], (x) => [p.add(p.matmul(x, x), captured), p.transpose(x, [1, 0]), x, captured, p.sum(x, [0, 1])]);
    const run = (): void => {
      const [a, b, c, d, e] = f(p.add(floats([1, 2, 3, 4], [2, 2]), scalar(0, [2, 2])));
      expect(list(p.negative(a))).toEqual([-17, -30, -45, -62]);
      expect(list(b)).toEqual([1, 3, 2, 4]);
      expect(list(c)).toEqual([1, 2, 3, 4]);
      expect(list(d)).toEqual([10, 20, 30, 40]);
      expect(readScalar(e)).toBe(10);
    };
    run();
    expect(plansOf(run)).toBe(0);
  });

  test('take strided arguments and arguments at offsets', () => {
    const f = make([2], (x) => [p.multiply(x, scalar(2, [2]))]);
    const x = floats([1, 2, 3, 4, 5, 6], [3, 2]);
    const columns = [0, 1, 2].map((start) => p.reshape(p.slice(x, [0, start % 2], [2, 1]), [2]));
    evaluate(columns);
    expect(columns.map((column) => list(f(column)[0]))).toEqual([
      [2, 6],
      [4, 8],
      [2, 6],
    ]);
  });

  test('call one another, in chains and inside', () => {
    const f = make([1], (x) => [p.add(x, scalar(1, [1]))]);
    const g = make([1], (x) => [p.multiply(f(f(x)[0])[0], scalar(2, [1]))]);
    let x = floats([0]);
    for (let i = 0; i < 50; i++) x = f(x)[0];
    expect(list(g(x)[0])).toEqual([104]);
  });
});

describe('tracers', () => {
  test('without a value are errors that name the transform and the line that read them', () => {
    const active = placeholder([2], float32, { transform: 'vmap', active: true });
    const ended = placeholder([2], float32, { transform: 'compile', active: false });
    expect(() => evaluate([p.exp(active)], 'item')).toThrow(/^\[item\] .*vmap.*evaluate\.test\.ts:\d+:\d+/);
    expect(() => evaluate([p.exp(active)])).toThrow(expect.objectContaining({ code: 'METALGRAD_TRACER' }));
    expect(() => evaluate([p.exp(ended)])).toThrow(expect.objectContaining({ code: 'METALGRAD_TRACE_ENDED' }));
  });

  test('asynchronous evaluation inside a trace is an error', async () => {
    let promise: Promise<void> | undefined;
    inTrace(() => {
      promise = evaluateAsync([scalar(1)]);
    });
    await expect(promise).rejects.toThrow(/^\[asyncEval\]/);
  });
});

describe('values', () => {
  test.each(dtypes.map((dtype) => [dtype.name, dtype] as [string, Dtype]))('%s arrays are made and read', (_name, dtype) => {
    const node = p.full(dtype === bool ? true : 3, [2], dtype);
    const value = readScalar(p.slice(node, [1], [1]));
    expect(value).toEqual(dtype === bool ? true : dtype === complex64 ? { re: 3, im: 0 } : 3);
  });

  test('come as the typed arrays that hold them', () => {
    const types = new Map<Dtype, unknown>([
      [bool, Uint8Array],
      [float16, Uint16Array],
      [bfloat16, Uint16Array],
      [int64, BigInt64Array],
      [uint64, BigUint64Array],
      [complex64, Float32Array],
      [float64, Float64Array],
    ]);
    for (const [dtype, type] of types) expect(toTypedArray(p.full(1, [3], dtype))).toBeInstanceOf(type);
    expect(toTypedArray(p.full({ re: 1, im: 2 }, [2], complex64))).toEqual(Float32Array.of(1, 2, 1, 2));
  });

  test('64-bit integers are bigints only where numbers are not exact', () => {
    expect(readScalar(p.full(2n ** 60n + 1n, [], int64))).toBe(2n ** 60n + 1n);
    expect(readScalar(p.full(-5n, [], int64))).toBe(-5);
    expect(readScalar(p.full(2n ** 64n - 1n, [], uint64))).toBe(2n ** 64n - 1n);
    expect(readScalar(p.full(2 ** 40, [], int64))).toBe(2 ** 40);
    expect(readScalar(p.full(-1, [], int32))).toBe(-1);
    expect(readScalar(p.full(4294967295, [], uint32))).toBe(4294967295);
  });

  test('a view shares its memory with what it is a view of, and outlives it', () => {
    const x = floats([1, 2, 3, 4, 5, 6], [2, 3]);
    const t = p.transpose(x, [1, 0]);
    evaluate([t]);
    expect(t.storage).toBe(x.storage);
    dispose(x);
    expect(list(t)).toEqual([1, 4, 2, 5, 3, 6]);
    expect(() => evaluate([p.exp(x)])).toThrow(expect.objectContaining({ code: 'METALGRAD_DISPOSED' }));
    expect(() => toTypedArray(x)).toThrow(/disposed/);
    dispose(t);
    expect(() => readScalar(t)).toThrow(/^\[item\].*disposed/);
  });

  test('elements of a corner are read one by one', () => {
    const x = p.transpose(p.arange(0, 1, [300, 300], 0, float32), [1, 0]);
    const { at, strides, offset } = elementsOf(x, 'print', true);
    expect(at(offset + 7 * strides[1])).toBe(7);
  });

  test('arrays without elements take part in everything', () => {
    const empty = p.zeros([0, 3], float32);
    expect(list(p.exp(empty))).toEqual([]);
    expect(list(p.sum(empty, [0]))).toEqual([0, 0, 0]);
    expect(list(p.prod(empty, [0]))).toEqual([1, 1, 1]);
    expect(list(p.matmul(p.transpose(empty, [1, 0]), p.zeros([0, 2], float32)))).toEqual([0, 0, 0, 0, 0, 0]);
    expect(list(p.concatenate([empty, scalar(1, [1, 3])], 0))).toEqual([1, 1, 1]);
    expect(list(p.sort(empty))).toEqual([]);
    expect(list(p.pad(empty, [1, 0], [0, 0]))).toEqual([0, 0, 0]);
    const indices = p.zeros([0], uint32);
    expect(list(p.gather(scalar(1, [2, 3]), [indices], [0], [1, 3]))).toEqual([]);
    expect(list(p.scatter(scalar(1, [1, 3]), p.zeros([0, 1, 3], float32), [indices], [0], 'add'))).toEqual([1, 1, 1]);
  });

  test('one node may be asked for several times, and views of it beside it', () => {
    const y = p.exp(floats([0, 0]));
    const [a, b] = [p.reshape(y, [1, 2]), p.broadcastTo(y, [3, 2])];
    evaluate([y, y, a, b]);
    expect(a.storage).toBe(y.storage);
    expect(list(b)).toEqual([1, 1, 1, 1, 1, 1]);
    dispose(y);
    expect(list(a)).toEqual([1, 1]);
  });

  test('a small view of a large temporary is a copy', () => {
    const y = p.exp(scalar(0, [1000]));
    const first = p.slice(y, [0], [1]);
    evaluate([first]);
    expect(first.storage?.byteLength).toBe(4);
  });

  test('asynchronous evaluation gives buffers at once and values when it is done', async () => {
    const x = p.exp(scalar(0, [1000]));
    const promise = evaluateAsync([x]);
    expect(x.storage).not.toBeNull();
    const y = p.add(x, x);
    expect(readScalar(p.sum(y, [0]))).toBe(2000);
    await promise;
  });
});

describe('size', () => {
  test('a chain of a million operations', () => {
    let x = scalar(0, [1]);
    for (let i = 0; i < 1_000_000; i++) x = p.add(x, scalar(1, [1]));
    expect(readScalar(x)).toBe(1_000_000);
  }, 120_000);

  test('many arrays joined at once', () => {
    const xs = Array.from({ length: 3000 }, (_, i) => scalar(i, [1]));
    expect(readScalar(p.sum(p.concatenate(xs, 0), [0]))).toBe((3000 * 2999) / 2);
  });
});
