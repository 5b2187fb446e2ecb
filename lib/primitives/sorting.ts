/** Sorting along the last axis, whole or in part: stable, NaN last. */

import { uint32 } from '../dtype';
import { rangeError, showShape } from '../errors';
import { Node, nodeDevice, type ShapeDtype } from '../graph/node';
import { cpuDevice } from '../graph/placement';
import { project } from './control';
import { concatenate, slice } from './movement';
import { definePrimitive, type Primitive } from './primitive';
import { noTangent } from './rules';
import { takeAlong } from './take-along';

function checkRank(where: string, x: ShapeDtype): void {
  if (x.shape.length === 0) throw rangeError(where, 'a scalar has no axis to sort along');
}

const sortNode = definePrimitive<null>({
  name: 'sort',
  lowering: { kind: 'sort', indices: false },
  infer([x]) {
    checkRank('sort', x);
    return { shape: x.shape, dtype: x.dtype };
  },
  jvp: (out, [t]) => (t === null ? null : takeAlong(t, argsort(out.inputs[0]), t.shape.length - 1)),
  vmap: ([x]) => sort(x),
});

const argsortNode = definePrimitive<null>({
  name: 'argsort',
  lowering: { kind: 'sort', indices: true },
  infer([x]) {
    checkRank('argsort', x);
    return { shape: x.shape, dtype: uint32 };
  },
  jvp: noTangent,
  vmap: ([x]) => argsort(x),
});

/** The values in ascending order. */
export function sort(x: Node): Node {
  checkRank('sort', x);
  return new Node(sortNode, [x], null, x.shape, x.dtype);
}

/** The positions (uint32) of the values in ascending order. */
export function argsort(x: Node): Node {
  checkRank('argsort', x);
  return new Node(argsortNode, [x], null, x.shape, uint32);
}

interface SelectionAttrs {
  /** What is put right: the position `kth`, or the number `k` of the largest. */
  readonly place: number;
}

/** Values and the positions (uint32) that they come from, of which only what somebody reads is computed. */
function defineSelection(name: 'partition' | 'topk', lengthOf: (length: number, place: number) => number): Primitive {
  const primitive: Primitive = definePrimitive<SelectionAttrs>({
    name,
    several: true,
    lowering: { kind: 'routine', routine: name, ints: ({ place }) => [place], optional: [0, 1] },
    key: ({ place }, key) => key.int(place),
    infer([x], { place }) {
      checkRank(name, x);
      const last = x.shape.length - 1;
      const length = x.shape[last];
      if (!(place >= 0 && lengthOf(length, place) <= length))
        throw rangeError(name, `${place} is out of range for shape ${showShape(x.shape)}`);
      const shape = [...x.shape.slice(0, last), lengthOf(length, place)];
      return [
        { shape, dtype: x.dtype },
        { shape, dtype: uint32 },
      ];
    },
    jvp: (node, [t]) => [t === null ? null : takeAlong(t, project(node, 1), t.shape.length - 1), null],
    vmap([x], _mapped, _size, attrs) {
      const node = new Node(primitive, [x], attrs, [], x.dtype);
      return [0, 1].map((index) => ({ node: project(node, index), mapped: true }));
    },
  });
  return primitive;
}

const partitionNode = defineSelection('partition', (length, kth) => (kth < length ? length : length + 1));
const topkNode = defineSelection('topk', (_length, k) => k);

/** GPUs sort whole rows faster than they select. */
function selects(): boolean {
  return nodeDevice() === cpuDevice;
}

function selection(primitive: Primitive, x: Node, place: number, output: number): Node {
  return project(new Node(primitive, [x], { place } satisfies SelectionAttrs, [], x.dtype), output);
}

/** `count` elements along the last axis. */
function part(x: Node, start: number, count: number): Node {
  const last = x.shape.length - 1;
  const along = (end: number, other: (size: number) => number): number[] =>
    x.shape.map((size, axis) => (axis === last ? end : other(size)));
  return slice(
    x,
    along(start, () => 0),
    along(count, (size) => size),
  );
}

/** The positions of `partition` from those of the sorted values: on each side of `kth` in ascending order. */
function partitioned(order: Node, kth: number): Node {
  const last = order.shape.length - 1;
  const behind = order.shape[last] - kth - 1;
  const parts = [part(order, kth, 1)];
  if (kth > 0) parts.unshift(sort(part(order, 0, kth)));
  if (behind > 0) parts.push(sort(part(order, kth + 1, behind)));
  return parts.length === 1 ? order : concatenate(parts, last);
}

/**
 * The values with the one that sorting puts at `kth` there, those that sorting puts before it in front, the others behind, on both sides in the
 * order in which they stood.
 */
export function partition(x: Node, kth: number): Node {
  return selects() ? selection(partitionNode, x, kth, 0) : takeAlong(x, argpartition(x, kth), x.shape.length - 1);
}

/** The positions (uint32) of the values of `partition`. */
export function argpartition(x: Node, kth: number): Node {
  return selects() ? selection(partitionNode, x, kth, 1) : partitioned(argsort(x), kth);
}

/** The last `k` of the sorted values. */
export function topk(x: Node, k: number): Node {
  return selects() ? selection(topkNode, x, k, 0) : part(sort(x), x.shape[x.shape.length - 1] - k, k);
}
