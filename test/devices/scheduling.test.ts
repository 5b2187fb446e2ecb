/** What nodes and plans know of devices. Nothing is evaluated, so no GPU is needed. */

import * as mx from '../../lib';
import { nodeOf } from '../../lib/array';
import { type Dtype, float32, float64, int32 } from '../../lib/dtype';
import { type Node, nodeDevice, onDevice } from '../../lib/graph/node';
import { cpuDevice, gpuDevice } from '../../lib/graph/placement';
import * as p from '../../lib/primitives';
import { Walk } from '../../lib/schedule/collect';
import { explainSteps, scheduleOf } from '../../lib/schedule/explain';
import { schedule, toPlan } from '../../lib/schedule/plan';
import { batch } from '../../lib/transforms/batch';
import { jvpNodes } from '../../lib/transforms/forward';
import { linearizeNodes, pullback } from '../../lib/transforms/reverse';

const trace = { transform: 'test', active: true };
const limits = [
  { maxOperands: 32, maxInstructions: 256, minEpilogue: 1, maxBlockBytes: Infinity },
  { maxOperands: 12, maxInstructions: 16, minEpilogue: 1, maxBlockBytes: Infinity },
];
const input = (shape: number[], dtype: Dtype = float32): Node => p.placeholder(shape, dtype, trace);
const onCpu = <T>(body: () => T): T => onDevice(cpuDevice, body);
const onGpu = <T>(body: () => T): T => onDevice(gpuDevice, body);
const devicesOf = (...nodes: Node[]): number[] => scheduleOf(nodes, limits).steps.map(({ device }) => device);

/** A test may itself run with the GPU as the default device. */
const inherited = nodeDevice();
const other = inherited === cpuDevice ? gpuDevice : cpuDevice;
const [here, there] = [inherited, other].map((device) => (device === gpuDevice ? 'GPU' : 'CPU'));

describe('steps', () => {
  test('run where their nodes were asked for, and never mix devices', () => {
    const x = input([8]);
    const y = onCpu(() => p.exp(x));
    const z = onGpu(() => p.sin(y));
    const w = onCpu(() => p.add(z, y));
    expect(devicesOf(w)).toEqual([cpuDevice, gpuDevice, cpuDevice]);
    expect(devicesOf(onGpu(() => p.add(p.sin(p.exp(x)), x)))).toEqual([gpuDevice]);
  });

  test('that read the same array on two devices are two', () => {
    const x = input([64]);
    expect(
      devicesOf(
        onCpu(() => p.exp(x)),
        onGpu(() => p.sin(x)),
      ),
    ).toEqual([cpuDevice, gpuDevice]);
  });

  test('are computed again by no reader on another device', () => {
    const x = input([64]);
    const cheap = onCpu(() => p.negative(x));
    const steps = scheduleOf([onGpu(() => p.square(cheap)), onGpu(() => p.sum(p.exp(cheap), [0]))], limits).steps;
    expect(steps[0].device).toBe(cpuDevice);
    expect(steps.slice(1).every(({ device }) => device === gpuDevice)).toBe(true);
  });

  test('keep to the limits of their own device', () => {
    let x = input([8]);
    const chain = (): Node => {
      for (let i = 0; i < 40; i++) x = p.sin(x);
      return x;
    };
    expect(devicesOf(onCpu(chain))).toHaveLength(1);
    expect(devicesOf(onGpu(chain)).length).toBeGreaterThanOrEqual(3);
  });

  test('other than kernels have devices too', () => {
    const [a, b] = [input([4, 4]), input([4, 4])];
    expect(devicesOf(onGpu(() => p.matmul(a, b)))).toEqual([gpuDevice]);
    expect(devicesOf(onGpu(() => p.sort(a)))).toEqual([gpuDevice]);
    expect(devicesOf(onGpu(() => p.concatenate([a, b], 0)))).toContain(gpuDevice);
    expect(devicesOf(onGpu(() => p.concatenate([a, b], 0)))).not.toContain(cpuDevice);
  });

  test('say where they run if that is not the default device', () => {
    const x = input([8]);
    const [kernel] = explainSteps([onDevice(other, () => p.exp(x))], limits);
    expect(kernel).toMatch(new RegExp(`^kernel on the ${there}`));
    expect(explainSteps([p.exp(x)], limits)[0]).not.toContain(here);
  });

  test('have their device beside their kind in the program', () => {
    const { mixed, words } = programOf(onGpu(() => p.exp(onCpu(() => p.sin(input([8]))))));
    expect(mixed).toBe(true);
    const devices: number[] = [];
    const outputs = words[4];
    const temporaries = words[5];
    let at = 10 + 2 * outputs + 5 * temporaries;
    for (let step = 0; step < words[7]; step++, at += words[at + 1]) {
      expect(words[at] & 0xff).toBe(0);
      devices.push(words[at] >> 8);
    }
    expect(words[1]).toBe(4);
    expect(devices).toEqual([cpuDevice, gpuDevice]);
  });
});

function walkOf(node: Node): Walk {
  const walk = new Walk();
  walk.placeholders = { has: () => true, get: () => null };
  walk.collect([node], 'test');
  return walk;
}

function programOf(node: Node): { mixed: boolean; words: Int32Array } {
  const walk = walkOf(node);
  return { mixed: walk.mixed, words: toPlan(walk, schedule(walk, limits)).words };
}

test('programs that differ in a device have different plans', () => {
  const x = input([8]);
  const keyOf = (node: Node): number[] => {
    const walk = walkOf(node);
    return [...walk.key.subarray(0, walk.keyLength)];
  };
  expect(keyOf(onCpu(() => p.exp(x)))).toEqual(keyOf(onCpu(() => p.exp(x))));
  expect(keyOf(onCpu(() => p.exp(x)))).not.toEqual(keyOf(onGpu(() => p.exp(x))));
});

test('what is cast on the CPU is not cast by a reader on the GPU', () => {
  const x = input([4, 3], float64);
  const cast = onGpu(() => p.astype(x, float32));
  const steps = scheduleOf([onGpu(() => p.exp(p.transpose(cast, [1, 0])))], limits).steps;
  expect(steps.map(({ device }) => device)).toEqual([cpuDevice, gpuDevice]);
  expect(steps[1].kernel?.loads.every(({ dtype }) => dtype === float32.code)).toBe(true);
});

describe('float64 while the GPU is the default', () => {
  const x = input([2, 3], float64);

  test('is made, held, shown and converted, by the CPU', () => {
    const nodes = onGpu(() => [
      p.full(1, [2], float64),
      p.arange(0, 1, [2], 0, float64),
      p.reshape(x, [6]),
      p.transpose(x, [1, 0]),
      p.broadcastTo(x, [4, 2, 3]),
      p.slice(x, [0, 0], [1, 2]),
      p.identity(x),
      p.astype(x, float32),
      p.astype(input([2], int32), float64),
      nodeOf(mx.array([[1, 2]], mx.float64)),
      nodeOf(mx.array([mx.array([1, 2], mx.float64), mx.array([3, 4])])),
      nodeOf(mx.linspace(0, 1, 5, mx.float64)),
      nodeOf(mx.arange(0, 4, 0.5, mx.int32)),
    ]);
    for (const node of nodes) expect(node.device).toBe(cpuDevice);
  });

  test('is refused by name where something is computed', () => {
    const y = mx.array(new Float64Array([1, 2]));
    const text = (name: string): string => `[${name}] float64 is not supported on the GPU: use stream: mx.cpu or astype(float32)`;
    onGpu(() => {
      expect(() => mx.add(y, 1)).toThrow(text('add'));
      expect(() => y.mean()).toThrow(text('mean'));
      expect(() => mx.softmax(y)).toThrow(text('softmax'));
      expect(() => y.less(2)).toThrow(text('less'));
      expect(() => mx.random.uniform(0, 1, [2], mx.float64)).toThrow(text('random.uniform'));
      expect(() => mx.concatenate([y, y])).toThrow(text('concatenate'));
    });
    expect(nodeDevice()).toBe(inherited);
    let error: unknown;
    try {
      onGpu(() => y.add(1));
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ code: 'METALGRAD_DEVICE' });
    expect((error as Error).stack).toContain('[add] float64');
  });

  test('is computed where a call says so', () => {
    const y = mx.array(new Float64Array([1, 2]));
    const z = onGpu(() => mx.add(y, 1, mx.cpu));
    expect(nodeOf(z).device).toBe(cpuDevice);
    expect(nodeOf(onGpu(() => mx.reshape(y, 2, 1, { stream: mx.cpu }))).device).toBe(cpuDevice);
    expect(nodeOf(onGpu(() => y.sum({ stream: mx.cpu }))).device).toBe(cpuDevice);
    expect(z.tolist()).toEqual([2, 3]);
  });

  test('checks gradients, on the CPU', () => {
    expect(() => onGpu(() => mx.checkGrads((x: mx.array) => mx.sin(x).multiply(x), [mx.array([0.5, 1.5])]))).not.toThrow();
    expect(nodeDevice()).toBe(inherited);
  });
});

describe('rules run where their node is', () => {
  const f = (x: Node): Node => onDevice(other, () => p.exp(p.multiply(x, p.full(3, x.shape, x.dtype))));
  const computed = (node: Node, found = new Set<Node>()): Node[] => {
    if (node.inputs.length > 0 && !found.has(node)) {
      found.add(node);
      for (const next of node.inputs) computed(next, found);
    }
    return [...found].filter(({ primitive }) => primitive.lowering.kind === 'elementwise');
  };

  test('forwards', () => {
    const { tangents } = jvpNodes(([x]) => [f(x)], [input([4])], [input([4])], 'result');
    for (const node of computed(tangents[0] as Node)) expect(node.device).toBe(other);
    expect(nodeDevice()).toBe(inherited);
  });

  test('backwards, and cotangents are added where they meet', () => {
    const tracer = p.identity(input([4]));
    const linear = linearizeNodes([p.add(f(tracer), p.sin(tracer))], [tracer], 'test');
    const [cotangent] = pullback(linear, [input([4])]) as [Node];
    expect(cotangent.primitive.name).toBe('add');
    expect(cotangent.device).toBe(inherited);
    expect(computed(cotangent).map(({ device }) => device)).toContain(other);
    expect(nodeDevice()).toBe(inherited);
  });

  test('in batches', () => {
    const tracer = input([4]);
    const [{ node }] = batch([f(tracer)], [tracer], [input([3, 4])], 3);
    for (const rebuilt of computed(node)) expect(rebuilt.device).toBe(other);
    expect(nodeDevice()).toBe(inherited);
  });

  test('and an exception in one restores the default', () => {
    const broken = mx.customFunction((x: mx.array) => onDevice(other, () => x.exp()));
    broken.vjp(() => {
      throw new Error('broken');
    });
    expect(() => mx.grad((x: mx.array) => onDevice(other, () => broken(x).sum()))(mx.array(1))).toThrow('broken');
    expect(nodeDevice()).toBe(inherited);
  });

  test('of composites too', () => {
    const node = nodeOf(
      mx.grad((x: mx.array) =>
        onDevice(other, () =>
          mx
            .checkpoint((y: mx.array) => mx.exp(mx.sin(y)))(x)
            .sum(),
        ),
      )(mx.array([1, 2])),
    );
    expect(scheduleOf([node], limits).steps.map(({ device }) => device)).not.toContain(inherited);
  });
});

describe('compiled functions', () => {
  test('are traced once for each default device', () => {
    const traced: number[] = [];
    const f = mx.compile((x: mx.array) => {
      traced.push(nodeDevice());
      return x.add(1);
    });
    const x = mx.array([1, 2]);
    const results = [cpuDevice, gpuDevice, cpuDevice, gpuDevice].map((device) => onDevice(device, () => f(x)));
    expect(traced).toEqual([cpuDevice, gpuDevice]);
    expect(results[3].shape).toEqual([2]);
    expect(results[2].tolist()).toEqual([2, 3]);
  });

  test('whose operations are repeated for other shapes repeat them where they were', () => {
    const devices: number[][] = [];
    const f = mx.compile((x: mx.array) => onDevice(other, () => x.exp()).sin(), true);
    for (const size of [2, 3]) {
      const sine = nodeOf(mx.vmap((x: mx.array) => f(x))(mx.ones([1, size])));
      devices.push([sine.device, sine.inputs[0].device]);
    }
    expect(devices).toEqual([
      [inherited, other],
      [inherited, other],
    ]);
  });
});

test('graphs print the device of what does not run on the default one', () => {
  const text = String(mx.makeGraph((x: mx.array) => onDevice(other, () => mx.exp(x)).add(1))(mx.array([1, 2])));
  expect(text).toMatch(new RegExp(`exp a.* device=${there.toLowerCase()}$`, 'm'));
  expect(text.match(/device=/g)).toHaveLength(1);
});

test('scopes nest, and end with what was before', () => {
  {
    using _outer = mx.stream(mx.cpu);
    expect(mx.defaultDevice()).toBe(mx.cpu);
    const stream = mx.newStream(mx.cpu);
    {
      using _inner = mx.stream(stream);
      expect(mx.defaultStream()).toBe(stream);
      expect(nodeOf(mx.array([1]).add(1)).device).toBe(cpuDevice);
    }
    expect(mx.defaultStream()).not.toBe(stream);
  }
  expect(nodeDevice()).toBe(inherited);
});
