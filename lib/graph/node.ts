/** The immutable graph behind arrays: a node names a primitive, its inputs and its attributes. */

import type { Dtype } from '../dtype';
import type { Primitive } from '../primitives/primitive';
import type { Storage } from '../runtime/storage';
import { cpuDevice, deviceOf } from './placement';

export type Shape = readonly number[];

/** The abstract value of an array: what a transform knows of it without evaluating it. */
export interface ShapeDtype {
  readonly shape: Shape;
  readonly dtype: Dtype;
}

/** How the elements of an evaluated node lie in its storage, in elements. */
export interface Layout {
  readonly offset: number;
  readonly strides: readonly number[];
}

/**
 * What one transform call produced together: evaluating any gradient of it also evaluates the value and the
 * auxiliary results, because users read those next.
 */
export interface Companions {
  readonly nodes: readonly Node[];
}

/** One result of a compiled function or a loop that has run. */
export interface Result {
  readonly storage: Storage;
  readonly layout: Layout | null;
}

/**
 * What is known of a node that has no value, where there is something. It lies in the node: in a WeakMap it would outlive the node by
 * a collection, since V8's minor collections take the values of old maps for reachable.
 */
export interface Notes {
  companions: Companions | null;
  /** The outputs of what replaces a composite before scheduling. */
  expansion: readonly Node[] | null;
  /** What a compiled function or a loop gave, kept for projections that may be asked for later. */
  results: readonly Result[] | null;
}

/** The notes of a node, to be changed. */
export function notesOf(node: Node): Notes {
  node.notes ??= { companions: null, expansion: null, results: null };
  return node.notes;
}

let nextId = 1;

/** The id that the next node will get: nodes made from now on have ids of at least this. */
export function nextNodeId(): number {
  return nextId;
}

const cpu: number = cpuDevice;
let currentDevice: number = cpu;

/** The device of the nodes that are made now: the default one, or what a call, a scope or a rule's walk says. */
export function nodeDevice(): number {
  return currentDevice;
}

/** Makes nodes from now on those of `device`; returns the former one, for whoever puts it back. */
export function setNodeDevice(device: number): number {
  const former = currentDevice;
  currentDevice = device;
  return former;
}

/** Runs `body`, whose nodes are those of `device`. An exception restores the state. */
export function onDevice<T>(device: number, body: () => T): T {
  const former = setNodeDevice(device);
  try {
    return body();
  } finally {
    currentDevice = former;
  }
}

/**
 * One value of the graph. Ids grow in the order of creation and inputs exist before their consumers, so sorting by id
 * is a topological order, and a walk may stop at ids below those of the nodes it started from.
 */
export class Node implements ShapeDtype {
  readonly id: number = nextId++;
  /** Where it is computed; see `placement.ts`. */
  readonly device: number = currentDevice;
  /** Set once the value exists; `layout` is null when it is contiguous, row-major, from offset 0. */
  storage: Storage | null = null;
  layout: Layout | null = null;
  /** Null once the value exists. */
  notes: Notes | null = null;
  /**
   * Arrays that name this node and nodes that read it and have no value yet. Those that were collected still count: 0 is certain, more is not.
   * Disposing the last array frees the memory at once.
   */
  uses = 0;
  /** Scratch of the walk that visited this node last: its number, and this node's index in it. */
  visit = 0;
  local = 0;

  constructor(
    /** Primitives are stored with their attribute type erased; `attrs` always is of the primitive's own type. */
    readonly primitive: Primitive,
    /** Emptied after evaluation outside a trace, so that a value never holds the graph that made it. */
    public inputs: readonly Node[],
    readonly attrs: unknown,
    readonly shape: Shape,
    readonly dtype: Dtype,
  ) {
    if (currentDevice !== cpu) this.device = deviceOf(primitive, inputs, dtype, currentDevice);
    for (let i = 0; i < inputs.length; i++) inputs[i].uses++;
  }
}
