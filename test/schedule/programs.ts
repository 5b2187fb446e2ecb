/** Random programs on nodes, the same for the same seed: values stay small integers, so that every order of operations gives the same. */

import { int32, uint32 } from '../../lib/dtype';
import type { Node, Shape } from '../../lib/graph/node';
import * as p from '../../lib/primitives';
import { sizeOf } from '../../lib/shape';
import { widest } from '../support/default';

/** Random numbers from a seed. */
export class Random {
  constructor(private state: number) {}

  /** An integer from 0 to below `n`. */
  below(n: number): number {
    this.state = (Math.imul(this.state ^ (this.state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)];
  }
}

export interface Program {
  /** Every node of the widest dtype, in the order of creation; leaves first. */
  readonly nodes: Node[];
  readonly outputs: Node[];
}

/** Bound of the absolute values: what may exceed it is clamped. */
const bound = 1000;

function clamped(x: Node): Node {
  return p.maximum(p.minimum(x, p.full(bound, x.shape, widest)), p.full(-bound, x.shape, widest));
}

function shapeOf(random: Random): number[] {
  return Array.from({ length: random.below(4) }, () => random.pick([1, 2, 3, 4, 6, random.below(12) === 0 ? 0 : 5]));
}

/** `structure` decides the operations, `data` the scalars and slice starts; `made` is called after each. */
export function buildProgram(
  structure: Random,
  data: Random,
  leaf: (shape: Shape) => Node,
  size: number,
  made?: (nodes: readonly Node[]) => void,
): Program {
  const nodes = Array.from({ length: 3 }, () => leaf(shapeOf(structure)));
  for (let i = 0; i < size; i++) {
    const next = step(structure, data, nodes);
    if (next === null || sizeOf(next.shape) > 4096) continue;
    nodes.push(next);
    made?.(nodes);
  }
  const outputs = Array.from(
    { length: 1 + structure.below(4) },
    () => nodes[nodes.length - 1 - structure.below(Math.min(nodes.length, 12))],
  );
  return { nodes, outputs };
}

function step(random: Random, data: Random, nodes: readonly Node[]): Node | null {
  const recent = (): Node => nodes[nodes.length - 1 - random.below(Math.min(nodes.length, 6))];
  const x = recent();
  const { shape } = x;
  const rank = shape.length;
  const number = (): Node => p.full(data.below(9) - 4, shape, widest);
  /** Another array of the same shape, if there is one. */
  const like = (): Node => {
    const same = nodes.filter((node) => node.shape.length === rank && node.shape.every((n, axis) => n === shape[axis]));
    return random.pick([...same.slice(-4), number()]);
  };
  const axes = (): number[] => [...shape.keys()].filter(() => random.below(2) === 0);
  const indexOf = (size: number, of: Shape): Node => {
    const flat = p.arange(data.below(3), 1, [sizeOf(of)], 0, int32);
    return p.reshape(p.remainder(flat, p.full(Math.max(1, size), [sizeOf(of)], int32)), of);
  };
  switch (random.below(24)) {
    case 0:
    case 1:
      return clamped(p.add(x, like()));
    case 2:
      return clamped(p.subtract(like(), x));
    case 3:
    case 4:
      return clamped(p.add(p.multiply(x, like()), like()));
    case 5:
      return p.maximum(x, like());
    case 6:
      return p.where(p.greater(x, number()), like(), x);
    case 7:
      return random.pick([p.negative, p.abs])(x);
    case 8:
      return p.transpose(
        x,
        [...shape.keys()].map((axis) => rank - 1 - axis),
      );
    case 9: {
      const total = sizeOf(shape);
      const divisor = random.pick([1, 2, 3, 4, 5, 6].filter((n) => total % n === 0));
      return p.reshape(
        x,
        total === 0 ? [0] : random.pick([[total], [divisor, total / divisor], [1, ...shape], [total / divisor, 1, divisor]]),
      );
    }
    case 10:
      return rank > 3 ? null : p.broadcastTo(x, [random.pick([2, 3]), ...shape.map((n) => (n === 1 ? random.pick([1, 4]) : n))]);
    case 11: {
      const steps = shape.map(() => random.pick([1, 1, 2, -1]));
      const sizes = shape.map((n, axis) => (n === 0 ? 0 : Math.max(1, Math.floor((n - random.below(2)) / Math.abs(steps[axis])))));
      const starts = shape.map((n, axis) => {
        const room = n - 1 - (sizes[axis] - 1) * Math.abs(steps[axis]);
        const first = room > 0 ? data.below(room + 1) : 0;
        return steps[axis] > 0 ? first : Math.max(0, n - 1 - first);
      });
      return p.slice(x, starts, sizes, steps);
    }
    case 12:
    case 13: {
      const over = axes();
      if (over.length === 0) return null;
      return clamped(p.sum(x, over));
    }
    case 14: {
      const over = axes();
      if (over.length === 0 || over.some((axis) => shape[axis] === 0)) return null;
      return random.pick([p.max, p.min])(x, over);
    }
    case 15: {
      if (rank === 0) return null;
      const axis = random.below(rank);
      return shape[axis] === 0 ? null : p.astype(random.pick([p.argmax, p.argmin])(x, axis), widest);
    }
    case 16:
      return rank === 0 ? null : p.concatenate([x, like(), x], random.below(rank));
    case 17: {
      const widths = shape.map(() => random.below(3));
      return p.pad(
        x,
        widths,
        shape.map(() => random.below(2)),
        shape.map(() => random.below(2)),
      );
    }
    case 18: {
      if (rank === 0) return null;
      const sizes = shape.map((n) => random.below(n + 1));
      const update = p.slice(
        like(),
        shape.map(() => 0),
        sizes,
      );
      return p.sliceUpdate(
        x,
        update,
        shape.map((n, axis) => (sizes[axis] === 0 ? 0 : data.below(n - sizes[axis] + 1))),
      );
    }
    case 19: {
      if (rank < 2) return null;
      const flipped = p.swapaxes(like(), rank - 2, rank - 1);
      return clamped(p.matmul(x, flipped));
    }
    case 20: {
      if (rank === 0 || shape[0] === 0) return null;
      const index = indexOf(shape[0], random.pick([[2], [3, 2], []]));
      return p.gather(x, [index], [0], [1, ...shape.slice(1)]);
    }
    case 21: {
      if (rank === 0 || shape[0] === 0) return null;
      const index = indexOf(shape[0], [2]);
      const update = p.broadcastTo(
        p.slice(
          like(),
          shape.map(() => 0),
          [1, ...shape.slice(1)],
        ),
        [2, 1, ...shape.slice(1)],
      );
      return clamped(p.scatter(x, update, [index], [0], random.pick(['set', 'add', 'maximum'] as const)));
    }
    case 22:
      return rank === 0 ? null : random.pick([p.sort, (y: Node) => p.astype(p.argsort(y), widest)])(x);
    case 23:
      return random.pick([
        () => p.depends(x, [like()]),
        () => p.astype(p.astype(x, int32), widest),
        () => (rank === 0 ? null : p.add(x, p.arange(data.below(5), 2, shape, random.below(rank), widest))),
        () => p.astype(p.astype(p.abs(x), uint32), widest),
      ])();
    default:
      return null;
  }
}
