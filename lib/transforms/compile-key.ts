/** What tells two calls of a compiled function apart: structure, dtypes and shapes of the arrays, and constants. */

import { isArray, nodeOf } from '../array';
import { type Node, nodeDevice } from '../graph/node';
import { isPlainObject, showKey } from '../tree';
import { checkAttached } from '../values/construct';

/** A leaf that is no array: its value is part of the compiled function. */
export interface Constant {
  readonly path: string;
  /** What tells it from other values. */
  readonly text: string;
  readonly value: unknown;
}

const ids = new WeakMap<object, number>();
const symbolIds = new Map<symbol, number>();
let nextId = 0;

function identityOf(value: object): number {
  let id = ids.get(value);
  if (id === undefined) ids.set(value, (id = nextId++));
  return id;
}

function textOf(value: unknown): string {
  switch (typeof value) {
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'string':
      return JSON.stringify(value);
    case 'bigint':
      return `${value}n`;
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'symbol': {
      let id = symbolIds.get(value);
      if (id === undefined) symbolIds.set(value, (id = nextId++));
      return `@${id}`;
    }
    default:
      break;
  }
  if (value === null) return 'null';
  if (ArrayBuffer.isView(value)) {
    checkAttached('compile', value);
    // Its elements may change while it stays the same object.
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return `${value.constructor.name}:${bytes.toString('latin1')}`;
  }
  return `#${identityOf(value as object)}`;
}

/** Collects what tells calls apart, tree by tree. */
export class CallKey {
  /** The default device, structure and dtypes. */
  structure = `${nodeDevice()}`;
  /** Shapes, in the order of the arrays. */
  shapes = '';
  readonly constants: Constant[] = [];
  readonly nodes: Node[] = [];

  add(tree: unknown, path: string): void {
    if (isArray(tree)) {
      const node = nodeOf(tree, 'compile');
      this.nodes.push(node);
      this.structure += `a${node.dtype.code}`;
      this.shapes += `[${node.shape.join()}]`;
    } else if (Array.isArray(tree)) {
      this.structure += '(';
      for (let i = 0; i < tree.length; i++) this.add(tree[i], path + showKey(i));
      this.structure += ')';
    } else if (isPlainObject(tree)) {
      this.structure += '{';
      for (const key of Object.keys(tree)) {
        this.structure += `${JSON.stringify(key)}:`;
        this.add(tree[key], path + showKey(key));
      }
      this.structure += '}';
    } else {
      this.structure += 'c';
      this.constants.push({ path, text: textOf(tree), value: tree });
    }
  }

  /** All but the shapes: what a shapeless function must be traced for. */
  get shapeless(): string {
    let key = this.structure;
    for (const { text } of this.constants) key += `|${text.length}:${text}`;
    return key;
  }

  get exact(): string {
    return `${this.shapes}${this.shapeless}`;
  }
}
