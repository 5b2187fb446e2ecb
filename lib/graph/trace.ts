/** Which transforms are running: evaluation and compiled functions behave differently inside them. */

import type { Node } from './node';

let depth = 0;
let kept: Node[] = [];

/** How many transforms are running the user's function right now. */
export function traceDepth(): number {
  return depth;
}

/** Runs `body` as part of a trace. An exception restores the state. */
export function inTrace<T>(body: () => T): T {
  depth++;
  try {
    return body();
  } finally {
    depth--;
    if (depth === 0) {
      for (const node of kept) node.inputs = [];
      kept = [];
    }
  }
}

/** Drops the inputs of an evaluated node, at once or when the last trace ends. */
export function dropInputs(node: Node): void {
  if (depth === 0) node.inputs = [];
  else kept.push(node);
}
